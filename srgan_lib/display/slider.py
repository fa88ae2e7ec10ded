"""Two to five pictures of one scene under one divider, zoom and center. Used from chapter 1 on.

slider = CompareSlider({"bicubic": bicubic, "SRGAN": sr, "original": hr}, "a panda's eye")
slider                      # in a notebook
slider.position = 25        # Python moves the divider, and sees where the reader left it
slider.to_html()            # the same for a page without a kernel
"""

import math
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import traitlets

from ..errors import ConfigError, ImageError, SRGANError
from ..images import check_image
from .plots import Box, crop
from .widgets import PictureWidget, check_text, picture

MODES = ("divider", "side", "blink", "magnifier")
MOST_PICTURES = 5
MAX_ZOOM = 16.0


class CompareSlider(PictureWidget):
    """Pictures of one scene to compare by eye, in register to the pixel; lossless.

    Args:
        pictures: label -> uint8 (H, W, 3), two to five of them. A smaller one, such as LR, is
            shown with pixels as large as its scale, so its sides must divide the largest one's.
        alt: what is to be seen, for those who cannot; the pictures' own texts are made from it.
        box: (left, top, width, height) in pixels of the largest: what is shown; all by default.
            Each pixel is a whole number of the screen's, so a width of 400, 200 or 800 fills the
            column of a page, and one of 410 half of it.
        metrics: label -> {name of a score: text}, shown under that picture.
        values: first values of the attributes below.

    Attributes, each of which Python can read, set and link:
        left, right: labels of the pictures at the divider; by default the last two.
        position: percentage of the width that shows the left picture.
        zoom: how many times as large as when the whole picture is seen, 1 to 16; the magnifier's
            lens enlarges 3 times more.
        cx, cy: place in the picture, 0 to 1 each, that is in the middle of the view.
        mode: "divider", "side" (all pictures side by side), "blink" or "magnifier".
        metrics: as above.

    Raises:
        ImageError: not such pictures, sizes that do not fit, a missing label or text.
        ConfigError: a value outside the range that an attribute allows.
    """

    script = "compare"
    values = ("left", "right", "position", "zoom", "cx", "cy", "mode", "metrics")
    height = 640

    left = traitlets.Unicode().tag(sync=True)
    right = traitlets.Unicode().tag(sync=True)
    position = traitlets.CFloat(50.0, min=0.0, max=100.0).tag(sync=True)
    zoom = traitlets.CFloat(1.0, min=1.0, max=MAX_ZOOM).tag(sync=True)
    cx = traitlets.CFloat(0.5, min=0.0, max=1.0).tag(sync=True)
    cy = traitlets.CFloat(0.5, min=0.0, max=1.0).tag(sync=True)
    mode = traitlets.Enum(MODES, "divider").tag(sync=True)
    metrics = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        pictures: Mapping[str, np.ndarray],
        alt: str,
        *,
        box: Box | None = None,
        metrics: Mapping[str, Mapping[str, str]] | None = None,
        **values: Any,
    ):
        check_text(alt, "The text on what is to be seen (alt)")
        shown = _cut(_checked(pictures), box)
        labels = list(shown)
        if unknown := values.keys() - set(self.values):
            raise ConfigError(
                f"A slider has no {', '.join(sorted(unknown))}: choose from "
                f"{', '.join(self.values)}."
            )
        first = {"left": labels[-2], "right": labels[-1], "metrics": metrics or {}}
        self._labels = labels
        self._size = max((image.shape[1], image.shape[0]) for image in shown.values())
        made = [picture(image, label, f"{label}: {alt}") for label, image in shown.items()]
        try:
            super().__init__(
                title=f"{', '.join(labels)}: {alt}", _pictures=made, **{**first, **values}
            )
        except traitlets.TraitError as error:
            raise ConfigError(f"The slider cannot be set up so: {error}") from None

    @traitlets.validate("left", "right")
    def _known_label(self, proposal: Any) -> str:
        if proposal.value not in self._labels:
            raise traitlets.TraitError(
                f"There is no picture {proposal.value!r}: choose one of {', '.join(self._labels)}."
            )
        return proposal.value

    @traitlets.validate("metrics")
    def _known_metrics(self, proposal: Any) -> dict[str, dict[str, str]]:
        unknown = sorted(map(str, proposal.value.keys() - set(self._labels)))
        if unknown:
            raise traitlets.TraitError(
                f"There is no picture {', '.join(unknown)} to give metrics to: choose from "
                f"{', '.join(self._labels)}."
            )
        if not all(isinstance(row, Mapping) for row in proposal.value.values()):
            raise traitlets.TraitError("Metrics come as label -> {name of a score: text}.")
        rows = proposal.value.items()
        return {label: {name: str(text) for name, text in row.items()} for label, row in rows}

    @traitlets.validate("position", "zoom", "cx", "cy")
    def _finite(self, proposal: Any) -> float:
        if not math.isfinite(proposal.value):  # a bound alone lets NaN pass
            raise traitlets.TraitError(f"{proposal.trait.name} must be a number.")
        return proposal.value

    def __repr__(self) -> str:
        return f"CompareSlider({', '.join(self._labels)})"

    @property
    def visible(self) -> Box:
        """The part of the largest picture that is in view: (left, top, width, height) in pixels.

        To show scores of just this part, watch `zoom`, `cx` and `cy` and set `metrics`.
        """
        width, height = (max(1, round(side / self.zoom)) for side in self._size)
        left, top = (
            min(max(round(center * side - length / 2), 0), side - length)
            for center, side, length in zip(
                (self.cx, self.cy), self._size, (width, height), strict=True
            )
        )
        return left, top, width, height


def _checked(pictures: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The pictures, if they can be laid over each other."""
    if not isinstance(pictures, Mapping):
        raise ImageError(
            f"Pictures to compare come as label -> picture, not as {type(pictures).__name__}."
        )
    if not 2 <= len(pictures) <= MOST_PICTURES:
        raise ImageError(
            f"A comparison takes 2 to {MOST_PICTURES} pictures, not {len(pictures)}: "
            "leave some out, or add one."
        )
    for label, image in pictures.items():
        check_text(label, "The label of a picture")
        try:
            check_image(image)
        except SRGANError as error:
            raise ImageError(f"{label}: {error}") from None
    largest = max((image.shape[:2] for image in pictures.values()), key=lambda size: size[0])
    for label, image in pictures.items():
        times = largest[0] / image.shape[0]
        if times != int(times) or image.shape[1] * times != largest[1]:
            raise ImageError(
                f"{label} has {image.shape[1]}x{image.shape[0]} pixels, which does not fit "
                f"{largest[1]}x{largest[0]}: all pictures must show the same, at one size or an "
                "integer fraction of it."
            )
    return dict(pictures)


def _cut(pictures: dict[str, np.ndarray], box: Box | None) -> dict[str, np.ndarray]:
    """Only what is shown is sent: `box`, at each picture's own scale."""
    if box is None:
        return pictures
    height, width = max(image.shape[:2] for image in pictures.values())
    sides = tuple(box) if isinstance(box, Sequence) and not isinstance(box, str) else ()
    if len(sides) != 4 or not all(isinstance(side, Integral) for side in sides):
        raise ImageError(f"A box is four whole numbers (left, top, width, height), not {box!r}.")
    left, top, wide, high = sides
    if min(left, top) < 0 or min(wide, high) < 1 or left + wide > width or top + high > height:
        raise ImageError(f"The box {box} does not lie in the {width}x{height} pictures.")
    for label, image in pictures.items():
        scale = width // image.shape[1]
        if any(side % scale for side in box):
            raise ImageError(
                f"The box {box} cuts through pixels of {label}: choose multiples of {scale}."
            )
    return {name: crop(image, box, width / image.shape[1]) for name, image in pictures.items()}
