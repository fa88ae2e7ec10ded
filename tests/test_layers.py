"""Imports inside the library run one way: nothing lower imports anything higher."""

import ast
from pathlib import Path

LIBRARY = Path(__file__).resolve().parent.parent / "srgan_lib"
ORDER = [
    *("errors", "paths", "console", "ranges", "devices", "interrupts", "published"),
    *("files", "images", "png", "degradation"),
    *("download", "archives"),
    *("datasets", "data", "shards", "models", "fast", "pretrained", "vgg", "losses", "recipes"),
    *("checkpoints", "averages", "graphs", "resuming", "training", "adversarial", "distributed"),
    *("inference", "streaming", "footprint", "metrics", "artifacts", "evaluation"),
    *("runs", "plain", "benchmark", "plots", "widgets", "compare", "film", "markdown", "cards"),
    *("strips", "results_page", "results", "reproduce", "environment", "commands"),
    *("cli", "__main__", "__init__"),
]


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names |= {node.module.split(".")[0]} if node.module else {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "srgan_lib":
            names |= {alias.name for alias in node.names}
    return names


def test_every_module_has_its_place():
    assert {path.stem for path in LIBRARY.glob("*.py")} == set(ORDER)


def test_imports_run_one_way():
    for path in LIBRARY.glob("*.py"):
        higher = [n for n in imported(path) if ORDER.index(n) >= ORDER.index(path.stem)]
        assert not higher, f"{path.name} imports {higher}"


def test_files_are_small():
    for path in LIBRARY.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 300, path
