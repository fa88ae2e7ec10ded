"""What each command imports: nobody waits for a package that their command does not need."""

import json
import os
import re
import subprocess
import sys

import pytest
from PIL import Image

from srgan_lib.cli.parser import main
from srgan_lib.system.files import ROOT

HEAVY = {
    "torch",
    "torchvision",
    "matplotlib",
    "lpips",
    "ipywidgets",
    "anywidget",
    "scipy",
    "IPython",
}
COMMANDS = ["upscale", "evaluate", "train", "reproduce", "results", "export", "benchmark", "data"]
CHILD = """
import json, os, sys
from srgan_lib.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
seconds = sum(os.times()[:2])
names = {name.split(".")[0] for name in sys.modules}
print("\\n" + json.dumps([sorted(names), seconds]))
"""


def imported(folder, *words: str) -> tuple[set[str], float]:
    """The packages that a command imports in a process of its own, and its seconds of CPU."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *words],
        cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names, seconds = json.loads(done.stdout.splitlines()[-1])
    return set(names) & HEAVY, seconds


def test_help_imports_nothing_heavy_and_comes_at_once(tmp_path):
    heavy, seconds = imported(tmp_path, "--help")
    assert not heavy and seconds < 0.6  # 0.2 on an idle machine


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_imports_no_command(command, capsys, monkeypatch):
    """In this process, where all is imported already: what runs a command must not be asked for."""
    module = f"srgan_lib.cli.{command}"
    monkeypatch.setitem(sys.modules, module, None)  # importing it would fail
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"usage: srgan {command}" in capsys.readouterr().out


def test_every_command_is_here(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = capsys.readouterr().out
    assert set(COMMANDS) == set(re.findall(r"^    (\w+)\b", listed, re.MULTILINE))


def test_upscaling_imports_torch_alone(tmp_path):
    Image.new("RGB", (12, 9), "teal").save(tmp_path / "lr.png")
    heavy, _ = imported(tmp_path, "upscale", "lr.png", "sr.png", "--weights", "srresnet")
    assert heavy == {"torch"}
    with Image.open(tmp_path / "sr.png") as image:
        assert image.size == (48, 36)


def test_scoring_and_listing_import_no_more(tmp_path):
    Image.new("RGB", (48, 36), "teal").save(tmp_path / "hr.png")
    heavy, _ = imported(tmp_path, "evaluate", "--weights", "bicubic", "--hr", ".")
    assert heavy == {"torch"}
    assert imported(tmp_path, "data")[0] <= {"torch"}


@pytest.mark.parametrize("name", ["argparse", "filelock", "tempfile"])
def test_files_of_the_user_are_not_imported(tmp_path, name):
    (tmp_path / f"{name}.py").write_text("raise SystemExit('mine')")
    done = subprocess.run(
        [sys.executable, "-m", "srgan_lib", "--help"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0 and "COMMAND" in done.stdout
