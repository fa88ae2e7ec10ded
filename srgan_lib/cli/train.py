"""`srgan train`: one recipe, from its beginning or on from its checkpoint."""

import argparse
from collections.abc import Sequence
from contextlib import nullcontext

import torch

from ..adversarial import trainer_kind
from ..checkpoints import CHECKPOINT, has_checkpoint
from ..data import PatchPool
from ..datasets.sources import title, training_pictures
from ..errors import DataError, SRGANError
from ..evaluation import validation_psnr
from ..performance.distributed import distributed_kind, process_group, rank, world_size
from ..performance.shards import SUFFIX, ShardPool
from ..recipes import Recipe, choose_profile, get_recipe
from ..results import cards
from ..results.scores import VALIDATION_SIZE, sets_and_lpips
from ..system.files import expanded, own_folder
from ..weights import WEIGHTS, load_generator

LONGEST_TURN = 500  # updates on one tar shard before the next


def run(args: argparse.Namespace) -> None:
    for name in args.data:  # the card's picture would be one of them when the training goes on
        if expanded(name).is_dir() and expanded(name).resolve() == expanded(args.out).resolve():
            raise SRGANError(f"{args.out} is where the pictures come from: choose another folder.")
    with (
        process_group(args.device) as device,
        own_folder(args.out) if rank() == 0 else nullcontext(),
    ):
        _train(args, device)


def _train(args: argparse.Namespace, device: torch.device) -> None:
    profile = args.profile or choose_profile(device.type)
    recipe = get_recipe(
        args.recipe, profile, steps=args.steps, batch_size=args.batch_size,
        patch_size=args.patch_size, vgg=args.vgg_arch, learning_rate=args.learning_rate,
        augment=args.augment or None,
    )  # fmt: skip
    folder = expanded(args.out)
    begun = has_checkpoint(folder / CHECKPOINT)
    if (folder / WEIGHTS).exists() and not begun:
        raise SRGANError(
            f"{folder / WEIGHTS} exists, without the checkpoint that it came from: choose another "
            "folder, or move it away."
        )
    sets, lpips = sets_and_lpips(args, device)
    init = load_generator(args.init) if args.init and not begun else None
    pool = _pool(args.data, recipe, device)
    if recipe.init and init is None and not begun:
        print(f"{recipe.name} is meant to start from {recipe.init}: --init starts it there.")
    count = "1 picture" if len(pool) == 1 else f"{len(pool)} pictures"
    print(f"{recipe.name}, profile {profile}: {recipe.length} on {count}.")
    kind = distributed_kind(trainer_kind(recipe))
    # One process sees the whole batch as it is.
    shared = {"sync_batchnorm": args.sync_batchnorm} if world_size() > 1 else {}
    trainer = kind(
        recipe, pool, folder, init=init, vgg=args.vgg,
        validate=validation_psnr(scale=recipe.scale, size=VALIDATION_SIZE, lpips=lpips),
        precision=args.precision, **shared,
    )  # fmt: skip
    if init is not None and rank() == 0:
        cards.note_init(folder, args.init)
    if args.about:
        trainer.notes["about"] = args.about
    if args.teacher:
        trainer.notes["teacher"] = args.teacher
    if trainer.resume():
        unused = "; --init is not used again" if args.init else ""
        whole = trainer.recipe.steps if trainer.planned else recipe.length
        if isinstance(whole, int) and trainer.step >= whole:
            print(f"Finished at step {trainer.step}: it goes on to more --steps{unused}.")
        else:
            print(f"Going on from step {trainer.step} of {whole}{unused}.")
    trainer.run(on_log=print_log)
    if rank() > 0:
        return
    cards.finish(
        trainer, recipe.name, about_data=_about(args, trainer), sets=sets,
        lpips=lpips, half=args.half, command=cards.command_line(
            "train", recipe.name, profile=profile, steps=trainer.recipe.steps,
            batch_size=recipe.batch_size, patch_size=recipe.patch_size,
            learning_rate=args.learning_rate, augment=args.augment, vgg_arch=args.vgg_arch,
            precision=args.precision, half=args.half,
        ),
    )  # fmt: skip
    print(f"{args.out}: step {trainer.step}, {trainer.seconds / 60:.1f} minutes")


def _about(args: argparse.Namespace, trainer) -> str:
    """What is said of the pictures now, or was said before: they are the same."""
    weights = trainer.folder / WEIGHTS
    if args.about is None and trainer.begun and weights.with_suffix(".json").exists():
        return cards.read_card(weights)["data"]["about"]
    return trainer.notes.get("about") or about_data(args.data)


def about_data(names: Sequence[str]) -> str:
    """What the card says of the training pictures if nobody said it better."""
    known = ["the embedded photographs" if name == "samples" else title(name) for name in names]
    return ", ".join(known) if len(known) < 9 else f"{known[0]} to {known[-1]}, {len(known)} in all"


def _pool(names: Sequence[str], recipe: Recipe, device: torch.device) -> PatchPool | ShardPool:
    """The training pictures of folders and data sets, or of tar shards."""
    shards = [name for name in names if name.lower().endswith(SUFFIX)]
    if not shards:
        images = [picture.image for name in names for picture in training_pictures(name, recipe)]
        return PatchPool(images, recipe.scale, device, augment=recipe.augment)
    if len(shards) < len(names):
        raise DataError("--data takes folders or tar files, not both: pack the folders, too.")
    steps = max(1, min(LONGEST_TURN, recipe.steps // len(shards)))  # so that each has a turn
    return ShardPool(
        shards, recipe.scale, device, patch_size=recipe.patch_size, augment=recipe.augment,
        steps=steps,
    )  # fmt: skip


def print_log(trainer) -> None:
    row = trainer.history[-1]
    values = "  ".join(f"{k} {v:.4g}" for k, v in row.items() if k not in ("step", "minutes"))
    print(f"step {row['step']:>7}  {row['minutes']:6.1f} min  {values}", flush=True)
