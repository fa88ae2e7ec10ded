"""How far chance alone moves a score of the table of single changes."""

from collections.abc import Mapping
from statistics import fmean, stdev
from typing import Any, NamedTuple

# Student's t: the two-sided 95 % quantile for 1, 2, 3, ... degrees of freedom.
_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


class Band(NamedTuple):
    """Where a score lies by chance: `mean` of `seeds` trainings, give or take `half`."""

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
    quantile = _T95[min(len(scores) - 2, len(_T95) - 1)]
    half = quantile * stdev(scores) * (1 + 1 / len(scores)) ** 0.5
    return Band(fmean(scores), half, len(scores))
