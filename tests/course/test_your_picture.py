"""The page that enlarges the reader's own picture, from a file in a browser without a network.

Needs Chromium, as tests/display/test_browser.py does. Screenshots go to build/screenshots.
"""

import io
import re
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from srgan_lib.course.handout.browser import ADVICE, find_chromium, open_browser
from srgan_lib.course.notebooks import ROOT
from srgan_lib.course.your_picture import compile as wasm
from srgan_lib.course.your_picture.build import NETWORKS, build_page, default_networks, main
from srgan_lib.course.your_picture.networks import CHANNELS, description, flat_weights
from srgan_lib.data import samples
from srgan_lib.degradation import bicubic_downscale, bicubic_upscale, imresize
from srgan_lib.errors import ConfigError, WeightsError
from srgan_lib.images import crop_to_multiple, read_image
from srgan_lib.inference import upscale
from srgan_lib.metrics import psnr
from srgan_lib.models import VARIANTS, Generator
from srgan_lib.weights import load_generator, save_weights, shipped_weights

needs_chromium = pytest.mark.skipif(find_chromium() is None, reason=f"no Chromium: {ADVICE}")
SHOTS = ROOT / "build" / "screenshots"
LAPTOP, PHONE = {"width": 1280, "height": 1000}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser():
    SHOTS.mkdir(parents=True, exist_ok=True)
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The page as the handout has it."""
    return build_page(tmp_path_factory.mktemp("page") / "your_picture.html")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The page without networks: quickly open, for all that happens before them."""
    return build_page(tmp_path_factory.mktemp("plain") / "your_picture.html", [])


@pytest.fixture(scope="module")
def photo():
    return dict(samples("validation"))["red_panda.jpg"][300:500, 340:640]


class Shown:
    """The page in a tab of its own; what goes wrong in it is collected."""

    def __init__(self, context, path, workers):
        self.tab = context.new_page()
        self.requests, self.errors = [], []
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.on("console", lambda m: m.type == "error" and self.errors.append(m.text))
        self.tab.set_default_timeout(60_000)
        self.tab.goto(f"{path.as_uri()}?workers={workers}")

    def give(self, path, way="shrink"):
        """Choose a file, and wait until all is done."""
        self.tab.check(f"[value={way}]")
        self.tab.set_input_files("#file", path)
        return self.wait()

    def wait(self):
        """What the page says when it has nothing more to do."""
        self.tab.wait_for_selector("main[aria-busy=false]:not(:has(#status:empty))")
        return self.status()

    def status(self):
        return self.tab.inner_text("#status")

    def labels(self):
        links = self.tab.locator("#save a").all_inner_texts()
        return [link.removeprefix("Save ") for link in links]

    def saved(self):
        """What each link saves: label -> picture."""
        pictures = {}
        for link in self.tab.locator("#save a").all():
            with self.tab.expect_download() as download:
                link.click()
            assert re.search(r"_[\w-]+\.png$", download.value.suggested_filename)
            label = link.inner_text().removeprefix("Save ")
            pictures[label] = np.asarray(Image.open(download.value.path()))[..., :3]
        return pictures

    def scores(self):
        """Label -> the PSNR below it, from the view of all pictures side by side."""
        self.tab.get_by_label("Side by side", exact=True).check()
        texts = self.tab.locator(".stage .caption").all_inner_texts()
        found = (re.match(r"(.+?)\s*PSNR-Y ([\d.]+) dB", text, flags=re.DOTALL) for text in texts)
        return {match[1]: float(match[2]) for match in found if match}


@pytest.fixture
def show(browser, shipped):
    """Opens the page; in the end nothing may have been requested from anywhere."""
    opened = []

    def open_page(path=shipped, workers=1, **options):
        context = browser.new_context(**{"viewport": LAPTOP, **options})
        opened.append((context, Shown(context, path, workers)))
        return opened[-1][1]

    yield open_page
    for context, shown in opened:
        outside = [u for u in shown.requests if not u.startswith(("data:", "file:", "blob:"))]
        assert not outside and not shown.errors
        context.close()


def jpeg(path, image, **options):
    Image.fromarray(image).save(path, quality=95, **options)


def rotated(path, image):
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: the camera was turned
    jpeg(path, image, exif=exif)


def transparent(path, image):
    alpha = np.linspace(0, 255, image.shape[1]).astype(np.uint8)[None].repeat(len(image), axis=0)
    Image.fromarray(np.dstack([image, alpha])).save(path)


def on_white(path):
    picture = Image.open(path)
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    return np.asarray(white)


def close(picture, other):
    """The largest difference of two pictures of one size."""
    assert picture.shape == other.shape
    return int(np.abs(picture.astype(int) - other).max())


def compare(shown, original, lr):
    """Every picture that the page saves with the library's."""
    saved = shown.saved()
    if original is not None:
        assert close(saved.pop("original"), original) == 0
    assert close(saved.pop("LR"), lr) == 0
    bicubic = saved.pop("bicubic")
    assert close(bicubic, bicubic_upscale(lr, 4)) == 0
    expected = {"SRResNet": "srresnet", "SRGAN": "srgan", "SRGAN for photographs": "srgan-photo"}
    assert {"SRResNet", "SRGAN"} <= saved.keys() <= expected.keys()
    for label, picture in saved.items():
        own = upscale(load_generator(expected[label]), lr)
        assert close(own, bicubic) > 20, "with so little detail a wrong network would not be seen"
        assert close(picture, own) <= 1
    if original is not None:
        scores = shown.scores()
        assert scores.keys() == {"bicubic", *saved}
        for label, score in scores.items():
            seen = {"bicubic": bicubic, **saved}[label]
            assert score == pytest.approx(psnr(seen, original, border=4), abs=0.006)


CASES = {
    "photograph.jpg": jpeg,
    "odd.png": lambda path, image: Image.fromarray(image[:67, :101]).save(path),
    "gray.png": lambda path, image: Image.fromarray(image[:96, :120]).convert("L").save(path),
    "rotated.jpg": lambda path, image: rotated(path, image[:80, :144]),
    "transparent.png": lambda path, image: transparent(path, image[:96, :120]),
}


@needs_chromium
@pytest.mark.parametrize("name", CASES)
def test_every_picture_is_the_librarys(show, photo, tmp_path, name):
    path = tmp_path / name
    CASES[name](path, photo)
    shown = show(workers=2)
    status = shown.give(path)
    assert status.startswith("Done in")
    assert ("was put on white" in status) == (name == "transparent.png")
    read = on_white(path) if name == "transparent.png" else read_image(path)
    original = crop_to_multiple(read, 4)
    compare(shown, original, bicubic_downscale(original, 4))


@needs_chromium
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_workers_share_a_picture_without_a_seam(show, photo, tmp_path, workers):
    lr = np.ascontiguousarray(photo[20:55, 30:73])  # 35 rows: not the same for each of four
    Image.fromarray(lr).save(tmp_path / "lr.png")
    shown = show(workers=workers)
    shown.give(tmp_path / "lr.png", way="enlarge")
    compare(shown, None, lr)
    started = sum(url.startswith("blob:") for url in shown.requests)
    assert started >= 1 + 2 * workers


@needs_chromium
def test_the_smallest_picture(show, photo, tmp_path):
    lr = np.ascontiguousarray(photo[60:69, 60:68])
    Image.fromarray(lr).save(tmp_path / "8x9.png")
    shown = show(workers=4)
    shown.give(tmp_path / "8x9.png", way="enlarge")
    compare(shown, None, lr)


@needs_chromium
def test_a_picture_too_small_is_refused(show, plain, photo, tmp_path):
    lr = np.ascontiguousarray(photo[60:69, 60:68])
    shown = show(plain)
    Image.fromarray(lr).save(tmp_path / "8x9.png")
    Image.fromarray(lr[:, :7]).save(tmp_path / "7x9.png")
    assert "7x9 pixels, and 8x8 are the least" in shown.give(tmp_path / "7x9.png", way="enlarge")
    assert "8x9 pixels, and 32x32 are the least" in shown.give(tmp_path / "8x9.png")


@needs_chromium
def test_a_large_picture_is_shrunk_first_or_its_middle_is_taken(show, plain, tmp_path):
    photo = dict(samples("validation"))["red_panda.jpg"][:601, :803]
    Image.fromarray(photo).save(tmp_path / "large.png")
    shown = show(plain)
    shown.tab.select_option("#side", "128")
    assert "shrunk to 512x384" in shown.give(tmp_path / "large.png")
    saved = shown.saved()
    original = crop_to_multiple(imresize(photo, 512 / 803), 4)
    # At such a factor a sum depends on its order in the last bit, which can tip a half.
    assert close(saved["original"], original) <= 1
    assert np.mean(saved["original"] != original) < 1e-4
    assert close(saved["LR"], bicubic_downscale(saved["original"], 4)) == 0
    assert "the 128x128 in its middle" in shown.give(tmp_path / "large.png", way="enlarge")
    middle = photo[236:364, 337:465]
    assert close(shown.saved()["LR"], middle) == 0


def write_sixteen_bits(path):
    Image.fromarray(np.full((40, 40), 40_000, np.uint16)).save(path)


def write_damaged(path):
    path.write_bytes(b"\xff\xd8\xff\xe0" + bytes(2000))


FAULTS = {
    "text.txt": (lambda path: path.write_text("no picture"), "cannot read this file as a picture"),
    "damaged.jpg": (write_damaged, "cannot read this file as a picture"),
    "empty.png": (lambda path: path.write_bytes(b""), "empty"),
    "deep.png": (write_sixteen_bits, "more than 8 bits a channel"),
    "photo.heic": (lambda path: path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(99)), "HEIC"),
    "narrow.png": (lambda path: Image.new("RGB", (3000, 60)).save(path), "too narrow"),
    "huge.png": (lambda path: Image.new("L", (10_000, 8_000)).save(path), "80 megapixels"),
}


@needs_chromium
def test_what_is_no_good_is_said_in_a_sentence_and_the_next_works(show, plain, photo, tmp_path):
    shown = show(plain)
    for name, (write, words) in FAULTS.items():
        write(tmp_path / name)
        status = shown.give(tmp_path / name)
        assert words in status and status.endswith(".") and "\n" not in status, name
        assert "fault" in shown.tab.get_attribute("#status", "class"), name
    jpeg(tmp_path / "good.jpg", photo[:64, :64])
    assert shown.give(tmp_path / "good.jpg").startswith("Done in")
    assert "fault" not in (shown.tab.get_attribute("#status", "class") or "")


@needs_chromium
@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_of_an_animation_the_first_picture_is_taken(show, plain, photo, tmp_path, suffix):
    first, second = (Image.fromarray(photo[y : y + 64, :64]).quantize(64) for y in (0, 100))
    path = tmp_path / f"moving.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    first.save(path, save_all=True, append_images=[second], duration=100, loop=0, **options)
    shown = show(plain)
    assert "this is its first picture" in shown.give(path)
    assert close(shown.saved()["original"], np.asarray(first.convert("RGB"))) == 0


@needs_chromium
def test_stop_stops_and_the_page_goes_on(show, tmp_path):
    photo = dict(samples("validation"))["red_panda.jpg"]
    jpeg(tmp_path / "large.jpg", photo[:800, :800])
    shown = show(workers=2)
    shown.tab.set_input_files("#file", tmp_path / "large.jpg")
    shown.tab.wait_for_selector("progress")
    assert shown.labels() == ["LR", "bicubic", "original"]
    shown.tab.click("#stop")
    assert shown.wait() == "Stopped." and not shown.tab.is_visible("#stop")
    deadline = time.monotonic() + 20  # a busy computer hears late of their end
    while shown.tab.workers and time.monotonic() < deadline:
        shown.tab.wait_for_timeout(50)
    assert len(shown.tab.workers) == 0
    jpeg(tmp_path / "small.jpg", photo[:64, :64])
    assert shown.give(tmp_path / "small.jpg").startswith("Done in")


@needs_chromium
def test_networks_come_and_go_as_they_are_checked_and_the_slider_stays(show, photo, tmp_path):
    jpeg(tmp_path / "small.jpg", photo[:64, :64])
    shown = show()
    shown.tab.uncheck("#use-srgan")
    shown.give(tmp_path / "small.jpg")
    assert shown.labels() == ["LR", "bicubic", "SRResNet", "original"]
    assert shown.tab.get_by_label("Right picture").input_value() == "SRResNet"
    shown.tab.get_by_label("Divider position").fill("30")
    shown.tab.check("#use-srgan")
    shown.tab.wait_for_selector("#save >> text=SRGAN")
    assert shown.labels() == ["LR", "bicubic", "SRResNet", "SRGAN", "original"]
    assert shown.tab.get_by_label("Right picture").input_value() == "SRGAN"
    assert shown.tab.get_by_label("Divider position").input_value() == "30"
    shown.tab.get_by_label("Right picture").select_option("original")
    shown.tab.uncheck("#use-srresnet")
    shown.tab.wait_for_selector("#save:not(:has-text('SRResNet'))")
    assert shown.tab.get_by_label("Right picture").input_value() == "original"


GIVEN = """([kind, bytes]) => {
  const data = new DataTransfer();
  if (bytes) data.items.add(new File([Uint8Array.from(bytes)], "given.png", { type: "image/png" }));
  else data.setData("text/plain", "no file");
  const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: data, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: data });
  window.dispatchEvent(event);
}"""


@needs_chromium
@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_is_dropped_or_pasted(show, plain, photo, kind):
    shown = show(plain)
    if kind == "drop":
        shown.tab.evaluate(GIVEN, [kind, None])
        assert "no file" in shown.wait()
    file = io.BytesIO()
    Image.fromarray(photo[:64, :64]).save(file, "PNG")
    shown.tab.evaluate(GIVEN, [kind, list(file.getvalue())])
    shown.tab.wait_for_selector("#save >> text=Save bicubic")
    assert close(shown.saved()["original"], photo[:64, :64]) == 0


def memory_of(browser):
    """Bytes that belong to the pages of a browser alone."""
    session = browser.new_browser_cdp_session()
    total = 0
    for process in session.send("SystemInfo.getProcessInfo")["processInfo"]:
        if process["type"] == "renderer":
            status = Path(f"/proc/{process['id']}/status").read_text()
            total += 1024 * int(re.search(r"RssAnon:\s+(\d+)", status)[1])
    session.detach()
    return total


@needs_chromium
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the memory")
def test_the_page_needs_little_memory(browser, show, tmp_path):
    photo = dict(samples("validation"))["red_panda.jpg"]
    Image.fromarray(photo[300:428, 340:468]).save(tmp_path / "lr.png")
    before = memory_of(browser)
    shown = show(workers=2)
    shown.tab.check("[value=enlarge]")
    shown.tab.uncheck("#use-srresnet")
    shown.tab.set_input_files("#file", tmp_path / "lr.png")
    most = 0
    while shown.tab.locator("main[aria-busy=false]:not(:has(#status:empty))").count() == 0:
        most = max(most, memory_of(browser) - before)
        time.sleep(0.05)
    assert 50e6 < most < 450e6


@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_axe_finds_nothing_and_nothing_sticks_out(show, photo, tmp_path, scheme, viewport):
    axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is missing")
    shown = show(color_scheme=scheme, viewport=viewport)
    jpeg(tmp_path / "a red panda.jpg", photo[:120, :180])
    shown.give(tmp_path / "a red panda.jpg")
    name = "laptop" if viewport is LAPTOP else "phone"
    shown.tab.screenshot(path=SHOTS / f"your-picture-{name}-{scheme}.png", full_page=True)
    shown.tab.evaluate(Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8"))
    found = shown.tab.evaluate("axe.run()")["violations"]
    assert [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found] == []
    assert shown.tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


@needs_chromium
def test_the_page_cannot_send_anything(show, plain):
    shown = show(plain)
    tried = shown.tab.evaluate("fetch('https://example.com').then(() => 'sent', () => 'blocked')")
    assert tried == "blocked"
    assert any("Content Security Policy" in error for error in shown.errors)
    assert not any("example" in url for url in shown.requests)
    shown.errors.clear()


def random_generator(variant):
    """A network with batch norms that have seen something, and slopes that differ."""
    torch.manual_seed(5)
    generator = Generator(num_blocks=2, variant=variant).eval()
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.weight, 1, 0.2)
            nn.init.normal_(module.bias, std=0.2)
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, 0.1, 0.9)
    nn.init.normal_(generator.tail.weight, std=0.04)
    return generator


@needs_chromium
def test_networks_of_each_variant_run_and_each_for_its_way(show, photo, tmp_path, monkeypatch):
    monkeypatch.setitem(NETWORKS, "course", ("Photos", ("enlarge",)))
    lr = np.ascontiguousarray(photo[60:77, 60:79])
    Image.fromarray(lr).save(tmp_path / "lr.png")
    generators = {variant: random_generator(variant) for variant in VARIANTS}
    for variant, generator in generators.items():
        save_weights(tmp_path / f"{variant}.safetensors", generator)
    path = tmp_path / "your_picture.html"
    names = [str(tmp_path / f"{variant}.safetensors") for variant in VARIANTS]
    assert main(["--output", str(path), "--networks", *names]) == 0
    shown = show(path)
    assert shown.tab.is_checked("#use-paper") and not shown.tab.is_checked("#use-course")
    shown.give(tmp_path / "lr.png", way="enlarge")
    assert shown.tab.get_by_label("Right picture").input_value() == "Photos"
    saved = shown.saved()
    for variant, generator in generators.items():
        picture = saved["Photos" if variant == "course" else variant]
        assert picture.std() > 20
        assert close(picture, upscale(generator, lr)) <= 1


def test_the_page_is_one_small_file(shipped):
    html = shipped.read_text("utf-8")
    count = len(default_networks())
    assert {"srresnet", "srgan"} <= set(default_networks()) and html.count('id="weights-') == count
    assert len(html.encode()) <= {2: 10e6, 3: 15e6}[count]
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", html)


def test_every_shipped_network_fits():
    for name in shipped_weights():
        generator = load_generator(name)
        folded = sum(m.running_mean.numel() * 2 for m in generator.modules()
                     if isinstance(m, nn.BatchNorm2d))  # fmt: skip
        slopes = int(generator.variant == "blog")
        count = sum(p.numel() for p in generator.parameters()) - folded + slopes
        assert len(flat_weights(generator)) == count, name
        assert description(generator)["blocks"] == 16


def test_weights_are_those_of_the_network_in_its_order():
    generator = random_generator("course")
    expected = torch.cat([p.flatten() for p in generator.state_dict().values()])
    weights = torch.from_numpy(flat_weights(generator)).float()
    assert torch.equal(weights, expected.half().float())


def test_what_the_page_cannot_run_is_said():
    with pytest.raises(ConfigError, match="not of x2 with 64"):
        flat_weights(Generator(scale=2))
    with pytest.raises(ConfigError, match=rf"{CHANNELS} channels, not of x4 with 8"):
        flat_weights(Generator(channels=8))
    generator = Generator(num_blocks=1)
    nn.init.constant_(generator.head[0].bias, 1e6)
    with pytest.raises(ConfigError, match="float16"):
        flat_weights(generator)


def test_a_missing_network_is_said(tmp_path, capsys):
    with pytest.raises(WeightsError, match="no weights 'none'"):
        build_page(tmp_path / "page.html", ["none"])
    assert main(["--output", str(tmp_path / "page.html"), "--networks", "none"]) == 1
    assert "no weights 'none'" in capsys.readouterr().err and not list(tmp_path.iterdir())


@pytest.mark.parametrize("build", wasm.BUILDS)
def test_the_webassembly_is_what_the_source_compiles_to(tmp_path, build):
    pytest.importorskip("ziglang", reason="the compiler is missing: pip install ziglang")
    wasm.compile_wasm(build, tmp_path / "new.wasm")
    assert (tmp_path / "new.wasm").read_bytes() == wasm.wasm_file(build).read_bytes()


def test_the_c_code_stays_short():
    assert len((wasm.HERE / "conv.c").read_text("utf-8").splitlines()) <= 100
