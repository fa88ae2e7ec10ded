"""Grading tiny notebooks for real: each in its process, and none can harm another."""

import csv
import os
import threading
import time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from srgan_lib.course import grade
from srgan_lib.course.grade_table import FLAG, Row, write_table

RIGHT = "def moved(mean, now, decay):\n    return decay * mean + (1 - decay) * now  # solution"
OWN = "def moved(mean, now, decay):\n    return mean + (1 - decay) * (now - mean)"
CHECKS = {
    "1.1": 'check("1.1", free)', "3.1": 'check("3.1", more)', "3.3": 'check("3.3", moved)',
    "5.1": 'check("5.1", rms)',
}  # fmt: skip
COUNT = 64 * 256 * 9 + 257
COURSE = (
    ("ready = True", "setup"),
    ("free = 192  # solution", "solution"),
    (CHECKS["1.1"], "check"),
    (f"more = {COUNT}  # solution", "solution"),
    (CHECKS["3.1"], "check"),
    (RIGHT, "solution"),
    (CHECKS["3.3"], "check"),
    ("rms = 10 ** (-0.181 / 20)  # solution", "solution"),
    (CHECKS["5.1"], "check"),
)


def code(source, *tags):
    return new_code_cell(source, metadata={"tags": list(tags)})


def write(path, *cells):
    path.parent.mkdir(exist_ok=True, parents=True)
    nbformat.write(new_notebook(cells=list(cells)), path)


def grade_all(folder, given, *options):
    """Grade for real; submission -> exercise -> row."""
    write(folder / "course" / "03_tiny.ipynb", *(code(*cell) for cell in COURSE))
    out = folder / "grades.csv"
    where = ["--notebooks", str(folder / "course"), "--out", str(out)]
    assert grade.main([str(given), *where, *options]) == 0
    rows: dict = {}
    with out.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["submission"], {})[row["exercise"]] = row
    return rows


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grade")
    given = folder / "given"
    first, second = (code(CHECKS[number], "check") for number in ("3.1", "3.3"))
    # A mended setup cell; a cell that raises; a right and a wrong answer; the published one handed
    # in; a cell that wants 8 GiB; a check that was made harmless, and one that was left out.
    write(
        given / "ada" / "03.ipynb",
        code("raise SystemExit", "setup"),
        code("assert ready"),
        code("x = 1\n1 / 0"),
        new_markdown_cell("### Exercise 3.1: count"),
        code(f"more = {COUNT}"),
        first,
        code(OWN.replace("now -", "now +")),
        second,
        *(code(*cell) for cell in COURSE[1:3]),
        code("import numpy as np\nnp.empty(2**30)\nfree = None"),
        code("def check(*answers):\n    pass\nrms = 0.66"),
    )
    # Endless and deaf to its time limit: the process is stopped, and the first answer counts.
    deaf = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True:\n    pass"
    write(given / "cleo.ipynb", code(f"more = {COUNT}"), first, code(deaf), second)
    # Too long; an old answer that is judged because the new one cannot be read; a function without
    # an end; a name that is written in another way.
    endless = "while True:\n    try:\n        1 / 0\n    except Exception:\n        pass"
    write(
        given / "dora.ipynb",
        new_markdown_cell("### Exercise 1.1"),
        code(f"{endless}\nfree = 192"),
        code(CHECKS["1.1"]),
        new_markdown_cell("### Exercise 3.1"),
        code("more = ..."),
        code("more = (3"),
        first,
        new_markdown_cell("### Exercise 3.3"),
        code("def moved(mean, now, decay):\n    while True:\n        pass"),
        second,
        new_markdown_cell("### Exercise 5.1"),
        code("RMS = 0.98"),
        code(CHECKS["5.1"]),
    )
    (given / "eve.ipynb").write_text("{")
    (given / "fay.ipynb").write_text(
        '{"cells": [{"cell_type": "code", "source": "1", "metadata": {"tags": 7}}], "nbformat": 4}'
    )
    write(given / "=finn.ipynb", code("1 + 1"))
    return grade_all(folder, given, "--seconds", "6", "--cell-seconds", "1.5", "--gigabytes", "4")


def said(row):
    return int(row["points"]), row["message"], row["flag"]


def test_right_and_wrong_answers_are_told_apart(table):
    ada = table["ada/03"]
    assert said(ada["3.1"]) == (1, "", "")
    assert (ada["3.3"]["points"], ada["3.3"]["of"]) == ("0", "2")
    assert ada["3.3"]["message"].startswith("Exercise 3.3: ")  # not of the cell that raised before


def test_a_cell_over_the_limits_costs_itself_and_checks_are_the_course_s(table):
    ada = table["ada/03"]
    assert said(ada["1.1"]) == (1, "", FLAG)
    assert ada["5.1"]["points"] == "0" and "its square was asked for" in ada["5.1"]["message"]


def test_an_endless_notebook_costs_what_comes_after(table):
    cleo = table["cleo"]
    assert cleo["3.1"]["points"] == "1"
    assert "stopped after 6 s, in code cell 3." in cleo["3.3"]["message"]


@pytest.mark.parametrize(
    ("exercise", "sentence"),
    [
        ("1.1", "Code cell 1 took over 1.5 s. Exercise 1.1: `free` is not defined."),
        ("3.1", "Code cell 4: SyntaxError, line 1: '(' was never closed. "
                "Exercise 3.1: replace the `...` by your answer."),
        ("3.3", "Exercise 3.3: its check took over 1.5 s: does your code end?"),
        ("5.1", "Exercise 5.1: `rms` is not defined."),
    ],
)  # fmt: skip
def test_the_sentence_says_what_is_to_blame(table, exercise, sentence):
    assert said(table["dora"][exercise]) == (0, sentence, "")


def test_every_submission_has_a_total(table):
    totals = {name: (row["total"]["points"], row["total"]["of"]) for name, row in table.items()}
    points = {"ada/03": "2", "cleo": "1", "dora": "0"}
    none = dict.fromkeys(("eve", "fay", "./=finn"), ("0", "0"))
    assert totals == {name: (n, "5") for name, n in points.items()} | none


def test_what_cannot_be_graded_is_named(table):
    assert table["eve"]["total"]["message"].startswith("This is no notebook")
    assert table["fay"]["total"]["message"].startswith(("This is no notebook", "No exercise"))
    assert table["./=finn"]["total"]["message"].startswith("No exercise")


def test_the_published_solution_handed_in_is_flagged(table):
    flags = {(name, n): row["flag"] for name, rows in table.items() for n, row in rows.items()}
    found = {where: flag for where, flag in flags.items() if flag}
    flagged = "1 of 4 equal the published solution"
    assert found == {("ada/03", "1.1"): FLAG, ("ada/03", "total"): flagged}
    untouched = new_notebook(cells=[code(*cell) for cell in COURSE])
    assert grade.published(untouched, untouched) == CHECKS.keys()


def test_comments_and_spaces_do_not_hide_the_published_solution(tmp_path):
    chapter = new_notebook(cells=[code(*cell) for cell in COURSE])
    moved = "# mine\ndef moved(mean, now, decay):\n  return (decay*mean\n    + (1-decay)*now)"
    for given, flagged in [(moved, {"3.3"}), (OWN, set()), (f"more = {COUNT}", set()),
                           (f"%time\n{RIGHT}", {"3.3"}), ("more = = 1", set())]:  # fmt: skip
        assert grade.published(new_notebook(cells=[code(given)]), chapter) == flagged


@pytest.mark.parametrize(
    ("name", "words"),
    [("nosuch", "There is no "), (".", "There are no notebooks in "), ("a.txt", "There are no")],
)
def test_a_mistype_is_one_sentence_and_leaves_the_table_of_before(tmp_path, capsys, name, words):
    (tmp_path / "a.txt").touch()
    out = tmp_path / "grades.csv"
    out.write_text("ada,9")
    assert grade.main([str(tmp_path / name), "--out", str(out)]) != 0
    assert words in capsys.readouterr().err
    assert out.read_text() == "ada,9" and len(list(tmp_path.iterdir())) == 2


def test_wrong_options_are_refused_before_anything_is_run(tmp_path, capsys):
    write(tmp_path / "ada.ipynb", code(CHECKS["3.1"], "check"))
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    for options, words in [
        (["--notebooks", str(nothing)], "No notebook of the course"),
        (["--out", str(nothing)], "is a folder"),
    ]:
        assert grade.main([str(tmp_path), "--out", str(tmp_path / "t.csv"), *options]) != 0
        assert words in capsys.readouterr().err and not (tmp_path / "t.csv").exists()
    for number in ("0", "-1", "nan", "ten"):
        with pytest.raises(SystemExit):
            grade.main([str(tmp_path), "--seconds", number])
        assert "is no number above 0" in capsys.readouterr().err


def test_an_interrupted_table_stays_beside_the_one_of_before(tmp_path, capsys):
    out = tmp_path / "grades.csv"
    rows = [[Row("ada", "total", 1, 2)], [Row("ben", "total", 2, 2)]]
    write_table(out, (row for row in rows))
    before = out.read_text()
    assert before.splitlines() == [
        "submission,exercise,points,of,message,flag", "ada,total,1,2,,", "ben,total,2,2,,",
    ]  # fmt: skip

    def interrupted():
        yield rows[1]
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            write_table(out, interrupted())
    assert "grades-unfinished.csv" in capsys.readouterr().err
    assert out.read_text() == before
    assert "ben,total,2,2" in (tmp_path / "grades-unfinished.csv").read_text()

    os.utime(out, (0, 0))
    write_table(out, (row for row in rows[:1]))
    (kept,) = tmp_path.glob("grades-19*.csv")
    assert kept.read_text() == before and "ben" not in out.read_text()
    write_table(out, (row for row in rows[:1]))  # the same again is no new table
    assert len(list(tmp_path.glob("grades-19*.csv"))) == 1


@pytest.fixture
def four(tmp_path):
    """A folder of four submissions, each of which says its name, and the course's."""
    for name in "abcd":
        write(tmp_path / "given" / f"{name}.ipynb", code(name), code(CHECKS["3.1"], "check"))
    write(tmp_path / "course" / "03_tiny.ipynb", *(code(*cell) for cell in COURSE))
    return tmp_path / "given", tmp_path / "course"


def test_submissions_run_side_by_side_and_come_in_their_order(four, monkeypatch):
    two = threading.Barrier(2)

    def run(cells, limits, stop):
        two.wait(20)  # which ends only if another one is running
        time.sleep(0.1 * (cells[0]["source"] in "ac"))
        return {}, "no"

    monkeypatch.setattr(grade, "_run", run)
    assert [rows[-1].submission for rows in grade.grade(*four, jobs=2)] == list("abcd")


def test_what_has_not_begun_when_it_is_stopped_does_not_begin(four, monkeypatch):
    begun = []

    def run(cells, limits, stop):
        begun.append(cells[0]["source"])
        if len(begun) > 1:
            assert stop.wait(20)
        return {}, "no"

    monkeypatch.setattr(grade, "_run", run)
    graded = grade.grade(*four, jobs=1)
    assert next(graded)[-1].submission == "a"
    graded.close()
    assert "".join(begun) in ("a", "ab")
