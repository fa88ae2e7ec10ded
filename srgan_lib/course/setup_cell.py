# @title Setup: find the library, check versions, choose device and profile
REPOSITORY = "https://github.com/srgan-course/srgan-course@main"  # @param {type:"string"}
SAVE_TO_DRIVE = False  # @param {type:"boolean"}

import os
import subprocess
import sys
from pathlib import Path

here = Path.cwd()
places = [here.parent, here, here / "srgan-course"]  # next to this notebook, or cloned before
root = next((place for place in places if (place / "srgan_lib").is_dir()), None)
if root is None:
    root = places[-1]
    url, _, branch = os.environ.get("SRGAN_REPO", REPOSITORY).rpartition("@")
    command = ["git", "clone", "--depth", "1", "--branch", branch, url, str(root)]
    clone = subprocess.run(command, capture_output=True, text=True)
    if clone.returncode:
        raise RuntimeError(f"Check REPOSITORY, a URL@branch: {clone.stderr.strip()}")
sys.path.insert(0, str(root))

from srgan_lib.course.setup import setup

env = setup(save_to_drive=SAVE_TO_DRIVE)
