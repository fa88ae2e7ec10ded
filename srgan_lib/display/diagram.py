"""The whole of SRGAN in one diagram: `python -m srgan_lib.display.diagram` draws README's.

Who feeds whom, what each loss compares, and which network's weights its gradient moves (Ledig et
al. 2017, figure 4 and equations 2 to 6).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from ..data import samples
from ..degradation import bicubic_downscale
from ..errors import ImageError
from ..images import check_image
from ..inference import upscale
from ..system.files import DATA, write_atomically
from ..weights import load_generator
from .plots import COLORS, crop, draw_image, figure

FILE = DATA / "results" / "srgan-diagram.png"  # README's
EYE = (284, 304, 160, 160)  # of the red panda: an eye and its fur
ALT = (
    "The whole of SRGAN. An LR picture goes into the generator, which makes an SR picture. The "
    "discriminator sees SR and the original HR picture, and VGG, whose weights are fixed, sees "
    "both as well. The discriminator loss, on HR and SR, moves the discriminator's weights only. "
    "The adversarial loss, the discriminator's verdict on SR, and the content loss, between VGG's "
    "features of SR and HR, add up to the perceptual loss, which moves the generator's weights "
    "only."
)
# The orange of `COLORS` is darkened until white text on it is easy to read.
INK, GENERATOR, DISCRIMINATOR, FIXED = "#1f2328", COLORS[0], "#B04D00", "#57606a"
# Left, bottom, width and height in the diagram's units, of which it is 12.3 wide.
FRAMES = {
    "LR": ("LR, $I_x$", (0.2, 2.7, 0.9, 0.9)),
    "SR": (r"SR, $\hat I_y$", (4.25, 2.55, 1.2, 1.2)),
    "HR": ("HR, $I_y$", (4.25, 0.1, 1.2, 1.2)),
}
NETWORKS = (
    (GENERATOR, (1.75, 2.6, 1.85, 1.1), "generator\n$F$ (the paper's $G$)\nweights $\\theta$"),
    (DISCRIMINATOR, (6.35, 2.6, 1.7, 1.1), "discriminator\n$D_\\psi$\nweights $\\psi$"),
    (FIXED, (6.35, 0.15, 1.7, 1.1), "VGG\nfeatures $\\phi$\nweights fixed"),
)
LOSSES = (  # each in the color of the network whose weights it moves
    (
        DISCRIMINATOR,
        (8.95, 3.65, 3.2, 0.85),
        "discriminator loss\n$-\\log D(\\mathrm{HR}) - \\log(1 - D(\\mathrm{SR}))$",
    ),
    (
        GENERATOR,
        (8.95, 1.95, 3.2, 0.85),
        "adversarial loss, times $10^{-3}$\n$-\\log D(\\mathrm{SR})$",
    ),
    (
        GENERATOR,
        (8.95, 0.28, 3.2, 0.85),
        "content loss\n$\\|\\phi(\\mathrm{HR}) - \\phi(\\mathrm{SR})\\|^2$",
    ),
)
FLOW = (
    ((1.15, 3.15), (1.7, 3.15)),  # LR to the generator
    ((3.65, 3.15), (4.2, 3.15)),  # and on to SR
    ((5.5, 3.15), (6.3, 3.15)),  # SR to the discriminator
    ((5.5, 2.9), (6.3, 1.0)),  # and to VGG
    ((5.5, 0.95), (6.3, 2.8)),  # HR to the discriminator
    ((5.5, 0.7), (6.3, 0.7)),  # and to VGG
    ((8.1, 3.4), (8.9, 3.95)),
    ((8.1, 2.9), (8.9, 2.5)),
    ((8.1, 0.7), (8.9, 0.7)),
)


def srgan_diagram(pictures: Mapping[str, np.ndarray] | None = None) -> Figure:
    """Draw SRGAN's networks, pictures and losses, on white so that it is read in dark mode, too.

    Args:
        pictures: "LR", "SR" and "HR" -> uint8 (H, W, 3), square, to be seen in their places;
            without them these have empty frames.

    Returns:
        The figure, for `plots.show(figure, ALT)`.

    Raises:
        ImageError: other names, or something that is no picture.
    """
    if pictures is not None:
        if set(pictures) != {"LR", "SR", "HR"}:
            raise ImageError(f"The diagram takes LR, SR and HR, not {', '.join(pictures)}.")
        for image in pictures.values():
            check_image(image)
    fig, axes = figure(size=(10, 4.55))
    fig.set_facecolor("white")
    axes.set(xlim=(0, 12.3), ylim=(-0.85, 4.7), aspect="equal")
    axes.set_axis_off()

    for name, (label, place) in FRAMES.items():
        inset = axes.inset_axes(place, transform=axes.transData)
        if pictures is None:
            inset.set(xticks=[], yticks=[])
            inset.grid(visible=False)
        else:
            draw_image(inset, pictures[name])
        left, bottom, width, height = place
        axes.text(left + width / 2, bottom + height + 0.08, label, ha="center", va="bottom")
    for color, place, text in NETWORKS:
        _box(axes, place, text, face=color, edge=color, ink="white")
    for color, place, text in LOSSES:
        _box(axes, place, text, face="white", edge=color, ink=INK)
    axes.text(10.55, 1.54, "+", ha="center", va="center", size=15, color=GENERATOR)

    for arrow in FLOW:
        _arrow(axes, arrow, INK)
    _arrow(axes, ((8.9, 4.25), (7.2, 4.25), (7.2, 3.75)), DISCRIMINATOR, update=True)
    axes.text(7.1, 4.33, r"moves $\psi$ only", color=DISCRIMINATOR, ha="right", va="center")
    _arrow(
        axes, ((10.55, 0.23), (10.55, -0.35), (2.67, -0.35), (2.67, 2.55)), GENERATOR, update=True
    )
    sum_of_both = (
        r"perceptual loss = content loss + $10^{-3}$ adversarial loss: moves $\theta$ only"
    )
    axes.text(7.2, -0.45, sum_of_both, color=GENERATOR, ha="center", va="top")
    return fig


def _box(axes, place: tuple[float, ...], text: str, *, face: str, edge: str, ink: str) -> None:
    """A rounded box with text in its middle."""
    left, bottom, width, height = place
    style = "round,pad=0,rounding_size=0.12"
    axes.add_patch(FancyBboxPatch(place[:2], width, height, style, fc=face, ec=edge, linewidth=1.6))
    middle = left + width / 2, bottom + height / 2
    axes.text(*middle, text, ha="center", va="center", linespacing=1.35, color=ink)


def _arrow(axes, points: Sequence[tuple[float, float]], color: str, update: bool = False) -> None:
    """An arrow along the points; dashed if it stands for an update of weights."""
    style = {"color": color, "linewidth": 1.8 if update else 1.3}
    if update:
        style["linestyle"] = (0, (4, 2.5))
    axes.plot(*zip(*points[:-1], strict=True), **style)
    head = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, **style}
    axes.annotate("", points[-1], points[-2], arrowprops=head)


def panda_pictures() -> dict[str, np.ndarray]:
    """LR, SR by the SRGAN that comes with the course, and HR of the red panda's eye."""
    hr = crop(dict(samples("validation"))["red_panda.jpg"], EYE)
    lr = bicubic_downscale(hr, 4)
    return {"LR": lr, "SR": upscale(load_generator("srgan"), lr), "HR": hr}


def main(path: Path = FILE) -> Path:
    """Draw README's file."""
    fig = srgan_diagram(panda_pictures())
    write_atomically(path, lambda name: fig.savefig(name, dpi=160, format="png", metadata={}))
    return path


if __name__ == "__main__":
    print(main())
