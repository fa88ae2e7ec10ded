"""How far chance alone moves a score: of one training, and of a change with several seeds."""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any, NamedTuple

# Student's t: the two-sided 95 % quantile for 1, 2, 3, ... degrees of freedom.
_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


class Band(NamedTuple):
    """A mean over `seeds` trainings, and `half` the width of what chance allows around it."""

    mean: float
    half: float
    seeds: int

    def holds(self, value: float) -> bool:
        """Whether the value is no farther from the mean than chance may be."""
        return abs(value - self.mean) <= self.half


def is_seed(row: Mapping[str, Any]) -> bool:
    """Whether a row of the table changes nothing but the random numbers."""
    return row.get("fields") == ["seed"]


def chance(ablation: Mapping[str, Any], key: str) -> Band | None:
    """The band of chance of a score, from the base and the rows that differ in their seed alone.

    It is the prediction interval of Student's t: 19 of 20 further trainings of the base would score
    within it, if their scores are normally distributed.

    Args:
        ablation: as in data/results/ablation.json.
        key: "psnr_y" or "lpips".

    Returns:
        The band; None where fewer than two seeds were measured.
    """
    base = [ablation["base"], *filter(is_seed, ablation["rows"])]
    scores = [row[key] for row in base if row[key] is not None]
    if len(scores) < 2:
        return None
    half = _t95(len(scores)) * stdev(scores) * (1 + 1 / len(scores)) ** 0.5
    return Band(fmean(scores), half, len(scores))


def paired_effect(pairs: Sequence[tuple[float, float]]) -> Band:
    """What a change is worth, from trainings of base and change that share their seeds.

    Args:
        pairs: two or more of (score of the base, score of the change), a pair for each seed.

    Returns:
        The mean difference with its confidence interval of 95 % (Student's t): if that excludes
        zero, the change is worth more than chance.
    """
    differences = [changed - base for base, changed in pairs]
    half = _t95(len(pairs)) * stdev(differences) / len(pairs) ** 0.5
    return Band(fmean(differences), half, len(pairs))


def _t95(count: int) -> float:
    return _T95[min(count - 2, len(_T95) - 1)]
