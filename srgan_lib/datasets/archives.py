"""Archives that unpack all or nothing, and never outside their folder. Used in chapter 2."""

import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PureWindowsPath
from tempfile import TemporaryDirectory
from typing import IO, NamedTuple

from tqdm.auto import tqdm

from ..errors import DataError
from ..system.file_kinds import what_it_is
from ..system.files import expanded

UNPACKED_LIMIT = 20 * 10**9  # bytes; DIV2K, the largest set of the course, needs a fifth of it
# Pictures are compressed already; what unpacks to so many times its size is made to fill the disk.
RATIO_LIMIT, RATIO_FROM = 100, 10**8  # the latter: bytes below which the ratio is no matter
_DAMAGED = (
    *(OSError, EOFError, RuntimeError, ValueError),
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
)


class _Member(NamedTuple):
    name: str
    size: int
    is_folder: bool
    is_plain: bool  # a file or a folder: no link, device or pipe
    open: Callable[[], IO[bytes]]

    @property
    def parts(self) -> tuple[str, ...]:
        # Windows' rules know both slashes and drives, and are the stricter ones everywhere.
        return PureWindowsPath(self.name).parts


def extract(
    archive: str | Path, folder: str | Path, *, limit: int = UNPACKED_LIMIT, progress: bool = True
) -> Path:
    """Unpack a zip or a tar (plain, gz, bz2 or xz) into `folder`, which must not exist yet.

    The folder appears once everything is in it; if the archive is one folder, it is that folder. A
    member that is a link or a device, or whose name leads out of the folder, has the whole archive
    refused before anything is written; so have more than 100 MB that take up a hundredth packed.

    Args:
        limit: bytes that the members may have together; the free disk space is a limit, too.

    Raises:
        DataError: refused, damaged or no archive, or `folder` exists; nothing is left behind.
    """
    archive, folder = expanded(archive), expanded(folder)
    if folder.exists():
        raise DataError(f"{folder} exists: move it away to unpack {archive.name} there.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        room = min(limit, shutil.disk_usage(folder.parent).free)
        with (
            _open(archive) as opened,
            TemporaryDirectory(prefix=".unpacking-", dir=folder.parent) as temporary,
        ):
            members = _checked(opened, room, archive.stat().st_size)
            inside = Path(temporary, "all")  # the temporary folder itself is closed to others
            inside.mkdir()
            text = f"unpacking {archive.name}"
            for member in tqdm(members, text, disable=not progress, delay=1, leave=False):
                _write(member, inside.joinpath(*member.parts))
            # A zip made on a Mac has "__MACOSX" and hidden files next to what was packed.
            top = [p for p in inside.iterdir() if not p.name.startswith((".", "__MACOSX"))]
            os.replace(top[0] if len(top) == 1 and top[0].is_dir() else inside, folder)
    except _DAMAGED as error:
        raise DataError(
            f"Cannot unpack {archive} into {folder}: {error}; get it again, or unpack it by "
            "hand and give that folder."
        ) from None
    return folder


def _open(archive: Path) -> zipfile.ZipFile | tarfile.TarFile:
    if tarfile.is_tarfile(archive):
        return tarfile.open(archive)
    if zipfile.is_zipfile(archive):
        return zipfile.ZipFile(archive)
    what = what_it_is(archive) or ""
    if not what or what.startswith(("a zip", "packed")):
        raise ValueError("it is neither a zip nor a tar archive, or it is damaged")
    raise ValueError(f"it is neither a zip nor a tar archive, but {what}")


def _members(opened: zipfile.ZipFile | tarfile.TarFile) -> Iterator[_Member]:
    if isinstance(opened, tarfile.TarFile):
        for info in opened:
            is_plain = info.isfile() or info.isdir()
            opener = partial(opened.extractfile, info)
            yield _Member(info.name, info.size, info.isdir(), is_plain, opener)
    else:
        for info in opened.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the zip was made on Windows
            is_plain = kind in (0, stat.S_IFREG, stat.S_IFDIR)
            opener = partial(opened.open, info)
            yield _Member(info.filename, info.file_size, info.is_dir(), is_plain, opener)


def _checked(opened: zipfile.ZipFile | tarfile.TarFile, room: int, packed: int) -> list[_Member]:
    """All members, if each may be unpacked and together they fit."""
    members, total = [], 0
    for member in _members(opened):
        if not member.is_plain:
            raise ValueError(f"{member.name!r} in it is a link or a device, which is not safe")
        if ".." in member.parts or PureWindowsPath(member.name).anchor:
            raise ValueError(f"{member.name!r} in it would land outside, which is not safe")
        total += member.size
        if total > room:
            raise ValueError(f"it holds more than the {room:,} bytes there is room for")
        if total > max(RATIO_LIMIT * packed, RATIO_FROM):
            raise ValueError(f"it would grow more than {RATIO_LIMIT} times, as no pictures do")
        members.append(member)
    if not members:
        raise ValueError("it is empty")
    return members


def _write(member: _Member, target: Path) -> None:
    # Not extractall: tarfile's own protection is missing from the first releases of Python 3.10.
    if member.is_folder:
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
