"""The training loop, which by itself pre-trains SRResNet.

Taught in notebook 03. Source: Ledig et al. 2017, section 3.2.
"""

import copy
import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import torch
from tqdm.auto import tqdm

from .checkpoints import CHECKPOINT, WEIGHTS, Resumable
from .data import PatchPool
from .errors import ConfigError, TrainingError
from .images import convert
from .losses import PerceptualLoss, content_loss, random_place, shifted
from .models import Generator
from .random_degradation import DEGRADATIONS
from .recipes import Recipe
from .system import devices
from .system.cuda_graphs import Labels, RecordedStep
from .system.files import expanded, own_folder
from .system.signals import deferred_interrupt
from .weights import move_average

__all__ = ["CHECKPOINT", "WEIGHTS", "Trainer"]


class Trainer(Resumable):
    """Trains a generator on content alone: SRResNet.

    Args:
        recipe: what to train and how (`srgan_lib.recipes`).
        pool: training pictures, or a `shards.ShardPool`; its device is the one that trains.
        folder: where checkpoint.pt and generator.safetensors are written; None writes nothing.
        init: a generator to start from, of the recipe's size and variant; random if not given.
        vgg: VGG weights for content losses on features (`srgan_lib.losses.VGGFeatures`).
        validate: generator -> figures, called now and then; they join the history.
        compile: let torch.compile fuse the networks; the first step then takes minutes.
        precision: number format of the convolutions, see `devices.precision`.
        graphs: replay the step as a CUDA graph (`graphs.RecordedStep`), as far as it can be
            recorded; if not given, on a GPU where the step needs no gradient scaler, which decides
            on the CPU. Several processes together never do.

    Attributes:
        generator: the network in training. `result` is the one to use: its running mean if the
            recipe has one, else the same.
        step: updates done. history: one dict of floats for each time it was logged.

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
        compile: bool = False,
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
        self.step, self.seconds = 0, 0.0
        self.earlier_devices: list[str] = []
        self.doubtful = 0  # steps in which something looks wrong: no checkpoint of these
        self.history: list[dict[str, float]] = []
        self._sums: dict[str, torch.Tensor] = {}  # of what is logged, since step `_logged`
        self._logged = 0

        with torch.random.fork_rng():  # the caller's random state is not ours to change
            torch.manual_seed(recipe.seed)
            with devices.tuned_convolutions():  # what is chosen at the first call is kept
                self._build(init, vgg)
        for network in self.networks if compile else ():
            network.compile()
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
        self.generator = self._place(generator)
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

    def _descend(self, loss: torch.Tensor, optimizer: torch.optim.Adam) -> None:
        optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.step(optimizer)

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
        pool = self.pool.at(self.step)
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
        save_minutes: float = 2.0,
        progress: bool = True,
    ) -> Generator:
        """Train up to step `until` (the recipe's last if not given) and return `result`.

        Every `log_every` steps (a hundredth of the recipe if not given) the means of what was
        logged join `history`, and `on_log` is called with this trainer. A checkpoint is written
        every `save_minutes` and at the end. Ctrl-C lets the step end, saves and stops. The folder
        is locked meanwhile.

        Raises:
            SRGANError: another process trains in the folder, or a file could not be written.
            TrainingError: a loss is not finite, or `_check` objects; the last good state is kept.
        """
        until = self.recipe.steps if until is None else min(until, self.recipe.steps)
        log_every = log_every or max(1, self.recipe.steps // 100)
        with ExitStack() as inside:
            if self.folder is not None:
                inside.enter_context(own_folder(self.folder))
            bar = tqdm(total=until, initial=self.step, desc=self.recipe.name, disable=not progress)
            inside.enter_context(bar)
            interrupted = inside.enter_context(deferred_interrupt())
            inside.enter_context(devices.tuned_convolutions())
            self._loop(until, log_every, 60 * save_minutes, on_log, bar, interrupted)
            if self.folder is not None and not self._weights_are_current():
                self.save()  # deleted since, never written, or the process ended in between
        return self.result

    def _loop(self, until, log_every, save_seconds, on_log, bar, interrupted) -> None:
        tick = saved = time.monotonic()
        while self.step < until:
            self._set_rates(self.recipe.learning_rate_at(self.step))
            values = self.update(*self.batch())
            self.scaler.update()
            self.step += 1
            if self.average is not None:
                move_average(self.average, self.generator, self.recipe.ema, self.step)
            for name, value in values.items():  # added up on the device: no waiting for it
                self._sums[name] = self._sums.get(name, 0) + value.detach()

            ends, stop = self.step == until, interrupted()
            logs = ends or self.step % log_every == 0
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
