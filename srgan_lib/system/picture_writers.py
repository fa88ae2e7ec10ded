"""Writing pictures row by row, with all that is known of them: PNG, TIFF, JPEG, WebP."""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin

from ..errors import ImageError
from .files import write_atomically
from .picture_files import SAVE_OPTIONS, Contents, check_writable

_ROWS = 64  # compressed at a time
_UP = 2  # the filter that stores each row as its difference from the one above
_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # PNG's numbers for L, LA, RGB, RGBA
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_XMP_PNG = b"XML:com.adobe.xmp\0\0\0\0\0"
_XMP_JPEG = b"http://ns.adobe.com/xap/1.0/\0"
JPEG_SEGMENT = 65_533  # bytes that EXIF, or XMP, may have in a JPEG
_LARGEST_TIFF = 2**32 - 2**20


class Sheet(NamedTuple):
    """One picture to write: a file's only one, or one of its frames or pages.

    Attributes:
        width, height: of the whole picture.
        channels: 1 for L, 2 for LA, 3 for RGB, 4 for RGBA.
        rows: parts from top to bottom, uint8 or uint16 (h, width, channels).
        like: what is known of the picture; its pixels are not looked at.
    """

    width: int
    height: int
    channels: int
    rows: Iterable[np.ndarray]
    like: Contents

    @property
    def bits(self) -> int:
        return 8 * self.like.image.dtype.itemsize


class PNGWriter:
    """Writes one PNG, or an animated one, into a binary file: `write` its rows, then `close`.

    Every row takes the filter "up": on enlarged photographs the file is as small as with Pillow's
    choice of one filter a row.

    Args:
        width, height: of the whole picture.
        channels: 1 for L, 2 for LA, 3 for RGB, 4 for RGBA.
        like: what else the file shall say.
        bits: 8, or 16 if the rows are uint16.
        frames: more than one makes an APNG, of which each frame begins with `frame`.
    """

    def __init__(
        self,
        file: IO[bytes],
        width: int,
        height: int,
        channels: int,
        like: Contents | None = None,
        *,
        bits: int = 8,
        frames: int = 1,
    ):
        self._file, self._compressor = file, zlib.compressobj()
        self._size, self._bits = (width, height), bits
        self._above = np.zeros(width * channels * bits // 8, np.uint8)
        self._frames, self._sequence = 0, 0
        file.write(b"\x89PNG\r\n\x1a\n")
        kind = _COLOR_TYPES[channels]
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
        if frames > 1:
            self._chunk(b"acTL", struct.pack(">II", frames, like.plays))
        if like is not None:
            self._describe(like)

    def _describe(self, like: Contents) -> None:
        if like.png_colors:
            for kind, data in like.png_colors:
                self._chunk(kind, data)
        elif like.icc is not None:
            self._chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(like.icc))
        if like.density is not None:
            meter = (round(density / 0.0254) for density in like.density)
            self._chunk(b"pHYs", struct.pack(">IIB", *meter, 1))
        if like.exif is not None:
            self._chunk(b"eXIf", like.exif.removeprefix(b"Exif\0\0"))
        if like.xmp is not None:
            self._chunk(b"iTXt", _XMP_PNG + like.xmp)
        for key, text in like.texts:
            keyword = key.encode("latin-1", "replace")[:79]
            self._chunk(b"iTXt", keyword + bytes(5) + text.encode("utf-8", "replace"))

    def frame(self, milliseconds: float) -> None:
        """Begin the next frame of an animation."""
        if self._frames:
            self._data(self._compressor.flush())
            self._compressor, self._above = zlib.compressobj(), np.zeros_like(self._above)
        time = (round(milliseconds), 1000)
        if time[0] > 65535:
            time = (min(round(milliseconds / 1000), 65535), 1)
        control = struct.pack(">IIIIIHHBB", self._sequence, *self._size, 0, 0, *time, 0, 0)
        self._chunk(b"fcTL", control)
        self._sequence += 1
        self._frames += 1

    def write(self, rows: np.ndarray) -> None:
        """Add the next rows, uint8 (or uint16) (h, width, channels)."""
        for start in range(0, len(rows), _ROWS):
            part = np.ascontiguousarray(rows[start : start + _ROWS])
            if self._bits == 16:
                part = part.astype(">u2").view(np.uint8)
            part = part.reshape(-1, len(self._above))
            filtered = np.empty((len(part), len(self._above) + 1), np.uint8)
            filtered[:, 0] = _UP
            np.subtract(part[0], self._above, out=filtered[0, 1:])
            np.subtract(part[1:], part[:-1], out=filtered[1:, 1:])
            self._above = part[-1].copy()
            self._data(self._compressor.compress(filtered))

    def close(self) -> None:
        """Write what is left; the file itself stays open."""
        self._data(self._compressor.flush())
        self._chunk(b"IEND", b"")

    def _data(self, data: bytes) -> None:
        if not data:
            return
        if self._frames < 2:
            self._chunk(b"IDAT", data)
            return
        self._chunk(b"fdAT", struct.pack(">I", self._sequence) + data)
        self._sequence += 1

    def _chunk(self, kind: bytes, data: bytes) -> None:
        self._file.write(struct.pack(">I", len(data)) + kind + data)
        self._file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))


class TIFFWriter:
    """Writes the pages of one TIFF into a binary file: `page`, `write` its rows, then `close`.

    Pillow writes no color with 16 bits, and needs the whole page. Deflate with differences between
    neighboring pixels (TIFF 6.0, section 14), in strips of 64 rows.
    """

    def __init__(self, file: IO[bytes]):
        self._file, self._sheet, self._link = file, None, 4
        file.write(b"II*\0\0\0\0\0")

    def page(self, sheet: Sheet) -> None:
        """Begin the next page."""
        self._end_page()
        self._sheet, self._strips = sheet, []
        self._rest = np.empty((0, sheet.width, sheet.channels), sheet.like.image.dtype)

    def write(self, rows: np.ndarray) -> None:
        """Add the next rows, uint8 (or uint16) (h, width, channels)."""
        rows = np.concatenate([self._rest, rows]) if len(self._rest) else rows
        whole = len(rows) - len(rows) % _ROWS
        for start in range(0, whole, _ROWS):
            self._strip(rows[start : start + _ROWS])
        self._rest = rows[whole:]

    def close(self) -> None:
        """Write what is left; the file itself stays open."""
        self._end_page()

    def _strip(self, rows: np.ndarray) -> None:
        kind = "<u2" if self._sheet.bits == 16 else "u1"
        differences = rows.astype(kind)
        differences[:, 1:] -= rows[:, :-1]
        self._strips.append(self._add(zlib.compress(differences)))

    def _add(self, data: bytes) -> tuple[int, int]:
        """Where it is in the file, and how many bytes it has."""
        if self._file.tell() % 2:
            self._file.write(b"\0")
        at = self._file.tell()
        if at + len(data) > _LARGEST_TIFF:
            raise OSError("a TIFF ends at 4 GB: choose .png")
        self._file.write(data)
        return at, len(data)

    def _end_page(self) -> None:
        if self._sheet is None:
            return
        if len(self._rest):
            self._strip(self._rest)
        sheet, like = self._sheet, self._sheet.like
        longs = {
            256: [sheet.width], 257: [sheet.height], 278: [_ROWS],
            273: [at for at, _ in self._strips], 279: [length for _, length in self._strips],
        }  # fmt: skip
        shorts = {
            258: [sheet.bits] * sheet.channels, 259: [8], 262: [2 if sheet.channels > 2 else 1],
            277: [sheet.channels], 284: [1], 317: [2],
        }  # fmt: skip
        if sheet.channels in (2, 4):
            shorts[338] = [2]  # alpha that the colors are not multiplied by
        entries = {tag: (4, len(v), struct.pack(f"<{len(v)}I", *v)) for tag, v in longs.items()}
        entries |= {tag: (3, len(v), struct.pack(f"<{len(v)}H", *v)) for tag, v in shorts.items()}
        if like.density is not None:
            for tag, density in zip((282, 283), like.density, strict=True):
                entries[tag] = (5, 1, struct.pack("<II", round(100 * density), 100))
            entries[296] = (3, 1, struct.pack("<H", 2))  # inches
        for tag, kind, data in ((34675, 7, like.icc), (700, 1, like.xmp), (33723, 7, like.iptc)):
            if data is not None:
                entries[tag] = (kind, len(data), data)
        entries |= self._subject(like.exif)
        self._directory(entries)
        self._sheet = None

    def _subject(self, data: bytes | None) -> dict[int, tuple[int, int, bytes]]:
        """EXIF as TIFF holds it."""
        exif, entries = Image.Exif(), {}
        with suppress(Exception):  # no reason to lose the picture
            exif.load(data or b"")
            for tag, value in exif.items():
                if isinstance(value, str):
                    text = value.encode() + b"\0"
                    entries[tag] = (2, len(text), text)
            for tag in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
                if inner := exif.get_ifd(tag):
                    directory = TiffImagePlugin.ImageFileDirectory_v2()
                    directory.update(inner)
                    if interop := exif.get_ifd(ExifTags.IFD.Interop):
                        directory[ExifTags.IFD.Interop] = dict(interop)
                    at = self._file.tell() + self._file.tell() % 2
                    self._add(directory.tobytes(at))
                    entries[int(tag)] = (4, 1, struct.pack("<I", at))
        return entries

    def _directory(self, entries: dict[int, tuple[int, int, bytes]]) -> None:
        table = struct.pack("<H", len(entries))
        for tag, (kind, count, data) in sorted(entries.items()):
            value = data if len(data) <= 4 else struct.pack("<I", self._add(data)[0])
            table += struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
        at, _ = self._add(table + bytes(4))
        end = self._file.tell()
        self._file.seek(self._link)
        self._file.write(struct.pack("<I", at))
        self._file.seek(end)
        self._link = end - 4


def save_array(path: Path, image: np.ndarray, alpha: np.ndarray | None, *, force: bool) -> Path:
    """What `images.write_image` does with a picture that it has checked."""
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


def write_sheets(path: str, sheets: Iterator[Sheet], count: int) -> None:
    """Write one picture, or `count` frames or pages, in the format of the path's suffix.

    PNG and TIFF are written as the rows come; for JPEG and WebP all of them are in memory.

    Raises:
        OSError, ValueError: what the disk or Pillow says.
    """
    writers: dict[str, Callable] = {".png": _write_png, ".tif": _write_tiff, ".tiff": _write_tiff}
    writers.get(Path(path).suffix.lower(), _write_whole)(path, sheets, count)


def _write_png(path: str, sheets: Iterator[Sheet], count: int) -> None:
    with open(path, "wb") as file:
        writer = None
        for sheet in sheets:
            if writer is None:
                size = (sheet.width, sheet.height, sheet.channels)
                writer = PNGWriter(file, *size, sheet.like, bits=sheet.bits, frames=count)
            if count > 1:
                writer.frame(sheet.like.duration)
            for rows in sheet.rows:
                writer.write(rows)
        writer.close()


def _write_tiff(path: str, sheets: Iterator[Sheet], count: int) -> None:
    with open(path, "wb") as file:
        writer = TIFFWriter(file)
        for sheet in sheets:
            writer.page(sheet)
            for rows in sheet.rows:
                writer.write(rows)
        writer.close()


def _whole(sheet: Sheet) -> Image.Image:
    picture, top = Image.new(MODES[sheet.channels], (sheet.width, sheet.height)), 0
    for rows in sheet.rows:
        rows = rows[..., 0] if sheet.channels == 1 else rows
        picture.paste(Image.fromarray(rows), (0, top))
        top += len(rows)
    return picture


def _write_whole(path: str, sheets: Iterator[Sheet], count: int) -> None:
    kind, durations, pictures, like = Path(path).suffix.lower(), [], [], None
    for sheet in sheets:
        like = like or sheet.like
        durations.append(round(sheet.like.duration))
        pictures.append(_whole(sheet))
    options = {**SAVE_OPTIONS[kind], "icc_profile": like.icc, "exif": like.exif or b""}
    if kind == ".webp":
        options["xmp"] = like.xmp or b""
        if like.density is not None:  # WebP has no other place for it
            options["exif"] = _exif_with(like.exif, like.density)
        if count > 1:
            options |= {"save_all": True, "append_images": pictures[1:], "duration": durations,
                        "loop": like.plays}  # fmt: skip
    else:
        if like.density is not None:
            options["dpi"] = tuple(min(round(density), 65_535) for density in like.density)
        segments = [] if like.xmp is None else [(b"\xff\xe1", _XMP_JPEG + like.xmp)]
        if like.iptc is not None:
            block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(like.iptc)) + like.iptc
            segments.append((b"\xff\xed", b"Photoshop 3.0\0" + block + bytes(len(block) % 2)))
        options["extra"] = b"".join(
            marker + struct.pack(">H", len(data) + 2) + data for marker, data in segments
        )
        options["comment"] = like.comment.encode("utf-8", "replace")
    pictures[0].save(path, **options)


def _exif_with(data: bytes | None, density: tuple[float, float]) -> bytes:
    exif = Image.Exif()
    exif.load(data or b"")
    exif[ExifTags.Base.XResolution], exif[ExifTags.Base.YResolution] = density
    exif[ExifTags.Base.ResolutionUnit] = 2  # inches
    return exif.tobytes()
