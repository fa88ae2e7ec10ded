"""The adversarial phase: SRGAN as a thin layer over the plain training loop.

Taught in chapter 4. Source: Ledig et al. 2017, sections 2.2 and 3.2.
"""

import copy
import math
from pathlib import Path
from typing import Any

import torch

from .data import PatchPool
from .errors import TrainingError
from .losses import discriminator_loss, gradient_norms, noisy_labels, shifted
from .models import Discriminator, Generator
from .recipes import Recipe
from .system.cuda_graphs import Labels
from .training import Trainer

# A discriminator's loss starts at 2 log 2 = 1.39. This far below, it tells every patch with
# certainty, and what it says no longer depends on the generator's progress. It has won when the
# steps below outnumber those above by so many: one misjudged patch does not save the game.
WON_LOSS, WON_STEPS = 1e-3, 200


class AdversarialTrainer(Trainer):
    """Adds a discriminator that is trained in turns with the generator: SRGAN.

    One update of each a step, the discriminator first (k = 1 in Goodfellow et al. 2014).

    Where the recipe has a `lead`, the content weights are scaled at the start so that the content
    terms lead by it (`balance`): whose VGG weights are used then makes no difference.

    Attributes:
        discriminator: in the history, d_hr and d_sr are the means of D(HR) and D(SR).
    """

    def _build(self, init: Generator | None, vgg: str | Path) -> None:
        super()._build(init, vgg)
        small = self.recipe.channels  # the smoke profile thins both networks
        self.discriminator = self._place(Discriminator(self.recipe.variant, small))
        self.optimizer_d = self._adam(self.discriminator)
        if self.recipe.lead:
            norms = self.balance()
            factor = self.recipe.lead * norms["adversarial"] / norms["content"]
            for name in self.loss.weights:
                self.loss.weights[name] *= factor

    def balance(self) -> dict[str, float]:
        """Norms of the gradients with which content and adversarial terms pull at SR right now.

        Measured on a batch of its own: it leaves no trace in the training.
        """
        # In train mode a batch norm takes note of every batch that it sees.
        statistics = [*self.generator.buffers(), *self.discriminator.buffers()]
        before = [buffer.clone() for buffer in statistics]
        lr, hr = self.batch(torch.Generator().manual_seed(self.recipe.seed))
        sr = self.generate(lr).detach().requires_grad_()
        with self._autocast():
            hr_logits = self.judge(hr) if self.recipe.relativistic else None
            _, terms = self.loss(sr, hr, self.judge(sr), hr_logits)
        adversarial = terms.pop("adversarial")
        content = torch.stack(list(terms.values())).sum()
        # As in training: gradients this small would be 0 in fp16 if they were not scaled, and the
        # scaler's first scale can be too large, which in training costs it a few skipped steps.
        scale = self.scaler.get_scale()
        while True:
            scaled = {"content": scale * content, "adversarial": scale * adversarial}
            norms = {name: norm / scale for name, norm in gradient_norms(scaled, sr).items()}
            if all(map(math.isfinite, norms.values())) or scale < 1:
                break
            scale /= 2
        for buffer, kept in zip(statistics, before, strict=True):
            buffer.copy_(kept)
        return norms

    @property
    def networks(self) -> list[torch.nn.Module]:
        return [*super().networks, self.discriminator]

    @property
    def optimizers(self) -> list[torch.optim.Adam]:
        return [self.optimizer, self.optimizer_d]

    def _set_rates(self, rate: float) -> None:
        super()._set_rates(rate)
        self.optimizer_d.param_groups[0]["lr"] = rate * self.recipe.discriminator_rate

    def judge(self, picture: torch.Tensor) -> torch.Tensor:
        """The discriminator's logits, float32, with a graph."""
        with self._autocast():
            return self.discriminator(picture).float()

    def _choose(self, count: int) -> tuple[tuple[int, int], Labels]:
        place, _ = super()._choose(count)
        if not self.recipe.label_noise:
            return place, None
        labels = noisy_labels((count, 1), self.rng)
        return place, tuple(x.to(self.device, non_blocking=True) for x in labels)

    def learn(self, lr, hr, place: tuple[int, int], labels: Labels) -> dict[str, torch.Tensor]:
        relativistic = self.recipe.relativistic
        sr, hr = shifted(self.generate(lr), hr, self.recipe.shift, place)

        self.discriminator.requires_grad_(True)
        hr_logits, sr_logits = self.judge(hr), self.judge(sr.detach())
        loss_d = discriminator_loss(hr_logits, sr_logits, labels, relativistic)
        before = self._copy_of_d() if self.scaler.is_enabled() else None
        moved = self._descend(loss_d, self.optimizer_d)

        # Frozen, the discriminator passes the gradient on to SR, but computes none of its own.
        self.discriminator.requires_grad_(False)
        with self._autocast():
            loss, terms = self.loss(
                sr, hr, self.judge(sr), self.judge(hr) if relativistic else None
            )
        # In float16 a gradient can overflow. Then the step is skipped in both networks: otherwise
        # one would be trained a little more often than the other.
        if moved and not self._descend(loss, self.optimizer):
            self._restore_d(before)
        return {
            **terms,
            "discriminator": loss_d,
            "d_hr": hr_logits.sigmoid().mean(),
            "d_sr": sr_logits.sigmoid().mean(),
        }

    def _copy_of_d(self) -> tuple[dict, dict]:
        networks = self.discriminator.state_dict(), self.optimizer_d.state_dict()
        return copy.deepcopy(networks)

    def _restore_d(self, before: tuple[dict, dict]) -> None:
        self.discriminator.load_state_dict(before[0])
        self.optimizer_d.load_state_dict(before[1])

    def _check(self, means: dict[str, float], steps: int) -> None:
        certain = means["discriminator"] < WON_LOSS
        self.doubtful = max(0, self.doubtful + (steps if certain else -steps))
        if self.doubtful >= WON_STEPS:
            raise TrainingError(
                f"The discriminator of {self.recipe.name} has won outright by step {self.step}: "
                f"D(HR) is {means['d_hr']:.4f}, D(SR) {means['d_sr']:.4f}, and its "
                f"loss was below {WON_LOSS} in {self.doubtful} steps more than above. Start from a "
                "better generator, or use noisy labels; the checkpoint from before is kept."
            )

    def state(self) -> dict[str, Any]:
        return {
            **super().state(),
            "discriminator": self.discriminator.state_dict(),
            "weights": self.loss.weights,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.discriminator.load_state_dict(state["discriminator"])
        self.loss.weights = dict(state["weights"])


def trainer_kind(recipe: Recipe) -> type[Trainer]:
    """The class of trainer that the recipe needs."""
    return AdversarialTrainer if recipe.adversarial else Trainer


def make_trainer(recipe: Recipe, pool: PatchPool, *args: Any, **kwargs: Any) -> Trainer:
    """The trainer that the recipe needs; arguments as for `Trainer`."""
    return trainer_kind(recipe)(recipe, pool, *args, **kwargs)
