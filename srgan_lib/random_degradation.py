"""D with a random delta, drawn anew for every patch: what a network for real photographs learns on.

Taught in chapter 8. Random order, and some steps done twice, are from Zhang et al. 2021 (BSRGAN);
two rounds that each end in JPEG, and gray noise, from Wang et al. 2021 (Real-ESRGAN). That all
defects of a patch share one strength, so that mild ones are as frequent as bad ones, is ours.
"""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from .degradation import require
from .system.batched_jpeg import jpeg, level


def blur(pictures: torch.Tensor, sigma: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
    """Gaussian blur of (N, 3, H, W), each by its own `sigma` (N, 2) in pixels along two axes.

    `angle` (N,) turns the axes; both are best on the CPU. Done on the frequencies, where a Gaussian
    has a formula for any sigma and angle. Borders are reflected.
    """
    h, w = pictures.shape[-2:]
    margin = min(math.ceil(3 * float(sigma.max())), h - 1, w - 1)  # on a GPU it would be waited for
    sigma, angle = sigma.to(pictures.device), angle.to(pictures.device)
    padded = F.pad(pictures, [margin] * 4, mode="reflect")
    fy = torch.fft.fftfreq(padded.shape[-2], device=pictures.device).view(1, -1, 1)
    fx = torch.fft.rfftfreq(padded.shape[-1], device=pictures.device).view(1, 1, -1)
    cos, sin = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
    along, across = sigma.view(-1, 2, 1, 1).unbind(1)
    exponent = (along * (cos * fx + sin * fy)) ** 2 + (across * (cos * fy - sin * fx)) ** 2
    response = torch.exp(-2 * math.pi**2 * exponent).unsqueeze(1)
    blurred = torch.fft.irfft2(torch.fft.rfft2(padded) * response, s=padded.shape[-2:])
    return blurred[..., margin : margin + h, margin : margin + w]


def noise(
    pictures: torch.Tensor,
    sigma: torch.Tensor,
    shot: torch.Tensor,
    gray: torch.Tensor,
    generator: torch.Generator,
) -> torch.Tensor:
    """Add noise of `sigma` (N,) levels to each of (N, 3, H, W).

    Args:
        shot: bool (N,): as of counted photons, stronger where it is bright, `sigma` at 127.5. Their
            Poisson distribution is taken as a Gaussian, which it is but for the darkest pixels.
        gray: bool (N,): the same in all three channels.
        generator: on the CPU or on the device of the pictures, which is faster.
    """
    n = len(pictures)
    drawn = torch.randn(pictures.shape, generator=generator, device=generator.device)
    drawn = drawn.to(pictures.device)
    drawn = torch.where(gray.view(n, 1, 1, 1), drawn[:, :1], drawn)
    growth = torch.where(shot.view(n, 1, 1, 1), (pictures.clamp(0) / 127.5).sqrt(), 1.0)
    return pictures + drawn * growth * sigma.view(n, 1, 1, 1)


def resize(pictures: torch.Tensor, size: tuple[int, int], method: str) -> torch.Tensor:
    """Shrink (N, 3, H, W) to `size` by "area", "bilinear" or "bicubic", against aliasing."""
    if method == "area":
        return F.interpolate(pictures, size, mode="area")
    return F.interpolate(pictures, size, mode=method, antialias=True)


def _most(uniform: torch.Tensor) -> torch.Tensor:
    """Of all that a strength allows, 40 to 100 %."""
    return 0.4 + 0.6 * uniform


METHODS = ("area", "bilinear", "bicubic")
TOGETHER = 4  # patches that share the order of their steps and their sizes in between


@dataclass(frozen=True)
class RandomDegradation:
    """The post's D(I_y, delta) with another delta for each patch, a batch at a time.

    A patch is blurred, resized and made noisy, in random order, then compressed as JPEG: once, or
    twice with a size in between. Its strength, uniform in 0 to 1, bounds all its defects.

    Attributes:
        clean: share of patches that keep the clean LR, so that the network stays good at it.
        blurred, noisy, compressed: shares of the others that get the defect, in each round.
        sigma: largest blur in HR pixels, wherever in the order. Half are not round.
        noise: largest standard deviation of the noise, of 255.
        quality: lowest and highest JPEG quality.
        twice: share of patches that go through two rounds.

    Raises:
        ConfigError: a share that is not from 0 to 1, or a range that cannot be.
    """

    clean: float = 0.1
    blurred: float = 0.7
    noisy: float = 0.6
    compressed: float = 0.85
    sigma: float = 3.0
    noise: float = 16.0
    quality: tuple[int, int] = (30, 95)
    twice: float = 0.3

    def __post_init__(self) -> None:
        for name in ("clean", "blurred", "noisy", "compressed", "twice"):
            share = getattr(self, name)
            require(0 <= share <= 1, f"The share {name!r} is from 0 to 1, not {share!r}.")
        for name in ("sigma", "noise"):
            most = getattr(self, name)
            require(0 <= most < math.inf, f"The largest {name} is at least 0, not {most!r}.")
        low, high = self.quality
        require(1 <= low <= high <= 100, f"JPEG qualities go from 1 to 100, not {self.quality!r}.")

    def __call__(
        self, hr: torch.Tensor, lr: torch.Tensor, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """LR patches as bad cameras would have taken them.

        Args:
            hr: uint8 (N, 3, H, W).
            lr: the clean LR patches of the same scenes, uint8 (N, 3, H / scale, W / scale).
            generator: a CPU generator; the same state gives the same patches on the same device.

        Returns:
            As `lr`.
        """
        n = len(hr)
        seed = int(torch.randint(2**62, (), generator=generator))
        # What decides is drawn on the CPU, the same everywhere; the noise itself on the device.
        rng = torch.Generator().manual_seed(seed)
        on_device = torch.Generator(hr.device).manual_seed(seed)
        clean = torch.rand(n, generator=rng) < self.clean
        strength = torch.rand(n, generator=rng)
        parts = [
            self._degrade(part.float(), lr.shape[-2:], some, rng, on_device)
            for part, some in zip(hr.split(TOGETHER), strength.split(TOGETHER), strict=True)
        ]
        bad = level(torch.cat(parts)).to(torch.uint8)
        kept = clean.to(hr.device).view(n, 1, 1, 1)
        return torch.where(kept, lr, bad).contiguous(memory_format=torch.channels_last)

    def _degrade(self, x, size, strength, rng, on_device) -> torch.Tensor:
        full, rounds = x.shape[-2], [size]
        if torch.rand((), generator=rng) < self.twice:
            share = float(torch.rand((), generator=rng))  # of the way from HR to LR
            sides = zip(x.shape[-2:], size, strict=True)
            rounds = [tuple(round(f + share * (s - f)) for f, s in sides), size]
        for wanted in rounds:
            for step in torch.randperm(3, generator=rng).tolist():
                if step == 0:
                    x = self._blur(x, strength, x.shape[-2] / full, rng)
                elif step == 1:
                    x = self._noise(x, strength, rng, on_device)
                else:
                    method = METHODS[int(torch.randint(len(METHODS), (), generator=rng))]
                    x = resize(x, wanted, method).clamp(0, 255)
            x = self._jpeg(x, strength, rng)
        return x

    def _blur(self, x, strength, size, rng) -> torch.Tensor:
        some, angle, turned, *axes = torch.rand((5, len(x)), generator=rng)
        axes = [_most(axis) * self.sigma * size * strength for axis in axes]
        sigma = torch.stack(axes, dim=1)
        sigma[:, 1] = torch.where(turned < 0.5, sigma[:, 0], sigma[:, 1])
        sigma[some >= self.blurred] = 0
        return blur(x, sigma, math.pi * angle)

    def _noise(self, x, strength, rng, on_device) -> torch.Tensor:
        some, amount, shot, gray = torch.rand((4, len(x)), generator=rng)
        sigma = torch.where(some < self.noisy, _most(amount) * self.noise * strength, 0.0)
        shot, gray = shot < 0.5, gray < 0.4
        return noise(x, *(v.to(x.device) for v in (sigma, shot, gray)), on_device).clamp(0, 255)

    def _jpeg(self, x, strength, rng) -> torch.Tensor:
        some, amount = torch.rand((2, len(x)), generator=rng)
        low, high = self.quality
        quality = (high - _most(amount) * (high - low) * strength).round().to(x.device)
        compressed = (some < self.compressed).view(-1, 1, 1, 1).to(x.device)
        return torch.where(compressed, jpeg(x, quality), x)


# What a recipe may name; None is the pool's own LR, `bicubic_downscale` of the whole picture.
DEGRADATIONS: dict[str, RandomDegradation | None] = {
    "bicubic": None,
    "photo": RandomDegradation(),
}
