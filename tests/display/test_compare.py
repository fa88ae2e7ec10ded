"""The widgets on the Python side: what they take, send and say; the browser's side is elsewhere."""

import io
import json
import re
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pytest
import traitlets
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from PIL import Image

from srgan_lib.display.film import Scrubber, dot_cursors, line_cursors
from srgan_lib.display.plots import figure
from srgan_lib.display.slider import CompareSlider
from srgan_lib.display.widgets import WIDGET_VIEW, to_png
from srgan_lib.errors import ConfigError, ImageError


def scene(height=24, width=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def slider():
    pictures = {"LR": scene(6, 8), "bicubic": scene(seed=1), "SRGAN": scene(seed=2)}
    return CompareSlider(pictures, "grains of sand")


class Attributes(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def all(self, wanted):
        return [attributes for tag, attributes in self.found if tag == wanted]


def page_of(widget):
    """What is inside the frame, as a browser would read it."""
    (frame,) = Attributes(widget.to_html()).all("iframe")
    assert frame["title"] == widget.title
    return frame["srcdoc"]


def test_pictures_are_sent_without_loss(slider):
    for sent, (height, width) in zip(slider._pictures, [(6, 8), (24, 32), (24, 32)], strict=True):
        image = np.asarray(Image.open(io.BytesIO(sent["png"])))
        assert image.shape == (height, width, 3) == (sent["height"], sent["width"], 3)
    assert np.array_equal(image, scene(seed=2))


def test_png_is_lossless_for_any_bytes():
    image = scene(17, 5, seed=9)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(to_png(image)))), image)


def test_the_page_has_all_that_a_reader_without_script_needs(slider):
    page = Attributes(page_of(slider))
    images = page.all("img")
    assert [image["alt"] for image in images] == [
        f"{label}: grains of sand" for label in ("LR", "bicubic", "SRGAN")
    ]
    assert all(image["src"].startswith("data:image/png;base64,") for image in images)
    assert len(page.all("figcaption")) == 3


def test_a_page_is_the_same_text_every_time_and_holds_the_state(slider):
    twin = CompareSlider(
        {"LR": scene(6, 8), "bicubic": scene(seed=1), "SRGAN": scene(seed=2)}, "grains of sand"
    )
    assert slider.to_html() == twin.to_html()
    twin.position = 7
    state = json.loads(re.search(r'id="state">(.*?)</script>', page_of(twin))[1])
    assert state["position"] == 7 and state["left"] == "bicubic" and state["right"] == "SRGAN"
    assert slider.to_html() != twin.to_html()


def test_labels_and_texts_cannot_break_the_page():
    label = '</script><b title="x">&'
    widget = CompareSlider({label: scene(), "b": scene(seed=1)}, "'\"<i>")
    page = page_of(widget)
    assert Attributes(page).all("img")[0]["alt"] == f"{label}: '\"<i>"
    assert page.count("</script>") == 2 and not Attributes(page).all("b")


def test_both_forms_are_in_the_output_of_a_cell(slider):
    data, _ = slider._repr_mimebundle_()
    assert data.keys() == {WIDGET_VIEW, "text/html", "text/plain"}
    assert data["text/plain"] == repr(slider) == "CompareSlider(LR, bicubic, SRGAN)"


def test_no_address_of_this_machine_or_the_web_is_in_a_page(slider):
    assert not re.search(r"https?://|//cdn|url\(", page_of(slider))


def test_a_box_is_cut_from_every_picture_at_its_own_scale():
    hr = scene(48, 64)
    lr = hr[::4, ::4].copy()
    widget = CompareSlider({"LR": lr, "HR": hr}, "x", box=(16, 8, 32, 24))
    lr_sent, hr_sent = (np.asarray(Image.open(io.BytesIO(p["png"]))) for p in widget._pictures)
    assert np.array_equal(hr_sent, hr[8:32, 16:48])
    assert np.array_equal(lr_sent, lr[2:8, 4:12])


@pytest.mark.parametrize(
    ("zoom", "cx", "cy", "box"),
    [
        (1, 0.5, 0.5, (0, 0, 32, 24)),
        (2, 0.5, 0.5, (8, 6, 16, 12)),
        (4, 0.0, 1.0, (0, 18, 8, 6)),  # no further than the edge
    ],
)
def test_visible_part(slider, zoom, cx, cy, box):
    slider.zoom, slider.cx, slider.cy = zoom, cx, cy
    assert slider.visible == box


def message(widget, **state):
    """What the browser sends when a reader moves something."""
    content = {"data": {"method": "update", "state": state, "buffer_paths": []}}
    widget._handle_msg({"content": content, "buffers": []})


def test_python_sees_what_the_reader_does(slider):
    seen = []
    slider.observe(lambda change: seen.append(change.new), "position")
    message(slider, position=12.5, mode="side", left="LR")
    assert (slider.position, slider.mode, slider.left) == (12.5, "side", "LR")
    assert seen == [12.5]


def test_two_sliders_can_be_linked(slider):
    other = CompareSlider({"a": scene(), "b": scene(seed=1)}, "y")
    for name in ("zoom", "cx", "cy"):
        traitlets.link((slider, name), (other, name))
    slider.zoom = 3
    assert other.zoom == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("position", value) for value in (101, -1, float("nan"))],
        *[("zoom", value) for value in (0.5, float("nan"))],
        *[("metrics", value) for value in ({"nobody": {}}, {"a": "24 dB"}, ["a"])],
        *[("mode", "wipe"), ("left", "PSNR"), ("title", "t"), ("speed", 3)],
    ],
)
def test_values_that_do_not_exist_are_refused(slider, name, value):
    if name in slider.values:
        with pytest.raises(traitlets.TraitError):
            setattr(slider, name, value)
    with pytest.raises(ConfigError):
        CompareSlider({"a": scene(), "b": scene()}, "x", **{name: value})


@pytest.mark.parametrize(
    ("pictures", "words"),
    [
        ({"a": scene()}, "2 to 5 pictures, not 1"),
        ({str(i): scene() for i in range(6)}, "not 6"),
        ([scene(), scene()], "label -> picture"),
        ({"a": scene(), " ": scene()}, "label"),
        ({"a": scene(), 3: scene()}, "label"),
        ({"a": scene(), "small": scene(10, 32)}, "small has 32x10"),
        ({"a": scene(), "wide": scene(12, 32)}, "wide has 32x12"),
        ({"a": scene(), "gray": scene()[..., 0]}, "gray: "),
        ({"a": scene(), "floats": scene() / 255}, "floats: "),
    ],
)
def test_bad_pictures_are_one_sentence(pictures, words):
    with pytest.raises(ImageError, match=re.escape(words)) as error:
        CompareSlider(pictures, "x")
    assert str(error.value).count("\n") == 0


@pytest.mark.parametrize(
    "box",
    [(0, 0, 33, 24), (-4, 0, 8, 8), (0, 0, 0, 8), (2, 0, 8, 8), (0, 0, 8), "abcd", (0.5, 0, 8, 8)],
)
def test_bad_boxes_are_refused(box):
    with pytest.raises(ImageError, match="box"):
        CompareSlider({"LR": scene(6, 8), "HR": scene()}, "x", box=box)


def test_a_missing_text_is_refused():
    with pytest.raises(ImageError, match="alt"):
        CompareSlider({"a": scene(), "b": scene()}, " ")


@pytest.fixture
def moments():
    return {f"step {i}": {"yours": scene(seed=i)} for i in range(4)}


def test_the_scrubber_sends_every_moment_and_the_references(moments):
    widget = Scrubber(moments, "sand", references={"original": scene(seed=9)})
    data = [sent["data"] for sent in widget._pictures]
    assert [entry.get("frame") for entry in data] == [0, 1, 2, 3, None]
    assert data[-1] == {"fixed": 1} and widget.frames == list(moments)
    assert widget._pictures[2]["alt"] == "yours, step 2: sand"
    assert Attributes(page_of(widget)).all("img")[2]["alt"] == "yours, step 2: sand"


def test_the_scrubber_goes_to_moments_that_exist_only(moments):
    widget = Scrubber(moments, "sand")
    message(widget, index=3)
    assert widget.index == 3
    with pytest.raises(traitlets.TraitError):
        widget.index = 4
    with pytest.raises(ConfigError):
        Scrubber(moments, "sand", index=-1)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"frames": {}}, ImageError, "at least one moment"),
        ({"frames": {"a": {"x": scene()}, "b": {"y": scene()}}}, ImageError, "b has the"),
        ({"frames": {"": {"x": scene()}}}, ImageError, "words on a moment"),
        ({"frames": {"a": scene()}}, ImageError, "words -> {label: picture}"),
        ({"frames": [1]}, ImageError, "words -> {label: picture}"),
        ({"cursors": [[]]}, ConfigError, "cursors for 1"),
        ({"cursors": [[], [{}], [], []]}, ConfigError, "as many"),
        ({"enlarge": 0}, ConfigError, "enlarge"),
        ({"axis": " "}, ImageError, "axis"),
        ({"references": {"": scene()}}, ImageError, "label"),
        ({"alt": "two\nlines"}, ImageError, "line breaks"),
        ({"alt": ""}, ImageError, "alt"),
        ({"chart": True}, ImageError, "chart_alt"),
        ({"chart": True, "chart_alt": "c", "cursors": [[]]}, ConfigError, "cursors for 1"),
    ],
)
def test_a_scrubber_that_cannot_be_is_one_sentence(moments, change, error, words):
    options = {"frames": moments, "alt": "sand", **change}
    if options.get("chart"):
        options["chart"], _ = figure()
    with pytest.raises(error, match=re.escape(words)):
        Scrubber(**options)


def test_cursors_lie_where_the_chart_has_its_values():
    fig, axes = figure(1, 2)
    for axis in axes:
        axis.plot([0, 10], [0, 1])
        axis.set_xlim(0, 10)
        axis.set_ylim(0, 1)
    lines = line_cursors(fig, [0, 5, 10])
    for panel, axis in enumerate(axes):
        box = axis.get_position()
        assert [row[panel]["x"] for row in lines] == pytest.approx(
            [box.x0, (box.x0 + box.x1) / 2, box.x1]
        )
        assert lines[0][panel]["height"] == pytest.approx(box.height)
        assert lines[0][panel]["y"] == pytest.approx(1 - box.y1)
    ((low,), (high,)) = dot_cursors(fig, [(0, 0), (10, 1)])
    box = axes[0].get_position()
    assert (low["x"], low["y"]) == pytest.approx((box.x0, 1 - box.y0))
    assert (high["x"], high["y"]) == pytest.approx((box.x1, 1 - box.y1))


@pytest.mark.parametrize("canvas", [None, FigureCanvasBase, FigureCanvasPdf, FigureCanvasSVG])
def test_cursors_lie_where_the_chart_is_drawn_whatever_became_of_its_figure(canvas):
    """A notebook closes a figure that a widget shows; matplotlib 3.11 then changes its canvas."""
    fig, axis = figure()
    axis.plot([0, 3, 10], [0, 0.25, 1], color="white")
    axis.plot([3], [0.25], "s", color="red", markersize=9)
    if canvas is None:
        plt.close(fig)
    else:
        canvas(fig)
    kept = fig.canvas
    (dot,) = dot_cursors(fig, [(3, 0.25)])
    ((line,),) = line_cursors(fig, [3])
    assert fig.canvas is kept
    widget = Scrubber({"now": {"a": scene()}}, "x", chart=fig, chart_alt="A dot.", cursors=[dot])
    chart = np.asarray(Image.open(io.BytesIO(widget._pictures[0]["png"])).convert("RGB"))
    rows, columns = np.nonzero((chart == (255, 0, 0)).all(axis=2))
    x, y = columns.mean() / chart.shape[1], rows.mean() / chart.shape[0]
    assert (dot[0]["x"], dot[0]["y"]) == pytest.approx((x, y), abs=0.004)
    assert line["x"] == pytest.approx(x, abs=0.004)
    assert line["y"] < y < line["y"] + line["height"] < 1


def test_the_output_of_a_cell_is_kept_small():
    slider = CompareSlider({"a": scene(400, 300), "b": scene(400, 300, seed=1)}, "noise")
    data, _ = slider._repr_mimebundle_()
    sent = sum(len(entry["png"]) for entry in slider._pictures)
    assert len(json.dumps(data)) < 1.4 * sent + 70_000
