"""The picture on a model card: one crop by bicubic, by the network and of the original."""

from pathlib import Path

import numpy as np
from PIL import Image

from ..degradation import bicubic_downscale, bicubic_upscale
from ..images import read_image
from ..inference import upscale
from ..models import Generator
from ..system.files import DATA, write_atomically

PHOTOGRAPH = DATA / "samples" / "validation" / "red_panda.jpg"
BOX = (224, 320, 240, 184)  # left, top, width, height: multiples of 8, for every scale
SEEN = "a red panda's face"
MARGIN, GAP = 32, 6  # pixels: of HR around the crop, which the network sees as well; between two


def draw_card_picture(generator: Generator, path: Path, sha256: str) -> None:
    """Write the card's picture as a JPEG; one that these weights made already is left alone.

    Args:
        path: of the picture. Its comment names the weights.
        sha256: of their file.
    """
    if picture_of(path) == sha256:
        return
    left, top, width, height = BOX
    photograph = read_image(PHOTOGRAPH)
    hr = photograph[top - MARGIN : top + height + MARGIN, left - MARGIN : left + width + MARGIN]
    lr = bicubic_downscale(hr, generator.scale)
    columns = (bicubic_upscale(lr, generator.scale), upscale(generator, lr), hr)
    canvas = np.full((height, 3 * (width + GAP) - GAP, 3), 255, dtype=np.uint8)
    for index, picture in enumerate(columns):
        x = index * (width + GAP)
        canvas[:, x : x + width] = picture[MARGIN : MARGIN + height, MARGIN : MARGIN + width]
    picture = Image.fromarray(canvas)
    write_atomically(
        path,
        lambda file: picture.save(
            file, "JPEG", quality=88, subsampling=0, optimize=True, comment=sha256
        ),
    )


def picture_of(path: Path) -> str | None:
    """SHA-256 of the weights that made a card's picture; None where there is no such picture."""
    try:
        with Image.open(path) as picture:
            return picture.info.get("comment", b"").decode("ascii", "replace") or None
    except OSError:
        return None
