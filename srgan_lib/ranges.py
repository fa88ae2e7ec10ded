"""Value ranges of image tensors, and the one place where they are converted.

Taught in notebook 02. The paper feeds LR in [0, 1] and compares HR in [-1, 1] (section 3.2); the
blog post normalizes both with ImageNet's mean and standard deviation, which VGG always needs.
"""

import torch

from .errors import ConfigError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
RANGES = ("unit", "signed", "imagenet")


def _channels(values: tuple[float, ...], like: torch.Tensor) -> torch.Tensor:
    # Filled in place: for a copy from the CPU a GPU's whole queue would have to wait.
    kind = {"dtype": like.dtype, "device": like.device}
    return torch.stack([torch.full((1, 1), value, **kind) for value in values])


def convert(x: torch.Tensor, source: str, target: str) -> torch.Tensor:
    """Convert an image tensor from one named range to another.

    Args:
        x: float tensor (..., 3, H, W) in RGB order.
        source, target: "unit" = [0, 1], "signed" = [-1, 1], "imagenet" = (unit - mean) / std.

    Returns:
        Tensor of the same shape. Differentiable; values outside the range are not clamped.

    Raises:
        ConfigError: a range that is not one of `RANGES`.
    """
    for name in (source, target):
        if name not in RANGES:
            raise ConfigError(f"Unknown value range {name!r}: choose one of {', '.join(RANGES)}.")
    if source == target:
        return x
    if source == "signed":
        x = (x + 1) / 2
    elif source == "imagenet":
        x = x * _channels(IMAGENET_STD, x) + _channels(IMAGENET_MEAN, x)
    if target == "signed":
        return x * 2 - 1
    if target == "imagenet":
        return (x - _channels(IMAGENET_MEAN, x)) / _channels(IMAGENET_STD, x)
    return x
