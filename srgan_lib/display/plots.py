"""Figures of the notebooks, in one style, each with an alternative text.

Colors are Okabe and Ito's, which color-blind readers can tell apart.
"""

import inspect
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..errors import ImageError

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLE = {
    "axes.prop_cycle": plt.cycler(color=COLORS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "axes.axisbelow": True,
    "font.size": 10,
    "axes.titlesize": 10,
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
}

Box = tuple[int, int, int, int]


def figure(rows: int = 1, columns: int = 1, size: tuple[float, float] | None = None, **kwargs: Any):
    """`plt.subplots` in the course's style; `size` in inches for one panel."""
    width, height = size or (4.2, 3.0)
    plt.rcParams.update(STYLE)  # not only here: lines and legends are drawn later
    return plt.subplots(rows, columns, figsize=(width * columns, height * rows), **kwargs)


def show(fig: Figure, alt: str) -> None:
    """Display a figure in a notebook with its alternative text, and close it.

    The text goes into the output's metadata, where page builders look for it.
    """
    from IPython.display import display

    display(fig, metadata={"image/png": {"alt": alt}})
    plt.close(fig)


def draw_image(axes, image: np.ndarray, title: str = "", shrunk: bool = False) -> None:
    """One picture on axes, uint8 or float in [0, 1]: its pixels as squares, or `shrunk` to fit.

    Shrinking without antialiasing would draw patterns that are not in the picture.
    """
    axes.imshow(
        image,
        cmap="gray",
        vmin=0,
        vmax=1 if image.dtype.kind == "f" else 255,
        interpolation="antialiased" if shrunk else "nearest",
    )
    axes.set_title(title)
    axes.set_axis_off()


def show_images(
    images: Mapping[str, np.ndarray], alt: str, *, columns: int | None = None, width: float = 2.4
) -> None:
    """Pictures side by side, each under its title. LR pictures are drawn as large as HR ones.

    Args:
        images: title -> uint8 (H, W, 3), or (H, W) in gray.
        alt: what the figure shows, for those who cannot see it.
        width: of one picture, in inches.
    """
    if not images:
        raise ImageError("There are no pictures to show: give at least one.")
    columns = columns or min(len(images), 5)
    rows = -(-len(images) // columns)
    tallest = max(image.shape[0] / image.shape[1] for image in images.values())
    fig, axes = figure(rows, columns, (width, width * tallest + 0.35), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (title, image) in zip(axes.flat, images.items(), strict=False):
        draw_image(axis, image, title, shrunk=image.shape[1] > width * fig.dpi)
    show(fig, alt)


def crop(image: np.ndarray, box: Box, scale: float = 1) -> np.ndarray:
    """Cut out (left, top, width, height), given in pixels of a picture `scale` times as wide."""
    left, top, width, height = (round(side / scale) for side in box)
    return image[top : top + height, left : left + width]


def show_crops(
    images: Mapping[str, np.ndarray], box: Box, alt: str, *, columns: int = 5, width: float = 2.4
) -> None:
    """The last picture with a frame around `box`, then that crop of every picture.

    Args:
        images: title -> uint8; smaller ones (LR) are cropped at the same place.
        box: (left, top, width, height) in pixels of the last picture, the original.
    """
    whole = list(images.values())[-1]
    left, top, wide, high = box
    if left < 0 or top < 0 or left + wide > whole.shape[1] or top + high > whole.shape[0]:
        raise ImageError(
            f"The crop {box} does not lie in the {whole.shape[1]}x{whole.shape[0]} picture."
        )
    panels = len(images) + 1
    columns = min(columns, panels)
    rows = -(-panels // columns)
    fig, axes = figure(rows, columns, (width, width * high / wide + 0.35), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    first, *others = axes.flat
    draw_image(first, whole, "where", shrunk=True)
    for color, line in (("white", 4), (COLORS[1], 2)):  # the rim shows on orange ground, too
        first.add_patch(
            Rectangle((left, top), wide, high, fill=False, edgecolor=color, linewidth=line)
        )
    for axis, (title, image) in zip(others, images.items(), strict=False):
        draw_image(axis, crop(image, box, whole.shape[1] / image.shape[1]), title)
    show(fig, alt)


def show_code(thing: Any) -> None:
    """Display the source of a function or class as it runs, in the colors of the page it is on.

    As Markdown: IPython's own `Code` brings a style sheet for light pages along, which the whole
    page then has.
    """
    from IPython.display import Markdown, display

    source = textwrap.dedent(inspect.getsource(thing)).rstrip()
    longest = max(map(len, re.findall("`+", source)), default=0)
    fence = "`" * max(3, longest + 1)
    display(Markdown(f"{fence}python\n{source}\n{fence}"))


def show_table(header: Sequence[Any], rows: Sequence[Sequence[Any]]) -> None:
    """Display a table; columns of figures are aligned on the right."""
    from IPython.display import Markdown, display

    columns = zip(*rows, strict=True)
    rule = ["---:" if all(map(_is_figure, column)) else "---" for column in columns]
    lines = [" | ".join(map(str, row)) for row in (header, rule, *rows)]
    display(Markdown("\n".join(f"| {line} |" for line in lines)))


def _is_figure(entry: Any) -> bool:
    """Whether an entry begins like a number: 28.43, -0.5 dB, 1,545,238; or is a dash for none."""
    return str(entry).lstrip("+-.")[:1].isdigit() or str(entry) in ("", "-", "–", "inf", "∞")


def show_records(records: Sequence[Mapping[str, Any]]) -> None:
    """Display dicts with the same keys as a table, a row each."""
    show_table(list(records[0]), [list(record.values()) for record in records])


def curves(history: Sequence[Mapping[str, float]], panels: Mapping[str, Sequence[str]]) -> Figure:
    """Training curves over the steps: one panel for each title, with the named values in it.

    Args:
        history: `Trainer.history`.
        panels: title -> names of values; those that were never logged are left out.
    """
    fig, axes = figure(1, len(panels), squeeze=False)
    draw_curves(axes[0], history, panels)
    return fig


def draw_curves(
    axes: Sequence[Any], history: Sequence[Mapping[str, float]], panels: Mapping[str, Sequence[str]]
) -> None:
    """The panels of `curves` on the first of `axes`."""
    for axis, (title, names) in zip(axes, panels.items(), strict=False):
        for name in names:
            points = [(row["step"], row[name]) for row in history if name in row]
            if points:
                axis.plot(
                    *zip(*points, strict=True), label=name, marker="." if len(points) < 3 else ""
                )
        axis.set_title(title)
        axis.set_xlabel("step")
        if len(names) > 1 and axis.lines:
            axis.legend()


class LiveCurves:
    """Curves that are drawn again in place while a network trains: pass it as `on_log`.

    Args:
        panels: as for `curves`.
        alt: what the figure will show.
    """

    def __init__(self, panels: Mapping[str, Sequence[str]], alt: str):
        self.panels, self.alt = panels, alt
        self.handle = None

    def __call__(self, trainer: Any) -> None:
        from IPython.display import display

        fig = curves(trainer.history, self.panels)
        metadata = {"image/png": {"alt": self.alt}}
        if self.handle is None:
            self.handle = display(fig, display_id=True, metadata=metadata)
        else:
            self.handle.update(fig, metadata=metadata)
        plt.close(fig)
