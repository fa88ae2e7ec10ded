"""The loops that most SRGAN code trains with, written plainly: what `benchmark` compares with.

A DataLoader, whose pictures are decoded, cropped and shrunk by Pillow for every patch anew; NCHW,
float32, Adam as it comes, the loss fetched in every step, and neither VGG nor the discriminator
frozen while the generator learns. Networks, losses, batch and patches are the library's, without
its faster layers; nothing is slowed down on purpose.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, RandomSampler

from ..images import convert, to_image, to_tensor
from ..losses import CONTENT_LOSSES, discriminator_loss, generator_adversarial_loss
from ..models import Discriminator, Generator
from ..recipes import Recipe
from ..vgg import VGGFeatures


class FileCrops(Dataset):
    """Random LR and HR patches in [0, 1], each cut from a file that is opened for it alone."""

    def __init__(self, files: Sequence[Path], patch_size: int, scale: int):
        self.files, self.patch_size, self.side = files, patch_size, patch_size // scale

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        with Image.open(self.files[index]) as file:
            image = file.convert("RGB")
        left, top = (int(torch.randint(s - self.patch_size + 1, ())) for s in image.size)
        hr = image.crop((left, top, left + self.patch_size, top + self.patch_size))
        lr = hr.resize((self.side, self.side), Image.Resampling.BICUBIC)
        return to_tensor(np.asarray(lr))[0], to_tensor(np.asarray(hr))[0]


class PlainLoop:
    """One of the two `PHASES`, as most SRGAN code runs it; `loop(steps)` does that many steps.

    Attributes:
        losses: the generator's, of every step, as they would be printed.
    """

    def __init__(
        self,
        recipe: Recipe,
        files: Sequence[Path],
        device: torch.device,
        workers: int = 0,
        vgg: str | Path = "auto",
    ):
        self.recipe, self.device, self.losses = recipe, device, []
        shape = recipe.scale, recipe.num_blocks, recipe.channels, recipe.variant
        self.generator = Generator(*shape).to(device)
        self.optimizer = torch.optim.Adam(self.generator.parameters(), recipe.learning_rate)
        if recipe.adversarial:
            self.discriminator = Discriminator(recipe.variant, recipe.channels).to(device)
            self.optimizer_d = torch.optim.Adam(
                self.discriminator.parameters(), recipe.learning_rate
            )
            layer, _ = CONTENT_LOSSES[recipe.content[0][0]]
            self.features = VGGFeatures(layer, recipe.vgg, vgg, self.generator.output_range)
            self.features.to(device).requires_grad_(True)
        crops = FileCrops(files, recipe.patch_size, recipe.scale)
        # One epoch without an end: the pictures may be few, and workers are slow to start.
        endless = RandomSampler(crops, replacement=True, num_samples=2**40)
        loader = DataLoader(crops, recipe.batch_size, sampler=endless, num_workers=workers)
        self.batches = iter(loader)

    def __call__(self, steps: int) -> None:
        update = self._update_both if self.recipe.adversarial else self._update
        for _ in range(steps):
            lr, hr = (x.to(self.device) for x in next(self.batches))
            self.losses.append(update(lr, convert(hr, "unit", self.generator.output_range)))

    def _update(self, lr: torch.Tensor, hr: torch.Tensor) -> float:
        return self._descend(F.mse_loss(self.generator(lr), hr), self.optimizer)

    def _update_both(self, lr: torch.Tensor, hr: torch.Tensor) -> float:
        sr = self.generator(lr)
        content = F.mse_loss(self.features(sr), self.features(hr).detach())
        adversarial = generator_adversarial_loss(self.discriminator(sr))
        loss = self._descend(content + self.recipe.adversarial * adversarial, self.optimizer)
        hr_logits, sr_logits = self.discriminator(hr), self.discriminator(sr.detach())
        self._descend(discriminator_loss(hr_logits, sr_logits), self.optimizer_d)
        return loss

    def _descend(self, loss: torch.Tensor, optimizer: torch.optim.Adam) -> float:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()


@torch.no_grad()
def plain_upscale(model: Generator, image: np.ndarray) -> np.ndarray:
    """SR of uint8 (H, W, 3) by a generator in eval mode, in the layout that it is in."""
    lr = to_tensor(image, next(model.parameters()).device)
    sr = model(convert(lr, "unit", model.input_range))
    return to_image(convert(sr, model.output_range, "unit"))
