"""A later option never makes an earlier one be forgotten."""

import pytest

from srgan_lib.cli.parser import _parser
from srgan_lib.system.command_line import CommandLine

TRAIN = ["train", "srresnet", "--out", "run"]
LISTS = [
    (TRAIN, "--data", ["samples"]),
    (TRAIN, "--sets", []),
    (["reproduce", "--out", "all"], "--data", ["samples"]),
    (["reproduce", "--out", "all"], "--sets", ["Set5", "BSD100"]),
    (["reproduce", "--out", "all"], "--variants", None),
]


@pytest.mark.parametrize(("command", "option", "default"), LISTS)
def test_all_values_count_in_their_order(command, option, default):
    def given(*words):
        return getattr(_parser().parse_args([*command, *words]), option[2:])

    if default is not None:
        assert given() == default
    assert given(option, "a") == ["a"]
    assert given(option, "b", option, "a") == ["b", "a"]
    assert given(option, "a", "b", "--device", "cpu", option, "c", option, "d") == list("abcd")
    assert given(option, "samples", option, "b") == ["samples", "b"]


def test_a_list_that_is_given_empty_is_empty():
    assert _parser().parse_args(["reproduce", "--out", "all", "--sets"]).sets == []
    args = _parser().parse_args(["reproduce", "--out", "all", "--sets", "--sets", "Set14"])
    assert args.sets == ["Set14"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--hr", "a", "--hr", "b"], "argument --hr: given twice, a and b: give one"),
        (["--hr", "a", "--scale", "2", "--scale", "4"], "--scale: given twice, 2 and 4"),
        (["--hr", "a", "--lr", "b", "--lr", "c"], "--lr: given twice, b and c"),
        (["--hr", "a", "--device", "auto", "--device", "cpu"], "given twice, auto and cpu"),
    ],
)
def test_a_second_value_is_refused_where_there_can_be_one(words, sentence, capsys):
    with pytest.raises(SystemExit) as stop:
        _parser().parse_args(["evaluate", "--weights", "bicubic", *words])
    assert stop.value.code == 2 and sentence in capsys.readouterr().err


@pytest.mark.parametrize("first", [16, 8])
def test_a_value_that_is_the_default_was_given_all_the_same(first, capsys):
    words = ["benchmark", "--batch-size", str(first), "--batch-size", "12"]
    for _ in range(2):  # a parser remembers nothing of the line before
        with pytest.raises(SystemExit):
            _parser().parse_args(words)
        assert f"given twice, {first} and 12" in capsys.readouterr().err
    parser = CommandLine(prog="x")
    parser.add_argument("--side", type=int, default=8)
    assert [parser.parse_args(["--side", n]).side for n in ("8", "9")] == [8, 9]


def test_the_same_value_twice_and_flags_are_no_matter():
    words = ["evaluate", "--weights", "bicubic", "--hr", "a", "--hr", "a", "--force", "--force"]
    args = _parser().parse_args(words)
    assert args.hr == "a" and args.force


def test_positional_values_and_choices_are_as_ever():
    parser = CommandLine(prog="x")
    parser.add_argument("name", nargs="?")
    parser.add_argument("--kind", choices=("a", "b"), default="a")
    assert vars(parser.parse_args([])) == {"name": None, "kind": "a"}
    assert vars(parser.parse_args(["n", "--kind", "b"])) == {"name": "n", "kind": "b"}
