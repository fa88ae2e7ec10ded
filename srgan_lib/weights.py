"""Weights: a generator in a .safetensors file, and means of weights.

The file's header says how to build the network; opening it runs no code. Means are those over the
steps of a training (EMA), or of two networks. Taught in chapters 3 and 5.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from .errors import ConfigError, SRGANError, WeightsError
from .models import Generator
from .system import files
from .system.devices import choose_device
from .system.files import expanded, shipped_weights, write_atomically
from .system.state_dicts import plain_state, read_file

WEIGHTS = "generator.safetensors"  # in a run's folder
_REPEATED = ("blocks.", "upsample.")  # parts of a generator that can be longer


def write_or_explain(path: Path, write: Callable[[str], None], keep: Path | None = None) -> None:
    """`files.write_atomically`, with a sentence for a full disk or a folder without permission.

    Raises:
        WeightsError: the file could not be written; what was there before is untouched.
    """
    try:
        write_atomically(path, write, keep=keep)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise WeightsError(
            f"{path} could not be written ({reason}): free some space and run again; what was "
            "saved before is kept."
        ) from error


def save_weights(path: str | Path, generator: Generator, **info: Any) -> None:
    """Write a generator as safetensors, with what builds it and `info` in the header."""
    tensors = {name: value.contiguous() for name, value in generator.state_dict().items()}
    header = {"config": json.dumps(generator.config), "info": json.dumps(info)}
    write_or_explain(Path(path), lambda temporary: save_file(tensors, temporary, header))


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
    write_or_explain(path, lambda temporary: save_file(rounded, temporary, header))


def find_weights(name_or_file: str | Path) -> Path:
    """The file of a shipped network's name, or the path itself.

    Raises:
        WeightsError: there is neither such a name nor such a file.
    """
    path = expanded(name_or_file)
    for file in (path, files.SHIPPED / f"{name_or_file}.safetensors"):
        if file.is_file():
            return file
    if (path / WEIGHTS).is_file():
        raise WeightsError(f"{path} is a folder: give the network in it, {path / WEIGHTS}.")
    if path.exists():
        raise WeightsError(f"{path} is no file: give the path of a .safetensors or .pth file.")
    names = ", ".join(shipped_weights()) or "none yet"
    elsewhere = " The course's repository has more networks." if files.INSTALLED else ""
    raise WeightsError(
        f"There are no weights {str(name_or_file)!r}: give a .safetensors file or a shipped name "
        f"({names}).{elsewhere}"
    )


def load_generator(name_or_file: str | Path, device: torch.device | str = "cpu") -> Generator:
    """A generator in eval mode from a shipped name or a file.

    A file that `save_weights` has written says how to build it. Other people's .safetensors and
    .pth files are taken where their layers have the names and shapes of a `Generator`.

    Raises:
        WeightsError: missing, damaged, with weights that are not finite, or of another shape.
        ConfigError: this machine has no such device.
    """
    path = find_weights(name_or_file)
    header, tensors = _read_weights(path)
    try:
        config = json.loads(header["config"]) if "config" in header else _config_of(tensors)
        _check_size(config, tensors)
        generator = Generator(**config)
        generator.load_state_dict(tensors)
    except KeyError:
        raise WeightsError(
            f"{path} does not say which generator it belongs to, and its layers "
            f"({', '.join(list(tensors)[:2])}, ...) are not named as this course's: use a file of "
            f"its train command.{_beside(path)}"
        ) from None
    except (RuntimeError, SRGANError) as error:
        reason = str(error).splitlines()[-1].strip().rstrip(".")
        raise WeightsError(f"The weights in {path} do not fit the generator: {reason}.") from None
    except Exception as error:  # a header can be wrong in any way
        raise WeightsError(
            f"{path} cannot be read as weights ({type(error).__name__}): get it again."
        ) from None
    if not all(tensor.isfinite().all() for tensor in generator.state_dict().values()):
        raise WeightsError(
            f"{path} has weights that are no numbers (NaN): its training failed. Take an earlier "
            "file."
        )
    return generator.to(choose_device(str(device))).eval()


def _config_of(tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    """What builds the generator that these weights belong to, by their names and shapes."""
    count = {part: {n.split(".")[1] for n in tensors if n.startswith(part)} for part in _REPEATED}
    variant = "paper" if "head.1.weight" in tensors else "blog"  # the post's has no activation
    return {
        "scale": 2 ** len(count["upsample."]),
        "num_blocks": len(count["blocks."]),
        "channels": len(tensors["head.0.weight"]),
        "variant": variant if "fuse.1.weight" in tensors else "course",  # without batch norm
    }


def _check_size(config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    """Refuse a header that would have a network built that is larger than its weights."""
    largest = max((value.numel() for value in tensors.values()), default=0)
    if config["num_blocks"] > len(tensors) or config["channels"] > largest:
        raise WeightsError("the header says it is larger than all of them.")


def _read_weights(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """The header and the tensors of a weights file."""
    try:
        header, state = read_file(path)
    except WeightsError as error:
        raise WeightsError(f"{error}{_beside(path)}") from None
    if {"recipe", "step", "optimizers"} <= state.keys():
        beside = _beside(path) or " Train on in its folder, which writes the network, too."
        raise WeightsError(f"{path} is a checkpoint, to go on training from.{beside}")
    tensors = plain_state(state)
    tensors = {name: x for name, x in tensors.items() if isinstance(x, torch.Tensor)}
    if not tensors:
        raise WeightsError(f"{path} holds no weights: get another file.{_beside(path)}")
    return header, tensors


def _beside(path: Path) -> str:
    """A sentence on the weights that lie beside a file that is none."""
    for file in (path.with_suffix(".safetensors"), path.with_name(WEIGHTS)):
        if file.is_file() and file != path:
            return f" The network beside it is {file}."
    return ""


def weights_info(name_or_file: str | Path) -> dict[str, Any]:
    """What `save_weights` was told about a file: recipe, steps, device, and so on.

    Raises:
        WeightsError: missing or damaged.
    """
    path = find_weights(name_or_file)
    try:
        with safe_open(path, framework="pt") as file:  # without its tensors
            text = (file.metadata() or {}).get("info", "{}")
        # Older files have it in a plural that cards have no more.
        info = json.loads(text.replace("CPU, 1 threads", "CPU, 1 thread"))
    except Exception:
        _read_weights(path)  # says what is wrong, if it is no file of others
        return {}
    return info if isinstance(info, dict) else {}


@torch.no_grad()
def move_average(mean: nn.Module, now: nn.Module, decay: float, step: int) -> None:
    """Move `mean` a little towards `now`, in place: mean = d * mean + (1 - d) * now.

    Args:
        mean, now: two networks of one architecture. Buffers are copied, not averaged.
        decay: the d that a long training ends up with, e.g. 0.999.
        step: updates done so far. d grows with them, (1 + step) / (10 + step) at most, so that a
            short training does not end up with a mean of its beginnings.
    """
    decay = min(decay, (1 + step) / (10 + step))
    get_ema_multi_avg_fn(decay)(list(mean.parameters()), list(now.parameters()), None)
    for kept, buffer in zip(mean.buffers(), now.buffers(), strict=True):
        kept.copy_(buffer)


@torch.no_grad()
def interpolate(first: Generator, second: Generator, share: float) -> Generator:
    """A new network on the line between two: (1 - share) * first + share * second, by weights.

    It works where one was trained from the other, as SRGAN from SRResNet: between the two lies
    every compromise of detail and PSNR (Wang et al. 2018, section 3.4).

    Args:
        share: of `second`, from 0 to 1.

    Raises:
        ConfigError: networks of different size or variant, or another share.
    """
    if first.config != second.config:
        raise ConfigError(f"Between {first.config} and {second.config} there is no network.")
    if not 0 <= share <= 1:
        raise ConfigError(f"The second network's share is from 0 to 1, not {share}.")
    between = copy.deepcopy(first)
    others = second.state_dict()
    for name, value in between.state_dict().items():
        if value.is_floating_point():  # all but the number of batches that a batch norm has seen
            value.lerp_(others[name].to(value.device), share)
    return between
