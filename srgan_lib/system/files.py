"""Writing files so that nothing is ever half written or lost."""

import errno
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..errors import ConfigError, SRGANError

# In a clone, `data/` stands at its top; a wheel carries part of it inside the package.
PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent
INSTALLED = (PACKAGE / "shipped").is_dir()
DATA = PACKAGE / "shipped" if INSTALLED else ROOT / "data"
DOWNLOADS = Path("~/.cache/srgan_lib") if INSTALLED else DATA / "downloads"

SHIPPED = DATA / "weights"

_SCHEMES = ("http:", "https:", "ftp:", "file:", "s3:", "gs:")
LOCK = ".in-use"
_PARTIAL = "-partial-"  # in the names of temporary files
_PARTIAL_BYTES = 60  # of a file's own name in a temporary one: a system may allow no more than 143


def expanded(path: str | Path) -> Path:
    """The path with the home folder in place of "~"; a file whose name begins so is left alone.

    Raises:
        ConfigError: there is no home folder, as in some containers, or no such user; or this is
            an address, or empty, as a variable is that nobody has set.
    """
    if path == "":
        raise ConfigError("A path is empty here: say where the file or folder is.")
    given, path = path, Path(path)
    first = path.parts[0] if path.parts else ""
    if first in _SCHEMES and not os.path.lexists(first):
        raise ConfigError(f"{given} is an address: save the file, and give its path.")
    if not first.startswith("~") or (first != "~" and os.path.lexists(first)):
        return path
    try:
        return path.expanduser()
    except RuntimeError:
        raise ConfigError(
            f"{path} begins with a home folder that is not known here: write the whole path."
        ) from None


def shipped_weights() -> list[str]:
    """Names of the networks that come with the course."""
    return sorted(path.stem for path in SHIPPED.glob("*.safetensors"))


def check_new(path: str | Path, *, force: bool = False) -> None:
    """Refuse a path where no file can be written; worth asking before long work.

    Raises:
        SRGANError: a folder, a name that is too long, or a file while `force` is not given.
    """
    path = expanded(path)
    _check_names(path)
    if path.is_dir():
        raise SRGANError(f"{path} is a folder: give the path of a file.")
    check_folder(path.parent)
    if path.exists() and not force:
        raise SRGANError(f"{path} exists: choose another name, or pass --force (force=True).")


def check_json(path: str | Path, *, force: bool = False) -> None:
    """`check_new` for a JSON file: no picture or network is ever overwritten by one.

    Raises:
        SRGANError: as for `check_new`, or, even with `force`, a file that is not called .json.
    """
    check_new(path, force=force)
    path = expanded(path)
    if path.exists() and path.suffix.lower() != ".json":
        raise SRGANError(f"{path} is no .json file and would be lost: choose another name.")


def check_folder(folder: str | Path) -> None:
    """Make sure that files can be written into `folder`, or that it could be made; makes nothing.

    Raises:
        SRGANError: they cannot.
    """
    folder = expanded(folder)
    _check_names(folder)
    try:
        with tempfile.TemporaryFile(dir=_nearest(folder)):
            pass
    except OSError as error:
        raise _not_writable(folder, error) from None


def _nearest(path: Path) -> Path:
    """The path itself, or the first above it that is there."""
    path = path.absolute()
    while not os.path.lexists(path):
        path = path.parent
    return path


def _check_names(path: Path) -> None:
    """Refuse a path of which a part is longer than the file system allows."""
    there = _nearest(path)
    for name in path.absolute().relative_to(there).parts:
        try:
            os.lstat(there / name)  # asked where a folder is: below a missing one, it is missing
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise SRGANError(
                    f"{path} cannot be written, because the file system allows no name of "
                    f"{len(os.fsencode(name))} bytes ({name[:20]}...): choose a shorter one."
                ) from None


def _not_writable(folder: Path, error: OSError) -> SRGANError:
    return SRGANError(
        f"Nothing can be written into {folder} ({error.strerror}): choose another folder."
    )


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make `folder` and what is missing above it; what is still empty at the end goes again."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):  # something is in it
            for place in missing:
                place.rmdir()


def write_atomically(
    path: str | Path, write: Callable[[str], None], *, keep: Path | None = None
) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in its place.

    A crash at any moment leaves either the old file or the new one, never half of one; what it
    leaves beside it, `own_folder` removes. Missing parent folders are made, and a link is followed.
    An OSError (a full disk, say) is passed on, the old file untouched.

    Args:
        write: fills the file whose name it is given.
        keep: where the old file goes once the new one is complete; None drops it.
    """
    path = expanded(path).resolve()
    with _made(path.parent):
        _write_atomically(path, write, keep)


def _write_atomically(path: Path, write: Callable[[str], None], keep: Path | None) -> None:
    stem = path.stem
    while len(os.fsencode(stem)) > _PARTIAL_BYTES:
        stem = stem[:-1]
    # A suffix that long is none: "notes. And what I thought of them on the way home".
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= _PARTIAL_BYTES else ""
    descriptor, temporary = tempfile.mkstemp(suffix, f".{stem}{_PARTIAL}", path.parent)
    os.close(descriptor)
    try:
        write(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        with suppress(OSError):  # mkstemp's files are private; some file systems keep them so
            os.chmod(temporary, 0o666 & ~_umask())
        if keep is not None and path.exists():
            os.replace(path, keep)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Have the new name survive a power failure, too, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def own_folder(folder: str | Path) -> Iterator[None]:
    """Inside, no other process can own `folder`; half-written files of a crash are removed first.

    A folder that is made here, and into which nothing is written, is gone at the end. The system
    gives the lock back when the process ends, however it ends. Within one process it may be taken
    several times.

    Raises:
        SRGANError: another process owns it, or nothing can be written there.
    """
    folder = expanded(folder).resolve()
    check_folder(folder)
    with ExitStack() as inside:
        try:
            inside.enter_context(_made(folder))
        except OSError as error:
            raise _not_writable(folder, error) from None
        file = folder / LOCK
        is_new = not file.exists()
        lock = FileLock(file, is_singleton=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise SRGANError(
                f"Another run is writing into {folder}: wait for its end, or choose another folder."
            ) from None
        except (OSError, NotImplementedError):  # a file system without locks: a mounted Drive, say
            yield
            return
        try:
            for leftover in folder.glob(f".*{_PARTIAL}*"):
                leftover.unlink(missing_ok=True)
            yield
        finally:
            with suppress(OSError):  # Windows removes no file that is open
                if is_new and os.listdir(folder) == [LOCK]:
                    file.unlink()
            lock.release()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | Path, text: str) -> None:
    """Write text as UTF-8, atomically.

    Where the locale is not UTF-8, Python hands out the bytes of a file's name as surrogates, which
    no encoding knows: they become characters again, and those of no UTF-8 become the sign for it.
    """
    known = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    write_atomically(path, lambda temporary: Path(temporary).write_text(known, encoding="utf-8"))


def write_json(path: str | Path, value: Any) -> None:
    """Write plain values as JSON, atomically; null stands for numbers that are not finite."""
    text = json.dumps(_finite(value), indent=1, allow_nan=False, ensure_ascii=False)
    write_text(path, text + "\n")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
