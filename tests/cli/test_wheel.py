"""An installed wheel, far from any clone: the networks for use and the photographs are in it."""

import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from PIL import Image

from srgan_lib.system.files import PACKAGE, ROOT

SOURCES = ("pyproject.toml", "requirements.txt", "README.md", "LICENSE", "LICENSE-TEXT")
LARGEST = 30_000_000
USE = """
import srgan_lib, srgan_lib.data, srgan_lib.system.files as files, sys
from srgan_lib.weights import shipped_weights
print(srgan_lib.__file__, *shipped_weights(), len(srgan_lib.data.samples("validation")), sep="\\n")
print(files.INSTALLED, files.DOWNLOADS)
sr = srgan_lib.upscale(srgan_lib.load_generator("srgan"), "lr.png")
print(sr.dtype, sr.shape)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy of the sources: setuptools writes beside them."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        shutil.copy(ROOT / name, folder)
    shutil.copytree(PACKAGE, folder / "srgan_lib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("weights", "samples"):
        shutil.copytree(ROOT / "data" / name, folder / "data" / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", folder / "out", folder], check=True)
    (path,) = (folder / "out").glob("*.whl")
    return path


def run(folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(folder / "site")}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def test_a_wheel_upscales_from_any_folder(wheel, tmp_path):
    assert wheel.stat().st_size < LARGEST
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*install, tmp_path / "site", wheel], check=True)
    script = (tmp_path / "site" / "bin" / "srgan").read_text()
    assert "from srgan_lib.__main__ import main" in script
    Image.new("RGB", (12, 9), "teal").save(tmp_path / "lr.png")

    status, printed = run(tmp_path, "-c", USE)
    assert status == 0, printed
    lines = printed.splitlines()
    assert lines[0] == str(tmp_path / "site" / "srgan_lib" / "__init__.py")
    assert {"srgan", "srresnet"} <= set(lines[1:-3]) and lines[-3] == "4"
    assert lines[-2].startswith("True ") and "site" not in lines[-2]
    assert lines[-1] == "uint8 (36, 48, 3)"

    status, printed = run(
        tmp_path, "-m", "srgan_lib", "upscale", "lr.png", "sr.png", "--weights", "blog"
    )
    assert status == 2 and "The course's repository has more networks" in printed


def test_a_wheel_has_all_of_the_package(wheel):
    packed = set(zipfile.ZipFile(wheel).namelist())
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert len(files) > 90
    assert {path.relative_to(ROOT).as_posix() for path in files} <= packed


def test_every_package_is_listed():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = text.partition("packages = [")[2].partition("]")[0]
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert set(re.findall(r'"(.+?)"', listed)) == found | {"srgan_lib.shipped"}
