"""The bench of chapter 6: changes to the game on small networks, trained while one waits."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..adversarial import make_trainer
from ..data import PatchPool, samples
from ..degradation import bicubic_downscale, bicubic_upscale
from ..inference import upscale
from ..metrics import psnr, rgb_to_y
from ..models import Generator
from ..recipes import Recipe, get_recipe
from ..training import Trainer
from .ablation import BASE

PIXEL_STEPS, STEPS = 150, 30  # at most; a profile may have fewer
SIZE = {"num_blocks": 3, "channels": 16, "batch_size": 4, "patch_size": 48}
# Change -> the one field of the base's recipe in which it differs.
CHANGES: dict[str, dict[str, Any]] = {
    "VGG22": {"content": (("vgg22", 1.0),)},
    "pixels (MSE)": {"content": (("mse", 1.0),)},
    "opponent 10x louder": {"lead": BASE["lead"] / 10},
    "no opponent": {"adversarial": 0.0},
    "noisy labels": {"label_noise": True},
    "paper's networks": {"variant": "paper"},
    "no pre-training": {"init": None},
}
WINDOW = (slice(280, 440), slice(200, 400))  # of each validation photograph


def train_starts(pool: PatchPool, profile: str) -> dict[str, Generator]:
    """Variant -> a small generator trained on pixels, from which the games start.

    A game of the course's networks starts from the course's kind, one of the paper's from theirs.
    """
    starts = {}
    for variant, name in {"course": "srresnet", "paper": "srresnet-mse"}.items():
        steps = min(get_recipe(name, profile).steps, PIXEL_STEPS)
        recipe = get_recipe(name, "smoke", steps=steps, **SIZE)
        trainer = Trainer(replace(recipe, learning_rate=1e-3), pool)
        starts[variant] = trainer.run(progress=False)
    return starts


def recipe_of(changes: Mapping[str, Any], profile: str = "cpu", seed: int = 0) -> Recipe:
    """The base of the table of single changes at the bench's size, with these fields changed."""
    steps = min(get_recipe("srgan", profile).steps, STEPS)
    base = get_recipe("srgan", "smoke", steps=steps, **SIZE)
    fields = {**BASE, "vgg": "vgg16", "seed": seed, **changes}
    return replace(base, **fields)


def train_on_bench(
    recipe: Recipe, pool: PatchPool, starts: Mapping[str, Generator], vgg: str | Path = "auto"
) -> Generator:
    """Train by this recipe, from the start of its kind if it has one; returns the generator."""
    init = starts[recipe.variant] if recipe.init else None
    return make_trainer(recipe, pool, init=init, vgg=vgg).run(progress=False)


def roughness(image: np.ndarray) -> float:
    """Mean difference of neighboring pixels of Y: a blur has little, noise has much."""
    return float(np.abs(np.diff(rgb_to_y(image), axis=1)).mean())


def judge(generator: Generator | None = None) -> tuple[dict[str, float], np.ndarray]:
    """Scores on a part of each validation photograph, and SR of the red panda's.

    Args:
        generator: x4; bicubic if not given.

    Returns:
        {"psnr_y": dB, "rough": share of the original's roughness}, means over the parts; uint8
        (160, 200, 3).
    """
    rows, panda = [], None
    for picture in samples("validation"):
        hr = picture.image[WINDOW]
        lr = bicubic_downscale(hr, 4)
        sr = upscale(generator, lr) if generator else bicubic_upscale(lr, 4)
        rows.append((psnr(sr, hr, border=4), roughness(sr) / roughness(hr)))
        if picture.name == "red_panda.jpg":
            panda = sr
    return dict(zip(("psnr_y", "rough"), map(float, np.mean(rows, axis=0)), strict=True)), panda
