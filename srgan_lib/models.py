"""The generator (SRResNet) and the discriminator: the paper's, the blog post's, the course's.

Taught in chapters 3 and 4. Source: Ledig et al. 2017, figure 4 and section 2.1.

| variant  | generator                               | discriminator                         |
|----------|-----------------------------------------|---------------------------------------|
| "paper"  | LR in [0, 1], SR in [-1, 1], batch norm | batch norm, two dense layers          |
| "blog"   | both ImageNet-normalized, `BLOG_BN_EPS` | fully convolutional, averaged logit   |
| "course" | both in [0, 1], adds to bicubic, no BN  | as the blog's, with the paper's BN    |
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from .errors import ConfigError, ImageError

SCALES = (2, 4, 8)
VARIANTS = ("paper", "blog", "course")
MIN_LR_SIZE = 8

# The post calls nn.BatchNorm2d(64, 0.8). It meant momentum, but the second argument is eps, so its
# networks divide by sqrt(var + 0.8). The quirk is kept: weights trained the post's way need it.
BLOG_BN_EPS = 0.8


def _check_variant(variant: str) -> None:
    if variant not in VARIANTS:
        raise ConfigError(f"Unknown variant {variant!r}: choose one of {', '.join(VARIANTS)}.")


def _batch_norm(channels: int, variant: str) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=BLOG_BN_EPS if variant == "blog" else 1e-5)


class ResidualBlock(nn.Module):
    """conv - BN - PReLU - conv - BN, added to the input. (N, C, H, W) -> (N, C, H, W)."""

    def __init__(self, channels: int = 64, variant: str = "paper"):
        super().__init__()
        plain = variant == "course"
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.Identity() if plain else _batch_norm(channels, variant),
            nn.PReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.Identity() if plain else _batch_norm(channels, variant),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


class UpsampleBlock(nn.Sequential):
    """conv to 4C channels, PixelShuffle(2), PReLU. (N, C, H, W) -> (N, C, 2H, 2W)."""

    def __init__(self, channels: int = 64):
        super().__init__(
            nn.Conv2d(channels, 4 * channels, 3, padding=1), nn.PixelShuffle(2), nn.PReLU()
        )


class Generator(nn.Module):
    """SRResNet: from an LR picture to an SR picture `scale` times as wide and high.

    Args:
        scale: 2, 4 or 8. Each doubling is one `UpsampleBlock`, log2(scale) in all. (The post makes
            int(scale / 2) of them: right for 2 and 4, one too many for 8. That quirk is not kept,
            because its networks for 8 would return 16 times the size.)
        num_blocks: residual blocks, B = 16 in the paper.
        channels: feature maps, 64 in the paper.
        variant: "paper", "blog" (no activation after the first convolution, batch norm with
            eps = 0.8 inside the blocks) or "course" (no batch norm; the network's output is added
            to PyTorch's bicubic enlargement of the input, and zero at the start).

    Shapes: LR (N, 3, H, W) with H, W >= 8 -> SR (N, 3, scale*H, scale*W).
    Values: LR in `input_range`, SR in `output_range` (names of `srgan_lib.images`), not clamped:
    a clamp would have no gradient outside the range.

    Raises:
        ConfigError: a scale or variant that does not exist, fewer than one block or channel.
        ImageError: an input that is not (N, 3, H, W) with H, W >= 8.
    """

    def __init__(
        self, scale: int = 4, num_blocks: int = 16, channels: int = 64, variant: str = "paper"
    ):
        super().__init__()
        _check_variant(variant)
        if scale not in SCALES:
            raise ConfigError(f"Scale {scale!r} is not supported: choose 2, 4 or 8.")
        if num_blocks < 1 or channels < 1:
            raise ConfigError(
                f"A generator needs at least 1 block and channel, not {num_blocks} and {channels}."
            )
        self.scale, self.num_blocks, self.channels = int(scale), int(num_blocks), int(channels)
        self.variant = variant
        self.input_range = "imagenet" if variant == "blog" else "unit"
        self.output_range = {"paper": "signed", "blog": "imagenet", "course": "unit"}[variant]

        self.head = nn.Sequential(
            nn.Conv2d(3, channels, 9, padding=4),
            nn.Identity() if variant == "blog" else nn.PReLU(),
        )
        self.blocks = nn.Sequential(*(ResidualBlock(channels, variant) for _ in range(num_blocks)))
        self.fuse = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            # The post gives its eps inside the blocks only; here it takes the default.
            nn.Identity() if variant == "course" else nn.BatchNorm2d(channels),
        )
        self.upsample = nn.Sequential(
            *(UpsampleBlock(channels) for _ in range(int(math.log2(scale))))
        )
        self.tail = nn.Conv2d(channels, 3, 9, padding=4)
        if variant == "course":
            self._start_as_bicubic()

    def _start_as_bicubic(self) -> None:
        """Without batch norm nothing keeps activations in scale, so the first weights must.

        He et al. 2015 for every layer; the blocks' last layers small, because sixteen of them add
        up; the network's last layer zero, so that the first output is bicubic itself.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=0.25)  # 0.25: PReLU's first slope
                nn.init.zeros_(module.bias)
        with torch.no_grad():
            for block in self.blocks:
                block.body[3].weight.mul_(0.1)
        nn.init.zeros_(self.tail.weight)

    @property
    def config(self) -> dict[str, int | str]:
        """The arguments that make this network again."""
        names = ("scale", "num_blocks", "channels", "variant")
        return {name: getattr(self, name) for name in names}

    @property
    def receptive_radius(self) -> int:
        """How many LR pixels away, at most, an input pixel can change an output pixel.

        9x9 head: 4. Each block: two 3x3. Fuse: 1. Then `render_radius`.
        """
        return math.ceil(4 + 2 * self.num_blocks + 1 + self._render_reach)

    @property
    def render_radius(self) -> int:
        """The same for `render` alone: how far away a feature can change an output pixel."""
        return max(2, math.ceil(self._render_reach))  # 2: the course's bicubic enlargement

    @property
    def _render_reach(self) -> float:
        # The convolutions work on grids 1, 2, 4 ... times finer than LR, the 9x9 tail on SR's.
        return sum(1 / 2**i for i in range(len(self.upsample))) + 4 / self.scale

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        if lr.dim() != 4 or lr.shape[1] != 3 or min(lr.shape[2:]) < MIN_LR_SIZE:
            raise ImageError(
                f"The generator takes LR of shape (N, 3, H, W), H, W at least {MIN_LR_SIZE}, not "
                f"{tuple(lr.shape)}."
            )
        return self.render(self.features(lr), lr)

    def features(self, lr: torch.Tensor) -> torch.Tensor:
        """Everything that is computed on LR's grid: (N, 3, H, W) -> (N, channels, H, W)."""
        first = self.head(lr)
        return first + self.fuse(self.blocks(first))

    def render(self, features: torch.Tensor, lr: torch.Tensor) -> torch.Tensor:
        """SR from the `features` of `lr`, or of any rows of both.

        On its own it can go through a picture in strips: it needs `scale` squared times the memory
        of `features`, but sees hardly beyond a pixel's neighbors (`render_radius`).
        """
        sr = self.tail(self.upsample(features))
        if self.variant == "course":
            sr = sr + F.interpolate(lr, scale_factor=self.scale, mode="bicubic")
        return sr


class Discriminator(nn.Module):
    """Tells HR from SR: eight 3x3 convolutions, 64 to 512 channels, then one logit a picture.

    Args:
        variant: "paper" (Dense(1024), LeakyReLU, Dense(1) on 6x6 maps, exact for the paper's 96x96
            patches; other sizes are pooled to 6x6), "blog" (convolution to one channel and average
            pooling, batch norm with eps = 0.8), or "course" (as "blog", with the paper's batch
            norm: with the post's, or with spectral norm, the gradient that reaches SR at the start
            is thousands of times smaller).
        channels: of the first convolution, 64 in the paper.

    Shapes: (N, 3, H, W) of any size in the generator's `output_range` -> logits (N, 1), large for
    real. The paper and the post end in a sigmoid; here the losses contain it, because a saturated
    sigmoid has no gradient. `sigmoid(logits)` is D(x) in (0, 1).
    """

    def __init__(self, variant: str = "paper", channels: int = 64):
        super().__init__()
        _check_variant(variant)
        self.variant, self.channels = variant, channels
        layers: list[nn.Module] = []
        previous = 3
        for i in range(8):
            width = channels * 2 ** (i // 2)
            layers += [
                nn.Conv2d(previous, width, 3, stride=1 + i % 2, padding=1),
                _batch_norm(width, variant) if i > 0 else nn.Identity(),
                nn.LeakyReLU(0.2),
            ]
            previous = width
        self.features = nn.Sequential(*layers)
        if variant == "paper":
            self.head = nn.Sequential(
                nn.AdaptiveAvgPool2d(6),
                nn.Flatten(),
                nn.Linear(previous * 36, 16 * channels),
                nn.LeakyReLU(0.2),
                nn.Linear(16 * channels, 1),
            )
        else:
            self.head = nn.Sequential(
                nn.Conv2d(previous, 1, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
            )

    @property
    def config(self) -> dict[str, int | str]:
        """The arguments that make this network again."""
        return {"variant": self.variant, "channels": self.channels}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))
