"""Reached or missed: what was measured, beside what this project set out to reach."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from ..system.devices import THEN
from .card_text import COLUMNS, DASH, devices, figure
from .targets import COLOR_SHIFT, PHOTO_TARGETS, SPEED_TARGETS, TARGETS


class Verdict(NamedTuple):
    """One figure beside one target, as text; `gap` is empty where the target is reached."""

    target: str
    text: str
    gap: str = ""


def verdict(
    value: float | None,
    target: float | None,
    show: Callable[[float], str],
    less: bool = False,
    show_gap: Callable[[float], str] | None = None,
) -> Verdict:
    """The target's cell and what is to be said about it; `less` is better, or more."""
    if target is None:
        return Verdict(DASH, DASH)
    text = f"{'≤' if less else '≥'} {show(target)}"
    if value is None:
        return Verdict(text, "not measured")
    missed = value - target if less else target - value
    if missed <= 0:
        return Verdict(text, "reached")
    gap = (show_gap or show)(missed)
    return Verdict(text, f"missed by {gap}", gap)


class Target(NamedTuple):
    """A network's score beside its floor and its goal; without a `card` it is not trained yet."""

    name: str
    set_name: str
    key: str
    card: Mapping[str, Any] | None
    measured: str = DASH
    floor: Verdict = Verdict(DASH, DASH)
    goal: Verdict = Verdict(DASH, DASH)


def score_targets(cards: Sequence[Mapping[str, Any]]) -> list[Target]:
    """`TARGETS` beside what the cards say; the floors of a CPU where no GPU has trained."""
    by_name, found = {card["name"]: card for card in cards}, []
    for (name, set_name, key), (cpu_floor, gpu_floor, gpu_goal) in TARGETS.items():
        if name not in by_name:
            found.append(Target(name, set_name, key, None))
            continue
        card = by_name[name]
        value = card["scores"].get(set_name, {}).get(key)
        on_cpu = all(device.startswith("CPU") for device in devices(card))
        floor, goal = (cpu_floor, None) if on_cpu else (gpu_floor, gpu_goal)
        less, show = key == "lpips", partial(figure, digits=COLUMNS[key][1])
        show_gap = None if less else "{:.2f} dB".format
        verdicts = (verdict(value, target, show, less, show_gap) for target in (floor, goal))
        found.append(Target(name, set_name, key, card, show(value), *verdicts))
    return found


def target_rows(cards: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Rows of the table of targets: network, score, trained on, measured, floor, goal."""
    rows = []
    for target in score_targets(cards):
        row = [f"`{target.name}`", f"{target.set_name}, {COLUMNS[target.key][0]}"]
        if target.card is None:
            rows.append([*row, "not trained yet", *[DASH] * 5])
            continue
        trained_on = THEN.join(devices(target.card))
        rows.append([*row, trained_on, target.measured, *target.floor[:2], *target.goal[:2]])
    return rows


def degraded_rows(scores: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[list[str]]:
    """Rows of the table of `PHOTO_TARGETS`: row, score, measured, goal, verdict.

    Args:
        scores: network -> row -> scores, of `degraded.overall`.
    """
    if not {"srgan-photo", "bicubic"} <= scores.keys():
        return []
    rows = []
    lpips, decibels = partial(figure, digits=4), partial(figure, digits=2)
    for row, (most, beside) in PHOTO_TARGETS.items():
        mine, bicubic = scores["srgan-photo"][row], scores["bicubic"][row]
        judged = [("LPIPS", mine["lpips"], most, lpips, True)]
        if beside is not None:
            judged.append(("PSNR-Y", mine["psnr_y"], bicubic["psnr_y"] + beside, decibels, False))
        judged.append(("worst color shift", mine["worst_color_shift"], COLOR_SHIFT, decibels, True))
        for title, value, target, show, less in judged:
            rows.append([row, title, show(value), *verdict(value, target, show, less)[:2]])
    return rows


# Figure of the benchmark -> what it is called, how it is shown, and how a gap.
_SPEEDS: dict[str, tuple[str, Callable[[float], str], Callable[[float], str] | None]] = {
    "ratio": ("ratio", "{:.2f}".format, None),
    "seconds": ("a step", lambda seconds: f"{1e3 * seconds:.2f} ms", None),
    "of_convolution": (
        *("of the convolution's FLOP/s", "{:.0%}".format),
        lambda share: f"{100 * share:.0f} points",
    ),
}


def speed_rows(benchmarks: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Rows of the table of speeds: device, trains in, what, measured, floor, goal."""
    rows = []
    for result in benchmarks:
        on_cpu = result["device"].startswith("CPU")
        for (part, key), targets in SPEED_TARGETS.items():
            floor, goal = targets[0 if on_cpu else 1]
            if floor is None and goal is None:
                continue
            title, show, show_gap = _SPEEDS[key]
            number_format = DASH if part == "upscale" else result["precision"]
            loops = result[part]["loops"]
            for loop in ("library", "srresnet"):  # upscaling is timed with two networks
                if loop not in loops:
                    continue
                name = {"library": "srgan"}.get(loop, loop)
                which = f" by `{name}`" if "srresnet" in loops else ""
                value = loops[loop][key]
                row = [result["device"], number_format, f"{part}{which}, {title}", show(value)]
                for target in (floor, goal):
                    row += verdict(value, target, show, key == "seconds", show_gap)[:2]
                rows.append(row)
    return rows
