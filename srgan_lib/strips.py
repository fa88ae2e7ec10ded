"""The pictures of RESULTS.md: crops pixel for pixel, and quality against minutes.

Nothing is sharpened or chosen by score: the crops are the same for all networks.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from .degradation import bicubic_downscale, bicubic_upscale
from .metrics import psnr
from .plots import COLORS, Box, crop, figure

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


def courses(cards: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """Name -> (minutes, PSNR-Y) over a training; where two cards tell of one, the first's name."""
    found: dict[str, list[tuple[float, float]]] = {}
    for card in cards:
        points = [(row["minutes"], row["psnr_y"]) for row in card["history"] if "psnr_y" in row]
        if points and points not in found.values():
            found[card["name"]] = points
    return found


def quality_over_minutes(cards: Sequence[Mapping[str, Any]]) -> Figure:
    """PSNR on the validation photographs against minutes of training, a line for each history."""
    fig, axis = figure(size=(10.0, 4.2), layout="constrained")
    devices = {card["name"]: card["device"] for card in cards}
    shown = courses(cards)
    same = len({devices[name] for name in shown}) == 1
    for number, (name, points) in enumerate(shown.items()):
        axis.semilogx(
            *zip(*points, strict=True),
            # Threads and formats would leave no room for the lines.
            label=name if same else f"{name} ({devices[name].split(',')[0]})",
            marker=".",
            linestyle="-" if number < len(COLORS) else "--",  # then the colors come again
        )
    axis.set_xlabel("minutes of training" + (f" on {devices[next(iter(shown))]}" if same else ""))
    axis.set_ylabel("PSNR-Y, validation photographs (dB)")
    fig.legend(loc="outside right upper")
    return fig
