"""Two real processes under torchrun: the same gradients, one writer, and an end when one dies."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from srgan_lib.checkpoints import CHECKPOINT, load_checkpoint
from srgan_lib.cli.parser import main
from srgan_lib.data import PatchPool
from srgan_lib.errors import ConfigError
from srgan_lib.models import Discriminator
from srgan_lib.performance import distributed
from srgan_lib.performance.distributed import Distributed, distributed_kind
from srgan_lib.training import Trainer
from srgan_lib.weights import WEIGHTS, load_generator

HERE = Path(__file__).parent
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
TRAIN = ["train", "srresnet", "--profile", "smoke", "--data", "hr", "--out", "run",
         "--device", "cpu", "--batch-size", "2", "--steps"]  # fmt: skip


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if "terminate called without an active exception" in done.stderr:
        # gloo's own threads, now and then, when the interpreter ends: not what is tested here.
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_processes_have_the_gradients_of_one(tmp_path):
    script = str(HERE / "together.py")
    run([sys.executable, script, str(tmp_path / "one.pt")])
    run([*TORCHRUN, script, str(tmp_path / "two.pt")])
    one, two = (torch.load(tmp_path / f"{name}.pt") for name in ("one", "two"))
    for recipe in one:
        gradients = zip(one[recipe]["gradients"], two[recipe]["gradients"], strict=True)
        for alone, shared in gradients:
            assert alone.abs().max() > 0
            torch.testing.assert_close(alone, shared, rtol=1e-4, atol=1e-6)
        for name, value in one[recipe]["values"].items():
            other = two[recipe]["values"][name]
            torch.testing.assert_close(value.detach(), other, rtol=1e-5, atol=1e-6)


def test_two_processes_write_once_end_together_and_one_goes_on(tmp_path, pictures, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("hr").mkdir()
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(f"hr/{number}.png")
    assert run([*TORCHRUN, "-m", "srgan_lib", *TRAIN, "2"]).count("run: step 2") == 1
    assert load_checkpoint(f"run/{CHECKPOINT}")["step"] == 2

    with subprocess.Popen(
        [*TORCHRUN, "-m", "srgan_lib", *TRAIN, "1000000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        lines = [running.stdout.readline() for _ in range(2)]
        assert lines[1] == "Going on from step 2 of 1000000.\n"
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
        if not children.exists():
            running.kill()
            pytest.skip("this system does not tell a process's children")
        both = children.read_text().split()
        os.kill(int(both[-1]), signal.SIGKILL)
        _, errors = running.communicate(timeout=300)
    assert running.returncode != 0 and re.search(r"exitcode\s*: -9", errors)
    assert not any(Path(f"/proc/{child}").exists() for child in both)

    assert load_checkpoint(f"run/{CHECKPOINT}")["step"] >= 2
    assert main([*TRAIN, "3"]) == 0
    load_generator(f"run/{WEIGHTS}")


def test_a_batch_that_cannot_be_shared(tiny, pictures, monkeypatch):
    monkeypatch.setattr(distributed, "world_size", lambda: 3)
    with pytest.raises(ConfigError, match="multiple of 3"):
        distributed_kind(Trainer)(tiny("srresnet"), PatchPool(pictures))


def test_batch_norm_is_synchronized_in_the_same_weights(tiny, pictures, monkeypatch):
    network = Discriminator("paper", 4)
    weights, names = list(network.parameters()), list(network.state_dict())
    monkeypatch.setattr(distributed, "DistributedDataParallel", lambda module, **options: module)
    Distributed._share(None, network, sync_batchnorm=True)
    norms = [m for m in network.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    assert norms and all(isinstance(norm, torch.nn.SyncBatchNorm) for norm in norms)
    assert all(a is b for a, b in zip(weights, network.parameters(), strict=True))
    assert names == list(network.state_dict())
    with pytest.raises(ConfigError, match="for GPUs only"):
        Distributed(tiny("srresnet"), PatchPool(pictures), sync_batchnorm=True)


def test_alone_the_plain_trainer_is_used():
    assert distributed_kind(Trainer) is Trainer
