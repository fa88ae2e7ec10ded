"""How networks do where LR is not a clean bicubic shrink: data/results/degraded.json.

    python -m srgan_lib.results.degraded --networks srgan srgan-photo --sets Set5 BSD100

Four rows, from clean to heavy, with fixed seeds. Run again, it adds the networks that are missing.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import astuple
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from .. import data
from ..degradation import Blur, Degradation, Downscale, Jpeg, Noise, bicubic_upscale
from ..evaluation import color_shift
from ..images import Picture, crop_to_multiple, load_folder
from ..inference import upscale
from ..metrics import LPIPS, psnr
from ..models import Generator
from ..performance.fast_generator import fast_copy
from ..system.command_line import CommandLine
from ..system.devices import choose_device
from ..system.files import DATA, write_json
from ..system.process import report_errors
from ..weights import find_weights, load_generator, shipped_weights, weights_info
from .card_text import figure
from .scores import sets_and_lpips

OUTPUT = DATA / "results" / "degraded.json"
SCALE = 4
ROWS: dict[str, Degradation] = {
    "clean": Degradation([Downscale(SCALE)]),
    "light": Degradation([Downscale(SCALE), Jpeg(85)]),
    "medium": Degradation([Blur(1.0), Downscale(SCALE), Noise(4), Jpeg(70)]),
    "heavy": Degradation([Blur(2.0), Downscale(SCALE), Noise(10), Jpeg(40)]),
}
PICKED = ("srresnet", "srgan", "srresnet-photo", "srgan-photo")
Network = Callable[[np.ndarray], np.ndarray]


def score(
    network: Network, pictures: list[np.ndarray], degrade: Degradation, lpips: LPIPS
) -> dict[str, float]:
    """Mean PSNR on Y, mean LPIPS and the worst color shift of a network behind one D.

    Args:
        network: LR uint8 hxwx3 -> SR uint8 HxWx3.
        pictures: HR, uint8 HxWx3, sides multiples of the scale.
    """
    rows = []
    for hr in pictures:
        lr = degrade(hr)
        sr = network(lr)
        rows.append((psnr(sr, hr, border=SCALE), lpips(sr, hr), color_shift(sr, lr)))
    psnrs, distances, shifts = zip(*rows, strict=True)
    return {
        "psnr_y": float(np.mean(psnrs)),
        "lpips": float(np.mean(distances)),
        "worst_color_shift": max(shifts),
    }


def measure(
    networks: Mapping[str, tuple[str, Network]],
    sets: Mapping[str, list[np.ndarray]],
    lpips: LPIPS,
    out: Path = OUTPUT,
) -> dict[str, Any]:
    """Score what is missing in the table `out` and write it after every network.

    Args:
        networks: name -> (hash of its weights, network).
        sets: name -> HR pictures.

    Returns:
        {"steps": row -> D, "pictures": set -> how many, "networks": name -> {"sha256", "scores":
        set -> row -> `score`}}.
    """
    pictures = {name: len(images) for name, images in sets.items()}
    steps = {row: ", ".join(map(_words, degrade.steps)) for row, degrade in ROWS.items()}
    table = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
    if (table.get("steps"), table.get("pictures")) != (steps, pictures):
        table = {"steps": steps, "pictures": pictures, "networks": {}}
    missing = {
        name: value
        for name, value in networks.items()
        if table["networks"].get(name, {}).get("sha256") != value[0]
    }
    bar = tqdm(total=len(missing) * len(sets) * len(ROWS))
    for name, (weights, network) in missing.items():
        scores: dict[str, dict[str, Any]] = {}
        for set_name, images in sets.items():
            for row, degrade in ROWS.items():
                scores.setdefault(set_name, {})[row] = score(network, images, degrade, lpips)
                bar.update()
        table["networks"][name] = {"sha256": weights, "scores": scores}
        write_json(out, table)
    return table


def overall(table: Mapping[str, Any], name: str) -> dict[str, dict[str, float]]:
    """Row -> scores of a network over the pictures of all sets together."""
    counts, scores = table["pictures"], table["networks"][name]["scores"]
    found = {}
    for row in table["steps"]:
        means = {
            key: sum(counts[s] * scores[s][row][key] for s in counts) / sum(counts.values())
            for key in ("psnr_y", "lpips")
        }
        worst = max(scores[s][row]["worst_color_shift"] for s in counts)
        found[row] = {**means, "worst_color_shift": worst}
    return found


def cells(rows: Mapping[str, Mapping[str, float]]) -> list[str]:
    """PSNR-Y / LPIPS of each row."""
    return [f"{figure(r['psnr_y'], 2)} / {figure(r['lpips'], 4)}" for r in rows.values()]


def _words(step: Any) -> str:
    """A step and its first parameter, the only one that the rows set."""
    return f"{type(step).__name__} {astuple(step)[0]:g}"


def weights_hash(network: Generator) -> str:
    """SHA-256 of all weights in float16, which is what a file may have been rounded to."""
    digest = sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode() + value.half().cpu().numpy().tobytes())
    return digest.hexdigest()


def _networks(names: list[str], device) -> dict[str, tuple[str, Network]]:
    """By what their recipe calls them: shipped ones and files."""
    found: dict[str, tuple[str, Network]] = {"bicubic": ("", lambda lr: bicubic_upscale(lr, SCALE))}
    for name in names:
        path = find_weights(name)
        model = load_generator(path, device)
        title = weights_info(path).get("recipe", {}).get("name", path.stem)
        fast = fast_copy(model)
        found[title] = weights_hash(model), lambda lr, fast=fast: upscale(fast, lr)
    return found


def _spread(pictures: list[Picture], most: int | None) -> list[Picture]:
    """All pictures, or at most so many from all over the set."""
    return pictures[:: -(-len(pictures) // most)] if most else pictures


def run(args: argparse.Namespace) -> None:
    device = choose_device(args.device)
    folders, lpips = sets_and_lpips(args, device)
    folders["validation"] = data.SAMPLES / "validation"
    sets = {
        name: [crop_to_multiple(p.image, SCALE) for p in _spread(load_folder(folder), args.most)]
        for name, folder in folders.items()
    }
    table = measure(_networks(args.networks, device), sets, lpips, args.out)
    for name, network in table["networks"].items():
        for set_name, rows in network["scores"].items():
            print(f"{name:<16} {set_name:<12} {'   '.join(cells(rows))}")


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0, or 2 with one sentence."""
    parser = CommandLine(description=__doc__.splitlines()[0])
    default = [name for name in PICKED if name in shipped_weights()]
    parser.add_argument("--networks", nargs="*", default=default, metavar="NAME")
    parser.add_argument("--sets", nargs="*", default=["Set5", "BSD100"], metavar="SET")
    parser.add_argument(
        "--lpips-backbone", help="file of AlexNet's weights; default: torchvision's"
    )
    parser.add_argument(
        "--most", type=int, help="pictures of a set, from all over it; default: all"
    )
    parser.add_argument("--device", default="auto", help="cuda, cpu or auto (default)")
    parser.add_argument("--out", type=Path, default=OUTPUT, help="a .json file")
    args = parser.parse_args(arguments)
    args.lpips = True
    return report_errors(lambda: run(args))


if __name__ == "__main__":
    sys.exit(main())
