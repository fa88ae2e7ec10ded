"""What each change to the adversarial phase is worth alone: data/results/ablation.json.

    python -m srgan_lib.results.ablation --data DIV2K --steps 2000

All trainings start from one generator and see the same pictures; each differs from the base in one
field of its recipe. Run again with the same settings, it adds the rows that are missing.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..adversarial import make_trainer
from ..data import PatchPool
from ..datasets.sources import load_pictures
from ..evaluation import validation_psnr
from ..metrics import LPIPS
from ..recipes import get_recipe
from ..system.command_line import CommandLine
from ..system.devices import PRECISIONS, choose_device, device_name, precision
from ..system.files import check_new, write_json
from ..system.process import report_errors
from ..weights import load_generator
from .build import RESULTS

OUTPUT = RESULTS / "ablation.json"
CROP = 256  # side of the central part of each validation photograph that is scored

# The paper's SRGAN-VGG54, but on the course's networks.
BASE = {
    "content": (("vgg54", 1.0),), "lead": 300.0, "adversarial": 1e-3, "ema": 0.0, "candidates": 1,
    "shift": 0, "discriminator_rate": 1.0, "cosine": False, "learning_rate": 1e-4,
}  # fmt: skip
CHANGES: dict[str, dict[str, Any]] = {
    "LPIPS on VGG16": {"content": (("lpips-vgg", 1.0),)},
    "LPIPS on VGG16 and five times L1": {"content": (("lpips-vgg", 1.0), ("l1", 5.0))},
    # The grid's gradient is then a quarter of VGG54's, as it is of LPIPS's in the recipe `srgan`.
    "VGG54 and the grid loss": {"content": (("vgg54", 1.0), ("grid", 100.0))},
    "VGG22 instead of VGG54": {"content": (("vgg22", 1.0),)},
    "VGG54 before the activation, L1": {"content": (("vgg54-l1", 1.0),)},
    "VGG54 and MSE of equal weight": {"content": (("vgg54", 1.0), ("mse", 1.0))},
    "content leads 30 times, not 300": {"lead": 30.0},
    "relativistic discriminator": {"relativistic": True},
    "noisy labels": {"label_noise": True},
    "running mean of the weights": {"ema": 0.999},
    "the more textured of two patches": {"candidates": 2},
    "losses that see a random shift": {"shift": 3},
    "a discriminator 4 times as fast": {"discriminator_rate": 4.0},
    "twice the learning rate": {"learning_rate": 2e-4},
    "a learning rate that falls along a cosine": {"cosine": True},
    "patches of 128 px": {"patch_size": 128},
    "L1 on pixels instead of VGG54": {"content": (("l1", 1.0),)},
    "no discriminator": {"adversarial": 0.0},
    # The row above in other digits: nothing is left of the discriminator. Their gap is chance.
    "content leads a million times": {"lead": 1e6},
    # No change at all: how far chance alone moves the scores.
    "another seed": {"seed": 1},
    "a third seed": {"seed": 2},
    "a fourth seed": {"seed": 3},
}


def ablate(args: argparse.Namespace) -> None:
    """Train what is missing, and write the table after every row."""
    device = choose_device(args.device)
    dtype = precision(device, args.precision)
    check_new(args.out, force=True)
    lpips = LPIPS(args.lpips_backbone, device)
    start = load_generator(args.init)
    pool = PatchPool([p.image for name in args.data for p in load_pictures(name)], 4, device)
    score = validation_psnr(size=CROP, lpips=lpips)
    about = (
        f"Every training: {args.steps} steps of {args.batch_size} patches of {args.patch_size} px "
        f"from {len(pool)} pictures, from the generator `{Path(args.init).stem}` "
        f"(PSNR-Y {score(start)['psnr_y']:.2f} dB, LPIPS {score(start)['lpips']:.4f}), with "
        f"{args.vgg_arch} for VGG, seed 0, on {device_name(device, dtype)}; scored on the central "
        f"{CROP} px of the embedded validation photographs. The base is the paper's SRGAN-VGG54 "
        "with the course's networks. So short a training shows a beginning, and the rows with "
        "another seed how far chance alone moves the scores."
    )
    table = _read(args.out)
    if table.get("about") != about:
        table = {"about": about, "base": None, "rows": []}
    done = {row["change"] for row in table["rows"]}
    for change, values in {"": {}, **CHANGES}.items():
        if change in done or (not change and table["base"]):
            continue
        sizes = {"batch_size": args.batch_size, "patch_size": args.patch_size}
        fields = {"steps": args.steps, **sizes, "vgg": args.vgg_arch, **BASE, **values}
        recipe = replace(get_recipe("srgan", "paper"), **fields)
        trainer = make_trainer(recipe, pool, init=start, vgg=args.vgg, precision=args.precision)
        result = trainer.run(progress=False)
        row = {"steps": args.steps, "minutes": trainer.seconds / 60, **score(result)}
        if change:
            table["rows"].append({"change": change, "fields": list(values), **row})
        else:
            table["base"] = row
        write_json(args.out, table)
        print(f"{change or 'the base':<36} PSNR-Y {row['psnr_y']:.2f}  LPIPS {row['lpips']:.4f}")


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def main() -> int:
    parser = CommandLine(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=["samples"], help="folders or data sets")
    parser.add_argument("--init", default="srresnet", help="generator to start from")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--patch-size", type=int, default=96)
    parser.add_argument("--vgg", default="auto", help="file of VGG weights, torchvision or random")
    # LPIPS was learned on VGG16, and all rows shall use one network.
    parser.add_argument("--vgg-arch", choices=("vgg16",), default="vgg16")
    parser.add_argument("--lpips-backbone", help="file of AlexNet's weights")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="as for train")
    parser.add_argument("--device", default="auto", help="cuda, cpu or auto (default)")
    parser.add_argument("--out", type=Path, default=OUTPUT, help="a .json file")
    args = parser.parse_args()
    return report_errors(lambda: ablate(args))


if __name__ == "__main__":
    sys.exit(main())
