"""Checks of chapter 2: taps, value ranges, PSNR as the papers take it, a test for downscalers."""

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import interpolate

from ...data import samples
from ...degradation import bicubic_downscale
from ...images import IMAGENET_MEAN, IMAGENET_STD, convert, to_image, to_tensor
from ...metrics import psnr, rgb_to_y
from .base import call, exercise, require


@exercise("2.1", points=1)
def taps(guess: int) -> str:
    """HR pixels along one axis that one LR pixel sees at x8, with antialiasing."""
    unit = torch.eye(128)[None, None]
    seen = interpolate(unit, size=(128, 16), mode="bicubic", antialias=True)[0, 0, :, 8]
    counted = int(np.count_nonzero(seen.numpy()))
    require(guess != 4, "4 is the number without antialiasing, whatever the scale.")
    require(guess != 16, "16 is the number for x4; the kernel is stretched by the scale.")
    require(guess == counted, "the kernel is not zero over 4 of its own units; how long is a unit?")
    return f"{counted} along each axis, so {counted**2:,} HR pixels have a say in one LR pixel."


@exercise("2.2", points=2)
def to_imagenet(function: Callable) -> str:
    """From [-1, 1] to ImageNet's normalization."""
    x = torch.rand(2, 3, 5, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    y = call(function, x.clone())
    require(y.shape == x.shape, f"the shape must stay {tuple(x.shape)}, yours is {tuple(y.shape)}.")
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    unit = (x + 1) / 2
    wrong = {
        "mean and deviation are of pictures in [0, 1]: go there first.": (x - mean) / std,
        "divide by the deviation, do not multiply.": (unit - mean) * std,
        "first subtract the mean, then divide.": unit / std - mean,
        "red comes first here: the colors are in the wrong order.": (unit - mean.flip(0))
        / std.flip(0),
    }
    for sentence, mistaken in wrong.items():
        require(not torch.allclose(y, mistaken, atol=1e-5), sentence)
    expected = convert(x, "signed", "imagenet")
    off = float((y - expected).abs().max())
    require(torch.allclose(y, expected, atol=1e-5), f"the result is off by as much as {off:.3f}.")
    return "Two shifts and two scalings, and every loss after it changes its size."


@exercise("2.3", points=2)
def decibels(function: Callable) -> str:
    """PSNR on Y with a cropped border, from uint8 pictures."""
    hr = samples("validation")[0].image[:64, :72]
    noise = np.random.default_rng(0).integers(-20, 21, hr.shape)
    sr = (hr + noise).clip(0, 200).astype(np.uint8)
    got = float(call(function, sr, hr, 4))
    inner = np.s_[4:-4, 4:-4]
    y_error = float(np.mean((rgb_to_y(sr[inner]) - rgb_to_y(hr[inner])) ** 2))
    wrapped = sr[inner] - hr[inner]  # uint8, as a student's may be
    unsigned = "uint8 has no negative numbers, 3 - 5 is 254: make floats of it before you subtract."

    def in_decibels(error, peak=255, factor=10):
        return factor * np.log10(float(peak) ** 2 / error)

    wrong = [
        ("this is the PSNR of RGB: papers measure on Y.", psnr(sr, hr, border=4, channel="rgb")),
        ("the border is still in it: cut `border` pixels from every edge.", psnr(sr, hr)),
        (unsigned, in_decibels(np.mean(wrapped.astype(float) ** 2))),
        (unsigned, in_decibels(np.mean(wrapped**2))),
        ("the peak is 255, not the brightest pixel there is.", in_decibels(y_error, hr.max())),
        ("PSNR takes 255 for the peak, also on a luma of 235.", in_decibels(y_error, 235)),
        ("the mean square error belongs under 255 squared.", in_decibels(y_error, 1)),
        ("20 belongs to the root; a square takes 10.", in_decibels(y_error, factor=20)),
    ]
    expected = psnr(sr, hr, border=4)
    for sentence, value in wrong:
        require(not np.isclose(got, value, atol=1e-3), sentence)
    require(np.isclose(got, expected, atol=1e-3), f"it is {expected:.2f} dB here, not {got:.2f}.")
    return f"{expected:.2f} dB, the same as the library's."


@exercise("2.4", points=3)
def same_lr(function: Callable) -> str:
    """A test that lets the exact downscaler through and nothing else."""

    def pillow(image):
        size = (image.shape[1] // 4, image.shape[0] // 4)
        return np.array(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))

    def by_torch(**options):
        return lambda image: to_image(interpolate(to_tensor(image), scale_factor=1 / 4, **options))

    def rows_first(image):
        return np.ascontiguousarray(bicubic_downscale(image.swapaxes(0, 1), 4).swapaxes(0, 1))

    exact = call(function, lambda image: bicubic_downscale(image, 4))
    require(exact, "it refuses the exact downscaler.")
    impostors = {
        "PyTorch's bicubic without antialiasing": by_torch(mode="bicubic"),
        "PyTorch's area": by_torch(mode="area"),
        "PyTorch's bicubic with antialiasing": by_torch(mode="bicubic", antialias=True),
        "Pillow's bicubic": pillow,
        "the right kernel with rows before columns": rows_first,
    }
    for name, impostor in impostors.items():
        require(
            not call(function, impostor),
            f"{name} passes your test, and is not the benchmark's: compare every byte, of a "
            "photograph rather than of a flat picture.",
        )
    return f"It let {len(impostors)} of {len(impostors)} impostors fail, one of them by its order."
