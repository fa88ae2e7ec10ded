"""The pages in docs/ name chapters, sections, files and points that exist."""

import re

import nbformat
import pytest

from srgan_lib.course import architecture
from srgan_lib.course.checks import EXERCISES
from srgan_lib.course.notebooks import ROOT, notebook_paths
from srgan_lib.errors import SRGANError
from srgan_lib.recipes import PROFILES

PAGES = sorted((ROOT / "docs").glob("*.md"))


def sections():
    """Numbers of all sections, "3.6" and "3b.1" say."""
    sources = [
        cell.source
        for path in notebook_paths()
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
    ]
    return set(re.findall(r"^## (\d[a-z]?\.\d+) ", "\n".join(sources), flags=re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_link_leads_to_a_file(page):
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


def test_every_section_that_is_named_exists():
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = [line.rstrip(" |").rpartition("| ")[2] for line in glossary.splitlines()]
    named = {number for row in rows for number in re.findall(r"(?:^|, )(\d[a-z]?\.\d+)", row)}
    assert len(named) > 15 and not named - sections()

    plan = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8").partition("## Exercises")[0]
    named = set(re.findall(r"(?<![\d.])([1-7]\.\d{1,2})(?= \||, |;|\)| are| or|\.?$)", plan, re.M))
    minutes = {"0.5"}
    assert len(named) > 10 and not named - sections() - minutes


def test_the_points_of_a_chapter_are_as_promised():
    for chapter in "12345":
        points = [e.points for n, e in EXERCISES.items() if n.startswith(chapter)]
        assert sum(points) == 8 and set(points) == {1, 2, 3}


def test_the_lengths_of_the_trainings_are_those_of_the_profiles():
    plan = " ".join((ROOT / "docs" / "teaching.md").read_text(encoding="utf-8").split())
    cpu, colab = PROFILES["cpu"], PROFILES["colab"]
    for length in (colab.pretrain, cpu.pretrain, colab.adversarial, cpu.adversarial):
        assert f"{length.minutes} minutes" in plan


def test_the_figure_of_the_architecture_is_current():
    assert architecture.main(["--check"]) == 0


def test_what_the_figure_shows(tmp_path, capsys):
    def module(name, text):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    module("__init__.py", "")
    module("errors.py", "import os")
    module("files.py", "from .errors import SRGANError")
    module("data.py", "from . import files\nfrom .errors import SRGANError")
    module("checks/one.py", "def later():\n    from ..data import samples\nfrom .two import x")
    module("checks/two.py", "")
    module("alone.py", f"import {tmp_path.name}")
    graph = architecture.imports(tmp_path)
    assert graph["data"] == {"files", "errors"} and graph["checks"] == {"data"}
    assert architecture.diagram(graph).split("\n")[1:] == [
        "    checks --> data", "    data --> files", "    files --> errors", "    alone",
    ]  # fmt: skip

    module("errors.py", "from .data import samples")
    with pytest.raises(SRGANError, match="in a circle"):
        architecture.imports(tmp_path)
