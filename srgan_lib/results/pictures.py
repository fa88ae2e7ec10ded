"""The pictures of RESULTS.md and README: crops pixel for pixel, and figures of the scores.

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
from ..recipes import VARIANTS
from .chance import chance, is_seed
from .targets import PAPER

ZOOM, GAP, HEAD, DPI = 4, 8, 22, 100  # pixels, all but the first and the last
# Photograph -> crop, and its detail a quarter as wide; what is seen.
STRIPS: dict[str, tuple[Box, Box, str]] = {
    "red_panda": ((230, 330, 240, 180), (375, 350, 60, 45), "a red panda's face, then its eye"),
    "pagoda": ((90, 110, 240, 180), (170, 150, 60, 45), "tiled roofs, then the edge of one"),
    "chameleon": ((80, 180, 240, 180), (145, 245, 60, 45), "a chameleon's head, then its eye"),
}
OVERVIEW = ("red_panda", (160, 236, 320, 240))  # the README's picture: photograph, crop
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
    columns = _by_every_method(hr, networks)
    _, _, width, height = box
    canvas = np.full((2 * height + GAP, (width + GAP) * len(columns) - GAP, 3), 255, dtype=np.uint8)
    for index, picture in enumerate(columns.values()):
        left = index * (width + GAP)
        canvas[:height, left : left + width] = crop(picture, box)
        canvas[height + GAP :, left : left + width] = _enlarged(crop(picture, detail))
    return _titled(canvas, list(columns), width)


def overview(hr: np.ndarray, box: Box, networks: Mapping[str, Upscaler]) -> Figure:
    """One crop of a photograph by bicubic, by the networks and of the original, at 1:1.

    Args:
        hr, box, networks: as for `strip`.
    """
    columns = _by_every_method(hr, networks)
    del columns["LR"]
    _, _, width, height = box
    canvas = np.full((height, (width + GAP) * len(columns) - GAP, 3), 255, dtype=np.uint8)
    for index, picture in enumerate(columns.values()):
        left = index * (width + GAP)
        canvas[:, left : left + width] = crop(picture, box)
    return _titled(canvas, list(columns), width)


def _by_every_method(hr: np.ndarray, networks: Mapping[str, Upscaler]) -> dict[str, np.ndarray]:
    """Title -> picture: LR, bicubic, the networks, the original, all as large as `hr`."""
    lr = bicubic_downscale(hr, ZOOM)
    methods: dict[str, Upscaler] = {"bicubic": lambda image: bicubic_upscale(image, ZOOM)}
    columns = {"LR": _enlarged(lr)}
    for title, method in {**methods, **networks}.items():
        sr = method(lr)
        columns[f"{title}, {psnr(sr, hr, border=ZOOM):.2f} dB"] = sr
    return {**columns, "original": hr}


def _titled(canvas: np.ndarray, titles: Sequence[str], width: int) -> Figure:
    """The canvas pixel for pixel, a title above each of its columns of that width."""
    rows, wide = canvas.shape[0] + HEAD, canvas.shape[1]
    fig = plt.figure(figsize=(wide / DPI, rows / DPI), dpi=DPI)
    fig.figimage(canvas, origin="upper")  # not resampled
    for index, title in enumerate(titles):
        x = (index * (width + GAP) + width / 2) / wide
        fig.text(x, 1 - HEAD / 2 / rows, title, ha="center", va="center", fontsize=9)
    return fig


def _enlarged(image: np.ndarray) -> np.ndarray:
    return image.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)


def learning_curves(
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
    shown, perceived = learning_curves(cards), learning_curves(cards, "lpips")
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


def perception_and_distortion(
    cards: Sequence[Mapping[str, Any]], bicubic: Mapping[str, Any]
) -> Figure:
    """PSNR against LPIPS of every network, a panel for each set of the literature.

    Networks to use are blue, those of the comparisons orange, earlier stages small and gray.
    """
    methods = {"bicubic": bicubic, **{card["name"]: card for card in cards}}
    sets = scattered_sets(cards)
    fig, axes = figure(1, len(sets), (5.6, 4.2), layout="constrained", squeeze=False)
    for axis, set_name in zip(axes[0], sets, strict=True):
        axis.set(title=set_name, xlabel="LPIPS, less is better", ylabel="PSNR-Y (dB)")
        axis.margins(0.12)
        named = {}
        for name, card in methods.items():
            scores = card["scores"].get(set_name) or {}
            if scores.get("lpips") is None:
                continue
            point = scores["lpips"], scores["psnr_y"]
            color, size = _kind(name)
            axis.plot(*point, "o", color=color, markersize=size, zorder=size)
            if size > SMALL:
                named[name] = point
        _label(axis, named)
    return fig


def scattered_sets(cards: Sequence[Mapping[str, Any]]) -> list[str]:
    """The paper's sets on which some network has an LPIPS: the panels of the scatter."""
    scored = [name for card in cards for name, row in card["scores"].items() if row.get("lpips")]
    return [name for name in PAPER if name in scored]


SMALL = 4  # the dot of a stage on the way to another network


def _kind(name: str) -> tuple[str, float]:
    """Color and size of a network's dot."""
    if name in ("srresnet", "srgan") or name.endswith("-photo"):
        return COLORS[0], 8
    if name == "bicubic":
        return COLORS[-1], 6
    return (COLORS[1], 6) if name in (*VARIANTS, "blog") else ("#888888", SMALL)


def _label(axis: Any, points: Mapping[str, tuple[float, float]]) -> None:
    """Write the names beside the points, each where it hides neither a point nor a name."""
    axis.figure.canvas.draw()  # the places of the points are known from here on
    dots = [axis.transData.transform(point) for point in points.values()]
    taken: list[Any] = []
    for name, point in points.items():
        for x, y, side in ((7, 0, "left"), (-7, 0, "right"), (0, 10, "center"), (0, -10, "center"),
                           (7, 10, "left"), (7, -10, "left"), (-7, 10, "right"), (-7, -10, "right"),
                           (0, 21, "center"), (0, -21, "center")):  # fmt: skip
            text = axis.annotate(
                name, point, xytext=(x, y), textcoords="offset points", ha=side, va="center",
                fontsize=8,
            )  # fmt: skip
            box = text.get_window_extent()
            frame = axis.get_window_extent()
            inside = frame.x0 < box.x0 and box.x1 < frame.x1
            clear = not any(box.overlaps(other) for other in taken)
            if inside and clear and not any(box.padded(4).contains(*dot) for dot in dots):
                break
            text.remove()
        else:
            text = axis.annotate(name, point, xytext=(7, 0), textcoords="offset points", fontsize=8)
            box = text.get_window_extent()
        taken.append(box)


def change_bars(ablation: Mapping[str, Any]) -> Figure:
    """Each single change as a bar from the base, sorted by LPIPS, with the band of chance in gray.

    The bars start at the mean of the base's seeds, where there are several.

    Args:
        ablation: as in data/results/ablation.json.
    """
    rows = sorted(
        (row for row in ablation["rows"] if not is_seed(row)),
        key=lambda row: (row["lpips"] is None, row["lpips"]),
        reverse=True,  # the first bar is drawn at the bottom
    )
    fig, axes = figure(1, 2, (5.6, 0.6 + 0.26 * len(rows)), layout="constrained", sharey=True)
    titles = {"lpips": ("LPIPS, less is better", -1), "psnr_y": ("PSNR-Y in dB, more is better", 1)}
    for axis, (key, (title, good)) in zip(axes, titles.items(), strict=True):
        band = chance(ablation, key)
        zero, half = (band.mean, band.half) if band else (ablation["base"][key] or 0.0, 0.0)
        axis.axvspan(-half, half, color="#D8D8D8", zorder=0)
        axis.axvline(0, color="black", linewidth=0.8)
        for place, row in enumerate(rows):
            if row[key] is None:
                continue
            moved = row[key] - zero
            color = "#888888" if abs(moved) <= half else COLORS[2 if moved * good > 0 else 1]
            axis.barh(place, moved, color=color, height=0.7)
        axis.set(title=title, xlabel="change from the base")
        axis.grid(axis="y", visible=False)
    axes[0].set_yticks(range(len(rows)), [row["change"] for row in rows])
    return fig
