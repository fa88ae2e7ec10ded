"""Checks of chapter 3: parameters, PixelShuffle by hand, the running mean, a fair comparison."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import nn

from ...models import Generator
from ...recipes import Recipe
from .base import call, exercise, require


@exercise("3.1", points=1)
def more_parameters(guess: int) -> str:
    """Parameters that a generator for x8 has more than one for x4."""
    counts = [sum(p.numel() for p in Generator(scale=s).parameters()) for s in (4, 8)]
    more = counts[1] - counts[0]
    require(guess != 2 * more, "that is two upsampling blocks; from x4 to x8 it is one more.")
    require(guess != more - 257, "the weights are right; a bias for each channel, and PReLU, too.")
    require(guess != more - 1, "nearly: the activation has a parameter as well.")
    require(guess != more - 256, "nearly: each of the convolution's channels has a bias.")
    require(
        guess == more,
        "one upsampling block is added: a 3x3 convolution from 64 to 256 channels with a bias, and "
        "a PReLU with one parameter; PixelShuffle has none.",
    )
    return f"{more:,}: a tenth of the whole network for each doubling."


@exercise("3.2", points=2)
def shuffle(function: Callable) -> str:
    """PixelShuffle(2) out of view and permute."""
    x = torch.arange(2 * 12 * 3 * 5.0).view(2, 12, 3, 5)
    y, expected = call(function, x), nn.functional.pixel_shuffle(x, 2)
    require(
        y.shape == expected.shape,
        f"(2, 12, 3, 5) becomes {tuple(expected.shape)}, not {tuple(y.shape)}.",
    )
    turned = nn.functional.pixel_shuffle(x.unflatten(1, (3, 2, 2)).transpose(2, 3).flatten(1, 3), 2)
    require(
        not torch.equal(y, turned),
        "i counts rows and j columns: channel 4c + 1 goes to the right of channel 4c, not below.",
    )
    blocks = nn.functional.pixel_shuffle(x.unflatten(1, (4, 3)).transpose(1, 2).flatten(1, 2), 2)
    require(
        not torch.equal(y, blocks),
        "the four channels of one color are neighbors: 4c, 4c + 1, 4c + 2 and 4c + 3.",
    )
    require(torch.equal(y, expected), "the shape is right, but numbers went to the wrong places.")
    return "The numbers moved, and none was computed."


@exercise("3.3", points=2)
def running_mean(function: Callable) -> str:
    """mean = d * mean + (1 - d) * now."""
    mean, now = torch.tensor([1.0, 2.0]), torch.tensor([3.0, -2.0])
    got = call(function, mean.clone(), now.clone(), 0.9)
    wrong_way = 0.1 * mean + 0.9 * now
    require(
        not torch.allclose(got, wrong_way),
        "the wrong way round: with a decay of 0.9 the mean keeps nine tenths of itself.",
    )
    require(
        torch.allclose(call(function, mean.clone(), mean.clone(), 0.9), mean),
        "if the weights stand still, so must their mean: the two shares must add up to 1.",
    )
    require(torch.allclose(got, 0.9 * mean + 0.1 * now), f"[1.2, 1.6] is expected, not {got}.")
    return "The wrong way round looks like training without a mean, and nothing complains."


@exercise("3.4", points=3)
def fair_comparison(
    base: Recipe, changed: Recipe, scores: Mapping[str, Sequence[float]], verdict: str
) -> str:
    """One thing changed, several seeds, and a verdict that the numbers carry."""
    ours, theirs = base.as_dict(), changed.as_dict()
    differ = sorted(name for name in ours if ours[name] != theirs[name])
    require(
        len(differ) == 1,
        f"exactly one field of the recipe may differ, here it is {', '.join(differ) or 'none'}.",
    )
    require(
        differ[0] not in ("seed", "name", "about"),
        f"`{differ[0]}` is no cause: change something that you have a reason for.",
    )
    require(set(scores) == {"base", "changed"}, '`scores` has two keys, "base" and "changed".')
    counts = [len(values) for values in scores.values()]
    require(
        min(counts) >= 3 and len(set(counts)) == 1,
        f"give each the same number of seeds, three at least; you have {counts}.",
    )
    require(
        all(len(set(values)) > 1 for values in scores.values()),
        "several seeds gave the very same score: does the seed reach the training?",
    )
    gap = np.mean(scores["changed"]) - np.mean(scores["base"])
    spread = max(np.ptp(values) for values in scores.values())
    right = "not settled" if abs(gap) <= spread else "changed" if gap > 0 else "base"
    require(
        verdict == right,
        f"the means differ by {gap:+.2f} dB and the seeds by up to {spread:.2f} dB, so by the rule "
        f"the verdict is {right!r}, not {verdict!r}.",
    )
    return f"{differ[0]}: {gap:+.2f} dB, with {spread:.2f} dB between seeds: {verdict}."
