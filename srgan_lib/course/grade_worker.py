"""Runs one submission in the process that `grade` starts for it: `-m ... JOB.json RESULT.json`.

What is known so far is written after every cell, so a process that is killed loses nothing.
"""

import contextlib
import io
import json
import re
import resource
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import matplotlib

from .checks.base import ExerciseError, check

UNDEFINED = re.compile(r"['`](\w+)['`] is not defined")


class CellTimeout(BaseException):
    """A cell took longer than it may. No Exception, which an answer or a check would catch."""


@dataclass(frozen=True)
class Failure:
    """A cell that did not come to its end, and why: "Code cell 3: SyntaxError, line 2: ..."."""

    source: str
    sentence: str


def run(job: dict[str, Any], result: Path) -> None:
    """Run the cells of a job and write to `result` what every check said.

    Args:
        job: "cells" is a list of dicts: the "source", the "number" of the code cell in the
            notebook, the exercise that it "check"s or None, and whether it is the first below the
            text of a "new" exercise; "cell_seconds" is the time that each may take, "bytes" the
            memory of the process.
    """
    from IPython.core.interactiveshell import InteractiveShell

    matplotlib.use("agg")
    resource.setrlimit(resource.RLIMIT_DATA, (job["bytes"], job["bytes"]))
    signal.signal(signal.SIGALRM, _too_long)
    shell = InteractiveShell.instance()
    shell.showtraceback = lambda *args, **kwargs: None  # only the check's sentence is of interest
    shell.showsyntaxerror = shell.showindentationerror = shell.showtraceback
    said: dict[str, str | None] = {}
    failures: list[Failure] = []
    since = 0  # of the failures, the first one that belongs to the exercise at hand
    for cell in job["cells"]:
        _write(result, {"cell": cell["number"], "said": said})
        if cell["new"]:
            since = len(failures)
        if cell["check"]:
            shell.user_ns["check"] = check  # whatever the notebook has made of it
        signal.setitimer(signal.ITIMER_REAL, job["cell_seconds"])
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                done = shell.run_cell(cell["source"])
            error = done.error_before_exec or done.error_in_exec
        except BaseException as raised:  # also what IPython lets through, such as SystemExit
            error = raised
        signal.setitimer(signal.ITIMER_REAL, 0)
        if cell["check"]:
            verdict = error and _verdict(error, cell["check"], job["cell_seconds"])
            said[cell["check"]] = verdict and _with_cause(verdict, failures, since)
            since = len(failures)
        elif error is not None:
            why = _why(error, cell["source"], job["cell_seconds"])
            failures.append(Failure(cell["source"], f"Code cell {cell['number']}{why}"))
    _write(result, {"cell": None, "said": said})


def _too_long(number: int, frame: FrameType | None) -> None:
    raise CellTimeout


def _verdict(error: BaseException, exercise: str, seconds: float) -> str:
    """What a check that failed says."""
    if isinstance(error, ExerciseError):
        return str(error)
    if isinstance(error, CellTimeout):
        return f"Exercise {exercise}: its check took over {seconds:g} s: does your code end?"
    if isinstance(error, NameError) and error.name:
        return f"Exercise {exercise}: `{error.name}` is not defined."
    return f"The check could not be run ({type(error).__name__}: {error})."


def _why(error: BaseException, source: str, seconds: float) -> str:
    """What stopped a cell, to be put behind its name."""
    if isinstance(error, CellTimeout):
        return f" took over {seconds:g} s."
    kind, words = type(error).__name__, str(error)
    if isinstance(error, SyntaxError):
        with contextlib.suppress(ValueError):
            try:
                compile(source, "cell", "exec")
            except SyntaxError as plain:  # IPython's own words are "incomplete input" for most
                error = plain
        line, words = error.lineno, error.msg
    else:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((f.lineno for f in frames if f.filename.startswith("<ipython-input")), None)
    where = f"{kind}, line {line}" if line else kind
    return f": {where}: {words}." if words else f": {where}."


def _with_cause(verdict: str, failures: Sequence[Failure], since: int) -> str:
    """The verdict, and before it the cell to blame: of this exercise, or of what is missing."""
    own = list(failures[since:])
    if missing := UNDEFINED.search(verdict):
        word = re.compile(rf"\b{missing[1]}\b")
        own = [failure for failure in failures if word.search(failure.source)] or own
    return f"{own[-1].sentence} {verdict}" if own else verdict


def _write(result: Path, value: dict[str, Any]) -> None:
    """Replace the file in one go: it may be read, or the process killed, at any moment."""
    unfinished = result.with_suffix(".part")
    unfinished.write_text(json.dumps(value), encoding="utf-8")
    unfinished.replace(result)


if __name__ == "__main__":
    run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
