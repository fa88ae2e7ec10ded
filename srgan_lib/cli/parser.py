"""The command line: the notebooks' functions without a notebook.

A command's options stand here, what it does in the module of its name.
"""

import argparse
from collections.abc import Sequence
from importlib import import_module

from ..recipes import PROFILES, RECIPES, VARIANTS
from ..system.command_line import CommandLine
from ..system.files import shipped_weights
from ..system.process import report_errors
from ..system.signals import heed

PRECISION_HELP = "auto (default: by the device), float32, bfloat16 or float16"


def _parser() -> argparse.ArgumentParser:
    names = ", ".join(["bicubic", *shipped_weights()])
    weights_help = f"a shipped network ({names}) or a .safetensors file"

    parser = CommandLine(prog="srgan", description="Super-resolution with SRResNet and SRGAN.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help: str, example: str) -> argparse.ArgumentParser:
        return subparsers.add_parser(
            name, help=help, description=help, epilog=f"example: srgan {example}"
        )

    sub = command(
        "upscale", "Enlarge a picture of any size, or a folder of them.",
        "upscale photo.jpg photo_x4.png",
    )  # fmt: skip
    sub.add_argument(
        "input", help="a picture, or a folder of them; gray, 16 bits, transparency, color profile, "
        "frames, pages and printed size are kept as far as the output can hold them",
    )  # fmt: skip
    sub.add_argument(
        "output", help="a .png, .tif, .jpg or .webp file, or the folder for all of them; .png and "
        ".tif need the least memory, and hold 16 bits",
    )  # fmt: skip
    sub.add_argument("--weights", default="srgan", help=f"{weights_help}; default: srgan")
    sub.add_argument("--scale", type=int, help="for bicubic: 2, 4 or 8; default: 4")
    sub.add_argument("--tile", type=int, help="side of the LR tiles; default: by the memory")
    sub.add_argument("--device", default="auto", help="cuda, cpu or auto (default)")
    sub.add_argument("--force", action="store_true", help="overwrite the output if it exists")

    sub = command(
        "evaluate", "Score a network, or bicubic, on a set of HR pictures.",
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
        "train", "Train a recipe; run again to go on from its checkpoint.",
        "train srresnet --data pictures --out work/srresnet --profile cpu",
    )  # fmt: skip
    sub.add_argument("recipe", help=f"one of {', '.join(RECIPES)}")
    sub.add_argument("--out", required=True, help="folder for checkpoint.pt, generator.safetensors")
    sub.add_argument("--batch-size", type=int, help="patches a step, instead of the profile's")
    sub.add_argument("--patch-size", type=int, help="their HR side, instead of the profile's")
    sub.add_argument("--learning-rate", type=float, help="instead of the recipe's")
    sub.add_argument("--init", help="generator to start from: a shipped name or a file")
    sub.add_argument(
        "--teacher", metavar="TEXT",
        help="for the model card: the network that made the pictures to learn from",
    )  # fmt: skip
    sub.add_argument(
        "--sync-batchnorm", action="store_true",
        help="under torchrun: batch norm over the patches of all GPUs together",
    )  # fmt: skip
    _training_options(sub, sets=[])

    sub = command(
        "reproduce",
        "Train, score and compare all networks of the course; run again to go on.",
        "reproduce --data DIV2K --out work/all --variants srresnet srgan",
    )  # fmt: skip
    sub.add_argument("--out", required=True, help="folder for the runs and RESULTS.md")
    sub.add_argument(
        "--variants", nargs="+", default=["bicubic", *VARIANTS], metavar="RECIPE",
        help=f"default: {' '.join(VARIANTS)}",
    )  # fmt: skip
    _training_options(sub, sets=["Set5", "BSD100"])

    command(
        "results",
        "Write RESULTS.md and its pictures again, from the cards and measurements in data/.",
        "results",
    )  # fmt: skip

    sub = command(
        "export", "Write a network as ONNX, for programs without PyTorch.",
        "export srgan srgan.onnx",
    )  # fmt: skip
    sub.add_argument("weights", metavar="NAME", help="a shipped network or a .safetensors file")
    sub.add_argument("output", help="a .onnx file")
    sub.add_argument("--force", action="store_true", help="overwrite the output if it exists")

    sub = command(
        "benchmark", "Time training and inference against the plain way.",
        "benchmark --seconds 60 --json benchmark.json",
    )  # fmt: skip
    sub.add_argument("--batch-size", type=int, default=16, help="patches a step; default: 16")
    sub.add_argument("--patch-size", type=int, default=96, help="HR side; default: 96")
    sub.add_argument("--seconds", type=float, default=30.0, help="for each phase; default: 30")
    sub.add_argument(
        "--memory", type=int, metavar="SIDE",
        help="also upscale SIDE x SIDE pixels with srgan, for the memory; 4096 takes many minutes",
    )  # fmt: skip
    sub.add_argument("--precision", default="auto", help=PRECISION_HELP)
    sub.add_argument("--json", help="file for all figures; printed in short either way")
    sub.add_argument("--device", default="auto", help="cuda, cpu or auto (default)")
    sub.add_argument("--force", action="store_true", help="overwrite the JSON file if it exists")

    sub = command(
        "data", "List the data sets, or fetch one.", "data DIV2K",
    )  # fmt: skip
    sub.add_argument("name", nargs="?", help="a data set's name, a zip, or a Google Drive id")
    sub.add_argument("--root", help="where it goes; default: SRGAN_DATA, else data/downloads")
    return parser


def _training_options(sub: argparse.ArgumentParser, sets: list[str]) -> None:
    """What `train` and `reproduce` have in common."""
    sub.add_argument(
        "--data", nargs="+", default=["samples"], metavar="FOLDER",
        help="folders of pictures or names of data sets; default: samples, the embedded ones",
    )  # fmt: skip
    sub.add_argument(
        "--augment", action="store_true",
        help="for few pictures: also smaller copies of them, color channels in random order",
    )  # fmt: skip
    sub.add_argument("--about", help="a sentence on these pictures, for the model card")
    sub.add_argument(
        "--profile",
        help=f"one of {', '.join(PROFILES)}; default: SRGAN_PROFILE, else by the device",
    )
    sub.add_argument("--steps", type=int, help="updates, instead of the profile's")
    sub.add_argument("--vgg", default="auto", help="file of VGG weights, torchvision or random")
    sub.add_argument("--vgg-arch", choices=("vgg19", "vgg16"), help="default: the recipe's")
    sub.add_argument("--precision", default="auto", help=PRECISION_HELP)
    sub.add_argument(
        "--sets", nargs="*", default=sets, metavar="SET",
        help="data sets, or folders of HR pictures, to score the result on for its card; "
        f"default: {' '.join(sets) or 'only the embedded validation photographs'}",
    )  # fmt: skip
    sub.add_argument("--lpips", action="store_true", help="score LPIPS (AlexNet) as well")
    sub.add_argument("--lpips-backbone", help="file of AlexNet's weights; default: torchvision's")
    sub.add_argument(
        "--half", action="store_true", help="round the result to float16: half the size"
    )
    sub.add_argument("--device", default="auto", help="cuda, cpu or auto (default)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 2 for an error that the user can mend.

    130 stands for Ctrl-C, 141 for a reader of the output that has gone, as shells have it.
    """

    def work() -> None:
        args = _parser().parse_args(arguments)  # its help is printed, too
        # Only now, because most commands import PyTorch, and help must not wait for it.
        command = import_module(f".{args.command}", __package__)
        heed()
        command.run(args)

    return report_errors(work)
