"""Which code this is, as git knows it of the clone that the library lies in."""

import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from .files import PACKAGE


def code_commit() -> str | None:
    """The commit of this code, with "-dirty" if srgan_lib has changed since; None outside git."""
    commit = _git("rev-parse", "HEAD")
    return commit and commit + ("-dirty" if _git("status", "--porcelain", ".") else "")


def code_origin() -> str | None:
    """Where this clone came from, as URL@branch without a password; None if git does not know."""
    address = _git("config", "--get", "remote.origin.url")
    if not address:
        return None
    parts = urlsplit(address)
    address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    branch = _git("rev-parse", "--abbrev-ref", "HEAD")
    return address if branch in (None, "HEAD") else f"{address}@{branch}"


def _git(*words: str) -> str | None:
    """What a command of git prints; None if it fails, or the library is in no clone of its own."""

    def run(*words: str) -> str:
        command = ["git", "-C", str(PACKAGE), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if Path(run("rev-parse", "--show-toplevel")).resolve() != PACKAGE.parent:
            return None  # installed somewhere inside another project
        return run(*words)
    except (OSError, subprocess.CalledProcessError):
        return None
