"""Load what has been trained, train what has not: the recipe behind every chapter from 3 on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..adversarial import make_trainer
from ..checkpoints import CHECKPOINT, has_checkpoint
from ..data import PatchPool, samples
from ..errors import SRGANError
from ..images import Picture
from ..metrics import LPIPS
from ..models import Generator
from ..recipes import Recipe, get_recipe
from ..training import Trainer
from ..weights import find_weights, load_generator, shipped_weights

SMOKE_SIDE = 320  # pixels: the middle of a photograph, enough to prove that every line runs


def photographs(profile: str) -> list[Picture]:
    """The validation photographs, HR; in the profile "smoke" only the middle of each."""
    pictures = samples("validation")
    if profile != "smoke":
        return pictures
    return [Picture(name, middle(image, SMOKE_SIDE)) for name, image in pictures]


def middle(image: np.ndarray, side: int) -> np.ndarray:
    """The square of `side` pixels in the middle of a picture."""
    top, left = ((length - side) // 2 for length in image.shape[:2])
    return image[top : top + side, left : left + side]


def run_folder(name: str, profile: str, work: str | Path) -> Path:
    """Where the run of a recipe in a profile is kept: WORK/PROFILE/NAME."""
    return Path(work) / profile / name


def card(name: str) -> dict[str, Any]:
    """What the card of a shipped network knows: how it was trained, what it scores, its history."""
    return json.loads(find_weights(name).with_suffix(".json").read_text(encoding="utf-8"))


def vgg_weights(profile: str) -> str:
    """Which VGG weights a notebook asks for: none are fetched to prove that every line runs."""
    return "random" if profile == "smoke" else "auto"


def lpips_or_none(profile: str, device: torch.device | str = "cpu") -> LPIPS | None:
    """LPIPS as a measure; None, with a line that says why, where it cannot be had."""
    if profile == "smoke":
        return None
    try:
        return LPIPS(device=device)
    except SRGANError as error:
        print(f"No LPIPS: {error}")
        return None


def pretrained(name: str, profile: str, work: str | Path, pool: PatchPool) -> tuple[Generator, str]:
    """A generator trained without an opponent, in eval mode, and words on whose it is.

    The student's own, if there is a run of it, which is taken to its end; else the shipped one;
    else it is trained now.
    """
    if name in shipped_weights() and not has_checkpoint(
        run_folder(name, profile, work) / CHECKPOINT
    ):
        return load_generator(name, pool.device), "shipped"
    trainer = prepare(name, profile, work, pool=pool)
    return trainer.run().eval(), f"yours, {trainer.step:,} steps"


def plain_recipe(name: str, **changes: Any) -> Recipe:
    """A recipe without what the plain loops of chapters 3 and 4 do not have, then changed."""
    extras = {"cosine": False, "warmup": 0, "ema": 0.0, "candidates": 1, "shift": 0, "lead": 0.0}
    plain = {**extras, "discriminator_rate": 1.0, "learning_rate": 1e-4}
    return get_recipe(name, **{**plain, **changes})


def size_of(generator: Generator) -> dict[str, int]:
    """A generator's size, as changes to a recipe."""
    return {"num_blocks": generator.num_blocks, "channels": generator.channels}


def prepare(
    name: str,
    profile: str,
    work: str | Path,
    *,
    pool: PatchPool | None = None,
    device: torch.device | str = "cpu",
    vgg: str | Path = "auto",
    validate: Callable[[Generator], dict[str, float]] | None = None,
) -> Trainer:
    """A trainer of recipe `name` that stands where it was left; `.run()` takes it to its end.

    If the recipe starts from another one's generator and there is no checkpoint yet, that generator
    is taken from the student's own run, else from the shipped networks, else it is trained first.

    Args:
        work: folder of all runs.
        pool: pictures to train on; the embedded ones, on `device`, if not given.
        vgg, validate: as for `Trainer`.
    """
    recipe = get_recipe(name, profile)
    if pool is None:
        pool = PatchPool([picture.image for picture in samples("train")], recipe.scale, device)
    init = None
    folder = run_folder(name, profile, work)
    if recipe.init and not has_checkpoint(folder / CHECKPOINT):
        init = _initial(recipe.init, profile, work, pool, vgg)
    trainer = make_trainer(recipe, pool, folder, init=init, vgg=vgg, validate=validate)
    trainer.resume()
    return trainer


def _initial(name: str, profile: str, work: str | Path, pool: PatchPool, vgg) -> Generator:
    own = run_folder(name, profile, work) / CHECKPOINT
    if not has_checkpoint(own) and name in shipped_weights():
        shipped = load_generator(name)
        if shipped.config == _config(get_recipe(name, profile)):
            print(f"Starting from the shipped {name}.")
            return shipped
    trainer = prepare(name, profile, work, pool=pool, vgg=vgg)
    generator = trainer.run()
    print(f"Starting from your own {name}, step {trainer.step}.")
    return generator


def _config(recipe) -> dict[str, int | str]:
    names = ("scale", "num_blocks", "channels", "variant")
    return {name: getattr(recipe, name) for name in names}
