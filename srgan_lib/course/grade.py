"""Points for the exercises of many students: `make grade SUBMISSIONS=FOLDER`.

Every notebook in the folder is run in the smoke profile, in a process of its own with limits on
time and memory, and judged by the course's checks, not by those in the notebook. A notebook that
is broken, endless or too large costs only itself.

The limits keep accidents in, not attacks: grade code that you do not trust in a container.
"""

import argparse
import contextlib
import csv
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import nbformat

from ..errors import DataError, SRGANError
from ..system.process import open_output
from .checks.base import EXERCISES
from .notebooks import NOTEBOOKS, ROOT, notebook_paths
from .student_copies import CHECK, exercises

OFFLINE = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy")}  # a closed port
START_SECONDS = 120.0  # within which the process has to reach the notebook's first cell


@dataclass(frozen=True)
class Limits:
    """What one notebook may use, and each of its cells."""

    seconds: float = 300.0
    cell_seconds: float = 60.0
    gigabytes: float = 6.0


@dataclass(frozen=True)
class Row:
    """One line of the table: an exercise of a submission, or what keeps it from being graded."""

    submission: str
    exercise: str
    points: int
    of: int
    message: str


def grade(submissions: Path, notebooks: Path = NOTEBOOKS, limits: Limits | None = None):
    """Yield the rows of every notebook under a folder, submission by submission.

    Args:
        submissions: folder with notebooks at any depth; a path without its suffix names one.
        notebooks: the course's, with solutions and checks.

    Raises:
        DataError: there are no notebooks in the folder.
    """
    hidden = ".ipynb_checkpoints"
    paths = sorted(p for p in submissions.rglob("*.ipynb") if hidden not in p.parts)
    if not paths:
        raise DataError(f"There are no notebooks in {submissions}: name the students' folder.")
    course = {}
    for path in notebook_paths(notebooks):
        notebook = nbformat.read(path, as_version=4)
        course |= dict.fromkeys(exercises(notebook), notebook)
    for path in paths:
        name = str(path.relative_to(submissions).with_suffix(""))
        try:
            notebook = nbformat.read(path, as_version=4)
            numbers = _exercises_of(notebook)
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            yield [Row(name, "", 0, 0, f"This is no notebook ({type(error).__name__}).")]
            continue
        chapter = next((course[number] for number in numbers if number in course), None)
        if chapter is None:
            yield [Row(name, "", 0, 0, "No exercise of the course is in this notebook.")]
            continue
        yield _grade_one(name, notebook, chapter, limits or Limits())


def _exercises_of(notebook: nbformat.NotebookNode) -> list[str]:
    text = "\n".join(cell.source for cell in notebook.cells)
    return CHECK.findall(text) + re.findall(r"^### Exercise (\d+\.\d+)", text, flags=re.MULTILINE)


def _grade_one(name, notebook, chapter, limits: Limits) -> list[Row]:
    checks = {n: chapter.cells[at].source for n, (_, at) in exercises(chapter).items()}
    setup = next((c.source for c in chapter.cells if "setup" in c.metadata.get("tags", ())), "")
    said, stopped = _run(_cells(notebook, checks, setup), limits)
    rows = []
    for number in checks:
        points = EXERCISES[number].points
        message = said.get(number, stopped)
        right = number in said and message is None
        rows.append(Row(name, number, points if right else 0, points, message or ""))
    return rows


def _cells(notebook, checks: dict[str, str], setup: str) -> list[tuple[str, str | None]]:
    """Source of each code cell, with the course's setup and checks, and the exercise it checks."""
    cells, seen = [], set()
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        called = CHECK.search(cell.source)
        number = called[1] if called and called[1] in checks else None
        if number and number not in seen:
            seen.add(number)
            # An answer may stand in the same cell as the call of its check.
            written = CHECK.split(cell.source)[0].rpartition("\n")[0]
            cells += [(written, None)] if written.strip() else []
            cells.append((checks[number], number))
        elif "setup" in cell.metadata.get("tags", ()):
            cells.append((setup, None))
        elif not number:
            cells.append((cell.source, None))
    return cells + [(source, number) for number, source in checks.items() if number not in seen]


def _run(cells, limits: Limits) -> tuple[dict[str, str | None], str]:
    """What every check said, None for right; and why those that said nothing were not reached."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        # The setup cell looks for the library next to the notebook's folder.
        (folder / "srgan_lib").symlink_to(ROOT / "srgan_lib")
        (folder / "notebooks").mkdir()
        job, result = folder / "job.json", folder / "result.json"
        job.write_text(
            json.dumps(
                {
                    "cells": cells,
                    "cell_seconds": limits.cell_seconds,
                    "bytes": int(limits.gigabytes * 2**30),
                }
            ),
            encoding="utf-8",
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "srgan_lib.course.grade_worker", str(job), str(result)],
            cwd=folder / "notebooks",
            env={
                **os.environ,
                **OFFLINE,
                "PYTHONPATH": str(ROOT),
                "SRGAN_PROFILE": "smoke",
                "SRGAN_WORK": str(folder / "work"),
                "IPYTHONDIR": str(folder / "ipython"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # so that what the notebook starts can be stopped with it
        )
        try:
            # To import PyTorch takes long on a busy machine, and is not the notebook's fault.
            latest = time.monotonic() + START_SECONDS
            while not result.exists() and process.poll() is None and time.monotonic() < latest:
                time.sleep(0.05)
            status = process.wait(limits.seconds)
            why = f"its process ended with status {status}"
        except subprocess.TimeoutExpired:
            why = f"it was stopped after {limits.seconds:g} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        known = json.loads(result.read_text("utf-8")) if result.exists() else {"said": {}}
        return known["said"], f"The notebook did not get here: {why} in cell {known.get('cell')}."


@open_output()  # it prints names, and paths of any alphabet
def main(arguments: list[str] | None = None) -> int:
    """Grade a folder, write the table and print the sums."""
    parser = argparse.ArgumentParser(
        prog="python -m srgan_lib.course.grade", description=__doc__.splitlines()[0]
    )
    parser.add_argument("submissions", type=Path, help="folder with the students' notebooks")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "grades.csv")
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help="the course's")
    parser.add_argument("--seconds", type=float, default=Limits.seconds, help="for a notebook")
    parser.add_argument("--cell-seconds", type=float, default=Limits.cell_seconds)
    parser.add_argument("--gigabytes", type=float, default=Limits.gigabytes, help="of memory")
    options = parser.parse_args(arguments)
    limits = Limits(options.seconds, options.cell_seconds, options.gigabytes)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    # Stopped from outside, it takes the notebook that it is running along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with options.out.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(field.name for field in fields(Row))
            for rows in grade(options.submissions, options.notebooks, limits):
                table.writerows(astuple(row) for row in rows)
                file.flush()  # what was graded stays, should this be interrupted
                total, most = sum(row.points for row in rows), sum(row.of for row in rows)
                print(f"{rows[0].submission}: {total} of {most} points", flush=True)
    except SRGANError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Exercise by exercise: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
