"""How close SR comes to HR: PSNR, SSIM, LPIPS, and a whole folder at once.

Taught in notebooks 01 and 05. Source: Ledig et al. 2017, section 3.1: PSNR and SSIM are taken on
the Y channel with a border of `scale` pixels cropped. The paper's SSIM came from another tool than
Wang's, so only PSNR compares with its tables. LPIPS sees the whole picture in RGB.
"""

import math
import os
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.models import AlexNet_Weights
from tqdm.auto import tqdm

from .degradation import bicubic_downscale, bicubic_upscale, check_scale, correlate, gaussian
from .errors import ConfigError, DataError, ImageError, WeightsError
from .images import check_image, crop_to_multiple, iter_folder, list_images, read_image, to_tensor
from .pretrained import download_state, read_state
from .ranges import convert

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

    c1, c2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
    mean_a, mean_b = average(a), average(b)
    variances = average(a * a + b * b) - mean_a**2 - mean_b**2
    covariance = average(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return float(np.mean(luminance * (2 * covariance + c2) / (variances + c2)))


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


def _read_lr(files: Mapping[str, Path], name: str, hr: np.ndarray, scale: int) -> np.ndarray:
    """The LR picture of the same stem as `name`, DIV2K's "x4" after it allowed."""
    stem = Path(name).stem
    path = files.get(stem) or files.get(f"{stem}x{scale}")
    if path is None:
        raise DataError(f"There is no LR picture for {name}: in the LR folder, name it the same.")
    lr = read_image(path)
    if (lr.shape[0] * scale, lr.shape[1] * scale) != hr.shape[:2]:
        raise DataError(
            f"{path} is {lr.shape[1]}x{lr.shape[0]} pixels and does not fit {name}, "
            f"{hr.shape[1]}x{hr.shape[0]}, at scale {scale}: check --lr and --scale."
        )
    return lr


def evaluate(
    model: Callable[[np.ndarray], np.ndarray] | str,
    hr_dir: str | Path,
    *,
    lr_dir: str | Path | None = None,
    scale: int = 4,
    border: int | None = None,
    lpips: LPIPS | None = None,
    weights: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Score a super-resolution method on all pictures of a folder.

    Args:
        model: callable, LR uint8 hxwx3 -> SR uint8 HxWx3, or "bicubic".
        hr_dir: folder of HR pictures; each is cropped to a multiple of `scale`.
        lr_dir: folder of LR pictures of the same names; None makes them with `bicubic_downscale`.
        scale: 2, 4 or 8.
        border: pixels cropped before PSNR and SSIM (LPIPS sees all); None is `scale`.
        lpips: an `LPIPS` to score with as well.
        weights: what to call the method in the result; by default the model's own name.
        progress: show a progress bar.

    Returns:
        {"weights", "scale", "border", "images": [{"name", "psnr_y", "ssim_y", "psnr_rgb",
        "lpips"}], "mean": {the same scores}}; "lpips" is None where it was not asked for.

    Raises:
        ConfigError: another scale, or a model that enlarges by another factor.
        DataError: a folder that is missing or has no usable picture, or LR that does not fit.
        (A picture that is damaged or too small is named in a warning and left out.)
    """
    check_scale(scale)
    border = scale if border is None else border
    if border < 0:
        raise ConfigError(f"A border of {border} pixels cannot be cropped: give 0 or more.")
    if isinstance(model, str):
        if model != "bicubic":
            raise ConfigError(f"A model must be a callable or 'bicubic', not {model!r}.")
        weights = weights or model
        model = partial(bicubic_upscale, scale=scale)
    lr_files = None if lr_dir is None else {path.stem: path for path in list_images(lr_dir)}
    total = len(list_images(hr_dir))
    rows = []
    for name, image in tqdm(iter_folder(hr_dir), "evaluate", total, disable=not progress):
        try:
            hr = crop_to_multiple(image, scale)
            if lr_files is None:
                lr = bicubic_downscale(hr, scale)
            else:
                lr = _read_lr(lr_files, name, hr, scale)
            sr = model(lr)
            if sr.shape != hr.shape:
                raise ConfigError(
                    f"The model turns {lr.shape[1]}x{lr.shape[0]} into {sr.shape[1]}x{sr.shape[0]} "
                    f"pixels, not into {scale} times as much: give its own scale."
                )
            rows.append(
                {
                    "name": name,
                    "psnr_y": psnr(sr, hr, border=border),
                    "ssim_y": ssim(sr, hr, border=border),
                    "psnr_rgb": psnr(sr, hr, border=border, channel="rgb"),
                    "lpips": lpips(sr, hr) if lpips else None,
                }
            )
        except ImageError as error:
            warnings.warn(f"Left out: {name}: {error}", stacklevel=2)
    if not rows:
        raise DataError(
            f"{hr_dir} has no picture that can be scored with a border of {border} px at scale "
            f"{scale}: give larger pictures or a smaller border."
        )
    scores = {key: [row[key] for row in rows] for key in rows[0] if key != "name"}
    return {
        "weights": weights or getattr(model, "__name__", type(model).__name__),
        "scale": scale,
        "border": border,
        "images": rows,
        "mean": {k: None if None in v else float(np.mean(v)) for k, v in scores.items()},
    }
