"""Saving and loading: checkpoints to go on from, and weights to use.

A checkpoint (.pt) holds all that a training needs to continue. Weights (.safetensors) hold one
generator and, in their header, how to build it. Neither can run code when it is loaded.
"""

import io
import os
import platform
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from .errors import ConfigError, Note, SRGANError, TrainingError, WeightsError
from .system.devices import THEN, device_name
from .system.files import expanded
from .vgg import VGGFeatures
from .weights import WEIGHTS, _write, save_weights, weights_info


def save_checkpoint(path: str | Path, state: dict[str, Any]) -> None:
    """Write `state` (tensors, plain values) to `path`; the one before stays as `path`.previous.

    Raises:
        WeightsError: it could not be written; the one before is untouched.
    """
    path = expanded(path)
    buffer = io.BytesIO()  # in memory first: PyTorch does not pass on why a file cannot be written
    torch.save(state, buffer)
    _write(path, lambda temporary: Path(temporary).write_bytes(buffer.getbuffer()), _previous(path))


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


CHECKPOINT = "checkpoint.pt"


class Resumable:
    """The part of a trainer (`srgan_lib.training`) that saves its state and finds it again."""

    def state(self) -> dict[str, Any]:
        """Everything that going on needs, as tensors and plain values."""
        return {
            "recipe": self.recipe.as_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "devices": self._devices(),
            "history": self.history,
            "pending": {"sums": self._sums, "since": self._logged},
            "rng": self.rng.get_state(),
            "generator": self.generator.state_dict(),
            "average": self.average.state_dict() if self.average is not None else None,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "scaler": self.scaler.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from `state`.

        Raises:
            ConfigError: it belongs to another recipe. Only the number of steps may differ.
        """
        differing = self.recipe.differences(state["recipe"])
        if differing:
            raise ConfigError(
                f"The checkpoint in {self.folder} was made with another {', '.join(differing)}: "
                "choose another folder, or the recipe and profile that it was made with."
            )
        self.step, self.seconds = state["step"], state["seconds"]
        self.earlier_devices = state.get("devices", [])  # older ones have none
        self.history = list(state["history"])
        pending = state.get("pending", {"sums": {}, "since": self.step})  # older ones have none
        self._logged = pending["since"]
        self._sums = {name: value.to(self.device) for name, value in pending["sums"].items()}
        self.rng.set_state(state["rng"])
        self.generator.load_state_dict(state["generator"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        for optimizer, kept_state in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept_state)
        if state["scaler"]:  # empty where the run so far needed no scaling: on a CPU, in bf16
            self.scaler.load_state_dict(state["scaler"])
        if self.recorded:
            self.recorded.forget()

    def save(self) -> None:
        """Write the checkpoint and the weights of `result` to the folder, if there is one.

        Raises:
            TrainingError: some weight is not finite; the checkpoint from before is kept.
        """
        if self.folder is None:
            return
        # A gradient can overflow in a step whose losses are finite: they would show it a step late.
        if not all(p.isfinite().all() for net in self.networks for p in net.parameters()):
            raise TrainingError(
                f"The weights of {self.recipe.name} are no longer finite after step {self.step}: "
                "start again in another folder, with a smaller learning rate."
            )
        save_checkpoint(self.folder / CHECKPOINT, self.state())
        save_weights(
            self.folder / WEIGHTS,
            self.result,
            recipe=self.recipe.as_dict(),
            step=self.step,
            minutes=round(self.seconds / 60, 2),
            device=THEN.join(self._devices()),
            pictures=len(self.pool),
            content_weights=self.loss.weights,
            vgg=sorted({m.source for m in self.loss.modules() if isinstance(m, VGGFeatures)}),
            torch=torch.__version__,
            python=platform.python_version(),
        )

    def _devices(self) -> list[str]:
        """All that this training has run on, the one of now last."""
        now = device_name(self.device, self.dtype)
        return [*(device for device in self.earlier_devices if device != now), now]

    def kept_state(self) -> dict[str, Any] | None:
        """The newest state in the folder that can be read; None if there is none yet."""
        return load_checkpoint(self.folder / CHECKPOINT) if self.folder is not None else None

    def resume(self) -> bool:
        """Go on from the checkpoint in the folder; False if there is none yet.

        Raises:
            WeightsError: it is damaged, and so is the one before. ConfigError: another recipe's.
        """
        state = self.kept_state()
        if state is None:
            return False
        try:
            self.load_state(state)
        except SRGANError:
            raise
        except Exception as error:  # somebody else's file can fail in any way
            raise WeightsError(
                f"{self.folder / CHECKPOINT} is not a checkpoint of this course "
                f"({type(error).__name__}): move it away, or choose another folder."
            ) from None
        return True

    def _weights_are_current(self) -> bool:
        try:
            return weights_info(self.folder / WEIGHTS).get("step") == self.step
        except WeightsError:
            return False
