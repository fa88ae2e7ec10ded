"""`srgan evaluate`: the scores of a network, or of bicubic, on a set of HR pictures."""

import argparse
from collections.abc import Mapping
from functools import partial
from typing import Any

from ..datasets.sources import picture_folder
from ..evaluation import evaluate
from ..inference import upscale_with
from ..metrics import LPIPS
from ..system.devices import choose_device
from ..system.files import check_json, write_json
from .upscale import chosen_enlarger

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


def run(args: argparse.Namespace) -> None:
    if args.json is not None:
        check_json(args.json, force=args.force)
    lpips = None
    if args.lpips or args.lpips_backbone:
        lpips = LPIPS(args.lpips_backbone, device=choose_device(args.device))
    enlarger = chosen_enlarger(args)
    scores = evaluate(
        partial(upscale_with, enlarger), picture_folder(args.hr), lr_dir=args.lr,
        scale=enlarger.scale, border=args.border, lpips=lpips, weights=args.weights,
    )  # fmt: skip
    print(score_table(scores))
    if args.json is not None:
        write_json(args.json, scores)


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
