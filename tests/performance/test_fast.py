"""The fast copy: the same picture to 1 of 255, and the original untouched."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from srgan_lib.data import samples
from srgan_lib.degradation import bicubic_downscale
from srgan_lib.inference import upscale
from srgan_lib.models import VARIANTS, Generator
from srgan_lib.performance import fast_generator
from srgan_lib.performance.fast_generator import (
    Rounded,
    UnshuffledToRGB,
    fast_copy,
    fast_dtype,
)
from srgan_lib.weights import load_generator, shipped_weights


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", shipped_weights())
def test_shipped_networks(name, dtype):
    model = load_generator(name)
    for _, image in samples("validation"):
        lr = bicubic_downscale(image[128:320, 128:320], 4)
        exact, fast = upscale(model, lr).astype(int), upscale(fast_copy(model, dtype), lr)
        assert np.abs(exact - fast).max() <= 1


def test_what_minds_rounding_is_not_rounded():
    torch.manual_seed(0)
    model = Generator(2, 2, 8, "course")
    parts = {}
    for strength in (0.0, 5.0):  # of the network's own part in SR, by its last layer
        nn.init.normal_(model.tail.weight, std=strength)
        fast = fast_copy(model, torch.bfloat16)
        parts[strength] = {name.partition(".")[0] for name in _in_bf16(fast)}
    assert parts == {0.0: {"blocks", "fuse", "upsample", "tail"}, 5.0: set()}


def _in_bf16(fast):
    kinds = {name: m.dtype for name, m in fast.named_modules() if isinstance(m, Rounded)}
    return [name for name, dtype in kinds.items() if dtype == torch.bfloat16]


def test_the_first_blocks_are_the_first_to_stay_exact(monkeypatch):
    """The less the pictures may differ, the more stays in float32."""
    model = load_generator("srresnet")
    counts = []
    for close in (100.0, 0.9, 0.5, 0.0):
        monkeypatch.setattr(fast_generator, "CLOSE", close)
        rounded = _in_bf16(fast_copy(model, torch.bfloat16))
        counts.append(sum(name.startswith("blocks.") for name in rounded))
        if 0 < counts[-1] < model.num_blocks:  # the last ones are rounded
            first = model.num_blocks - counts[-1]
            assert {
                int(name.split(".")[1]) for name in rounded if name.startswith("blocks.")
            } == set(range(first, model.num_blocks))
        assert (close > 0) == any(name.startswith("upsample.") for name in rounded)
    assert counts == sorted(counts, reverse=True) and (counts[0], counts[-1]) == (16, 0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_batch_norm_is_folded_exactly(variant):
    torch.manual_seed(0)
    model = Generator(2, 2, 8, variant).train()
    for _ in range(3):  # statistics that are not 0 and 1
        model(torch.rand(4, 3, 16, 16))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    before = copy.deepcopy(model.eval())
    fast = fast_copy(model, torch.float32)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fast.modules())
    lr = torch.rand(1, 3, 20, 20)
    assert torch.allclose(fast(lr), model(lr), atol=1e-4)
    assert all(
        torch.equal(a, b)
        for a, b in zip(model.state_dict().values(), before.state_dict().values(), strict=True)
    )


def test_only_the_courses_network_is_rounded():
    for variant in VARIANTS:
        fast = fast_copy(Generator(2, 1, 4, variant), torch.bfloat16)
        assert bool(_in_bf16(fast)) == (variant == "course")


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_the_last_convolution_before_the_shuffle(scale):
    """One impulse at a time would do for a proof; noise sees all of them, borders included."""
    torch.manual_seed(0)
    tail, wide = nn.Conv2d(6, 3, 9, padding=4), torch.randn(2, 24, 9, 11)
    expected = tail(nn.functional.pixel_shuffle(wide, 2))
    assert torch.allclose(UnshuffledToRGB(tail)(wide), expected, atol=1e-5)
    model = Generator(scale, 3, 8, "paper").eval()
    fast, lr = fast_copy(model), torch.rand(1, 3, 9, 11)
    assert any(isinstance(module, UnshuffledToRGB) for module in fast.modules())
    assert not any(parameter.requires_grad for parameter in fast.parameters())
    before = lr.clone()
    assert torch.allclose(fast(lr), model(lr), atol=1e-5)
    assert torch.equal(lr, before)  # of all that is done in place, nothing is the caller's


def test_the_skip_connections_stay_in_float32():
    fast = fast_copy(Generator(2, 1, 4, "course"), torch.bfloat16)
    assert fast.features(torch.rand(1, 3, 8, 8)).dtype == torch.float32


def test_a_device_without_short_formats_keeps_float32():
    assert fast_dtype(torch.device("meta")) == torch.float32
    assert fast_dtype(torch.device("cuda")) == torch.float16
