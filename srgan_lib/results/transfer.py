"""Give a network what another one learned in a training of its own, without any training.

    python -m srgan_lib.results.transfer srgan srresnet-photo srresnet work/start

By weights: first + (tuned - before), where `tuned` was trained from `before`, and `first` has the
same ancestor. Source: Ilharco et al. 2023, "Editing Models with Task Arithmetic". Whatever comes of
it is a start to train on from, and says so to the next card. With `--for-use` it is to be used as
it is: then it gets the card of `first`, with scores of its own and what was added.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..errors import ConfigError
from ..metrics import LPIPS
from ..models import Generator
from ..system.command_line import CommandLine
from ..system.files import check_new, expanded
from ..system.process import report_errors
from ..weights import (
    WEIGHTS,
    find_weights,
    halve_weights,
    load_generator,
    save_weights,
    weights_info,
)
from .cards import check_card, file_hash, read_card, start_facts, write_card
from .scores import is_scored, score, sets_and_lpips


@torch.no_grad()
def transfer(first: Generator, tuned: Generator, before: Generator) -> Generator:
    """A new network of weights first + (tuned - before).

    Raises:
        ConfigError: networks of different size or variant.
    """
    for other in (tuned, before):
        if other.config != first.config:
            raise ConfigError(f"What {other.config} learned cannot be added to {first.config}.")
    result = Generator(**first.config)
    learned, known = tuned.state_dict(), before.state_dict()
    values = {
        name: value + learned[name] - known[name] if value.is_floating_point() else value
        for name, value in first.state_dict().items()
    }
    result.load_state_dict(values)
    return result


def write(first: str | Path, tuned: str | Path, before: str | Path, out: Path) -> Path:
    """Write OUT/generator.safetensors; returns its path.

    Args:
        first, tuned, before: shipped names or .safetensors files.

    Raises:
        ConfigError: as for `transfer`.
        WeightsError: weights that are missing, damaged, or do not say how long they were trained.
        SRGANError: there are weights in OUT already.
    """
    target, facts = expanded(out) / WEIGHTS, start_facts(first)
    network = transfer(*map(load_generator, (first, tuned, before)))
    check_new(target)
    known = {"recipe": {"name": facts["name"]}, "step": 0, "minutes": 0.0}
    save_weights(target, network, **known, init=facts, added=_added(tuned, before))
    return target


def write_for_use(
    first: str | Path,
    tuned: str | Path,
    before: str | Path,
    out: Path,
    sets: Mapping[str, Path],
    lpips: LPIPS | None = None,
) -> Path:
    """Write OUT/generator.safetensors, in float16, and its card; returns the path of the weights.

    Args:
        first: weights with a card: what it says of the training is kept.
        tuned, before: as for `write`. sets, lpips: as for `cards.score`.

    Raises:
        ConfigError, WeightsError, SRGANError: as for `write`; or `first` has no current card, or
            something was added to it before, of which a card would not tell.
    """
    first, target = find_weights(first), expanded(out) / WEIGHTS
    check_card(first)
    card, info = read_card(first), weights_info(first)
    if "added" in info or "added" in weights_info(tuned):
        raise ConfigError(
            f"Something was added to {first} before: start from what it was added to."
        )
    check_new(target)
    network = transfer(*map(load_generator, (first, tuned, before))).half().float()
    scores, bicubic = score(network, sets, lpips), card["bicubic"]
    if not is_scored(bicubic, sets, lpips):
        bicubic = score("bicubic", sets, lpips)
    added = {**_added(tuned, before), "to": file_hash(first)}
    save_weights(target, network, **info, added=added)
    halve_weights(target)
    write_card(
        target, card["name"], about_data=card["data"]["about"], scores=scores, bicubic=bicubic,
        history=card["history"], init=card["init"], command=card["command"],
    )  # fmt: skip
    return target


def _added(tuned: str | Path, before: str | Path) -> dict[str, Any]:
    """What a file says of the difference that was added."""
    learned = start_facts(tuned)
    return {**learned, "beyond": start_facts(before)["name"]}


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0, or 2 with one sentence."""
    parser = CommandLine(
        prog="python -m srgan_lib.results.transfer", description=__doc__.splitlines()[0]
    )
    for name in ("first", "tuned", "before"):
        parser.add_argument(name, help="shipped name or .safetensors file")
    parser.add_argument("out", type=Path, help="folder for generator.safetensors")
    parser.add_argument(
        "--for-use", action="store_true", help="with the first one's card, in float16"
    )
    parser.add_argument("--sets", nargs="*", default=[], metavar="SET", help="as for train")
    parser.add_argument("--lpips", action="store_true", help="score LPIPS (AlexNet) as well")
    parser.add_argument("--lpips-backbone", help="file of AlexNet's weights")
    args: argparse.Namespace = parser.parse_args(arguments)
    networks = args.first, args.tuned, args.before

    def work() -> None:
        if args.for_use:
            print(write_for_use(*networks, args.out, *sets_and_lpips(args, "cpu")))
        else:
            print(write(*networks, args.out))

    return report_errors(work)


if __name__ == "__main__":
    sys.exit(main())
