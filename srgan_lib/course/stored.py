"""What needs a trained network from the net, stored for readers without one: `data/stored`.

A file there holds `origin`, a sentence on how its values were made, and `values`.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import DataError, WeightsError
from ..metrics import LPIPS
from ..system.files import DATA

STORED = DATA / "stored"


def read_stored(name: str, folder: Path = STORED) -> tuple[Any, str]:
    """The values of `name`, and the sentence on how they were made.

    Raises:
        DataError: nothing of this name is stored, or not what should be.
    """
    path = folder / f"{name}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return content["values"], content["origin"]
    except FileNotFoundError:
        raise DataError(f"There is no {path}: get the course's data/stored again.") from None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise DataError(f"{path} is damaged ({error}): get the course's file again.") from None


def stored_lpips(
    name: str,
    pictures: Mapping[str, np.ndarray],
    original: np.ndarray,
    *,
    measure: bool = False,
    device: torch.device | str = "cpu",
) -> tuple[dict[str, float], str]:
    """LPIPS of each picture: measured if AlexNet's weights are here, else as stored.

    Args:
        name: of the stored values.
        pictures: label -> uint8 (H, W, 3), of `original`'s size.
        measure: download the weights (233 MB, once) if they are not here. Where that fails, a
            line says so and the stored values are taken.

    Returns:
        label -> LPIPS, and "measured now" or "stored".

    Raises:
        DataError: as `read_stored`, or the stored labels are other ones.
    """
    if measure or _has_alexnet():
        try:
            distance = LPIPS(device=device)
            return {label: distance(p, original) for label, p in pictures.items()}, "measured now"
        except WeightsError as error:
            print(f"LPIPS was not measured: {error}")
    values, origin = read_stored(name)
    if values.keys() != pictures.keys():
        raise DataError(f"{name} is stored for {', '.join(values)}, not {', '.join(pictures)}.")
    print(f"Stored values: {origin}")
    return values, "stored"


def _has_alexnet() -> bool:
    """Whether LPIPS needs no download."""
    from torchvision.models import AlexNet_Weights

    cached = Path(torch.hub.get_dir(), "checkpoints", Path(AlexNet_Weights.DEFAULT.url).name)
    return bool(os.environ.get("SRGAN_ALEXNET")) or cached.is_file()
