"""Runs one submission in the process that `grade` starts for it: `-m ... JOB.json RESULT.json`.

What is known so far is written after every cell, so a process that is killed loses nothing.
"""

import contextlib
import io
import json
import resource
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import matplotlib

from .checks.base import ExerciseError, check


class CellTimeout(Exception):
    """A cell took longer than it may."""


def run(job: dict[str, Any], result: Path) -> None:
    """Run the cells of a job and write to `result` what every check said.

    Args:
        job: "cells" is a list of (source, number of the exercise it checks or None),
            "cell_seconds" the time that each may take, "bytes" the memory of the process.
    """
    from IPython.core.interactiveshell import InteractiveShell

    matplotlib.use("agg")
    resource.setrlimit(resource.RLIMIT_DATA, (job["bytes"], job["bytes"]))
    signal.signal(signal.SIGALRM, _too_long)
    shell = InteractiveShell.instance()
    shell.showtraceback = lambda *args, **kwargs: None  # only the check's sentence is of interest
    said: dict[str, str | None] = {}
    for number, (source, exercise) in enumerate(job["cells"], start=1):
        _write(result, {"cell": number, "said": said})
        if exercise:
            shell.user_ns["check"] = check  # whatever the notebook has made of it
        signal.setitimer(signal.ITIMER_REAL, job["cell_seconds"])
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                done = shell.run_cell(source)
            error = done.error_before_exec or done.error_in_exec
        except BaseException as raised:  # also what IPython lets through, such as SystemExit
            error = raised
        signal.setitimer(signal.ITIMER_REAL, 0)
        if exercise:
            said[exercise] = None if error is None else _sentence(error)
    _write(result, {"cell": None, "said": said})


def _too_long(number: int, frame: FrameType | None) -> None:
    raise CellTimeout("the cell took too long")


def _sentence(error: BaseException) -> str:
    if isinstance(error, ExerciseError):
        return str(error)
    return f"The check could not be run ({type(error).__name__}: {error})."


def _write(result: Path, value: dict[str, Any]) -> None:
    """Replace the file in one go: it may be read, or the process killed, at any moment."""
    unfinished = result.with_suffix(".part")
    unfinished.write_text(json.dumps(value), encoding="utf-8")
    unfinished.replace(result)


if __name__ == "__main__":
    run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
