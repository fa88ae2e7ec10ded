"""Checks of notebook 08: noise after a shrink, an estimate of noise, a D that breaks a network."""

from collections.abc import Callable

import numpy as np

from ...data import samples
from ...degradation import bicubic_upscale
from ...inference import upscale
from ...metrics import psnr
from ...weights import load_generator
from .base import call, exercise, require


@exercise("8.1", points=1)
def averaged(levels: float) -> str:
    """Deviation of the mean of 16 pixels with noise of 12 levels."""
    noise = np.random.default_rng(0).normal(0, 12, (400, 400))
    measured = noise.reshape(100, 4, 100, 4).mean(axis=(1, 3)).std()
    require(not np.isclose(levels, 12), "the shrink averages: it cannot leave all of the noise.")
    require(
        not np.isclose(levels, 0.75),
        "variances are divided by 16, deviations by the root of that.",
    )
    require(
        not np.isclose(levels, 6), "four pixels in a row and four rows: the mean is over sixteen."
    )
    require(
        np.isclose(levels, measured, atol=0.15),
        "the mean of n independent numbers has 1 / sqrt(n) of their deviation; what is n?",
    )
    return f"Measured: {measured:.2f}. Noise that comes after the shrink stays 12."


@exercise("8.2", points=2)
def noise_level(function: Callable) -> str:
    """Standard deviation of the noise of a float picture (H, W), by Immerkær's filter."""
    y, x = np.mgrid[:120, :160].astype(float)
    slope, rng = 40 + 0.8 * x + 0.5 * y, np.random.default_rng(0)
    found = {s: float(call(function, slope + rng.normal(0, s, slope.shape))) for s in (3.0, 12.0)}
    for sigma, value in found.items():
        for sentence, factor in (
            ("divide by 6, the root of the sum of the kernel's squared entries.", 6.0),
            ("the kernel's squared entries sum to 36, and a deviation is divided by 6.", 1 / 6),
        ):
            require(not np.isclose(value, factor * sigma, rtol=0.05), sentence)
        require(not np.isclose(value, sigma**2, rtol=0.1), "this is the variance: take its root.")
        require(
            np.isclose(value, sigma, rtol=0.05),
            f"a slope with noise of {sigma:g} levels gives {value:.2f}: does the slope, or an edge "
            "along an axis, still get through your filter?",
        )
    edge = np.where(x < 80, 40.0, 200.0)
    require(
        float(call(function, edge)) < 0.1,
        "a picture without noise, with one upright edge, is to give 0: filter down and across.",
    )
    return f"For 3 and 12 levels: {found[3.0]:.2f} and {found[12.0]:.2f}."


@exercise("8.3", points=3)
def outside(function: Callable) -> str:
    """A D behind which bicubic beats `srgan-photo` by two decibels."""
    network = load_generator("srgan-photo")
    gaps, kept = [], []
    for picture in samples("validation")[:2]:
        top, left = (side // 2 - 64 for side in picture.image.shape[:2])
        hr = picture.image[top : top + 128, left : left + 128]
        lr = call(function, hr.copy())
        shape = getattr(lr, "shape", None)
        require(
            shape == (32, 32, 3) and lr.dtype == np.uint8,
            "a uint8 picture of a quarter of the height and width was asked for.",
        )
        by_bicubic, by_network = bicubic_upscale(lr, 4), upscale(network, lr)
        kept.append(psnr(by_bicubic, hr, border=4))
        gaps.append(kept[-1] - psnr(by_network, hr, border=4))
    require(
        min(kept) >= 16,
        f"bicubic has {min(kept):.1f} dB of one picture: so little is left that neither can win.",
    )
    gap = float(np.mean(gaps))
    require(
        gap >= 2,
        f"bicubic is {gap:+.2f} dB ahead, and two decibels were asked for: this is still a D that "
        "the network knows, or not strong enough.",
    )
    return f"Bicubic is {gap:.1f} dB ahead: what nobody drew in training, nobody learned."
