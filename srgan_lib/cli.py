"""The command line: the notebooks' functions without a notebook."""

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from . import data, datasets
from .adversarial import make_trainer
from .checkpoints import load_generator, shipped_weights
from .degradation import bicubic_upscale, imresize
from .devices import choose_device
from .errors import SRGANError
from .files import check_new, write_atomically
from .images import (
    check_writable,
    load_folder,
    read_with_alpha,
    write_image,
)
from .inference import upscale
from .metrics import LPIPS, evaluate
from .recipes import PROFILES, RECIPES, get_recipe
from .runs import validation_psnr


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
        "upscale photo.jpg photo_x4.png --weights work/srgan/generator.safetensors",
    )  # fmt: skip
    sub.add_argument("input", help="a picture; 16-bit ones are refused, transparency is kept")
    sub.add_argument("output", help="a .png, .jpg or .webp file")
    sub.add_argument("--weights", default="srgan", help=f"{weights_help}; default: srgan")
    sub.add_argument("--scale", type=int, default=4, help="for bicubic: 2, 4 or 8; default: 4")
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
    sub.add_argument("--scale", type=int, default=4, help="2, 4 or 8; default: 4")
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
    sub.add_argument("--profile", default="paper", help=f"one of {', '.join(PROFILES)}")
    sub.add_argument("--steps", type=int, help="updates, instead of the profile's")
    sub.add_argument("--batch-size", type=int, help="patches a step, instead of the profile's")
    sub.add_argument("--init", help=f"generator to start from: {weights_help}")
    sub.add_argument("--vgg", default="auto", help="file of VGG weights, torchvision or random")
    sub.add_argument("--vgg-arch", choices=("vgg19", "vgg16"), help="default: the recipe's, vgg19")
    sub.add_argument("--device", default="auto", help="cuda, cpu or auto (default)")

    sub = command(
        "data", _data, "List the data sets, or fetch one.", "data DIV2K",
    )  # fmt: skip
    sub.add_argument("name", nargs="?", help="a data set's name, a zip, or a Google Drive id")
    sub.add_argument("--root", help="where it goes; default: SRGAN_DATA, else data/downloads")
    return parser


def _method(args: argparse.Namespace) -> Callable[[np.ndarray], np.ndarray]:
    if args.weights == "bicubic":
        return partial(bicubic_upscale, scale=args.scale)
    model = load_generator(args.weights, choose_device(args.device))
    return partial(upscale, model, tile=getattr(args, "tile", None))


def _is_dataset(name: str) -> bool:
    return name.casefold() in (known.casefold() for known in datasets.DATASETS)


def _folder(name: str) -> Path:
    """A folder of that path, or else a data set of that name."""
    known = _is_dataset(name) and not Path(name).is_dir()
    return datasets.dataset(name) if known else Path(name)


def _upscale(args: argparse.Namespace) -> None:
    check_writable(args.output, force=args.force)
    image, alpha = read_with_alpha(args.input)
    method = _method(args)
    sr = method(image)
    if alpha is not None:
        factor = sr.shape[0] // image.shape[0]
        alpha = imresize(alpha, factor, round_between=False)
    write_image(args.output, sr, alpha=alpha, force=args.force)
    print(f"{args.output}: {sr.shape[1]}x{sr.shape[0]}, by {args.weights}")


def _evaluate(args: argparse.Namespace) -> None:
    if args.json:
        check_new(args.json, force=args.force)
    lpips = None
    if args.lpips or args.lpips_backbone:
        lpips = LPIPS(args.lpips_backbone, device=choose_device(args.device))
    scores = evaluate(
        _method(args), _folder(args.hr), lr_dir=args.lr, scale=args.scale, border=args.border,
        lpips=lpips, weights=args.weights,
    )  # fmt: skip
    for row in [*scores["images"], {"name": "mean", **scores["mean"]}]:
        lpips_text = "" if row["lpips"] is None else f"   LPIPS {row['lpips']:.4f}"
        print(
            f"{row['name']:<24} PSNR-Y {row['psnr_y']:6.3f}   SSIM-Y {row['ssim_y']:.4f}   "
            f"PSNR-RGB {row['psnr_rgb']:6.3f}{lpips_text}"
        )
    if args.json:
        text = json.dumps(scores, indent=1) + "\n"
        write_atomically(args.json, lambda temporary: Path(temporary).write_text(text))


def _train(args: argparse.Namespace) -> None:
    changes = {"steps": args.steps, "batch_size": args.batch_size, "vgg": args.vgg_arch}
    recipe = get_recipe(args.recipe, args.profile, **changes)
    images = []
    for name in args.data:
        pictures = data.samples("train") if name == "samples" else load_folder(_folder(name))
        images += [picture.image for picture in pictures]
    init = load_generator(args.init) if args.init else None
    if recipe.init and init is None:
        print(f"{recipe.name} is meant to start from {recipe.init}: --init starts it there.")
    pool = data.PatchPool(images, recipe.scale, choose_device(args.device))
    validate = validation_psnr(scale=recipe.scale)
    trainer = make_trainer(recipe, pool, args.out, init=init, vgg=args.vgg, validate=validate)
    if trainer.resume():
        print(f"Going on from step {trainer.step} of {recipe.steps}.")
    trainer.run(on_log=_print_log)
    print(f"{args.out}: step {trainer.step}, {trainer.seconds / 60:.1f} minutes")


def _print_log(trainer) -> None:
    row = trainer.history[-1]
    values = "  ".join(f"{k} {v:.4g}" for k, v in row.items() if k not in ("step", "minutes"))
    print(f"step {row['step']:>7}  {row['minutes']:6.1f} min  {values}", flush=True)


def _data(args: argparse.Namespace) -> None:
    if args.name is None:
        for entry in datasets.DATASETS.values():
            print(f"{entry.name:<12} {entry.homepage}")
        return
    fetch = datasets.dataset if _is_dataset(args.name) else datasets.dataset_from_zip
    print(fetch(args.name, args.root))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 2 for an error that the user can mend."""
    args = _parser().parse_args(arguments)
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(f"note: {message}", file=sys.stderr)
        try:
            args.run(args)
        except SRGANError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print("Interrupted; what was saved is kept.", file=sys.stderr)
            return 130
    return 0
