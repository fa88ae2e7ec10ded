"""The embedded photographs, and random training patches cut on the device.

Taught in chapter 2.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from PIL import Image

from .degradation import bicubic_downscale
from .errors import ConfigError, DataError
from .images import Picture, check_image, crop_to_multiple, list_images, load_folder
from .system.digests import pictures_digest
from .system.files import DATA

SAMPLES = DATA / "samples"
SPLITS = ("train", "validation")
COPIES = (0.7, 0.5, 0.35)  # sizes of the smaller copies, as fractions


def samples(split: str = "train") -> list[Picture]:
    """The photographs that come with the course; `data/samples/README.md` names their authors.

    Args:
        split: "train" to learn from, "validation" to look at. No picture is in both.

    Raises:
        ConfigError: another split. DataError: the folder is missing, or a picture in it damaged.
    """
    if split not in SPLITS:
        raise ConfigError(f"Unknown split {split!r}: choose train or validation.")
    pictures = load_folder(SAMPLES / split)
    if len(pictures) < len(list_images(SAMPLES / split)):  # the scores are means over all of them
        raise DataError(f"{SAMPLES / split} is damaged: get the course again.")
    return pictures


class PatchPool:
    """All training pictures as uint8 on one device, cut into random batches there.

    Decoding a picture and shrinking it costs more than a training step on a GPU, so both are done
    once, here. A batch is then one gather: crop, flips and rotation are only a choice of indices.

    Args:
        images: uint8 arrays (H, W, 3) of any sizes.
        scale: 2, 4 or 8; LR is `bicubic_downscale` of the whole HR picture.
        device: where the pictures stay; three bytes an HR pixel, 1.9 times as many with `augment`.
        augment: make the most of few pictures. Smaller copies of each one, which show the same
            things finer, are drawn as often as itself, as far as the patch fits into them; and
            each patch gets its three color channels in random order.

    Raises:
        DataError: no pictures. ImageError: one is no picture, or smaller than an LR pixel.
    """

    def __init__(
        self,
        images: Sequence[np.ndarray],
        scale: int = 4,
        device: torch.device | str = "cpu",
        *,
        augment: bool = False,
    ):
        if not len(images):
            raise DataError("There are no pictures to train on: give at least one.")
        self.scale, self.device = scale, torch.device(device)
        self.pictures, self.augment = len(images), augment
        self.digest = pictures_digest(images)
        hr = [crop_to_multiple(check_image(image), scale) for image in images]
        hr += [copy for size in COPIES for copy in _smaller(images, size, scale)] if augment else []
        lr = [bicubic_downscale(image, scale) for image in hr]
        self.lr_sizes = torch.tensor([image.shape[:2] for image in lr])
        self._hr, self._hr_start = self._flatten(hr)
        self._lr, self._lr_start = self._flatten(lr)

    def __len__(self) -> int:
        """Pictures, without their copies."""
        return self.pictures

    def for_step(self, step: int) -> "PatchPool":
        """The pool that update `step` draws from: this one, where all pictures fit into memory."""
        return self

    def _flatten(self, images: list[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
        """All pixels in one (P, 3) tensor, and where each picture starts in it."""
        pixels = np.concatenate([image.reshape(-1, 3) for image in images])
        starts = np.cumsum([0] + [image.shape[0] * image.shape[1] for image in images[:-1]])
        return torch.from_numpy(pixels).to(self.device), torch.from_numpy(starts)

    def batch(
        self,
        batch_size: int,
        patch_size: int,
        generator: torch.Generator | None = None,
        candidates: int = 1,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Random LR and HR patches of the same scenes, each turned and mirrored at random.

        Args:
            batch_size: patches, of distinct pictures (or copies) as long as there are enough.
            patch_size: side of the HR patch, a multiple of the scale.
            generator: a CPU generator; the same state gives the same batch on every device.
            candidates: patches drawn for each one kept, which is the one with the most texture:
                sky is soon learned, and a step on it wasted.

        Returns:
            LR (N, 3, p/scale, p/scale) and HR (N, 3, p, p), uint8, in channels_last memory.

        Raises:
            ConfigError: a patch size that the scale does not divide.
            DataError: a picture, and not a copy, smaller than the patch.
        """
        if patch_size % self.scale or patch_size < self.scale:
            raise ConfigError(f"Patch size {patch_size} is not a multiple of scale {self.scale}.")
        side = patch_size // self.scale
        room = self.lr_sizes - side  # how far a patch may be moved down and right
        fits = (room >= 0).all(dim=1)
        if not fits[: self.pictures].all():
            index = int(room[: self.pictures].amin(dim=1).argmin())
            height, width = (self.lr_sizes[index] * self.scale).tolist()
            raise DataError(
                f"Training picture {index} is {width}x{height}, smaller than the {patch_size} px "
                "patches: leave it out or choose smaller patches."
            )
        drawn = candidates * batch_size
        large = fits.nonzero().squeeze(1)  # all pictures, and those copies
        count = len(large)
        rounds = -(-drawn // count)
        picture = torch.cat([torch.randperm(count, generator=generator) for _ in range(rounds)])
        picture = large[picture[:drawn]]
        uniform = torch.rand((2, drawn), generator=generator, dtype=torch.float64)
        top, left = (uniform * (room[picture].T + 1)).long()
        turn = torch.randint(0, 8, (drawn,), generator=generator)  # the square's symmetries

        lr = self._gather(self._lr, self._lr_start, picture, top, left, turn, side, 1)
        hr = self._gather(
            self._hr, self._hr_start, picture, top, left, turn, patch_size, self.scale
        )
        if candidates > 1:
            kept = _texture(lr).view(candidates, batch_size).argmax(dim=0) * batch_size
            kept += torch.arange(batch_size, device=self.device)
            lr, hr = (_at(kept, x) for x in (lr, hr))
        if self.augment:
            order = torch.rand((batch_size, 3), generator=generator).argsort(dim=1)
            order = order.to(self.device, non_blocking=True)
            patch = torch.arange(batch_size, device=self.device).unsqueeze(1)
            lr, hr = (_at((patch, order), x) for x in (lr, hr))
        return lr, hr

    def _gather(self, pixels, start, picture, top, left, turn, side, factor) -> torch.Tensor:
        width = self.lr_sizes[picture, 1] * factor
        corner = start[picture] + top * factor * width + left * factor
        # Few numbers a patch are drawn on the CPU; one copy brings them to the device.
        drawn = torch.stack([corner, width, turn]).to(self.device, non_blocking=True)
        corner, width, turn = drawn.view(3, -1, 1, 1).unbind()
        steps = torch.arange(side, device=self.device)
        row, column = steps.view(1, -1, 1), steps.view(1, 1, -1)
        swap = (turn & 1).bool()
        row, column = torch.where(swap, column, row), torch.where(swap, row, column)
        row = torch.where((turn & 2).bool(), side - 1 - row, row)
        column = torch.where((turn & 4).bool(), side - 1 - column, column)
        return pixels[corner + row * width + column].permute(0, 3, 1, 2)


def _smaller(images: Sequence[np.ndarray], size: float, scale: int) -> Iterator[np.ndarray]:
    """Copies at `size` of the height and width; none of pictures that are tiny already."""
    for image in images:
        height, width = (round(size * side) for side in image.shape[:2])
        if min(height, width) >= scale:
            copy = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
            yield crop_to_multiple(np.asarray(copy), scale)


def _at(index, patches: torch.Tensor) -> torch.Tensor:
    return patches[index].contiguous(memory_format=torch.channels_last)


def _texture(patches: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of neighboring gray values in each of (N, 3, H, W)."""
    gray = patches.float().mean(dim=1)
    return gray.diff(dim=1).abs().mean(dim=(1, 2)) + gray.diff(dim=2).abs().mean(dim=(1, 2))
