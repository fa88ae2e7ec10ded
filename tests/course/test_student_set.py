"""What a teacher hands out: complete, without solutions, and nothing of anybody's is lost."""

import json
import re
import subprocess
import sys
from urllib.parse import urlsplit

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from srgan_lib.course import notebooks, student_set
from srgan_lib.course.notebooks import ROOT, badge, notebook_paths, repository

HOME = ("teacher/class", "spring")
NAMES = [path.name for path in notebook_paths()]


@pytest.fixture(scope="module")
def handed(tmp_path_factory):
    """The set of the course for a branch."""
    folder = tmp_path_factory.mktemp("set")
    options = ["--repo", "@".join(HOME), "--output", str(folder)]
    assert student_set.main(options) == 0
    return folder


def test_it_holds_all_that_the_course_reads_and_nothing_else(handed):
    found = {path.relative_to(handed) for path in handed.rglob("*") if path.is_file()}
    # Other tests have run it: what Python then keeps of it was not handed out.
    files = {path.as_posix() for path in found if "__pycache__" not in path.parts}
    taken = "srgan_lib data/samples data/weights data/results data/stored"
    command = ["git", "ls-files", *taken.split()]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.split()
    assert tracked and {name for name in tracked if (ROOT / name).exists()} <= files
    assert {f"notebooks/{name}" for name in NAMES} | {"requirements.txt", "LICENSE"} <= files
    listed = json.loads((handed / student_set.LIST).read_text()).keys()
    assert listed == files - {student_set.LIST}
    assert not [name for name in listed if "__pycache__" in name or "checkpoints/" in name]


def test_badges_setup_cells_and_links_lead_to_its_own_home(handed):
    owner = repository()[0]
    for name in NAMES:
        notebook = nbformat.read(handed / "notebooks" / name, as_version=4)
        text = "\n".join(cell.source for cell in notebook.cells)
        assert badge(name, HOME) in notebook.cells[0].source
        assert f'REPOSITORY = "https://github.com/{HOME[0]}@{HOME[1]}"' in text
        assert f"github.com/{owner}" not in text and f"github/{owner}" not in text
        for link in re.findall(rf"https://github\.com/{HOME[0]}/[a-z]+/{HOME[1]}/([^)\s]+)", text):
            assert (handed / urlsplit(link).path).exists(), link
    page = (handed / "README.md").read_text()
    assert all(badge(name, HOME) in page for name in NAMES)
    for link in re.findall(r"\]\(((?!http)[^)]+)\)", page):
        assert (handed / link).exists(), link


def test_a_notebook_opened_where_it_lies_runs_the_library_of_the_set(handed):
    cell = next(cell.source for cell in nbformat.read(handed / "notebooks" / NAMES[0], 4).cells
                if "setup" in cell.metadata.get("tags", ()))  # fmt: skip
    seen = "import srgan_lib.course.setup as s; s.setup = lambda library, **_: print(s.ROOT)"
    cell = cell.replace("from srgan_lib.course.setup", f"{seen}\nfrom srgan_lib.course.setup")
    done = subprocess.run(
        [sys.executable, "-c", cell], cwd=handed / "notebooks", env={"PATH": "/nowhere"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == str(handed.resolve()), done.stderr


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A course of one notebook; returns its path, what writes its set, and where."""
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    solution = new_code_cell("x = 1  # solution", metadata={"tags": ["solution"]})
    check = new_code_cell('check("1.1", x)', metadata={"tags": ["check"]})
    title = new_markdown_cell(f"{badge('01_one.ipynb')}\n\n# One")
    nbformat.write(new_notebook(cells=[title, solution, check]), source / "01_one.ipynb")
    monkeypatch.setattr(student_set, "TAKEN", ("requirements.txt",))

    def write(*options):
        where = ["--notebooks", str(source), "--output", str(output)]
        return student_set.main([*where, *options])

    return source / "01_one.ipynb", write, output


def change(path, **cell):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].update(cell)
    nbformat.write(notebook, path)


def test_without_a_home_there_are_stubs_and_no_badge(small):
    _, write, output = small
    assert write() == 0
    copy = nbformat.read(output / "notebooks" / "01_one.ipynb", as_version=4)
    assert [cell.source for cell in copy.cells[:2]] == ["# One", "x = ...  # your code"]
    assert "raises-exception" in copy.cells[2].metadata.tags
    assert "badge" not in (output / "README.md").read_text()


@pytest.mark.parametrize("name", ["notebooks/01_one.ipynb", "README.md", "requirements.txt"])
def test_what_a_teacher_has_changed_is_not_lost(small, name, capsys):
    _, write, output = small
    write()
    if name.endswith(".ipynb"):
        change(output / name, source="x = ...  # count the bias, too")
    else:
        (output / name).write_text("mine")
    (output / "mine.txt").write_text("mine")
    mine = (output / name).read_bytes()
    assert write("--repo", "a/b@c") != 0
    assert f"would be lost, {name}: name another folder" in capsys.readouterr().err
    assert (output / name).read_bytes() == mine
    assert write("--repo", "a/b@c", "--force") == 0
    assert (output / name).read_bytes() != mine and (output / "mine.txt").read_text() == "mine"


def test_a_set_is_written_anew_after_a_run_and_without_what_is_no_longer_in_it(small):
    path, write, output = small
    write()
    change(output / "notebooks" / "01_one.ipynb", execution_count=3)
    path.rename(path.with_name("01_first.ipynb"))
    assert write("--repo", "a/b@c") == 0
    assert [p.name for p in (output / "notebooks").iterdir()] == ["01_first.ipynb"]
    assert "01_one" not in (output / "README.md").read_text()


def test_the_set_is_not_written_over_the_course(small, capsys):
    path, write, output = small
    assert write("--repo", "@".join(repository())) != 0
    assert "is where the course with its solutions is" in capsys.readouterr().err
    before = path.read_bytes()
    target = path.parent / "notebooks"
    target.mkdir()
    path.rename(target / path.name)
    options = ["--notebooks", str(target), "--output", str(path.parent)]
    assert student_set.main(options) != 0
    assert (target / path.name).read_bytes() == before and not output.exists()


@pytest.mark.parametrize("repo", ["", "a/b", "a/b@", "b@main", "https://github.com/a/b@main"])
def test_a_home_that_cannot_be_is_refused(small, repo, capsys):
    _, write, output = small
    assert write("--repo", repo) != 0 and not output.exists()
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_what_is_wrong_with_a_notebook_is_named(small, capsys):
    path, write, output = small
    change(path, source="x = 1")
    assert write() != 0 and not output.exists()
    assert "01_one.ipynb: A solution cell marks nothing" in capsys.readouterr().err
    change(path, metadata={})
    assert write() != 0
    path.unlink()
    assert write() != 0 and "has exercises" in capsys.readouterr().err
    assert notebooks.NOTEBOOKS.is_dir()
