"""How close SR comes to HR: PSNR, SSIM and LPIPS of two pictures.

Taught in chapters 1 and 5; `evaluation` takes them over a whole folder. Source: Ledig et al.
2017, section 3.1: PSNR and SSIM are taken on the Y channel with a border of `scale` pixels cropped.
The paper's SSIM is that of a video codec's tool, `ssim_daala`; most other tables have Wang's,
`ssim`. LPIPS sees the whole picture in RGB.
"""

import math
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from .degradation import correlate, gaussian
from .errors import ConfigError, ImageError, WeightsError
from .images import check_image, convert, to_tensor
from .system.state_dicts import download_state, read_state

PEAK = 255.0  # of 8-bit pictures, and never the brightest pixel that happens to be there
LPIPS_MIN_SIZE = 31  # below this AlexNet's second pooling has nothing left


def rgb_to_y(image: np.ndarray) -> np.ndarray:
    """Luma of BT.601, 16 to 235, as MATLAB's `rgb2ycbcr` weights it.

    Args:
        image: uint8 HxWx3.

    Returns:
        float64 HxW, not rounded.
    """
    return 16 + check_image(image) @ np.array([65.481, 128.553, 24.966]) / 255


def _check_same_size(a: np.ndarray, b: np.ndarray) -> None:
    if check_image(a).shape != check_image(b).shape:
        raise ImageError(
            f"Pictures of one size are needed, not {a.shape[1]}x{a.shape[0]} and "
            f"{b.shape[1]}x{b.shape[0]}: crop or rescale one of them."
        )


def _comparable(
    a: np.ndarray, b: np.ndarray, border: int, channel: str
) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures, cropped, as float64 HxW (Y) or HxWx3 (RGB)."""
    _check_same_size(a, b)
    if channel not in ("y", "rgb"):
        raise ConfigError(f"Unknown channel {channel!r}: choose y or rgb.")
    height, width = a.shape[:2]
    if not 0 <= 2 * border < min(height, width):
        raise ImageError(f"A border of {border} does not fit a picture of {width}x{height} pixels.")
    inside = np.s_[border : height - border, border : width - border]
    if channel == "y":
        return rgb_to_y(a[inside]), rgb_to_y(b[inside])
    return a[inside].astype(float), b[inside].astype(float)


def psnr(a: np.ndarray, b: np.ndarray, *, border: int = 0, channel: str = "y") -> float:
    """Peak signal-to-noise ratio in decibels; infinite for identical pictures.

    Args:
        a, b: uint8 HxWx3 of one size.
        border: pixels cropped on each side; the scale, in the tables of the literature.
        channel: "y" (the literature's), or "rgb": one mean square error over all three channels.

    Raises:
        ImageError: not pictures, of different sizes, or smaller than the border.
        ConfigError: unknown channel.
    """
    a, b = _comparable(a, b, border, channel)
    error = np.mean((a - b) ** 2)
    return math.inf if error == 0 else 10 * math.log10(PEAK**2 / error)


def _similarity(
    a: np.ndarray, b: np.ndarray, average: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """SSIM of each pixel's surroundings, over which `average` takes a mean of its argument."""
    c1, c2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
    mean_a, mean_b = average(a), average(b)
    variances = average(a * a + b * b) - mean_a**2 - mean_b**2
    covariance = average(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return luminance * (2 * covariance + c2) / (variances + c2)


def ssim(a: np.ndarray, b: np.ndarray, *, border: int = 0, channel: str = "y") -> float:
    """Structural similarity (Wang et al. 2004): 11x11 Gaussian window, sigma 1.5, where it fits.

    Arguments and errors as in `psnr`; in "rgb" the mean of the three channels. At least 11x11
    pixels must be left inside the border.
    """
    a, b = _comparable(a, b, border, channel)
    if min(a.shape[:2]) < 11:
        raise ImageError(
            f"SSIM needs 11x11 pixels inside the border, not {a.shape[1]}x{a.shape[0]}."
        )
    window = gaussian(11, 1.5)

    def average(x: np.ndarray) -> np.ndarray:
        return correlate(correlate(x, window[:, None]), window[None, :])

    return float(np.mean(_similarity(a, b, average)))


def _daala_window(sigma: float, longest: int) -> np.ndarray:
    """Gaussian in 256ths; it ends where a weight would round to 0, or `longest` taps off center."""
    height = 256 / (math.sqrt(2 * math.pi) * sigma)
    reach = sigma * math.sqrt(2 * math.log(max(2 * height, 1)))
    taps = np.arange(1, min(int(reach), longest) + 1)
    side = np.floor(height * np.exp(-(taps**2) / (2 * sigma**2)) + 0.5)
    return np.concatenate([side[::-1], [256 - 2 * side.sum()], side])


def ssim_daala(a: np.ndarray, b: np.ndarray, *, border: int = 0) -> float:
    """SSIM on Y as `dump_ssim` of the Daala video codec takes it, the tool of the paper.

    The formula is Wang's, the window is not: its sigma grows with the picture, 1.5 for each 256
    rows left inside the border, its weights are whole 256ths, and at the edges it is cut off, so
    that every pixel counts, with the weight that is left there. The scores are higher than `ssim`.

    The tool reads Y rounded to 8 bits, but Y as it is comes nearer to the paper's table 2. At x4
    with a border of 4, Set5 then BSD100 (and the paper): bicubic .8212 and .6942 (.8211 and
    .6935), nearest neighbor .7547 and .6607 (.7552 and .6606); with Y rounded, bicubic .8202 and
    .6934, nearest neighbor .7539 and .6600. On BSD100 PSNR differs as well: bicubic has 25.96 dB
    here and 25.94 dB in the paper.

    Arguments and errors as in `psnr`.
    """
    a, b = _comparable(a, b, border, "y")
    window = _daala_window(1.5 / 256 * a.shape[0], min(a.shape) - 1)

    def total(x: np.ndarray) -> np.ndarray:
        padded = np.pad(x, len(window) // 2)
        return correlate(correlate(padded, window[:, None]), window[None, :])

    weight = total(np.ones_like(a))
    similarity = _similarity(a, b, lambda x: total(x) / weight)
    return float(np.average(similarity, weights=weight))


class LPIPS:
    """Learned perceptual distance (Zhang et al. 2018), version 0.1 on AlexNet; lower is closer.

    Args:
        backbone: a .safetensors or .pth file of AlexNet with torchvision's names; None takes the
            one that the environment variable SRGAN_ALEXNET names, else downloads torchvision's
            (233 MB, once).
        device: where to compute.

    Raises:
        ConfigError: the package `lpips` is not installed.
        WeightsError: AlexNet's weights missing, damaged, not downloadable or of another shape.
    """

    def __init__(
        self, backbone: str | Path | None = None, device: torch.device | str = "cpu"
    ) -> None:
        try:
            from lpips import LPIPS as Network
        except ImportError as error:
            raise ConfigError("LPIPS needs the package lpips: run `pip install lpips`.") from error
        backbone = backbone or os.environ.get("SRGAN_ALEXNET")
        if backbone is None:
            from torchvision.models import AlexNet_Weights  # a second to import

            official = AlexNet_Weights.IMAGENET1K_V1
            state, source = download_state(official, "name a local copy in SRGAN_ALEXNET")
        else:
            state, source = read_state(backbone), backbone
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            # The package still builds AlexNet with an argument that torchvision has renamed, and
            # fills it with random numbers, which must not change those of a training under way.
            warnings.simplefilter("ignore")
            network = Network(net="alex", pnet_rand=True, verbose=False)
        try:
            # The package cuts `features` into slices and keeps each layer's index in its name.
            names = {key: f"features.{key.split('.', 1)[1]}" for key in network.net.state_dict()}
            network.net.load_state_dict({key: state[name] for key, name in names.items()})
        except (KeyError, RuntimeError) as error:
            raise WeightsError(
                f"{source} does not hold AlexNet's features with torchvision's names and shapes: "
                "give another file (--lpips-backbone)."
            ) from error
        self.device = torch.device(device)
        self.network = network.to(self.device).eval().requires_grad_(False)

    @torch.inference_mode()
    def __call__(self, a: np.ndarray, b: np.ndarray) -> float:
        """Distance of two uint8 pictures HxWx3 of one size, at least 31x31."""
        _check_same_size(a, b)
        if min(a.shape[:2]) < LPIPS_MIN_SIZE:
            raise ImageError(
                f"LPIPS needs at least {LPIPS_MIN_SIZE}x{LPIPS_MIN_SIZE} pixels, "
                f"not {a.shape[1]}x{a.shape[0]}."
            )
        signed = (convert(to_tensor(x, self.device), "unit", "signed") for x in (a, b))
        return float(self.network(*signed))
