"""What the checks of all chapters share: the register, and sentences in place of tracebacks."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...errors import ConfigError, SRGANError


class ExerciseError(SRGANError):
    """An answer is missing or wrong: one sentence that says what, and where to look."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the sentence alone, not the way through the checks that led to it."""
        return [str(self)]


@dataclass(frozen=True)
class Exercise:
    """A numbered exercise: what it is worth, and the function that judges the answers to it."""

    number: str
    points: int
    judge: Callable[..., str]


EXERCISES: dict[str, Exercise] = {}
UNFINISHED = "a `...` is still to be replaced by your code."


def exercise(number: str, points: int) -> Callable:
    """Register a function as the judge of exercise `number`.

    It takes the answers, calls `require` on them, and returns what is worth knowing once they are
    right.
    """

    def register(judge: Callable[..., str]) -> Callable[..., str]:
        EXERCISES[number] = Exercise(number, points, judge)
        return judge

    return register


def check(number: str, *answers: Any) -> None:
    """Judge the answers to an exercise; if they are right, print so and why.

    Args:
        number: chapter.exercise, e.g. "1.2".
        answers: what the exercise asks for, in its order; a `...` counts as not answered.

    Raises:
        ExerciseError: an answer is missing or wrong. ConfigError: there is no such exercise.
    """
    if number not in EXERCISES:
        raise ConfigError(f"There is no exercise {number!r}: choose one of {', '.join(EXERCISES)}.")
    try:
        require(not any(x is ... for x in answers), "replace the `...` by your answer.")
        remark = EXERCISES[number].judge(*answers)
    except ExerciseError as error:
        raise ExerciseError(f"Exercise {number}: {error}") from error.__cause__
    except Exception as error:
        if "ellipsis" in str(error):
            raise ExerciseError(f"Exercise {number}: {UNFINISHED}") from error
        # An answer of an unexpected kind, a string for a number say, may stop any line of a judge.
        raise ExerciseError(
            f"Exercise {number}: the answer is not of the kind that was asked for "
            f"({type(error).__name__}: {error})."
        ) from error
    print(f"Exercise {number}: right. {remark}")


def require(holds: Any, sentence: str) -> None:
    """Raise ExerciseError with this sentence unless the condition holds."""
    if not holds:
        raise ExerciseError(sentence)


def call(function: Callable, *arguments: Any, returns: bool = True) -> Any:
    """What the student's function returns; an error in it becomes a sentence with the line.

    Args:
        returns: whether a function that returns nothing is unfinished.
    """
    require(callable(function), f"a function was asked for, not {function!r}.")
    try:
        result = function(*arguments)
    except Exception as error:
        require("ellipsis" not in str(error), UNFINISHED)
        # The first frame is this one, the second the student's; without it, the call did not fit.
        frames = traceback.extract_tb(error.__traceback__)[1:]
        where = f"stops in line {frames[0].lineno} of its cell" if frames else "cannot be called"
        raise ExerciseError(f"your function {where}: {type(error).__name__}: {error}") from error
    require(
        not returns or not (result is None or result is ...),
        "your function returns nothing yet: fill in the lines with `...`.",
    )
    return result
