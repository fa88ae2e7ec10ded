"""RESULTS.md and its pictures, from model cards, measurements and the networks themselves."""

import json
import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from ..data import samples
from ..errors import DataError
from ..inference import upscale
from ..recipes import VARIANTS
from ..system.files import DATA, ROOT, write_atomically, write_json, write_text
from ..weights import SHIPPED, load_generator
from .cards import check_card, read_card
from .page import CURVE, render_results
from .pictures import DPI, STRIPS, courses, quality_over_minutes, strip

RESULTS = DATA / "results"
PICTURED = ("srresnet", "srgan")  # the pictures show these, in this order


def collect(weights: Iterable[Path] | None = None, results: Path = RESULTS) -> dict[str, Any]:
    """Read the evidence: the arguments of `render_results`.

    Args:
        weights: files of weights with cards beside them; the shipped ones if not given.
        results: folder of bicubic.json, other cards and measurements, and of the pictures.

    Raises:
        WeightsError: a card that is not current. DataError: bicubic has not been scored yet, or
            a measurement is damaged.
    """
    if not (results / "bicubic.json").exists():
        raise DataError(f"There is no {results / 'bicubic.json'}: run reproduce first.")
    found: dict[str, Any] = {}
    for path in sorted(results.glob("*.json")):
        try:
            found[path.stem] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataError(f"{path} cannot be read as JSON ({error}): measure it again.") from None
    cards = [found[name] for name in found if "sha256" in found[name]]
    for path in sorted(SHIPPED.glob("*.safetensors") if weights is None else weights):
        check_card(path)
        cards.append(read_card(path))
    cards = {card["name"]: card for card in cards}
    order = [*VARIANTS, *sorted(cards.keys() - set(VARIANTS))]
    return {
        "cards": [cards[name] for name in order if name in cards],
        "bicubic": found["bicubic"],
        "ablation": found.get("ablation"),
        "benchmarks": [found[name] for name in found if name.startswith("benchmark-")],
        "pictures": found.get("pictures"),
    }


def write_results(
    page: Path = ROOT / "RESULTS.md",
    weights: Iterable[Path] | None = None,
    results: Path = RESULTS,
) -> Path:
    """Draw the pictures with the networks and write RESULTS.md; returns its path.

    Args:
        page: the file; its links lead from there to `results`.
        weights, results: as for `collect`.
    """
    weights = sorted(SHIPPED.glob("*.safetensors") if weights is None else weights)
    cards = collect(weights, results)["cards"]  # checks them all before the work
    files = {read_card(path)["name"]: path for path in weights}
    drawn = {name: files[name] for name in PICTURED if name in files}
    if drawn:
        networks = {name: partial(upscale, load_generator(path)) for name, path in drawn.items()}
        photographs = {Path(p.name).stem: p.image for p in samples("validation")}
        for name, (box, detail, _) in STRIPS.items():
            _save(strip(photographs[name], box, detail, networks), results / f"{name}.png")
        hashes = {name: read_card(path)["sha256"] for name, path in drawn.items()}
        write_json(results / "pictures.json", {"networks": hashes})
    if courses(cards):
        _save(quality_over_minutes(cards), results / CURVE)
    folder = Path(os.path.relpath(results, page.parent)).as_posix()
    text = render_results(**collect(weights, results), folder=folder)
    write_text(page, text)
    return page


def _save(fig: Figure, path: Path) -> None:
    write_atomically(path, lambda file: fig.savefig(file, dpi=DPI))
    plt.close(fig)
