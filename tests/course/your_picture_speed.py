"""How fast the page for the reader's own picture is: `python tests/course/your_picture_speed.py`.

One network on LR of 256x256 pixels, to SR of 1024x1024, in headless Chromium: CPU seconds of the
page's process with all it does (reading, enlarging, showing), seconds until it is done, memory that
is its own, and the longest time in which the page did not answer. `--ort FOLDER` times ONNX
Runtime Web in the same browser: the folder is `dist` of the npm package `onnxruntime-web`.
Linux only, which tells a process's CPU time.
"""

import argparse
import functools
import http.server
import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

from srgan_lib.course.handout.browser import open_browser
from srgan_lib.course.your_picture.build import build_page
from srgan_lib.data import samples
from srgan_lib.images import write_image
from srgan_lib.performance.onnx_export import export_onnx
from srgan_lib.system.process import report_errors
from srgan_lib.weights import load_generator

WATCH = """window.longest = 0;
new PerformanceObserver((list) => list.getEntries().forEach(
  (entry) => (window.longest = Math.max(window.longest, entry.duration))
)).observe({ type: "longtask" });"""
# ONNX Runtime on one thread, as on a page from a disk; the first run is not timed.
ORT = """<!doctype html><title>loading</title><script src="ort.wasm.min.js"></script><script>
ort.env.wasm.numThreads = 1;
(async () => {
  const options = { executionProviders: ["wasm"] };
  const session = await ort.InferenceSession.create("model.onnx", options);
  const run = (side) => {
    const gray = new Float32Array(3 * side * side).fill(0.5);
    return session.run({ lr: new ort.Tensor("float32", gray, [1, 3, side, side]) });
  };
  await run(16);
  document.title = "ready";
  window.start = () => run(SIDE).then(() => (document.title = "done"));
})();
</script>"""


def renderer(browser) -> dict[str, float]:
    """CPU seconds so far and own bytes now, of the pages' processes."""
    session = browser.new_browser_cdp_session()
    seconds = own = 0.0
    for process in session.send("SystemInfo.getProcessInfo")["processInfo"]:
        if process["type"] == "renderer":
            folder = Path(f"/proc/{process['id']}")
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            status = (folder / "status").read_text()
            own += 1024 * int(re.search(r"RssAnon:\s+(\d+)", status)[1])
    session.detach()
    return {"seconds": seconds, "bytes": own}


def until(browser, start, done) -> tuple[float, float, float]:
    """CPU seconds, seconds and the most bytes from `start()` until `done()`."""
    before, started, most = renderer(browser), time.perf_counter(), 0.0
    start()
    while not done():
        most = max(most, renderer(browser)["bytes"])
        time.sleep(0.1)
    seconds, after = time.perf_counter() - started, renderer(browser)
    return after["seconds"] - before["seconds"], seconds, max(most, after["bytes"])


def measure_page(page: Path, picture: Path, workers: int) -> dict[str, float]:
    """The page with its one network."""
    with open_browser() as browser, browser.new_page() as tab:
        tab.add_init_script(WATCH)
        tab.goto(f"{page.as_uri()}?workers={workers}")
        tab.check("[value=enlarge]")
        finished = tab.locator("main[aria-busy=false] :text-is('Save SRGAN')")
        give = functools.partial(tab.set_input_files, "#file", picture)
        cpu, seconds, most = until(browser, give, lambda: finished.count() > 0)
        return {
            "workers": workers, "CPU seconds": round(cpu, 2), "seconds": round(seconds, 2),
            "MB": round(most / 1e6), "longest freeze, ms": round(tab.evaluate("window.longest")),
        }  # fmt: skip


def measure_ort(dist: Path, side: int, folder: Path) -> dict[str, float]:
    """ONNX Runtime Web with the same network on a picture of that size."""
    for file in dist.glob("ort*wasm*"):
        if file.suffix in (".js", ".mjs", ".wasm"):
            shutil.copy(file, folder)
    export_onnx(load_generator("srgan"), folder / "model.onnx", force=True)
    (folder / "index.html").write_text(ORT.replace("SIDE", str(side)), encoding="utf-8")
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with open_browser() as browser, browser.new_page() as tab:
            tab.goto(f"http://127.0.0.1:{server.server_port}/index.html")
            while tab.title() != "ready":
                time.sleep(0.1)
            run = functools.partial(tab.evaluate, "() => window.start()")
            cpu, seconds, most = until(browser, run, lambda: tab.title() == "done")
        server.shutdown()
    return {"CPU seconds": round(cpu, 2), "seconds": round(seconds, 2), "MB": round(most / 1e6)}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A web server for files that prints nothing."""

    def log_message(self, *args) -> None:
        """Nothing."""


def main() -> None:
    """Print all figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="default: 1 2")
    parser.add_argument("--side", type=int, default=256, help="of LR; default: 256")
    parser.add_argument("--ort", type=Path, help="dist folder of onnxruntime-web")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = build_page(folder / "your_picture.html", ["srgan"])
        photo = dict(samples("validation"))["red_panda.jpg"]
        write_image(folder / "lr.png", photo[: options.side, : options.side])
        result = {"page": [measure_page(page, folder / "lr.png", n) for n in options.workers]}
        if options.ort:
            result["onnxruntime-web, 1 thread"] = measure_ort(options.ort, options.side, folder)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    sys.exit(report_errors(main))
