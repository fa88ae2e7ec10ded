"""Model cards and tables of scores as Markdown: text made of what it is given, and nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..system.devices import THEN
from .card_picture import SEEN
from .targets import COLOR_SHIFT

DASH = "–"
GRID = 3  # dB of `artifacts.checkerboard` from which on a grid is not chance
# Score -> column heading, digits.
COLUMNS = {
    "psnr_y": ("PSNR-Y", 2),
    "ssim_y": ("SSIM (Wang)", 4),
    "ssim_daala": ("SSIM (daala)", 4),
    "lpips": ("LPIPS", 4),
}
# Fields of a recipe that `_training` puts into words of its own, or that the card has elsewhere.
_SAID = {
    *("name", "about", "variant", "content", "steps", "adversarial", "init", "relativistic"),
    *("learning_rate", "drops", "cosine", "warmup", "ema", "batch_size", "patch_size", "scale"),
    *("num_blocks", "channels", "vgg", "seed", "degradation"),
}
_NEUTRAL = (0, 1, None, [])  # values of a field that has no effect


def figure(value: float | None, digits: int) -> str:
    """A number as the literature prints it, .8211 or 28.43; a dash for None."""
    if value is None:
        return DASH
    text = f"{value:.{digits}f}"
    return text.removeprefix("0") if digits == 4 else text


def table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """Lines of a Markdown table; all columns after the first `left` are aligned on the right."""
    rule = ["---" if column < left else "---:" for column in range(len(header))]
    return [f"| {' | '.join(row)} |" for row in (header, rule, *rows)]


def scores_row(scores: Mapping[str, Any] | None) -> list[str]:
    """The cells under `COLUMNS`."""
    scores = scores or {}
    return [figure(scores.get(key), digits) for key, (_, digits) in COLUMNS.items()]


def duration(minutes: float) -> str:
    """Minutes as a person says them."""
    if minutes < 1:
        return f"{60 * minutes:.0f} seconds"
    return f"{minutes:.1f} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"


def render_card(card: Mapping[str, Any]) -> str:
    """The Markdown page of a card: what it is, how it was trained, its scores and its limits."""
    name, network, recipe = card["name"], card["network"], card["recipe"]
    rows = []
    for key, scores in card["scores"].items():
        rows.append([f"{key}, {scores['pictures']} pictures", f"`{name}`", *scores_row(scores)])
        rows.append(["", "bicubic", *scores_row(card["bicubic"].get(key))])
    scored = card["scored_with"]
    lpips = f"LPIPS ({scored['lpips']}) sees all of it" if scored["lpips"] else "LPIPS is missing"
    lines = [
        f"# Model card: `{name}`",
        "",
        *_taught(card),
        f"The generator of {recipe['about']}: x{network['scale']}, {network['num_blocks']} "
        f"residual blocks, {network['channels']} channels, variant `{network['variant']}`, "
        f"{network['parameters']:,} parameters.",
        "",
        "```bash",
        f"python -m srgan_lib upscale photo.jpg photo_x{network['scale']}.png --weights {name}",
        "```",
        "",
        f"![{SEEN}, by bicubic, by {name} and of the original]({card_picture(card)})",
        "",
        f"*From left to right: bicubic, `{name}`, the original; a crop of a photograph that it was "
        "not trained on, pixel for pixel.*",
        "",
        "## Training",
        "",
        *table(["", ""], _training(card), left=2),
        "",
        "## Scores",
        "",
        *table(["set", "method", *(title for title, _ in COLUMNS.values())], rows, left=2),
        "",
        f"LR by {scored['lr']}. PSNR and SSIM on Y without the outer {scored['border']} px; "
        f"{lpips}, and less is better. The validation pictures are those of `data/samples`.",
        "",
        _consistency(card["scores"]),
        "",
        "## Limits",
        "",
        *(f"- {limit}" for limit in _limits(card)),
        "",
        "## License",
        "",
        "That of the code (MIT), as far as it is ours to give: weights are learned from pictures, "
        f"and these have terms of their own. Pictures: {card['data']['about']}",
        "",
        f"SHA-256 of the weights: `{card['sha256']}`",
    ]
    return "\n".join(lines) + "\n"


def teacher_of(card: Mapping[str, Any]) -> str | None:
    """The teacher of a network's last stage, or of what was mixed in or added afterwards."""
    parts = (card, card.get("added"), card.get("mixed"))
    return next((part["teacher"] for part in parts if part and part.get("teacher")), None)


def _taught(card: Mapping[str, Any]) -> list[str]:
    if not (teacher := teacher_of(card)):
        return []
    what = "It" if card.get("teacher") else "What was added to its weights afterwards"
    return [
        f"{what} was trained on a teacher's pictures, not on the photographs themselves. The "
        f"teacher is {teacher}.",
        "",
    ]


def card_picture(card: Mapping[str, Any]) -> str:
    """Name of the file, beside the card, with its picture."""
    return f"{card['name']}.jpg"


def _consistency(scores: Mapping[str, Mapping[str, Any]]) -> str:
    means = ", ".join(f"{row['consistency']:.1f} dB on {key}" for key, row in scores.items())
    worst = min(row["worst_consistency"] for row in scores.values())
    return f"SR, downscaled again, against LR: {means}; {worst:.1f} dB in the worst picture."


def _training(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    recipe = card["recipe"]
    side, stage = recipe["patch_size"], _stage(card)
    facts = {
        "recipe": f"`{recipe['name']}`",
        "loss": _losses(recipe, card["content_weights"] or dict(recipe["content"])),
        "LR made by": _degradation(recipe),
        "VGG": ", ".join(card["vgg"]) and f"{recipe['vgg']}: {', '.join(card['vgg'])}",
        "started from": start(card),
        "steps": f"{card['steps']:,}{stage}, each on {recipe['batch_size']} patches of "
        f"{side}x{side} px",
        "learning rate": _learning_rate(recipe),
        "mixed afterwards": _mixed(card.get("mixed")),
        "added afterwards": _added(card.get("added")),
        "running mean of the weights": f"decay {recipe['ema']:g}" if recipe["ema"] else "",
        "further settings": ", ".join(
            key if value is True else f"{key} {value}"
            for key, value in recipe.items()
            if key not in _SAID and (value is True or value not in _NEUTRAL)
        ),
        "data": f"{card['data']['pictures']:,} pictures: {card['data']['about']}",
        "time": f"{duration(card['minutes'])}{stage} on {card['device']}",
        "stages": _stages(card.get("stages") or []),
        "seed": str(card["seed"]),
        "versions": ", ".join(
            f"{title} {card['versions'][key]}"
            for title, key in (("Python", "python"), ("PyTorch", "torch"))
            if card["versions"][key]
        ),
        "code": f"commit `{card['commit']}` wrote this card" if card["commit"] else "",
        "command": f"`{card['command']}`, and {_own_files(card)}" if card["command"] else "",
    }
    return [(key, text) for key, text in facts.items() if text]


def _own_files(card: Mapping[str, Any]) -> str:
    """The options of the command that name files, which lie elsewhere on every machine."""
    options = ["--out", "--data"]
    options += ["--init"] * bool(card["init"] and card["command"].split()[3] == "train")
    options += ["--vgg"] * bool(card["vgg"])
    options += ["--teacher"] * bool(card.get("teacher"))
    missing = [f"`{option}`" for option in options if f"{option} " not in card["command"]]
    return f"{', '.join(missing)} with your own files"


def start(stage: Mapping[str, Any], short: bool = False) -> str:
    """Where a training started: from which network, what that had behind it, and so on back.

    A device is named where the next training had another one. `short` leaves out the hashes of the
    files, and what a network of another name started from, which that one's own row tells.
    """
    init = stage["init"]
    if not init:
        return "random weights"
    if rebuilt := init.get("rebuilt"):  # by `srgan_lib.results.paper_start`: no training
        text = f"`{init['name']}` rebuilt as a network of variant `{rebuilt}`"
    elif added := init.get("added"):  # by `srgan_lib.results.transfer`: no training
        learned = f"`{added['name']}` learned in {added['steps']:,} steps from `{added['beyond']}`"
        after = f" after {init['steps']:,} steps," if init["steps"] else ""
        text = f"`{init['name']}`{after} with what {learned} added to its weights"
    else:
        text = f"`{init['name']}` after {init['steps']:,} steps, {duration(init['minutes'])}"
    device = init.get("device") or stage["device"]
    if device != stage["device"]:
        text += f" on {device}"
    if mixed := init.get("mixed"):
        text += f", {share(mixed)} of `{mixed['name']}` mixed in"
    if teacher_of(init):
        text += ", from a teacher"
    if not short:
        text += f" (`{init['sha256'][:12]}`)"
    earlier = init.get("init")
    if not earlier or (short and earlier["name"] != init["name"]):
        return text
    return f"{text}; that from {start({'init': earlier, 'device': device}, short)}"


def _stages(stages: Sequence[Mapping[str, Any]]) -> str:
    """How a training went on in another way than it began; empty if it did not."""
    texts = (
        f"from step {stage['after']:,} for {stage['steps']:,} in all, on {stage['device']}, "
        f"PyTorch {stage['torch']}"
        for stage in stages
    )
    return "; ".join(texts) if len(stages) > 1 else ""


def devices(card: Mapping[str, Any]) -> list[str]:
    """The devices that trained a network and those that it started from."""
    added = (card.get("added") or {}).get("device") or ""
    named = [*card["device"].split(THEN), *added.split(THEN)]
    while card := card.get("init"):
        named = [*(card.get("device") or "").split(THEN), *named]
    return list(dict.fromkeys(filter(None, named)))


def _stage(card: Mapping[str, Any]) -> str:
    """What to add to a number that does not count how the start came about."""
    return " in this last stage" if card["init"] else ""


def share(mixed: Mapping[str, Any]) -> str:
    """How much of a mixed network is another one's."""
    return f"{100 * mixed['share']:g} %"


def _mixed(mixed: Mapping[str, Any] | None) -> str:
    if not mixed:
        return ""
    return (
        f"{share(mixed)} of every weight comes from `{mixed['name']}` "
        f"(`{mixed['sha256'][:12]}`), by `srgan_lib.results.mix`: network interpolation, "
        "Wang et al. 2018, section 3.4"
    )


def _added(added: Mapping[str, Any] | None) -> str:
    if not added:
        return ""
    teacher = f" from a teacher, {added['teacher']}" if added.get("teacher") else ""
    return (
        f"to every weight what `{added['name']}` (`{added['sha256'][:12]}`) learned from "
        f"`{added['beyond']}` on in {added['steps']:,} steps{teacher}, by "
        "`srgan_lib.results.transfer`: task arithmetic, Ilharco et al. 2023"
    )


def _losses(recipe: Mapping[str, Any], content: Mapping[str, float]) -> str:
    terms = [f"{weight:.3g} × {name}" for name, weight in content.items()]
    if recipe["adversarial"]:
        kind = "relativistic adversarial" if recipe["relativistic"] else "adversarial"
        terms.append(f"{recipe['adversarial']:g} × {kind}")
    return " + ".join(terms)


def _degradation(recipe: Mapping[str, Any]) -> str:
    """What made LR, where it was not the usual clean bicubic."""
    name = recipe.get("degradation", "bicubic")  # older cards know no other
    if name == "bicubic":
        return ""
    return f"`{name}`: blur, resizing, noise and JPEG, all random (`random_degradation.py`)"


def _learning_rate(recipe: Mapping[str, Any]) -> str:
    text = f"{recipe['learning_rate']:g}"
    if recipe["warmup"]:
        text += f" after {recipe['warmup']} updates of warmup"
    if recipe["cosine"]:
        return text + ", falling to zero along half a cosine"
    drops = " and ".join(f"{drop:.0%}" for drop in recipe["drops"])
    return text + (f", a tenth of it after {drops} of the steps" if drops else "")


def _limits(card: Mapping[str, Any]) -> list[str]:
    recipe, planned = card["recipe"], card["planned_steps"]
    limits = [
        "Learned on random blur, noise and JPEG blocks: of other defects, such as motion blur, it "
        "knows nothing, and on LR that is clean a network that saw nothing else is better."
        if _degradation(recipe)
        else f"Learned on LR that is bicubic and clean, x{recipe['scale']}: noise, blur and JPEG "
        "blocks of real photographs are enlarged with the rest."
    ]
    if recipe["adversarial"]:
        limits.append(
            "It invents details that look likely, and they need not be true: not for forensic, "
            "medical or any other use in which somebody measures or identifies."
        )
    elif {name for name, _ in recipe["content"]} <= {"mse", "l1"}:
        limits.append("Trained on pixels alone: it leaves blurred what LR does not determine.")
    shift = max(scores["worst_color_shift"] for scores in card["scores"].values())
    if shift > COLOR_SHIFT:
        limits.append(
            f"Colors shift: the mean color of a picture by up to {shift:.1f} of 255, where "
            f"{COLOR_SHIFT:g} is the most that the course allows itself."
        )
    grid = max(scores["checkerboard"] for scores in card["scores"].values())
    if grid > GRID:
        limits.append(
            f"The grid of the upsampling stands out by up to {grid:.0f} dB in the mean of a set; "
            f"{GRID} and more may be seen."
        )
    if planned is not None and card["steps"] < planned:
        steps = f"{card['steps']:,} of the recipe's {planned:,} steps"
        limits.append(f"Trained for {steps}{_stage(card)}.")
    if "random" in card["vgg"]:
        limits.append("Its VGG had random weights: it shows that the code runs, and nothing else.")
    return limits
