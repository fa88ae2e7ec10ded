"""Checks of chapter 6: the cost of an ablation, effect and chance, two changes together."""

from collections.abc import Callable, Mapping

import numpy as np

from ...recipes import Recipe
from .base import call, exercise, require


@exercise("6.1", points=1)
def cost(one_at_a_time: int, all_combinations: int) -> str:
    """Trainings for 13 ingredients: one change at a time, and all combinations."""
    require(one_at_a_time != 13, "the base has to be trained as well.")
    require(one_at_a_time == 14, "one at a time means one training a change, and the base.")
    require(
        all_combinations != 13**2,
        "169 are 13 choices made twice; here are two choices, made 13 times.",
    )
    require(
        all_combinations == 2**13,
        "each of the 13 is either changed or not: multiply the possibilities.",
    )
    return "At ten minutes each: an afternoon against eight weeks."


@exercise("6.2", points=2)
def effect(function: Callable) -> str:
    """Mean and standard error of differences, seed by seed."""
    seeds = np.array([0.0, 0.9, -0.6, 0.3, 1.4])
    base, changed = 28 + seeds, 28.2 + seeds + np.array([0.05, -0.02, 0.01, -0.04, 0.03])
    answer = call(function, base.copy(), changed.copy())
    require(len(answer) == 2, "two numbers were asked for: the effect and its standard error.")
    mean, error = map(float, answer)
    differences = changed - base
    require(not np.isclose(mean, -differences.mean()), "it is the change minus the base.")
    require(
        np.isclose(mean, differences.mean()),
        f"the mean effect is {differences.mean():.3f} here, not {mean:.3f}.",
    )
    n = len(differences)
    apart = np.sqrt(base.var(ddof=1) / n + changed.var(ddof=1) / n)
    wrong = {
        "the seeds' own differences are still in it: subtract seed by seed first.": apart,
        "this is the deviation of a single difference: divide by the root of their number.":
            differences.std(ddof=1),
        "estimated from n values a variance has n - 1 below the line: `ddof=1`.":
            differences.std() / np.sqrt(n),
    }  # fmt: skip
    for sentence, value in wrong.items():
        require(not np.isclose(error, value), sentence)
    expected = differences.std(ddof=1) / np.sqrt(n)
    require(
        np.isclose(error, expected), f"the standard error is {expected:.4f} here, not {error:.4f}."
    )
    return f"{mean:.2f} ± {error:.2f} dB; not pairing the seeds would give ± {apart:.2f}."


@exercise("6.3", points=3)
def together(plan: Mapping[str, Recipe], function: Callable, plain: Recipe) -> str:
    """The four trainings of two changes, and their interaction."""
    names = ("neither", "first", "second", "both")
    require(
        isinstance(plan, Mapping) and set(plan) == set(names),
        f"the plan needs exactly the names {', '.join(names)}.",
    )
    wanted = {
        "neither": (False, plain.lead), "first": (True, plain.lead),
        "second": (False, 30.0), "both": (True, 30.0),
    }  # fmt: skip
    for name, (noise, lead) in wanted.items():
        recipe = plan[name]
        require(
            (recipe.label_noise, recipe.lead) == (noise, lead),
            f'"{name}" has label_noise={recipe.label_noise} and lead={recipe.lead:g}; it needs '
            f"{noise} and {lead:g}.",
        )
        differs = [
            key for key, value in recipe.as_dict().items()
            if key not in ("label_noise", "lead") and value != getattr(plain, key)
        ]  # fmt: skip
        require(not differs, f'"{name}" also changes {", ".join(differs)}.')
    scores = {"neither": 28.0, "first": 28.4, "second": 27.9, "both": 28.7}
    got = float(call(function, dict(scores)))
    require(
        not np.isclose(got, scores["both"] - scores["neither"]),
        "this is the effect of both together; what would it be if they only added up?",
    )
    require(not np.isclose(got, -0.4), "the sign is turned: with the first minus without it.")
    require(np.isclose(got, 0.4), f"for {scores} it is 0.4, not {got:.2f}.")
    return "Alone the second change cost 0.1 dB, after the first one it brought 0.3."
