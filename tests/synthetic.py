"""Pictures that several tests make up."""

import numpy as np
import pytest
import torch

from srgan_lib import losses, vgg


def photo(height, width, seed=0):
    """Noise with the 1 / f spectrum of photographs, the colors alike but not equal."""
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(height)[:, None, None], np.fft.rfftfreq(width)[None, :, None]
    frequency = np.hypot(fy, fx)
    frequency[0, 0] = np.inf
    gray, color = (
        np.fft.irfft2(np.fft.rfft2(noise, axes=(0, 1)) / frequency, (height, width), axes=(0, 1))
        for noise in (rng.normal(size=(height, width, 1)), rng.normal(size=(height, width, 3)))
    )
    mixed = gray / gray.std() + 0.3 * color / color.std()
    return (128 + 40 * mixed).clip(0, 255).astype(np.uint8)


def make_vgg_thin(patch: pytest.MonkeyPatch) -> None:
    """Give VGG all its layers, but a few channels each."""
    widths = (4, 4, 4, 8, 8)
    patch.setattr(vgg, "_VGG_WIDTHS", widths)
    learned = [torch.full((1, width, 1, 1), 1 / width) for width in widths]
    patch.setattr(losses, "_learned_weights", lambda: learned)
