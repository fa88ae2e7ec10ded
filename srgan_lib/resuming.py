"""What a training keeps in its folder, and how it goes on from there: on a CPU to the last bit.

Taught in notebook 03.
"""

import platform
from typing import Any

import torch

from .checkpoints import load_checkpoint, save_checkpoint, save_weights, weights_info
from .devices import THEN, device_name
from .errors import ConfigError, SRGANError, TrainingError, WeightsError
from .vgg import VGGFeatures

CHECKPOINT = "checkpoint.pt"
WEIGHTS = "generator.safetensors"


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
