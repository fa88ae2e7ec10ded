"""What networks do wrong in their own way: a color cast, a picture not in LR, a grid of pixels.

Taught in notebook 05. PSNR hardly sees these three, and no one of them needs a second network.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .degradation import bicubic_downscale, check_scale
from .errors import ImageError
from .images import check_image
from .metrics import psnr, rgb_to_y

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
