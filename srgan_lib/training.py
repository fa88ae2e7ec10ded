"""The training loop, which by itself pre-trains SRResNet.

What it keeps in its folder, and how it goes on from there (on a CPU to the last bit), stands at the
end of `Trainer`. Taught in chapter 3. Source: Ledig et al. 2017, section 3.2.
"""

import copy
import math
import platform
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

from .checkpoints import CHECKPOINT, load_checkpoint, save_checkpoint
from .data import PatchPool
from .errors import ConfigError, SRGANError, TrainingError, WeightsError
from .images import convert
from .losses import PerceptualLoss, content_loss, random_place, shifted
from .models import Generator
from .random_degradation import DEGRADATIONS
from .recipes import Recipe
from .system import devices
from .system.cuda_graphs import Labels, RecordedStep
from .system.digests import check_identity, with_stage
from .system.fast_layers import use_fast_layers
from .system.files import expanded, own_folder
from .system.signals import deferred_interrupt
from .vgg import VGGFeatures
from .weights import WEIGHTS, move_average, save_weights, weights_info

# Where the recipe gives minutes, these many steps are run to warm up, and then timed.
WARM_UP_STEPS, TIMED_STEPS = 5, 20


class Trainer:
    """Trains a generator on content alone: SRResNet.

    Args:
        recipe: what to train and how (`srgan_lib.recipes`).
        pool: training pictures, or a `shards.ShardPool`; its device is the one that trains.
        folder: where checkpoint.pt and generator.safetensors are written; None writes nothing.
        init: a generator to start from, of the recipe's size and variant; random if not given.
        vgg: VGG weights for content losses on features (`srgan_lib.losses.VGGFeatures`).
        validate: generator -> figures, called now and then; they join the history.
        precision: number format of the convolutions, see `devices.precision`.
        graphs: replay the step as a CUDA graph (`graphs.RecordedStep`), as far as it can be
            recorded; if not given, on a GPU where the step needs no gradient scaler, which decides
            on the CPU. Several processes together never do.

    Attributes:
        generator: the network in training. `result` is the one to use: its running mean if the
            recipe has one, else the same.
        step: updates done, of which `begun` before this process. history: one dict of floats for
            each time it was logged.
        notes: words that the checkpoint keeps: "about" the pictures, "teacher" for who made them.
        planned: whether the number of steps is known. Where the recipe gives minutes instead, it is
            chosen after WARM_UP_STEPS + TIMED_STEPS steps, so that the training takes as long, and
            `recipe.steps` is the most until then. A resumed training keeps what was chosen.

    Raises:
        ConfigError: `init` or the pool does not fit the recipe; an unknown precision; `graphs`
            where there can be none.
    """

    def __init__(
        self,
        recipe: Recipe,
        pool: PatchPool,
        folder: str | Path | None = None,
        *,
        init: Generator | None = None,
        vgg: str | Path = "auto",
        validate: Callable[[Generator], dict[str, float]] | None = None,
        precision: str = "auto",
        graphs: bool | None = None,
    ):
        if pool.scale != recipe.scale:
            raise ConfigError(
                f"The pictures are for x{pool.scale}, the recipe for x{recipe.scale}."
            )
        if pool.augment != recipe.augment:
            raise ConfigError(
                f"The recipe says augment={recipe.augment}, the pool of pictures the opposite: "
                "make both alike."
            )
        self.recipe, self.pool, self.validate, self.device = recipe, pool, validate, pool.device
        self.folder = expanded(folder) if folder is not None else None
        self.dtype = devices.precision(self.device, precision)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)
        possible = self.device.type == "cuda" and not self.scaler.is_enabled()
        if graphs and not possible:
            raise ConfigError("CUDA graphs need a GPU, and another precision than float16.")
        self.rng = torch.Generator().manual_seed(recipe.seed)
        self.step, self.begun, self.seconds = 0, 0, 0.0
        self.planned = not recipe.minutes
        self.earlier_devices: list[str] = []
        self.earlier_stages: list[dict[str, Any]] = []
        self.notes: dict[str, str] = {}
        self.doubtful = 0  # steps in which something looks wrong: no checkpoint of these
        self.history: list[dict[str, float]] = []
        self._sums: dict[str, torch.Tensor] = {}  # of what is logged, since step `_logged`
        self._logged = 0

        with torch.random.fork_rng():  # the caller's random state is not ours to change
            torch.manual_seed(recipe.seed)
            with devices.tuned_convolutions():  # what is chosen at the first call is kept
                self._build(init, vgg)
        wanted = possible if graphs is None else graphs
        self.recorded = RecordedStep(self.optimizers, self.device) if wanted else None

    def _build(self, init: Generator | None, vgg: str | Path) -> None:
        recipe = self.recipe
        generator = Generator(recipe.scale, recipe.num_blocks, recipe.channels, recipe.variant)
        if init is not None:
            if init.config != generator.config:
                raise ConfigError(
                    f"Recipe {recipe.name!r} trains {generator.config}, but the generator to start "
                    f"from is {init.config}."
                )
            generator.load_state_dict(init.state_dict())
        self.generator = self._place(use_fast_layers(generator))
        self.average = copy.deepcopy(self.generator).requires_grad_(False) if recipe.ema else None
        kind = {"input_range": generator.output_range, "arch": recipe.vgg, "scale": recipe.scale}
        loss = partial(content_loss, **kind)
        terms = {name: (loss(name, weights=vgg), weight) for name, weight in recipe.content}
        self.loss = self._place(PerceptualLoss(terms, recipe.adversarial))
        self.optimizer = self._adam(self.generator)

    def _place(self, module):
        return module.to(self.device, memory_format=torch.channels_last).train()

    def _adam(self, module) -> torch.optim.Adam:
        return torch.optim.Adam(module.parameters(), betas=(0.9, 0.999), fused=True)

    @property
    def result(self) -> Generator:
        """The generator to use: the running mean of the weights, where the recipe keeps one."""
        return self.average if self.average is not None else self.generator

    @property
    def networks(self) -> list[torch.nn.Module]:
        """All modules that a step runs."""
        return [self.generator, self.loss]

    @property
    def optimizers(self) -> list[torch.optim.Adam]:
        """All optimizers, in a fixed order."""
        return [self.optimizer]

    def _autocast(self):
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def _set_rates(self, rate: float) -> None:
        self.optimizer.param_groups[0]["lr"] = rate

    def _descend(self, loss: torch.Tensor, optimizer: torch.optim.Adam) -> bool:
        """One step of the optimizer; False if it was skipped, because a gradient overflowed."""
        optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        if not self.scaler.is_enabled():
            optimizer.step()
            return True
        self.scaler.unscale_(optimizer)
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"]]
        self.scaler.step(optimizer)  # which looks for infinite gradients, too, but keeps it private
        return all(gradient.isfinite().all() for gradient in gradients if gradient is not None)

    def generate(self, lr: torch.Tensor) -> torch.Tensor:
        """SR in the generator's output range, float32, with a graph."""
        with self._autocast():
            return self.generator(lr).float()

    def update(self, lr: torch.Tensor, hr: torch.Tensor) -> dict[str, torch.Tensor]:
        """One update from LR and HR in the generator's ranges; returns what is to be logged."""
        chosen = self._choose(len(lr))
        if self.recorded is None:
            return self.learn(lr, hr, *chosen)
        return self.recorded(self.learn, lr, hr, *chosen)

    def _choose(self, count: int) -> tuple[tuple[int, int], Labels]:
        """What an update of `count` patches leaves to chance: a view's place, noisy labels."""
        return random_place(self.recipe.shift, self.rng), None

    def learn(self, lr, hr, place: tuple[int, int], labels: Labels) -> dict[str, torch.Tensor]:
        """The update itself, with nothing left to chance. `place` is that of `shifted`."""
        sr, hr = shifted(self.generate(lr), hr, self.recipe.shift, place)
        with self._autocast():
            loss, terms = self.loss(sr, hr)
        self._descend(loss, self.optimizer)
        return terms

    def batch(self, rng: torch.Generator | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """The next random LR and HR patches, in the generator's input and output range."""
        recipe, rng = self.recipe, rng or self.rng
        pool = self.pool.for_step(self.step)
        lr, hr = pool.batch(recipe.batch_size, recipe.patch_size, rng, recipe.candidates)
        degrade = DEGRADATIONS[recipe.degradation]
        if degrade is not None:
            lr = degrade(hr, lr, rng)
        return (
            convert(lr.float() / 255, "unit", self.generator.input_range),
            convert(hr.float() / 255, "unit", self.generator.output_range),
        )

    def run(
        self,
        until: int | None = None,
        *,
        on_log: Callable[["Trainer"], None] | None = None,
        log_every: int | None = None,
        logs: int = 100,
        save_minutes: float = 2.0,
        progress: bool = True,
    ) -> Generator:
        """Train up to step `until` (the recipe's last if not given) and return `result`.

        Every `log_every` steps (if not given, so that there are about as many `logs` in the whole
        training) the means of what was logged join `history`, and `on_log` is called with this
        trainer. A checkpoint is written every `save_minutes` and at the end. Ctrl-C lets the step
        end, saves and stops. The folder is locked meanwhile.

        Raises:
            SRGANError: another process trains in the folder, or a file could not be written.
            TrainingError: a loss is not finite, or `_check` objects; the last good state is kept.
        """
        with ExitStack() as inside:
            if self.folder is not None:
                inside.enter_context(own_folder(self.folder))
            total = self.recipe.steps if until is None else min(until, self.recipe.steps)
            bar = tqdm(total=total, initial=self.step, desc=self.recipe.name, disable=not progress)
            inside.enter_context(bar)
            interrupted = inside.enter_context(deferred_interrupt())
            inside.enter_context(devices.tuned_convolutions())
            self._loop(until, log_every, logs, 60 * save_minutes, on_log, bar, interrupted)
            if self.folder is not None and not self._weights_are_current():
                self.save()  # deleted since, never written, or the process ended in between
        return self.result

    def _loop(self, until, log_every, log_count, save_seconds, on_log, bar, interrupted) -> None:
        tick = saved = time.monotonic()
        begun, most = self.step, math.inf if until is None else until
        while self.step < min(most, self.recipe.steps):
            self._set_rates(self.recipe.learning_rate_at(self.step))
            values = self.update(*self.batch())
            self.scaler.update()
            self.step += 1
            if self.average is not None:
                move_average(self.average, self.generator, self.recipe.ema, self.step)
            for name, value in values.items():  # added up on the device: no waiting for it
                self._sums[name] = self._sums.get(name, 0) + value.detach()

            if not self.planned and self.step - begun == WARM_UP_STEPS:
                timed_from = self._clock()
            elif not self.planned and self.step - begun == WARM_UP_STEPS + TIMED_STEPS:
                now = self._clock()
                self._plan((now - timed_from) / TIMED_STEPS, self.seconds + now - tick, bar)
                bar.total = min(most, self.recipe.steps)

            ends, stop = self.step >= min(most, self.recipe.steps), interrupted()
            every = log_every or max(1, self.recipe.steps // log_count)
            logs = ends or (self.planned and self.step % every == 0)
            due = time.monotonic() - saved > save_seconds
            if not (logs or stop or due):
                continue
            now = time.monotonic()
            self.seconds += now - tick
            if logs:
                self._log(self._sums, self.step - self._logged)
                self._sums, self._logged = {}, self.step
                bar.update(self.step - bar.n)
                if on_log is not None:
                    on_log(self)
            finite = all(value.isfinite().all() for value in self._sums.values())
            if ends or (stop and finite) or (due and finite and not self.doubtful):
                self.save()
                saved = time.monotonic()
            if stop:
                raise KeyboardInterrupt
            tick = time.monotonic()  # validating, drawing and saving is not training

    def _clock(self) -> float:
        """The time in seconds, when the device has done all that it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.monotonic()

    def _plan(self, seconds: float, elapsed: float, bar: tqdm) -> None:
        """Choose the steps that fill the recipe's minutes, of which some seconds have elapsed."""
        recipe = self.recipe
        steps = self.step + round((60 * recipe.minutes - elapsed) / seconds)
        steps = self._agreed(max(self.step, recipe.least_steps, min(steps, recipe.steps)))
        self.recipe, self.planned = replace(recipe, steps=steps), True
        if not bar.disable:
            minutes = (elapsed + (steps - self.step) * seconds) / 60
            bar.write(
                f"{seconds:.2g} s a step on this machine: {steps} steps in {minutes:.1f} minutes."
            )

    def _agreed(self, steps: int) -> int:
        """The number that all processes of a group take, each of which has timed its own steps."""
        return steps

    def _log(self, sums: dict[str, torch.Tensor], steps: int) -> None:
        means = {name: (total / steps).item() for name, total in sums.items()}
        for name, value in means.items():
            if not math.isfinite(value):
                raise TrainingError(
                    f"The term {name!r} of {self.recipe.name} is {value} near step {self.step}: "
                    "start again in another folder, with a smaller learning rate."
                )
        self._check(means, steps)
        record = {"step": self.step, "minutes": self.seconds / 60, **means}
        if self.validate is not None:
            record.update(self.validate(self.result))
            self.generator.train()
        self.history.append(record)

    def _check(self, means: dict[str, float], steps: int) -> None:
        """May raise TrainingError, or set `doubtful`, from the means of the last `steps` steps."""

    def state(self) -> dict[str, Any]:
        """Everything that going on needs, as tensors and plain values."""
        return {
            "recipe": self.recipe.as_dict(),
            "planned": self.planned,
            "step": self.step,
            "seconds": self.seconds,
            "devices": self._devices(),
            "stages": self._stages(),
            "identity": self.identity,
            "notes": self.notes,
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
            ConfigError: it belongs to another recipe, to other pictures or VGG weights. Only the
                number of steps may differ; one that was chosen for the recipe's minutes is taken
                over.
        """
        differing = self.recipe.differences(state["recipe"])
        if differing:
            raise ConfigError(
                f"The checkpoint in {self.folder} was made with another {', '.join(differing)}: "
                "choose another folder, or the recipe and profile that it was made with."
            )
        check_identity(state.get("identity"), self.identity, str(self.folder))
        if self.recipe.minutes and state.get("planned", True):  # older ones were all exact
            self.recipe = replace(self.recipe, steps=state["recipe"]["steps"])
            self.planned = True
        self.step, self.seconds = state["step"], state["seconds"]
        self.begun, self.notes = self.step, {**state.get("notes", {}), **self.notes}
        self.earlier_devices = state.get("devices", [])  # older ones have none
        self.earlier_stages = state.get("stages", [])
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
            device=devices.THEN.join(self._devices()),
            stages=self._stages(),
            identity=self.identity,
            pictures=len(self.pool),
            teacher=self.notes.get("teacher"),
            content_weights=self.loss.weights,
            vgg=sorted({m.source for m in self.loss.modules() if isinstance(m, VGGFeatures)}),
            torch=torch.__version__,
            python=platform.python_version(),
        )

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What going on must not change and the recipe does not say: hashes of pictures and VGG."""
        vgg = {m.digest for m in self.loss.modules() if isinstance(m, VGGFeatures)}
        return {"pictures": self.pool.digest, "vgg": sorted(vgg)}

    def _stages(self) -> list[dict[str, Any]]:
        """What going on may change, in the order in which it did."""
        device = devices.device_name(self.device, self.dtype)
        version = str(torch.__version__)  # a class of its own, which no checkpoint may hold
        now = {"steps": self.recipe.steps, "device": device, "torch": version}
        return with_stage(self.earlier_stages, self.begun, self.step, now)

    def _devices(self) -> list[str]:
        """All that this training has run on, the one of now last."""
        now = devices.device_name(self.device, self.dtype)
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
            info = weights_info(self.folder / WEIGHTS)
            return (info.get("step"), info.get("teacher")) == (self.step, self.notes.get("teacher"))
        except WeightsError:
            return False
