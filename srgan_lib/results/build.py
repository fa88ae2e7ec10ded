"""RESULTS.md, its pictures and the README's, from cards, measurements and the networks."""

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
from ..system.files import DATA, ROOT, SHIPPED, write_atomically, write_json, write_text
from ..weights import load_generator
from .card_text import DASH, table
from .cards import check_card, read_card, render_again
from .page import BARS, CURVE, FOR_USE, SCATTER, minute_rows, render_results
from .pictures import (
    DPI,
    OVERVIEW,
    STRIPS,
    change_bars,
    learning_curves,
    overview,
    perception_and_distortion,
    quality_over_minutes,
    scattered_sets,
    strip,
)

RESULTS = DATA / "results"
README = ROOT / "README.md"
README_PICTURE = "overview.jpg"
# What `write_results` writes of the README stands between these two lines.
SCORES = ("<!-- Scores, by `srgan results` -->", "<!-- End of the scores -->")
PICTURED = FOR_USE  # the pictures show these, in this order


def collect(
    weights: Iterable[Path] | None = None, results: Path = RESULTS, base: Path = ROOT
) -> dict[str, Any]:
    """Read the evidence: the arguments of `render_results`.

    Args:
        weights: files of weights with cards beside them; the shipped ones if not given.
        results: folder of bicubic.json, other cards and measurements, and of the pictures.
        base: folder of the page, where its links start.

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
    files = {n: results / f"{n}.json" for n in found if "sha256" in found[n]}
    cards = [found[name] for name in files]
    for path in sorted(SHIPPED.glob("*.safetensors") if weights is None else weights):
        check_card(path)
        cards.append(read_card(path))
        files[cards[-1]["name"]] = path.with_suffix(".md")
    cards = {card["name"]: card for card in cards}
    order = [*VARIANTS, *sorted(cards.keys() - set(VARIANTS))]
    return {
        "cards": [cards[name] for name in order if name in cards],
        "bicubic": found["bicubic"],
        "ablation": found.get("ablation"),
        "degraded": found.get("degraded"),
        "benchmarks": [found[name] for name in found if name.startswith("benchmark-")],
        "pictures": found.get("pictures"),
        "folder": _link(results, base),
        "card_pages": {name: _link(path, base) for name, path in files.items()},
    }


def _link(path: Path, base: Path) -> str:
    return Path(os.path.relpath(path, base)).as_posix()


def write_results(
    page: Path = ROOT / "RESULTS.md",
    weights: Iterable[Path] | None = None,
    results: Path = RESULTS,
    readme: Path | None = None,
) -> Path:
    """Draw the pictures with the networks and write RESULTS.md; returns its path.

    The pages of the cards are rendered again from their facts, each with its picture.

    Args:
        page: the file; its links lead from there to `results`.
        weights, results: as for `collect`.
        readme: a page whose scores are written as well; the README's own with the shipped weights.
    """
    if weights is None and readme is None:
        readme = README
    weights = sorted(SHIPPED.glob("*.safetensors") if weights is None else weights)
    for path in weights:
        render_again(path)  # checks them all before the work
    evidence = collect(weights, results, page.parent)
    cards = evidence["cards"]
    files = {read_card(path)["name"]: path for path in weights}
    drawn = {name: files[name] for name in PICTURED if name in files}
    if drawn:
        _draw(drawn, results, with_overview=bool(readme))
    if scattered_sets(cards):
        _save(perception_and_distortion(cards, evidence["bicubic"]), results / SCATTER)
    if evidence["ablation"] and evidence["ablation"]["rows"]:
        _save(change_bars(evidence["ablation"]), results / BARS)
    if learning_curves(cards):
        _save(quality_over_minutes(cards), results / CURVE)
    evidence = collect(weights, results, page.parent)  # with the pictures
    write_text(page, render_results(**evidence))
    if readme:
        write_text(readme, with_scores(readme.read_text(encoding="utf-8"), **evidence))
    return page


def _draw(drawn: dict[str, Path], results: Path, with_overview: bool) -> None:
    """The pictures that the networks make, and a note of which networks these were."""
    networks = {name: partial(upscale, load_generator(path)) for name, path in drawn.items()}
    photographs = {Path(p.name).stem: p.image for p in samples("validation")}
    for name, (box, detail, _) in STRIPS.items():
        _save(strip(photographs[name], box, detail, networks), results / f"{name}.png")
    if with_overview:  # the README's
        name, box = OVERVIEW
        _save(overview(photographs[name], box, networks), results / README_PICTURE)
    hashes = {name: read_card(path)["sha256"] for name, path in drawn.items()}
    write_json(results / "pictures.json", {"networks": hashes})


def with_scores(text: str, *, cards: Any, bicubic: Any, **_: Any) -> str:
    """The README with the table of these scores between its two marks.

    Raises:
        DataError: it has no such marks.
    """
    before, start, rest = text.partition(SCORES[0])
    _, end, after = rest.partition(SCORES[1])
    if not (start and end):
        raise DataError(f"README.md has no lines {' and '.join(SCORES)}: put them back.")
    *rows, first, second = minute_rows(cards, bicubic, ["Set5"])  # the paper's two in one row
    pairs = zip(first[1:3], second[1:3], strict=True)
    rows.append(["the paper's SRResNet, SRGAN", *(", ".join(pair) for pair in pairs), DASH])
    lines = table(["Set5, x4", "PSNR-Y (dB) ↑", "SSIM (daala) ↑", "LPIPS ↓"], rows)
    return "\n".join([before + start, "", *lines, "", end + after])


def _save(fig: Figure, path: Path) -> None:
    options = {"pil_kwargs": {"quality": 92, "subsampling": 0}} if path.suffix == ".jpg" else {}
    write_atomically(path, lambda file: fig.savefig(file, dpi=DPI, **options))
    plt.close(fig)
