"""Ctrl-C and SIGTERM: one line, the status that shells expect, nothing half done left."""

import os
import signal
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from synthetic import photo

from srgan_lib import data, training
from srgan_lib.checkpoints import CHECKPOINT, load_checkpoint
from srgan_lib.cli.parser import main
from srgan_lib.datasets import archives
from srgan_lib.images import write_image
from srgan_lib.performance import large_pictures
from srgan_lib.system.process import report_errors
from srgan_lib.system.signals import deferred_interrupt, heed
from srgan_lib.weights import WEIGHTS, load_generator

SIGNALS = [
    pytest.param(getattr(signal, name), status, f"{line}; what was saved is kept.", id=name)
    for name, status, line in (
        ("SIGINT", 130, "Interrupted"),
        ("SIGTERM", 143, "Ended by SIGTERM"),
        ("SIGHUP", 129, "Ended by SIGHUP"),
    )
    if hasattr(signal, name)
]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in: pics/ with three pictures."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "SAMPLES", tmp_path / "samples")
    write_image("samples/validation/0.png", photo(64, 64, 9))
    for number in range(3):
        write_image(f"pics/{number}.png", photo(64, 64, number))
    return tmp_path


@pytest.fixture(autouse=True)
def _handlers_are_as_before():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize(("number", "status", "line"), SIGNALS)
@pytest.mark.parametrize("target", ["out/o.png", "out/o.jpg"])
def test_upscale_leaves_no_partial_file(here, number, status, line, target, monkeypatch, capsys):
    bands, before = large_pictures.bands, everything(here)

    def stopped_halfway(*args, **options):
        for count, band in enumerate(bands(*args, **options)):
            if count == 2:
                assert list(here.glob("out/.o-partial-*"))
                signal.raise_signal(number)
            yield band

    monkeypatch.setattr(large_pictures, "bands", stopped_halfway)
    words = ["upscale", "pics/0.png", target, "--weights", "bicubic", "--tile", "16"]
    assert main(words) == status
    assert everything(here) == before
    assert capsys.readouterr().err.splitlines() == [line]


def test_a_folder_of_pictures_keeps_those_that_are_done(here, monkeypatch):
    upscale_file, count = large_pictures.upscale_file, []

    def second_is_stopped(enlarger, source, target, **options):
        count.append(source)
        if len(count) == 2:
            signal.raise_signal(signal.SIGTERM)
        return upscale_file(enlarger, source, target, **options)

    monkeypatch.setattr(large_pictures, "upscale_file", second_is_stopped)
    words = ["upscale", "pics", "out", "--weights", "bicubic"]
    assert main(words) == 143 and everything(here / "out") == {"0.png", ".in-use"}
    assert main(words) == 0
    assert everything(here / "out") == {"0.png", "1.png", "2.png", ".in-use"}


@pytest.mark.parametrize(("number", "status", "line"), SIGNALS)
@pytest.mark.parametrize("command", ["train srresnet", "reproduce --variants srresnet --sets"])
def test_a_training_ends_its_step_and_saves(
    here, number, status, line, command, monkeypatch, capsys
):
    learn = training.Trainer.learn

    def stopped_at_the_second(trainer, *args):
        if trainer.step == 1:
            signal.raise_signal(number)
            signal.raise_signal(number)  # by an impatient hand
        return learn(trainer, *args)

    words = [*command.split(), "--profile", "smoke", "--out", "run", "--data", "pics"]
    with monkeypatch.context() as patch:
        patch.setattr(training.Trainer, "learn", stopped_at_the_second)
        assert main(words) == status
    assert capsys.readouterr().err.splitlines()[-1] == line
    run = here / "run" / ("srresnet" if "reproduce" in command else "")
    assert load_checkpoint(run / CHECKPOINT)["step"] == 2
    assert not list(here.rglob("*-partial-*"))
    load_generator(run / WEIGHTS)


def test_an_archive_is_unpacked_whole_or_not_at_all(here, monkeypatch):
    with zipfile.ZipFile("mine.zip", "w") as archive:
        for number in range(3):
            archive.write(f"pics/{number}.png")
    copy, before = archives.shutil.copyfileobj, everything(here)

    def stopped(*args):
        copy(*args)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(archives.shutil, "copyfileobj", stopped)
    assert main(["data", "mine.zip", "--root", "pics"]) == 143
    assert everything(here) == before


def test_what_is_ignored_stays_ignored(capsys):
    """`nohup` ignores SIGHUP, and a shell ignores SIGINT for what runs in the background."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert report_errors(lambda: signal.raise_signal(signal.SIGTERM)) == 0
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_interrupt_that_an_import_made_another_error_of(capsys):
    def work():
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise ImportError("initialization failed") from error

    assert report_errors(work) == 130
    assert capsys.readouterr().err == "Interrupted; what was saved is kept.\n"
    with pytest.raises(ImportError):
        report_errors(lambda: __import__("no_such_module"))


def test_a_wish_to_end_that_an_import_swallowed_is_heeded(capsys):
    def work():
        with suppress(KeyboardInterrupt):  # as PyTorch does where it looks for NumPy
            signal.raise_signal(signal.SIGTERM)
        heed()
        raise AssertionError("went on")

    assert report_errors(work) == 143
    assert capsys.readouterr().err == "Ended by SIGTERM; what was saved is kept.\n"
    assert report_errors(heed) == 0  # the next command knows nothing of it


def test_a_notebook_ends_by_sigterm_as_ever():
    with deferred_interrupt() as interrupted:
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and not interrupted()
    with pytest.raises(KeyboardInterrupt) as caught, deferred_interrupt() as interrupted:
        signal.raise_signal(signal.SIGINT)
        assert interrupted()
    assert caught.type is KeyboardInterrupt


AT_IMPORT = """
import os, runpy, signal, sys
module = sys.argv.pop(1)
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
runpy.run_module("srgan_lib", run_name="__main__")
"""


@pytest.mark.skipif(os.name != "posix", reason="os.kill ends a process on Windows")
@pytest.mark.parametrize("module", ["srgan_lib.cli.parser", "numpy.linalg", "torch"])
def test_ctrl_c_during_an_import_is_one_line(here, module):
    done = subprocess.run(
        [sys.executable, "-c", AT_IMPORT, module, "upscale", "pics/0.png", "o.png"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 130
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("Interrupted")


AT_THE_END = """
import atexit, os, signal
from srgan_lib import __main__
from srgan_lib.cli import parser
parser.main = lambda: 130
atexit.register(lambda: print("never"))
atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))
raise SystemExit(__main__.main())
"""


@pytest.mark.skipif(os.name != "posix", reason="os.kill ends a process on Windows")
def test_a_second_ctrl_c_while_python_ends_is_no_traceback():
    done = subprocess.run([sys.executable, "-c", AT_THE_END], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
