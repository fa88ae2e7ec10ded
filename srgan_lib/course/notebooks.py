"""Keep the notebooks in one shape: `python -m srgan_lib.course.notebooks --check | --write`.

`--write` puts `setup_cell.py` into the cell tagged "setup", sets the badge and the metadata that
Colab reads, and strips outputs. `--check` names everything that is not as it should be; the tests
run the same check. `--size` prints how much there is to read, chapter by chapter.
"""

import argparse
import ast
import re
import sys
from pathlib import Path

import nbformat

from ..errors import ConfigError
from ..system.files import ROOT

NOTEBOOKS = ROOT / "notebooks"
SETUP = Path(__file__).with_name("setup_cell.py")
LONGEST_CELL = 25
# What a student is not to read is folded under its title, in Colab and on the pages: cells that
# check the prose, and cells that draw.
FOLDED = {"prose-check", "figure"}
# The most that a numbered chapter may have; a companion (02b, ...) may be longer.
LIMITS = {"words of core text": 2700, "words": 3700, "cells": 90}
METADATA = {
    "accelerator": "GPU",
    "colab": {"gpuType": "T4", "provenance": [], "toc_visible": True},
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# A class with one of these bases is a network, a layer or a data set: it belongs in the library.
LIBRARY_BASES = {"Module", "Sequential", "ModuleList", "Function", "Dataset", "Optimizer"}
# So does a function that computes one of these; to draw one of them is what a notebook is for.
LIBRARY_FUNCTION = re.compile(
    r"(^|_)(loss(es)?|psnr|ssim|lpips|mse|mae|(im)?resize|bicubic|(up|down)(scale|sample)|kernels?"
    r"|degrade)\d*(_|$)",
    flags=re.IGNORECASE,
)
DRAWING_FUNCTION = re.compile(r"(plot|show|draw|print|display|compare)_")
NAME = re.compile(r"\d\d([a-z]?)_\w+\.ipynb$")  # with the letter of a companion
BADGE = re.compile(r"\[!\[[^\]]*\]\([^)]*colab-badge\.svg\)\]\(([^)]*)\)")
KEPT_METADATA = {"tags", "cellView", "alt"}


def notebook_paths(folder: Path = NOTEBOOKS) -> list[Path]:
    """The chapters and their companions (02b after 02) in their order."""
    return sorted(path for path in folder.glob("*.ipynb") if NAME.match(path.name))


def repository() -> tuple[str, str]:
    """OWNER/REPO and branch of the course, as the setup cell has them.

    Raises:
        ConfigError: it has none.
    """
    form = re.search(r'"https://github\.com/([\w.-]+/[\w.-]+)@([^"]+)"', SETUP.read_text("utf-8"))
    if form is None:
        raise ConfigError(
            f'{SETUP} names no repository: its second line is to be REPOSITORY = "https://'
            'github.com/OWNER/REPO@BRANCH"  # @param {type:"string"}.'
        )
    return form[1], form[2]


def badge(name: str, home: tuple[str, str] | None = None) -> str:
    """The Markdown of the "Open in Colab" badge for the notebook file `name`.

    Args:
        home: OWNER/REPO and branch that it is in; the course's if not given.
    """
    owner_repo, branch = home or repository()
    colab = "https://colab.research.google.com"
    link = f"{colab}/github/{owner_repo}/blob/{branch}/notebooks/{name}"
    return f"[![Open In Colab]({colab}/assets/colab-badge.svg)]({link})"


def problems(path: Path) -> list[str]:
    """Everything that is wrong with one notebook, a sentence each, with the cell it is in."""
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except (ValueError, nbformat.ValidationError) as error:
        return [f"{path.name} is not a valid notebook: {str(error).splitlines()[0]}"]
    found = list(_frame_problems(notebook, path.name))
    if (name := NAME.match(path.name)) and not name[1]:
        sizes = size(notebook)
        found += [
            f"{sizes[what]} {what}, the most is {most}: move what the story does not need to the "
            "companion"
            for what, most in LIMITS.items()
            if sizes[what] > most
        ]
    for number, cell in enumerate(notebook.cells, start=1):
        for rule in (_cell_problems, _fold_problems):
            found += [f"cell {number}: {problem}" for problem in rule(cell)]
    return [f"{path.name}: {problem}" for problem in found]


def size(notebook: nbformat.NotebookNode) -> dict[str, int]:
    """How much there is to read: the counts of `LIMITS`.

    Words are what stands between spaces in Markdown cells; the core text is without exercises and
    questions. Folded checks are not counted as cells.
    """
    words = core = 0
    aside = False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            if heading := re.match(r"##\s+(.*)", cell.source):
                aside = heading[1].strip() in ("Exercises", "Questions")
            count = len(cell.source.split())
            words += count
            core += 0 if aside else count
    cells = sum("prose-check" not in cell.metadata.get("tags", ()) for cell in notebook.cells)
    return {"words of core text": core, "words": words, "cells": cells}


def tidy(path: Path) -> None:
    """Write the setup cell, the badge and the metadata, and strip everything that a run leaves."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        for key in cell.metadata.keys() - KEPT_METADATA:
            del cell.metadata[key]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            tags = set(cell.metadata.get("tags", ()))
            if "setup" in tags:
                cell.source = SETUP.read_text("utf-8").rstrip()
            if tags & (FOLDED | {"setup"}):
                cell.metadata["cellView"] = "form"
    first = notebook.cells[0]
    if first.cell_type == "markdown":
        first.source = f"{badge(path.name)}\n\n{BADGE.sub('', first.source).strip()}"
    notebook.metadata = METADATA
    nbformat.write(notebook, path)


def _frame_problems(notebook: nbformat.NotebookNode, name: str):
    """What the notebook as a whole is missing: opening, setup cell, closing and metadata."""
    cells = notebook.cells
    code = [index for index, cell in enumerate(cells) if cell.cell_type == "code"]
    if not code:
        yield "it has no code cell"
        return
    opening = "\n".join(cell.source for cell in cells[: code[0]])
    closing = "\n".join(cell.source for cell in cells[code[-1] + 1 :])
    if badge(name) not in cells[0].source:
        yield f"the first cell lacks its own badge, {badge(name)}"
    for words in ("What you will learn", "Prerequisites", "Time", "T4", "CPU"):
        if words.lower() not in opening.lower():
            yield f"the cells before the setup cell do not say {words!r}"
    for words in ("Summary", "Next"):
        if not re.search(rf"^#+ .*\b{words}\b", closing, flags=re.MULTILINE | re.IGNORECASE):
            yield f"the cells after the last code cell have no heading with {words!r}"
    tagged = [index for index, cell in enumerate(cells) if "setup" in cell.metadata.get("tags", ())]
    if tagged != code[:1]:
        yield "exactly the first code cell is to have the tag 'setup'"
    elif cells[tagged[0]].source != SETUP.read_text("utf-8").rstrip():
        yield "the setup cell differs from tools/setup_cell.py; run --write"
    if notebook.metadata != METADATA:
        yield "the metadata are not what Colab needs (T4, no widget state); run --write"


def _cell_problems(cell: nbformat.NotebookNode):
    if not cell.source.strip():
        yield "it is empty"
    if extra := cell.metadata.keys() - KEPT_METADATA:
        yield f"it has the metadata {', '.join(sorted(extra))}; run --write"
    if cell.cell_type != "code":
        return
    if cell.outputs or cell.execution_count is not None:
        yield "it has stored outputs or a count; run --write"
    lines = len(cell.source.splitlines())
    if lines > LONGEST_CELL:
        yield f"{lines} lines are too many to read at once, the most is {LONGEST_CELL}"
    if re.search(r"\b(pip|conda|apt|apt-get)\s+install\b", cell.source):
        yield "it installs something; the setup cell alone does that"
    # Magics and shell commands are no Python: they become `pass`, so that the rest can be parsed.
    python = re.sub(r"^(\s*)[%!].*$", r"\1pass", cell.source, flags=re.MULTILINE)
    try:
        tree = ast.parse(python)
    except SyntaxError as error:
        yield f"line {error.lineno} is not valid Python"
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
            if bases & LIBRARY_BASES:
                yield f"class {node.name} belongs in srgan_lib"
        for name in _defined_functions(node):
            if LIBRARY_FUNCTION.search(name) and not DRAWING_FUNCTION.match(name):
                yield f"function {name} belongs in srgan_lib"


def _fold_problems(cell: nbformat.NotebookNode):
    """What stands open and should be folded, or is folded without a title."""
    tags = set(cell.metadata.get("tags", ()))
    if cell.cell_type != "code" or tags & {"setup", "solution", "check"}:
        return
    if folded := sorted(tags & FOLDED):
        if not re.match(r"# @title \S", cell.source):
            yield f"it has the tag {folded[0]!r}, so its first line is to be '# @title ...'"
        elif cell.metadata.get("cellView") != "form":
            yield "it is to be folded in Colab; run --write"
    try:
        nodes = list(ast.walk(ast.parse(cell.source)))
    except SyntaxError:  # magics; what is no Python at all is found elsewhere
        return
    if "prose-check" not in tags:
        if any(isinstance(node, ast.Assert) for node in nodes):
            yield "an assert belongs in a cell of its own with the tag 'prose-check'"
        if any(isinstance(node, ast.Constant) and node.value == "smoke" for node in nodes):
            yield "what is done in the profile 'smoke' alone belongs in the library, or in a check"
    if "figure" not in tags and any(_draws(node) for node in nodes):
        yield "a figure and its alternative text belong in a cell with the tag 'figure'"


def _draws(node: ast.AST) -> bool:
    """Whether this is a call that takes the alternative text of a figure."""
    return isinstance(node, ast.Call) and (
        ast.unparse(node.func) == "plots.show" or any(word.arg == "alt" for word in node.keywords)
    )


def _defined_functions(node: ast.AST) -> list[str]:
    """Names that a `def`, or an assigned `lambda`, gives to a function."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
        return [ast.unparse(target) for target in node.targets]
    return []


def main(arguments: list[str] | None = None) -> int:
    """Check or write; the exit status is 1 if a check found something."""
    parser = argparse.ArgumentParser(
        prog="python -m srgan_lib.course.notebooks", description=__doc__.splitlines()[0]
    )
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="name what is wrong, change nothing")
    action.add_argument("--write", action="store_true", help="set setup cell, badge and metadata")
    action.add_argument("--size", action="store_true", help="print words and cells of each chapter")
    parser.add_argument("folder", nargs="?", type=Path, default=NOTEBOOKS)
    options = parser.parse_args(arguments)
    paths = notebook_paths(options.folder)
    if not paths:
        print(f"There are no notebooks in {options.folder}.", file=sys.stderr)
        return 1
    if options.write:
        for path in paths:
            tidy(path)
        return 0
    if options.size:
        for path in paths:
            sizes = size(nbformat.read(path, as_version=4))
            print(f"{path.stem}: " + ", ".join(f"{count} {what}" for what, count in sizes.items()))
        return 0
    found = [problem for path in paths for problem in problems(path)]
    print("\n".join(found) or f"{len(paths)} notebooks are as they should be.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
