"""Take trained networks into the project: `python -m srgan_lib.results.ship OUT NAME ...`.

The named ones become shipped weights with their cards. Of the others in OUT only the facts of the
card are kept, for RESULTS.md, which is written anew.
"""

import shutil
import sys
from pathlib import Path

from ..errors import SRGANError, WeightsError
from ..system.command_line import CommandLine
from ..system.files import SHIPPED, expanded, write_atomically, write_json
from ..weights import WEIGHTS
from .build import RESULTS, write_results
from .cards import check_card, read_card, render_again

LARGEST = 8_000_000


def ship(out: Path, names: list[str], shipped: Path = SHIPPED, results: Path = RESULTS) -> None:
    """Copy weights and cards from OUT/NAME; all are checked before the first is copied.

    Raises:
        WeightsError: a card that is not current, or a file too large for git.
    """
    out = expanded(out)
    sources = {name: out / name / WEIGHTS for name in names}
    for name, weights in sources.items():
        check_card(weights)
        if weights.stat().st_size > LARGEST:
            raise WeightsError(
                f"{weights} has {weights.stat().st_size:,} bytes, and {LARGEST:,} may be shipped: "
                f"leave out {name}."
            )
    for name, weights in sources.items():
        for suffix in (".safetensors", ".json", ".md"):
            source, target = weights.with_suffix(suffix), shipped / f"{name}{suffix}"
            write_atomically(target, lambda file, source=source: shutil.copyfile(source, file))
        render_again(shipped / f"{name}.safetensors")  # its picture
        (results / f"{name}.json").unlink(missing_ok=True)
    for weights in sorted(out.glob(f"*/{WEIGHTS}")):
        name = weights.parent.name
        if name not in names and not (shipped / f"{name}.safetensors").exists():
            check_card(weights)
            write_json(results / f"{name}.json", read_card(weights))
    write_atomically(
        results / "bicubic.json",
        lambda file: shutil.copyfile(out / "results" / "bicubic.json", file),
    )


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0, or 2 with one sentence if something cannot be shipped."""
    parser = CommandLine(prog="python -m srgan_lib.results.ship", description=__doc__)
    parser.add_argument("out", type=Path, help="folder of `python -m srgan_lib reproduce`")
    parser.add_argument("names", nargs="+", help="variants to ship")
    args = parser.parse_args(arguments)
    try:
        ship(args.out, args.names)
        print(write_results())
    except SRGANError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
