"""A notebook without its solutions, for students; `student_set` writes them all.

The solutions are in cells tagged "solution". Their statements that end in the comment `# solution`
are left out of the copy, and so are the answers to the questions; everything else that is code
stays, to the letter. A check, a cell tagged "check", judges the answers.
"""

import ast
import re
from collections.abc import Sequence
from contextlib import suppress

import nbformat

from ..errors import SRGANError
from .notebooks import BADGE, repository
from .set_repo import rewrite

MARK = "# solution"
YOURS = "# your code"
TITLE = "# @title"
ANSWER = re.compile(r"<details>\s*<summary>Answer</summary>.*?</details>", flags=re.DOTALL)
UNFOLD = re.compile(r"Answer first, then unfold\.")
# Words on what a copy has not; the code of a figure may be unfolded there, too.
LEFT = re.compile(
    r"[^.\n]*(then unfold|# solution|<summary>\s*(Answer|Solution)|unfold the answer)[^.\n]*"
)
INTRODUCTION = """## Exercises

The exercises need the setup cell and the imports of this notebook, and nothing in between. Replace
every `...` with your own code, run the cell, then the check below it, which says in one sentence
what is wrong. Each has a hint. All symbols and words of the course are in the
[glossary](https://github.com/{}/blob/{}/docs/glossary.md)."""
MAGIC = re.compile(r"^(\s*)[%!].*$", flags=re.MULTILINE)  # of IPython, and no Python
CHECK = re.compile(r"""\bcheck\(\s*["'](\d+\.\d+)["']""")


def stub(source: str) -> str:
    """A solution without what the student is to write.

    A marked assignment becomes `name = ...  # your code`, a marked `return` becomes `return ...`,
    and any other marked statement, or several in a row, one `...`. The mark stands at the end of a
    line of the statement; of a `for`, `with`, `if` or `def`, at the end of its first line. The
    title under which Colab folds a solution away is left out, too.

    Raises:
        SRGANError: nothing is marked, or a mark that belongs to no statement.
    """
    lines = [line for line in source.splitlines() if not line.startswith(TITLE)]
    marks = {n for n, line in enumerate(lines, start=1) if line.rstrip().endswith(MARK)}
    if not marks:
        raise SRGANError(f"A solution cell marks nothing with {MARK!r}: {lines[0]!r}.")
    left_out: dict[int, tuple[int, str]] = {}  # first line -> last line, what stands there instead
    for node in marked("\n".join(lines)):
        indent = " " * node.col_offset
        left_out[node.lineno] = (node.end_lineno, f"{indent}{_instead(node)}  {YOURS}")
    unused = marks - {n for first, (last, _) in left_out.items() for n in range(first, last + 1)}
    if unused:
        raise SRGANError(f"The mark in {lines[min(unused) - 1]!r} belongs to no statement.")

    made: list[str] = []
    number = 1
    while number <= len(lines):
        last, instead = left_out.get(number, (number, lines[number - 1]))
        repeated = number in left_out and made and made[-1] == instead
        if not (repeated and instead.lstrip().startswith("...")):
            made.append(instead)
        number = last + 1
    return "\n".join(made)


def marked(source: str) -> list[ast.stmt]:
    """The outermost marked statements of a solution, in their order."""
    lines = source.splitlines()
    marks = {n for n, line in enumerate(lines, start=1) if line.rstrip().endswith(MARK)}
    return _marked(ast.parse(source).body, marks)


def _marked(body: list[ast.stmt], marks: set[int]) -> list[ast.stmt]:
    found = []
    for node in body:
        inner = [s for name in ("body", "orelse", "finalbody") for s in getattr(node, name, [])]
        own = range(node.lineno, (inner[0].lineno if inner else node.end_lineno + 1))
        if marks & set(own):
            found.append(node)
        else:
            found += _marked(inner, marks)
    return found


def _instead(node: ast.stmt) -> str:
    if isinstance(node, ast.Return):
        return "return ..."
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        return f"{', '.join(map(ast.unparse, names))} = {', '.join(['...'] * len(names))}"
    return "..."


def tags(cell: nbformat.NotebookNode) -> Sequence[str]:
    """The tags of a cell, of which files from elsewhere may have none."""
    found = cell.get("metadata", {}).get("tags")
    return found if isinstance(found, list) else ()


def exercises(notebook: nbformat.NotebookNode) -> dict[str, tuple[int, int]]:
    """Number of each exercise -> indices of its solution cell and its check cell."""
    found, solution = {}, None
    for index, cell in enumerate(notebook.cells):
        if "solution" in tags(cell):
            solution = index
        elif "check" in tags(cell):
            number = CHECK.search(cell.source)
            if number is None or solution is None:
                raise SRGANError(f"The check in cell {index + 1} has no number or no solution.")
            found[number[1]] = solution, index
            solution = None
    return found


def published(notebook: nbformat.NotebookNode, chapter: nbformat.NotebookNode) -> set[str]:
    """Exercises whose answer in `notebook` is the course's solution, but for comments and spaces.

    A solution that is a number or a text alone counts only with its mark: there is one right one.
    """
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    statements = set()
    for source in code:
        with suppress(SyntaxError, ValueError):
            tree = ast.parse(MAGIC.sub(r"\1pass", source))
            statements |= {ast.dump(node) for node in ast.walk(tree) if isinstance(node, ast.stmt)}
    marks = {line.strip() for line in "\n".join(code).splitlines() if line.rstrip().endswith(MARK)}
    same = set()
    for number, (at, _) in exercises(chapter).items():
        source = chapter.cells[at].source
        solution = marked(source)
        lone = all(isinstance(getattr(node, "value", None), ast.Constant) for node in solution)
        known = {line.strip() for line in source.splitlines() if line.rstrip().endswith(MARK)}
        if {ast.dump(node) for node in solution} <= statements and (not lone or known <= marks):
            same.add(number)
    return same


def student_copy(
    notebook: nbformat.NotebookNode, home: tuple[str, str] | None = None
) -> nbformat.NotebookNode:
    """The notebook for students: with stubs for solutions, and without answers.

    A failing check does not stop a run of all cells.

    Args:
        home: OWNER/REPO and branch where the copies will be: badge, setup cell and links lead
            there. Without it there is no badge, for the course's own opens the solutions.

    Raises:
        SRGANError: a solution is marked in a wrong way, or a text speaks of what is not there.
    """
    copy = nbformat.from_dict(notebook)
    course = repository()
    for cell in copy.cells:
        if "solution" in tags(cell):
            cell.source = stub(cell.source)
            cell.metadata = {"tags": ["exercise"]}
        elif "check" in tags(cell):
            cell.metadata["tags"] = [*tags(cell), "raises-exception"]
        elif cell.cell_type == "markdown":
            cell.source = _text(cell.source, course)
        if home:
            cell.source = rewrite(cell.source, course, home)
        elif cell.cell_type == "markdown":
            cell.source = BADGE.sub("", cell.source).lstrip()
    return copy


def _text(text: str, course: tuple[str, str]) -> str:
    """A text of the course for those who have no solutions and no answers."""
    if text.startswith("## Exercises"):
        return INTRODUCTION.format(*course)
    text = UNFOLD.sub("Write your answer below each.", ANSWER.sub("*Your answer:*", text))
    if told := LEFT.search(text):
        raise SRGANError(f"A text speaks of what the copy has not: {told[0].strip()!r}.")
    return text
