"""Trains, is killed at random moments, goes on: `killed.py FOLDER RECIPE KILLS SEED`.

Prints as JSON what was tried and what was lost. Each training is a process of its own, forked from
this one so that PyTorch is imported only once, and killed with SIGKILL, which no program can catch.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
import torch

from srgan_lib.adversarial import make_trainer
from srgan_lib.checkpoints import CHECKPOINT, load_checkpoint
from srgan_lib.data import PatchPool
from srgan_lib.recipes import get_recipe
from srgan_lib.system.files import own_folder
from srgan_lib.weights import WEIGHTS, load_generator

STEPS = 60


def train(folder: Path, recipe_name: str, saved: int | None = None, fatal: int = 0) -> None:
    """Train to the end, with a checkpoint after every step, each reported through pipe `saved`.

    `fatal` is the moment of writing at which the process is killed, if it is not 0.
    """
    size = {"channels": 4, "num_blocks": 1, "batch_size": 1, "patch_size": 32, "steps": STEPS}
    pictures = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 3), np.uint8)
    trainer = make_trainer(get_recipe(recipe_name, "smoke", **size), PatchPool(pictures), folder)
    trainer.resume()
    save = trainer.save

    def save_and_report() -> None:
        save()
        if saved is not None:
            os.write(saved, f"{trainer.step}\n".encode())

    trainer.save = save_and_report
    if fatal:
        kill_while_writing(fatal)
    trainer.run(progress=False, save_minutes=0, log_every=7)


def fork(work) -> int:
    """A child process that does `work` and nothing else."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(status)
    return child


def kill_while_writing(number: int) -> None:
    """Have this process killed at the `number`-th moment of its writing of files from now on.

    From outside these moments are hardly ever met: a file half written, written but not yet on the
    disk, before the old one gets its other name, and before the new one gets its own.
    """
    left = [number]

    def counted(original, half=None):
        def call(*args, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                if half is not None:
                    half(*args)
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **kwargs)

        return call

    def half_written(path, data) -> None:
        with open(path, "wb") as file:
            file.write(bytes(data)[: len(data) // 2])

    os.fsync, os.replace = counted(os.fsync), counted(os.replace)
    Path.write_bytes = counted(Path.write_bytes, half_written)


def main(folder: Path, recipe_name: str, kills: int, seed: int) -> dict[str, int | bool]:
    rng = random.Random(seed)
    whole, broken = folder / "whole", folder / "broken"
    os.waitpid(fork(lambda: train(whole, recipe_name)), 0)
    expected = load_checkpoint(whole / CHECKPOINT)
    result = {"kills": 0, "while_writing": 0, "fell_back": 0, "steps_lost": 0, "equal": True}
    while result["kills"] < kills:
        shutil.rmtree(broken, ignore_errors=True)
        while True:
            reading, writing = os.pipe()
            again = result["kills"] < kills
            fatal = rng.randrange(1, 40) if again and rng.random() < 0.5 else 0
            child = fork(lambda end=writing, at=fatal: train(broken, recipe_name, end, at))
            os.close(writing)
            if again and not fatal:
                time.sleep(rng.uniform(0.02, 0.6))
                os.kill(child, signal.SIGKILL)
            killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
            with os.fdopen(reading) as pipe:
                reported = [int(line) for line in pipe.read().split()]
            if not killed:
                break
            result["kills"] += 1
            result["while_writing"] += bool(fatal)
            with warnings.catch_warnings(record=True) as notes:
                warnings.simplefilter("always")
                state = load_checkpoint(broken / CHECKPOINT)
            result["fell_back"] += bool(notes)
            if reported:
                lost = reported[-1] - (state["step"] if state else 0)
                result["steps_lost"] = max(result["steps_lost"], lost)
        state = load_checkpoint(broken / CHECKPOINT)
        same = all(torch.equal(state["generator"][k], v) for k, v in expected["generator"].items())
        values = [[{**row, "minutes": 0} for row in s["history"]] for s in (state, expected)]
        load_generator(broken / WEIGHTS)
        with own_folder(broken):
            same = same and not list(broken.glob(".*-partial-*"))
        result["equal"] = result["equal"] and same and values[0] == values[1]
    return result


if __name__ == "__main__":
    place, name, count, number = sys.argv[1:]
    print(json.dumps(main(Path(place), name, int(count), int(number))))
