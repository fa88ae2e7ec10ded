"""Who is compared in chapter 5, and on which pictures."""

import json
from pathlib import Path
from typing import Any

from ..data import SAMPLES, samples
from ..degradation import imresize
from ..images import write_image
from ..models import Generator
from ..system.files import ROOT
from ..weights import find_weights, load_generator, shipped_weights, weights_info
from .runs import prepare, run_folder, vgg_weights
from .setup import Environment

SHIPPED = "shipped"  # the owner of a network that comes with the course
SMOKE_SHRINK = 4


def find_networks(
    env: Environment, names: dict[str, str]
) -> tuple[dict[str, Generator], dict[str, dict[str, Any]]]:
    """The networks to compare: your own if begun, else shipped ones, else new.

    Beside an own network the shipped one stands as well.

    Args:
        names: title -> recipe.

    Returns:
        Title -> generator, and title -> its origin: "owner", "name", and what its file says.
    """
    networks, origins = {}, {}
    for title, name in names.items():
        networks[title], origins[title] = _find(env, name)
    for title, name in names.items():
        if origins[title]["owner"] != SHIPPED and name in shipped_weights():
            networks[f"shipped {title}"] = load_generator(name, env.device)
            origins[f"shipped {title}"] = {"owner": SHIPPED, "name": name, **weights_info(name)}
    return networks, origins


def _find(env: Environment, name: str) -> tuple[Generator, dict[str, Any]]:
    folder = run_folder(name, env.profile, env.work)
    if not (folder / "checkpoint.pt").exists() and name in shipped_weights():
        info = {"owner": SHIPPED, "name": name, **weights_info(name)}
        return load_generator(name, env.device), info
    trainer = prepare(name, env.profile, env.work, device=env.device, vgg=vgg_weights(env.profile))
    trainer.run()  # to its end, if it was interrupted
    own = folder / "generator.safetensors"
    owner = f"your own, profile {env.profile}"
    return load_generator(own, env.device), {"owner": owner, "name": name, **weights_info(own)}


def validation_folder(env: Environment) -> tuple[Path, int]:
    """The folder of the photographs to judge by, and how many times smaller they were made.

    They are not made smaller but to prove that every line runs.
    """
    folder = SAMPLES / "validation"
    if env.profile != "smoke":
        return folder, 1
    small = env.work / "small"
    for picture in samples("validation"):
        shrunk = imresize(picture.image, 1 / SMOKE_SHRINK)
        write_image(small / f"{Path(picture.name).stem}.png", shrunk, force=True)
    return small, SMOKE_SHRINK


def stored_lpips_of(origins: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Method -> LPIPS on the validation photographs, from the cards of the shipped networks.

    For readers who cannot measure it: of bicubic and of every network that is a shipped one.
    """
    found = {}
    for title, origin in origins.items():
        if origin["owner"] == SHIPPED:
            page = find_weights(origin["name"]).with_suffix(".json")
            card = json.loads(page.read_text(encoding="utf-8"))
            found["bicubic"] = card["bicubic"]["validation"]["lpips"]
            found[title] = card["scores"]["validation"]["lpips"]
    return found


def in_short(error: Exception) -> str:
    """Its sentence, with paths as seen from the course's folder."""
    return str(error).replace(f"{ROOT}/", "")
