"""The course where little is as usual: locale, home, names, streams, clock, cores, display."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tqdm.std
from PIL import Image

from srgan_lib.adversarial import make_trainer
from srgan_lib.cli.parser import main
from srgan_lib.system.files import write_json

# Letters of three alphabets, a blank, an apostrophe, and what a shell would take for a variable.
ODD = "ğ é 木 'q' $x"
COMMAND = [sys.executable, "-m", "srgan_lib"]
TRAIN = ["train", "srresnet", "--profile", "smoke", "--out", "run", "--steps", "2", "--data"]


@pytest.fixture
def place(tmp_path, pictures, monkeypatch):
    """A folder with an odd name, to work in; another in it has pictures."""
    folder = tmp_path / ODD
    (folder / ODD).mkdir(parents=True)
    monkeypatch.chdir(folder)
    for name, picture in zip(("0", ODD), pictures, strict=False):
        Image.fromarray(picture).save(Path(ODD, f"{name}.png"))
    return folder


def usual() -> dict[str, str]:
    """The environment, without what these tests are about."""
    ours = ("PYTHON", "LC_", "LANG", "DISPLAY", "WAYLAND", "MPL", "XDG", "TORCH", "SRGAN")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    paths = (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", ""))
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def ascii_alone(place: Path) -> dict[str, str]:
    """An old system's locale, and a home folder that cannot be made, let alone written."""
    (place / "file").touch()
    python = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    return {**usual(), "LC_ALL": "C", **python, "HOME": str(place / "file" / "home")}


def turkish(place: Path) -> dict[str, str]:
    """A comma in numbers, an i that is not I's, where it can be had; and no home folder at all."""
    left = {name: value for name, value in usual().items() if name != "HOME"}
    if not shutil.which("localedef"):
        return left
    command = ["localedef", "-i", "tr_TR", "-f", "UTF-8", "tr_TR.UTF-8"]
    made = subprocess.run(command, stderr=subprocess.DEVNULL)
    chosen = {"LOCPATH": str(place), "LC_ALL": "tr_TR.UTF-8"}
    return left if made.returncode else {**left, **chosen}


def one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


@pytest.mark.parametrize("environment", [ascii_alone, turkish])
def test_everything_works_where_little_is_as_usual(place, environment):
    """No display, one core, and Python warnings as errors, besides what `environment` says."""
    variables = {**environment(place), "SRGAN_WORK": str(place / "work")}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parents[1] / "abuse" / "everything.py"), ODD, "out"],
        env=variables, capture_output=True, preexec_fn=one_core if os.name == "posix" else None,
    )  # fmt: skip
    assert done.returncode == 0 and b"Traceback" not in done.stderr, done.stderr.decode()
    assert b"Going on from step 1 of 2" in done.stdout
    assert done.stderr.count(b"exists.") == 2
    made = {path.name for path in Path("out", "sr").iterdir()}
    assert {"0.png", f"{ODD}.png"} <= made
    # Names are themselves again in what another machine reads.
    scores = json.loads(Path("out", "scores.json").read_text(encoding="utf-8"))
    assert {row["name"] for row in scores["images"]} == {"0.png", f"{ODD}.png"}
    assert ODD in Path("out", "run", "generator.md").read_text(encoding="utf-8")
    with Image.open("out/figure.png") as figure:
        assert figure.size == (420, 300)
    assert "é" in Path("out", "page.html").read_text(encoding="utf-8")


def test_a_name_in_no_encoding_does_not_spoil_a_file(tmp_path):
    name = os.fsdecode(b"\xe9 \xc3\xa9.png")  # Latin-1 and UTF-8 in one
    write_json(tmp_path / "a.json", {"name": name})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"name": "� é.png"}


@pytest.mark.skipif(os.name != "posix", reason="needs a shell's way to close a stream")
def test_closed_streams(place):
    words = ["evaluate", "--weights", "bicubic", "--hr", ODD, "--json", "scores.json"]
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    done = subprocess.run([*closed, *COMMAND, *words], env=usual())
    assert done.returncode == 0
    assert len(json.loads(Path("scores.json").read_text(encoding="utf-8"))["images"]) == 2


@pytest.mark.parametrize("words", [["--help"], [*TRAIN, ODD]], ids=["help", "train"])
def test_a_reader_that_has_seen_enough(place, words):
    with subprocess.Popen(
        [*COMMAND, *words], env=usual(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as writing:
        if words != ["--help"]:
            assert b"srresnet" in writing.stdout.readline()
        writing.stdout.close()
        errors = writing.stderr.read()
    assert writing.returncode == 141
    assert not any(word in errors for word in (b"Traceback", b"Exception", b"error:")), errors


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_what_is_printed_does_not_fit_the_disk(place):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "data"], env=usual(), stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


@pytest.fixture
def jumping_clock(monkeypatch):
    """The time of day jumps by up to a year; the list grows whenever it is asked."""
    real, asked, chance = time.time, [], random.Random(0)

    def jump() -> float:
        asked.append(None)
        return real() + chance.uniform(-1, 1) * 365 * 86400

    monkeypatch.setattr(time, "time", jump)
    monkeypatch.setattr(tqdm.std, "time", jump)  # progress bars ask this one
    return asked


def test_a_clock_that_jumps(place, pool, tiny, jumping_clock, monkeypatch):
    trainer = make_trainer(tiny("srresnet"), pool, "run")
    saved = []
    monkeypatch.setattr(trainer, "save", lambda: saved.append(trainer.step))
    start = time.perf_counter()
    trainer.run(log_every=1)
    assert jumping_clock  # the bar did ask
    assert saved[0] == trainer.step == 6  # not before the two minutes are over
    minutes = [row["minutes"] for row in trainer.history]
    assert minutes == sorted(minutes) and 0 < 60 * minutes[-1] <= time.perf_counter() - start
    assert main(["upscale", f"{ODD}/0.png", "sr.png", "--weights", "bicubic"]) == 0
