"""Two layers of a generator that compute the same faster, swapped in where speed counts.

`srgan_lib.models` shows the plain ones. Parameters and state dict stay what they are.
"""

import torch
from torch import nn
from torch.nn import functional as F


def use_fast_layers(network: nn.Module) -> nn.Module:
    """Replace the convolutions to RGB and the pixel shuffles of a network, in place; return it.

    The parameters are the same objects: an optimizer that knows them goes on as it was.
    """
    for parent in list(network.modules()):
        for name, layer in parent.named_children():
            if type(layer) is nn.PixelShuffle:
                setattr(parent, name, PixelShuffle(layer.upscale_factor))
            elif type(layer) is nn.Conv2d and layer.out_channels == 3 and _is_square(layer):
                setattr(parent, name, ToRGB(layer))
    return network


def _is_square(layer: nn.Conv2d) -> bool:
    """Whether it is one that `ToRGB` can take the place of: odd, "same" padded, nothing special."""
    size = layer.kernel_size[0]
    usual = layer.stride == layer.dilation == (1, 1) and layer.groups == 1
    same = layer.kernel_size == (size, size) and layer.padding == (size // 2, size // 2)
    return usual and same and size % 2 == 1 and layer.padding_mode == "zeros"


class PixelShuffle(nn.PixelShuffle):
    """PyTorch's, but on a GPU it keeps channels_last, which PyTorch's leaves for NCHW.

    The next convolution would copy everything back, and in the backward pass once more.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.device.type == "cpu" or not x.is_contiguous(memory_format=torch.channels_last):
            return super().forward(x)
        return self.in_channels_last(x)

    def in_channels_last(self, x: torch.Tensor) -> torch.Tensor:
        """The same by one copy, from channels_last to channels_last."""
        factor = self.upscale_factor
        x = x.permute(0, 2, 3, 1).unflatten(3, (-1, factor, factor))  # N, H, W, C, rows, columns
        return x.permute(0, 1, 4, 2, 5, 3).flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


class ToRGB(nn.Conv2d):
    """A square convolution from many channels to three, "same" padded, in two passes.

    Fast convolutions compute 16 output channels or more at a time, so of three they waste most.
    Here each of the kernel's k columns first becomes three output channels of a k x 1 convolution,
    3k in all, and a 1 x k convolution of ones then adds every column's result where it belongs. The
    products are the same, their sum takes another order, and the time is a third.

    Args:
        layer: the convolution to take the place of; its parameters are used, not copied.
    """

    def __init__(self, layer: nn.Conv2d):
        size, weight = layer.kernel_size[0], layer.weight
        with torch.device("meta"):  # no memory and no random numbers for what is replaced
            super().__init__(layer.in_channels, 3, size, padding=size // 2)
        self.weight, self.bias = weight, layer.bias
        self.training = layer.training
        # On the weights' device, and made there: moved with the network, not stored with it.
        sums = torch.eye(3).repeat(1, size).view(3, 3 * size, 1, 1)
        column = torch.arange(3 * size).view(1, -1, 1, 1) // 3
        place = torch.arange(size).view(1, 1, 1, -1)
        sums = (sums * (column == place)).to(weight.device, weight.dtype)
        self.register_buffer("sums", sums, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # A GPU's matrix units want channels in multiples of 8.
        return self.in_two_passes(x, 1 if x.device.type == "cpu" else 8)

    def in_two_passes(self, x: torch.Tensor, multiple: int) -> torch.Tensor:
        """The convolution, with the channels between the passes filled up to a multiple."""
        size, half = self.kernel_size[0], self.kernel_size[0] // 2
        columns, sums = self.weight.permute(3, 0, 1, 2).reshape(3 * size, -1, size, 1), self.sums
        if unused := -3 * size % multiple:
            columns = F.pad(columns, (0, 0, 0, 0, 0, 0, 0, unused))
            sums = F.pad(sums, (0, 0, 0, 0, 0, unused))
        parts = F.conv2d(x, columns, padding=(half, 0))
        return F.conv2d(parts, sums, self.bias, padding=(0, half))
