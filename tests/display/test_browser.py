"""The widgets in a real browser: as a page without kernel and network, and in JupyterLab.

Needs Chromium (`apt-get install chromium`, or a path in SRGAN_CHROMIUM); skipped without. The
screenshots in build/screenshots are there to be looked at.
"""

import io
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srgan_lib.course.handout.browser import ADVICE, find_chromium, open_browser
from srgan_lib.course.notebooks import ROOT
from srgan_lib.data import samples
from srgan_lib.degradation import bicubic_downscale, bicubic_upscale
from srgan_lib.display.film import Scrubber, line_cursors
from srgan_lib.display.plots import figure
from srgan_lib.display.slider import CompareSlider

pytestmark = pytest.mark.skipif(find_chromium() is None, reason=f"no Chromium: {ADVICE}")
SHOTS = ROOT / "build" / "screenshots"
LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser():
    SHOTS.mkdir(parents=True, exist_ok=True)
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pictures():
    """A crop of a photograph by four ways that need no network."""
    panda = dict(samples("validation"))["red_panda.jpg"][320:440, 340:500]
    lr = bicubic_downscale(panda, 4)
    nearest = lr.repeat(4, axis=0).repeat(4, axis=1)
    return {
        "LR": lr, "nearest": nearest, "bicubic": bicubic_upscale(lr, 4), "original": panda,
    }  # fmt: skip


@pytest.fixture(scope="module")
def slider(pictures):
    return CompareSlider(
        pictures, "the eye of a red panda", left="bicubic", right="original", position=41,
        metrics={"bicubic": {"PSNR-Y": "24.61 dB", "LPIPS": ".412"}},
    )  # fmt: skip


def host_page(*widgets):
    frames = "".join(f"<section>{widget.to_html()}</section>" for widget in widgets)
    # Lines of whole pixels, whatever the fonts are: a frame cannot see where in a pixel it begins.
    style = "<style>h1 { margin: 20px 0; line-height: 40px }</style>"
    head = f'<!doctype html><html lang="en"><title>x</title>{style}'
    return f"{head}<body><main><h1>x</h1>{frames}</main>"


class Shown:
    """A page with widgets in frames, opened from a file; what goes wrong in it is collected."""

    def __init__(self, context, path):
        self.page = context.new_page()
        self.requests, self.errors = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda m: m.type == "error" and self.errors.append(m.text))
        self.page.set_default_timeout(10_000)
        self.page.goto(path.as_uri())
        self.frame = self.page.frame_locator("iframe").first

    def label(self, text):
        return self.frame.get_by_label(text, exact=True)

    @property
    def stage(self):
        return self.frame.locator(".stage")

    def position(self):
        return float(self.frame.locator("input.reveal").input_value())


@pytest.fixture
def show(browser, tmp_path):
    """Opens widgets in a page; at the end nothing may have been requested, nothing have failed."""
    opened = []

    def open_page(*widgets, **options):
        path = tmp_path / "page.html"
        path.write_text(host_page(*widgets), encoding="utf-8")
        context = browser.new_context(**{"viewport": LAPTOP, **options})
        shown = Shown(context, path)
        opened.append((context, shown))
        return shown

    yield open_page
    for context, shown in opened:
        outside = [url for url in shown.requests if not url.startswith(("data:", "file:", "blob:"))]
        assert not outside and not shown.errors
        context.close()


def pixels(locator):
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB")).astype(int)


def test_the_mouse_drags_the_divider(show, slider):
    shown = show(slider)
    box = shown.stage.bounding_box()
    y = box["y"] + box["height"] / 2
    shown.page.mouse.move(box["x"] + 0.41 * box["width"], y)
    shown.page.mouse.down()
    shown.page.mouse.move(box["x"] + 0.75 * box["width"], y, steps=5)
    shown.page.mouse.up()
    assert shown.position() == pytest.approx(75, abs=0.6)
    clip = shown.frame.locator(".pane").nth(2).evaluate("pane => pane.style.clipPath")
    assert float(re.search(r"[\d.]+%", clip)[0][:-1]) == pytest.approx(25, abs=0.6)
    shown.page.mouse.move(box["x"] + 5, y)  # let go, it stays
    assert shown.position() == pytest.approx(75, abs=0.6)


def test_a_finger_moves_the_divider(show, slider):
    shown = show(slider, has_touch=True, viewport=PHONE)
    box = shown.stage.bounding_box()
    shown.page.touchscreen.tap(box["x"] + 0.2 * box["width"], box["y"] + 40)
    assert shown.position() == pytest.approx(20, abs=0.6)


def swipe(shown, start, way):
    """A finger goes down at `start` and moves by `way` in steps, as a phone reports it."""
    session = shown.page.context.new_cdp_session(shown.page)
    for step in range(6):
        kind = "touchMove" if step else "touchStart"
        x, y = (a + step / 5 * b for a, b in zip(start, way, strict=True))
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        shown.page.wait_for_timeout(20)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_finger_that_scrolls_the_page_leaves_the_divider(show, slider):
    shown = show(slider, slider, has_touch=True, viewport={"width": 390, "height": 400})
    box = shown.stage.bounding_box()
    swipe(shown, (box["x"] + 30, box["y"] + 150), (0, -120))
    assert shown.position() == 41
    box = shown.stage.bounding_box()
    swipe(shown, (box["x"] + 30, box["y"] + 60), (100, 3))
    assert shown.position() == pytest.approx(100 * 130 / box["width"], abs=2)


@pytest.mark.parametrize("focus", [".stage", "input.reveal"])
def test_keys_move_the_divider(show, slider, focus):
    shown = show(slider)
    shown.frame.locator(focus).focus()
    for key, after in [("ArrowRight", 42), ("PageUp", 52), ("PageDown", 42), ("ArrowLeft", 41),
                       ("End", 100), ("Home", 0)]:  # fmt: skip
        shown.page.keyboard.press(key)
        assert shown.position() == after, key


@pytest.mark.parametrize("focus", [".stage", "input.reveal", "input[type=radio]:checked"])
def test_plus_and_minus_zoom_wherever_the_focus_is(show, slider, focus):
    shown = show(slider)
    shown.frame.locator(focus).focus()
    zoom = shown.label("Zoom")
    for key, after in [("+", "2"), ("=", "3"), ("-", "2"), ("+", "3"), ("0", "1"), ("-", "1")]:
        shown.page.keyboard.press(key)
        assert zoom.input_value() == after, key
    assert shown.position() == 41


@pytest.mark.parametrize("focus", [".stage", "input.reveal"])
def test_shift_with_an_arrow_key_moves_the_picture_and_not_the_divider(show, slider, focus):
    shown = show(slider)
    shown.frame.locator(focus).focus()
    shown.page.keyboard.press("+")
    before = pixels(shown.stage)
    shown.page.keyboard.press("Shift+ArrowRight")
    assert shown.position() == 41 and not np.array_equal(pixels(shown.stage), before)


def test_a_letter_in_a_list_chooses_and_does_not_zoom(show, slider):
    shown = show(slider)
    shown.label("Left picture").focus()
    for key in ("0", "+"):
        shown.page.keyboard.press(key)
    assert shown.label("Zoom").input_value() == "1"


@pytest.mark.parametrize(("viewport", "side"), [(LAPTOP, 800), (PHONE, 350)])
def test_the_picture_fills_the_column_of_a_page(show, viewport, side):
    """The slider of chapter 5: 400 x 320, in the column of 800 pixels that the handout has."""
    image = np.zeros((320, 400, 3), np.uint8)
    shown = show(CompareSlider({"a": image, "b": image}, "x"), viewport=viewport)
    shown.page.evaluate(f"document.querySelector('section').style.width = '{side}px'")
    wait_for(lambda: abs(shown.stage.bounding_box()["width"] - side) < 1, 5)


@pytest.mark.parametrize(
    ("scheme", "page", "ground"),
    [
        ("light", (250, 240, 245), (250, 240, 245)),
        ("dark", (18, 22, 27), (18, 22, 27)),
        ("dark", (255, 255, 255), (26, 26, 26)),  # a page that knows no dark: the text is light
        ("light", (18, 22, 27), (255, 255, 255)),
    ],
)
def test_a_widget_has_the_ground_of_its_page(show, slider, scheme, page, ground):
    """Else it is a slab in a page whose dark is another, with a bar of a third one below it."""
    shown = show(slider, color_scheme=scheme)
    shown.page.add_style_tag(content=f"body {{ background: rgb{page} }}")
    shown.page.emulate_media(color_scheme="light" if scheme == "dark" else "dark")
    shown.page.wait_for_timeout(300)  # else the page may see no change at all
    shown.page.emulate_media(color_scheme=scheme)

    def has_its_ground() -> bool:
        made = pixels(shown.page.locator("iframe").first)
        rim = np.concatenate([made[-8:-1].reshape(-1, 3), made[:-1, -3:].reshape(-1, 3)])
        return bool((abs(rim - ground) <= 1).all())

    wait_for(has_its_ground, 5)


def test_texts_say_what_is_shown(show, slider):
    shown = show(slider)
    divider = shown.frame.get_by_role("slider", name="Divider position")
    assert divider.get_attribute("aria-valuetext") == "41 % bicubic, 59 % original"
    shown.label("Left picture").select_option("LR")
    divider.focus()
    shown.page.keyboard.press("ArrowLeft")
    assert divider.get_attribute("aria-valuetext") == "40 % LR, 60 % original"
    assert shown.stage.get_attribute("aria-label") == "Divider: LR, original"
    for image in shown.frame.locator(".pane img").all():
        assert image.get_attribute("alt").endswith(": the eye of a red panda")
    assert "24.61 dB" not in shown.frame.locator(".captions").inner_text()
    shown.label("Left picture").select_option("bicubic")
    assert "PSNR-Y 24.61 dB" in shown.frame.locator(".captions").inner_text()


def test_every_control_is_reached_by_the_tab_key_and_shows_its_focus(show, slider):
    shown = show(slider)
    reached = []
    for _ in range(8):
        shown.page.keyboard.press("Tab")
        active = shown.frame.locator(":focus")
        if active.count():
            reached.append(active.evaluate("e => e.className || e.value || e.tagName"))
            assert active.evaluate("e => getComputedStyle(e).outlineStyle") != "none"
    assert reached == ["bicubic", "original", "divider", "1", "BUTTON", "stage", "reveal"]


def zoomed(show, pair, zoom, cx, cy):
    """The stage with only the left, then only the right picture of a pair, as pixels."""
    widget = CompareSlider(pair, "x", zoom=zoom, cx=cx, cy=cy)
    shown = show(widget)
    shown.frame.locator(".handle").evaluate("e => e.style.visibility = 'hidden'")
    made = []
    for position in (100, 0):
        shown.label("Divider position").fill(str(position))
        made.append(pixels(shown.stage))
    return made


@pytest.mark.parametrize(("zoom", "cx", "cy"), [(1, 0.5, 0.5), (3, 0.31, 0.72), (7.3, 0.5, 0.4)])
def test_all_pictures_stay_in_register_to_the_pixel(show, pictures, zoom, cx, cy):
    """LR, enlarged by the browser, is its nearest-neighbor enlargement in every pixel."""
    pair = {"LR": pictures["LR"], "nearest": pictures["nearest"]}
    lr, nearest = zoomed(show, pair, zoom, cx, cy)
    assert np.ptp(lr) > 50
    assert abs(lr - nearest).max() <= 8


def test_a_picture_out_of_register_would_be_seen(show, pictures):
    moved = np.roll(pictures["nearest"], 1, axis=1)
    first, second = zoomed(show, {"a": pictures["nearest"], "b": moved}, 3, 0.5, 0.5)
    assert (abs(first - second).max(axis=2) > 8).mean() > 0.02


def run_lengths(line):
    """Lengths of the runs of equal colors along a line of pixels, without those at its ends."""
    edges = np.flatnonzero(abs(np.diff(line, axis=0)).max(axis=1) > 2)
    return np.diff(edges)[1:-1]


@pytest.mark.parametrize("ratio", [1, 1.25, 1.5, 2])
@pytest.mark.parametrize(("size", "zoom"), [((96, 128), 1), ((96, 128), 4), ((700, 900), 3)])
def test_above_one_to_one_all_pixels_are_squares_of_one_size(show, ratio, size, zoom):
    """Also where the window would make them 1.3 or 7.5 pixels of the screen."""
    board = np.indices(size).sum(axis=0) % 2 * 255
    image = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    widget = CompareSlider({"a": image, "b": image}, "x", zoom=zoom, position=0)
    shown = show(widget, device_scale_factor=ratio)
    shown.frame.locator(".handle").evaluate("e => e.style.visibility = 'hidden'")
    made = pixels(shown.stage)
    for line in (made[len(made) // 2], made[:, made.shape[1] // 2]):
        lengths = set(run_lengths(line))
        assert len(lengths) == 1 and lengths.pop() >= 1


def test_side_by_side_shows_the_same_place_in_every_pane(show, pictures):
    twins = {label: pictures["original"] for label in "abc"}
    widget = CompareSlider(twins, "x", mode="side", zoom=3, cx=0.4, cy=0.6)
    shown = show(widget)
    made = [pixels(pane) for pane in shown.frame.locator(".pane").all()]
    assert len(made) == 3
    for other in made[1:]:
        assert np.array_equal(made[0], other)
    shown.stage.focus()
    shown.page.keyboard.press("ArrowRight")
    after = [pixels(pane) for pane in shown.frame.locator(".pane").all()]
    assert not np.array_equal(made[0], after[0]) and np.array_equal(after[0], after[2])


def test_an_enlarged_picture_is_moved_by_dragging_and_the_divider_stays(show, slider, pictures):
    shown = show(CompareSlider(pictures, "x", zoom=4, position=10))
    before, box = pixels(shown.stage), shown.stage.bounding_box()
    shown.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown.page.mouse.down()
    shown.page.mouse.move(box["x"] + box["width"] / 2 - 40, box["y"] + box["height"] / 2, steps=4)
    shown.page.mouse.up()
    after = pixels(shown.stage)
    assert shown.position() == 10
    right = slice(200, 400)  # away from the divider
    moved = np.roll(before, -40, axis=1)
    assert abs(after[:, right] - moved[:, right]).mean() < 1 < abs(after - before).mean()


def test_the_page_scrolls_over_the_pictures_unless_ctrl_zooms(show, slider):
    shown = show(slider, viewport={"width": 700, "height": 300})
    zoom = shown.label("Zoom")
    shown.stage.hover(position={"x": 20, "y": 20})
    shown.page.mouse.wheel(0, 60)  # the stage, 120 px high, stays under the pointer
    wait_for(lambda: shown.page.evaluate("scrollY") > 0)
    assert zoom.input_value() == "1"
    shown.page.wait_for_timeout(1000)  # for Chromium, turns in quick succession are one gesture
    shown.page.keyboard.down("Control")
    shown.page.mouse.wheel(0, -400)
    wait_for(lambda: float(zoom.input_value()) > 2)


def seen_labels(shown):
    """Labels of the pictures that are seen, all at one moment."""
    texts = shown.frame.locator(".stage").evaluate(
        "e => [...e.querySelectorAll('.pane img')].filter(i => i.checkVisibility()).map(i => i.alt)"
    )
    return [text.partition(":")[0] for text in texts]


def test_blinking_swaps_two_pictures_in_one_place(show, slider):
    shown = show(slider)
    shown.label("Blink").check()
    assert shown.frame.get_by_role("button", name="Stop blinking").is_visible()
    seen = []
    for _ in range(12):
        shown.page.wait_for_timeout(250)
        seen += [tuple(seen_labels(shown))]
    assert set(seen) == {("bicubic",), ("original",)}
    shown.frame.get_by_role("button", name="Stop blinking").click()
    still = seen_labels(shown)
    shown.page.wait_for_timeout(900)
    assert seen_labels(shown) == still
    shown.stage.focus()
    shown.page.keyboard.press("Space")
    assert seen_labels(shown) != still


def test_nothing_blinks_for_those_who_want_no_motion(show, slider):
    shown = show(slider, reduced_motion="reduce")
    shown.label("Blink").check()
    still = seen_labels(shown)
    shown.page.wait_for_timeout(900)
    assert seen_labels(shown) == still
    assert shown.frame.get_by_role("button", name="Start blinking").is_visible()


def test_the_magnifier_shows_one_place_of_both_pictures(show, pictures):
    twins = {"a": pictures["original"], "b": pictures["original"]}
    shown = show(CompareSlider(twins, "x", mode="magnifier"))
    halves = [pixels(half) for half in shown.frame.locator(".half").all()]
    assert np.array_equal(*halves)
    box = shown.stage.bounding_box()
    shown.page.mouse.move(box["x"] + 30, box["y"] + 30)
    moved = [pixels(half) for half in shown.frame.locator(".half").all()]
    assert np.array_equal(*moved) and not np.array_equal(moved[0], halves[0])


def test_plus_never_makes_the_lens_smaller(show, pictures):
    shown = show(CompareSlider(pictures, "x", mode="magnifier"))
    shown.stage.focus()
    zooms = []
    for key in ("+", "+", "+", "-"):
        shown.page.keyboard.press(key)
        zooms.append(float(shown.frame.locator(".value").inner_text()[:-1]))
    assert zooms == [5, 6, 7, 6]


@pytest.mark.parametrize("size", [(40, 300), (12, 300), (200, 60), (1, 64), (64, 1)])
def test_the_lens_lies_within_pictures_of_any_shape(show, size):
    image = np.zeros((*size, 3), np.uint8)
    widget = CompareSlider({"a": image, "b": image}, "x", mode="magnifier", cx=0.9, cy=0.1)
    shown = show(widget, viewport=PHONE)
    stage, lens = shown.stage.bounding_box(), shown.frame.locator(".lens").bounding_box()
    for start, length in (("x", "width"), ("y", "height")):
        if stage[length] > 30:
            assert lens[start] >= stage[start] - 1
            assert lens[start] + lens[length] <= stage[start] + stage[length] + 1


def test_the_hint_follows_the_window(show, slider):
    shown = show(slider)
    wide = shown.frame.locator(".hint").inner_text()
    shown.page.set_viewport_size(PHONE)
    shown.page.wait_for_timeout(200)
    assert "is 5 on the screen" in wide
    assert "is 2 on the screen" in shown.frame.locator(".hint").inner_text()


def test_after_the_magnifier_the_first_pixel_of_a_drag_moves_the_picture(show, pictures):
    shown = show(CompareSlider(pictures, "x", mode="magnifier", zoom=4, cx=0, cy=0))
    shown.label("Side by side").check()
    pane = shown.frame.locator(".pane").first
    before, box = pixels(pane), pane.bounding_box()
    shown.page.mouse.move(box["x"] + 100, box["y"] + 60)
    shown.page.mouse.down()
    shown.page.mouse.move(box["x"] + 80, box["y"] + 60)
    shown.page.mouse.up()
    assert not np.array_equal(before, pixels(pane))


def test_without_script_the_pictures_stand_side_by_side(show, slider):
    shown = show(slider, java_script_enabled=False)
    figures = shown.frame.locator(".figures figure")
    assert figures.count() == 4 and all(f.is_visible() for f in figures.all())
    tops = {round(f.bounding_box()["y"]) for f in figures.all()}
    assert len(tops) == 1 and figures.nth(2).inner_text().strip() == "bicubic"


def test_on_paper_the_pictures_stand_side_by_side(show, slider):
    shown = show(slider)
    shown.page.emulate_media(media="print")
    figures = shown.frame.locator(".figures figure")
    assert all(f.is_visible() for f in figures.all())
    assert not shown.stage.is_visible()
    shown.page.screenshot(path=SHOTS / "slider-print.png")


def test_the_frame_is_as_high_as_what_is_in_it(show, slider):
    shown = show(slider)
    outer = shown.page.locator("iframe").first
    for mode in ("Side by side", "Divider"):
        shown.label(mode).check()
        shown.page.wait_for_timeout(150)
        widget = shown.frame.locator(".srgan-widget")
        bottom = widget.evaluate("e => e.getBoundingClientRect().bottom")
        assert 0 <= outer.bounding_box()["height"] - bottom < 12
        hint = shown.frame.locator(".hint").bounding_box()
        box = outer.bounding_box()
        assert hint["y"] + hint["height"] <= box["y"] + box["height"]


def violations(shown):
    """What axe-core finds in the page and its frames."""
    axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is missing")
    script = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
    allow = "axe.configure({ allowedOrigins: ['<unsafe_all_origins>'] })"  # a file has none
    for frame in shown.page.frames:
        frame.evaluate(f"{script}; {allow}")
    found = shown.page.evaluate("axe.run()")["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("mode", ["Divider", "Side by side", "Blink", "Magnifier"])
def test_axe_finds_nothing_and_a_screenshot_of_each_mode(show, slider, scheme, mode):
    shown = show(slider, color_scheme=scheme)
    shown.label(mode).check()
    shown.page.wait_for_timeout(100)
    name = f"slider-{mode.lower().replace(' ', '-')}-{scheme}.png"
    shown.page.locator("iframe").first.screenshot(path=SHOTS / name)
    assert violations(shown) == []


def test_axe_would_find_a_picture_without_alt(show, slider):
    shown = show(slider)
    shown.frame.locator(".pane img").nth(2).evaluate("img => img.removeAttribute('alt')")
    assert any("image-alt" in violation for violation in violations(shown))


def test_on_a_phone_nothing_sticks_out(show, slider):
    shown = show(slider, viewport=PHONE, has_touch=True)
    for mode in ("Divider", "Side by side"):
        shown.label(mode).check()
        assert shown.frame.locator("html").evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    shown.page.screenshot(path=SHOTS / "slider-phone.png")


@pytest.fixture(scope="module")
def scrubber(pictures):
    moved = [np.roll(pictures["bicubic"], i, axis=1) for i in range(4)]
    frames = {f"step {10 * i}": {"your network": image} for i, image in enumerate(moved)}
    fig, axes = figure(1, 2)
    for axis in axes:
        axis.plot([0, 10, 20, 30], [3, 1, 2, 0])
    cursors = line_cursors(fig, [0, 10, 20, 30])
    return Scrubber(
        frames, "the eye of a red panda", references={"original": pictures["original"]}, chart=fig,
        chart_alt="A falling curve.", cursors=cursors,
    )  # fmt: skip


def test_the_scrubber_goes_through_the_moments(show, scrubber, pictures):
    shown = show(scrubber)
    image = shown.frame.locator(".views img").first
    first = pixels(image)
    time_line = shown.frame.get_by_role("slider", name="step")
    time_line.focus()
    for key, index in [("ArrowRight", 1), ("End", 3), ("ArrowLeft", 2), ("Home", 0)]:
        shown.page.keyboard.press(key)
        words = f"step {10 * index}"
        assert time_line.get_attribute("aria-valuetext") == words
        assert image.get_attribute("alt") == f"your network, {words}: the eye of a red panda"
        plot = shown.frame.locator(".plot").bounding_box()
        for number in range(2):
            mark = shown.frame.locator(".cursor").nth(number).bounding_box()
            x = (mark["x"] + mark["width"] / 2 - plot["x"]) / plot["width"]
            assert x == pytest.approx(scrubber.cursors[index][number]["x"], abs=0.004)
    shown.frame.get_by_role("button", name="One on").click()
    assert time_line.get_attribute("aria-valuetext") == "step 10"
    assert not np.array_equal(pixels(image), first)
    shown.page.locator("iframe").screenshot(path=SHOTS / "scrubber.png")
    assert violations(shown) == []


def test_the_scrubber_keeps_shapes_on_a_phone_and_the_chart_its_width_on_paper(show, pictures):
    fig, axes = figure()
    axes.plot([0, 1])
    frames = {f"step {i}": {"yours": pictures["original"]} for i in range(3)}
    widget = Scrubber(frames, "x", enlarge=4, chart=fig, chart_alt="A line.")
    shown = show(widget, viewport=PHONE)
    box = shown.frame.locator(".views img").bounding_box()
    height, width = pictures["original"].shape[:2]
    shape = box["height"] / box["width"]
    assert box["width"] <= 390 and shape == pytest.approx(height / width, 0.02)
    shown.page.emulate_media(media="print")
    chart = shown.frame.locator(".figures figure[data-chart] img")
    assert chart.evaluate("e => getComputedStyle(e).imageRendering") == "auto"
    assert chart.bounding_box()["width"] > 300


def test_titles_of_a_chart_can_be_read_on_a_phone_and_it_is_whole_on_a_laptop(show, scrubber):
    """Two panels of 420 pixels, with titles of 14; the cursors stay in their places."""
    shown = show(scrubber, viewport=PHONE)
    plot = shown.frame.locator(".plot").bounding_box()
    mark = shown.frame.locator(".cursor").nth(1).bounding_box()
    assert plot["width"] >= 0.75 * 840
    x = (mark["x"] + mark["width"] / 2 - plot["x"]) / plot["width"]
    assert x == pytest.approx(scrubber.cursors[0][1]["x"], abs=0.004)
    assert shown.frame.locator("html").evaluate("e => e.scrollWidth - e.clientWidth") <= 0
    assert shown.frame.locator(".chart").get_attribute("tabindex") == "0"
    assert violations(shown) == []
    shown.page.locator("iframe").screenshot(path=SHOTS / "scrubber-phone.png")
    shown = show(scrubber)
    chart = shown.frame.locator(".chart")
    assert chart.evaluate("e => e.scrollWidth - e.clientWidth") == 0
    assert chart.get_attribute("tabindex") is None


def test_cursor_and_divider_show_in_forced_colors(show, scrubber, slider):
    shown = show(scrubber, forced_colors="active")
    cursor = shown.frame.locator(".cursor").first
    assert cursor.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(204, 0, 0)"
    shown = show(slider, forced_colors="active")
    shadow = "e => getComputedStyle(e, '::before').boxShadow"
    assert shown.frame.locator(".handle").evaluate(shadow) != "none"


def test_the_scrubber_plays_to_its_end(show, scrubber):
    shown = show(scrubber)
    shown.frame.get_by_role("button", name="Play").click()
    time_line = shown.frame.get_by_role("slider", name="step")
    shown.page.wait_for_timeout(2500)
    assert time_line.get_attribute("aria-valuetext") == "step 30"
    assert shown.frame.get_by_role("button", name="Play").is_visible()


def test_without_script_and_on_paper_a_film_is_a_contact_sheet(show, scrubber):
    for shown in (show(scrubber, java_script_enabled=False), show(scrubber)):
        shown.page.emulate_media(media="print")
        figures = shown.frame.locator(".figures figure")
        assert figures.count() == 6 and all(f.is_visible() for f in figures.all())


CELLS = (
    """
import numpy as np
from pathlib import Path
from srgan_lib.display.slider import CompareSlider
image = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
slider = CompareSlider({"a": image, "b": 255 - image}, "grains")
def note(change): Path("seen.json").write_text(str(slider.position) + " " + slider.mode)
slider.observe(note, ["position", "mode"])
slider
""",
    "slider.position = 25; slider.zoom = 2",
)


@pytest.fixture
def lab(tmp_path):
    """A JupyterLab on this machine with a notebook of `CELLS`; its address."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is missing: pip install jupyterlab")
    import nbformat

    cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "try.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
               "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True",
               "--LabApp.news_url=None",
               "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]  # fmt: skip
    settings = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "RUNTIME")}
    settings |= {"JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings")}
    settings |= {"JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces")}
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], cwd=tmp_path, text=True,
            env={**os.environ, **settings, "PYTHONPATH": path}, stdout=subprocess.DEVNULL,
            stderr=log,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        for _ in range(240):
            try:
                opener.open(f"{address}/api/status", timeout=2).read()
                break
            except OSError:
                assert server.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.25)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.1)


def test_in_jupyterlab_python_and_the_reader_move_one_divider(browser, lab, tmp_path):
    page = browser.new_page(viewport=LAPTOP)
    page.goto(f"{lab}/lab/tree/try.ipynb")
    current = "window.jupyterapp?.shell.currentWidget"
    for condition in ("?.context?.isReady", "?.sessionContext.session?.kernel?.status === 'idle'"):
        page.wait_for_function(current + condition, timeout=60_000)
    run = "name => window.jupyterapp.commands.execute(name)"
    page.evaluate(run, "notebook:run-cell-and-select-next")
    stage = page.locator(".jp-OutputArea .stage")
    stage.wait_for(timeout=60_000)
    assert page.locator(".jp-OutputArea iframe").count() == 0  # the widget, not the page

    divider = page.get_by_role("slider", name="Divider position")
    divider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    seen = tmp_path / "seen.json"
    wait_for(lambda: seen.exists() and seen.read_text() == "53.0 divider")
    box = stage.bounding_box()
    y = box["y"] + 0.8 * box["height"]  # the upper part may have been scrolled away
    page.mouse.move(box["x"] + 0.53 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], y, steps=4)
    page.mouse.up()
    wait_for(lambda: abs(float(seen.read_text().split()[0] or 0) - 80) < 1)

    page.locator(".jp-CodeCell").nth(1).locator(".cm-content").click()
    page.evaluate(run, "notebook:run-cell")
    page.wait_for_function("document.querySelector('.jp-OutputArea input.reveal').value === '25'")
    assert divider.get_attribute("aria-valuetext") == "25 % a, 75 % b"
    assert page.get_by_label("Zoom", exact=True).input_value() == "2"
    page.get_by_label("Side by side").check()
    wait_for(lambda: seen.read_text().endswith("side"))
    page.screenshot(path=SHOTS / "jupyterlab.png")
    page.close()
