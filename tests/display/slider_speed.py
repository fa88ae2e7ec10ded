"""How fast the compare slider is in a browser: `python tests/display/slider_speed.py`.

Five pictures of 1000x1000 pixels: the time to make the widget, the time until a page that holds it
shows it, and the frames while its divider is dragged. Ten sliders as the notebooks have them, and
what a saved notebook with all of them weighs. Headless Chromium draws without a GPU.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ..cli import report_errors
from ..compare import CompareSlider
from ..data import samples
from ..degradation import imresize
from .browser import open_browser

SIDE, PICTURES = 1000, 5
# Resolves once the browser has drawn two frames with the stage in them.
SHOWN = """new Promise(done => {
  const look = () => document.querySelector(".stage .pane img")?.complete
    ? requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())))
    : requestAnimationFrame(look);
  look();
})"""
COUNT = """() => {
  window.frames_ = []; let last = performance.now();
  const tick = now => { window.frames_.push(now - last); last = now;
    if (!window.stop_) requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
}"""


def scene() -> dict[str, np.ndarray]:
    """Five different pictures of one size, from a photograph that comes with the course."""
    photo = dict(samples("validation"))["red_panda.jpg"]
    photo = photo[:SIDE, :SIDE] if min(photo.shape[:2]) >= SIDE else imresize(photo, 2)
    photo = np.ascontiguousarray(photo[:SIDE, :SIDE])
    return {f"picture {i}": np.roll(photo, 3 * i, axis=1) for i in range(PICTURES)}


def measure(seconds: float = 3.0) -> dict[str, float]:
    """All the figures; `seconds` of dragging."""
    pictures = scene()
    start = time.perf_counter()
    slider = CompareSlider(pictures, "a red panda")
    made = time.perf_counter() - start
    page_text = slider.to_page()
    crops = [{k: v[:320, 80 * i : 80 * i + 416] for k, v in pictures.items()} for i in range(3)]
    outputs = [CompareSlider(crops[i % 3], "a part")._repr_mimebundle_()[0] for i in range(10)]
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser:
        file = Path(folder) / "slider.html"
        file.write_text(page_text, encoding="utf-8")
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(file.as_uri(), wait_until="commit")
        shown = page.evaluate(SHOWN) / 1000
        box = page.locator(".stage").bounding_box()
        y = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + box["width"] / 2, y)
        page.mouse.down()
        page.evaluate(COUNT)
        end, turn = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            turn += 1
            page.mouse.move(box["x"] + box["width"] * (0.5 + 0.4 * np.sin(turn / 15)), y)
        page.mouse.up()
        frames = np.array(page.evaluate("(window.stop_ = true, window.frames_)")[2:])
    return {
        "make_seconds": made,
        "open_seconds": shown,
        "frames_a_second": 1000 * len(frames) / frames.sum(),
        "slowest_of_20_frames_ms": float(np.percentile(frames, 95)),
        "moves": turn,
        "ten_sliders_megabytes": len(json.dumps(outputs)) / 1e6,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="of dragging")
    args = parser.parse_args()

    def work() -> None:
        for name, value in measure(args.seconds).items():
            print(f"{name:<26}{value:.3g}")

    return report_errors(work)


if __name__ == "__main__":
    sys.exit(main())
