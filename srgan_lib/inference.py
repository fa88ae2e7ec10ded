"""From an LR picture to an SR picture, whole or in tiles.

Taught in notebooks 03 and 05.
"""

import numpy as np
import torch

from .errors import ConfigError, ImageError
from .images import check_image, to_image, to_tensor
from .models import MIN_LR_SIZE, Generator
from .ranges import convert


def upscale(model: Generator, image: np.ndarray, tile: int | None = None) -> np.ndarray:
    """Super-resolve one picture.

    Args:
        model: any generator; it is put into eval mode, because in train mode batch norm would use
            this one picture's statistics and shift its colors.
        image: LR, uint8 (H, W, 3), H and W at least 8.
        tile: side of the LR tiles to work in, to bound memory; None takes the picture whole. Tiles
            overlap by the network's receptive field, so that no seam can show.

    Returns:
        SR, uint8 (scale*H, scale*W, 3).

    Raises:
        ImageError: not such a picture. ConfigError: a tile smaller than 8.
    """
    check_image(image)
    height, width = image.shape[:2]
    if min(height, width) < MIN_LR_SIZE:
        raise ImageError(
            f"The picture is {width}x{height}: the networks need at least "
            f"{MIN_LR_SIZE}x{MIN_LR_SIZE} pixels."
        )
    if tile is None:
        return _upscale_whole(model, image)
    if tile < MIN_LR_SIZE:
        raise ConfigError(f"Tiles of {tile} px are too small: choose at least {MIN_LR_SIZE}.")

    scale, margin = model.scale, model.receptive_radius
    sr = np.empty((scale * height, scale * width, 3), np.uint8)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            bottom, right = min(top + tile, height), min(left + tile, width)
            y, x = max(top - margin, 0), max(left - margin, 0)
            part = _upscale_whole(model, image[y : bottom + margin, x : right + margin])
            sr[scale * top : scale * bottom, scale * left : scale * right] = part[
                scale * (top - y) : scale * (bottom - y), scale * (left - x) : scale * (right - x)
            ]
    return sr


def _upscale_whole(model: Generator, image: np.ndarray) -> np.ndarray:
    # channels_last is the layout that convolutions are fastest in, on CPU and GPU alike. Weights
    # that were converted inside inference_mode could never be trained again.
    return _infer(model.eval().to(memory_format=torch.channels_last), image)


@torch.inference_mode()
def _infer(model: Generator, image: np.ndarray) -> np.ndarray:
    lr = to_tensor(image, next(model.parameters()).device).to(memory_format=torch.channels_last)
    sr = model(convert(lr, "unit", model.input_range))
    return to_image(convert(sr, model.output_range, "unit"))
