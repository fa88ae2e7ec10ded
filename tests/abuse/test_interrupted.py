"""Real processes that are killed, run out of disk or meet each other: nothing saved is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srgan_lib.checkpoints import CHECKPOINT, load_checkpoint
from srgan_lib.cli.parser import main
from srgan_lib.errors import SRGANError
from srgan_lib.system.files import own_folder
from srgan_lib.weights import WEIGHTS, load_generator

HERE = Path(__file__).parent
TRAIN = ["train", "srresnet", "--profile", "smoke", "--data", "hr", "--out", "run"]


@pytest.fixture
def folder(tmp_path, pictures, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("hr").mkdir()
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(f"hr/{number}.png")
    return tmp_path


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("recipe", ["srresnet", "srgan-mse"])
def test_killed_at_random_moments(tmp_path, recipe):
    command = [sys.executable, str(HERE / "killed.py"), str(tmp_path), recipe, "4", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["kills"] >= 4 and result["steps_lost"] <= 0 and result["equal"]


LIMITED = """
import resource, sys
from srgan_lib.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))  # larger files cannot be written
sys.exit(main(sys.argv[1:]))
"""


def test_a_full_disk_is_one_sentence_and_costs_nothing_saved(folder):
    assert main([*TRAIN, "--steps", "2"]) == 0
    before = {p: p.read_bytes() for p in Path("run").rglob("*") if p.is_file()}
    for command in ([*TRAIN, "--steps", "4"], ["upscale", "hr/0.png", "sr.png"]):
        done = subprocess.run(
            [sys.executable, "-c", LIMITED, *command], capture_output=True, text=True
        )
        errors = [line for line in done.stderr.splitlines() if "rror" in line]
        assert done.returncode == 2 and len(errors) == 1, done.stderr
        assert "could not be written (File too large" in errors[0]
    assert {p: p.read_bytes() for p in Path("run").rglob("*") if p.is_file()} == before
    assert not Path("sr.png").exists() and load_checkpoint(f"run/{CHECKPOINT}")["step"] == 2
    assert main([*TRAIN, "--steps", "4"]) == 0
    load_generator(f"run/{WEIGHTS}")


HOLDER = """
import sys
from srgan_lib.system.files import own_folder
with own_folder("run"):
    print("mine", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_into_a_folder_is_refused_until_the_first_ends(folder, capsys):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"mine\n"
        assert main([*TRAIN, "--steps", "1"]) == 2
        assert "Another run is writing into" in capsys.readouterr().err
        assert main(["upscale", "hr", "run", "--weights", "bicubic"]) == 2
        holder.kill()
    assert main([*TRAIN, "--steps", "1"]) == 0


def test_leftovers_of_a_crash_are_removed_and_nothing_else(tmp_path):
    (tmp_path / ".checkpoint-partial-abc.pt").write_bytes(b"half")
    (tmp_path / "my-partial-thing.pt").write_bytes(b"mine")
    with own_folder(tmp_path), own_folder(tmp_path):
        assert (tmp_path / "my-partial-thing.pt").exists()
        assert not (tmp_path / ".checkpoint-partial-abc.pt").exists()


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SRGANError, match="Nothing can be written"), own_folder(tmp_path / "file"):
        pass


def test_an_interrupted_folder_of_pictures_goes_on(folder):
    assert main(["upscale", "hr", "sr", "--weights", "bicubic", "--scale", "2"]) == 0
    done = Path("sr/1.png").read_bytes()
    Path("sr/1.png").unlink()
    Path("sr/.1-partial-x.png").write_bytes(done[:50])
    assert main(["upscale", "hr", "sr", "--weights", "bicubic", "--scale", "2"]) == 0
    assert Path("sr/1.png").read_bytes() == done
    assert np.array(Image.open("sr/1.png")).shape == (128, 128, 3)
    assert not list(Path("sr").glob(".1-partial*"))
