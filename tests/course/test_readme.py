"""README keeps to its size, leads to files that exist, and says what the other pages say."""

import re

import nbformat
import pytest

from srgan_lib.course.notebooks import NAME, NOTEBOOKS, notebook_paths
from srgan_lib.system.files import ROOT
from srgan_lib.weights import shipped_weights

README = (ROOT / "README.md").read_text(encoding="utf-8")
WEIGHTS = (ROOT / "data" / "weights" / "README.md").read_text(encoding="utf-8")


def test_it_is_short():
    assert len(README.splitlines()) <= 120


@pytest.mark.parametrize("page", ["README.md", "data/weights/README.md", "data/weights/history.md"])
def test_every_link_leads_to_a_file(page):
    path = ROOT / page
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
    assert links and not [
        link for link in links if "://" not in link and not (path.parent / link).exists()
    ]


def test_every_notebook_can_be_opened_from_it():
    for path in notebook_paths():
        assert f"(notebooks/{path.name})" in README
        if NAME.match(path.name)[1] == "":  # a companion has a badge of its own inside
            assert f"/blob/main/notebooks/{path.name})" in README


def test_the_minutes_of_a_chapter_are_its_own():
    rows = re.findall(r"^\| \d \| .*?notebooks/(\w+)\.ipynb\).*?\| (\d+) \| \[", README, re.M)
    assert len(rows) >= 7
    for name, minutes in rows:
        notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
        opening = notebook.cells[0].source
        assert re.search(rf"\*\*Time\*\*:? (About )?{minutes} minutes to read and run", opening)


def test_every_shipped_network_is_in_the_list():
    for name in shipped_weights():
        assert f"`{name}`" in WEIGHTS and f"({name}.md)" in WEIGHTS
