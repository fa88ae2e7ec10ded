"""What the setup cell of every notebook asks for: checked versions, a device, a profile, folders.

Nothing here installs over what a machine already has. In Colab, packages that are missing there are
added; everything else is only compared with the lower bounds of `requirements.txt`.
"""

import importlib
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError
from ..recipes import PROFILES, choose_profile
from ..system.files import DOWNLOADS, ROOT, expanded
from ..system.git import code_commit, code_origin

if TYPE_CHECKING:
    import torch

DRIVE = Path("/content/drive")
# What a notebook runs without: LPIPS scores, and files from Google Drive.
OPTIONAL = ("lpips", "gdown")


@dataclass(frozen=True)
class Environment:
    """What a notebook needs to know about the machine it runs on.

    Attributes:
        device: where networks and batches live.
        profile: a name in `recipes.PROFILES`.
        work: folder of the checkpoints; it exists.
        data: folder of downloaded data sets; made by the first download.
        started: when the setup cell ran, on the clock of `time.monotonic`.
    """

    device: "torch.device"
    profile: str
    work: Path
    data: Path
    started: float = field(default_factory=time.monotonic)

    @property
    def minutes(self) -> float:
        """Minutes since the setup cell ran: in a last cell, what the notebook has taken."""
        return (time.monotonic() - self.started) / 60


def setup(library: Path | None = None, *, save_to_drive: bool = False) -> Environment:
    """Check the packages, choose device, profile and folders, and print the choice.

    Args:
        library: folder that the setup cell has found the library in, to make sure of it.
        save_to_drive: in Colab, keep the checkpoints in Google Drive's `MyDrive/srgan-course`.

    Environment variables override the choice: SRGAN_PROFILE (a profile's name), SRGAN_WORK (folder
    for checkpoints) and SRGAN_DATA (folder for data sets).

    Raises:
        ConfigError: another library is in use already, a package is missing or too old, the
            profile is unknown, or the folder for checkpoints cannot be written.
    """
    if library is not None and (library / "srgan_lib").resolve() != ROOT / "srgan_lib":
        raise ConfigError(
            f"This kernel has already loaded the library in {ROOT}, and not the one in {library}, "
            "which REPOSITORY names: restart the kernel, then run this cell again."
        )
    missing = check_requirements()
    import torch  # only now: without it, the sentence above is what the reader should see

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    profile = choose_profile(device.type)
    work = choose_work(save_to_drive)
    data = expanded(os.environ.get("SRGAN_DATA") or DOWNLOADS)
    chip = torch.cuda.get_device_name() if device.type == "cuda" else f"{os.cpu_count()} cores"
    rows = {
        "library": describe_library(),
        "device": f"{device.type} ({chip}), PyTorch {torch.__version__}",
        "profile": f"{profile}: {PROFILES[profile].about}",
        "checkpoints": _short(work),
        "data sets": _short(data),
    }
    if missing:
        rows["not installed"] = f"{', '.join(missing)}; to add: {_pip(missing)}"
    print("\n".join(f"{name:<14}{value}" for name, value in rows.items()))
    return Environment(device, profile, work, data)


def describe_library() -> str:
    """Repository, branch and commit of the library that runs, as far as git knows them."""
    origin = code_origin() or "a local folder"
    commit, _, changed = (code_commit() or "").partition("-")
    if not commit:
        return f"{origin}, no clone of git"
    return f"{origin}, commit {commit[:7]}{', changed since' if changed else ''}"


def in_colab() -> bool:
    """Whether this kernel runs in Google Colab."""
    return find_spec("google") is not None and find_spec("google.colab") is not None


def requirements() -> dict[str, str]:
    """Lower bound of each package that a notebook uses, as `requirements.txt` has them."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    bounds = dict(re.findall(r"^([\w.-]+)>=([\d.]+)$", text, flags=re.MULTILINE))
    del bounds["nbval"]  # only the tests use it
    return bounds


def check_requirements() -> dict[str, str]:
    """Compare what is installed with the lower bounds; in Colab, first add what is missing.

    Returns:
        Lower bound of each optional package that is missing.

    Raises:
        ConfigError: a package that is too old, or a needed one that is missing.
    """
    bounds = requirements()
    if in_colab():
        _add({name: bound for name, bound in bounds.items() if _version(name) is None})
    missing = {name: bound for name, bound in bounds.items() if _version(name) is None}
    needed = {name: bound for name, bound in missing.items() if name not in OPTIONAL}
    if needed:
        raise ConfigError(
            f"The course needs {', '.join(needed)}, not installed here: run {_pip(needed)} and "
            "restart the kernel."
        )
    for name, bound in bounds.items():
        version = _version(name)
        if version is not None and _release(version) < _release(bound):
            raise ConfigError(
                f"{name} {version} is too old, the course needs {bound} or newer: "
                f"run {_pip({name: bound})} and restart the kernel."
            )
    return missing


def choose_work(save_to_drive: bool = False) -> Path:
    """The folder for checkpoints, made if need be: SRGAN_WORK, Google Drive, or `work/`.

    Raises:
        ConfigError: the folder cannot be written.
    """
    work = os.environ.get("SRGAN_WORK") or _drive(save_to_drive) or ROOT / "work"
    work = expanded(work).resolve()
    try:
        work.mkdir(parents=True, exist_ok=True)
        writable = os.access(work, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise ConfigError(
            f"The folder for checkpoints, {work}, cannot be written: name another one in the "
            "environment variable SRGAN_WORK."
        )
    return work


def _drive(wanted: bool) -> Path | None:
    if not wanted:
        return None
    if not in_colab():
        print("Google Drive can be mounted in Colab only; checkpoints stay on this machine.")
        return None
    from google.colab import drive

    try:
        drive.mount(str(DRIVE))
    # Colab raises errors of its own when the student declines, and any of them only means "no".
    except Exception as error:
        print(f"Google Drive was not mounted ({error}); checkpoints end with this Colab session.")
        return None
    return DRIVE / "MyDrive" / "srgan-course"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _add(packages: Mapping[str, str]) -> None:
    if not packages:
        return
    # Without dependencies: Colab has them, and replacing one would force a restart of the session.
    command = [sys.executable, "-m", *shlex.split(_pip(packages)), "--quiet", "--no-deps"]
    if subprocess.run(command, capture_output=True).returncode:
        print(f"Could not install {', '.join(packages)}; the notebook goes on without.")
    importlib.invalidate_caches()


def _pip(packages: Mapping[str, str]) -> str:
    return shlex.join(["pip", "install", *(f"{name}>={low}" for name, low in packages.items())])


def _release(version: str) -> tuple[int, ...]:
    """Numbers of a version, without suffixes and zeros at the end: "2.11.0+cu128" -> (2, 11)."""
    numbers = [int(part) for part in re.match(r"[\d.]*\d", version).group().split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _short(path: Path) -> str:
    """A path inside the project without what comes before it, which differs on every machine."""
    return str(path.relative_to(ROOT)) + "/" if path.is_relative_to(ROOT) else str(path)
