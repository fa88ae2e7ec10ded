"""A generator as the page's generator.js reads it: its weights in one array, and other facts."""

from typing import Any

import numpy as np
import torch
from torch import nn

from ...errors import ConfigError
from ...images import IMAGENET_MEAN, IMAGENET_STD
from ...models import Generator

SCALE, CHANNELS = 4, 64  # generator.js and conv.c are made for these


def description(generator: Generator) -> dict[str, Any]:
    """What the weights do not say.

    Returns:
        blocks: how many. mean, std: the network takes (LR - mean) / std, LR in [0, 1]. bicubic:
        whether its output is added to LR's bicubic enlargement.
    """
    blog = generator.variant == "blog"
    return {
        "blocks": generator.num_blocks,
        "mean": IMAGENET_MEAN if blog else (0, 0, 0),
        "std": IMAGENET_STD if blog else (1, 1, 1),
        "bicubic": generator.variant == "course",
    }


def flat_weights(generator: Generator) -> np.ndarray:
    """All weights as float16, in the order of `state_dict`; SR comes out in [0, 1].

    Batch norm in eval mode is a scale and a shift for each channel, which the convolution before it
    takes over; so does the last convolution with the value range of the output. A first layer
    without an activation has the PReLU of slope 1.

    Raises:
        ConfigError: a network of another scale or width, or with weights beyond float16.
    """
    if (generator.scale, generator.channels) != (SCALE, CHANNELS):
        raise ConfigError(
            f"In a browser run networks of x{SCALE} with {CHANNELS} channels, not of "
            f"x{generator.scale} with {generator.channels}."
        )
    head, head_act = generator.head
    parts = [*_conv(head), _slope(head_act)]
    for block in generator.blocks:
        first, first_norm, act, second, second_norm = block.body
        parts += [*_conv(first, first_norm), _slope(act), *_conv(second, second_norm)]
    parts += _conv(*generator.fuse)
    for upsample in generator.upsample:
        conv, _, act = upsample
        parts += [*_conv(conv), _slope(act)]
    parts += _unit_range(*_conv(generator.tail), generator.output_range)
    with np.errstate(over="ignore"):
        weights = torch.cat([part.flatten() for part in parts]).numpy().astype(np.float16)
    if not np.isfinite(weights).all():
        raise ConfigError("The network has weights beyond 65,504, which float16 cannot hold.")
    return weights


@torch.no_grad()
def _conv(conv: nn.Conv2d, norm: nn.Module | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias in float64, with the batch norm that follows."""
    weight, bias = conv.weight.double(), conv.bias.double()
    if isinstance(norm, nn.BatchNorm2d):
        scale = norm.weight / torch.sqrt(norm.running_var.double() + norm.eps)
        weight = weight * scale[:, None, None, None]
        bias = (bias - norm.running_mean) * scale + norm.bias
    return weight, bias


@torch.no_grad()
def _slope(activation: nn.Module) -> torch.Tensor:
    return activation.weight.double() if isinstance(activation, nn.PReLU) else torch.ones(1)


def _unit_range(
    weight: torch.Tensor, bias: torch.Tensor, output_range: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """The last convolution so that SR is in [0, 1]: see `images.convert`."""
    if output_range == "signed":
        return weight / 2, (bias + 1) / 2
    if output_range == "imagenet":
        mean, std = (torch.tensor(v, dtype=torch.double) for v in (IMAGENET_MEAN, IMAGENET_STD))
        return weight * std[:, None, None, None], bias * std + mean
    return weight, bias
