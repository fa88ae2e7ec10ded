"""Downloads that resume and are checked.

Whatever goes wrong ends in one sentence that names the file, its address, what happened and the
way round it. Nothing that was there before is changed or deleted. Used in chapter 2.
"""

import errno
import hashlib
import os
import re
import shutil
import time
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError

from tqdm.auto import tqdm

from ..errors import DownloadError
from ..system.files import expanded

WAITS = (0.5, 1.0, 2.0)  # seconds before the second, third and fourth attempt
_CHUNK = 1 << 16
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def download(
    url: str,
    path: str | Path,
    *,
    size: int | None = None,
    sha256: str | None = None,
    md5: str | None = None,
    progress: bool = True,
    timeout: float = 30.0,
) -> Path:
    """Fetch `url` to `path`, going on where an earlier call was interrupted.

    The bytes are collected in PATH.part (next to the server's ETag in PATH.etag) and get their
    name once size and checksums are right; what came but does not match is kept as PATH.bad, in
    place of an earlier one. A `path` that exists and matches is returned without a request.

    Args:
        url: http or https; the certificate of an https server is checked.
        size: expected bytes, compared before anything is fetched and at the end.
        sha256, md5: expected checksums in hexadecimal.
        timeout: seconds without an answer after which an attempt has failed.

    Raises:
        DownloadError: not found, interrupted, no space, wrong size or checksum.
    """
    path = expanded(path)
    part, bad, etag = (path.with_name(path.name + end) for end in (".part", ".bad", ".etag"))
    checksums = {name: hexa for name, hexa in (("sha256", sha256), ("md5", md5)) if hexa}
    try:
        if path.exists():
            if fault := _fault(path, size, checksums, progress):
                raise ValueError(f"the one that is there {fault}; move it away and run again")
            return path
        if not url.lower().startswith(("https://", "http://")):
            raise ValueError("only http and https addresses can be fetched")
        path.parent.mkdir(parents=True, exist_ok=True)
        for wait in (*WAITS, None):
            try:
                _fetch(url, part, etag, size, progress, timeout)
                break
            except (OSError, HTTPException) as error:
                if wait is None or not _may_pass(error):
                    raise
                time.sleep(wait)
        etag.unlink(missing_ok=True)
        if fault := _fault(part, size, checksums, progress):
            os.replace(part, bad)
            raise ValueError(f"what came {fault} and is kept as {bad.name}; run again")
        os.replace(part, path)
    except (ValueError, OSError, HTTPException) as error:
        what = _in_words(error) + ("; run again to go on" if _may_pass(error) else "")
        by_hand = f"download it by hand and put it at {path}"
        raise DownloadError(f"Cannot get {path.name} from {url}: {what}, or {by_hand}.") from None
    return path


def _may_pass(error: Exception) -> bool:
    """Whether another attempt could succeed: not after a local fault or an answer such as 404."""
    if isinstance(error, HTTPError):
        return error.code in (408, 429) or error.code >= 500
    is_local = isinstance(error, OSError) and (error.errno in _DISK_FULL or error.filename)
    return not (is_local or isinstance(error, ValueError))


def _in_words(error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"the server answered HTTP {error.code} {error.reason}"
    if isinstance(error, URLError):
        return f"the server cannot be reached ({error.reason})"
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        return f"the disk is full ({error.strerror}); free some space and run again"
    return str(error) or type(error).__name__


def _bar(text: str, total: int | None, progress: bool, **options) -> tqdm:
    return tqdm(desc=text, total=total, unit="B", unit_scale=True, disable=not progress, **options)


def _fault(path: Path, size: int | None, checksums: dict, progress: bool) -> str | None:
    """Say what is wrong with a file, or None."""
    if not path.is_file():
        return "is not a file"
    actual = path.stat().st_size
    if size is not None and actual != size:
        return f"has {actual:,} bytes instead of {size:,}"
    for name, expected in checksums.items():
        digest = hashlib.new(name, usedforsecurity=False)
        bar = _bar(f"checking {path.name}", actual, progress, delay=1, leave=False)
        with bar, path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                bar.update(len(chunk))
        if digest.hexdigest() != expected.lower():
            return f"has {name} {digest.hexdigest()} instead of {expected}"
    return None


def _fetch(url: str, part: Path, etag: Path, size: int | None, progress: bool, timeout: float):
    """Add to `part` what it lacks with one request; start it again if the server cannot go on."""
    have = part.stat().st_size if part.exists() else 0
    if have and have == size:
        return
    request = urllib.request.Request(url)
    if have:
        request.add_header("Range", f"bytes={have}-")
        if etag.exists():  # a file that has changed since is then sent from its beginning
            request.add_header("If-Range", etag.read_text("utf-8"))
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except HTTPError as error:
        error.close()  # its connection; what it says stays
        if error.code != 416:
            raise
        if error.headers.get("Content-Range") == f"bytes */{have}":
            return  # nothing was missing
        part.unlink(missing_ok=True)
        raise ConnectionError("what was fetched before does not fit the server's file") from None
    with response:
        span = response.headers.get("Content-Range", "")
        resumed = re.fullmatch(rf"bytes {have}-\d+/(\d+)", span)
        if response.status == 206 and not resumed:
            part.unlink(missing_ok=True)
            raise ConnectionError(f"the server sent another range than asked for ({span})")
        have = have if resumed else 0
        length = resumed[1] if resumed else response.headers.get("Content-Length")
        total = int(length) if length else size
        if size is not None and total != size:
            raise ValueError(f"the server has {total:,} bytes instead of {size:,}")
        missing, free = (total or 0) - have, shutil.disk_usage(part.parent).free
        if missing > free:
            text = f"{missing:,} bytes needed, {free:,} free in {part.parent}"
            raise OSError(errno.ENOSPC, text)
        etag.unlink(missing_ok=True)
        if response.headers.get("ETag", "").startswith('"'):  # If-Range takes no weak one, W/"..."
            etag.write_text(response.headers["ETag"], encoding="utf-8")
        whole, bar = False, _bar(part.stem, total, progress, initial=have)
        broken = (ConnectionError, TimeoutError, HTTPException)  # but no OSError of the disk
        with bar, part.open("ab" if resumed else "wb") as file, suppress(*broken):
            while chunk := response.read(_CHUNK):
                have += file.write(chunk)
                bar.update(len(chunk))
            whole = total is None or have >= total
    if not whole:
        raise ConnectionError(f"interrupted at {have:,}{f' of {total:,}' if total else ''} bytes")


def download_drive(file_id: str, path: str | Path, *, progress: bool = True) -> Path:
    """Fetch a file shared on Google Drive with "Anyone with the link"; an existing one is kept.

    Raises:
        DownloadError: not shared, over Google's limit of downloads, or not a file but a web page.
    """
    path = expanded(path)
    if path.exists():
        return path
    part = path.with_name(path.name + ".part")
    try:
        import gdown  # here, because nothing else needs it or what it brings

        path.parent.mkdir(parents=True, exist_ok=True)
        # gdown 5 returns None where gdown 6 raises; `id` is the one argument both share.
        if gdown.download(id=file_id, output=str(part), quiet=not progress, resume=True) is None:
            raise OSError("Google Drive did not send it")
        with part.open("rb") as file:
            start = file.read(512).lstrip().lower()
        if start.startswith((b"<!doctype", b"<html")):
            part.replace(path.with_name(path.name + ".bad"))
            raise OSError("Google Drive sent a web page instead")
        part.replace(path)
    except Exception as error:  # the classes differ between gdown 5, gdown 6 and requests
        what = " ".join(str(error).split()).rstrip(".")
        if "too many users" in what.lower():
            what = "too many people fetched it lately and Google has blocked it for up to a day"
        elif "max retries exceeded" in what.lower():  # requests for: no connection
            what = "Google Drive cannot be reached"
        raise DownloadError(
            f"Cannot get {path.name} from https://drive.google.com/uc?id={file_id}: {what}; "
            "have it shared with 'Anyone with the link' and run again, or download it in a "
            f"browser and give its path, or put it at {path}."
        ) from None
    return path
