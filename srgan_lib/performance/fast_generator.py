"""A copy of a generator that computes the same pictures faster, and cannot be trained."""

import copy

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..models import Generator, ResidualBlock
from ..system.devices import cpu_has_bf16
from ..system.fast_layers import use_fast_layers

# Levels, of 255 and not yet rounded, by which a fast copy may be off on the pictures that are
# tried: a little below 1, because other pictures may be worse.
CLOSE = 0.9


class Rounded(nn.Module):
    """Runs `body` in a number format, which is also that of what it returns.

    Adding it to a skip connection or bicubic enlargement in float32 gives float32 again.
    """

    def __init__(self, body: nn.Module, dtype: torch.dtype):
        super().__init__()
        self.body, self.dtype = body.to(dtype), dtype

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x.to(self.dtype))


class InPlacePReLU(nn.Module):
    """PReLU with one slope, written over its input: large maps cost most to move."""

    def __init__(self, layer: nn.PReLU):
        super().__init__()
        self.slope = layer.weight.item()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu_(x, self.slope)


class FastBlock(nn.Module):
    """A residual block, its batch norm folded, that adds to its input in place where it may."""

    def __init__(self, block: ResidualBlock, dtype: torch.dtype, in_place: bool):
        super().__init__()
        first, _, activation, second, _ = block.body
        self.body = Rounded(nn.Sequential(first, InPlacePReLU(activation), second), dtype)
        self.in_place = in_place

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.add_(self.body(x)) if self.in_place else x + self.body(x)


class UnshuffledToRGB(nn.Conv2d):
    """The 9x9 convolution to RGB that follows a pixel shuffle by 2, done before it.

    (N, 4C, H, W) -> (N, 3, 2H, 2W). Each of the four pixels in a cell sees 9x9 of its neighbors,
    all of them in 5x5 cells: so on the coarse grid it is a 5x5 convolution from 4C channels to 12,
    and only these need shuffling. Twelve output channels suit fast convolutions better than three,
    and the widest map of the network is never moved.
    """

    def __init__(self, tail: nn.Conv2d):
        # In a 10x10 kernel on the fine grid, aligned to cells, the pixel's place moves its 9x9.
        places = [F.pad(tail.weight, (x, 1 - x, y, 1 - y)) for y in (0, 1) for x in (0, 1)]
        kernel = torch.stack(places, 1).unflatten(4, (5, 2)).unflatten(3, (5, 2))
        kernel = kernel.permute(0, 1, 2, 4, 6, 3, 5).flatten(2, 4).flatten(0, 1)
        with torch.device("meta"):  # no memory and no random numbers for what is replaced
            super().__init__(kernel.shape[1], kernel.shape[0], 5, padding=2)
        self.weight = nn.Parameter(kernel, requires_grad=False)
        self.bias = nn.Parameter(tail.bias.repeat_interleave(4), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.pixel_shuffle(super().forward(x), 2)


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

    Batch norm is folded, and what follows a convolution is done in place. In the "course" variant
    all convolutions after the head run in `dtype` (the device's fastest if not given), while what
    the skip connections add up stays in float32: so rounding errors do not pile up, and the
    network's own part of SR, the difference to bicubic, is small. How much a network minds the
    rounding is tried out on made-up pictures. The first blocks matter most, because all others
    work on their errors: if rounding everywhere is too much, a quarter of the blocks stays in
    float32; if it still is, all but the upsampling, and at last that, too. The other variants put
    out the whole picture and stay in float32.
    """
    device = next(model.parameters()).device
    dtype = dtype or fast_dtype(device)
    exact = copy.deepcopy(model).requires_grad_(False).eval()
    for block in exact.blocks:
        fold_batch_norm(block.body)
    fold_batch_norm(exact.fuse)
    if model.variant == "course" and dtype != torch.float32:
        pictures = _made_up_pictures().to(device)
        levels = _levels(exact, pictures)
        for first in sorted({0, model.num_blocks // 4, model.num_blocks}):
            fast = _rearranged(exact, dtype, first)
            if (_levels(fast, pictures) - levels).abs().max() <= CLOSE:
                return fast
    return _rearranged(exact, torch.float32)


def _rearranged(exact: Generator, dtype: torch.dtype, first: int = 0) -> Generator:
    """In faster layers, and `dtype` from block `first` on; past the last, in upsampling only."""
    fast = copy.deepcopy(exact)
    most = dtype if first < fast.num_blocks else torch.float32  # of what is no upsampling
    fast.blocks = nn.Sequential(*(
        FastBlock(block, dtype if i >= first else torch.float32, in_place=i > 0)
        for i, block in enumerate(fast.blocks)  # the long skip connection needs the head's output
    ))  # fmt: skip
    fast.fuse = Rounded(fast.fuse, most)
    *others, last = fast.upsample
    steps = [nn.Sequential(conv, InPlacePReLU(prelu), shuffle) for conv, shuffle, prelu in others]
    conv, shuffle, prelu = last
    # Nobody has timed it on a GPU, and without oneDNN it would be unfolded in memory.
    if conv.weight.device.type == "cpu" and torch.backends.mkldnn.is_available():
        steps.append(nn.Sequential(conv, InPlacePReLU(prelu)))
        fast.tail = UnshuffledToRGB(fast.tail)
    else:
        steps.append(nn.Sequential(conv, InPlacePReLU(prelu), shuffle))
    fast.upsample = nn.Sequential(*(Rounded(step, dtype) for step in steps))
    fast.tail = Rounded(use_fast_layers(nn.Sequential(fast.tail)), most)
    return use_fast_layers(fast).to(memory_format=torch.channels_last)


def _made_up_pictures() -> torch.Tensor:
    """LR (3, 3, 32, 32): soft and fine structure, sharp edges, and a sweep of frequencies."""
    rng, shape = torch.Generator().manual_seed(0), (1, 3, 32, 32)
    soft, edges = (torch.rand(1, 3, 8, 8, generator=rng) for _ in range(2))
    soft, edges = (F.interpolate(x, scale_factor=4.0, mode="bicubic") for x in (soft, edges))
    soft = soft + 0.2 * (torch.rand(shape, generator=rng) - 0.5)
    edges = (4 * (edges[:, :1] - 0.5) + 0.5).expand(shape)
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    waves = (0.5 + 0.5 * torch.sin(0.03 * (x**2 + y**2))).expand(shape)
    return torch.cat([soft, edges, waves]).clamp(0, 1)


@torch.inference_mode()
def _levels(model: Generator, lr: torch.Tensor) -> torch.Tensor:
    """SR of a generator in eval mode, in 0 to 255."""
    return (255 * model(lr)).clamp(0, 255)
