"""The text of RESULTS.md: what every trained network scores, beside the paper.

One function writes each section, and `render_results` puts them in order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ..performance.benchmark import report
from ..recipes import VARIANTS
from .card_text import COLUMNS, DASH, duration, figure, scores_row, share, table, teacher_of
from .chance import chance
from .degraded import cells, overall
from .pictures import STRIPS, learning_curves, scattered_sets
from .scores import VALIDATION_SIZE
from .targets import COLOR_SHIFT, CONSISTENCY, PAPER, PAPER_PICTURES
from .verdicts import degraded_rows, score_targets, speed_rows, target_rows

CURVE = "quality-over-minutes.png"
SCATTER = "perception-distortion.png"
BARS = "ablation.png"
FOR_USE = ("srresnet", "srgan")  # the networks that the first table shows
# What is added to a network's name for the row of the best one that had no teacher.
WITHOUT_TEACHER = "-without-teacher"
# Rows of the ablation whose trainings differ in rounding alone.
SAME_TRAINING = ("no discriminator", "content leads a million times")
# What the paper calls its two networks, and its names for them in `PAPER`.
PAPERS_BEST = {"the paper's SRResNet": "srresnet-mse", "the paper's SRGAN": "srgan-vgg54"}


def render_results(
    cards: Sequence[Mapping[str, Any]],
    bicubic: Mapping[str, Any],
    ablation: Mapping[str, Any] | None = None,
    benchmarks: Sequence[Mapping[str, Any]] = (),
    pictures: Mapping[str, Any] | None = None,
    folder: str = "data/results",
    card_pages: Mapping[str, str] | None = None,
    degraded: Mapping[str, Any] | None = None,
) -> str:
    """The Markdown of RESULTS.md.

    Args:
        cards: of the networks, in the order of the rows (`srgan_lib.results.cards`).
        bicubic: {"scores": as in a card}.
        ablation: {"about", "base": row, "rows": [{"change", "fields", "steps", "psnr_y", "lpips",
            "minutes"}]}; the base has neither of the first two.
        benchmarks: of `srgan_lib.performance.benchmark`, one for each device.
        pictures: {"networks": names that are in them}; `folder` is where they are.
        card_pages: name -> link to its card.
        degraded: of `degraded.measure`.
    """
    sections = {
        "In one minute": _minute(cards, bicubic),
        "Pictures": _pictures(pictures, folder),
        "Perception and distortion": _scatter(cards, folder),
        "All scores": _scores(cards, bicubic),
        "How each network was trained": _training(cards, card_pages or {}),
        "Targets": _targets(cards),
        "Real photographs": _degraded(degraded),
        "Each change alone": _ablation(ablation, folder),
        "Artifacts": _artifacts(cards, bicubic),
        "Quality against minutes": _curve(cards, folder),
        "Speed": _speed(benchmarks),
    }
    lines = [
        "# Results",
        "",
        "Written by `python -m srgan_lib results` from the model cards and measurements in "
        "`data/`; only the paper's figures and the targets are typed by hand. All at x4, LR by "
        "`bicubic_downscale`, PSNR and SSIM on Y without the outer 4 px. Of LPIPS (on AlexNet) "
        "less is better. A dash: not measured.",
    ]
    for title, section in sections.items():
        lines += ["", f"## {title}", "", *section]
    return "\n".join(lines) + "\n"


def minute_rows(
    cards: Sequence[Mapping[str, Any]], bicubic: Mapping[str, Any], sets: Sequence[str]
) -> list[list[str]]:
    """Rows of the first table: method, then PSNR-Y, SSIM and LPIPS on each set.

    SSIM is daala's, which is the paper's. The paper has no LPIPS.
    """
    by_name = {card["name"]: card for card in cards}
    methods = {"bicubic": bicubic, **{f"`{n}`": by_name[n] for n in FOR_USE if n in by_name}}
    rows = []
    for title, card in methods.items():
        scores = [card["scores"].get(name) or {} for name in sets]
        cells = [figure(s.get(k), COLUMNS[k][1]) for s in scores for k in _MINUTE]
        rows.append([title, *cells])
    for title, name in PAPERS_BEST.items():
        row = [title]
        for set_name in sets:
            decibels, similarity = PAPER[set_name].get(name, (None, None))
            row += [figure(decibels, 2), figure(similarity, 4), DASH]
        rows.append(row)
    return rows


_MINUTE = ("psnr_y", "ssim_daala", "lpips")


def _minute(cards, bicubic) -> list[str]:
    header = ["", *(f"{name}: {what}" for name in PAPER for what in ("PSNR", "SSIM", "LPIPS"))]
    rows = minute_rows(cards, bicubic, list(PAPER))
    return [*_taught(cards), *table(header, rows), "", *_missed(cards)]


def _taught(cards) -> list[str]:
    """Which networks to use have learned from another network, before anything else."""
    lines = []
    for card in cards:
        if card["name"] in FOR_USE and (teacher := teacher_of(card)):
            best = f"{card['name']}{WITHOUT_TEACHER}"
            known = any(other["name"] == best for other in cards)
            without = f" The best one without a teacher is `{best}`." if known else ""
            lines += [f"`{card['name']}` had a teacher: {teacher}.{without}", ""]
    return lines


def _missed(cards) -> list[str]:
    """What was set out for and not reached, in a sentence for each network; and why."""
    targets, sentences = score_targets(cards), []
    for name in FOR_USE:
        own = [target for target in targets if target.name == name and target.card]
        floors = [f"{t.floor.gap} of {_score(t)}" for t in own if t.floor.gap]
        goals = [f"{t.goal.gap} of {_score(t)}" for t in own if t.goal.gap]
        missed = [
            f"misses its {kind} by {' and by '.join(gaps)}"
            for kind, gaps in (("floor", floors), ("goal", goals))
            if gaps
        ]
        if missed:
            sentences.append(f"`{name}` {', and '.join(missed)}.")
        elif own:
            sentences.append(f"`{name}` reaches all its targets that were measured.")
    pictures = [card["data"]["pictures"] for card in cards if card["name"] in FOR_USE]
    if pictures and max(pictures) < PAPER_PICTURES:
        sentences.append(
            f"The paper had {PAPER_PICTURES:,} photographs to learn from, these networks "
            f"{max(pictures):,} pictures at most, and far fewer steps: most likely that is the gap."
        )
    return [" ".join(sentences)] if sentences else ["No network to use has been trained yet."]


def _score(target) -> str:
    return f"{COLUMNS[target.key][0]} on {target.set_name}"


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


def _scatter(cards, folder: str) -> list[str]:
    if not scattered_sets(cards):
        return ["LPIPS has not been measured yet."]
    about = (
        "Upward is closer to the original pixel by pixel, to the left is closer as people see it: "
        "no network is best at both. Blue are the networks to use, orange those of the "
        "comparisons; small and gray the stages on the way to them."
    )
    alt = "PSNR-Y against LPIPS of every network, on each set; the figures stand in the next tables"
    return [about, "", f"![{alt}]({folder}/{SCATTER})"]


def _scores(cards, bicubic) -> list[str]:
    lines = [
        "The two columns on the right are from Ledig et al. 2017, tables 1 and 2, whose SSIM is "
        "daala's.",
    ]
    by_name = {card["name"]: card for card in cards}
    names = ["bicubic", *dict.fromkeys([*VARIANTS, *by_name])]
    header = ["network", *(title for title, _ in COLUMNS.values())]
    all_sets = [name for card in (bicubic, *cards) for name in card["scores"]]
    for set_name in dict.fromkeys([*PAPER, *all_sets]):
        in_paper, rows = set_name in PAPER, []
        for name in names:
            if not in_paper and name in VARIANTS and name not in by_name:
                continue  # it is in the paper's sets that the missing ones are named
            card = bicubic if name == "bicubic" else by_name.get(name)
            row = [f"`{name}`", *scores_row(card and card["scores"].get(set_name))]
            if card is None:
                row[1] = "not trained yet"
            if in_paper:
                decibels, similarity = PAPER[set_name].get(name, (None, None))
                row += [figure(decibels, 2), figure(similarity, 4)]
            rows.append(row)
        titles = [*header, "paper: PSNR", "SSIM"] if in_paper else header
        lines += ["", f"### {set_name}", "", *table(titles, rows)]
    return lines


def _training(cards, card_pages: Mapping[str, str]) -> list[str]:
    if not cards:
        return ["No network has been trained yet."]
    about = (
        "Steps and minutes are those of the last stage; what came before it, on which pictures, "
        "and every setting stand on the card. *Of* how many steps: the whole recipe has so many. "
        "*VGG*: the network in whose feature maps the content loss compares."
    )
    rows = []
    for card in cards:
        name = card["name"]
        vgg = card["recipe"]["vgg"] if card.get("vgg") else DASH
        page = f"[card]({card_pages[name]})" if name in card_pages else DASH
        rows.append(
            [
                f"`{name}`",
                _started_from(card),
                card["device"],
                _steps(card),
                _minutes(card["minutes"]),
                vgg,
                page,
            ]
        )
    header = ["network", "started from", "device", "steps", "minutes", "VGG", ""]
    return [about, "", *table(header, rows, left=3)]


def _started_from(card: Mapping[str, Any]) -> str:
    init = card["init"]
    text = f"`{init['name']}`" if init else "random weights"
    if card.get("teacher"):
        text += "; trained on a teacher's pictures"
    if mixed := card.get("mixed"):
        is_start = init and init["sha256"] == mixed["sha256"]
        other = "it" if is_start else f"`{mixed['name']}`"
        text += f"; {share(mixed)} of {other} mixed in at the end"
    if added := card.get("added"):
        text += f"; then what `{added['name']}` learned was added"
    return text


def _steps(card: Mapping[str, Any]) -> str:
    planned = card.get("planned_steps")
    return f"{card['steps']:,}" + (f" of {planned:,}" if planned else "")


def _minutes(minutes: float) -> str:
    return f"{minutes:,.{1 if minutes >= 1 else 2}f}"


def _targets(cards) -> list[str]:
    header = ["network", "score", "trained on", "measured", "floor", "", "goal", ""]
    about = "Floors are lower for networks that were trained on CPU cores alone; goals are a GPU's."
    return [about, "", *table(header, target_rows(cards), left=3)]


def _degraded(measured: Mapping[str, Any] | None) -> list[str]:
    if not measured:
        return ["Not measured yet."]
    counts, names = measured["pictures"], list(measured["networks"])
    made = "; ".join(f"*{row}*: {steps}" for row, steps in measured["steps"].items())
    about = (
        f"LR is seldom a clean bicubic shrink. {made}, the parameters as in chapter 1 and the seed "
        f"0. PSNR-Y / LPIPS over {', '.join(counts)}, {sum(counts.values())} pictures together, by "
        "`python -m srgan_lib.results.degraded`."
    )
    scores = {name: overall(measured, name) for name in names}
    rows = [[f"`{name}`", *cells(scores[name])] for name in names]
    lines = [about, "", *table(["network", *measured["steps"]], rows)]
    if targets := degraded_rows(scores):
        lines += ["", "What was set out for, with `srgan-photo`:", ""]
        lines += table(["row", "score", "measured", "goal", ""], targets, left=2)
    sets = [
        [f"`{name}`", set_name, *cells(measured["networks"][name]["scores"][set_name])]
        for set_name in counts
        for name in names
    ]
    sets = table(["network", "set", *measured["steps"]], sets, left=2)
    return [*lines, "", *folded("Each set", sets)]


def _ablation(ablation, folder: str) -> list[str]:
    if not ablation:
        return ["Not measured yet."]
    base, band, rows, within = ablation["base"], chance(ablation, "lpips"), [], []
    stand_out = []
    for row in ablation["rows"]:
        known = band and row["lpips"] is not None
        (within if known and band.holds(row["lpips"]) else stand_out).append(row)
    for row in [{"change": "the base", **base}, *stand_out]:
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
    title, lines = "All rows", []
    if within:
        title = "The rows that say more than chance, in LPIPS"
        differ += (
            f" Chance moves LPIPS by {figure(band.half, 4)} from {figure(band.mean, 4)}, the mean "
            f"of the base's {band.seeds} seeds. That far and no farther, so without a row of "
            f"their own: {'; '.join(row['change'] for row in within)}."
        )
    if ablation["rows"]:
        lines = [_about_bars(ablation), "", f"![{ablation_alt(ablation)}]({folder}/{BARS})", ""]
    return [*lines, ablation["about"], "", *folded(title, [differ, "", *table(header, rows)])]


def _about_bars(ablation) -> str:
    band = chance(ablation, "lpips")
    text = (
        "One change to the paper's SRGAN at a time, sorted by LPIPS: green is better, orange is "
        "worse."
    )
    if band:
        text += (
            f" Gray is chance: {band.seeds} trainings of the base that differ in their seed alone "
            "say where 19 of 20 others would lie (Student's t), and a gray bar stays within. That "
            "band is the base's own; another recipe's may be wider."
        )
    by_change = {row["change"]: row["lpips"] for row in ablation["rows"]}
    one, other = (by_change.get(name) for name in SAME_TRAINING)
    if one and other:
        text += (
            f" So it is for *{SAME_TRAINING[0]}* and *{SAME_TRAINING[1]}*: they are one training "
            f"but for rounding, and lie {figure(abs(one - other), 4)} of LPIPS apart."
        )
    return text


def ablation_alt(ablation: Mapping[str, Any]) -> str:
    """What is seen in `change_bars`: which changes stand out from chance."""
    band = chance(ablation, "lpips")
    known = [row for row in ablation["rows"] if row["lpips"] is not None]
    if not (band and known):
        return "Bars: how far each change moves LPIPS and PSNR from the base"
    out = sorted((row for row in known if not band.holds(row["lpips"])), key=lambda r: r["lpips"])
    better = [row["change"] for row in out if row["lpips"] < band.mean]
    worse = [row["change"] for row in reversed(out) if row["lpips"] > band.mean]
    return (
        "Bars: how far each change moves LPIPS and PSNR from the base. Better than chance in "
        f"LPIPS: {'; '.join(better) or 'none'}. Worse: {'; '.join(worse) or 'none'}"
    )


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


def _artifacts(cards, bicubic) -> list[str]:
    rows = []
    for name, card in [("bicubic", bicubic), *((card["name"], card) for card in cards)]:
        scores = card["scores"]
        shift, at_shift = _worst(scores, "worst_color_shift", max)
        grid, at_grid = _worst(scores, "checkerboard", max)
        mean, at_mean = _worst(scores, "consistency", min)
        rows.append(
            [
                f"`{name}`",
                figure(shift, 2) + ("" if shift <= COLOR_SHIFT else ", too much"),
                *(at_shift, figure(grid, 1), at_grid),
                *(figure(mean, 1), figure(scores[at_mean]["worst_consistency"], 1), at_mean),
            ]
        )
    header = ["network", "color shift", "on", "checkerboard", "on", "consistency", "worst", "on"]
    about = (
        "Each on the set where it is worst. Color shift: how far the mean color lies from that of "
        f"LR, of 255, in the worst picture; {COLOR_SHIFT:g} is the most allowed. Checkerboard: how "
        "far the grid of the upsampling stands out, in dB; 0 is the original, below it smoother. "
        "Consistency: PSNR in dB of SR, downscaled again, against LR, in the mean and in the worst "
        f"picture; {CONSISTENCY:g} is the target for `srresnet`."
    )
    return [about, "", *table(header, rows)]


def _worst(scores: Mapping[str, Any], key: str, choose) -> tuple[float, str]:
    return choose((row[key], name) for name, row in scores.items())


def _curve(cards, folder: str) -> list[str]:
    psnr, lpips = learning_curves(cards), learning_curves(cards, "lpips")
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


def _speed(benchmarks) -> list[str]:
    if not benchmarks:
        return ["Not measured yet."]
    about = (
        "Each device in one run of `python -m srgan_lib benchmark`. *Ratio*: how many times as "
        "fast as plain PyTorch in float32. *Of the convolution's FLOP/s*: of what one large "
        "convolution alone reached on that device. How much of a network a CPU may round to "
        "bf16, so that its pictures stay within 1 of 255, depends on the weights: most of "
        "`srresnet`, but of `srgan` only the upsampling, and what stays in float32 gains little. "
        "Where `srresnet` was not timed, upscaling is that of an earlier version."
    )
    header = ["device", "trains in", "what", "measured", "floor", "", "goal", ""]
    lines = [about, "", *table(header, speed_rows(benchmarks), left=3)]
    for result in benchmarks:
        text = ["```text", report(result).rstrip(), "```"]
        title = f"{result['device']}, {result['precision']}: all that was timed"
        lines += ["", *folded(title, text)]
    return lines


def folded(title: str, lines: Sequence[str]) -> list[str]:
    """Lines of Markdown that a reader unfolds."""
    return [f"<details><summary>{title}</summary>", "", *lines, "", "</details>"]
