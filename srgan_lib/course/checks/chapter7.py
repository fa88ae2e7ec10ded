"""Checks of chapter 7: what eps does, a picture as bytes, a test for generators."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from ...models import Generator
from .base import call, exercise, require


@exercise("7.1", points=1)
def whisper(guess: float) -> str:
    """Variance of a map of variance 0.2 after a batch norm with eps = 0.8."""
    maps = torch.randn(8, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    maps = maps * (0.2 / maps.var(correction=0)).sqrt()
    with torch.no_grad():
        measured = float(nn.BatchNorm2d(1, eps=0.8)(maps).var(correction=0))
    require(not np.isclose(guess, 1), "1 is what a tiny eps makes of it; here eps is 0.8.")
    require(
        not np.isclose(guess, measured**0.5, atol=0.01),
        "this is the deviation; the variance is its square.",
    )
    require(not np.isclose(guess, 0.25), "eps is added to the variance, it does not replace it.")
    require(
        np.isclose(guess, measured, atol=0.01),
        "the map is divided by the root of v + eps: what does that do to its variance?",
    )
    return f"Measured: {measured:.3f}. The norm has made up for nothing."


@exercise("7.2", points=2)
def as_bytes(function: Callable) -> str:
    """From a float tensor (3, H, W) in [0, 1], or a little outside, to uint8 (H, W, 3)."""
    levels = torch.tensor([[0.0, 0.4999, 0.999], [1.0, 1.02, -0.01]])
    sr = torch.stack([levels, levels.flip(1), levels.flip(0)])
    picture = call(function, sr.clone())
    require(isinstance(picture, np.ndarray), "a NumPy array was asked for: `.numpy()`.")
    require(picture.dtype == np.uint8, f"bytes are uint8, yours is {picture.dtype}.")
    require(
        picture.shape == (2, 3, 3),
        f"(3, 2, 3) must become (2, 3, 3), height, width, color; yours is {picture.shape}.",
    )
    red = picture[..., 0]
    require(
        red[1, 1] == 255 and red[1, 2] == 0,
        f"1.02 has become {red[1, 1]} and -0.01 {red[1, 2]}: bytes count round in a circle, so "
        "clamp first.",
    )
    require(
        red[0, 2] == 255 and red[0, 1] == 127,
        f"0.999 is 254.7 of 255 and has become {red[0, 2]}, not 255: round, do not cut off.",
    )
    expected = (sr.clamp(0, 1) * 255).round().permute(1, 2, 0).numpy().astype(np.uint8)
    require(np.array_equal(picture, expected), "rows, columns or colors are in another order.")
    return "Cutting off would have darkened every picture by half a level."


class _Changed(nn.Module):
    """A generator whose output passes through a mistake."""

    def __init__(self, generator: nn.Module, mistake: Callable):
        super().__init__()
        self.generator, self.mistake = generator, mistake

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        return self.mistake(self.generator(lr))


@exercise("7.3", points=3)
def sound(function: Callable) -> str:
    """A test for generators at x4 that four faulty ones do not pass."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        small = dict(num_blocks=1, channels=4)
        course, paper = (Generator(4, variant=name, **small) for name in ("course", "paper"))
        doubled = Generator(2, variant="course", **small)
        good = {
            "the course's generator in train mode, which has no batch norm,": course,
            "the paper's generator in eval mode": paper.eval(),
        }
        for name, network in good.items():
            require(call(function, network), f"{name} is right, and your test stops it.")
        in_train_mode = Generator(4, variant="paper", **small).train()
        faulty = {
            "a generator for x2": doubled,
            "one with batch norm in train mode": in_train_mode,
            "one that clamps its output": _Changed(course, lambda sr: sr.clamp(0, 1)),
            "one whose output is detached": _Changed(course, lambda sr: sr.detach()),
        }
        for name, network in faulty.items():
            require(not call(function, network), f"{name} passes your test.")
    return f"{len(faulty)} mistakes in one test of milliseconds."
