"""Points for the exercises of many students: `make grade SUBMISSIONS=FOLDER`.

Every notebook in the folder is run in the smoke profile, in a process of its own with limits on
time and memory, and judged by the course's checks, not by those in the notebook. A notebook that
is broken, endless or too large costs only itself.

The limits keep accidents in, not attacks: grade code that you do not trust in a container.
"""

import argparse
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat

from ..errors import DataError
from ..system.files import check_new
from ..system.process import report_errors
from .checks.base import EXERCISES
from .grade_table import FLAG, FLAGS, TOTAL, Row, write_table
from .notebooks import NOTEBOOKS, ROOT, notebook_paths
from .student_copies import CHECK, exercises, published, tags

OFFLINE = {name: "http://127.0.0.1:9" for name in ("http_proxy", "https_proxy")}  # a closed port
START_SECONDS = 120.0  # within which the process has to reach the notebook's first cell
HEADING = re.compile(r"^### Exercise (\d+\.\d+)", flags=re.MULTILINE)


@dataclass(frozen=True)
class Limits:
    """What one notebook may use, and each of its cells."""

    seconds: float = 300.0
    cell_seconds: float = 60.0
    gigabytes: float = 6.0


def grade(
    submissions: Path,
    notebooks: Path = NOTEBOOKS,
    limits: Limits | None = None,
    jobs: int | None = None,
) -> Generator[list[Row], None, None]:
    """Yield the rows of every notebook under a folder, submission by submission, the total last.

    Args:
        submissions: folder with notebooks at any depth, or one notebook; a path without its suffix
            names one.
        notebooks: the course's, with solutions and checks.
        jobs: how many run side by side; one for each core if not given.

    Raises:
        DataError: there are no notebooks in the folder, or none of the course's.
    """
    paths = submitted(submissions)
    base = submissions.parent if submissions.is_file() else submissions
    course = _course(notebooks)
    stop = threading.Event()

    def work(path: Path) -> list[Row]:
        # A name may hold bytes of no alphabet, and begin like a formula of a spreadsheet.
        name = os.fsencode(path.relative_to(base).with_suffix("")).decode("utf-8", "replace")
        name = f"./{name}" if name[0] in "=+-@" else name
        return _grade_file(name, path, course, limits or Limits(), stop)

    with ThreadPoolExecutor(jobs or _cores()) as pool:
        try:
            yield from pool.map(work, paths)
        finally:  # also when it is interrupted: what runs ends with it, the rest does not begin
            stop.set()
            pool.shutdown(cancel_futures=True)


def submitted(submissions: Path) -> list[Path]:
    """The notebooks to grade.

    Raises:
        DataError: there are none.
    """
    if not submissions.exists():
        raise DataError(f"There is no {submissions}: name the folder with the students' notebooks.")
    found = [submissions] if submissions.is_file() else submissions.rglob("*.ipynb")
    paths = sorted(p for p in found if p.suffix == ".ipynb" and ".ipynb_checkpoints" not in p.parts)
    if not paths:
        raise DataError(f"There are no notebooks in {submissions}: name the students' folder.")
    return paths


def _course(notebooks: Path) -> dict[str, nbformat.NotebookNode]:
    """The course's notebook of each exercise."""
    course = {}
    for path in notebook_paths(notebooks):
        notebook = nbformat.read(path, as_version=4)
        course |= dict.fromkeys(exercises(notebook), notebook)
    if not course:
        raise DataError(f"No notebook of the course with exercises is in {notebooks}.")
    return course


def _cores() -> int:
    """How many this process may use."""
    with suppress(AttributeError):  # only Linux knows which
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _grade_file(
    name: str, path: Path, course: Mapping, limits: Limits, stop: threading.Event
) -> list[Row]:
    try:
        notebook = nbformat.read(path, as_version=4)
        text = "\n".join(cell.source for cell in notebook.cells)
    except Exception as error:  # it may hold anything, and nbformat raises nearly as much
        return [Row(name, TOTAL, 0, 0, f"This is no notebook ({type(error).__name__}).")]
    numbers = CHECK.findall(text) + HEADING.findall(text)
    chapter = next((course[number] for number in numbers if number in course), None)
    if chapter is None:
        return [Row(name, TOTAL, 0, 0, "No exercise of the course is in this notebook.")]
    return _grade_one(name, notebook, chapter, limits, stop)


def _grade_one(name, notebook, chapter, limits: Limits, stop: threading.Event) -> list[Row]:
    checks = {n: chapter.cells[at].source for n, (_, at) in exercises(chapter).items()}
    setup = next((cell.source for cell in chapter.cells if "setup" in tags(cell)), "")
    said, stopped = _run(_cells(notebook, checks, setup), limits, stop)
    same = published(notebook, chapter)
    rows = []
    for number in checks:
        points = EXERCISES[number].points
        message = said.get(number, stopped)
        right = number in said and message is None
        flag = FLAG if number in same else ""
        rows.append(Row(name, number, points if right else 0, points, message or "", flag))
    sums = (sum(row.points for row in rows), sum(row.of for row in rows))
    flag = f"{len(same)} of {len(rows)} {FLAGS}" if same else ""
    return [*rows, Row(name, TOTAL, *sums, flag=flag)]


def _cells(notebook, checks: dict[str, str], setup: str) -> list[dict]:
    """The code cells for the worker, with the course's setup and checks in place of their own."""
    cells, seen, count, new = [], set(), 0, False

    def add(source: str, check: str | None = None) -> None:
        nonlocal new
        cells.append({"number": count, "source": source, "check": check, "new": new})
        new = False

    for cell in notebook.cells:
        if cell.cell_type != "code":
            new |= bool(HEADING.search(cell.source))
            continue
        count += 1
        called = CHECK.search(cell.source)
        number = called[1] if called and called[1] in checks else None
        if number and number not in seen:
            seen.add(number)
            # An answer may stand in the same cell as the call of its check.
            written = CHECK.split(cell.source)[0].rpartition("\n")[0]
            if written.strip():
                add(written)
            add(checks[number], number)
        elif "setup" in tags(cell):
            add(setup)
        elif not number:
            add(cell.source)
    for number, source in checks.items():
        if number not in seen:
            add(source, number)
    return cells


def _run(cells, limits: Limits, stop: threading.Event) -> tuple[dict[str, str | None], str]:
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
        variables = {name: value for name, value in os.environ.items() if name != "SRGAN_REPO"}
        process = subprocess.Popen(
            [sys.executable, "-m", "srgan_lib.course.grade_worker", str(job), str(result)],
            cwd=folder / "notebooks",
            env={
                **variables,
                **OFFLINE,
                "PYTHONPATH": str(ROOT),
                "OMP_NUM_THREADS": "1",  # the other cores have notebooks of their own
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
            why = _wait(process, result, limits.seconds, stop)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        known = json.loads(result.read_text("utf-8")) if result.exists() else {"said": {}}
        at = f", in code cell {known['cell']}" if known.get("cell") else ""
        return known["said"], f"The notebook did not get here: {why}{at}."


def _wait(process: subprocess.Popen, result: Path, seconds: float, stop: threading.Event) -> str:
    """Wait until the process has ended or its time is over; returns which of them."""
    # To import PyTorch takes long on a busy machine, and is not the notebook's fault.
    started, latest = None, time.monotonic() + START_SECONDS
    while process.poll() is None and not stop.is_set():
        now = time.monotonic()
        if started is None and (result.exists() or now > latest):
            started = now
        if started is not None and now - started > seconds:
            return f"it was stopped after {seconds:g} s"
        time.sleep(0.05)
    return f"its process ended with status {process.poll()}"


def _positive(text: str) -> float:
    with suppress(ValueError):
        if math.isfinite(number := float(text)) and number > 0:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")


def main(arguments: list[str] | None = None) -> int:
    """Grade a folder, write the table and print the sums."""
    parser = argparse.ArgumentParser(
        prog="python -m srgan_lib.course.grade", description=__doc__.splitlines()[0]
    )
    parser.add_argument("submissions", type=Path, help="folder with the students' notebooks")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "grades.csv")
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help="the course's")
    parser.add_argument("--seconds", type=_positive, default=Limits.seconds, help="for a notebook")
    parser.add_argument("--cell-seconds", type=_positive, default=Limits.cell_seconds)
    parser.add_argument("--gigabytes", type=_positive, default=Limits.gigabytes, help="of memory")
    parser.add_argument("--jobs", type=int, default=0, help="side by side; 0: one a core")
    options = parser.parse_args(arguments)
    limits = Limits(options.seconds, options.cell_seconds, options.gigabytes)
    # Stopped from outside, it takes the notebooks that it is running along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))

    def work() -> None:
        submitted(options.submissions)  # before anything is written
        check_new(options.out, force=True)
        write_table(
            options.out, grade(options.submissions, options.notebooks, limits, options.jobs)
        )

    return report_errors(work)


if __name__ == "__main__":
    sys.exit(main())
