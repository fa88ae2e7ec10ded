"""The table that `make grade` writes: a line for each exercise, a total for each notebook."""

import csv
import sys
from collections.abc import Generator
from contextlib import closing
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from pathlib import Path

TOTAL = "total"
FLAG, FLAGS = "equals the published solution", "equal the published solution"


@dataclass(frozen=True)
class Row:
    """One line of the table: an exercise of a submission, or its total.

    Attributes:
        message: what the check said, and what stopped the cells before it; empty for right.
        flag: whether the answer is the published one, and of a total how many are.
    """

    submission: str
    exercise: str
    points: int
    of: int
    message: str = ""
    flag: str = ""


def write_table(out: Path, graded: Generator[list[Row], None, None]) -> None:
    """Write the rows to a CSV file, and a line for each submission to the screen.

    While they come in they are in a file beside it, which stays if this is interrupted. A table
    that was there before is not lost: it is kept under the name of its time.
    """
    unfinished = out.with_name(f"{out.stem}-unfinished{out.suffix}")
    _keep(unfinished)
    try:
        with unfinished.open("w", newline="", encoding="utf-8") as file, closing(graded):
            table = csv.writer(file)
            table.writerow(field.name for field in fields(Row))
            for rows in graded:
                table.writerows(astuple(row) for row in rows)
                file.flush()
                total = rows[-1]
                notes = filter(None, (f"{total.points} of {total.of} points", total.flag))
                print(f"{total.submission}: {', '.join(notes)}", flush=True)
    except BaseException:
        print(f"What was graded until then: {unfinished}", file=sys.stderr)
        raise
    if not (out.exists() and out.read_bytes() == unfinished.read_bytes()):
        _keep(out)
    unfinished.replace(out)
    print(f"Exercise by exercise: {out}")


def _keep(path: Path) -> None:
    """Move a file, if there is one, to a name of its own."""
    if path.exists():
        time_of = datetime.fromtimestamp(path.stat().st_mtime).strftime("%Y-%m-%d-%H%M%S")
        kept = path.with_name(f"{path.stem}-{time_of}{path.suffix}")
        path.replace(kept)
        print(f"The table of before is kept: {kept}")
