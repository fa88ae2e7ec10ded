"""A training as a film: drawn in place while it runs, and a scrubber through it afterwards.

Taught in chapters 3 and 4; chapter 5 scrubs from one network to another.
"""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import matplotlib.pyplot as plt
import numpy as np
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..degradation import bicubic_upscale
from ..errors import ConfigError, ImageError, SRGANError
from ..images import check_image, read_image, write_image
from ..inference import upscale
from ..system.files import write_json
from . import plots
from .widgets import PictureWidget, check_text, picture

FOLDER = "film"  # in a run's folder: one PNG for each moment
START = "start.json"  # in there: the scores before the first step
MOST_FRAMES = 40
Cursor = dict[str, float]


def line_cursors(fig: Figure, xs: Sequence[float]) -> list[list[Cursor]]:
    """For each x a vertical line through every panel of a figure, in fractions of the figure."""
    _lay_out(fig)
    cursors = []
    for x in xs:
        lines = []
        for axis in fig.axes:
            box = axis.get_position()
            across = axis.transData.transform((x, 0))[0] / fig.bbox.width
            lines.append({"x": float(across), "y": 1 - box.y1, "height": box.height})
        cursors.append(lines)
    return cursors


def dot_cursors(fig: Figure, points: Sequence[tuple[float, float]]) -> list[list[Cursor]]:
    """For each point (x, y) of the first panel a dot there, in fractions of the figure."""
    _lay_out(fig)
    places = fig.axes[0].transData.transform(points) / [fig.bbox.width, fig.bbox.height]
    return [[{"x": float(x), "y": float(1 - y), "height": 0.0}] for x, y in places]


def _lay_out(fig: Figure) -> None:
    """Draw it once, for only then does its layout stand.

    On a canvas of pixels: whatever canvas it has, one that was closed may have another, on which
    the layout is not the one that `savefig` will draw.
    """
    canvas = fig.canvas
    FigureCanvasAgg(fig).draw()
    fig.set_canvas(canvas)


class Scrubber(PictureWidget):
    """One moment of many at a time: its pictures, and where it is in a chart.

    Args:
        frames: words on each moment -> {label: picture}, the same labels in each.
        alt: what is to be seen, for those who cannot.
        axis: what the scrubber goes along, e.g. "step".
        references: label -> picture that stays the same beside the moments.
        chart: a figure, with its own text in `chart_alt`; it is closed.
        cursors: of each moment in the chart, from `line_cursors` or `dot_cursors`.
        enlarge: screen pixels for each of the pictures'.

    Attributes:
        index: of the moment shown, from 0; Python can read, set and link it.

    Raises:
        ImageError: no frames, other labels in one of them, no pictures, or a missing text.
        ConfigError: cursors for another number of moments, or an index that does not exist.
    """

    script = "scrubber"
    values = ("index", "frames", "cursors", "axis", "enlarge")
    height = 620

    index = traitlets.Int(0).tag(sync=True)
    frames = traitlets.List().tag(sync=True)
    cursors = traitlets.List().tag(sync=True)
    axis = traitlets.Unicode().tag(sync=True)
    enlarge = traitlets.Int(1, min=1).tag(sync=True)

    def __init__(
        self,
        frames: Mapping[str, Mapping[str, np.ndarray]],
        alt: str,
        *,
        axis: str = "step",
        references: Mapping[str, np.ndarray] | None = None,
        chart: Figure | None = None,
        chart_alt: str = "",
        cursors: Sequence[Sequence[Cursor]] = (),
        enlarge: int = 1,
        index: int = 0,
    ):
        check_text(alt, "The text on what is to be seen (alt)")
        pictures = list(_moments(frames, alt))
        check_text(axis, "The name of the axis")
        if len(cursors) not in (0, len(frames)) or len({len(row) for row in cursors}) > 1:
            raise ConfigError(
                f"There are {len(frames)} moments and cursors for {len(cursors)}: give each moment "
                "as many."
            )
        for label, image in (references or {}).items():
            check_text(label, "The label of a picture")
            pictures.append(picture(image, label, f"{label}: {alt}", fixed=1))
        if chart is not None:
            check_text(chart_alt, "The text on the chart (chart_alt)")
            pictures.insert(0, _chart(chart, chart_alt))
        try:
            super().__init__(
                title=alt, _pictures=pictures, frames=list(frames), axis=axis, enlarge=enlarge,
                cursors=[list(row) for row in cursors] or [[] for _ in frames], index=index,
            )  # fmt: skip
        except traitlets.TraitError as error:
            raise ConfigError(f"The scrubber cannot be set up so: {error}") from None

    @traitlets.validate("index")
    def _existing(self, proposal: Any) -> int:
        if self.frames and not 0 <= proposal.value < len(self.frames):
            raise traitlets.TraitError(
                f"There is no moment {proposal.value}: choose one of 0 to {len(self.frames) - 1}."
            )
        return proposal.value

    def __repr__(self) -> str:
        return f"Scrubber({len(self.frames)} moments)"


def _moments(frames: Mapping[str, Mapping[str, np.ndarray]], alt: str):
    nested = isinstance(frames, Mapping) and all(isinstance(v, Mapping) for v in frames.values())
    if not nested:
        raise ImageError("Moments come as words -> {label: picture}.")
    if not frames:
        raise ImageError("A film needs at least one moment: train a few steps first.")
    labels = list(next(iter(frames.values())))
    for number, (words, views) in enumerate(frames.items()):
        check_text(words, "The words on a moment")
        if list(views) != labels or not labels:
            raise ImageError(
                f"{words} has the pictures {', '.join(views) or 'none'}, the first moment has "
                f"{', '.join(labels) or 'none'}: give every moment the same."
            )
        for label, image in views.items():
            caption = words if len(views) == 1 else f"{label}, {words}"
            yield picture(image, caption, f"{label}, {words}: {alt}", frame=number, view=label)


def _chart(fig: Figure, alt: str) -> dict[str, Any]:
    buffer = io.BytesIO()
    # No version in the file: the same chart is the same text in every page.
    fig.savefig(buffer, format="png", dpi=1.5 * fig.dpi, metadata={"Software": None})
    plt.close(fig)
    width, height = (round(inches * fig.dpi) for inches in fig.get_size_inches())
    size = {"width": width, "height": height}
    return {"label": "", "alt": alt, "png": buffer.getvalue(), **size, "data": {"chart": 1}}


class TrainingFilm:
    """Curves, and what the network makes of one picture: pass it to `Trainer.run` as `on_log`.

    Call it with the trainer before the first step, too: then the film begins with the start, its
    picture and its scores. One figure is drawn again in place, so the notebook does not grow. Each
    moment's picture is kept in the run's folder, where a training that goes on finds those from
    before.

    Args:
        panels: as for `plots.curves`.
        lr, hr: uint8, the picture to watch and its original; small, it is enlarged at every look.
        alt: what the picture shows.
        levels: panel's title -> {label: value} of dashed lines to compare with.
    """

    def __init__(
        self,
        panels: Mapping[str, Sequence[str]],
        lr: np.ndarray,
        hr: np.ndarray,
        alt: str,
        levels: Mapping[str, Mapping[str, float]] | None = None,
    ):
        self.panels, self.lr, self.hr = panels, check_image(lr), check_image(hr)
        self.alt = check_text(alt, "The text on what is to be seen (alt)")
        self.levels = levels or {}
        self.scale = hr.shape[0] // lr.shape[0]
        if lr.shape[0] * self.scale != hr.shape[0] or lr.shape[1] * self.scale != hr.shape[1]:
            raise ImageError(
                f"LR has {lr.shape[1]}x{lr.shape[0]} pixels and HR {hr.shape[1]}x{hr.shape[0]}: "
                "HR must be an integer number of times as large."
            )
        self.bicubic = bicubic_upscale(self.lr, self.scale)
        self.moments: dict[int, np.ndarray] = {}  # step -> SR
        self.start: dict[str, float] = {}  # scores before the first step, as in a history
        self.handle = None

    def __call__(self, trainer: Any) -> None:
        """Take the picture of this moment, and draw the figure again."""
        from IPython.display import display

        self._take(trainer)
        if trainer.folder is not None:
            if trainer.step == 0:
                write_json(trainer.folder / FOLDER / START, self.start)
            write_image(self._file(trainer, trainer.step), self.moments[trainer.step], force=True)
        fig = self._figure(self._history(trainer), self.moments[trainer.step], trainer.step)
        metadata = {"image/png": {"alt": f"Curves of the training, and {self.alt} at this step."}}
        if self.handle is None:
            self.handle = display(fig, display_id=True, metadata=metadata)
        else:
            self.handle.update(fig, metadata=metadata)
        plt.close(fig)

    def _take(self, trainer: Any) -> None:
        network = trainer.result
        training = network.training
        self.moments[trainer.step] = upscale(network, self.lr)
        if trainer.step == 0:
            self.start = {"step": 0, **(trainer.validate(network) if trainer.validate else {})}
        network.train(training)  # both leave it in eval mode

    def _history(self, trainer: Any) -> list[Mapping[str, float]]:
        """The trainer's, with the start before it if it was watched, now or in another session."""
        if not self.start and trainer.folder is not None:
            try:
                kept = json.loads((trainer.folder / FOLDER / START).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                kept = {}
            self.start = kept if isinstance(kept, dict) and kept.get("step") == 0 else {}
        return [*([self.start] if self.start else []), *trainer.history]

    def scrubber(self, trainer: Any, **options: Any) -> Scrubber:
        """The whole training to go through, `MOST_FRAMES` moments at most.

        Args:
            trainer: the one that was watched, or one that has resumed its run.
            options: as for `Scrubber`.
        """
        history = self._history(trainer)
        rows = {row["step"]: row for row in history}
        self._find_earlier(trainer, rows)
        if trainer.step in rows and trainer.step not in self.moments:
            self._take(trainer)  # a run that nobody watched has its end to show, at least
        steps = sorted(self.moments.keys() & rows.keys())
        if len(steps) > MOST_FRAMES:
            kept = np.linspace(0, len(steps) - 1, MOST_FRAMES).round().astype(int)
            steps = [steps[index] for index in kept]
        frames = {_words(rows[step]): {"your network": self.moments[step]} for step in steps}
        if not frames:
            raise ImageError("A film needs at least one moment: train a few steps first.")
        chart = plots.curves(history, self.panels)
        self._draw_levels(chart.axes)
        return Scrubber(
            frames, self.alt, references={"bicubic": self.bicubic, "original": self.hr},
            chart=chart, chart_alt=f"Curves over the steps: {', '.join(self.panels)}.",
            cursors=line_cursors(chart, steps),
            **options,
        )  # fmt: skip

    def _find_earlier(self, trainer: Any, rows: Mapping[int, Any]) -> None:
        """Moments that an earlier session kept; a file that cannot be used is left alone."""
        for step in rows.keys() - self.moments.keys() if trainer.folder is not None else ():
            try:
                image = read_image(self._file(trainer, step))
            except SRGANError:
                continue
            if image.shape == self.hr.shape:  # else of another picture
                self.moments[step] = image

    def _file(self, trainer: Any, step: int) -> Path:
        # Each picture that is watched has a film of its own.
        return trainer.folder / FOLDER / f"{crc32(self.lr.tobytes()):08x}" / f"step_{step:07d}.png"

    def _draw_levels(self, axes: Sequence[Any]) -> None:
        for axis, title in zip(axes, self.panels, strict=False):
            for label, value in self.levels.get(title, {}).items():
                axis.axhline(value, color="black", linestyle="--", label=label)
                axis.legend()

    def _figure(self, history: Sequence[Mapping[str, float]], sr: np.ndarray, step: int) -> Figure:
        columns = max(3, len(self.panels))
        fig, axes = plots.figure(2, columns, (3.4, 2.7), squeeze=False)
        plots.draw_curves(axes[0], history, self.panels)
        self._draw_levels(axes[0])
        shown = {"bicubic": self.bicubic, f"step {step}": sr, "original": self.hr}
        for axis in axes.flat:
            if not axis.has_data():
                axis.set_axis_off()
        for axis, (title, image) in zip(axes[1], shown.items(), strict=False):
            plots.draw_image(axis, image, title)
        return fig


def _words(row: Mapping[str, float]) -> str:
    """What is said of one moment."""
    names = {"psnr_y": "PSNR-Y {:.2f} dB", "lpips": "LPIPS {:.4f}", "d_hr": "D(HR) {:.2f}",
             "d_sr": "D(SR) {:.2f}"}  # fmt: skip
    scores = [text.format(row[name]) for name, text in names.items() if name in row]
    return ", ".join([f"step {row['step']:,}", *scores])
