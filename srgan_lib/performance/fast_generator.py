"""A copy of a generator that computes the same pictures faster, and cannot be trained."""

import copy

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..models import Generator
from ..system.devices import cpu_has_bf16
from ..system.fast_layers import use_fast_layers

# Levels, of 255 and not yet rounded, by which a fast copy may be off on the picture that is tried:
# a little below 1, because other pictures may be worse.
CLOSE = 0.9


class Rounded(nn.Module):
    """Runs `body` in a short number format, on and back to the format that it is given."""

    def __init__(self, body: nn.Module, dtype: torch.dtype):
        super().__init__()
        self.body, self.dtype = body.to(dtype), dtype

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x.to(self.dtype)).to(x.dtype)


def fast_dtype(device: torch.device) -> torch.dtype:
    """The format that this device multiplies fastest in: fp16 on CUDA, bf16 where a CPU has it."""
    if device.type == "cuda":
        return torch.float16  # as fast as bf16 and eight times as exact; nothing here overflows it
    return torch.bfloat16 if device.type == "cpu" and cpu_has_bf16() else torch.float32


def fold_batch_norm(layers: nn.Sequential) -> None:
    """Put each batch norm of a network in eval mode into the convolution before it, in place.

    With fixed statistics it is a factor and a summand for each channel, and so is a convolution's.
    """
    for i in range(len(layers) - 1):
        if isinstance(layers[i + 1], nn.BatchNorm2d):
            layers[i] = fuse_conv_bn_eval(layers[i], layers[i + 1])
            layers[i + 1] = nn.Identity()


def fast_copy(model: Generator, dtype: torch.dtype | None = None) -> Generator:
    """A copy in eval mode for upscaling alone, whose pictures differ by at most 1 of 255.

    Batch norm is folded. In the "course" variant convolutions between head and tail run in `dtype`
    (the device's fastest if not given), while what the skip connections add up stays in float32: so
    rounding errors do not pile up, and the network's own part of SR, the difference to bicubic, is
    small. How much a network minds the rounding is tried out on a made-up picture: if all these
    convolutions are too many, only those of the upsampling are rounded, and if these are, none. The
    other variants put out the whole picture and stay in float32.
    """
    dtype = dtype or fast_dtype(next(model.parameters()).device)
    exact = use_fast_layers(copy.deepcopy(model)).requires_grad_(False).eval()
    for block in exact.blocks:
        fold_batch_norm(block.body)
    fold_batch_norm(exact.fuse)
    exact = exact.to(memory_format=torch.channels_last)
    if model.variant == "course" and dtype != torch.float32:
        levels = _levels(exact)
        for everywhere in (True, False):
            fast = _rounded_copy(exact, dtype, everywhere)
            if (_levels(fast) - levels).abs().max() <= CLOSE:
                return fast
    return exact


def _rounded_copy(exact: Generator, dtype: torch.dtype, everywhere: bool) -> Generator:
    fast = copy.deepcopy(exact)
    if everywhere:
        for block in fast.blocks:
            block.body = Rounded(block.body, dtype)
        fast.fuse = Rounded(fast.fuse, dtype)
    for block in fast.upsample:
        block[0] = Rounded(block[0], dtype)
    return fast


@torch.inference_mode()
def _levels(model: Generator) -> torch.Tensor:
    """SR, in 0 to 255, of a picture with large and fine structure; the same one every time."""
    rng = torch.Generator().manual_seed(0)
    large, fine = (torch.rand(1, 3, side, side, generator=rng) for side in (12, 48))
    large = F.interpolate(large, scale_factor=4.0, mode="bicubic")
    lr = (large + 0.3 * (fine - 0.5)).clamp(0, 1).to(next(model.parameters()).device)
    return (255 * model(lr)).clamp(0, 255)
