"""Checkpoints: all that a training needs to go on, in a file that runs no code when it is loaded.

The networks to use are files of their own: `srgan_lib.weights`. Taught in chapter 3.
"""

import io
import os
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from .errors import Note, WeightsError
from .system.files import expanded
from .weights import write_or_explain

CHECKPOINT = "checkpoint.pt"


def save_checkpoint(path: str | Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors, plain values) to `path`; the one before stays as `path`.previous.

    Raises:
        WeightsError: it could not be written; the one before is untouched.
    """
    path = expanded(path)
    buffer = io.BytesIO()  # in memory first: PyTorch does not pass on why a file cannot be written
    torch.save(state, buffer)
    write_or_explain(
        path, lambda temporary: Path(temporary).write_bytes(buffer.getbuffer()), _previous(path)
    )


def _previous(path: Path) -> Path:
    return path.with_name(path.name + ".previous")


def load_checkpoint(path: str | Path) -> dict[str, Any] | None:
    """The newest readable checkpoint at `path`, or None if nothing was saved there yet.

    A damaged one is named in a warning, and the one before is taken.

    Raises:
        WeightsError: there are checkpoints, but none can be read.
    """
    path = expanded(path)
    candidates = [file for file in (path, _previous(path)) if file.exists()]
    for candidate in candidates:
        try:
            return _read(candidate)
        except (PermissionError, MemoryError) as error:
            raise WeightsError(f"{candidate} cannot be read now ({error}): try again.") from None
        except Exception:  # a damaged pickle can fail in any way
            # Out of the way, so that the next save does not put it over the good one before it.
            aside = candidate.with_name(candidate.name + ".damaged")
            os.replace(candidate, aside)
            warnings.warn(f"{candidate} is damaged: it is now {aside.name}.", Note, stacklevel=2)
    if candidates:
        raise WeightsError(
            f"No checkpoint in {path.parent} could be read: run again to start from the beginning."
        )
    return None


def _read(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as file:  # torch.load itself does not compare the checksums
        if damaged := file.testzip():
            raise ValueError(f"{damaged} does not match its checksum")
    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict):
        raise ValueError("it holds no dict")
    return state


def has_checkpoint(path: str | Path) -> bool:
    """Whether `load_checkpoint` would find something at `path`."""
    path = expanded(path)
    return path.exists() or _previous(path).exists()
