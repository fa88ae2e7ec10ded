"""Picture files: which there are, what they hold, and how it is read without losing any of it."""

import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps

from ..errors import DataError, ImageError, Note
from .colors import (
    ADOBE_RGB,
    colors_of,
    make_profile,
    profile_of_codes,
    profile_of_gamma,
    to_srgb,
)
from .file_kinds import A_PICTURE, what_it_is
from .files import check_new, expanded

SAVE_OPTIONS = {
    ".png": {"format": "PNG"},
    # 4:4:4, because the default would halve the resolution of the colors.
    ".jpg": {"format": "JPEG", "quality": 95, "subsampling": "4:4:4"},
    ".jpeg": {"format": "JPEG", "quality": 95, "subsampling": "4:4:4"},
    ".webp": {"format": "WEBP", "quality": 95},
    ".tif": {"format": "TIFF", "compression": "tiff_adobe_deflate"},
    ".tiff": {"format": "TIFF", "compression": "tiff_adobe_deflate"},
}
# Names that Pillow has, but no picture: it would need another program, or Windows, to draw them.
_NOT_READ = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
# Formats that come with a package of their own, if it is installed.
PLUGINS = {
    ".heic": "pillow-heif", ".heif": "pillow-heif", ".hif": "pillow-heif",
    ".avif": "pillow-avif-plugin", ".jxl": "pillow-jxl-plugin",
}  # fmt: skip
_BRANDS = {b"heic": ".heic", b"heix": ".heic", b"mif1": ".heic", b"hevc": ".heic", b"avif": ".avif"}
_ANIMATED, _PAGED = {"AVIF", "FLI", "GIF", "PNG", "WEBP"}, {"DCX", "TIFF"}
_RAW_16 = re.compile(r"\b(?!BGR\b)[A-Za-z]+;(12|16|32)")  # BGR;16 is three channels in 16 bits
_XMP_JPEG = b"http://ns.adobe.com/xap/1.0/\0"
_HEAD = 2**16  # bytes in which formats say how many bits and which colors they have
_LR_ONLY = (  # EXIF tags that hold for the pixels of LR alone
    ExifTags.Base.ImageWidth, ExifTags.Base.ImageLength, ExifTags.Base.XResolution,
    ExifTags.Base.YResolution, ExifTags.Base.ResolutionUnit, ExifTags.Base.Orientation,
    ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight,
    ExifTags.IFD.Interop,  # a place in the old file
)  # fmt: skip
# What a TIFF file says of its subject, between all that it says of how its pixels are stored.
_SUBJECT = {269, 270, 271, 272, 285, 305, 306, 315, 316, 18246, 33432, 34665, 34853,
            *range(40091, 40096)}  # fmt: skip
_XMP_LR_ONLY = re.compile(
    rb"\s(?P<a>tiff:(?:Orientation|ImageWidth|ImageLength|[XY]Resolution)|exif:Pixel[XY]Dimension)"
    rb'="[^"]*"|<(?P<b>tiff:(?:Orientation|ImageWidth|ImageLength|[XY]Resolution)|'
    rb"exif:Pixel[XY]Dimension)>[^<]*</(?P=b)>"
)


class Contents(NamedTuple):
    """What a picture file holds, or one frame or page of it.

    Attributes:
        image: uint8 or, if the file has more than 8 bits a channel, uint16; HxWx3.
        alpha: HxW of the same kind, None if every pixel is opaque.
        icc: the color profile (ICC) that says which colors the numbers mean; None: sRGB.
        exif: date, camera, author, place and so on, without orientation, size and thumbnail.
        xmp: the same in XMP, and who has which rights.
        density: pixels an inch, across and down.
        png_colors: PNG chunks that say what `icc` says, or more.
        single: the file has one channel of color, gray; then those of `image` are equal.
        frames: how many frames or pages the file has.
        animated: they follow in time.
        plays: how often; 0 is for ever.
        duration: of this frame, in milliseconds.
        iptc: who made it and has which rights, as news agencies write it.
        texts: keywords and what is said there: PNG's, or a file's "Comment".
    """

    image: np.ndarray
    alpha: np.ndarray | None
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    density: tuple[float, float] | None = None
    png_colors: tuple[tuple[bytes, bytes], ...] = ()
    single: bool = False
    frames: int = 1
    animated: bool = False
    plays: int = 0
    duration: float = 0
    iptc: bytes | None = None
    texts: tuple[tuple[str, str], ...] = ()

    def part(self, rows: slice, columns: slice) -> "Contents":
        """A part of the picture, with all that is said of the whole."""
        alpha = self.alpha if self.alpha is None else self.alpha[rows, columns]
        return self._replace(image=self.image[rows, columns], alpha=alpha)

    def with_8_bits(self) -> "Contents":
        """The same, each number rounded to 8 bits."""
        return self._replace(image=eight_bits(self.image), alpha=eight_bits(self.alpha))

    def srgb(self) -> np.ndarray:
        """The colors alone, as sRGB with 8 bits: uint8 HxWx3. sRGB itself comes back as it is."""
        image = eight_bits(self.image)
        if self.icc is None:
            return image
        gray = colors_of(self.icc) == "GRAY"
        try:
            picture = Image.fromarray(np.ascontiguousarray(image[..., 0]) if gray else image)
            return np.array(to_srgb(picture, self.icc))
        except ValueError:  # a damaged profile says nothing
            return image

    @property
    def comment(self) -> str:
        """The texts as one, for formats without keywords."""
        return "\n".join(text if key == "Comment" else f"{key}: {text}" for key, text in self.texts)

    @property
    def kind_of_frames(self) -> str:
        """How many of what the file has: "3 frames" or "3 pages"."""
        return f"{self.frames} {'frames' if self.animated else 'pages'}"

    @property
    def has_unknown_colors(self) -> bool:
        """Whether only PNG can say what the numbers mean (HDR, for example)."""
        return self.icc is None and any(kind == b"cICP" for kind, _ in self.png_colors)


def eight_bits(samples: np.ndarray | None) -> np.ndarray | None:
    """Round uint16 to uint8, so that 65,535 becomes 255; uint8 and None come back as they are."""
    if samples is None or samples.dtype == np.uint8:
        return samples
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def is_gray(image: np.ndarray) -> bool:
    """Whether red, green and blue are equal everywhere in HxWx3."""
    red = image[..., 0]
    return all(
        np.array_equal(red[rows], image[rows, ..., channel])
        for rows in (slice(0, 1), slice(1, None))  # of most pictures the first row is enough
        for channel in (1, 2)
    )


def without_color(image: np.ndarray) -> np.ndarray:
    """The Y of HxWx3 in all three channels; equal values stay as they are."""
    y = image @ np.array([0.299, 0.587, 0.114], np.float32)  # BT.601
    return np.rint(y).astype(image.dtype)[..., None].repeat(3, axis=2)


@cache
def _load_plugins() -> None:
    for module in ("pillow_heif", "pillow_avif", "pillow_jxl"):
        with suppress(ImportError):
            plugin = import_module(module)
            getattr(plugin, "register_heif_opener", bool)()
    Image.init()


@cache
def suffixes() -> tuple[str, ...]:
    """The suffixes of the picture files that can be read: all that Pillow and its plugins know."""
    _load_plugins()
    known = Image.registered_extensions().items()
    return tuple(sorted(s for s, kind in known if kind in Image.OPEN and kind not in _NOT_READ))


def list_images(folder: str | Path) -> list[Path]:
    """List a folder's picture files by suffix, sorted by name; hidden files are left out.

    Raises:
        DataError: no such folder.
    """
    folder = expanded(folder)
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: give the path of a folder of pictures.")
    files = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(path for path in files if path.suffix.lower() in suffixes() and path.is_file())


def skipped(folder: Path) -> str | None:
    """A sentence on what of a folder is no picture that can be read, None if there is nothing."""
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    entries = [path for path in entries if path.name.casefold() not in ("thumbs.db", "desktop.ini")]
    folders = [path.name for path in entries if path.is_dir()]
    files = [p.name for p in entries if p.is_file() and p.suffix.lower() not in suffixes()]
    if not folders and not files:
        return None
    missing = {PLUGINS[Path(name).suffix.lower()] for name in files
               if Path(name).suffix.lower() in PLUGINS}  # fmt: skip
    reasons = ("Pillow cannot read a picture from it", "folders in it are not searched")
    what = "; ".join(
        f"the {kind}{'s' if len(names) > 1 else ''} {_listed(names)}, because {reason}"
        for kind, names, reason in zip(("file", "folder"), (files, folders), reasons, strict=True)
        if names
    )
    plugin = "".join(f" `pip install {name}` lets Pillow read such files." for name in missing)
    return f"Skipped in {folder}: {what}.{plugin}"


def _listed(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def no_pictures(folder: Path) -> str:
    """A sentence for a folder without a picture: what it has instead, and what to do."""
    folders = sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name[0] != ".")
    if folders:
        return f"{folder} has no pictures, only folders ({_listed(folders)}): give one of them."
    return " ".join(filter(None, [f"{folder} has no pictures that can be read.", skipped(folder)]))


def read_contents(path: str | Path) -> Contents:
    """Read a picture file as RGB, with its alpha channel, color profile, EXIF and so on.

    The EXIF orientation is applied; grayscale and palette become RGB, and CMYK, by its profile,
    sRGB. Colors under transparent pixels are returned as stored, not blended with any background.
    Of several frames or pages this is the first one; `read_frames` has all. What a file has and
    Pillow cannot read is named in a `Note`.

    Raises:
        ImageError: missing, empty, damaged, not a picture, 32 bits a channel, or more pixels than
            Pillow agrees to decode (179 million).
    """
    path = _checked(path)
    return _contents(path, str(path))


def read_frames(path: str | Path) -> Iterator[Contents]:
    """Read an animation's frames, or a file's pages, one by one, as `read_contents` does.

    Frames are whole pictures, as they are seen. The default picture of an APNG that is not part of
    the animation is left out, and so are smaller copies of a page.
    """
    path = _checked(path)
    numbers = _frame_numbers(path)
    if len(numbers) == 1:
        yield _contents(path, str(path), numbers[0])
        return
    with _opened(path, 0) as image:  # once: to go to a frame, all before it are decoded
        for index in numbers:
            yield _contents(path, str(path), index, image)


def decode_image(data: bytes, name: str) -> np.ndarray:
    """Decode the bytes of a picture file as uint8 HxWx3 in sRGB, with `read_contents`' errors.

    Args:
        name: what the errors call it.
    """
    return to_array(_contents(BytesIO(data), name), name)


def to_array(contents: Contents, name: str) -> np.ndarray:
    """The picture as uint8 HxWx3 in sRGB; what such an array cannot hold is named in a `Note`."""
    if contents.image.dtype == np.uint16:
        _note(f"{name} has 16 bits a channel, which are rounded to 8 here.")
    if contents.frames > 1:
        _note(f"{name} has {contents.kind_of_frames}, of which the first one is taken here.")
    if contents.alpha is not None:
        _note(f"{name} is transparent in parts, which is left out here; its colors are as stored.")
    if contents.has_unknown_colors:
        _note(f"{name} has colors (cICP) that cannot be converted: they are taken for sRGB.")
    return contents.srgb()


def _note(sentence: str) -> None:
    warnings.warn(sentence, Note, stacklevel=3)


def _checked(path: str | Path) -> Path:
    path = expanded(path)
    if path.is_dir():
        raise ImageError(f"{path} is a folder: give the path of one picture.")
    if not path.exists():
        raise ImageError(f"{path} does not exist: check the path.")
    if not path.is_file():
        what = "a pipe" if path.is_fifo() else "a device"
        raise ImageError(f"{path} is {what}: save the picture as a file, and give its path.")
    if path.stat().st_size == 0:
        raise ImageError(f"{path} is empty (0 bytes): copy or download it again.")
    return path


def _contents(
    file: Path | BytesIO, name: str, frame: int | None = None, image: Image.Image | None = None
) -> Contents:
    notes: list[str] = []
    try:
        with warnings.catch_warnings():
            # Large pictures below the limit and odd metadata are no reason to alarm anyone.
            warnings.simplefilter("ignore")
            with nullcontext(_gone_to(image, frame)) if image else _opened(file, frame) as opened:
                contents = _decode(file, name, frame, opened, notes)
    except (ImageError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        pixels, limit = (n / 1e6 for n in map(int, re.findall(r"\d+", str(error))[:2]))
        raise ImageError(
            f"{name} has {pixels:,.0f} megapixels, more than {limit:.0f}: crop it or scale it down "
            "first."
        ) from error
    except Image.UnidentifiedImageError as error:
        brand = _BRANDS.get(_head(file)[8:12], Path(name).suffix.lower())
        if brand in PLUGINS:
            raise ImageError(
                f"{name} is {brand[1:].upper()}, or should be, which Pillow cannot read here: "
                f"`pip install {PLUGINS[brand]}`, or convert it."
            ) from error
        if _head(file)[:4] in (b"II*\0", b"MM\0*"):
            raise ImageError(
                f"{name} is a TIFF of a kind that Pillow cannot read: save it as PNG with 16 bits."
            ) from error
        what = what_it_is(_head(file)) or ""
        instead = f", but {what}" if what and what != A_PICTURE else ""
        raise ImageError(
            f"{name} is not a picture in a format that Pillow can read{instead}."
        ) from error
    except Exception as error:  # Pillow's decoders raise all sorts on damaged files
        raise ImageError(f"{name} cannot be read and may be damaged ({error}).") from error
    for note in notes if not frame else ():
        _note(f"{name} {note}")
    return contents


def _opened(file: Path | BytesIO, frame: int | None = None) -> Image.Image:
    _load_plugins()
    if isinstance(file, BytesIO):
        file.seek(0)
    image = Image.open(file)
    if frame is None and getattr(image, "default_image", False):
        frame = 1  # what follows the picture for programs that know no animation
    return _gone_to(image, frame)


def _gone_to(image: Image.Image, frame: int | None) -> Image.Image:
    if frame:
        image.seek(frame)
        limit = 2 * (Image.MAX_IMAGE_PIXELS or sys.maxsize)
        if image.width * image.height > limit:  # Pillow looks at the first one only
            raise Image.DecompressionBombError(f"{image.width * image.height} of {limit}")
    return image


def _frame_numbers(file: Path | BytesIO) -> list[int]:
    """Those that count: [0] for one picture."""
    try:
        with warnings.catch_warnings(), _opened(file, 0) as image:
            warnings.simplefilter("ignore")
            if image.format not in _ANIMATED | _PAGED:
                return [0]
            count = getattr(image, "n_frames", 1)
            if image.format != "TIFF":
                return list(range(int(getattr(image, "default_image", False)), count))
            pages = [0]
            for index in range(1, count):
                image.seek(index)
                if not image.tag_v2.get(254, 0) & 5:  # no smaller copy and no mask
                    pages.append(index)
            return pages
    except Exception:  # the damage is found, and named, where the frame is read
        return [0]


def _head(file: Path | BytesIO) -> bytes:
    if isinstance(file, BytesIO):
        return file.getvalue()[:_HEAD]
    with file.open("rb") as stream:
        return stream.read(_HEAD)


def _decode(
    file: Path | BytesIO, name: str, frame: int | None, image: Image.Image, notes: list[str]
) -> Contents:
    head = _head(file)
    kind, mode = image.format, image.mode
    # Pillow cannot look it up in a TIFF that is decoded already.
    exif = _exif(image, kind) if kind == "TIFF" else None
    pixels = _deep(file, frame, image, name)
    if pixels is None and (bits := _bits(image, head)) > 8:
        notes.append(
            f"has {bits} bits a channel, of which Pillow can read 8 in this format ({kind}): "
            "give a 16-bit PNG or TIFF to keep them."
        )
    upright = ImageOps.exif_transpose(image)
    info = {**image.info, **upright.info}
    icc = info.get("icc_profile") or _hidden_profile(image, upright, head)
    duration = info.get("duration", 0)
    if pixels is None:
        pixels, icc = _eight(upright, icc, notes)
    xmp = _xmp(image, info)
    exif, density = exif or _exif(upright, kind), _density(upright, info)
    iptc = _iptc(image, info)
    # To read a PNG's texts, Pillow goes to the end of the file.
    texts = _texts(image, info) if frame is None else ()
    # What Pillow calls a PSD's frames are the layers of one picture.
    others = 1 if kind in {*_ANIMATED, *_PAGED, "PSD"} else getattr(image, "n_frames", 1)
    if others > 1:
        notes.append(f"holds {others} pictures ({kind}), of which the first one is taken.")
    rgb, alpha = np.ascontiguousarray(pixels[..., :3]), None
    if pixels.shape[2] == 4 and pixels[..., 3].min() < np.iinfo(pixels.dtype).max:
        alpha = np.ascontiguousarray(pixels[..., 3])
    gray = mode not in ("RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB", "HSV") or (
        # Pillow opens 16-bit LA as RGBA, and all but the first frame of a GIF as RGB.
        kind == "GIF" or (kind == "PNG" and head[25:26] in (b"\0", b"\4"))
    )
    single = gray and is_gray(rgb)
    if icc and colors_of(icc) == "RGB":
        single = False
    elif icc and not (colors_of(icc) == "GRAY" and single):
        notes.append(f"has a color profile for {colors_of(icc)}, which it is not: it is left out.")
        icc = None
    icc, chunks = _other_colors(file, head, kind, icc, single)
    numbers = _frame_numbers(file) if frame is None and kind in _ANIMATED | _PAGED else [0]
    return Contents(
        rgb, alpha, icc, exif, xmp, density, chunks, single, len(numbers),
        kind in _ANIMATED, _plays(kind, info), _number(duration), iptc, texts,
    )  # fmt: skip


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and 0 <= value < 1e9 else 0.0


def _plays(kind: str | None, info: dict) -> int:
    """How often an animation is played, 0 for ever: GIF says how often it is repeated."""
    loop = info.get("loop")
    if kind == "GIF":
        loop = 1 if loop is None else loop and loop + 1
    return loop if isinstance(loop, int) and 0 <= loop < 2**16 else 0


def _eight(
    image: Image.Image, icc: bytes | None, notes: list[str]
) -> tuple[np.ndarray, bytes | None]:
    """uint8 HxWx3 or, with transparency, HxWx4, and the profile if it holds for these."""
    if image.mode == "CMYK":
        if icc:
            with suppress(ValueError):
                return np.array(to_srgb(image, icc)), None
        why = "with a color profile that cannot be used" if icc else "without a color profile"
        notes.append(f"is CMYK {why}: its colors are converted by rule of thumb.")
        return np.array(image.convert("RGB")), None
    if image.mode == "LAB":
        return np.array(image.convert("RGB")), None
    has_alpha = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
    return np.array(image.convert("RGBA" if has_alpha else "RGB")), icc


# -- more than 8 bits: Pillow has no mode for it but gray, so the file is decoded once for the high
# -- byte of each number, and once more, as if its bytes came in the other order, for the low one.


def _tile_args(image: Image.Image) -> tuple[str, object]:
    """The decoder of a picture that is not decoded yet, and how its samples are stored."""
    if not image.tile:
        return "", ""
    codec, _, _, args = image.tile[0]
    return codec, args


def _tile(like: tuple, *values: object) -> tuple:
    """Tiles are plain tuples in older versions of Pillow, and named ones in newer."""
    return type(like)(*values) if hasattr(like, "_fields") else values


def _deep(
    file: Path | BytesIO, frame: int | None, image: Image.Image, name: str
) -> np.ndarray | None:
    """uint16 HxWx3 or HxWx4; None for pictures of which Pillow gives 8 bits."""
    codec, args = _tile_args(image)
    raw = args if isinstance(args, str) else str((args or ("",))[0])
    top = args[1] if codec.startswith("ppm") and isinstance(args, tuple) else 0
    if image.mode == "F" or (image.mode == "I" and raw not in ("I;16", "I;16B") and top < 256):
        raise ImageError(
            f"{name} has 32 bits a channel, which do not say what is white: convert it to 16 or 8 "
            "bits first."
        )
    if image.mode.startswith("I"):
        samples = np.array(ImageOps.exif_transpose(image)).clip(0, 65535)
        if raw == "I;12":
            samples = np.rint(samples * (65535 / 4095))
        if image.format == "TIFF" and image.tag_v2.get(262) == 0:  # white is 0
            samples = 65535 - samples
        planes = samples.astype(np.uint16)[..., None]
    elif raw == "LA;16B":  # the four bytes of a pixel are those of RGBA
        image.tile = [_tile(tile, *tile[:3], "RGBA") for tile in image.tile]
        high_low = np.array(ImageOps.exif_transpose(image)).astype(np.uint16)
        planes = high_low[..., ::2] * 256 + high_low[..., 1::2]
    elif codec == "ppm" and image.mode == "RGB" and top > 255:
        both = [_retiled(file, frame, f"RGB;16{order}", raw_codec=True) for order in "BL"]
        planes = both[0].astype(np.uint16) * 256 + both[1]
        planes = np.rint(planes * (65535 / top)).clip(0, 65535).astype(np.uint16)
    elif image.mode in ("RGB", "RGBA") and re.search(r"\b(?!BGR\b)[A-Za-z]+;16[BLN]$", raw):
        planes = _halves(file, frame, image, raw)
    else:
        return None
    return _with_colors(planes, image.info.get("transparency"))


def _with_colors(planes: np.ndarray, transparent: object) -> np.ndarray:
    """RGB or RGBA of 16 bits from one to four channels; PNG may name one color as transparent."""
    colors = planes[..., :1] if planes.shape[2] < 3 else planes[..., :3]
    alpha = planes[..., -1:] if planes.shape[2] in (2, 4) else None
    if alpha is None and isinstance(transparent, (int, tuple)):
        clear = (colors == np.array(transparent)).all(axis=2, keepdims=True)
        alpha = np.where(clear, 0, 65535).astype(np.uint16)
    colors = np.broadcast_to(colors, (*colors.shape[:2], 3))
    return colors if alpha is None else np.dstack([colors, alpha])


def _halves(file: Path | BytesIO, frame: int | None, image: Image.Image, raw: str) -> np.ndarray:
    native = "L" if sys.byteorder == "little" else "B"
    other = {"L": "B", "B": "L"}[native if raw[-1] == "N" else raw[-1]]
    premultiplied = raw.startswith("RGBa")
    if premultiplied:  # Pillow would divide the high bytes alone
        high = _retiled(file, frame, raw[-1])
    else:
        high = np.array(ImageOps.exif_transpose(image))
    planes = high.astype(np.uint16) * 256 + _retiled(file, frame, other)
    if premultiplied:
        alpha = planes[..., 3:]
        colors = planes[..., :3] * (65535.0 / np.maximum(alpha, 1))
        planes = np.dstack([np.rint(colors).clip(0, 65535).astype(np.uint16), alpha])
    return planes


def _retiled(
    file: Path | BytesIO, frame: int | None, stored: str, *, raw_codec: bool = False
) -> np.ndarray:
    """One byte of each sample, the one that comes first if they are `stored` that way."""

    def changed(tile):
        codec, box, offset, args = tile
        if raw_codec:
            return _tile(tile, "raw", box, offset, (stored, 0, 1))
        raw = (args if isinstance(args, str) else args[0]).replace("RGBa", "RGBA")[:-1] + stored
        return _tile(tile, codec, box, offset, raw if isinstance(args, str) else (raw, *args[1:]))

    with _opened(file, frame) as image:
        image.tile = [changed(tile) for tile in image.tile]
        return np.array(ImageOps.exif_transpose(image))


def _bits(image: Image.Image, head: bytes) -> int:
    """Bits a channel that a file claims, where Pillow gives 8; 8 if it claims nothing else."""
    codec, args = _tile_args(image)
    if match := _RAW_16.search(str(args)):
        return int(match[1])
    if codec in ("SGI16", "ppm_plain", "ppm") and (codec == "SGI16" or args[1] > 255):
        return 16
    if isinstance(image.info.get("bit_depth"), int):  # pillow-heif
        return image.info["bit_depth"]
    if match := re.search(rb"pixi\0\0\0\0.(.)", head, re.DOTALL):  # AVIF and HEIC
        return match[1][0]
    if image.format == "JPEG2000" and (match := re.search(rb"\xff\x4f\xff\x51.{38}(.)", head, 16)):
        return (match[1][0] & 127) + 1
    return 8


# -- what is said of the picture


def _hidden_profile(image: Image.Image, upright: Image.Image, head: bytes) -> bytes | None:
    """A profile where Pillow does not look for one."""
    if image.format == "JPEG2000" and (box := re.search(rb"(....)colr\x02..", head, re.DOTALL)):
        return head[box.end() : box.start() + int.from_bytes(box[1], "big")]
    with suppress(Exception):  # damaged EXIF is no reason to refuse the picture
        # How cameras say "Adobe RGB" (DCF 2.0, section 5.6).
        if upright.mode == "RGB" and upright.getexif().get_ifd(ExifTags.IFD.Interop)[1] == "R03":
            return make_profile(ADOBE_RGB, 563 / 256)
    return None


def _other_colors(
    file: Path | BytesIO, head: bytes, kind: str | None, icc: bytes | None, single: bool
) -> tuple[bytes | None, tuple[tuple[bytes, bytes], ...]]:
    """The profile, made if there is none; and PNG's own words for what the numbers mean."""
    if kind == "PNG":
        chunks = _png_chunks(file)
    elif kind in ("AVIF", "HEIF") and (match := re.search(rb"colrnclx.{4}", head, re.DOTALL)):
        codes = bytes([head[match.start() + 9], head[match.start() + 11], 0, 1])
        ordinary = codes[0] in (1, 2) and codes[1] in (1, 2, 6, 13, 14, 15)
        chunks = {} if ordinary or icc else {b"cICP": codes}
    else:
        return icc, ()
    if len(codes := chunks.get(b"cICP", b"")) == 4:
        made = profile_of_codes(codes[0], codes[1], gray=single)
        return made or icc, tuple((k, chunks[k]) for k in (b"cICP", b"iCCP") if k in chunks)
    if icc:
        return icc, ()
    said = tuple((k, chunks[k]) for k in (b"cHRM", b"gAMA", b"sRGB") if k in chunks)
    if b"sRGB" in chunks or len(gamma := chunks.get(b"gAMA", b"")) != 4:
        return None, said
    chromaticities = np.frombuffer(chunks.get(b"cHRM", b""), ">u4") / 1e5
    known = tuple(map(float, chromaticities)) if len(chromaticities) == 8 else None
    with suppress(ValueError):
        return profile_of_gamma(int.from_bytes(gamma, "big") / 1e5, known, gray=single), said
    return None, ()


def _png_chunks(file: Path | BytesIO) -> dict[bytes, bytes]:
    """The chunks before a PNG's pixels that tell of its colors."""
    chunks: dict[bytes, bytes] = {}
    with BytesIO(file.getvalue()) if isinstance(file, BytesIO) else file.open("rb") as stream:
        stream.seek(8)
        while len(start := stream.read(8)) == 8 and start[4:] != b"IDAT":
            length = int.from_bytes(start[:4], "big")
            if start[4:] in (b"cHRM", b"cICP", b"gAMA", b"iCCP", b"sRGB") and length < 2**24:
                chunks[start[4:]] = stream.read(length)
                stream.seek(4, 1)
            else:
                stream.seek(length + 4, 1)
    return chunks


def _exif(image: Image.Image, kind: str | None) -> bytes | None:
    """What EXIF says of more than these pixels, as a file's bytes; None if it says nothing."""
    try:
        exif, kept = image.getexif(), Image.Exif()
        for tag, value in exif.items():
            if tag in _SUBJECT if kind == "TIFF" else tag not in _LR_ONLY:
                kept[tag] = value
        for tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            inner = {k: v for k, v in exif.get_ifd(tag).items() if k not in _LR_ONLY}
            kept.pop(tag, None)
            if tag == ExifTags.IFD.Exif and (interop := exif.get_ifd(ExifTags.IFD.Interop)):
                inner[ExifTags.IFD.Interop] = dict(interop)
            if inner:
                kept.get_ifd(tag).update(inner)
        data = kept.tobytes()
    except Exception:  # no reason to refuse the picture
        return None
    return data if len(kept) or inner or kept.get_ifd(ExifTags.IFD.Exif) else None


def _xmp(image: Image.Image, info: dict) -> bytes | None:
    """XMP without what it says of LR's pixels."""
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp")
    if not xmp and image.format == "TIFF":
        xmp = image.tag_v2.get(700)
    for segment, data in getattr(image, "applist", ()):  # JPEG, before Pillow 11
        if not xmp and segment == "APP1" and data.startswith(_XMP_JPEG):
            xmp = data.removeprefix(_XMP_JPEG)
    xmp = xmp.encode() if isinstance(xmp, str) else xmp
    return _XMP_LR_ONLY.sub(b"", xmp) or None if isinstance(xmp, bytes) else None


def _iptc(image: Image.Image, info: dict) -> bytes | None:
    blocks = info.get("photoshop")
    data = image.tag_v2.get(33723) if image.format == "TIFF" else (blocks or {}).get(0x0404)
    return data if data and isinstance(data, bytes) else None


def _texts(image: Image.Image, info: dict) -> tuple[tuple[str, str], ...]:
    """PNG's texts and JPEG's comment, without what is read from there already."""
    texts = dict(getattr(image, "text", None) or {})
    if isinstance(comment := info.get("comment"), bytes):
        texts["Comment"] = comment.decode("utf-8", "replace").strip("\0")
    return tuple(
        (key, str(text))
        for key, text in texts.items()
        if text and not key.startswith(("XML:com.adobe.xmp", "Raw profile"))
    )


def _density(image: Image.Image, info: dict) -> tuple[float, float] | None:
    """Pixels an inch; None if the file does not say it, or no numbers that make sense."""
    with suppress(Exception):  # damaged numbers are no reason to refuse the picture
        said = image.format not in ("JPEG", "MPO") or info.get("jfif_unit")
        density = info.get("dpi") if said else None  # or else Pillow's own guess, 72
        if density is None and info.get("exif"):
            exif = Image.Exif()
            exif.load(info["exif"])
            unit = {2: 1, 3: 2.54}[exif.get(ExifTags.Base.ResolutionUnit, 2)]
            density = [unit * float(exif[tag]) for tag in _LR_ONLY[2:4]]
        across, down = (float(value) for value in density)
        if 1 < across < 1e6 and 1 < down < 1e6:  # Pillow says 1 where a TIFF says nothing
            return across, down
    return None


def check_writable(path: str | Path, *, force: bool = False) -> None:
    """Raise what `write_image` would raise for this path; worth asking before long work."""
    path = expanded(path)
    if os.path.isdir(path):  # False, and no error, for a name that is too long
        raise ImageError(f"{path} is a folder: give the path of a file in it.")
    if path.suffix.lower() not in SAVE_OPTIONS:
        raise ImageError(f"{path}: pictures are written as {', '.join(SAVE_OPTIONS)} only.")
    check_new(path, force=force)
