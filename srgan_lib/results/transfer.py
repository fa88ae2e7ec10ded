"""Give a network what another one learned in a training of its own, without any training.

    python -m srgan_lib.results.transfer srgan srresnet-photo srresnet work/start

By weights: first + (tuned - before), where `tuned` was trained from `before`, and `first` has the
same ancestor. Source: Ilharco et al. 2023, "Editing Models with Task Arithmetic". Whatever comes of
it is a start to train on from, and its card says so.
"""

import argparse
import sys
from pathlib import Path

import torch

from ..errors import ConfigError
from ..models import Generator
from ..system.command_line import CommandLine
from ..system.files import check_new, expanded
from ..system.process import report_errors
from ..weights import WEIGHTS, load_generator, save_weights
from .cards import start_facts


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
    added = {"name": start_facts(tuned)["name"], "beyond": start_facts(before)["name"]}
    network = transfer(*map(load_generator, (first, tuned, before)))
    check_new(target)
    known = {"recipe": {"name": facts["name"]}, "step": 0, "minutes": 0.0}
    added |= {key: value for key, value in start_facts(tuned).items() if key not in added}
    save_weights(target, network, **known, init=facts, added=added)
    return target


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0, or 2 with one sentence."""
    parser = CommandLine(
        prog="python -m srgan_lib.results.transfer", description=__doc__.splitlines()[0]
    )
    for name in ("first", "tuned", "before"):
        parser.add_argument(name, help="shipped name or .safetensors file")
    parser.add_argument("out", type=Path, help="folder for generator.safetensors")
    args: argparse.Namespace = parser.parse_args(arguments)
    return report_errors(lambda: print(write(args.first, args.tuned, args.before, args.out)))


if __name__ == "__main__":
    sys.exit(main())
