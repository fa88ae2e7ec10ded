"""`srgan upscale`: a picture or a folder of them, four times enlarged."""

import argparse

import torch

from ..errors import SRGANError
from ..inference import Enlarger, bicubic_enlarger, network_enlarger
from ..performance.fast_generator import fast_copy
from ..performance.large_pictures import upscale_file, upscale_folder
from ..system.devices import choose_device
from ..system.files import expanded
from ..system.picture_files import check_writable
from ..weights import load_generator


def chosen_enlarger(args: argparse.Namespace, *, fast: bool = False) -> Enlarger:
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


def run(args: argparse.Namespace) -> None:
    options = {"tile": args.tile, "force": args.force, "progress": True}
    if expanded(args.input).is_dir():
        done = upscale_folder(chosen_enlarger(args, fast=True), args.input, args.output, **options)
        print(f"{args.output}: {done} pictures, by {args.weights}")
        return
    check_writable(args.output, force=args.force)
    enlarger = chosen_enlarger(args, fast=True)
    width, height = upscale_file(enlarger, args.input, args.output, **options)
    print(f"{args.output}: {width}x{height}, by {args.weights}")
