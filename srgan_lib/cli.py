"""The command line: the notebooks' functions without a notebook."""

import argparse
import json
import math
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import data, datasets
from .adversarial import make_trainer
from .checkpoints import has_checkpoint, load_generator, shipped_weights
from .degradation import bicubic_upscale, imresize
from .devices import choose_device
from .environment import choose_profile
from .errors import DataError, SRGANError
from .files import check_folder, check_new, write_atomically
from .images import (
    Picture,
    check_writable,
    load_folder,
    read_with_alpha,
    write_image,
)
from .inference import upscale
from .metrics import LPIPS, evaluate
from .recipes import PROFILES, RECIPES, Recipe, get_recipe
from .runs import validation_psnr
from .training import CHECKPOINT, WEIGHTS


def _parser() -> argparse.ArgumentParser:
    names = ", ".join(["bicubic", *shipped_weights()])
    weights_help = f"a shipped network ({names}) or a .safetensors file"

    parser = argparse.ArgumentParser(
        prog="python -m srgan_lib", description="Super-resolution with SRResNet and SRGAN."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable, help: str, example: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=help, description=help, epilog=f"example: python -m srgan_lib {example}"
        )
        sub.set_defaults(run=run)
        return sub

    sub = command(
        "upscale", _upscale, "Enlarge a picture.",
        "upscale photo.jpg photo_x4.png --weights work/mine/generator.safetensors",
    )  # fmt: skip
    sub.add_argument("input", help="a picture; 16-bit ones are refused, transparency is kept")
    sub.add_argument("output", help="a .png, .jpg or .webp file")
    sub.add_argument("--weights", default="srresnet", help=f"{weights_help}; default: srresnet")
    sub.add_argument("--scale", type=int, help="for bicubic: 2, 4 or 8; default: 4")
    sub.add_argument("--tile", type=int, help="work in LR tiles of this side, to save memory")
    sub.add_argument("--device", default="auto", help="cuda, cpu or auto (default)")
    sub.add_argument("--force", action="store_true", help="overwrite the output if it exists")

    sub = command(
        "evaluate", _evaluate, "Score a network, or bicubic, on a folder of HR pictures.",
        "evaluate --weights bicubic --hr Set5/HR --scale 4 --json bicubic.json",
    )  # fmt: skip
    sub.add_argument("--weights", required=True, help=weights_help)
    sub.add_argument("--hr", required=True, help="folder of HR pictures, or a data set's name")
    sub.add_argument("--lr", help="folder of LR pictures of the same names; default: made here")
    sub.add_argument("--scale", type=int, help="2, 4 or 8; default: the network's, 4 for bicubic")
    sub.add_argument("--border", type=int, help="pixels cropped for PSNR and SSIM; default: SCALE")
    sub.add_argument("--lpips", action="store_true", help="score LPIPS (AlexNet) as well")
    sub.add_argument("--lpips-backbone", help="file of AlexNet's weights; default: torchvision's")
    sub.add_argument("--json", help="file for all scores; printed in short either way")
    sub.add_argument("--device", default="auto", help="cuda, cpu or auto (default)")
    sub.add_argument("--force", action="store_true", help="overwrite the JSON file if it exists")

    sub = command(
        "train", _train, "Train a recipe; run again to go on from its checkpoint.",
        "train srresnet --data pictures --out work/srresnet --profile cpu",
    )  # fmt: skip
    sub.add_argument("recipe", help=f"one of {', '.join(RECIPES)}")
    sub.add_argument("--out", required=True, help="folder for checkpoint.pt, generator.safetensors")
    sub.add_argument(
        "--data", nargs="+", default=["samples"], metavar="FOLDER",
        help="folders of pictures or names of data sets; default: samples, the embedded ones",
    )  # fmt: skip
    sub.add_argument(
        "--profile",
        help=f"one of {', '.join(PROFILES)}; default: SRGAN_PROFILE, else by the device",
    )
    sub.add_argument("--steps", type=int, help="updates, instead of the profile's")
    sub.add_argument("--batch-size", type=int, help="patches a step, instead of the profile's")
    sub.add_argument("--init", help="generator to start from: a shipped name or a file")
    sub.add_argument("--vgg", default="auto", help="file of VGG weights, torchvision or random")
    sub.add_argument("--vgg-arch", choices=("vgg19", "vgg16"), help="default: the recipe's, vgg19")
    sub.add_argument("--device", default="auto", help="cuda, cpu or auto (default)")

    sub = command(
        "data", _data, "List the data sets, or fetch one.", "data DIV2K",
    )  # fmt: skip
    sub.add_argument("name", nargs="?", help="a data set's name, a zip, or a Google Drive id")
    sub.add_argument("--root", help="where it goes; default: SRGAN_DATA, else data/downloads")
    return parser


def _method(args: argparse.Namespace) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """What enlarges a picture, and by how much."""
    device = choose_device(args.device)
    if args.weights == "bicubic":
        scale = 4 if args.scale is None else args.scale
        return partial(bicubic_upscale, scale=scale), scale
    model = load_generator(args.weights, device)
    if args.scale not in (None, model.scale):
        raise SRGANError(
            f"{args.weights} enlarges x{model.scale}, not x{args.scale}: leave out --scale."
        )
    return partial(upscale, model, tile=getattr(args, "tile", None)), model.scale


def _is_dataset(name: str) -> bool:
    return name.casefold() in (known.casefold() for known in datasets.DATASETS)


def _folder(name: str) -> Path:
    """A folder of that path, or else a data set of that name."""
    known = _is_dataset(name) and not Path(name).is_dir()
    return datasets.dataset(name) if known else Path(name)


def _upscale(args: argparse.Namespace) -> None:
    check_writable(args.output, force=args.force)
    image, alpha = read_with_alpha(args.input)
    if alpha is not None and Path(args.output).suffix.lower() in (".jpg", ".jpeg"):
        raise SRGANError(f"{args.input} is transparent and JPEG cannot be: choose .png or .webp.")
    method, scale = _method(args)
    sr = method(image)
    if alpha is not None:
        alpha = imresize(alpha, scale, round_between=False)
    write_image(args.output, sr, alpha=alpha, force=args.force)
    print(f"{args.output}: {sr.shape[1]}x{sr.shape[0]}, by {args.weights}")


def _evaluate(args: argparse.Namespace) -> None:
    if args.json:
        check_new(args.json, force=args.force)
    lpips = None
    if args.lpips or args.lpips_backbone:
        lpips = LPIPS(args.lpips_backbone, device=choose_device(args.device))
    method, scale = _method(args)
    scores = evaluate(
        method, _folder(args.hr), lr_dir=args.lr, scale=scale, border=args.border, lpips=lpips,
        weights=args.weights,
    )  # fmt: skip
    for row in [*scores["images"], {"name": "mean", **scores["mean"]}]:
        lpips_text = "" if row["lpips"] is None else f"   LPIPS {row['lpips']:.4f}"
        print(
            f"{row['name']:<24} PSNR-Y {row['psnr_y']:6.3f}   SSIM-Y {row['ssim_y']:.4f}   "
            f"PSNR-RGB {row['psnr_rgb']:6.3f}{lpips_text}"
        )
    if args.json:
        text = json.dumps(_finite(scores), indent=1, allow_nan=False) + "\n"
        write_atomically(args.json, lambda temporary: Path(temporary).write_text(text))


def _finite(value: Any) -> Any:
    """The same with null for the infinite PSNR of equal pictures, which JSON cannot say."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _train(args: argparse.Namespace) -> None:
    device = choose_device(args.device)
    changes = {"steps": args.steps, "batch_size": args.batch_size, "vgg": args.vgg_arch}
    profile = args.profile or choose_profile(device.type)
    recipe = get_recipe(args.recipe, profile, **changes)
    folder = Path(args.out)
    check_folder(folder)
    begun = has_checkpoint(folder / CHECKPOINT)
    if (folder / WEIGHTS).exists() and not begun:
        raise SRGANError(
            f"{folder / WEIGHTS} exists, without the checkpoint that it came from: choose another "
            "folder, or move it away."
        )
    images = [picture.image for name in args.data for picture in _pictures(name, recipe)]
    init = load_generator(args.init) if args.init and not begun else None
    if recipe.init and init is None and not begun:
        print(f"{recipe.name} is meant to start from {recipe.init}: --init starts it there.")
    print(f"{recipe.name}, profile {profile}: {recipe.steps} steps on {len(images)} pictures.")
    pool = data.PatchPool(images, recipe.scale, device)
    validate = validation_psnr(scale=recipe.scale)
    trainer = make_trainer(recipe, pool, args.out, init=init, vgg=args.vgg, validate=validate)
    if trainer.resume():
        print(f"Going on from step {trainer.step} of {recipe.steps}; --init is not used again.")
    trainer.run(on_log=_print_log)
    print(f"{args.out}: step {trainer.step}, {trainer.seconds / 60:.1f} minutes")


def _pictures(name: str, recipe: Recipe) -> list[Picture]:
    """The training pictures of a folder or data set that are large enough for a patch."""
    pictures = data.samples("train") if name == "samples" else load_folder(_folder(name))
    good = []
    for picture in pictures:
        height, width = (side // recipe.scale * recipe.scale for side in picture.image.shape[:2])
        if min(height, width) >= recipe.patch_size:
            good.append(picture)
        else:
            warnings.warn(
                f"Left out: {picture.name} is smaller than the {recipe.patch_size} px patches.",
                stacklevel=2,
            )
    if not good:
        raise DataError(
            f"{name} has no picture of at least {recipe.patch_size} px: add larger ones."
        )
    return good


def _print_log(trainer) -> None:
    row = trainer.history[-1]
    values = "  ".join(f"{k} {v:.4g}" for k, v in row.items() if k not in ("step", "minutes"))
    print(f"step {row['step']:>7}  {row['minutes']:6.1f} min  {values}", flush=True)


def _data(args: argparse.Namespace) -> None:
    if not args.name:
        for entry in datasets.DATASETS.values():
            print(f"{entry.name:<12} {entry.homepage}")
        return
    fetch = datasets.dataset if _is_dataset(args.name) else datasets.dataset_from_zip
    print(fetch(args.name, args.root))


def _fail(sentence: str) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 2 for an error that the user can mend."""
    args = _parser().parse_args(arguments)
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(f"note: {message}", file=sys.stderr)
        try:
            args.run(args)
        except SRGANError as error:
            return _fail(str(error))
        except OSError as error:  # a full disk, a folder without permission
            return _fail(f"{error.filename or 'A file'}: {error.strerror or error}.")
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "memory" not in str(error):
                raise
            return _fail(
                "There is not enough memory: give --tile 256, or a smaller picture or batch."
            )
        except KeyboardInterrupt:
            print("Interrupted; what was saved is kept.", file=sys.stderr)
            return 130
    return 0
