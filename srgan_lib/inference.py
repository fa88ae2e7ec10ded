"""From an LR picture to an SR picture, in tiles that fit into memory and show no seam.

Taught in chapters 3 and 5.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm.auto import tqdm

from .degradation import bicubic_upscale
from .errors import ConfigError, ImageError
from .images import as_array, check_image, convert, to_image, to_tensor
from .models import MIN_LR_SIZE, Generator
from .system.devices import forget_unused_memory
from .system.fast_layers import use_fast_layers
from .system.picture_files import is_gray, without_color
from .system.process import is_out_of_memory

# A CPU gains nothing by larger tiles, and what a system calls free it need not let a process have.
CPU_BUDGET = 160 * 2**20  # bytes of activations; with 400, 4096x4096 pictures took 1.6 GB in all
LARGEST_TILE, SMALLEST_TILE = 512, 32  # LR pixels, where nobody chose the tile


@dataclass(frozen=True)
class Enlarger:
    """A way to enlarge pictures that can be told to do it in tiles.

    Attributes:
        enlarge: uint8 (H, W, 3) -> uint8 (scale*H, scale*W, 3), and so with uint16.
        margin: LR pixels away, at most, that an input pixel can change an output pixel.
        min_size: the smallest side that `enlarge` takes.
        tile: side of the LR tiles that fit into memory.
    """

    enlarge: Callable[[np.ndarray], np.ndarray]
    scale: int
    margin: int
    min_size: int = 1
    tile: int = LARGEST_TILE

    def check(self, image: np.ndarray) -> None:
        """Raise ImageError if this is no picture or is smaller than `min_size`."""
        height, width = check_image(image, deep=True).shape[:2]
        if min(height, width) < self.min_size:
            raise ImageError(
                f"The picture is {width}x{height}: the networks need at least "
                f"{self.min_size}x{self.min_size} pixels."
            )


def bicubic_enlarger(scale: int) -> Enlarger:
    """Bicubic enlargement, MATLAB's way; the cubic kernel reaches two pixels."""
    return Enlarger(partial(bicubic_upscale, scale=scale), scale, margin=3, tile=256)


def network_enlarger(model: Generator, deep: Generator | None = None) -> Enlarger:
    """A generator, put into eval mode: in train mode batch norm would use a picture's statistics.

    Its layers are replaced by faster ones of the same parameters (`system.fast_layers`).

    The tile is chosen from the memory of the device that the model is on.

    Args:
        deep: what pictures with 16 bits are enlarged by, if `model` itself computes with fewer.
    """
    # channels_last is the layout that convolutions are fastest in, on CPU and GPU alike. Weights
    # that were converted inside inference_mode could never be trained again.
    model, deep = (
        use_fast_layers(network).eval().to(memory_format=torch.channels_last)
        for network in (model, deep or model)
    )
    budget = _budget(next(model.parameters()).device)
    pixels = budget / _bytes_a_pixel(model)[0]
    side = math.isqrt(int(pixels)) - 2 * model.receptive_radius
    return Enlarger(
        lambda image: _infer(model if image.dtype == np.uint8 else deep, image, budget=budget),
        model.scale,
        model.receptive_radius,
        MIN_LR_SIZE,
        min(max(side, SMALLEST_TILE), LARGEST_TILE),
    )


def _budget(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] / 2  # cuDNN needs room to work in
    return CPU_BUDGET


def _bytes_a_pixel(model: Generator) -> tuple[int, int]:
    """Measured at the peaks: for each LR pixel of `features`, for each SR pixel of `render`."""
    return 4 * (4 * model.channels + 10), 4 * (2 * model.channels + 30)


@torch.inference_mode()
def _infer(model: Generator, image: np.ndarray, *, budget: float) -> np.ndarray:
    lr = to_tensor(image, next(model.parameters()).device).to(memory_format=torch.channels_last)
    lr = convert(lr, "unit", model.input_range)
    features = model.features(lr)
    height, width = image.shape[:2]
    scale, margin = model.scale, model.render_radius
    row = _bytes_a_pixel(model)[1] * scale**2 * width
    rows = max(1, int(budget / row) - 2 * margin)
    sr, deep = np.empty((scale * height, scale * width, 3), image.dtype), image.dtype == np.uint16
    for top in range(0, height, rows):
        bottom, first = min(top + rows, height), max(top - margin, 0)
        strip = (..., slice(first, bottom + margin), slice(None))
        made = convert(model.render(features[strip], lr[strip]), model.output_range, "unit")
        inside = slice(scale * (top - first), scale * (bottom - first))
        sr[scale * top : scale * bottom] = to_image(made[..., inside, :], deep=deep)
    return sr


def bands(
    enlarger: Enlarger, image: np.ndarray, tile: int | None = None, *, progress: bool = False
) -> Iterator[np.ndarray]:
    """SR from top to bottom, in bands as wide as the picture: never more than one in memory.

    Tiles overlap by the enlarger's margin, so that what is kept of each does not depend on where
    it was cut. If memory runs out, the tile is halved and the band begun again. Gray stays gray:
    where LR has no color, each pixel of SR gets the Y of what the enlarger made of it.

    Args:
        image: LR, uint8 (or uint16) (H, W, 3).
        tile: side of the LR tiles, at least 8; the enlarger's own choice if not given.

    Yields:
        The same kind, (scale*h, scale*W, 3); all h together are H.

    Raises:
        ImageError: not such a picture. ConfigError: a tile smaller than 8.
    """
    enlarger.check(image)
    if tile is not None and tile < MIN_LR_SIZE:
        raise ConfigError(f"Tiles of {tile} px are too small: choose at least {MIN_LR_SIZE}.")
    tile = tile or enlarger.tile
    top, height, gray = 0, len(image), is_gray(image)
    with tqdm(total=height, unit="row", disable=not progress, delay=1, leave=False) as bar:
        while top < height:
            bottom = min(top + tile, height)
            try:
                band = _band(enlarger, image, top, bottom, tile)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) or tile <= SMALLEST_TILE:
                    raise
                band = None
            if band is None:  # out of `except`, where the error still holds what was computed
                forget_unused_memory()
                tile = max(tile // 2, SMALLEST_TILE)
                continue
            yield without_color(band) if gray else band
            bar.update(bottom - top)
            top = bottom


def _band(enlarger: Enlarger, image: np.ndarray, top: int, bottom: int, tile: int) -> np.ndarray:
    scale, margin, width = enlarger.scale, enlarger.margin, image.shape[1]
    band = np.empty((scale * (bottom - top), scale * width, 3), image.dtype)
    for left in range(0, width, tile):
        right = min(left + tile, width)
        y, x = max(top - margin, 0), max(left - margin, 0)
        part = enlarger.enlarge(image[y : bottom + margin, x : right + margin])
        band[:, scale * left : scale * right] = part[
            scale * (top - y) : scale * (bottom - y), scale * (left - x) : scale * (right - x)
        ]
    return band


def upscale(
    model: Generator, image: "str | Path | Image.Image | np.ndarray", tile: int | None = None
) -> np.ndarray:
    """Super-resolve one picture in memory; `performance.large_pictures` goes from file to file.

    Args:
        model: any generator; it is put into eval mode.
        image: LR, uint8 (or uint16) (H, W, 3), H and W at least 8; or a path, or a Pillow image.
        tile: side of the LR tiles to work in. If not given, pictures that fit into memory are taken
            whole, and larger ones in the largest tiles that do. Tiles overlap by the network's
            receptive field, so that no seam can show.

    Returns:
        SR of the same kind, (scale*H, scale*W, 3); gray if LR is.

    Raises:
        ImageError: not such a picture. ConfigError: a tile smaller than 8, or a name for a model.
    """
    if not isinstance(model, torch.nn.Module):
        raise ConfigError(f'{model!r} is no network: load one first, load_generator("srgan").')
    return upscale_with(network_enlarger(model), as_array(image), tile)


def upscale_with(enlarger: Enlarger, image: np.ndarray, tile: int | None = None) -> np.ndarray:
    """The same with any enlarger."""
    parts = list(bands(enlarger, image, tile))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
