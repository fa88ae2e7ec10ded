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
from srgan_lib.performance.fast_generator import Rounded, fast_copy, fast_dtype
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
        rounded = [name for name, module in fast.named_modules() if isinstance(module, Rounded)]
        parts[strength] = {name.partition(".")[0] for name in rounded}
    assert parts == {0.0: {"blocks", "fuse", "upsample"}, 5.0: set()}


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
        rounded = any(isinstance(module, Rounded) for module in fast.modules())
        assert rounded == (variant == "course")


def test_the_skip_connections_stay_in_float32():
    fast = fast_copy(Generator(2, 1, 4, "course"), torch.bfloat16)
    assert fast.features(torch.rand(1, 3, 8, 8)).dtype == torch.float32


def test_a_device_without_short_formats_keeps_float32():
    assert fast_dtype(torch.device("meta")) == torch.float32
    assert fast_dtype(torch.device("cuda")) == torch.float16
