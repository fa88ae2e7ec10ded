"""Means of weights: over the steps of a training (EMA), or of two networks.

Taught in notebooks 03 and 05.
"""

import copy

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from .errors import ConfigError
from .models import Generator


@torch.no_grad()
def move_average(mean: nn.Module, now: nn.Module, decay: float, step: int) -> None:
    """Move `mean` a little towards `now`, in place: mean = d * mean + (1 - d) * now.

    Args:
        mean, now: two networks of one architecture. Buffers are copied, not averaged.
        decay: the d that a long training ends up with, e.g. 0.999.
        step: updates done so far. d grows with them, (1 + step) / (10 + step) at most, so that a
            short training does not end up with a mean of its beginnings.
    """
    decay = min(decay, (1 + step) / (10 + step))
    get_ema_multi_avg_fn(decay)(list(mean.parameters()), list(now.parameters()), None)
    for kept, buffer in zip(mean.buffers(), now.buffers(), strict=True):
        kept.copy_(buffer)


@torch.no_grad()
def interpolate(first: Generator, second: Generator, share: float) -> Generator:
    """A new network on the line between two: (1 - share) * first + share * second, by weights.

    It works where one was trained from the other, as SRGAN from SRResNet: between the two lies
    every compromise of detail and PSNR (Wang et al. 2018, section 3.4).

    Args:
        share: of `second`, from 0 to 1.

    Raises:
        ConfigError: networks of different size or variant, or another share.
    """
    if first.config != second.config:
        raise ConfigError(f"Between {first.config} and {second.config} there is no network.")
    if not 0 <= share <= 1:
        raise ConfigError(f"The second network's share is from 0 to 1, not {share}.")
    between = copy.deepcopy(first)
    others = second.state_dict()
    for name, value in between.state_dict().items():
        if value.is_floating_point():  # all but the number of batches that a batch norm has seen
            value.lerp_(others[name].to(value.device), share)
    return between
