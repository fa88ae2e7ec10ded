"""The running mean of a network's weights (EMA), which is steadier than the weights of any step.

Taught in notebook 03.
"""

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


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
