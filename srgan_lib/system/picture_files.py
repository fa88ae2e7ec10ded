import re
import warnings
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps

from ..errors import ImageError
from .files import check_new, expanded

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
EXIF_LIMIT = 65_000  # bytes; JPEG has no room for more
SAVE_OPTIONS = {
    ".png": {"format": "PNG"},
    # 4:4:4, because the default would halve the resolution of the colors.
    ".jpg": {"format": "JPEG", "quality": 95, "subsampling": "4:4:4"},
    ".jpeg": {"format": "JPEG", "quality": 95, "subsampling": "4:4:4"},
    ".webp": {"format": "WEBP", "quality": 95},
}


def _is_deep(image: Image.Image) -> bool:
    """Whether the file has more than 8 bits a channel; Pillow would cut 16-bit RGB silently."""
    raw_mode = str(image.tile[0][3]) if image.tile else ""
    # BGR;16 is three channels in 16 bits.
    deep = re.search(r"\b(?!BGR\b)[A-Za-z]+;(16|32)", raw_mode)
    return deep is not None or image.mode in ("I", "F")


def _decode(file: Path | BytesIO, name: str) -> tuple[np.ndarray, bytes | None, bytes | None]:
    """Decode to uint8 HxWx3 or, with transparency, HxWx4; the color profile; and EXIF."""
    with Image.open(file) as image:
        if _is_deep(image):
            raise ImageError(f"{name} has more than 8 bits a channel: convert it to 8 bits first.")
        has_alpha = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
        icc = image.info.get("icc_profile")
        upright = ImageOps.exif_transpose(image)
        pixels = np.array(upright.convert("RGBA" if has_alpha else "RGB"))
        # Bytes 16 to 19 name the colors that a profile is for; CMYK's says nothing about RGB.
        return pixels, icc if icc and icc[16:20] == b"RGB " else None, _exif(upright)


def _exif(image: Image.Image) -> bytes | None:
    """What EXIF says of more than these pixels, as a file's bytes; None if it says nothing."""
    try:
        exif = image.getexif()
        shot = exif.get_ifd(ExifTags.IFD.Exif)
        for tag in (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight):
            shot.pop(tag, None)  # of LR
        data = exif.tobytes() if len(exif) or shot else b""
    except Exception:  # no reason to refuse the picture
        return None
    return data if 0 < len(data) <= EXIF_LIMIT else None


class Contents(NamedTuple):
    """What a picture file holds.

    Attributes:
        image: uint8 HxWx3. alpha: uint8 HxW, None if every pixel is opaque.
        icc: the color profile (ICC) that says which colors the numbers mean; None: sRGB.
        exif: date, camera, author, place and so on, without orientation, size and thumbnail.
    """

    image: np.ndarray
    alpha: np.ndarray | None
    icc: bytes | None
    exif: bytes | None


def read_contents(path: str | Path) -> Contents:
    """Read a picture file as RGB, with its alpha channel, color profile and EXIF.

    The EXIF orientation is applied; grayscale, palette and CMYK become RGB. Colors under
    transparent pixels are returned as stored, not blended with any background.

    Raises:
        ImageError: missing, empty, damaged, not a picture, more than 8 bits a channel, or more
            pixels than Pillow agrees to decode (179 million).
    """
    path = expanded(path)
    if path.is_dir():
        raise ImageError(f"{path} is a folder: give the path of one picture.")
    if not path.exists():
        raise ImageError(f"{path} does not exist: check the path.")
    if path.stat().st_size == 0:
        raise ImageError(f"{path} is empty (0 bytes): copy or download it again.")
    return _contents(path, str(path))


def decode_image(data: bytes, name: str) -> np.ndarray:
    """Decode the bytes of a picture file as uint8 HxWx3, with the errors of `read_contents`.

    Args:
        name: what the errors call it.
    """
    return _contents(BytesIO(data), name).image


def _contents(file: Path | BytesIO, name: str) -> Contents:
    try:
        with warnings.catch_warnings():
            # Large pictures below the limit and odd metadata are no reason to alarm anyone.
            warnings.simplefilter("ignore")
            pixels, icc, exif = _decode(file, name)
    except (ImageError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        pixels, limit = (n / 1e6 for n in map(int, re.findall(r"\d+", str(error))[:2]))
        raise ImageError(
            f"{name} has {pixels:,.0f} megapixels, more than {limit:.0f}: crop it or scale it down "
            "first."
        ) from error
    except Image.UnidentifiedImageError as error:
        raise ImageError(f"{name} is not a picture in a format that Pillow can read.") from error
    except Exception as error:  # Pillow's decoders raise all sorts on damaged files
        raise ImageError(f"{name} cannot be read and may be damaged ({error}).") from error
    if pixels.shape[2] == 3:
        return Contents(pixels, None, icc, exif)
    alpha = pixels[..., 3]
    rgb = np.ascontiguousarray(pixels[..., :3])
    opaque = alpha.min() == 255
    return Contents(rgb, None if opaque else np.ascontiguousarray(alpha), icc, exif)


def check_writable(path: str | Path, *, force: bool = False) -> None:
    """Raise what `write_image` would raise for this path; worth asking before long work."""
    path = expanded(path)
    if path.is_dir():
        raise ImageError(f"{path} is a folder: give the path of a file in it.")
    if path.suffix.lower() not in SAVE_OPTIONS:
        raise ImageError(f"{path}: pictures are written as {', '.join(SAVE_OPTIONS)} only.")
    check_new(path, force=force)
