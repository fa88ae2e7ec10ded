# @title Setup: find the library, check versions, choose device and profile
REPOSITORY = "https://github.com/srgan-course/srgan-course@main"  # @param {type:"string"}
SAVE_TO_DRIVE = False  # @param {type:"boolean"}

import os
import subprocess
import sys
from pathlib import Path

url, _, branch = (asked := os.environ.get("SRGAN_REPO") or REPOSITORY).rpartition("@")
library = Path.cwd() / asked.rpartition("://")[2].replace("/", "+")  # where a clone of it lies
for place in library.parents[:2]:  # or the one that this notebook came with
    cell = place / "srgan_lib" / "course" / "setup_cell.py"
    if cell.is_file() and f'REPOSITORY = "{asked}"' in cell.read_text("utf-8"):
        library = place
if not (library / "srgan_lib").is_dir():
    git = ["git", "clone", "--quiet", "--depth", "1", "--branch", branch, url, library]
    silent = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}  # a mistyped name asks for no password
    clone = subprocess.run(git, env=silent, capture_output=True, text=True)
    if clone.returncode:
        raise RuntimeError(f"Check REPOSITORY, a URL@branch: {clone.stderr.strip()}")
sys.path.insert(0, str(library))
from srgan_lib.course.setup import setup

env = setup(library, save_to_drive=SAVE_TO_DRIVE)
