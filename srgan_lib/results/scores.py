import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from .. import data
from ..datasets.sources import named_sets
from ..evaluation import check_set, evaluate, validation_psnr
from ..inference import upscale
from ..metrics import LPIPS
from ..models import Generator

QUICK_SIZE = 96
# A history's PSNR is that of central crops of this side: on a CPU, whole photographs would take
# longer than the training between two looks.
VALIDATION_SIZE = 192
Scores = dict[str, dict[str, Any]]


def score(
    generator: Generator | str,
    sets: Mapping[str, str | Path],
    lpips: LPIPS | None = None,
    progress: bool = True,
) -> Scores:
    """Score a generator, or "bicubic" at x4, on data sets and on the embedded validation pictures.

    Args:
        sets: name -> folder of HR pictures; LR is made by `bicubic_downscale`.
        lpips: scores LPIPS as well.

    Returns:
        For each set, and for "validation", the "mean" of `evaluate`, the number of "pictures" and
        "worst_consistency", the smallest.
    """
    scale = 4 if isinstance(generator, str) else generator.scale
    model = generator if isinstance(generator, str) else partial(upscale, generator)
    folders = {**sets, "validation": data.SAMPLES / "validation"}
    scores = {}
    for name, folder in folders.items():
        result = evaluate(model, folder, scale=scale, lpips=lpips, weights="", progress=progress)
        rows = result["images"]
        scores[name] = {
            **result["mean"],
            "worst_consistency": min(row["consistency"] for row in rows),
            "pictures": len(rows),
        }
    return scores


def quick_score(generator: Generator) -> float:
    """PSNR-Y on small central crops of the embedded validation photographs: takes a second."""
    return validation_psnr(scale=generator.scale, size=QUICK_SIZE)(generator)["psnr_y"]


def is_scored(scores: Scores, sets: Mapping[str, Any], lpips: LPIPS | None) -> bool:
    """Whether `scores` has all that `score` would find with these arguments."""
    asked = [scores.get(name) for name in (*sets, "validation")]
    return all(asked) and (lpips is None or all(row["lpips"] is not None for row in asked))


def sets_and_lpips(args: argparse.Namespace, device) -> tuple[dict[str, Path], LPIPS | None]:
    """The sets to score a trained network on, and LPIPS: found and read before hours of training.

    Raises:
        DataError: a set that is not there, or of which some picture cannot be scored.
        WeightsError: LPIPS lacks its weights.
    """
    sets = named_sets(args.sets)
    for folder in sets.values():
        check_set(folder)
    wanted = args.lpips or args.lpips_backbone
    return sets, LPIPS(args.lpips_backbone, device=device) if wanted else None
