"""Small pictures, a small pool and small recipes that several tests share."""

import numpy as np
import pytest
import torch
from synthetic import make_vgg_thin

from srgan_lib.data import PatchPool
from srgan_lib.degradation import imresize
from srgan_lib.recipes import Recipe, get_recipe


@pytest.fixture(autouse=True)
def _same_random_numbers():
    """What a test draws does not depend on the tests before it, so that they may come in any order.

    pytest-randomly does the same for `random` and NumPy.
    """
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def pictures() -> list[np.ndarray]:
    """Three smooth random pictures, 64x64."""
    generator = np.random.default_rng(0)
    return [imresize(generator.integers(0, 256, (16, 16, 3), np.uint8), 4) for _ in range(3)]


@pytest.fixture(scope="session")
def pool(pictures) -> PatchPool:
    return PatchPool(pictures, scale=4)


@pytest.fixture
def thin_vgg(monkeypatch):
    """A VGG of all its layers, but a few channels each, for tests that only train on it."""
    make_vgg_thin(monkeypatch)


@pytest.fixture
def tiny():
    """A recipe of any name, so small that a step takes milliseconds."""

    def make(name: str, **changes) -> Recipe:
        size = {"channels": 4, "num_blocks": 1, "batch_size": 2, "patch_size": 32, "steps": 6}
        return get_recipe(name, "smoke", **{**size, **changes})

    return make
