"""The faster layers: the same numbers, parameters and state dict as the plain ones."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from srgan_lib.models import VARIANTS, Generator
from srgan_lib.system.fast_layers import PixelShuffle, ToRGB, use_fast_layers


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_network_with_fast_layers_is_the_same_network(variant):
    plain = Generator(4, 1, 6, variant)
    nn.init.normal_(plain.tail.weight, std=0.05)
    fast = use_fast_layers(copy.deepcopy(plain))
    assert type(fast.tail) is ToRGB and type(plain.tail) is nn.Conv2d
    assert sum(isinstance(layer, PixelShuffle) for layer in fast.modules()) == 2
    assert fast.state_dict().keys() == plain.state_dict().keys() and fast.config == plain.config
    lr = torch.rand(1, 3, 9, 12)
    torch.testing.assert_close(fast.eval()(lr), plain.eval()(lr), rtol=0, atol=1e-5)
    plain.load_state_dict(fast.state_dict())


def test_an_optimizer_still_knows_the_parameters():
    network = Generator(2, 1, 4)
    before = dict(network.named_parameters())
    use_fast_layers(use_fast_layers(network))  # twice is once
    after = dict(network.named_parameters())
    assert before.keys() == after.keys() and all(after[n] is p for n, p in before.items())


def test_only_convolutions_that_it_can_replace_are_replaced():
    others = [
        nn.Conv2d(4, 3, 3), nn.Conv2d(4, 3, 4, padding=2), nn.Conv2d(4, 3, (3, 5), padding=(1, 2)),
        nn.Conv2d(4, 3, 3, 2, 1), nn.Conv2d(4, 2, 3, padding=1), nn.Conv2d(3, 3, 3, 1, 1, groups=3),
    ]  # fmt: skip
    network = use_fast_layers(nn.Sequential(*others))
    assert all(type(layer) is nn.Conv2d for layer in network)


@pytest.mark.parametrize("multiple", [1, 8])  # on a CPU, on others
@pytest.mark.parametrize("kernel_size", [3, 9])
@pytest.mark.parametrize("channels", [1, 5])
def test_two_passes_make_the_same_convolution(channels, kernel_size, multiple):
    torch.manual_seed(0)
    convolution = nn.Conv2d(channels, 3, kernel_size, padding=kernel_size // 2).double()
    layer = ToRGB(convolution)
    assert layer.state_dict().keys() == {"weight", "bias"}
    maps = torch.randn(2, channels, 11, 14, dtype=torch.float64, requires_grad=True)
    plain = F.conv2d(maps, layer.weight, layer.bias, padding=kernel_size // 2)
    made = layer.in_two_passes(maps, multiple)
    if multiple == 1:
        assert torch.equal(made, layer(maps))
    assert torch.allclose(made, plain, atol=1e-12)
    direction = torch.randn_like(plain)
    leaves = (maps, layer.weight, layer.bias)
    for ours, theirs in zip(
        torch.autograd.grad(made, leaves, direction),
        torch.autograd.grad(plain, leaves, direction),
        strict=True,
    ):
        assert torch.allclose(ours, theirs, atol=1e-11)


@pytest.mark.parametrize("factor", [2, 3])
def test_the_shuffle_of_gpus_moves_every_pixel_as_pytorchs_and_stays_in_its_layout(factor):
    layer = PixelShuffle(factor)
    x = torch.rand(2, 5 * factor**2, 4, 6).to(memory_format=torch.channels_last).requires_grad_()
    made, expected = layer.in_channels_last(x), torch.nn.functional.pixel_shuffle(x, factor)
    assert torch.equal(made, expected) and torch.equal(layer(x), expected)
    assert made.is_contiguous(memory_format=torch.channels_last)
    direction = torch.rand_like(expected)
    ours, theirs = (torch.autograd.grad(y, x, direction)[0] for y in (made, expected))
    assert torch.equal(ours, theirs)
