"""The diagram of SRGAN: drawn with and without pictures, and the file that README shows."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from srgan_lib.display import diagram
from srgan_lib.errors import ImageError

SQUARE = np.full((8, 8, 3), 200, np.uint8)


def words_of(figure):
    return " ".join(text.get_text() for text in figure.axes[0].texts)


@pytest.mark.parametrize("pictures", [None, {"LR": SQUARE[::4, ::4], "SR": SQUARE, "HR": SQUARE}])
def test_it_names_networks_losses_and_what_each_moves(pictures):
    figure = diagram.srgan_diagram(pictures)
    words = words_of(figure)
    for word in ("generator", "discriminator", "VGG", "adversarial", "content", "perceptual"):
        assert word in words and word in diagram.ALT
    assert r"moves $\psi$ only" in words and r"moves $\theta$ only" in words
    assert [len(inset.images) for inset in figure.axes[0].child_axes] == [int(bool(pictures))] * 3
    assert figure.get_facecolor() == (1, 1, 1, 1)
    plt.close(figure)


def test_all_of_it_lies_within_the_figure_and_no_text_within_another():
    figure = diagram.srgan_diagram()
    figure.canvas.draw()
    inside = figure.bbox
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text()]
    for number, box in enumerate(boxes):
        assert inside.x0 <= box.x0 and box.x1 <= inside.x1
        assert inside.y0 <= box.y0 and box.y1 <= inside.y1
        assert not any(box.overlaps(other) for other in boxes[:number])
    plt.close(figure)


@pytest.mark.parametrize(
    "pictures",
    [{"LR": SQUARE, "HR": SQUARE}, {"LR": SQUARE, "SR": SQUARE, "HR": SQUARE.astype(float)}],
)
def test_what_it_cannot_draw_is_said(pictures):
    with pytest.raises(ImageError):
        diagram.srgan_diagram(pictures)


def test_the_file_of_the_readme_is_the_one_that_is_drawn(tmp_path):
    new, kept = (
        np.asarray(Image.open(path).convert("L"), float)
        for path in (diagram.main(tmp_path / "new.png"), diagram.FILE)
    )
    assert new.shape == kept.shape
    assert np.abs(new - kept).mean() < 2  # another version of the font's renderer may differ
