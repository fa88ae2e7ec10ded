"""Execute the notebooks and build the handout: `python -m srgan_lib.course.handout.build`.

The pages work from a file, without a network: pictures are embedded, formulas are MathML. A cell
that raises, a picture without alt text, a formula that cannot be converted, an external request or
a dead link ends the build with a sentence that names notebook and cell.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from ...errors import SRGANError
from ...system.process import open_output
from ..notebooks import NOTEBOOKS, ROOT, notebook_paths
from ..your_picture.build import NAME as YOUR_PICTURE
from ..your_picture.build import build_page
from .book import PAPERS, print_book
from .browser import BrowserError, open_browser
from .documents import documents
from .faults import faults, faults_shown, oversize
from .layout import Layout, duration
from .lecture import NAME as LECTURE
from .lecture import lecture
from .pages import Page, render

CLEAR = "\r\x1b[K"  # what is on the terminal's line
OUTPUT = ROOT / "build" / "handout"
MARK = ".handout"  # in a folder that a build may clear


class HandoutError(SRGANError):
    """What is wrong with the handout: one sentence for each fault."""


class _Client(NotebookClient):
    """Notes when the kernel last said anything: an output, or the move of a progress bar."""

    moved = 0.0

    def process_message(self, *args, **kwargs):
        self.moved = time.monotonic()
        return super().process_message(*args, **kwargs)


def execute(path: Path, timeout: int, **kernel_options) -> tuple[nbformat.NotebookNode, float]:
    """Run a notebook in its own folder, with progress.

    A cell may take as long as it needs, as long as it shows that it goes on: a slow machine is no
    fault.

    Args:
        timeout: seconds that a cell may be silent for.
        kernel_options: passed on to the kernel's start, such as `env`.

    Returns:
        The notebook with its outputs, and the seconds it took; both are in its metadata, too.

    Raises:
        HandoutError: a cell raised, was silent for too long or killed the kernel.
    """
    notebook = nbformat.read(path, as_version=4)
    total, current, started = len(notebook.cells), 0, time.monotonic()
    live = sys.stdout.isatty()  # a terminal shows one line that changes, a log a line now and then

    def enter(cell: nbformat.NotebookNode, cell_index: int) -> None:
        nonlocal current
        current, client.moved = cell_index + 1, time.monotonic()

    client = _Client(
        notebook,
        timeout=None,
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=enter,
        extra_arguments=["--log-level=ERROR"],  # else each kernel warns that it talks over TCP
    )

    async def run() -> None:
        task = asyncio.ensure_future(client.async_execute(**kernel_options))
        while not (await asyncio.wait({task}, timeout=1 if live else min(15, timeout)))[0]:
            took = duration(time.monotonic() - started)
            line = f"{path.stem}: cell {current} of {total}, {took}"
            print(f"{CLEAR}{line}" if live else line, end="" if live else "\n", flush=True)
            if current and time.monotonic() - client.moved > timeout:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)  # the kernel ends with it
                raise CellTimeoutError
        await task

    try:
        asyncio.run(run())
    except CellExecutionError as error:
        print(error.traceback, file=sys.stderr)
        what = " ".join(error.evalue.split())  # one line, even of a message with several
        raise HandoutError(f"{path.stem}, cell {current}: {error.ename}: {what}") from error
    except CellTimeoutError as error:
        raise HandoutError(
            f"{path.stem}, cell {current}: nothing has moved for {timeout} s. `make handout` goes "
            "on from the checkpoints of this run."
        ) from error
    except DeadKernelError as error:
        raise HandoutError(f"{path.stem}, cell {current}: the kernel died.") from error
    seconds = time.monotonic() - started
    print(f"{CLEAR if live else ''}{path.stem}: {total} cells in {duration(seconds)}", flush=True)
    profile = os.environ.get("SRGAN_PROFILE")
    notebook.metadata["handout"] = {"seconds": round(seconds, 1), "profile": profile}
    return notebook, seconds


def build(
    notebooks: Path = NOTEBOOKS,
    output: Path = OUTPUT,
    timeout: int = 1800,
    executed: bool = False,
) -> list[Page]:
    """Execute all notebooks of a folder; write them, their pages, an index and PDFs to `output`.

    Without a Chromium the pages are not tried out and there are no PDFs; a line says so.

    Args:
        timeout: seconds that a cell may be silent for.
        executed: take the notebooks as the last build has executed them.

    Raises:
        HandoutError: there are no notebooks, `output` holds files of somebody else, or one sentence
            for every fault.
        BookError: a PDF has not become what it should.
    """
    source = output if executed else notebooks
    paths = notebook_paths(source)
    if not paths:
        raise HandoutError(f"There are no notebooks in {source}.")
    _clear(output, ("html", "pdf") if executed else ("html", "pdf", "ipynb"))
    if not executed:
        for path in paths:
            nbformat.write(execute(path, timeout)[0], output / path.name)
    pages = [render(p.stem, nbformat.read(output / p.name, as_version=4)) for p in paths]
    try:
        _write(pages, output)
    except SRGANError:
        for page in output.glob("*.html"):  # a page with a fault is no page
            page.unlink()
        raise
    return pages


def _clear(output: Path, endings: Sequence[str]) -> None:
    """Remove what an earlier build has left there, and nothing where no build has been."""
    found = sorted(path for ending in endings for path in output.glob(f"*.{ending}"))
    if found and output.resolve() != OUTPUT and not (output / MARK).exists():
        named = ", ".join(path.name for path in found[:3])
        raise HandoutError(
            f"{output} has files that would be replaced and come from no build, such as {named}: "
            "name another folder."
        )
    output.mkdir(parents=True, exist_ok=True)
    (output / MARK).touch()
    for path in found:
        path.unlink()


def _write(pages: list[Page], output: Path) -> None:
    """Write the pages, the PDFs and the index, or raise with what is wrong."""
    others = documents([page.name for page in pages])
    every = [*pages, *others]
    anchors = {f"{p.name}.html": {tag["id"] for tag in p.body.find_all(id=True)} for p in every}
    anchors |= {"index.html": set(), YOUR_PICTURE: set()}
    _end_if([fault for page in every for fault in faults(page, anchors)])
    layout = Layout(pages, others)
    heavy = []
    for page in every:
        html = layout.page(page)
        heavy += oversize(page, html)
        (output / f"{page.name}.html").write_text(html, encoding="utf-8")
    _end_if(heavy)
    prints = {}
    try:
        with open_browser() as browser:
            _end_if([fault for page in every for fault in faults_shown(page, output, browser)])
            for paper in PAPERS:
                prints[paper] = f"srgan-course-{paper.lower()}.pdf"
                print_book(layout, browser, output / prints[paper], paper)
    except BrowserError as error:
        print(f"No PDF was made. {error}")
    build_page(output / YOUR_PICTURE)
    slides = lecture({page.name: page.notebook for page in pages})
    (output / LECTURE).write_text(slides, encoding="utf-8")
    (output / "index.html").write_text(layout.index(prints), encoding="utf-8")


def _end_if(found: list[str]) -> None:
    if found:
        raise HandoutError("\n".join(found))


@open_output()  # it prints names, and paths of any alphabet
def main(arguments: list[str] | None = None) -> int:
    """Build the handout; the exit status is 1 if it has a fault."""
    parser = argparse.ArgumentParser(
        prog="python -m srgan_lib.course.handout.build",
        description="Execute the notebooks as pages.",
    )
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help="folder to read")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder to write")
    parser.add_argument(
        "--timeout", type=int, default=1800, help="seconds a cell may be silent for"
    )
    parser.add_argument(
        "--executed", action="store_true", help="only the pages anew, from the last execution"
    )
    options = parser.parse_args(arguments)
    try:
        pages = build(options.notebooks, options.output, options.timeout, options.executed)
    except SRGANError as error:
        print(error, file=sys.stderr)
        return 1
    total = duration(sum(page.seconds for page in pages))
    print(f"{len(pages)} notebooks executed in {total}: {options.output / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
