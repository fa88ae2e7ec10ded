"""Scores of a super-resolution method on a whole folder of pictures.

Taught in notebooks 02 and 05. How close SR comes to HR is measured by `metrics`, what went wrong on
the way by `artifacts`.
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from .artifacts import checkerboard, color_shift, consistency
from .degradation import bicubic_downscale, bicubic_upscale, check_scale
from .errors import ConfigError, DataError, ImageError, Note
from .images import crop_to_multiple, iter_folder, list_images, read_image
from .metrics import LPIPS, psnr, ssim, ssim_daala

# What `score_table` shows of each score: title and decimals.
COLUMNS = {
    "psnr_y": ("PSNR-Y", 3),
    "ssim_y": ("SSIM-Y", 4),
    "ssim_daala": ("SSIM-daala", 4),
    "psnr_rgb": ("PSNR-RGB", 3),
    "lpips": ("LPIPS", 4),
    "color_shift": ("color", 2),
    "consistency": ("consistency", 2),
    "checkerboard": ("checkerboard", 2),
}


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


def _score(
    sr: np.ndarray, hr: np.ndarray, lr: np.ndarray, scale: int, border: int, lpips: LPIPS | None
) -> dict[str, float | None]:
    """All scores of one picture."""
    return {
        "psnr_y": psnr(sr, hr, border=border),
        "ssim_y": ssim(sr, hr, border=border),
        "ssim_daala": ssim_daala(sr, hr, border=border),
        "psnr_rgb": psnr(sr, hr, border=border, channel="rgb"),
        "lpips": lpips(sr, hr) if lpips else None,
        "color_shift": color_shift(sr, lr),
        "consistency": consistency(sr, lr, scale),
        "checkerboard": checkerboard(sr, hr, scale),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    """Mean of the finite values: one pair of equal pictures must not hide all others."""
    if None in values:
        return None
    finite = [value for value in values if math.isfinite(value)]
    return float(np.mean(finite or values))


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
        border: pixels cropped before PSNR and SSIM (the others see all); None is `scale`.
        lpips: an `LPIPS` to score with as well.
        weights: what to call the method in the result; by default the model's own name.
        progress: show a progress bar.

    Returns:
        {"weights", "scale", "border", "images": [{"name", and the scores}], "mean": {the scores,
        and "worst_color_shift", the largest}}. The scores are "psnr_y", "ssim_y", "ssim_daala",
        "psnr_rgb", "lpips" (None where it was not asked for), "color_shift", "consistency" and
        "checkerboard". PSNR and consistency of equal pictures are infinite; the mean leaves these
        out, unless all are.

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
            rows.append({"name": name, **_score(sr, hr, lr, scale, border, lpips)})
        except ImageError as error:
            warnings.warn(f"Left out: {name}: {error}", Note, stacklevel=2)
    if not rows:
        raise DataError(
            f"{hr_dir} has no picture that can be scored with a border of {border} px at scale "
            f"{scale}: give larger pictures or a smaller border."
        )
    columns = {key: [row[key] for row in rows] for key in rows[0] if key != "name"}
    mean = {key: _mean(values) for key, values in columns.items()}
    return {
        "weights": weights or getattr(model, "__name__", type(model).__name__),
        "scale": scale,
        "border": border,
        "images": rows,
        "mean": {**mean, "worst_color_shift": max(columns["color_shift"])},
    }


def score_table(scores: Mapping[str, Any]) -> str:
    """The result of `evaluate` to read: a line for each picture, one for the mean, and the worst.

    A score that was not asked for has no column.
    """
    shown = [(key, *COLUMNS[key]) for key in COLUMNS if scores["mean"][key] is not None]
    lines = [" " * 20 + "".join(f"  {title}" for _, title, _ in shown)]
    for row in [*scores["images"], {"name": "mean", **scores["mean"]}]:
        cells = (f"{row[key]:{len(title) + 2}.{decimals}f}" for key, title, decimals in shown)
        lines.append(f"{row['name']:<20}{''.join(cells)}")
    worst = scores["mean"]["worst_color_shift"]
    return "\n".join([*lines, f"Worst color shift of a picture: {worst:.2f} of 255."])
