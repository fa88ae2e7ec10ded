"""What needs a trained network from the net, stored for readers without one: `data/stored`.

A file there holds `origin`, a sentence on how its values were made, and `values`. To measure again
what chapters 4 and 4b measure with VGG16, name the folder where each result is also to be kept:

    SRGAN_RECORD=data/stored SRGAN_VGG=vgg16.safetensors SRGAN_PROFILE=cpu \
        python -m srgan_lib.course.handout.build
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import DataError, WeightsError
from ..images import read_image, write_image
from ..metrics import LPIPS
from ..system.files import DATA, write_json

STORED = DATA / "stored"
VGG = "vgg16"  # all numbers that were measured with it; pictures are files of their own
RECORD = "SRGAN_RECORD"  # environment variable: a folder like STORED


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


def live_or_stored(name: str, live: Any, source: str, folder: Path = STORED) -> tuple[Any, str]:
    """`live`, if a trained VGG16 measured it, else what is stored of it; and which of the two.

    Args:
        name: of the measurement.
        live: uint8 (H, W, 3), or whatever JSON can hold.
        source: where the weights came from: `VGGFeatures.source`.

    Raises:
        DataError: nothing of this name is stored.
    """
    if source != "random":
        if record := os.environ.get(RECORD):
            _record(Path(record), name, live, source)
        return live, "VGG16 with ImageNet weights"
    return stored_vgg(name, folder), "stored: VGG16 with ImageNet weights"


def stored_vgg(name: str, folder: Path = STORED) -> Any:
    """What a trained VGG16 measured under this name: numbers, or a picture.

    Raises:
        DataError: nothing is stored.
    """
    picture = folder / f"{name}.png"
    if picture.exists():
        return read_image(picture)
    values, _ = read_stored(VGG, folder)
    if name not in values:
        raise DataError(f"Nothing is stored as {name!r}: choose one of {', '.join(values)}.")
    return values[name]


def _record(folder: Path, name: str, live: Any, source: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(live, np.ndarray):
        write_image(folder / f"{name}.png", live, force=True)
        return
    values = read_stored(VGG, folder)[0] if (folder / f"{VGG}.json").exists() else {}
    origin = (
        "Measured by chapters 4 and 4b, with the networks that come with the course and VGG16's "
        f"ImageNet weights ({source}), PyTorch {torch.__version__}."
    )
    write_json(
        folder / f"{VGG}.json",
        {"origin": origin, "values": dict(sorted({**values, name: live}.items()))},
    )


def _has_alexnet() -> bool:
    """Whether LPIPS needs no download."""
    from torchvision.models import AlexNet_Weights

    cached = Path(torch.hub.get_dir(), "checkpoints", Path(AlexNet_Weights.DEFAULT.url).name)
    return bool(os.environ.get("SRGAN_ALEXNET")) or cached.is_file()
