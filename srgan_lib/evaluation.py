"""Scores of a super-resolution method on a whole folder of pictures.

Taught in chapters 2 and 5. How close SR comes to HR is measured by `metrics`, what went wrong on
the way by `artifacts`.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from tqdm.auto import tqdm

from .data import samples
from .degradation import bicubic_downscale, bicubic_upscale, check_scale
from .errors import ConfigError, DataError, ImageError
from .images import Picture, check_image, crop_to_multiple, read_image
from .inference import upscale
from .metrics import LPIPS, psnr, rgb_to_y, ssim, ssim_daala
from .models import Generator
from .system.pairs import checked_pairs

SSIM_WINDOW = 11


def check_set(
    hr_dir: str | Path,
    *,
    lr_dir: str | Path | None = None,
    scale: int = 4,
    border: int | None = None,
) -> list[tuple[Path, Path | None]]:
    """Make sure that each picture of a set can be scored, and pair HR with LR: a mean is over all.

    HR and LR belong together by their names (`system.pairs`). Takes as long as reading them.

    Args: as for `evaluate`.

    Returns:
        The files of HR and LR, sorted by name; None for LR that is to be made.

    Raises:
        ConfigError: another scale, or a negative border.
        DataError: a folder that is missing or empty; pictures that are damaged, too small, without
            LR, or whose LR does not fit or is there twice. All of them are named.
    """
    check_scale(scale)
    border = scale if border is None else border
    if border < 0:
        raise ConfigError(f"A border of {border} pixels cannot be cropped: give 0 or more.")
    smallest = max(TILE, SSIM_WINDOW + 2 * border)
    needs = f"with a border of {border}, the scores need {smallest}x{smallest}"
    return checked_pairs(hr_dir, lr_dir, scale, smallest, needs)


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
        DataError: what `check_set` raises, before the first picture is scored: there is no mean
            over a part of the set.
    """
    border = scale if border is None else border
    pairs = check_set(hr_dir, lr_dir=lr_dir, scale=scale, border=border)
    if isinstance(model, str):
        if model != "bicubic":
            raise ConfigError(f"A model must be a callable or 'bicubic', not {model!r}.")
        weights = weights or model
        model = partial(bicubic_upscale, scale=scale)
    rows = []
    for hr_file, lr_file in tqdm(pairs, "evaluate", disable=not progress):
        hr = crop_to_multiple(read_image(hr_file), scale)
        lr = bicubic_downscale(hr, scale) if lr_file is None else read_image(lr_file)
        try:
            sr = model(lr)
            if sr.shape != hr.shape:
                raise ConfigError(
                    f"The model turns {lr.shape[1]}x{lr.shape[0]} into {sr.shape[1]}x{sr.shape[0]} "
                    f"pixels, not into {scale} times as much: give its own scale."
                )
            rows.append({"name": hr_file.name, **_score(sr, hr, lr, scale, border, lpips)})
        except ImageError as error:
            raise DataError(f"{hr_file} cannot be scored: {error}") from None
    columns = {key: [row[key] for row in rows] for key in rows[0] if key != "name"}
    mean = {key: _mean(values) for key, values in columns.items()}
    return {
        "weights": weights or getattr(model, "__name__", type(model).__name__),
        "scale": scale,
        "border": border,
        "images": rows,
        "mean": {**mean, "worst_color_shift": max(columns["color_shift"])},
    }


def validation_psnr(
    pictures: Sequence[Picture] | None = None,
    scale: int = 4,
    size: int | None = None,
    lpips: LPIPS | None = None,
) -> Callable[[Generator], dict[str, float]]:
    """A function that scores a generator on held-out pictures: mean PSNR on Y, as "psnr_y".

    Args:
        pictures: HR; the embedded validation photographs if not given.
        size: score only the central square of this many pixels, to save time.
        lpips: adds the mean of this distance, as "lpips".
    """
    pairs = []
    for picture in samples("validation") if pictures is None else pictures:
        hr = crop_to_multiple(_center(picture.image, size), scale)
        pairs.append((bicubic_downscale(hr, scale), hr))

    def validate(generator: Generator) -> dict[str, float]:
        made = [(upscale(generator, lr), hr) for lr, hr in pairs]
        scores = {"psnr_y": np.mean([psnr(sr, hr, border=scale) for sr, hr in made])}
        if lpips is not None:
            scores["lpips"] = np.mean([lpips(sr, hr) for sr, hr in made])
        return {name: float(value) for name, value in scores.items()}

    return validate


def _center(image: np.ndarray, size: int | None) -> np.ndarray:
    if size is None:
        return image
    top, left = (max(0, (side - size) // 2) for side in image.shape[:2])
    return image[top : top + size, left : left + size]


TILE = 32  # pixels; a multiple of every scale, so that the grid falls on whole frequencies


def color_shift(sr: np.ndarray, lr: np.ndarray) -> float:
    """How far the mean color of SR lies from that of LR: the largest of the R, G and B differences.

    Args:
        sr, lr: uint8 HxWx3, of any two sizes.

    Returns:
        0 to 255; at most 0.1 for bicubic enlargements.

    Raises:
        ImageError: not pictures.
    """
    means = [check_image(image).mean(axis=(0, 1)) for image in (sr, lr)]
    return float(np.abs(means[0] - means[1]).max())


def consistency(sr: np.ndarray, lr: np.ndarray, scale: int) -> float:
    """Whether SR, made small again, is LR: PSNR over RGB in decibels, infinite if it is.

    SR may invent what LR does not show, but nothing that LR contradicts. It supposes LR that
    `bicubic_downscale` made. Bicubic enlargements have about 37 dB at x4, because they are blurred.

    Args:
        sr: uint8 HxWx3, H and W those of `lr` times `scale`.
        lr: uint8 hxwx3.
        scale: 2, 4 or 8.

    Raises:
        ConfigError: another scale.
        ImageError: not pictures, or sizes that do not fit each other.
    """
    check_scale(scale)
    (height, width), (low_height, low_width) = (check_image(x).shape[:2] for x in (sr, lr))
    if (height, width) != (low_height * scale, low_width * scale):
        raise ImageError(
            f"SR of {width}x{height} pixels does not belong to LR of {low_width}x{low_height} at "
            f"scale {scale}: give the picture that it was made from."
        )
    return psnr(bicubic_downscale(sr, scale), lr, channel="rgb")


def _grid_power(y: np.ndarray, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """Power of each tile at the frequencies of the grid, and beside them: (tiles, scale^2 - 1)."""
    # Hann's window spreads a frequency to its direct neighbors only, and nothing of the mean.
    window = np.sin(np.pi * (np.arange(TILE) + 0.5) / TILE) ** 2
    rounding = np.sum(window**2) ** 2 / 12  # of 8-bit pictures; keeps flat tiles away from 0 / 0
    grid = np.arange(0, TILE, TILE // scale)
    ring = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3) if 2 in (abs(dy), abs(dx))]
    at, beside = [], []
    for row in sliding_window_view(y, (TILE, TILE))[:: TILE // 2, :: TILE // 2]:
        power = np.abs(np.fft.fft2(row * window[:, None] * window)) ** 2 + rounding
        at.append(power[:, grid[:, None], grid])
        beside.append(np.mean([power[:, grid[:, None] + dy, grid + dx] for dy, dx in ring], axis=0))
    # The first frequency is 0, the tile's mean, and no part of the grid.
    at, beside = (np.concatenate(x).reshape(-1, scale**2)[:, 1:] for x in (at, beside))
    return at, beside


def checkerboard(sr: np.ndarray, hr: np.ndarray, scale: int) -> float:
    """How far the pixel grid of the upsampling stands out of SR's Y, in decibels against HR.

    Layers that treat the pixels of a scale x scale cell differently, as sub-pixel and transposed
    convolutions do, print a pattern that repeats with the cell (Odena et al. 2016). It has the
    frequencies j / scale and k / scale cycles a pixel down and across, j and k from 0 to scale - 1:
    at x4 the periods 4 and 2. In tiles of 32 pixels, which half overlap, the power at each of them
    is divided by the power beside it, two steps of 1 / 32 away, in SR or in HR, whichever is more.
    Texture and noise have no reason to prefer the grid's frequencies, so they leave the quotient
    near 1, and a smooth SR cannot stand out where HR has more. The mean over the tiles is divided
    by HR's own, and the most conspicuous frequency counts. Because the tiles are small, a pattern
    that grows and fades along the picture is seen; because quotients are averaged and not powers,
    so is one that only the sky has.

    Args:
        sr, hr: uint8 HxWx3 of one size, H and W at least 32; the grid begins at the top left.
        scale: 2, 4 or 8.

    Returns:
        0 for HR itself. At x4, on the embedded photographs: -13 to -2 for bicubic (at most 1 on any
        picture of BSD100), up to 1.4 for HR with noise, sharpened or as JPEG; for HR with a
        checkerboard of +-1 (of 255) 22 to 33 at period 2, 5 to 23 at period 4, and 3 to 20 if that
        one fades in and out. So 3 and more is a grid.

    Raises:
        ConfigError: another scale.
        ImageError: not pictures, of different sizes or smaller than a tile.
    """
    check_scale(scale)
    if check_image(sr).shape != check_image(hr).shape or min(sr.shape[:2]) < TILE:
        raise ImageError(
            f"The checkerboard is looked for in two pictures of one size, at least {TILE}x{TILE} "
            f"pixels, not in {sr.shape[1]}x{sr.shape[0]} and {hr.shape[1]}x{hr.shape[0]}."
        )
    (sr_at, sr_beside), (hr_at, hr_beside) = (_grid_power(rgb_to_y(x), scale) for x in (sr, hr))
    stands_out = np.mean(sr_at / np.maximum(sr_beside, hr_beside), axis=0)
    natural = np.mean(hr_at / hr_beside, axis=0)
    return float(10 * np.log10(np.max(stands_out / natural)))
