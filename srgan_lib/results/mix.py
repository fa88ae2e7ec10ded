"""Move a generator towards another one, as a GAN's back to its start, with a card that says so.

    python -m srgan_lib.results.mix work/srgan/generator.safetensors srresnet 0.03 work/mixed

By weights, on the straight line between the two (`averages.interpolate`).
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from ..errors import ConfigError
from ..metrics import LPIPS
from ..system.command_line import CommandLine
from ..system.files import check_new, expanded
from ..system.process import report_errors
from ..weights import (
    WEIGHTS,
    find_weights,
    halve_weights,
    interpolate,
    load_generator,
    save_weights,
    weights_info,
)
from .cards import check_card, file_hash, read_card, write_card
from .scores import is_scored, score, sets_and_lpips


def mix(
    first: str | Path,
    second: str | Path,
    share: float,
    out: Path,
    sets: Mapping[str, Path],
    lpips: LPIPS | None = None,
    half: bool = False,
) -> Path:
    """Write OUT/generator.safetensors and its card; returns the path of the weights.

    Args:
        first: weights with a card: what it says of the training is kept.
        second, share: as for `averages.interpolate`; no GAN's if the first is none, because the
            first one's card would not tell of that training.
        sets, lpips: as for `cards.score`.
        half: round the result to float16.

    Raises:
        WeightsError, ConfigError: weights or cards that are missing, damaged or do not fit, or
            that have been mixed before, of which a card would not tell.
        SRGANError: there are weights in OUT already.
    """
    first, second = find_weights(first), find_weights(second)
    check_card(first)
    card, info, other = read_card(first), weights_info(first), weights_info(second)
    if other.get("recipe", {}).get("adversarial") and not card["recipe"]["adversarial"]:
        raise ConfigError(f"{first} is no GAN's generator: name that first, and {second} second.")
    # How the first one's start came about stands on its card; of any other the card would not tell.
    is_start = (card["init"] or {}).get("sha256") == file_hash(second)
    untold = info.keys() if is_start else info.keys() | other.keys()
    if {"mixed", "added"} & untold:
        raise ConfigError(
            "One of these was mixed or added to already: start from what it was made of."
        )
    target = expanded(out) / WEIGHTS
    check_new(target)
    generator = interpolate(load_generator(first), load_generator(second), share)
    if half:
        generator = generator.half().float()  # to be scored as it will be stored
    name = other.get("recipe", {}).get("name", second.stem)
    mixed = {"name": name, "sha256": file_hash(second), "share": share}
    if other.get("teacher"):
        mixed["teacher"] = other["teacher"]
    scores, bicubic = score(generator, sets, lpips), card["bicubic"]
    if not is_scored(bicubic, sets, lpips):
        bicubic = score("bicubic", sets, lpips)
    save_weights(target, generator, **info, mixed=mixed)
    if half:
        halve_weights(target)
    write_card(
        target, card["name"], about_data=card["data"]["about"], scores=scores,
        bicubic=bicubic, history=card["history"], init=card["init"],
        command=card["command"],
    )  # fmt: skip
    return target


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0, or 2 with one sentence."""
    parser = CommandLine(prog="python -m srgan_lib.results.mix", description=__doc__)
    parser.add_argument("first", help="shipped name or .safetensors file, with a card beside it")
    parser.add_argument("second", help="shipped name or .safetensors file")
    parser.add_argument("share", type=float, help="of the second one, from 0 to 1")
    parser.add_argument("out", type=Path, help="folder for generator.safetensors and its card")
    parser.add_argument("--half", action="store_true", help="round the result to float16")
    parser.add_argument("--sets", nargs="*", default=[], metavar="SET", help="as for train")
    parser.add_argument("--lpips", action="store_true", help="score LPIPS (AlexNet) as well")
    parser.add_argument("--lpips-backbone", help="file of AlexNet's weights")
    args = parser.parse_args(arguments)

    def work() -> None:
        sets, lpips = sets_and_lpips(args, "cpu")
        print(mix(args.first, args.second, args.share, args.out, sets, lpips, args.half))

    return report_errors(work)


if __name__ == "__main__":
    sys.exit(main())
