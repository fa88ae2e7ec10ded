"""State dicts of other people's networks: torchvision's, or a local file with its names."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError

import torch

from ..errors import WeightsError
from .files import expanded

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum

State = Mapping[str, torch.Tensor]


def read_state(path: str | Path) -> State:
    """Read a .safetensors file, or a .pth one without running code from it.

    Raises:
        WeightsError: no such file, or not readable as weights.
    """
    path = expanded(path)
    if not path.is_file():
        raise WeightsError(f"There is no file {path}: give the path of a weights file.")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # each format has its own way to be damaged
        raise WeightsError(
            f"{path} cannot be read as weights ({type(error).__name__}): get it again."
        ) from None
    if not isinstance(state, Mapping):
        raise WeightsError(f"{path} holds a {type(state).__name__}, not a state dict of weights.")
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
        raise WeightsError(
            f"The weights at {official.url} could not be downloaded ({error}): go online, or "
            f"{otherwise}."
        ) from None
