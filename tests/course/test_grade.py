"""Grading tiny notebooks for real: each in its process, and none can harm another."""

import csv

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from srgan_lib.course import grade

RIGHT = "def moved(mean, now, decay):\n    return decay * mean + (1 - decay) * now  # solution"
CHECKS = {"3.1": 'check("3.1", more)', "3.3": 'check("3.3", moved)'}
COUNT = 64 * 256 * 9 + 257


def code(source, *tags):
    return new_code_cell(source, metadata={"tags": list(tags)})


def write(path, *cells):
    path.parent.mkdir(exist_ok=True, parents=True)
    nbformat.write(new_notebook(cells=list(cells)), path)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """The graded table: submission -> exercise -> row, and what was printed."""
    folder = tmp_path_factory.mktemp("grade")
    write(
        folder / "course" / "03_tiny.ipynb",
        code("ready = True", "setup"),
        code(f"more = {COUNT}  # solution", "solution"),
        code(CHECKS["3.1"], "check"),
        code(RIGHT, "solution"),
        code(CHECKS["3.3"], "check"),
    )
    given = folder / "given"
    first, second = (code(source, "check") for source in CHECKS.values())
    # A mended setup cell, one right and one wrong answer, and a cell that raises in between.
    write(
        given / "ada" / "03.ipynb",
        code("raise SystemExit", "setup"),
        code("assert ready"),
        code(f"more = {COUNT}"),
        first,
        code("1 / 0"),
        code(RIGHT.replace("decay * mean", "decay * now")),
        second,
    )
    # A cell that is endless or wants 8 GiB costs itself; a check that was made harmless, or left
    # out, is the course's again.
    write(
        given / "ben.ipynb",
        new_markdown_cell("### Exercise 3.3: the mean"),
        code("while True:\n    pass"),
        code(f"def check(*answers):\n    pass\nmore = {COUNT - 257}\n" + CHECKS["3.1"]),
        code(RIGHT),
        code("import numpy as np\nnp.empty(2**30)\nmoved = None"),
    )
    # Endless and deaf to its time limit: the process is stopped, and the first answer counts.
    deaf = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True:\n    pass"
    write(given / "cleo.ipynb", code(f"more = {COUNT}"), first, code(deaf), second)
    (given / "eve.ipynb").write_text("{")
    write(given / "finn.ipynb", code("1 + 1"))

    out = folder / "grades.csv"
    options = ["--seconds", "8", "--cell-seconds", "3", "--gigabytes", "4"]
    where = ["--notebooks", str(folder / "course"), "--out", str(out)]
    assert grade.main([str(given), *where, *options]) == 0
    rows: dict = {}
    with out.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["submission"], {})[row["exercise"]] = row
    return rows


def test_right_and_wrong_answers_are_told_apart(table):
    ada = table["ada/03"]
    assert (ada["3.1"]["points"], ada["3.1"]["message"]) == ("1", "")
    assert (ada["3.3"]["points"], ada["3.3"]["of"]) == ("0", "2")
    assert ada["3.3"]["message"].startswith("Exercise 3.3: ")


def test_a_cell_over_the_limits_costs_itself_and_checks_are_the_course_s(table):
    ben = table["ben"]
    assert ben["3.1"]["points"] == "0" and "bias" in ben["3.1"]["message"]
    assert (ben["3.3"]["points"], ben["3.3"]["message"]) == ("2", "")


def test_an_endless_notebook_costs_what_comes_after(table):
    cleo = table["cleo"]
    assert cleo["3.1"]["points"] == "1"
    assert cleo["3.3"]["points"] == "0" and "stopped after 8 s in cell 3" in cleo["3.3"]["message"]


def test_what_cannot_be_graded_is_named(table):
    assert table["eve"][""]["message"].startswith("This is no notebook")
    assert table["finn"][""]["message"].startswith("No exercise")
    assert set(table) == {"ada/03", "ben", "cleo", "eve", "finn"}


def test_an_empty_folder_is_one_sentence(tmp_path, capsys):
    out = ["--out", str(tmp_path / "grades.csv")]
    assert grade.main([str(tmp_path), *out]) == 1
    assert "There are no notebooks in" in capsys.readouterr().err
