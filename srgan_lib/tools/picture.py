"""The README's picture, made by the networks: `python -m srgan_lib.tools.picture WEIGHTS ...`.

Every panel is a crop at 1:1 from whole pictures; nothing is sharpened or chosen by score.
"""

import argparse
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from ..checkpoints import load_generator, weights_info
from ..data import samples
from ..degradation import bicubic_downscale, bicubic_upscale
from ..errors import SRGANError
from ..inference import upscale
from ..metrics import psnr
from ..plots import Box, crop, draw_image, figure
from .notebooks import ROOT

OUTPUT = ROOT / "data" / "result.png"
BOXES: dict[str, Box] = {"red_panda.jpg": (230, 330, 240, 180), "pagoda.jpg": (250, 120, 240, 180)}


def draw(weights: list[str], output: Path) -> None:
    """One row for each photograph: bicubic, each of `weights`, the original, with PSNR on Y.

    Args:
        weights: shipped names or .safetensors files, in the order of the columns.
        output: a .png file, replaced if it exists.
    """
    models = {weights_info(name)["recipe"]["name"]: load_generator(name) for name in weights}
    photographs = {p.name: p.image for p in samples("validation") if p.name in BOXES}
    columns = len(models) + 2
    fig, axes = figure(len(photographs), columns, (2.6, 2.2), squeeze=False)
    for row, (name, hr) in zip(axes, photographs.items(), strict=True):
        lr = bicubic_downscale(hr, 4)
        pictures: dict[str, np.ndarray] = {"bicubic": bicubic_upscale(lr, 4)}
        pictures |= {title: upscale(model, lr) for title, model in models.items()}
        for axis, (title, sr) in zip(row, pictures.items(), strict=False):
            draw_image(axis, crop(sr, BOXES[name]), f"{title}, {psnr(sr, hr, border=4):.2f} dB")
        draw_image(row[-1], crop(hr, BOXES[name]), "original")
    fig.savefig(output, dpi=130)
    plt.close(fig)


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0, or 2 with one sentence if the weights cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m srgan_lib.tools.picture", description=__doc__)
    parser.add_argument("weights", nargs="+", help="shipped names or .safetensors files")
    parser.add_argument("--out", type=Path, default=OUTPUT, help=f"default: {OUTPUT.name} in data/")
    args = parser.parse_args(arguments)
    try:
        draw(args.weights, args.out)
    except SRGANError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
