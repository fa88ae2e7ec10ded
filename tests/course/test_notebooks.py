"""The shape of the course's notebooks, and that each check on it can fail."""

import json
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from srgan_lib.course import notebooks, set_repo
from srgan_lib.errors import ConfigError

CHAPTERS = [
    "01_problem_formulation",
    "02_data_preparation",
    "02b_data_in_depth",
    "03_srresnet_pretraining",
    "03b_srresnet_in_depth",
    "04_srgan_training",
    "04b_srgan_in_depth",
    "05_visual_comparison",
    "06_ablation",
    "07_mistakes",
    "08_unknown_degradation",
]
OPENING = "# Tiny\n\n**What you will learn** a\n\n**Prerequisites** b\n\n**Time** T4 1 s, CPU 2 s"
CLOSING = "## Summary\n\nIt was so.\n\n## Next\n\nMore."


def test_the_course_has_its_chapters():
    assert [path.stem for path in notebooks.notebook_paths()] == CHAPTERS


@pytest.mark.parametrize("path", notebooks.notebook_paths(), ids=lambda path: path.stem)
def test_a_chapter_is_as_it_should_be(path):
    assert notebooks.problems(path) == []


@pytest.fixture
def good(tmp_path):
    """The path of a tiny notebook without a fault, and its content."""
    path = tmp_path / "07_tiny.ipynb"
    notebook = new_notebook(
        cells=[
            new_markdown_cell(OPENING),
            new_code_cell("pass", metadata={"tags": ["setup"]}),
            new_code_cell("1 + 1"),
            new_markdown_cell(CLOSING),
        ]
    )
    nbformat.write(notebook, path)
    notebooks.tidy(path)
    return path, nbformat.read(path, as_version=4)


def test_writing_makes_a_good_notebook_and_changes_it_no_more(good):
    path, _ = good
    assert notebooks.problems(path) == []
    before = path.read_bytes()
    notebooks.tidy(path)
    assert path.read_bytes() == before


def edit_cell(index, **changes):
    return lambda notebook: notebook.cells[index].update(changes)


def add_code(source, *tags):
    metadata = {"tags": list(tags), "cellView": "form"} if tags else {}
    return lambda notebook: notebook.cells.insert(2, new_code_cell(source, metadata=metadata))


def add_words(count, heading="## Text"):
    return lambda notebook: notebook.cells.insert(2, new_markdown_cell(heading + " word" * count))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (edit_cell(0, source=OPENING), "badge"),
        (edit_cell(2, execution_count=1), "count"),
        (edit_cell(2, outputs=[new_output("stream", text="2")]), "outputs"),
        (edit_cell(2, metadata={"outputId": "x"}), "outputId"),
        (edit_cell(2, source="  "), "empty"),
        (edit_cell(3, source=CLOSING.replace("Summary", "End")), "'Summary'"),
        (edit_cell(3, source=CLOSING.replace("## Next", "Next")), "'Next'"),
        (edit_cell(1, source="pass"), "setup cell differs"),
        (edit_cell(1, metadata={}), "tag 'setup'"),
        (edit_cell(2, metadata={"tags": ["setup"]}), "tag 'setup'"),
        (lambda notebook: notebook.cells.insert(1, new_markdown_cell(" ")), "cell 2: it is empty"),
        (lambda notebook: notebook.metadata.update(accelerator="TPU"), "metadata"),
        (lambda notebook: notebook.metadata.update(widgets={}), "metadata"),
        (lambda notebook: notebook.metadata.colab.update(gpuType="A100"), "metadata"),
        (lambda notebook: notebook.update(cells=notebook.cells[:1]), "no code cell"),
        (lambda notebook: notebook.cells[2].pop("outputs"), "not a valid notebook"),
        (add_code("\n".join(["x = 1"] * 26)), "26 lines"),
        (add_code("if x\n    y"), "line 1 is not valid Python"),
        (add_code("!pip install torch"), "installs"),
        (add_code("%pip install -U ipywidgets"), "installs"),
        (add_code("class Net(nn.Module):\n    pass"), "class Net"),
        (add_code("class Net(torch.nn.Sequential):\n    pass"), "class Net"),
        (add_code("%%time\nclass Net(Module):\n    pass"), "class Net"),
        (add_code("def content_loss(sr, hr):\n    return 0"), "function content_loss"),
        (add_code("def PSNR(a, b):\n    return 0"), "function PSNR"),
        (add_code("psnr_y = lambda a, b: 0"), "function psnr_y"),
        (add_code("def helper():\n    def resize2(x):\n        return x"), "function resize2"),
        (add_code("def bicubic_kernel(x):\n    return x"), "function bicubic_kernel"),
        (add_code("assert 1 + 1 == 2"), "an assert belongs"),
        (add_code("for x in y:\n    assert x"), "an assert belongs"),
        (add_code("# @title A\nassert x", "figure"), "an assert belongs"),
        (add_code("steps = 5 if env.profile == 'smoke' else 10"), "profile 'smoke'"),
        (add_code("plots.show(fig, 'a curve')"), "tag 'figure'"),
        (add_code("plots.show_images(pictures, alt='a panda')"), "tag 'figure'"),
        (add_code("assert x", "prose-check"), "'# @title ...'"),
        (add_code("plots.show(fig, 'a curve')\n# @title A", "figure"), "'# @title ...'"),
        (edit_cell(2, source="# @title A\nx", metadata={"tags": ["figure"]}), "folded in Colab"),
        (add_words(2700), "words of core text, the most is 2700"),
        (add_words(3700, "## Exercises\n\n"), "words, the most is 3700"),
        (
            lambda n: n.update(cells=[*n.cells[:2], *map(new_code_cell, "1" * 87), *n.cells[2:]]),
            "91 cells, the most is 90",
        ),
    ],
)
def test_each_fault_is_found_and_is_the_only_one(good, spoil, words):
    path, notebook = good
    spoil(notebook)
    # Not nbformat.write, which would mend or refuse what is to be found.
    path.write_text(json.dumps(notebook), encoding="utf-8")
    found = notebooks.problems(path)
    assert len(found) == 1 and words in found[0] and "07_tiny" in found[0], found


@pytest.mark.parametrize("words", ["What you will learn", "Prerequisites", "Time", "T4", "CPU"])
def test_an_opening_that_lacks_something_is_found(good, words):
    path, notebook = good
    notebook.cells[0].source = notebook.cells[0].source.replace(words, "")
    nbformat.write(notebook, path)
    assert [repr(words) in problem for problem in notebooks.problems(path)] == [True]


@pytest.mark.parametrize(
    "source",
    [
        "def plot_losses(history):\n    pass",
        "class Point:\n    pass",
        "%matplotlib inline\n!nvidia-smi\nx = 1",
        "def closest(a):\n    return a",
        "CompareSlider(pictures, 'a panda')",
    ],
)
def test_what_a_notebook_may_define(good, source):
    path, notebook = good
    add_code(source)(notebook)
    nbformat.write(notebook, path)
    assert notebooks.problems(path) == []


@pytest.mark.parametrize(
    ("tag", "source"),
    [
        ("prose-check", "# @title Check: it is so\nassert x or env.profile == 'smoke'"),
        ("figure", "# @title Figure: a curve\nplots.show(fig, 'a curve')"),
        ("solution", "# @title A solution\nassert x"),
        ("check", "assert x"),
    ],
)
def test_what_is_folded_may_hold_scaffolding(good, tag, source):
    path, notebook = good
    notebook.cells.insert(2, new_code_cell(source, metadata={"tags": [tag]}))
    nbformat.write(notebook, path)
    notebooks.tidy(path)
    assert notebooks.problems(path) == []
    written = nbformat.read(path, as_version=4).cells[2].metadata
    assert ("cellView" in written) == (tag in notebooks.FOLDED)


def test_a_companion_may_be_longer_and_comes_after_its_chapter(good):
    path, notebook = good
    companion, spine = path.with_name("02b_more.ipynb"), path.with_name("02_short.ipynb")
    add_words(4000)(notebook)
    for copy in (companion, spine):
        nbformat.write(notebook, copy)
        notebooks.tidy(copy)
    assert notebooks.problems(companion) == []
    assert len(notebooks.problems(spine)) == 2  # words of core text, and all words
    assert notebooks.notebook_paths(path.parent) == [spine, companion, path]


def test_words_and_cells_are_counted_as_a_reader_would(good, capsys):
    path, notebook = good
    before = notebooks.size(notebook)
    notebook.cells[2:2] = [
        new_markdown_cell("## 7.1 Two words"),
        new_code_cell("# no words"),
        new_code_cell("# @title Check: a", metadata={"tags": ["prose-check"]}),
        new_markdown_cell("## Exercises"),
        new_markdown_cell("### Exercise 7.1\n\nPredict."),
        new_markdown_cell("## Questions\n\nWhy?"),
        new_markdown_cell("## Summary"),
    ]
    after = notebooks.size(notebook)
    assert {what: after[what] - before[what] for what in after} == {
        "words of core text": 4 + 2, "words": 4 + 2 + 4 + 3 + 2, "cells": 6,
    }  # fmt: skip
    nbformat.write(notebook, path)
    assert notebooks.main(["--size", str(path.parent)]) == 0
    assert f"07_tiny: {after['words of core text']} words of core" in capsys.readouterr().out


def test_a_badge_of_another_notebook_is_found_and_mended(good):
    path, _ = good
    other = path.with_name("08_other.ipynb")
    shutil.copy(path, other)
    assert ["08_other.ipynb" in problem for problem in notebooks.problems(other)] == [True]
    notebooks.tidy(other)
    assert notebooks.problems(other) == []


def test_the_command_line_names_what_is_wrong(good, capsys):
    path, notebook = good
    assert notebooks.main(["--check", str(path.parent)]) == 0
    notebook.cells[2].execution_count = 3
    nbformat.write(notebook, path)
    assert notebooks.main(["--check", str(path.parent)]) == 1
    assert "07_tiny.ipynb: cell 3" in capsys.readouterr().out
    assert notebooks.main(["--write", str(path.parent)]) == 0
    assert notebooks.main(["--check", str(path.parent)]) == 0
    assert notebooks.main(["--check", str(path.parent / "nothing")]) == 1


def run_setup_cell(folder, **variables):
    """Run the setup cell as a script in `folder`; what it prints comes back with the status."""
    return subprocess.run(
        [sys.executable, str(notebooks.SETUP)],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "SRGAN_PROFILE": "smoke", **variables},
        capture_output=True,
        text=True,
    )


def test_the_setup_cell_finds_the_library_next_to_it():
    done = run_setup_cell(notebooks.ROOT / "data")
    assert done.returncode == 0 and "smoke" in done.stdout, done.stderr
    assert re.search(r"^library +\S.*, (commit [0-9a-f]{7}|no clone of git)", done.stdout)


def library(folder, name, repository):
    """A library that only says its name, come with notebooks that name `repository`."""
    course = folder / "srgan_lib" / "course"
    course.mkdir(parents=True)
    (course / "setup.py").write_text(f"def setup(found, **_): print({name!r}, found)")
    (course / "setup_cell.py").write_text(f'REPOSITORY = "{repository}"  # @param')


def commit(folder, branch):
    """Make a repository of a folder; returns its URL@branch."""
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for words in (["init", "-q", "-b", branch], ["add", "."], [*who, "commit", "-qm", "one"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return f"{folder.as_uri()}@{branch}"


def test_the_setup_cell_runs_the_library_that_it_names(tmp_path):
    """Not the one beside the notebook, nor one that was cloned before; and again without a web."""
    used = notebooks.SETUP.read_text("utf-8").splitlines()[1].split('"')[1]
    library(tmp_path / "beside", "BESIDE", used)
    here = tmp_path / "beside" / "notebooks"
    here.mkdir()
    named = {}
    for name, branch in (("ONE", "main"), ("TWO", "main"), ("THREE", "spring/2")):
        library(tmp_path / name, name, used)  # a fork in which nobody has run set_repo
        named[name] = commit(tmp_path / name, branch)
    named["BESIDE"] = ""
    for _ in range(2):
        for name, repository in named.items():
            done = run_setup_cell(here, SRGAN_REPO=repository)
            assert done.returncode == 0, done.stderr
            said, folder = done.stdout.split(maxsplit=1)
            assert said == name and (here / folder.strip() / "srgan_lib").is_dir()
        for name in ("ONE", "TWO", "THREE"):
            shutil.rmtree(tmp_path / name, ignore_errors=True)


@pytest.mark.parametrize("repository", ["", " ", "no-branch", "https://127.0.0.1:9/a/b@main"])
def test_a_repository_that_is_none_is_said_to_be_checked(tmp_path, repository):
    cell = re.sub(r'"https://github[^"]*"', f'"{repository}"', notebooks.SETUP.read_text("utf-8"))
    done = subprocess.run(
        [sys.executable, "-c", cell], cwd=tmp_path, env={"PATH": "/usr/bin:/bin"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stderr.splitlines()[-1].startswith(("RuntimeError: Check REPOSITORY", "fatal: "))
    assert not list(tmp_path.iterdir())


def test_the_setup_cell_says_what_to_check_when_the_clone_fails(tmp_path):
    done = run_setup_cell(tmp_path, SRGAN_REPO=f"{(tmp_path / 'none').as_uri()}@main")
    assert done.returncode != 0
    assert "RuntimeError: Check REPOSITORY" in done.stderr and "does not" in done.stderr


def test_another_repository_is_set_in_every_address_and_nowhere_else():
    old, new = ("srgan-course/srgan-course", "main"), ("someone/class-2027", "spring")
    moved = {
        "colab.research.google.com/github/{}/blob/{}/notebooks/a.ipynb": new,
        "github.com/{}@{}": new,
        "github.com/{}/issues about {}": (new[0], old[1]),
        "github.com/{}-extra/blob/{}/x": old,
        "the folder {} and the branch {}": old,
    }
    for text, after in moved.items():
        assert set_repo.rewrite(text.format(*old), old, new) == text.format(*after)
    pages = "see https://{}/your_picture.html"
    moved = set_repo.rewrite(pages.format("srgan-course.github.io/srgan-course"), old, new)
    assert moved == pages.format("someone.github.io/class-2027")


def test_setting_the_repository_moves_setup_cell_and_badges(good, monkeypatch, capsys):
    path, _ = good
    setup = path.with_name("setup_cell.py")
    shutil.copy(notebooks.SETUP, setup)
    for module in (notebooks, set_repo):
        monkeypatch.setattr(module, "SETUP", setup)
    monkeypatch.setattr(set_repo, "ROOT", path.parent)
    monkeypatch.setattr(set_repo, "PAGES", ())
    monkeypatch.setattr(set_repo, "notebook_paths", lambda: [path])
    assert set_repo.main(["someone/class", "--branch", "spring"]) == 0
    assert capsys.readouterr().out.split() == ["setup_cell.py", "07_tiny.ipynb"]
    assert notebooks.repository() == ("someone/class", "spring")
    assert notebooks.problems(path) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-slash"], "'no-slash' is not of the form OWNER/REPO"),
        (["https://github.com/a/b"], "not of the form"),
        (["a/.."], "not of the form"),
        (["é/b"], "not of the form"),
        (["a/b", "--branch", ""], "'' cannot be the name of the branch"),
        (["a/b", "--branch", "  "], "cannot be"),
        (["a/b", "--branch", "a@b"], "cannot be"),
        (["a/b", "--branch", 'a"b'], "cannot be"),
        (["a/b", "--branch=-rf"], "cannot be"),
        (["a/b", "--branch", "a//b"], "cannot be"),
        (["a/b", "--branch", "x/"], "cannot be"),
        (["a/b", "--branch", "x.lock"], "cannot be"),
    ],
)
def test_a_repository_that_cannot_be_is_refused_and_nothing_is_written(
    arguments, words, monkeypatch, capsys, tmp_path
):
    setup = tmp_path / "setup_cell.py"
    shutil.copy(notebooks.SETUP, setup)
    for module in (notebooks, set_repo):
        monkeypatch.setattr(module, "SETUP", setup)
    monkeypatch.setattr(set_repo, "PAGES", ())
    monkeypatch.setattr(set_repo, "notebook_paths", lambda: [])
    with pytest.raises(SystemExit):
        set_repo.main(arguments)
    assert words in capsys.readouterr().err
    assert setup.read_text() == notebooks.SETUP.read_text()
    assert set_repo.parse_repository("a/b.c@spring/2.0") == ("a/b.c", "spring/2.0")


def test_a_setup_cell_without_a_repository_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(notebooks, "SETUP", tmp_path / "setup_cell.py")
    notebooks.SETUP.write_text('REPOSITORY = "https://github.com/a/b@"')
    with pytest.raises(ConfigError, match="names no repository"):
        notebooks.badge("01_a.ipynb")
