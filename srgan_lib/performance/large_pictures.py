"""From picture file to picture file, and from folder to folder, in bounded memory."""

import struct
import warnings
import zlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from ..degradation import imresize
from ..errors import DataError, ImageError, Note, SRGANError
from ..images import list_images
from ..inference import Enlarger, bands
from ..system.files import expanded, own_folder, write_atomically
from ..system.picture_files import SAVE_OPTIONS, Contents, check_writable, read_contents

LARGEST_SIDE = {".png": 2**31 - 1, ".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383}
_ALPHA_MARGIN, _ALPHA_ROWS = 3, 64  # the cubic kernel reaches two pixels


def upscale_file(
    enlarger: Enlarger,
    source: str | Path,
    target: str | Path,
    *,
    tile: int | None = None,
    force: bool = False,
    progress: bool = False,
) -> tuple[int, int]:
    """Enlarge a picture file; PNG is written band by band as it is computed.

    LR is in memory, three bytes a pixel, and of SR one band of tiles. JPEG and WebP are compressed
    as a whole: for them SR is in memory, too, four bytes a pixel. The EXIF orientation is applied,
    the color profile and the rest of EXIF are kept, and transparency is enlarged bicubically.

    Args:
        target: a .png, .jpg or .webp file; it appears complete or not at all.
        tile: side of the LR tiles; chosen by the enlarger if not given.
        force: replace an existing file.

    Returns:
        Width and height of SR.

    Raises:
        ImageError: what `read_contents` and `bands` raise; transparency in JPEG; a side longer than
            the format allows.
        SRGANError: the target exists.
    """
    source, target = expanded(source), expanded(target)
    check_writable(target, force=force)
    contents = read_contents(source)
    try:
        enlarger.check(contents.image)
    except ImageError as error:
        raise ImageError(f"{source}: {error}") from None
    height, width = (enlarger.scale * side for side in contents.image.shape[:2])
    suffix = target.suffix.lower()
    if contents.alpha is not None and suffix in (".jpg", ".jpeg"):
        raise ImageError(f"{source} is transparent and JPEG cannot be: choose .png or .webp.")
    if max(height, width) > LARGEST_SIDE[suffix]:
        raise ImageError(
            f"{target} would be {width}x{height}, and {suffix} ends at {LARGEST_SIDE[suffix]} "
            "pixels a side: choose .png."
        )
    rows = _rows(enlarger, contents, tile, progress)
    write = _write_png if suffix == ".png" else _write_whole
    size, channels = (width, height), 3 if contents.alpha is None else 4
    try:
        write_atomically(target, lambda temporary: write(temporary, rows, size, channels, contents))
    except OSError as error:
        reason = error.strerror or error
        raise ImageError(f"{target} could not be written ({reason}); it is not there.") from error
    return size


def _rows(
    enlarger: Enlarger, contents: Contents, tile: int | None, progress: bool
) -> Iterable[np.ndarray]:
    """Bands of SR, with the alpha channel where there is one."""
    top, scale = 0, enlarger.scale
    for band in bands(enlarger, contents.image, tile, progress=progress):
        if contents.alpha is None:
            yield band
            continue
        for start in range(0, len(band), scale * _ALPHA_ROWS):
            colors = band[start : start + scale * _ALPHA_ROWS]
            bottom, first = top + len(colors) // scale, max(top - _ALPHA_MARGIN, 0)
            part = contents.alpha[first : bottom + _ALPHA_MARGIN]
            alpha = imresize(part, scale, round_between=False)
            yield np.dstack([colors, alpha[scale * (top - first) :][: len(colors)]])
            top = bottom


def _write_png(path: str, rows, size: tuple[int, int], channels: int, like: Contents) -> None:
    with open(path, "wb") as file:
        writer = PNGWriter(file, *size, channels, like.icc, like.exif)
        for band in rows:
            writer.write(band)
        writer.close()


def _write_whole(path: str, rows, size: tuple[int, int], channels: int, like: Contents) -> None:
    whole, top = Image.new("RGB" if channels == 3 else "RGBA", size), 0
    for band in rows:
        whole.paste(Image.fromarray(band), (0, top))
        top += len(band)
    options = SAVE_OPTIONS[Path(path).suffix.lower()]
    whole.save(path, **options, icc_profile=like.icc, exif=like.exif or b"")


def upscale_folder(
    enlarger: Enlarger,
    source: str | Path,
    target: str | Path,
    *,
    tile: int | None = None,
    force: bool = False,
    progress: bool = False,
) -> int:
    """Enlarge every picture of a folder into another one, under its own name.

    Names of formats that are not written get ".png" added. What is in `target` already is left as
    it is, so that an interrupted run can go on, unless `force` is given. Pictures that cannot be
    enlarged are named in warnings, and the others are done all the same.

    Returns:
        How many were enlarged.

    Raises:
        DataError: no such folder, no picture in it, a file as target, the same folder twice, two
            pictures whose results would have one name, or pictures left out.
    """
    source, target = expanded(source), expanded(target)
    files = list_images(source)
    if not files:
        raise DataError(f"{source} has no pictures ({', '.join(SAVE_OPTIONS)}, ...).")
    if target.suffix.lower() in LARGEST_SIDE or target.is_file():
        raise DataError(f"{source} is a folder, so {target} must be one, too: name a folder.")
    if target.resolve() == source.resolve():
        raise DataError(f"{target} is where the pictures come from: choose another folder.")
    results = _results(files, target)
    with own_folder(target):
        return _upscale_files(enlarger, results, tile, force, progress)


def _results(files: Iterable[Path], target: Path) -> dict[Path, Path]:
    """Where in `target` the result of each picture goes.

    Raises:
        DataError: two would go into one file; all of these are named.
    """
    results, sources = {}, defaultdict(list)
    for file in files:
        known = file.suffix.lower() in SAVE_OPTIONS
        results[file] = target / (file.name if known else f"{file.name}.png")
        sources[results[file]].append(file.name)
    twice = [" and ".join(names) for names in sources.values() if len(names) > 1]
    if twice:
        raise DataError(
            f"{file.parent} has pictures whose results would have one name ({'; '.join(twice)}): "
            "rename one of them."
        )
    return results


def _upscale_files(enlarger: Enlarger, results: dict[Path, Path], tile, force, progress) -> int:
    done, failed = 0, 0
    for file, result in results.items():
        if result.exists() and not force:
            warnings.warn(f"Left as it is: {result} exists.", Note, stacklevel=3)
            continue
        try:
            size = upscale_file(enlarger, file, result, tile=tile, force=force, progress=progress)
        except SRGANError as error:
            warnings.warn(f"Left out: {error}", Note, stacklevel=3)
            failed += 1
            continue
        done += 1
        if progress:
            print(f"{result}: {size[0]}x{size[1]}", flush=True)
    if failed:
        raise DataError(
            f"{failed} of the {len(results)} pictures in {file.parent} could not be enlarged: "
            f"they are named above, and the others are in {result.parent}."
        )
    return done


_UP = 2  # the filter that stores each row as its difference from the one above
_ROWS = 64  # compressed at a time
_COLOR_TYPES = {3: 2, 4: 6}  # RGB, RGBA


class PNGWriter:
    """Writes one 8-bit PNG into a binary file; `write` its rows, then `close`.

    Every row takes the filter "up": on enlarged photographs the file is as small as with Pillow's
    choice of one filter a row.

    Args:
        width, height: of the whole picture.
        channels: 3 for RGB, 4 for RGBA.
        icc: the color profile.
        exif: as JPEG holds it.
    """

    def __init__(
        self,
        file: IO[bytes],
        width: int,
        height: int,
        channels: int,
        icc: bytes | None = None,
        exif: bytes | None = None,
    ):
        self._file, self._compressor = file, zlib.compressobj()
        self._above = np.zeros(width * channels, np.uint8)
        file.write(b"\x89PNG\r\n\x1a\n")
        kind = _COLOR_TYPES[channels]
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))
        if icc is not None:
            self._chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc))
        if exif is not None:
            self._chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))

    def write(self, rows: np.ndarray) -> None:
        """Add the next rows, uint8 (h, width, channels)."""
        for start in range(0, len(rows), _ROWS):
            part = rows[start : start + _ROWS].reshape(-1, len(self._above))
            filtered = np.empty((len(part), len(self._above) + 1), np.uint8)
            filtered[:, 0] = _UP
            np.subtract(part[0], self._above, out=filtered[0, 1:])
            np.subtract(part[1:], part[:-1], out=filtered[1:, 1:])
            self._above = part[-1].copy()
            if data := self._compressor.compress(filtered):
                self._chunk(b"IDAT", data)

    def close(self) -> None:
        """Write what is left; the file itself stays open."""
        self._chunk(b"IDAT", self._compressor.flush())
        self._chunk(b"IEND", b"")

    def _chunk(self, kind: bytes, data: bytes) -> None:
        self._file.write(struct.pack(">I", len(data)) + kind + data)
        self._file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))
