"""Model cards: what a trained generator is, how it was made and what it scores.

A card's facts are NAME.json beside NAME.safetensors. NAME.md is rendered from them, for an engineer
who considers using the network, and shows a picture that the network has made.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import WeightsError
from ..metrics import LPIPS
from ..recipes import RECIPES
from ..system.files import expanded, write_json, write_text
from ..system.git import code_commit
from ..training import Trainer
from ..weights import WEIGHTS, find_weights, halve_weights, load_generator, weights_info
from .card_picture import draw_card_picture
from .card_text import card_picture, render_card
from .scores import Scores, quick_score, score

INIT = "init.json"  # in a run's folder: which network the training started from
HISTORY_ROWS = 40


def file_hash(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return sha256(expanded(path).read_bytes()).hexdigest()


def start_facts(name_or_file: str | Path) -> dict[str, Any]:
    """What a card tells of the network that a training starts from, and of how that came about.

    Raises:
        WeightsError: weights that do not say how long they were trained.
    """
    path = find_weights(name_or_file)
    info = weights_info(path)
    if not {"step", "minutes"} <= info.keys():
        raise WeightsError(
            f"{path} does not say how long it was trained: start from a file of this course's "
            "train command."
        )
    return {
        "name": info.get("recipe", {}).get("name", path.stem),
        "sha256": file_hash(path),
        "steps": info["step"],
        "minutes": info["minutes"],
        "device": info.get("device"),
        "init": info["init"] if "init" in info else _init_of(path),
        # By a tool, afterwards.
        **{key: info[key] for key in ("mixed", "rebuilt", "added") if key in info},
        **({"teacher": info["teacher"]} if info.get("teacher") else {}),
    }


def note_init(folder: str | Path, name_or_file: str | Path) -> None:
    """Remember for the card which network the run in `folder` starts from; call it before.

    Raises:
        WeightsError: as for `start_facts`.
    """
    write_json(Path(folder) / INIT, start_facts(name_or_file))


def _init_of(weights: Path) -> dict[str, Any] | None:
    """What that network itself started from: its card says so or, before it has one, its run."""
    try:
        card = read_card(weights)
        if card["sha256"] == file_hash(weights):
            return card.get("init")
    except WeightsError:
        pass
    return _noted_init(weights.parent) if weights.name == WEIGHTS else None


def _noted_init(folder: Path) -> dict[str, Any] | None:
    """What `note_init` noted for the run in that folder."""
    path = folder / INIT
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def command_line(*words: str, **options: Any) -> str:
    """A command with these options as one would type it; None, False and "auto" are left out."""
    line = ["python -m srgan_lib", *words]
    for name, value in options.items():
        if not (value is None or value is False or value == "auto"):
            line.append(f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}"))
    return " ".join(line)


def finish(
    trainer: Trainer,
    name: str,
    *,
    about_data: str,
    sets: Mapping[str, str | Path],
    lpips: LPIPS | None = None,
    bicubic: Scores | None = None,
    command: str | None = None,
    half: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Score what `trainer` has written to its folder and put the card beside it.

    Args:
        about_data: one sentence on the training pictures: what, from where, under which terms.
        sets, lpips: as for `score`.
        bicubic: its scores, where they are known already.
        command: what was typed to train.
        half: round the weights to float16 first (`checkpoints.halve_weights`).

    Returns:
        The card.
    """
    weights = trainer.folder / WEIGHTS
    if trainer.step == trainer.begun:
        command = _earlier_command(weights, command, half)
    if half:
        halve_weights(weights)
    generator = load_generator(weights, trainer.device)
    return write_card(
        weights,
        name,
        about_data=about_data,
        scores=score(generator, sets, lpips, progress),
        bicubic=score("bicubic", sets, lpips, progress) if bicubic is None else bicubic,
        history=trainer.history,
        init=_noted_init(trainer.folder),
        command=command,
    )


def _earlier_command(weights: Path, command: str | None, half: bool) -> str | None:
    """The command that has trained these weights: one that makes no step is none."""
    try:
        command = read_card(weights)["command"] or command
    except WeightsError:  # the training ended before its card was written
        return command
    return f"{command} --half" if half and command and "--half" not in command else command


def write_card(
    weights: str | Path,
    name: str,
    *,
    about_data: str,
    scores: Scores,
    bicubic: Scores,
    history: Sequence[Mapping[str, float]] = (),
    init: Mapping[str, Any] | None = None,
    command: str | None = None,
) -> dict[str, Any]:
    """Write the card of a file of weights beside it, as .json, .md and .jpg, and return it.

    What the training knew about itself is taken from the file's header; `init` is what `note_init`
    noted of the network it started from, and the other arguments are as for `finish`.

    Raises:
        WeightsError: missing, damaged, or without a training's facts in its header.
    """
    weights = expanded(weights)
    info, generator = weights_info(weights), load_generator(weights)
    missing = {"recipe", "step", "minutes", "device", "pictures", "vgg", "torch"} - info.keys()
    if missing:
        raise WeightsError(
            f"{weights} does not say its {', '.join(sorted(missing))}: use a file of this course's "
            "train command."
        )
    parameters = sum(map(torch.numel, generator.parameters()))
    planned = RECIPES.get(info["recipe"]["name"])  # at full length, without a profile
    kept = np.linspace(0, len(history) - 1, min(len(history), HISTORY_ROWS)).round().astype(int)
    with_lpips = any(row["lpips"] is not None for row in scores.values())
    card = {
        "name": name,
        "sha256": file_hash(weights),
        "network": {**generator.config, "parameters": parameters},
        "recipe": info["recipe"],
        "content_weights": info.get("content_weights"),  # as scaled by the recipe's lead
        "steps": info["step"],
        "planned_steps": planned.steps if planned else None,
        "minutes": info["minutes"],
        "device": info["device"],
        "seed": info["recipe"]["seed"],
        "versions": {"python": info.get("python"), "torch": info["torch"]},
        "commit": code_commit(),
        "command": command,
        "data": {"pictures": info["pictures"], "about": about_data},
        "teacher": info.get("teacher"),
        "vgg": info["vgg"],
        "identity": info.get("identity"),  # hashes of pictures and VGG
        "stages": info.get("stages"),
        "init": init,
        "mixed": info.get("mixed"),  # by `srgan_lib.results.mix`
        "added": info.get("added"),  # by `srgan_lib.results.transfer`
        "history": [history[index] for index in kept],
        "quick": quick_score(generator),
        "scores": scores,
        "bicubic": bicubic,
        "scored_with": {
            "lr": "bicubic_downscale of this library",
            "border": generator.scale,
            "lpips": "version 0.1 on AlexNet" if with_lpips else None,
        },
    }
    write_json(weights.with_suffix(".json"), card)
    return render_again(weights)  # of what a reader will have: lists for tuples, null for infinite


def render_again(weights: str | Path) -> dict[str, Any]:
    """Write what is made of a card's facts, its page and its picture, and return the facts.

    Raises:
        WeightsError: the card is missing, damaged or of other weights.
    """
    weights = Path(weights)
    card = _card_of(weights)
    write_text(weights.with_suffix(".md"), render_card(card))
    picture = weights.with_name(card_picture(card))
    draw_card_picture(load_generator(weights), picture, card["sha256"])
    return card


def read_card(path: str | Path) -> dict[str, Any]:
    """The facts in NAME.json; `path` is that file, or the weights beside it.

    Raises:
        WeightsError: missing or damaged.
    """
    path = expanded(path).with_suffix(".json")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"The model card {path} cannot be read ({type(error).__name__}): train or reproduce "
            "the network again to get one."
        ) from None
    if not isinstance(card, dict) or not {"name", "sha256", "scores"} <= card.keys():
        raise WeightsError(f"{path} is not a model card: remove it, and train again to get one.")
    return card


def check_card(weights: str | Path) -> None:
    """Make sure that the card beside a file of weights belongs to it, in both its forms.

    Raises:
        WeightsError: it does not, or one of the three files is missing.
    """
    weights = expanded(weights)
    card, page = _card_of(weights), weights.with_suffix(".md")
    if not page.is_file() or page.read_text(encoding="utf-8") != render_card(card):
        raise WeightsError(f"{page} does not say what the .json beside it says: write a new card.")


def _card_of(weights: Path) -> dict[str, Any]:
    card = read_card(weights)
    if not weights.is_file() or file_hash(weights) != card["sha256"]:
        raise WeightsError(f"{weights} is not the file that its card describes: write a new card.")
    return card
