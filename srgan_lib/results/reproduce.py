"""All networks of the course by one call: trained, scored, described, compared.

Run again, it goes on from where it was interrupted.
"""

import json
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..adversarial import make_trainer
from ..checkpoints import CHECKPOINT, has_checkpoint
from ..data import PatchPool
from ..errors import DataError, Note, SRGANError, TrainingError, WeightsError
from ..evaluation import validation_psnr
from ..losses import CONTENT_LOSSES, content_loss
from ..metrics import LPIPS
from ..models import Generator
from ..recipes import RECIPES, VARIANTS, Recipe, get_recipe
from ..system.digests import pictures_digest
from ..system.files import check_folder, expanded, write_json
from ..training import Trainer
from ..weights import WEIGHTS, load_generator
from .build import write_results
from .cards import check_card, command_line, finish, note_init, read_card
from .scores import VALIDATION_SIZE, is_scored, score


def reproduce(
    out: str | Path,
    variants: Iterable[str] = ("bicubic", *VARIANTS),
    *,
    profile: str,
    pictures: Sequence[np.ndarray],
    about_data: str,
    sets: Mapping[str, str | Path],
    lpips: LPIPS | None = None,
    vgg: str | Path = "auto",
    vgg_arch: str | None = None,
    device: torch.device | str = "cpu",
    steps: int | None = None,
    augment: bool = False,
    precision: str = "auto",
    half: bool = False,
    on_log: Callable[[Trainer], None] | None = None,
    progress: bool = True,
) -> Path:
    """Train each variant in OUT/NAME, score it, write its card, and at the end OUT/RESULTS.md.

    What is finished and has a current card is skipped; what was begun goes on from its checkpoint.
    A recipe that starts from another one's generator comes after that, which is trained first if
    it is not there. A variant that fails does not keep the others from running.

    Args:
        variants: names of recipes, or "bicubic", which is scored in any case.
        profile: scales the recipes; `steps` and `augment` replace what they say.
        pictures: HR, uint8 (H, W, 3); a recipe leaves out those smaller than its patches.
        about_data, sets, lpips, half: as for `cards.finish`.
        vgg, precision, on_log: as for `Trainer`.
        vgg_arch: "vgg16" or "vgg19" for the recipes that have a loss on VGG features.

    Returns:
        The path of RESULTS.md.

    Raises:
        ConfigError: unknown names. DataError, WeightsError: before the first training, where
            pictures or VGG are missing for any of them.
        TrainingError: some variants failed; it names them all.
    """
    out, variants = expanded(out), list(dict.fromkeys(variants))
    changes = {"steps": steps, "augment": augment or None}
    recipes = {name: _recipe(name, profile, changes, vgg_arch) for name in _in_order(variants)}
    check_folder(out)
    _check_before(recipes, pictures, vgg)
    bicubic = _bicubic(out / "results" / "bicubic.json", sets, lpips, progress)

    @cache  # built when the first training needs it: that takes minutes
    def pool(patch_size: int, scale: int) -> PatchPool:
        return PatchPool(_large(pictures, patch_size, scale), scale, device, augment=augment)

    @cache
    def hashes(patch_size: int, scale: int) -> str:
        return pictures_digest(_large(pictures, patch_size, scale))

    failed = {}
    for name, recipe in recipes.items():
        # Of a network that is only needed as a start, any finished training will do.
        data = hashes(recipe.patch_size, recipe.scale)
        if _finished(out / name, recipe, data, vgg, sets, lpips, name not in variants):
            print(f"{name}: finished already.")
            continue
        try:
            init = _init(recipe, out)
            trainer = make_trainer(
                recipe, pool(recipe.patch_size, recipe.scale), out / name, init=init, vgg=vgg,
                validate=validation_psnr(scale=recipe.scale, size=VALIDATION_SIZE, lpips=lpips),
                precision=precision,
            )  # fmt: skip
            trainer.resume()
            whole = trainer.recipe.steps if trainer.planned else recipe.length
            print(f"{name}: step {trainer.step} of {whole}.")
            trainer.run(on_log=on_log, progress=progress)
            command = command_line(
                "reproduce", variants=name, profile=profile, steps=steps, augment=augment,
                vgg_arch=recipe.vgg if vgg_arch == recipe.vgg else None, precision=precision,
                half=half,
            )  # fmt: skip
            finish(
                trainer, name, about_data=about_data, sets=sets, lpips=lpips, bicubic=bicubic,
                command=command, half=half, progress=progress,
            )  # fmt: skip
        except SRGANError as error:
            failed[name] = str(error)
    page = write_results(out / "RESULTS.md", _current(out), out / "results")
    if failed:
        reasons = "; ".join(f"{name}: {reason.rstrip('.')}" for name, reason in failed.items())
        raise TrainingError(f"Of {len(recipes)} variants {len(failed)} failed ({reasons}).")
    return page


def _in_order(variants: Iterable[str]) -> list[str]:
    """The recipes, each after the one that it starts from."""
    ordered: list[str] = []
    for name in variants:
        chain = []
        while name is not None and name != "bicubic":
            get_recipe(name)  # or a sentence about an unknown name
            chain.append(name)
            name = RECIPES[name].init
        ordered += [name for name in reversed(chain) if name not in ordered]
    return ordered


def _recipe(name: str, profile: str, changes: dict[str, Any], vgg_arch: str | None) -> Recipe:
    features = any(CONTENT_LOSSES[loss][0] for loss, _ in RECIPES[name].content)
    return get_recipe(name, profile, **changes, vgg=vgg_arch if features else None)


def _large(pictures: Sequence[np.ndarray], patch_size: int, scale: int) -> list[np.ndarray]:
    return [p for p in pictures if min(p.shape[:2]) // scale * scale >= patch_size]


def _check_before(
    recipes: Mapping[str, Recipe], pictures: Sequence[np.ndarray], vgg: str | Path
) -> None:
    """What the last training needs, asked for before the first one."""
    checked = set()
    for name, recipe in recipes.items():
        large = len(_large(pictures, recipe.patch_size, recipe.scale))
        if not large:
            raise DataError(
                f"None of the {len(pictures)} pictures has the {recipe.patch_size} px that {name} "
                "needs: add larger ones, or name other --variants."
            )
        if large < len(pictures):
            warnings.warn(
                f"{name} leaves out {len(pictures) - large} of the {len(pictures)} pictures, which "
                f"are smaller than its {recipe.patch_size} px patches.",
                Note,
                stacklevel=3,
            )
        losses = {(loss, recipe.vgg) for loss, _ in recipe.content if CONTENT_LOSSES[loss][0]}
        for loss, arch in losses - checked if str(vgg) != "random" else ():
            content_loss(loss, arch=arch, weights=vgg)
        checked |= losses


def _bicubic(path: Path, sets, lpips, progress: bool) -> dict[str, Any]:
    if path.exists():
        scores = json.loads(path.read_text(encoding="utf-8"))["scores"]
        if is_scored(scores, sets, lpips):
            return scores
    scores = score("bicubic", sets, lpips, progress)
    write_json(path, {"name": "bicubic", "scores": scores})
    return scores


def _finished(folder: Path, recipe, data: str, vgg, sets, lpips, any_steps: bool) -> bool:
    """Whether there is a card of such a training; another one is refused when it goes on."""
    try:
        check_card(folder / WEIGHTS)
        card = read_card(folder / WEIGHTS)
    except WeightsError:
        return False
    if recipe.differences(card["recipe"]):
        return False
    if (card.get("identity") or {}).get("pictures", data) != data:
        return False
    if card["vgg"] and ("random" in card["vgg"]) != (str(vgg) == "random") and str(vgg) != "auto":
        return False
    # Where minutes choose the steps, another training of as many minutes has chosen them already.
    steps = card["recipe"]["steps"] if recipe.minutes else recipe.steps
    enough = any_steps or card["steps"] >= steps
    return enough and is_scored(card["scores"], sets, lpips)


def _init(recipe: Recipe, out: Path) -> Generator | None:
    """The generator that the recipe starts from; None if it needs none, or has begun."""
    folder = out / recipe.name
    if has_checkpoint(folder / CHECKPOINT):
        return None
    if (folder / WEIGHTS).exists():
        raise WeightsError(
            f"{folder / WEIGHTS} exists, without the checkpoint that it came from: move it away."
        )
    if recipe.init is None:
        return None
    start = out / recipe.init / WEIGHTS
    if start not in _current(out):
        raise TrainingError(f"it starts from {recipe.init}, which is not finished.")
    note_init(folder, start)
    return load_generator(start)


def _current(out: Path) -> list[Path]:
    """The weights in OUT whose cards are current."""
    current = []
    for path in sorted(out.glob(f"*/{WEIGHTS}")):
        try:
            check_card(path)
        except WeightsError:
            continue
        current.append(path)
    return current
