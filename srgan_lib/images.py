"""Reading, checking, cropping and writing pictures: uint8 arrays HxWx3 in RGB order."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from .errors import ConfigError, DataError, ImageError, Note
from .system.files import expanded, write_atomically
from .system.picture_files import SAVE_OPTIONS, SUFFIXES, check_writable, read_contents


class Picture(NamedTuple):
    """A picture and the name of the file it came from."""

    name: str
    image: np.ndarray


def check_image(image: np.ndarray) -> np.ndarray:
    """Return `image` if it is uint8 HxWx3 with at least one pixel, else raise ImageError."""
    if not isinstance(image, np.ndarray):
        raise ImageError(f"A picture must be a NumPy array, not {type(image).__name__}.")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ImageError(
            f"A picture must be a uint8 array HxWx3, not {image.dtype} of shape {image.shape}."
        )
    return image


def read_image(path: str | Path) -> np.ndarray:
    """Read a picture file as uint8 HxWx3; `read_contents` says how, and what it raises."""
    return read_contents(path).image


def write_image(
    path: str | Path, image: np.ndarray, *, alpha: np.ndarray | None = None, force: bool = False
) -> Path:
    """Write a picture as PNG, JPEG (quality 95, 4:4:4) or WebP (quality 95), as its suffix says.

    The file appears complete or not at all; missing parent folders are made.

    Args:
        image: uint8 HxWx3.
        alpha: optional uint8 HxW, for PNG and WebP.
        force: replace an existing file.

    Raises:
        ImageError: unknown suffix, alpha that does not fit, or a failed write.
        SRGANError: the file exists.
    """
    path = expanded(path)
    check_image(image)
    check_writable(path, force=force)
    if alpha is not None:
        if path.suffix.lower() in (".jpg", ".jpeg"):
            raise ImageError(f"{path}: JPEG cannot hold transparency, so choose .png or .webp.")
        if alpha.dtype != np.uint8 or alpha.shape != image.shape[:2]:
            raise ImageError(f"{path}: alpha must be uint8, as high and wide as the picture.")
        image = np.dstack([image, alpha])
    options = SAVE_OPTIONS[path.suffix.lower()]
    try:
        write_atomically(path, lambda temporary: Image.fromarray(image).save(temporary, **options))
    except (OSError, ValueError) as error:
        raise ImageError(f"{path} could not be written ({error}).") from error
    return path


def to_tensor(image: np.ndarray, device: torch.device | str | None = None) -> torch.Tensor:
    """Turn uint8 HxWx3 into a float32 tensor 1x3xHxW in the "unit" range [0, 1]."""
    pixels = torch.tensor(np.ascontiguousarray(check_image(image)), device=device)
    return pixels.permute(2, 0, 1).unsqueeze(0).float().div(255).contiguous()


def to_image(tensor: torch.Tensor) -> np.ndarray:
    """Turn a "unit" tensor 1x3xHxW or 3xHxW into uint8 HxWx3: clamped to [0, 1], then rounded."""
    if tensor.ndim == 4 and tensor.shape[0] == 1:
        tensor = tensor[0]
    if tensor.ndim != 3 or tensor.shape[0] != 3:
        raise ImageError(f"A tensor 1x3xHxW or 3xHxW is needed, not {tuple(tensor.shape)}.")
    pixels = tensor.detach().float().clamp(0, 1).mul(255).round().to(torch.uint8)
    return pixels.permute(1, 2, 0).contiguous().cpu().numpy()


def crop_to_multiple(image: np.ndarray, scale: int) -> np.ndarray:
    """Cut the right and bottom edges so that both sides are multiples of `scale`.

    Raises:
        ImageError: a side shorter than `scale`.
    """
    height, width = (side - side % scale for side in image.shape[:2])
    if height == 0 or width == 0:
        raise ImageError(
            f"The picture is {image.shape[1]}x{image.shape[0]} pixels and at least "
            f"{scale}x{scale} are needed: use a larger one."
        )
    return image[:height, :width]


def list_images(folder: str | Path) -> list[Path]:
    """List a folder's picture files by suffix, sorted by name; hidden files are left out.

    Raises:
        DataError: no such folder.
    """
    folder = expanded(folder)
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: give the path of a folder of pictures.")
    files = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in files if path.suffix.lower() in SUFFIXES and path.is_file())


def iter_folder(folder: str | Path) -> Iterator[Picture]:
    """Read a folder's pictures one by one; a bad file is named in a warning and left out."""
    for path in list_images(folder):
        try:
            image = read_image(path)
        except ImageError as error:
            warnings.warn(f"Left out: {error}", Note, stacklevel=2)
            continue
        yield Picture(path.name, image)


def load_folder(folder: str | Path) -> list[Picture]:
    """Read all pictures of a folder, as `iter_folder` does.

    Raises:
        DataError: no such folder, or not one picture in it that can be read.
    """
    pictures = list(iter_folder(folder))
    if not pictures:
        raise DataError(f"{folder} has no picture that can be read ({', '.join(SUFFIXES)}).")
    return pictures


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
