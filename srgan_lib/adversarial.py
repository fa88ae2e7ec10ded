"""The adversarial phase: SRGAN as a thin layer over the plain training loop.

Taught in notebook 04. Source: Ledig et al. 2017, sections 2.2 and 3.2.
"""

from pathlib import Path
from typing import Any

import torch

from .data import PatchPool
from .losses import discriminator_loss, noisy_labels
from .models import Discriminator, Generator
from .recipes import Recipe
from .training import Trainer


class AdversarialTrainer(Trainer):
    """Adds a discriminator that is trained in turns with the generator: SRGAN.

    One update of each a step, the discriminator first (k = 1 in Goodfellow et al. 2014).

    Attributes:
        discriminator: in the history, d_hr and d_sr are the means of D(HR) and D(SR).
    """

    def _build(self, init: Generator | None, vgg: str | Path) -> None:
        super()._build(init, vgg)
        small = self.recipe.channels  # the smoke profile thins both networks
        self.discriminator = self._place(Discriminator(self.recipe.variant, small))
        self.optimizer_d = self._adam(self.discriminator)

    @property
    def optimizers(self) -> list[torch.optim.Adam]:
        return [self.optimizer, self.optimizer_d]

    def judge(self, picture: torch.Tensor) -> torch.Tensor:
        """The discriminator's logits, float32, with a graph."""
        with self._autocast():
            return self.discriminator(picture).float()

    def update(self, lr: torch.Tensor, hr: torch.Tensor) -> dict[str, torch.Tensor]:
        relativistic = self.recipe.relativistic
        sr = self.generate(lr)

        self.discriminator.requires_grad_(True)
        hr_logits, sr_logits = self.judge(hr), self.judge(sr.detach())
        labels = None
        if self.recipe.label_noise:
            labels = tuple(x.to(self.device) for x in noisy_labels(hr_logits.shape, self.rng))
        loss_d = discriminator_loss(hr_logits, sr_logits, labels, relativistic)
        self._descend(loss_d, self.optimizer_d)

        # Frozen, the discriminator passes the gradient on to SR, but computes none of its own.
        self.discriminator.requires_grad_(False)
        with self._autocast():
            loss, terms = self.loss(
                sr, hr, self.judge(sr), self.judge(hr) if relativistic else None
            )
        self._descend(loss, self.optimizer)
        return {
            **terms,
            "discriminator": loss_d,
            "d_hr": hr_logits.sigmoid().mean(),
            "d_sr": sr_logits.sigmoid().mean(),
        }

    def state(self) -> dict[str, Any]:
        return {**super().state(), "discriminator": self.discriminator.state_dict()}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.discriminator.load_state_dict(state["discriminator"])


def make_trainer(recipe: Recipe, pool: PatchPool, *args: Any, **kwargs: Any) -> Trainer:
    """The trainer that the recipe needs; arguments as for `Trainer`."""
    kind = AdversarialTrainer if recipe.adversarial else Trainer
    return kind(recipe, pool, *args, **kwargs)
