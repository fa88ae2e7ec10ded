"""The text of RESULTS.md: what every trained network scores, beside the paper."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ..performance.benchmark import report
from ..recipes import VARIANTS
from ..system.devices import THEN
from .card_text import COLUMNS, DASH, devices, duration, figure, scores_row, share, start, table
from .pictures import STRIPS, courses
from .scores import VALIDATION_SIZE
from .targets import COLOR_SHIFT, CONSISTENCY, PAPER, SPEED_TARGETS, TARGETS

CURVE = "quality-over-minutes.png"


def render_results(
    cards: Sequence[Mapping[str, Any]],
    bicubic: Mapping[str, Any],
    ablation: Mapping[str, Any] | None = None,
    benchmarks: Sequence[Mapping[str, Any]] = (),
    pictures: Mapping[str, Any] | None = None,
    folder: str = "data/results",
) -> str:
    """The Markdown of RESULTS.md.

    Args:
        cards: of the networks, in the order of the rows (`srgan_lib.results.cards`).
        bicubic: {"scores": as in a card}.
        ablation: {"about", "base": row, "rows": [{"change", "fields", "steps", "psnr_y", "lpips",
            "minutes"}]}; the base has neither of the first two.
        benchmarks: of `srgan_lib.performance.benchmark`, one for each device.
        pictures: {"networks": names that are in them}; `folder` is where they are.
    """
    sections = {
        "Scores": _scores(cards, bicubic),
        "Targets": _targets(cards),
        "Artifacts": _artifacts(cards, bicubic),
        "Pictures": _pictures(pictures, folder),
        "Quality against minutes": _curve(cards, folder),
        "Each change alone": _ablation(ablation),
        "Speed": _speed(benchmarks),
    }
    lines = [
        "# Results",
        "",
        "Written by `python -m srgan_lib results` from the model cards and measurements in "
        "`data/`; only the paper's figures and the targets are typed by hand. All at x4, LR by "
        "`bicubic_downscale`, PSNR and SSIM on Y without the outer 4 px. A dash: not measured.",
    ]
    for title, section in sections.items():
        lines += ["", f"## {title}", "", *section]
    return "\n".join(lines) + "\n"


def _scores(cards, bicubic) -> list[str]:
    lines = [
        "The two columns on the right are from Ledig et al. 2017, tables 1 and 2, whose SSIM is "
        "daala's. LPIPS is taken on AlexNet, and less is better. Steps and minutes count the last "
        "stage of a training; earlier ones stand under *started from*, with their device where it "
        "was another, and those of another network in its own row. *Of* how many steps: the whole "
        "recipe has so many. *VGG*: the network in whose feature maps the content loss compares.",
    ]
    by_name = {card["name"]: card for card in cards}
    names = ["bicubic", *dict.fromkeys([*VARIANTS, *by_name])]
    header = ["network", *(title for title, _ in COLUMNS.values())]
    header += ["steps, last stage", "minutes", "device", "started from", "VGG"]
    header += ["paper: PSNR", "SSIM"]
    all_sets = [name for card in (bicubic, *cards) for name in card["scores"]]
    for set_name in dict.fromkeys([*PAPER, *all_sets]):
        rows = []
        for name in names:
            if set_name not in PAPER and name in VARIANTS and name not in by_name:
                continue  # it is in the paper's sets that the missing ones are named
            paper = PAPER.get(set_name, {}).get(name, (None, None))
            trained = [DASH] * 5
            if name in by_name:
                card = by_name[name]
                scores = card["scores"].get(set_name)
                trained = [_steps(card), _minutes(card["minutes"]), card["device"]]
                trained.append(start(card, short=True) + _mixed_in(card))
                trained.append(card["recipe"]["vgg"] if card.get("vgg") else DASH)
            elif name == "bicubic":
                scores = bicubic["scores"].get(set_name)
            else:
                scores, trained[0] = None, "not trained yet"
            row = [f"`{name}`", *scores_row(scores), *trained]
            rows.append([*row, figure(paper[0], 2), figure(paper[1], 4)])
        lines += ["", f"### {set_name}", "", *table(header, rows)]
    return lines


def _steps(card: Mapping[str, Any]) -> str:
    planned = card.get("planned_steps")
    return f"{card['steps']:,}" + (f" of {planned:,}" if planned else "")


def _minutes(minutes: float) -> str:
    return f"{minutes:,.{1 if minutes >= 1 else 2}f}"


def _mixed_in(card: Mapping[str, Any]) -> str:
    mixed = card.get("mixed")
    if not mixed:
        return ""
    is_start = card["init"] and card["init"]["sha256"] == mixed["sha256"]
    other = "its start" if is_start else f"`{mixed['name']}`"
    return f"; {share(mixed)} of {other} mixed in at the end"


def _verdict(
    value: float | None,
    target: float | None,
    show: Callable[[float], str],
    less: bool = False,
    show_gap: Callable[[float], str] | None = None,
) -> list[str]:
    """The target's cell and what is to be said about it; `less` is better, or more."""
    if target is None:
        return [DASH, DASH]
    text = f"{'≤' if less else '≥'} {show(target)}"
    if value is None:
        return [text, "not measured"]
    missed = value - target if less else target - value
    return [text, "reached" if missed <= 0 else f"missed by {(show_gap or show)(missed)}"]


def _targets(cards) -> list[str]:
    by_name = {card["name"]: card for card in cards}
    rows = []
    for (name, set_name, key), (cpu_floor, gpu_floor, gpu_goal) in TARGETS.items():
        title, digits = COLUMNS[key]
        row = [f"`{name}`", f"{set_name}, {title}"]
        if name not in by_name:
            rows.append([*row, "not trained yet", *[DASH] * 5])
            continue
        card = by_name[name]
        value = card["scores"].get(set_name, {}).get(key)
        trained_on = devices(card)
        on_cpu = all(device.startswith("CPU") for device in trained_on)
        floor, goal = (cpu_floor, None) if on_cpu else (gpu_floor, gpu_goal)
        less, show = key == "lpips", partial(figure, digits=digits)
        verdicts = []
        for target in (floor, goal):
            verdicts += _verdict(value, target, show, less, None if less else "{:.3f} dB".format)
        rows.append([*row, THEN.join(trained_on), show(value), *verdicts])
    header = ["network", "score", "trained on", "measured", "floor", "", "goal", ""]
    about = "Floors are lower for networks that were trained on CPU cores alone; goals are a GPU's."
    return [about, "", *table(header, rows, left=3)]


def _artifacts(cards, bicubic) -> list[str]:
    rows = []
    for name, scores in [("bicubic", bicubic), *((card["name"], card) for card in cards)]:
        for set_name, row in scores["scores"].items():
            shift = row["worst_color_shift"]
            rows.append(
                [
                    f"`{name}`",
                    set_name,
                    figure(shift, 2) + ("" if shift <= COLOR_SHIFT else ", too much"),
                    figure(row["checkerboard"], 1),
                    figure(row["consistency"], 1),
                    figure(row["worst_consistency"], 1),
                ]
            )
    header = ["method", "set", "worst color shift", "checkerboard", "consistency", "worst"]
    about = (
        "Color shift: how far the mean color lies from that of LR, of 255, in the worst picture; "
        f"{COLOR_SHIFT:g} is the most allowed. Checkerboard: how far the grid of the upsampling "
        "stands out, in dB; 0 is the original, below it smoother. Consistency: PSNR in dB of SR, "
        f"downscaled again, against LR, in the mean and in the worst picture; {CONSISTENCY:g} is "
        "the target for `srresnet`."
    )
    return [about, "", *table(header, rows, left=2)]


def _pictures(pictures, folder: str) -> list[str]:
    if not pictures:
        return ["No network has been drawn yet."]
    order = ", ".join(["LR", "bicubic", *pictures["networks"], "the original"])
    lines = [
        f"From left to right: {order}; above pixel for pixel, below a detail four times as large. "
        "PSNR is that of the whole photograph."
    ]
    for name, (_, _, seen) in STRIPS.items():
        lines += ["", f"![{seen}, by each of {order}]({folder}/{name}.png)"]
    return lines


def _curve(cards, folder: str) -> list[str]:
    psnr, lpips = courses(cards), courses(cards, "lpips")
    if not psnr:
        return ["No card has a history of its training yet."]
    ways = []
    for card in cards:
        if (name := card["name"]) in psnr:
            way = f"{name} from {_from_to(psnr[name], 2)} dB"
            if name in lpips:
                way += f" and from LPIPS {_from_to(lpips[name], 4)}"
            ways.append(f"{way} in {duration(card['minutes'])}")
    alt = f"Scores on the validation photographs over minutes: {'; '.join(ways)}"
    about = (
        f"On the central {VALIDATION_SIZE} px of each validation photograph, from the history on "
        "its card: the last stage alone, before any mixing. LPIPS stands there only where the "
        "training scored it on its way."
    )
    return [about, "", f"![{alt}]({folder}/{CURVE})"]


def _from_to(points: Sequence[tuple[float, float]], digits: int) -> str:
    return " to ".join(figure(points[i][1], digits) for i in (0, -1))


def _ablation(ablation) -> list[str]:
    if not ablation:
        return ["Not measured yet."]
    base, rows = ablation["base"], []
    for row in [{"change": "the base", **base}, *ablation["rows"]]:
        cells = [row["change"], f"{row['steps']:,}", figure(row["minutes"], 1)]
        for key, digits in (("psnr_y", 2), ("lpips", 4)):
            known = row[key] is not None and base[key] is not None
            cells.append(figure(row[key], digits))
            cells.append(f"{row[key] - base[key]:+.{digits}f}" if known else DASH)
        rows.append(cells)
    header = ["change", "steps", "minutes", "PSNR-Y", "change", "LPIPS", "change"]
    seconds = "; ".join(f"{name}: {what}" for name, what in second_differences(ablation).items())
    differ = "Each row changes one field of the base's recipe"
    differ += f", and these a second one ({seconds})." if seconds else "."
    return [ablation["about"], "", differ, "", *table(header, rows)]


def second_differences(ablation: Mapping[str, Any]) -> dict[str, str]:
    """The rows of a table of changes that differ from its base in more than their name says.

    Returns:
        Row -> the further difference. A row names the "fields" of the recipe that it changes.
    """
    found = {}
    for row in ablation["rows"]:
        if further := row.get("fields", [])[1:]:
            found[row["change"]] = ", ".join(further)
    return found


def _speed(benchmarks) -> list[str]:
    if not benchmarks:
        return ["Not measured yet."]
    about = (
        "Each device in one run of `python -m srgan_lib benchmark`. *Ratio*: how many times as "
        "fast as plain PyTorch in float32. *Of the convolution's FLOP/s*: of what one large "
        "convolution alone reached on that device."
    )
    header = ["device", "trains in", "what", "measured", "floor", "", "goal", ""]
    lines = [about, "", *table(header, _speed_targets(benchmarks), left=3)]
    for result in benchmarks:
        lines += ["", "```text", report(result).rstrip(), "```"]
    return lines


# Figure of the benchmark -> what it is called, how it is shown, and how a gap.
_SPEEDS: dict[str, tuple[str, Callable[[float], str], Callable[[float], str] | None]] = {
    "ratio": ("ratio", "{:.2f}".format, None),
    "seconds": ("a step", lambda seconds: f"{1e3 * seconds:.2f} ms", None),
    "of_convolution": (
        *("of the convolution's FLOP/s", "{:.0%}".format),
        lambda share: f"{100 * share:.0f} points",
    ),
}


def _speed_targets(benchmarks) -> list[list[str]]:
    rows = []
    for result in benchmarks:
        on_cpu = result["device"].startswith("CPU")
        for (part, key), targets in SPEED_TARGETS.items():
            floor, goal = targets[0 if on_cpu else 1]
            if floor is None and goal is None:
                continue
            title, show, show_gap = _SPEEDS[key]
            value, less = result[part]["loops"]["library"][key], key == "seconds"
            number_format = DASH if part == "upscale" else result["precision"]
            row = [result["device"], number_format, f"{part}, {title}", show(value)]
            for target in (floor, goal):
                row += _verdict(value, target, show, less, show_gap)
            rows.append(row)
    return rows
