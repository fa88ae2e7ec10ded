"""Stub, check and solution of every exercise: the first fails, the last passes, and they agree."""

import re
import types
from dataclasses import replace

import nbformat
import numpy as np
import pytest
import torch
from nbformat.v4 import new_markdown_cell, new_notebook

from srgan_lib.course import checks, student_copies
from srgan_lib.course.notebooks import notebook_paths
from srgan_lib.course.setup import Environment
from srgan_lib.course.student_copies import exercises
from srgan_lib.errors import SRGANError
from srgan_lib.recipes import get_recipe

CHAPTERS = notebook_paths()
NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4) for path in CHAPTERS}
WITH_EXERCISES = [path for path in CHAPTERS if exercises(NOTEBOOKS[path.stem])]
UNFINISHED = re.compile(r"replace the `\.\.\.`|returns nothing yet|still to be replaced|did not")


def test_a_chapter_and_its_companion_have_exercises_graded_in_difficulty():
    chapters = {}
    for name, notebook in NOTEBOOKS.items():
        chapters.setdefault(name[:2], []).extend(exercises(notebook))
    assert all(exercises(notebook) for name, notebook in NOTEBOOKS.items() if name[2] == "_")
    for chapter, numbers in chapters.items():
        assert 2 <= len(numbers) <= 5, chapter
        points = [checks.EXERCISES[number].points for number in sorted(numbers)]
        assert points == sorted(points) and len(set(points)) == 3, chapter


@pytest.mark.parametrize("path", WITH_EXERCISES, ids=lambda path: path.stem)
def test_stub_fails_and_solution_passes(path, tmp_path, capsys):
    """Also that exercises need the imports of their notebook and nothing else of it."""
    notebook = nbformat.read(path, as_version=4)
    copy = student_copies.student_copy(notebook)
    found = exercises(notebook)
    scope = vars(types.ModuleType("notebook"))
    scope["env"] = Environment(torch.device("cpu"), "smoke", tmp_path, tmp_path)
    ids = {cell.id: cell for cell in notebook.cells}
    for name in ("imports", "exercises-import"):
        exec(ids[name].source, scope)
    for number, (at, check_at) in found.items():
        cell, check_cell = notebook.cells[at], notebook.cells[check_at]
        if given := ids.get(f"{cell.id}-given"):
            exec(given.source, scope)
        with pytest.raises(checks.ExerciseError, match=rf"^Exercise {number}: ") as error:
            exec(copy.cells[at].source, scope)
            exec(check_cell.source, scope)
        assert UNFINISHED.search(str(error.value)), error.value
        exec(cell.source, scope)
        exec(check_cell.source, scope)
        assert f"Exercise {number}: right. " in capsys.readouterr().out


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_copy_is_the_notebook_without_the_lines_left_out(path):
    notebook = nbformat.read(path, as_version=4)
    copy = student_copies.student_copy(notebook)
    assert len(copy.cells) == len(notebook.cells)
    solutions = 0
    for cell, copied in zip(notebook.cells, copy.cells, strict=True):
        if cell.cell_type == "code" and "solution" not in cell.metadata.get("tags", ()):
            assert copied.source == cell.source
        if "solution" not in cell.metadata.get("tags", ()):
            continue
        solutions += 1
        written, kept = cell.source.splitlines(), copied.source.splitlines()
        stayed = [line for line in kept if not line.endswith(student_copies.YOURS)]
        assert len(stayed) < len(kept) and student_copies.MARK not in copied.source
        # What stayed is the solution's, in its order, and no marked line is among it.
        rest = iter(line for line in written if not line.endswith(student_copies.MARK))
        assert all(line in rest for line in stayed)
        assert stayed == [line for line in written if line not in left_out(written)]
    assert solutions == len(exercises(notebook))


def left_out(lines):
    """Lines with a mark, what is indented below one or closes its bracket, and Colab's title."""
    found, inside = [], None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if line.endswith(student_copies.MARK):
            inside = indent
        elif line.strip() and inside is not None and not line.strip().startswith(("}", "]", ")")):
            inside = inside if indent > inside else None
        if line.strip() and (inside is not None or line.startswith(student_copies.TITLE)):
            found.append(line)
    return found


def test_every_check_belongs_to_one_exercise():
    numbers = []
    for path in CHAPTERS:
        notebook = nbformat.read(path, as_version=4)
        numbers += exercises(notebook)
        assert all(n.startswith(f"{int(path.stem[:2])}.") for n in exercises(notebook))
        headings = [c.source for c in notebook.cells if c.source.startswith("### Exercise")]
        for number, text in zip(exercises(notebook), headings, strict=True):
            assert text.startswith(f"### Exercise {number}: ") and "<summary>Hint" in text
            assert f"{checks.EXERCISES[number].points} point" in text
        questions = [c.source for c in notebook.cells if c.id == "questions"]
        assert questions or path.stem[2] != "_"  # a companion may do without
        for text in questions:
            assert 5 <= text.count("<summary>Answer</summary>") <= 10
    assert sorted(numbers) == sorted(checks.EXERCISES)


@pytest.mark.parametrize(
    ("solution", "stub"),
    [
        ("x = 1  # solution", "x = ...  # your code"),
        ("a, b = 1, 2  # solution", "a, b = ..., ...  # your code"),
        ("def f(x):\n    return x  # solution", "def f(x):\n    return ...  # your code"),
        ("y = f(  # solution\n    1,\n)\nz = 2", "y = ...  # your code\nz = 2"),
        ("f()  # solution\ng()  # solution\nh()", "...  # your code\nh()"),
        ("for a in b:  # solution\n    f(a)\ng()", "...  # your code\ng()"),
        ("if a:\n    b\nelse:\n    g()  # solution", "if a:\n    b\nelse:\n    ...  # your code"),
        ("# @title Folded\nx = 1  # solution", "x = ...  # your code"),
    ],
)
def test_what_a_stub_leaves_out(solution, stub):
    assert student_copies.stub(solution) == stub


@pytest.mark.parametrize(("source", "words"), [("x = 1", "marks nothing"), ("# solution", "no st")])
def test_a_wrong_mark_is_named(source, words):
    with pytest.raises(SRGANError, match=words):
        student_copies.stub(source)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_texts_of_a_copy_hold_no_answer_and_speak_of_no_solution(path):
    notebook = nbformat.read(path, as_version=4)
    old, new = ("\n".join(c.source for c in n.cells if c.cell_type == "markdown")
                for n in (notebook, student_copies.student_copy(notebook)))  # fmt: skip
    answers = student_copies.ANSWER.findall(old)
    assert new.count("*Your answer:*") == len(answers) == old.count("<summary>Answer</summary>")
    assert not any(answer.split("\n\n")[1] in new for answer in answers)
    for word in ("Answer</summary>", "unfold", "make student", "# solution", "badge.svg"):
        assert word not in new
    assert not re.search(r"\b(a|the|each) solution\b", new)
    for stays in (r"<summary>Hint</summary>.*?</details>", r"\*\*\d+\.\*\* [^\n]+", r"^#+ [^\n]+"):
        assert re.findall(stays, new, re.S | re.M) == re.findall(stays, old, re.S | re.M)


def test_a_text_that_speaks_of_what_is_not_there_is_named():
    for text in ("Now unfold the answer.", "<details><summary>Solution</summary>x</details>",
                 "Lines that end in `# solution`."):  # fmt: skip
        with pytest.raises(SRGANError, match="speaks of what the copy has not"):
            student_copies.student_copy(new_notebook(cells=[new_markdown_cell(text)]))
    fold = "<details><summary>Where the 16 comes from</summary>4 x 4</details>"
    copy = student_copies.student_copy(new_notebook(cells=[new_markdown_cell(fold)]))
    assert copy.cells[0].source == fold


# What students get wrong most often, and a word of the sentence that each check has for it.
WRONG = [
    ("1.1", "240", "x4"),
    ("1.2", "lambda p: (p[:, :-1, 1:] - p[:, :-1, :-1]).abs().mean()", "alike"),
    ("1.3", "lambda s: (s.var(axis=0).mean(), s.var(axis=0).mean())", "random picture"),
    ("2.2", "lambda x: (x - mean) / std", "go there first"),
    ("2.3", "lambda a, b, n: psnr(a, b, border=n, channel='rgb')", "measure on Y"),
    ("2.3", "lambda a, b, n: psnr(a, b)", "border"),
    ("2.3", "lambda a, b, n: 10 * log10(255**2 / ((a - b)[n:-n, n:-n] ** 2.0).mean())", "uint8"),
    ("2.4", "lambda shrink: True", "passes your test"),
    ("3.1", "64 * 256 * 9", "bias"),
    ("3.2", "lambda x: torch.nn.functional.pixel_shuffle(x, 2).mT", "becomes"),
    ("3.3", "lambda m, n, d: (1 - d) * m + d * n", "wrong way round"),
    ("4.1", "0.0", "hard labels"),
    ("4.2", "lambda a, b: bce(a, 1) + bce(b, 0), lambda a: bce(a, 1)", "saturated"),
    ("4.4", "50 * adv.item() / con.item(), 50.0, con, adv, sr", "values"),
    ("5.1", "10 ** -0.181", "RMS"),
    ("5.2", "lambda sr, lr: float((shrink(sr, 4) - lr).mean())", "convert"),
    ("5.3", "lambda a, b, t: {k: t * a[k] + (1 - t) * b[k] for k in a}", "way round"),
    ("5.4", "lambda a, b: 'second' if b.mean() > a.mean() else 'first'", "not settled"),
    ("6.1", "13, 2**13", "base has to be trained"),
    ("6.1", "14, 13**2", "made 13 times"),
    ("6.2", "lambda a, b: ((b - a).mean(), (b - a).std(ddof=1))", "single difference"),
    ("6.2", "lambda a, b: ((b - a).mean(), (b - a).std() / len(a) ** 0.5)", "n - 1"),
    ("6.2", "lambda a, b: ((a - b).mean(), 0.1)", "minus the base"),
    ("6.3", "{**plan, 'second': plain}, lambda s: 0, plain", "it needs False and 30"),
    ("6.3", "{**plan, 'both': replace(plan['both'], seed=1)}, lambda s: 0, plain", "changes seed"),
    ("6.3", "plan, lambda s: s['both'] - s['neither'], plain", "added up"),
    ("7.1", "1.0", "tiny eps"),
    ("7.1", "0.2 / 0.8", "added to the variance"),
    ("7.2", "lambda x: (255 * x).round().permute(1, 2, 0).numpy().astype('uint8')", "clamp first"),
    ("7.2", "lambda x: (255 * x.clamp(0, 1)).permute(1, 2, 0).numpy().astype('uint8')", "round"),
    ("7.3", "lambda network: True", "for x2 passes"),
    ("7.3", "lambda network: False", "your test stops it"),
    ("7.3", "lambda network: network(lr).shape[-1] == 64", "batch norm in train mode passes"),
    ("7.3", "lambda network: fits(network) and alone(network)", "clamps its output passes"),
    ("8.1", "12", "cannot leave all of the noise"),
    ("8.1", "12 / 16", "deviations by the root"),
    ("8.1", "6.0", "four rows"),
    ("8.2", "lambda p: np.diff(np.diff(p, n=2, axis=0), n=2, axis=1).std()", "divide by 6"),
    ("8.2", "lambda p: np.diff(p, n=2, axis=1).std() / 6**0.5", "filter down and across"),
    ("8.2", "lambda p: p.std()", "get through your filter"),
    ("8.2", "lambda p: np.diff(np.diff(p, n=2, axis=0), n=2, axis=1).var() / 36", "take its root"),
    ("8.3", "lambda hr: shrink(hr, 4)", "a D that the network knows"),
    ("8.3", "lambda hr: 0 * shrink(hr, 4)", "neither can win"),
    ("8.3", "lambda hr: hr", "a quarter of the height"),
]


@pytest.mark.parametrize(("number", "answer", "words"), WRONG)
def test_a_wrong_answer_gets_its_own_sentence(number, answer, words):
    from math import log10

    from srgan_lib.degradation import bicubic_downscale
    from srgan_lib.images import IMAGENET_MEAN, IMAGENET_STD
    from srgan_lib.metrics import psnr

    sr = torch.full((4,), 0.1, requires_grad=True)
    lr = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    plain = get_recipe("srgan-vgg54", "smoke")

    def bce(logits, label):
        target = torch.full_like(logits, float(label))
        return torch.nn.functional.binary_cross_entropy(logits.sigmoid(), target)

    scope = {
        "torch": torch, "np": np, "psnr": psnr, "log10": log10, "bce": bce,
        "shrink": bicubic_downscale,
        "mean": torch.tensor(IMAGENET_MEAN).view(3, 1, 1), "sr": sr,
        "std": torch.tensor(IMAGENET_STD).view(3, 1, 1), "con": (3 * sr).sum(),
        "adv": (sr**2).sum(), "replace": replace, "plain": plain, "lr": lr,
        "plan": {
            "neither": plain, "first": replace(plain, label_noise=True),
            "second": replace(plain, lead=30.0),
            "both": replace(plain, label_noise=True, lead=30.0),
        },
        "fits": lambda network: network(lr).shape[-1] == 64,
        "alone": lambda network: torch.allclose(
            network(lr), network(torch.cat([lr, 0 * lr]))[:1], atol=1e-4
        ),
    }  # fmt: skip
    answers = eval(answer, scope)
    answers = answers if isinstance(answers, tuple) else (answers,)
    with pytest.raises(checks.ExerciseError, match=words):
        checks.check(number, *answers)


def test_an_error_in_the_answer_becomes_a_sentence():
    with pytest.raises(checks.ExerciseError, match=r"line 1 .*ZeroDivisionError"):
        checks.check("3.3", eval("lambda mean, now, decay: 1 / 0"))
    with pytest.raises(checks.ExerciseError, match="cannot be called: TypeError"):
        checks.check("3.3", lambda mean: mean)
    with pytest.raises(checks.ExerciseError, match="a function was asked for"):
        checks.check("3.3", 3)
    with pytest.raises(checks.ExerciseError, match="not of the kind"):
        checks.check("5.1", "a half")
    with pytest.raises(SRGANError, match=r"no exercise '9\.9'"):
        checks.check("9.9", 1)


def test_a_notebook_shows_the_sentence_alone():
    error = checks.ExerciseError("Exercise 1.1: count again.")
    assert error._render_traceback_() == ["Exercise 1.1: count again."]
