"""Keep the notebooks in one shape: `python -m srgan_lib.course.notebooks --check | --write`.

`--write` puts `setup_cell.py` into the cell tagged "setup", sets the badge and the metadata that
Colab reads, and strips outputs. `--check` names everything that is not as it should be; the tests
run the same check.
"""

import argparse
import ast
import re
import sys
from pathlib import Path

import nbformat

from ..system.files import ROOT

NOTEBOOKS = ROOT / "notebooks"
SETUP = Path(__file__).with_name("setup_cell.py")
LONGEST_CELL = 25
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
BADGE = re.compile(r"\[!\[[^\]]*\]\([^)]*colab-badge\.svg\)\]\(([^)]*)\)")
KEPT_METADATA = {"tags", "cellView", "alt"}


def notebook_paths(folder: Path = NOTEBOOKS) -> list[Path]:
    """The chapters in their order."""
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def repository() -> tuple[str, str]:
    """OWNER/REPO and branch of the course, as the setup cell has them."""
    form = re.search(r'"https://github\.com/([\w.-]+/[\w.-]+)@([^"]+)"', SETUP.read_text("utf-8"))
    return form[1], form[2]


def badge(name: str) -> str:
    """The Markdown of the "Open in Colab" badge for the notebook file `name`."""
    owner_repo, branch = repository()
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
    for number, cell in enumerate(notebook.cells, start=1):
        found += [f"cell {number}: {problem}" for problem in _cell_problems(cell)]
    return [f"{path.name}: {problem}" for problem in found]


def tidy(path: Path) -> None:
    """Write the setup cell, the badge and the metadata, and strip everything that a run leaves."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        for key in cell.metadata.keys() - KEPT_METADATA:
            del cell.metadata[key]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if "setup" in cell.metadata.get("tags", ()):
                cell.source = SETUP.read_text("utf-8").rstrip()
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
    found = [problem for path in paths for problem in problems(path)]
    print("\n".join(found) or f"{len(paths)} notebooks are as they should be.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
