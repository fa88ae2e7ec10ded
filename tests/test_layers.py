"""Who may import whom: nothing lower imports anything higher, and nothing in a circle."""

import ast

import pytest

from srgan_lib.course.architecture import imports
from srgan_lib.system.files import PACKAGE

GRAPH = imports()
TOP = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
CORE = TOP | {"system"}
MAY_IMPORT = {
    "system": {"errors"},
    **dict.fromkeys(TOP, CORE),
    **dict.fromkeys(("display", "datasets", "performance", "course"), CORE),
    "results": CORE | {"display", "datasets", "performance"},
    "cli": CORE | {"datasets", "performance", "results"},
}


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_imports_run_one_way(name):
    assert GRAPH[name] <= MAY_IMPORT[name]


def test_the_top_level_is_what_a_student_reads():
    assert len(TOP) <= 16
    code = sum(lines_of_code(PACKAGE / f"{name}.py") for name in TOP)
    assert code <= 2_100


def lines_of_code(path) -> int:
    """Lines with code: neither blank, nor comments, nor docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, node.end_lineno + 1)
    }
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return sum(
        bool(s.strip()) and not s.lstrip().startswith("#") and n not in prose for n, s in lines
    )
