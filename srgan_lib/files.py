"""Writing files so that nothing is ever half written or lost."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from .errors import SRGANError


def check_new(path: str | Path, *, force: bool = False) -> None:
    """Refuse a path where something is already; worth asking before long work.

    Raises:
        SRGANError: a folder, or a file while `force` is not given.
    """
    path = Path(path)
    if path.is_dir():
        raise SRGANError(f"{path} is a folder: give the path of a file.")
    if path.exists() and not force:
        raise SRGANError(f"{path} exists: choose another name, or pass --force (force=True).")


def write_atomically(path: str | Path, write: Callable[[str], None]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in its place.

    A crash at any moment leaves either the old file or the new one, never half of one. Missing
    parent folders are made. An OSError (a full disk, say) is passed on, the old file untouched.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    os.close(descriptor)
    try:
        write(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp's files are private; ours are ordinary
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
