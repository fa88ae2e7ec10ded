"""Saving and loading: checkpoints to go on from, and weights to use.

A checkpoint (.pt) holds all that a training needs to continue. Weights (.safetensors) hold one
generator and, in their header, how to build it. Neither can run code when it is loaded.
"""

import io
import json
import os
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .errors import Note, SRGANError, WeightsError
from .files import write_atomically
from .models import Generator

SHIPPED = Path(__file__).resolve().parent.parent / "data" / "weights"


def save_checkpoint(path: str | Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors, plain values) to `path`; the one before stays as `path`.previous.

    Raises:
        WeightsError: it could not be written; the one before is untouched.
    """
    path = Path(path)
    buffer = io.BytesIO()  # in memory first: PyTorch does not pass on why a file cannot be written
    torch.save(state, buffer)
    _write(path, lambda temporary: Path(temporary).write_bytes(buffer.getbuffer()), _previous(path))


def _write(path: Path, write: Callable[[str], None], keep: Path | None = None) -> None:
    try:
        write_atomically(path, write, keep=keep)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise WeightsError(
            f"{path} could not be written ({reason}): free some space and run again; what was "
            "saved before is kept."
        ) from error


def _previous(path: Path) -> Path:
    return path.with_name(path.name + ".previous")


def load_checkpoint(path: str | Path) -> dict[str, Any] | None:
    """The newest readable checkpoint at `path`, or None if nothing was saved there yet.

    A damaged one is named in a warning, and the one before is taken.

    Raises:
        WeightsError: there are checkpoints, but none can be read.
    """
    path = Path(path)
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
    return Path(path).exists() or _previous(Path(path)).exists()


def save_weights(path: str | Path, generator: Generator, **info: Any) -> None:
    """Write a generator as safetensors, with what builds it and `info` in the header."""
    tensors = {name: value.contiguous() for name, value in generator.state_dict().items()}
    header = {"config": json.dumps(generator.config), "info": json.dumps(info)}
    _write(Path(path), lambda temporary: save_file(tensors, temporary, header))


def halve_weights(path: str | Path) -> None:
    """Round the weights in a file to float16, which takes half the space. The header stays.

    Raises:
        WeightsError: missing, damaged, with a weight beyond float16, or not written.
    """
    path = find_weights(path)
    header, tensors = _read_weights(path)
    rounded = {n: t.half() if t.is_floating_point() else t for n, t in tensors.items()}
    if not all(tensor.isfinite().all() for tensor in rounded.values()):
        raise WeightsError(f"{path} has weights beyond 65,504: it cannot be stored as float16.")
    _write(path, lambda temporary: save_file(rounded, temporary, header))


def shipped_weights() -> list[str]:
    """Names of the networks that come with the course."""
    return sorted(path.stem for path in SHIPPED.glob("*.safetensors"))


def find_weights(name_or_file: str | Path) -> Path:
    """The file of a shipped network's name, or the path itself.

    Raises:
        WeightsError: there is neither such a name nor such a file.
    """
    for path in (Path(name_or_file), SHIPPED / f"{name_or_file}.safetensors"):
        if path.is_file():
            return path
    names = ", ".join(shipped_weights()) or "none yet"
    raise WeightsError(
        f"There are no weights {str(name_or_file)!r}: give a .safetensors file or a shipped name "
        f"({names})."
    )


def load_generator(name_or_file: str | Path, device: torch.device | str = "cpu") -> Generator:
    """A generator in eval mode from a shipped name or a .safetensors file.

    Raises:
        WeightsError: missing, damaged, not written by `save_weights`, or of another shape.
    """
    path = find_weights(name_or_file)
    header, tensors = _read_weights(path)
    try:
        config = json.loads(header["config"])
        _check_size(config, tensors)
        generator = Generator(**config)
        generator.load_state_dict(tensors)
    except KeyError:
        raise WeightsError(
            f"{path} does not say which generator it belongs to: use a file of this course's "
            "train command."
        ) from None
    except (RuntimeError, SRGANError) as error:
        reason = str(error).splitlines()[-1].strip().rstrip(".")
        raise WeightsError(f"The weights in {path} do not fit the generator: {reason}.") from None
    except Exception as error:  # a header can be wrong in any way
        raise _unreadable(path, error) from None
    return generator.to(device).eval()


def _check_size(config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    """Refuse a header that would have a network built that is larger than its weights."""
    largest = max((value.numel() for value in tensors.values()), default=0)
    if config["num_blocks"] > len(tensors) or config["channels"] > largest:
        raise WeightsError("the header says it is larger than all of them.")


def _read_weights(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """The header and the tensors of a weights file."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return file.metadata() or {}, tensors
    except Exception as error:  # a damaged file can fail in any way
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> WeightsError:
    return WeightsError(f"{path} cannot be read as weights ({type(error).__name__}): get it again.")


def weights_info(name_or_file: str | Path) -> dict[str, Any]:
    """What `save_weights` was told about a file: recipe, steps, device, and so on.

    Raises:
        WeightsError: missing or damaged.
    """
    path = find_weights(name_or_file)
    try:
        with safe_open(path, framework="pt") as file:
            info = json.loads((file.metadata() or {}).get("info", "{}"))
    except Exception as error:
        raise _unreadable(path, error) from None
    return info if isinstance(info, dict) else {}
