"""The pictures of RESULTS.md: crops pixel for pixel, and quality against minutes.

Nothing is sharpened or chosen by score: the crops are the same for all networks.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ..degradation import bicubic_downscale, bicubic_upscale
from ..display.plots import COLORS, Box, crop, figure
from ..metrics import psnr

ZOOM, GAP, HEAD, DPI = 4, 8, 22, 100  # pixels, all but the first and the last
# Photograph -> crop, and its detail a quarter as wide; what is seen.
STRIPS: dict[str, tuple[Box, Box, str]] = {
    "red_panda": ((230, 330, 240, 180), (375, 350, 60, 45), "a red panda's face, then its eye"),
    "pagoda": ((90, 110, 240, 180), (170, 150, 60, 45), "tiled roofs, then the edge of one"),
    "chameleon": ((80, 180, 240, 180), (145, 245, 60, 45), "a chameleon's head, then its eye"),
}
Upscaler = Callable[[np.ndarray], np.ndarray]


def strip(hr: np.ndarray, box: Box, detail: Box, networks: Mapping[str, Upscaler]) -> Figure:
    """One crop of a photograph by every method at 1:1, and below a detail of it at 4:1.

    From left to right: LR with its pixels as squares, bicubic, the networks, the original; each
    pixel of a crop is one of the figure's, at `DPI`, or 4x4. PSNR is that of the whole picture.

    Args:
        hr: uint8 (H, W, 3), sides multiples of 4.
        box: of the crop, in pixels of `hr`; multiples of 4.
        detail: the same, a quarter as wide and high.
        networks: title -> LR to SR, x4.
    """
    lr = bicubic_downscale(hr, ZOOM)
    methods: dict[str, Upscaler] = {"bicubic": lambda image: bicubic_upscale(image, ZOOM)}
    columns = {"LR": _enlarged(lr)}
    for title, method in {**methods, **networks}.items():
        sr = method(lr)
        columns[f"{title}, {psnr(sr, hr, border=ZOOM):.2f} dB"] = sr
    columns["original"] = hr
    _, _, width, height = box
    canvas = np.full((2 * height + GAP, (width + GAP) * len(columns) - GAP, 3), 255, dtype=np.uint8)
    for index, picture in enumerate(columns.values()):
        left = index * (width + GAP)
        canvas[:height, left : left + width] = crop(picture, box)
        canvas[height + GAP :, left : left + width] = _enlarged(crop(picture, detail))
    rows, wide = canvas.shape[0] + HEAD, canvas.shape[1]
    fig = plt.figure(figsize=(wide / DPI, rows / DPI), dpi=DPI)
    fig.figimage(canvas, origin="upper")  # not resampled
    for index, title in enumerate(columns):
        x = (index * (width + GAP) + width / 2) / wide
        fig.text(x, 1 - HEAD / 2 / rows, title, ha="center", va="center", fontsize=9)
    return fig


def _enlarged(image: np.ndarray) -> np.ndarray:
    return image.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)


def courses(
    cards: Sequence[Mapping[str, Any]], key: str = "psnr_y"
) -> dict[str, list[tuple[float, float]]]:
    """Name -> (minutes, score) over a training; where two cards tell of one, the first's name."""
    found: dict[str, list[tuple[float, float]]] = {}
    for card in cards:
        points = [(row["minutes"], row[key]) for row in card["history"] if key in row]
        if points and points not in found.values():
            found[card["name"]] = points
    return found


def quality_over_minutes(cards: Sequence[Mapping[str, Any]]) -> Figure:
    """Scores on the validation photographs against minutes of training, a line for each history.

    PSNR above; below LPIPS, for those that scored it on the way.
    """
    devices = {card["name"]: card["device"] for card in cards}
    shown, perceived = courses(cards), courses(cards, "lpips")
    same = len({devices[name] for name in shown}) == 1
    titles = {"PSNR-Y (dB) ↑": shown} | ({"LPIPS ↓": perceived} if perceived else {})
    fig, axes = figure(len(titles), 1, (10.0, 3.6), layout="constrained", sharex=True)
    for axis, (title, lines) in zip(np.atleast_1d(axes), titles.items(), strict=True):
        for number, name in enumerate(shown):
            if name not in lines:
                continue
            axis.semilogx(
                *zip(*lines[name], strict=True),
                # Threads and formats would leave no room for the lines.
                label=name if same else f"{name} ({devices[name].split(',')[0]})",
                marker=".",
                color=COLORS[number % len(COLORS)],  # the same in both
                linestyle="-" if number < len(COLORS) else "--",  # then the colors come again
            )
        axis.set_ylabel(title)
    axis.set_xlabel("minutes of training" + (f" on {devices[next(iter(shown))]}" if same else ""))
    fig.legend(*np.atleast_1d(axes)[0].get_legend_handles_labels(), loc="outside right upper")
    return fig
