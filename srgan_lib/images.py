"""Reading, checking, cropping and writing pictures: uint8 arrays HxWx3 in RGB order."""

import warnings
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps

from .errors import ConfigError, DataError, ImageError, Note
from .system import picture_files, picture_writers
from .system.files import expanded
from .system.picture_files import list_images


class Picture(NamedTuple):
    """A picture and the name of the file it came from."""

    name: str
    image: np.ndarray


def check_image(image: np.ndarray, *, deep: bool = False) -> np.ndarray:
    """Return `image` if it is uint8 HxWx3 with at least one pixel, else raise ImageError.

    Args:
        deep: let uint16 pass as well.
    """
    if not isinstance(image, np.ndarray):
        raise ImageError(f"A picture must be a NumPy array, not {type(image).__name__}.")
    fits = image.dtype == np.uint8 or (deep and image.dtype == np.uint16)
    if not fits or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ImageError(
            f"A picture must be a uint8 array HxWx3, not {image.dtype} of shape {image.shape}."
        )
    return image


def as_array(picture: "str | Path | Image.Image | np.ndarray") -> np.ndarray:
    """Whatever holds a picture as uint8 HxWx3: a path, a Pillow image, or such an array itself.

    Raises:
        ImageError: none of these, or a file or image that `read_image` would refuse.
    """
    if isinstance(picture, (str, Path)):
        return read_image(picture)
    if isinstance(picture, Image.Image):
        if "transparency" in picture.info and picture.mode in ("P", "L", "RGB"):
            picture = picture.convert("RGBA")  # TIFF has no place for one color that is not seen
        file = BytesIO()  # through a file, so that it is treated as one: orientation, colors, bits
        try:
            ImageOps.exif_transpose(picture).save(file, "TIFF")
        except (OSError, ValueError) as error:
            raise ImageError(
                f"A picture of mode {picture.mode} cannot be used ({error}): convert it to "
                "RGB first."
            ) from None
        return picture_files.decode_image(file.getvalue(), "The picture")
    return check_image(picture, deep=True)


def read_image(path: str | Path) -> np.ndarray:
    """Read a picture file as uint8 HxWx3 in sRGB; `read_contents` says how, and what it raises.

    Without its color profile an array must be sRGB; a picture that is already stays as it is. What
    an array of this kind cannot hold (16 bits, transparency) is named in a `Note`;
    `performance.large_pictures` goes from file to file and keeps it.
    """
    return picture_files.to_array(picture_files.read_contents(path), str(path))


def write_image(
    path: str | Path, image: np.ndarray, *, alpha: np.ndarray | None = None, force: bool = False
) -> Path:
    """Write a picture as PNG, TIFF, JPEG (quality 95, 4:4:4) or WebP (quality 95) by its suffix.

    The file appears complete or not at all; missing parent folders are made.

    Args:
        image: uint8 HxWx3.
        alpha: optional uint8 HxW, for all but JPEG.
        force: replace an existing file.

    Raises:
        ImageError: unknown suffix, alpha that does not fit, or a failed write.
        SRGANError: the file exists.
    """
    return picture_writers.save_array(expanded(path), check_image(image), alpha, force=force)


def to_tensor(image: np.ndarray, device: torch.device | str | None = None) -> torch.Tensor:
    """Turn uint8 or uint16 HxWx3 into a float32 tensor 1x3xHxW in the "unit" range [0, 1]."""
    largest = np.iinfo(check_image(image, deep=True).dtype).max
    if image.dtype == np.uint16:  # which PyTorch hardly computes with
        image = image.astype(np.int32)
    pixels = torch.tensor(np.ascontiguousarray(image), device=device)
    return pixels.permute(2, 0, 1).unsqueeze(0).float().div(largest).contiguous()


def to_image(tensor: torch.Tensor, *, deep: bool = False) -> np.ndarray:
    """Turn a "unit" tensor 1x3xHxW or 3xHxW into uint8 HxWx3: clamped to [0, 1], then rounded.

    Args:
        deep: return uint16, where 65,535 is white.
    """
    if tensor.ndim == 4 and tensor.shape[0] == 1:
        tensor = tensor[0]
    if tensor.ndim != 3 or tensor.shape[0] != 3:
        raise ImageError(f"A tensor 1x3xHxW or 3xHxW is needed, not {tuple(tensor.shape)}.")
    levels, kind = (65535, torch.int32) if deep else (255, torch.uint8)
    pixels = tensor.detach().float().clamp(0, 1).mul(levels).round().to(kind)
    image = pixels.permute(1, 2, 0).contiguous().cpu().numpy()
    return image.astype(np.uint16) if deep else image


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


def iter_folder(folder: str | Path) -> Iterator[Picture]:
    """Read a folder's pictures one by one; what cannot be read is left out, with a warning."""
    files = list_images(folder)
    if note := files and picture_files.skipped(expanded(folder)):
        warnings.warn(note, Note, stacklevel=2)
    for path in files:
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
        raise DataError(picture_files.no_pictures(expanded(folder)))
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
