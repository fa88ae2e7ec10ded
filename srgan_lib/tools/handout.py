"""Execute the notebooks and build the handout: `python -m srgan_lib.tools.handout`.

The pages work from a file, without a network: pictures are embedded, formulas are MathML. A cell
that raises, a picture without alt text, a formula that cannot be converted, an external request or
a dead link ends the build with a sentence that names notebook and cell.
"""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

import nbformat
from jinja2 import Environment, FileSystemLoader
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from pygments.formatters import HtmlFormatter

from ..errors import SRGANError
from .notebooks import NOTEBOOKS, ROOT, notebook_paths
from .pages import Page, faults, render

TEMPLATES = Path(__file__).with_name("templates")
CLEAR = "\r\x1b[K"  # what is on the terminal's line
OUTPUT = ROOT / "build" / "handout"


class HandoutError(SRGANError):
    """What is wrong with the handout: one sentence for each fault."""


def execute(path: Path, timeout: int, **kernel_options) -> tuple[nbformat.NotebookNode, float]:
    """Run a notebook in its own folder, with progress.

    Args:
        timeout: seconds that a cell may take.
        kernel_options: passed on to the kernel's start, such as `env`.

    Returns:
        The notebook with its outputs, and the seconds it took.

    Raises:
        HandoutError: a cell raised, took too long or killed the kernel.
    """
    notebook = nbformat.read(path, as_version=4)
    total, current, started = len(notebook.cells), 0, time.monotonic()
    live = sys.stdout.isatty()  # a terminal shows one line that changes, a log a line now and then

    def enter(cell: nbformat.NotebookNode, cell_index: int) -> None:
        nonlocal current
        current = cell_index + 1

    client = NotebookClient(
        notebook,
        timeout=timeout,
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=enter,
        extra_arguments=["--log-level=ERROR"],  # else each kernel warns that it talks over TCP
    )

    async def run() -> None:
        task = asyncio.ensure_future(client.async_execute(**kernel_options))
        while not (await asyncio.wait({task}, timeout=1 if live else 15))[0]:
            took = duration(time.monotonic() - started)
            line = f"{path.stem}: cell {current} of {total}, {took}"
            print(f"{CLEAR}{line}" if live else line, end="" if live else "\n", flush=True)
        await task

    try:
        asyncio.run(run())
    except CellExecutionError as error:
        print(error.traceback, file=sys.stderr)
        raise HandoutError(f"{path.stem}, cell {current}: {error.ename}: {error.evalue}") from error
    except CellTimeoutError as error:
        raise HandoutError(f"{path.stem}, cell {current} took over {timeout} s.") from error
    except DeadKernelError as error:
        raise HandoutError(f"{path.stem}, cell {current}: the kernel died.") from error
    seconds = time.monotonic() - started
    print(f"{CLEAR if live else ''}{path.stem}: {total} cells in {duration(seconds)}", flush=True)
    return notebook, seconds


def build(notebooks: Path = NOTEBOOKS, output: Path = OUTPUT, timeout: int = 1800) -> list[Page]:
    """Execute all notebooks of a folder; write them, their pages and the index to `output`.

    Raises:
        HandoutError: there are no notebooks, or one sentence for every fault.
    """
    paths = notebook_paths(notebooks)
    if not paths:
        raise HandoutError(f"There are no notebooks in {notebooks}.")
    output.mkdir(parents=True, exist_ok=True)
    for old in [*output.glob("*.html"), *output.glob("*.ipynb")]:
        old.unlink()
    pages = []
    for path in paths:
        notebook, seconds = execute(path, timeout)
        nbformat.write(notebook, output / path.name)
        pages.append(render(path.stem, notebook, seconds))

    anchors = {f"{p.name}.html": {tag["id"] for tag in p.body.find_all(id=True)} for p in pages}
    anchors["index.html"] = set()
    found = [fault for page in pages for fault in faults(page, anchors)]
    if found:
        raise HandoutError("\n".join(found))

    templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    templates.filters["duration"] = duration
    templates.globals["style"] = (TEMPLATES / "style.css").read_text("utf-8") + HtmlFormatter(
        style="xcode"
    ).get_style_defs(".highlight")
    for number, page in enumerate(pages):
        html = templates.get_template("page.html").render(
            page=page,
            before=pages[number - 1] if number else None,
            after=pages[number + 1] if number + 1 < len(pages) else None,
        )
        (output / f"{page.name}.html").write_text(html, encoding="utf-8")
    html = templates.get_template("index.html").render(
        pages=pages, profile=os.environ.get("SRGAN_PROFILE")
    )
    (output / "index.html").write_text(html, encoding="utf-8")
    return pages


def duration(seconds: float) -> str:
    """Seconds as a reader says them: 125 is "2 min 05 s"."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def main(arguments: list[str] | None = None) -> int:
    """Build the handout; the exit status is 1 if it has a fault."""
    parser = argparse.ArgumentParser(
        prog="python -m srgan_lib.tools.handout", description="Execute the notebooks as pages."
    )
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help="folder to read")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder to write")
    parser.add_argument("--timeout", type=int, default=1800, help="seconds a cell may take")
    options = parser.parse_args(arguments)
    try:
        pages = build(options.notebooks, options.output, options.timeout)
    except HandoutError as error:
        print(error, file=sys.stderr)
        return 1
    total = duration(sum(page.seconds for page in pages))
    print(f"{len(pages)} notebooks executed in {total}: {options.output / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
