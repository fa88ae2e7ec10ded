"""State dicts of other people's networks: torchvision's, or a local file with its names."""

import warnings
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

import torch
from safetensors import safe_open

from ..errors import WeightsError
from .file_kinds import what_it_is
from .files import expanded

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum

State = Mapping[str, torch.Tensor]


# Under what others keep a network in what they save; a mean comes before the last weights.
_INSIDE = ("params_ema", "params", "ema", "generator", "net_g", "netG", "state_dict")
_INSIDE += ("model_state_dict", "model")
# What goes before the names: DataParallel's or torch.compile's, or a pair's with a discriminator.
_WRAPPERS, _PARTS = ("module.", "_orig_mod.", "model."), ("generator.", "net_g.", "netG.", "G.")


def read_state(path: str | Path) -> State:
    """Read a .safetensors file, or a .pth one without running code from it.

    Other people's files have their network under a name of its own, such as "params_ema", and its
    layers behind a prefix such as "module.": neither is in what is returned.

    Raises:
        WeightsError: no such file, or not readable as weights.
    """
    return plain_state(read_file(path)[1])


def read_file(path: str | Path) -> tuple[dict[str, str], Mapping[str, Any]]:
    """The header and the content of a .safetensors file; of any other, {} and what was saved.

    Which of the two it is, its first bytes say: many a file was renamed.

    Raises:
        WeightsError: as for `read_state`.
    """
    path = expanded(path)
    if not path.is_file():
        raise WeightsError(f"There is no file {path}: give the path of a weights file.")
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old ways to save, which are no matter here
            head = file.read(9)
            file.seek(0)
            if head[8:] != b"{" and head.startswith((b"PK\x03\x04", b"\x80")):  # zip or pickle
                # The open file and not its path, by whose suffix PyTorch would choose a reader.
                header, state = {}, torch.load(file, map_location="cpu", weights_only=True)
            else:
                with safe_open(path, framework="pt") as tensors:
                    state = {n: tensors.get_tensor(n) for n in tensors.keys()}  # noqa: SIM118
                    header = tensors.metadata() or {}
    except Exception as error:  # each format has its own way to be damaged
        raise _unreadable(path, error) from None
    if not isinstance(state, Mapping):
        raise WeightsError(f"{path} holds a {type(state).__name__}, not a state dict of weights.")
    return header, state


def _unreadable(path: Path, error: Exception) -> WeightsError:
    if isinstance(error, UnpicklingError) and "eights only" in str(error):
        return WeightsError(
            f"{path} cannot be read as weights, because it holds other objects, too, and reading "
            "these could run code: have it saved again with torch.save(model.state_dict(), ...)."
        )
    # torch.load's own archives are zip files, too.
    is_torch = False
    with suppress(Exception):  # a zip file's end may be whole, and its list of members not
        is_torch = any(name.endswith("data.pkl") for name in zipfile.ZipFile(path).namelist())
    if not is_torch and (what := what_it_is(path)):
        return WeightsError(f"{path} cannot be read as weights, because it is {what}.")
    return WeightsError(f"{path} cannot be read as weights ({type(error).__name__}): get it again.")


def plain_state(state: State) -> State:
    """The state dict alone, of what somebody saved."""
    for name in _INSIDE:
        if isinstance(state.get(name), Mapping):
            return plain_state(state[name])
    names = [name for name in state if isinstance(name, str)]
    for prefix in (*_WRAPPERS, *_PARTS):
        inside = {n.removeprefix(prefix): state[n] for n in names if n.startswith(prefix)}
        if inside and (prefix in _PARTS or len(inside) == len(names)):
            return plain_state(inside)
    return state


def download_state(official: "WeightsEnum", otherwise: str) -> tuple[State, str]:
    """torchvision's weights, downloaded once with progress and checked, and their address.

    Args:
        official: e.g. `torchvision.models.VGG19_Weights.IMAGENET1K_V1`.
        otherwise: what to do when there is no network, for the error's sentence.

    Raises:
        WeightsError: they could not be downloaded, or not be kept.
    """
    try:
        return official.get_state_dict(progress=True, check_hash=True), official.url
    except (OSError, RuntimeError) as error:
        # An answer of the server's has its address as file name.
        if getattr(error, "filename", None) and not isinstance(error, URLError):
            otherwise = f"{otherwise}, or a folder that can be written in TORCH_HOME"
            raise WeightsError(
                f"The weights at {official.url} have no place ({error}): {otherwise}."
            ) from None
        reason = error.reason if isinstance(error, URLError) else error
        reason = getattr(reason, "strerror", None) or reason  # an OSError without its number
        raise WeightsError(
            f"The weights at {official.url} could not be downloaded ({reason}): go online, or "
            f"{otherwise}."
        ) from None
