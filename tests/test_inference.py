"""From picture to picture: size, colors, tiles, and what is refused."""

import numpy as np
import pytest
import torch
from torch import nn

from srgan_lib.degradation import bicubic_downscale
from srgan_lib.errors import ConfigError, ImageError
from srgan_lib.inference import upscale
from srgan_lib.models import SCALES, VARIANTS, Generator


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_sizes(scale, variant, pictures):
    lr = pictures[0][:9, :14]
    sr = upscale(Generator(scale, 1, 4, variant), lr)
    assert sr.shape == (9 * scale, 14 * scale, 3) and sr.dtype == np.uint8


@pytest.mark.parametrize("variant", VARIANTS)
def test_ranges_are_undone(variant, pictures):
    """A generator that puts out 0 shows what 0 is in its range: gray, ImageNet's mean, bicubic."""
    generator = Generator(2, 1, 4, variant)
    nn.init.zeros_(generator.tail.weight)
    nn.init.zeros_(generator.tail.bias)
    sr = upscale(generator, pictures[0][:16, :16])
    expected = {
        "paper": [127.5] * 3,
        "blog": [123.7, 116.3, 103.5],
        "course": pictures[0][:16, :16].mean((0, 1)),
    }
    assert np.allclose(sr.mean((0, 1)), expected[variant], atol=1.5)


@pytest.mark.parametrize("variant", ["paper", "course"])
def test_tiles_show_no_seam(variant, pictures):
    torch.manual_seed(0)
    generator = Generator(4, 1, 8, variant)
    nn.init.normal_(generator.tail.weight, std=0.05)
    lr = pictures[1][:40, :57]
    whole = upscale(generator, lr).astype(int)
    tiled = upscale(generator, lr, tile=16).astype(int)
    assert np.abs(whole - tiled).max() <= 1


def test_eval_mode_whatever_mode_it_comes_in(pictures):
    generator = Generator(2, 1, 4, "paper").train()
    lr = bicubic_downscale(pictures[0], 2)
    assert np.array_equal(upscale(generator, lr), upscale(generator.eval(), lr))
    means = [m.running_mean for m in generator.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all((mean == 0).all() for mean in means)  # using a network does not train it


def test_no_graph_is_kept(pictures, monkeypatch):
    generator = Generator(2, 1, 4)
    seen = []
    original = Generator.render
    monkeypatch.setattr(Generator, "render", lambda *x: seen.append(original(*x)) or seen[-1])
    upscale(generator, pictures[0][:16, :16])
    assert not seen[0].requires_grad


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 30, 3)])
def test_too_small(shape):
    with pytest.raises(ImageError, match="at least 8x8"):
        upscale(Generator(2, 1, 4), np.zeros(shape, np.uint8))


def test_bad_arguments(pictures):
    with pytest.raises(ImageError, match="uint8"):
        upscale(Generator(2, 1, 4), pictures[0] / 255)
    with pytest.raises(ConfigError, match="at least 8"):
        upscale(Generator(2, 1, 4), pictures[0], tile=4)


def test_a_generator_can_be_trained_after_it_was_used(pictures):
    generator = Generator(2, 1, 4)
    upscale(generator, pictures[0][:16, :16])
    generator.train()(torch.rand(1, 3, 8, 8)).mean().backward()


def test_pictures_may_be_mirrored_views(pictures):
    upscale(Generator(2, 1, 4), pictures[0][:16, :16][:, ::-1])
