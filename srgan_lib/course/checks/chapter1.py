"""Checks of chapter 1: free directions, total variation, the price of realism, PSNR deceived."""

from collections.abc import Callable

import numpy as np
import torch
from torch.nn.functional import interpolate

from ...metrics import psnr, ssim
from .base import call, exercise, require


@exercise("1.1", points=1)
def free_directions(guess: int) -> str:
    """How many directions of a 16 x 16 picture are free at x2."""
    unit = torch.eye(16)[None, None]
    shrink = interpolate(unit, size=(8, 16), mode="bicubic", antialias=True)[0, 0].double()
    equations = int(torch.linalg.matrix_rank(torch.kron(shrink, shrink)))
    require(guess != 240, "240 is the number for x4; at x2 an LR pixel stands for fewer HR pixels.")
    require(guess != equations, f"{guess} is the number of equations: what do they leave free?")
    require(
        guess == 256 - equations,
        "count the numbers of the 16 x 16 picture, and those of its LR picture at x2; each LR "
        "number is one equation.",
    )
    return f"256 unknowns, {equations} equations: even at x2 three quarters are free."


@exercise("1.2", points=2)
def total_variation(function: Callable) -> str:
    """Mean length of the two-difference gradient; the color channels add up under the root."""
    flat = torch.full((3, 12, 12), 0.5)
    value = float(call(function, flat))
    require(value < 2e-3, f"a picture without any change has no variation, but yours is {value:g}.")

    jump = torch.zeros(1, 9, 9)
    jump[..., 4:] = 1
    slope = torch.linspace(0, 1, 9).expand(1, 9, 9)
    at_jump, at_slope = float(call(function, jump)), float(call(function, slope))
    require(at_jump > 0.05, "a jump from 0 to 1 has no variation in yours: which way do you look?")
    require(
        abs(at_jump - float(call(function, jump.mT))) < 1e-3,
        "a jump from left to right and one from top to bottom must count alike.",
    )
    require(
        abs(float(call(function, 2 * jump)) - 2 * at_jump) < 1e-2,
        "twice the contrast is twice the variation: a length is the root of the sum of squares.",
    )
    require(
        abs(at_jump - at_slope) < 1e-2,
        f"one jump ({at_jump:.3f}) and a slow slope of the same height ({at_slope:.3f}) must have "
        "the same variation.",
    )
    random = torch.rand(3, 20, 24, generator=torch.Generator().manual_seed(0))
    right = random[:, :-1, 1:] - random[:, :-1, :-1]
    down = random[:, 1:, :-1] - random[:, :-1, :-1]
    expected = float((right**2 + down**2).sum(0).add(1e-6).sqrt().mean())
    got = float(call(function, random))
    require(
        abs(got - expected) < 1e-3,
        f"on random colors it is {expected:.4f}, not {got:.4f}: at each pixel add up the squares "
        "over both directions and all colors, take the root, and then the mean over the pixels.",
    )
    return "It cannot tell a jump from a slope, and that is why it keeps edges sharp."


@exercise("1.3", points=2)
def price_of_realism(function: Callable) -> str:
    """(error of the mean, error of a plausible picture drawn at random), each expected."""
    stack = np.random.default_rng(0).uniform(0, 255, (7, 6, 5))
    answer = call(function, stack)
    require(len(answer) == 2, "two numbers were asked for: of the mean, and of the random picture.")
    of_mean, of_guess = map(float, answer)
    variance = float(((stack - stack.mean(axis=0)) ** 2).mean())
    require(
        np.isclose(of_mean, variance),
        f"the expected square error of the mean is {variance:.1f} here, not {of_mean:.1f}: hold it "
        "against every picture that could be true.",
    )
    require(
        not np.isclose(of_guess, 2 * variance * 7 / 6),
        "nobody forbids the answer to be the true picture itself: keep the pairs of one picture "
        "with itself in the mean.",
    )
    require(
        np.isclose(of_guess, 2 * variance),
        f"the random picture's expected square error is {2 * variance:.1f} here, not "
        f"{of_guess:.1f}: take the mean over all pairs of an answer and a truth.",
    )
    return "A factor of two, whatever the pictures are: 3 dB is the price of looking real."


@exercise("1.4", points=3)
def deceived(original: np.ndarray, preferred: np.ndarray, refused: np.ndarray) -> str:
    """Two versions of one picture on which PSNR and SSIM disagree."""
    for name, picture in {"preferred": preferred, "refused": refused}.items():
        require(
            picture.dtype == np.uint8 and picture.shape == original.shape,
            f"`{name}` must be uint8 and as large as the original: {original.shape}.",
        )
    gain = psnr(preferred, original) - psnr(refused, original)
    require(
        gain >= 1,
        f"PSNR must prefer `preferred` by at least 1 dB; yours differ by {gain:+.2f} dB.",
    )
    first, second = ssim(preferred, original), ssim(refused, original)
    require(
        first < second - 0.05,
        f"SSIM must prefer `refused` by at least 0.05; it has {second:.3f}, the other {first:.3f}. "
        "What changes every pixel a little and no structure at all?",
    )
    return f"{gain:.1f} dB for the one, {second - first:.2f} of SSIM for the other."
