"""Checks of chapter 5: decibels as a fraction, agreement with LR, mixed weights, pairing."""

import math
from collections.abc import Callable

import numpy as np
import torch

from ...data import samples
from ...degradation import bicubic_downscale
from .base import call, exercise, require


@exercise("5.1", points=1)
def fraction_of_error(guess: float) -> str:
    """What is left of the square error after a gain of 32.05 - 28.43 dB."""
    gain = 32.05 - 28.43
    right = 10 ** (-gain / 10)
    require(
        not math.isclose(guess, 10 ** (gain / 10), rel_tol=0.02),
        "more decibels are less error: the fraction is below 1.",
    )
    require(
        not math.isclose(guess, 10 ** (-gain / 20), rel_tol=0.01),
        "that is the fraction of the error itself (RMS); its square was asked for.",
    )
    require(
        not math.isclose(guess, 1 - right, rel_tol=0.01),
        "that much of the square error is gone; how much is left?",
    )
    require(math.isclose(guess, right, rel_tol=0.02), "solve 10 log10(1 / fraction) = 3.62.")
    return f"{right:.0%} of bicubic's square error: the paper's SRResNet removes more than half."


@exercise("5.2", points=2)
def disagreement(function: Callable) -> str:
    """Mean absolute difference, in levels of 255, of the shrunk SR picture and LR."""
    hr = samples("validation")[0].image[:96, :128]
    lr = bicubic_downscale(hr, 4)
    got = float(call(function, hr, lr))
    require(got == 0, f"the original shrinks to exactly its LR picture, yet yours is {got:.2f}.")
    darker = (hr.astype(int) - 9).clip(0, 255).astype(np.uint8)
    small = bicubic_downscale(darker, 4)
    right = float(np.abs(small.astype(int) - lr).mean())
    wrapped = float(np.abs(small - lr).astype(float).mean())
    got = float(call(function, darker, lr))
    require(
        not math.isclose(got, wrapped, rel_tol=1e-3) or math.isclose(wrapped, right, rel_tol=1e-3),
        "uint8 has no negative numbers, 3 - 5 is 254: convert before you subtract.",
    )
    signed = float((small.astype(int) - lr).mean())
    require(not math.isclose(got, signed, rel_tol=1e-3), "too dark and too bright must not cancel.")
    require(
        math.isclose(got, right, rel_tol=1e-3),
        f"a picture that is 9 levels too dark disagrees by {right:.2f} levels, not {got:.2f}.",
    )
    return "It needs no original, so it works on your own photographs."


@exercise("5.3", points=2)
def mix(function: Callable) -> str:
    """(1 - alpha) theta_1 + alpha theta_2, weight by weight."""
    one = {"a": torch.tensor([0.0, 2.0]), "b": torch.tensor([[1.0]])}
    two = {"a": torch.tensor([4.0, -2.0]), "b": torch.tensor([[3.0]])}
    got = call(function, one, two, 0.25)
    require(
        isinstance(got, dict) and got.keys() == one.keys(),
        "a dict with the names of the weights is asked for, as `state_dict()` gives it.",
    )
    reversed_ = {name: 0.25 * one[name] + 0.75 * two[name] for name in one}
    require(
        not all(torch.allclose(got[name], reversed_[name]) for name in one),
        "the wrong way round: alpha = 0 is the first network.",
    )
    right = {name: 0.75 * one[name] + 0.25 * two[name] for name in one}
    require(
        all(torch.allclose(got[name], right[name]) for name in one),
        f'for alpha = 0.25 "a" is {right["a"].tolist()}, not {got["a"].tolist()}.',
    )
    require(
        all(torch.equal(call(function, one, two, 0)[name], one[name]) for name in one)
        and torch.equal(one["a"], torch.tensor([0.0, 2.0])),
        "alpha = 0 must give the first network itself, and leave it as it is.",
    )
    return "One number to choose between distortion and perception, and no training."


@exercise("5.4", points=3)
def paired(function: Callable) -> str:
    """Which of two methods is better, judged picture by picture."""
    rng = np.random.default_rng(0)
    pictures = rng.normal(28, 4, 24)  # some are easy, some hard: by far the largest differences
    better = pictures + 0.3 + rng.normal(0, 0.1, 24)
    equal = pictures + rng.normal(0, 0.3, 24)
    require(
        call(function, pictures, better) == "second",
        'the second is ahead by 0.3 dB on nearly every picture: "second" is right. Pictures differ '
        "more than methods, so take the difference on each picture first.",
    )
    require(call(function, better, pictures) == "first", 'with the two exchanged it is "first".')
    require(
        call(function, pictures, equal - equal.mean() + pictures.mean()) == "not settled",
        'here the differences go both ways and cancel: "not settled" is right.',
    )
    lucky = pictures.copy()
    lucky[0] += 3
    lucky[1:] += rng.normal(0, 0.01, 23)
    require(
        call(function, pictures, lucky) == "not settled",
        'here one picture in 24 makes the whole difference: that is "not settled".',
    )
    return "The same pictures for both, so compare on each of them."
