"""What a file is that is not what was asked for: many a download is something else."""

import json
import struct
import zipfile
from pathlib import Path

_HEAD = 1 << 16  # bytes that are looked at
_LFS = b"version https://git-lfs.github.com/spec/"
_ZIP = b"PK\x03\x04"  # PyTorch's own files, too
A_PICTURE = "a picture"
_SIGNATURES = (  # of what people mistake for weights, archives or pictures
    (b"\x89PNG\r\n\x1a\n", A_PICTURE),
    (b"\xff\xd8\xff", A_PICTURE),
    (b"GIF8", A_PICTURE),
    (b"%PDF", "a PDF document"),
    (b"\x89HDF\r\n", "an HDF5 file, as Keras writes weights, and these are not PyTorch's"),
    (b"GGUF", "a file for llama.cpp"),
    (b"\x1f\x8b", "packed with gzip: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (_ZIP, "a zip archive: unpack it first"),
)


def what_it_is(file: str | Path | bytes) -> str | None:
    """What a file that cannot be used is instead, for "... is WHAT."; None if that is not known.

    Args:
        file: its path, or its first bytes.
    """
    if isinstance(file, bytes):
        return _of_bytes(file, None)
    try:
        size = Path(file).stat().st_size
        with open(file, "rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return None
    if head.startswith(_ZIP) and not zipfile.is_zipfile(file):  # its list of members is at the end
        return "cut off, with its end missing: copy or download it again"
    return _of_bytes(head, size)


def _of_bytes(head: bytes, size: int | None) -> str | None:
    if not head:
        return "empty (0 bytes): copy or download it again"
    if head.startswith(_LFS):
        return (
            "a Git LFS pointer and not the file itself: run `git lfs pull` in that repository, or "
            "download the file by its page"
        )
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<script")):
        return (
            "a web page and not the file itself: download it with a browser, which may ask to log "
            "in or to confirm"
        )
    if text.startswith((b"<?xml", b"<error", b'{"error', b'{"message')):
        return "a server's message and not the file itself: open it as text and see what it says"
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            return what
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return A_PICTURE
    if size is not None and (whole := _whole_size(head)) and size < whole:
        return f"cut off, with {size:,} of {whole:,} bytes at least: copy or download it again"
    return "a text file" if _is_text(head) else None


def _whole_size(head: bytes) -> int | None:
    """The least bytes that a .safetensors file with this head has; None if it is none."""
    if head[8:9] != b"{":
        return None
    length = 8 + struct.unpack("<Q", head[:8])[0]
    try:
        entries = json.loads(head[8:length])
        ends = (v["data_offsets"][1] for k, v in entries.items() if k != "__metadata__")
        return length + max(ends, default=0)
    except (ValueError, LookupError, TypeError, AttributeError):
        return length if length < 1 << 27 else None  # the largest header that safetensors takes


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3 or error.start == 0:  # else a letter was cut at the end
            return False
        text = head[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter.isspace() for letter in text)
