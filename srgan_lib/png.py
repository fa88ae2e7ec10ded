"""PNG files written from top to bottom, so that a picture need never be in memory as a whole.

Pillow wants the whole picture, four bytes a pixel. PNG itself does not: it is a row of chunks, and
its pixels are one zlib stream. Source: the PNG specification (W3C), third edition.
"""

import struct
import zlib
from typing import IO

import numpy as np

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
