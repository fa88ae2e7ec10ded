"""What each command of the command line does: the functions that the notebooks call, too."""

import argparse
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch

from ..adversarial import trainer_kind
from ..checkpoints import CHECKPOINT, WEIGHTS, has_checkpoint
from ..data import PatchPool
from ..datasets import catalog
from ..datasets.sources import _folder, _is_dataset, load_pictures, title, training_pictures
from ..errors import DataError, SRGANError
from ..evaluation import evaluate, validation_psnr
from ..inference import Enlarger, bicubic_enlarger, network_enlarger, upscale_with
from ..metrics import LPIPS
from ..performance.benchmark import benchmark, report
from ..performance.distributed import distributed_kind, joined, rank, world_size
from ..performance.fast_generator import fast_copy
from ..performance.large_pictures import upscale_file, upscale_folder
from ..performance.peak_memory import footprint
from ..performance.shards import SUFFIX, ShardPool
from ..recipes import Recipe, choose_profile, get_recipe
from ..results import cards, scores
from ..results.build import write_results
from ..results.reproduce import reproduce
from ..results.scores import judges
from ..system.devices import choose_device
from ..system.files import check_new, expanded, own_folder, write_json
from ..system.picture_files import check_writable
from ..weights import load_generator

LONGEST_TURN = 500  # updates on one tar shard before the next


def _enlarger(args: argparse.Namespace, *, fast: bool = False) -> Enlarger:
    """What enlarges a picture: bicubic, or a network on the device; `fast` to 1 of 255."""
    device = choose_device(args.device)
    if args.weights == "bicubic":
        return bicubic_enlarger(4 if args.scale is None else args.scale)
    model = load_generator(args.weights, device)
    if args.scale not in (None, model.scale):
        raise SRGANError(
            f"{args.weights} enlarges x{model.scale}, not x{args.scale}: leave out --scale."
        )
    if not fast:
        return network_enlarger(model)
    return network_enlarger(fast_copy(model), deep=fast_copy(model, torch.float32))


def run_upscale(args: argparse.Namespace) -> None:
    options = {"tile": args.tile, "force": args.force, "progress": True}
    if expanded(args.input).is_dir():
        done = upscale_folder(_enlarger(args, fast=True), args.input, args.output, **options)
        print(f"{args.output}: {done} pictures, by {args.weights}")
        return
    check_writable(args.output, force=args.force)
    enlarger = _enlarger(args, fast=True)
    width, height = upscale_file(enlarger, args.input, args.output, **options)
    print(f"{args.output}: {width}x{height}, by {args.weights}")


def run_evaluate(args: argparse.Namespace) -> None:
    if args.json:
        check_new(args.json, force=args.force)
    lpips = None
    if args.lpips or args.lpips_backbone:
        lpips = LPIPS(args.lpips_backbone, device=choose_device(args.device))
    enlarger = _enlarger(args)
    scores = evaluate(
        partial(upscale_with, enlarger), _folder(args.hr), lr_dir=args.lr, scale=enlarger.scale,
        border=args.border, lpips=lpips, weights=args.weights,
    )  # fmt: skip
    print(score_table(scores))
    if args.json:
        write_json(args.json, scores)


def run_train(args: argparse.Namespace) -> None:
    with joined(args.device) as device, own_folder(args.out) if rank() == 0 else nullcontext():
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
    sets, lpips = judges(args, device)
    init = load_generator(args.init) if args.init and not begun else None
    pool = _pool(args.data, recipe, device)
    if recipe.init and init is None and not begun:
        print(f"{recipe.name} is meant to start from {recipe.init}: --init starts it there.")
    print(f"{recipe.name}, profile {profile}: {recipe.steps} steps on {len(pool)} pictures.")
    kind = distributed_kind(trainer_kind(recipe))
    # One process sees the whole batch as it is.
    shared = {"sync_batchnorm": args.sync_batchnorm} if world_size() > 1 else {}
    trainer = kind(
        recipe, pool, folder, init=init, vgg=args.vgg,
        validate=validation_psnr(scale=recipe.scale, size=scores.VALIDATION_SIZE, lpips=lpips),
        compile=args.compile, precision=args.precision, **shared,
    )  # fmt: skip
    if init is not None and rank() == 0:
        cards.note_init(folder, args.init)
    if trainer.resume():
        unused = "; --init is not used again" if args.init else ""
        print(f"Going on from step {trainer.step} of {recipe.steps}{unused}.")
    trainer.run(on_log=_print_log)
    if rank() > 0:
        return
    cards.finish(
        trainer, recipe.name, about_data=args.about or _about(args.data), sets=sets, lpips=lpips,
        half=args.half, command=cards.typed(
            "train", recipe.name, profile=profile, steps=recipe.steps, batch_size=recipe.batch_size,
            patch_size=recipe.patch_size, learning_rate=args.learning_rate, augment=args.augment,
            vgg_arch=args.vgg_arch, precision=args.precision, half=args.half,
        ),
    )  # fmt: skip
    print(f"{args.out}: step {trainer.step}, {trainer.seconds / 60:.1f} minutes")


def run_reproduce(args: argparse.Namespace) -> None:
    device = choose_device(args.device)
    sets, lpips = judges(args, device)
    images = [picture.image for name in args.data for picture in load_pictures(name)]
    page = reproduce(
        args.out, args.variants, profile=args.profile or choose_profile(device.type),
        pictures=images, about_data=args.about or _about(args.data), sets=sets, lpips=lpips,
        augment=args.augment, vgg=args.vgg, vgg_arch=args.vgg_arch, device=device, steps=args.steps,
        compile=args.compile, precision=args.precision, half=args.half, on_log=_print_log,
    )  # fmt: skip
    print(page)


def run_results(args: argparse.Namespace) -> None:
    print(write_results())


def run_export(args: argparse.Namespace) -> None:
    from ..performance.onnx_export import export_onnx

    generator = load_generator(args.weights)
    path = export_onnx(generator, args.output, force=args.force)
    print(f"{path}: x{generator.scale}, RGB in [0, 1], (N, 3, H, W)")


def run_benchmark(args: argparse.Namespace) -> None:
    if args.json:
        check_new(args.json, force=args.force)
    # First, because a bad size is refused there, and minutes of timing would be lost with it.
    memory = None if args.memory is None else footprint(args.memory, device=args.device)
    result = benchmark(
        choose_device(args.device), batch_size=args.batch_size, patch_size=args.patch_size,
        seconds=args.seconds, compile=args.compile, precision=args.precision,
    )  # fmt: skip
    if memory:
        result["memory"] = memory
    print(report(result))
    if args.json:
        write_json(args.json, result)


def _about(names: Sequence[str]) -> str:
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


def _print_log(trainer) -> None:
    row = trainer.history[-1]
    values = "  ".join(f"{k} {v:.4g}" for k, v in row.items() if k not in ("step", "minutes"))
    print(f"step {row['step']:>7}  {row['minutes']:6.1f} min  {values}", flush=True)


def run_data(args: argparse.Namespace) -> None:
    if not args.name:
        for entry in catalog.DATASETS.values():
            print(f"{entry.name:<12} {entry.homepage}")
        return
    fetch = catalog.dataset if _is_dataset(args.name) else catalog.dataset_from_zip
    print(fetch(args.name, args.root))


# What `score_table` shows of each score: title and decimals.
COLUMNS = {
    "psnr_y": ("PSNR-Y", 3),
    "ssim_y": ("SSIM-Y", 4),
    "ssim_daala": ("SSIM-daala", 4),
    "psnr_rgb": ("PSNR-RGB", 3),
    "lpips": ("LPIPS", 4),
    "color_shift": ("color", 2),
    "consistency": ("consistency", 2),
    "checkerboard": ("checkerboard", 2),
}


def score_table(scores: Mapping[str, Any]) -> str:
    """The result of `evaluate` to read: a line for each picture, one for the mean, and the worst.

    A score that was not asked for has no column.
    """
    shown = [(key, *COLUMNS[key]) for key in COLUMNS if scores["mean"][key] is not None]
    lines = [" " * 20 + "".join(f"  {title}" for _, title, _ in shown)]
    for row in [*scores["images"], {"name": "mean", **scores["mean"]}]:
        cells = (f"{row[key]:{len(title) + 2}.{decimals}f}" for key, title, decimals in shown)
        lines.append(f"{row['name']:<20}{''.join(cells)}")
    worst = scores["mean"]["worst_color_shift"]
    return "\n".join([*lines, f"Worst color shift of a picture: {worst:.2f} of 255."])
