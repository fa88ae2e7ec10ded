"""Weights load by name or file, and say in one sentence why they do not."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from srgan_lib import checkpoints, weights
from srgan_lib.checkpoints import load_checkpoint, save_checkpoint
from srgan_lib.data import samples
from srgan_lib.degradation import bicubic_downscale, bicubic_upscale
from srgan_lib.errors import WeightsError
from srgan_lib.inference import upscale
from srgan_lib.metrics import psnr
from srgan_lib.models import VARIANTS, Generator
from srgan_lib.system import files
from srgan_lib.weights import (
    find_weights,
    halve_weights,
    load_generator,
    save_weights,
    weights_info,
)


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_there_and_back(tmp_path, variant):
    generator = Generator(2, 1, 4, variant).eval()
    save_weights(tmp_path / "deep" / "g.safetensors", generator, step=3, name="ä")
    loaded = load_generator(tmp_path / "deep" / "g.safetensors")
    lr = torch.rand(1, 3, 8, 8)
    assert not loaded.training and loaded.config == generator.config
    assert torch.equal(loaded(lr), generator(lr))
    assert weights_info(tmp_path / "deep" / "g.safetensors") == {"step": 3, "name": "ä"}


def test_shipped_names(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "SHIPPED", tmp_path)
    save_weights(tmp_path / "mine.safetensors", Generator(2, 1, 4))
    assert weights.shipped_weights() == ["mine"]
    assert find_weights("mine") == tmp_path / "mine.safetensors"
    with pytest.raises(WeightsError, match=r"'yours'.*\(mine\)"):
        find_weights("yours")


def test_half_the_size(tmp_path):
    generator, path = Generator(2, 1, 32, "paper"), tmp_path / "g.safetensors"
    generator.fuse[1].num_batches_tracked.fill_(100_001)  # an integer, and not one of float16
    save_weights(path, generator, step=3)
    before = path.stat().st_size
    halve_weights(path)
    assert path.stat().st_size < 0.6 * before
    assert weights_info(path) == {"step": 3}
    loaded = load_generator(path).state_dict()
    for name, value in generator.state_dict().items():
        assert torch.equal(
            loaded[name], value.half().float() if value.is_floating_point() else value
        )


def test_what_float16_cannot_hold_is_left_as_it_was(tmp_path):
    generator, path = Generator(2, 1, 4, "paper"), tmp_path / "g.safetensors"
    generator.fuse[1].running_var.fill_(1e5)
    save_weights(path, generator)
    before = path.read_bytes()
    with pytest.raises(WeightsError, match="cannot be stored as float16"):
        halve_weights(path)
    assert path.read_bytes() == before


def test_files_that_are_no_weights(tmp_path):
    generator = Generator(2, 1, 4)
    good = tmp_path / "good.safetensors"
    save_weights(good, generator)
    cases = {
        "cut": (good.read_bytes()[:200], "cannot be read"),
        "empty": (b"", "cannot be read"),
        "text": (b"hello", "cannot be read"),
        "pickle": (pickle.dumps({"a": 1}), "cannot be read"),
    }
    for name, (content, words) in cases.items():
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(content)
        with pytest.raises(WeightsError, match=words):
            load_generator(path)
    save_file({"conv.weight": torch.zeros(3)}, tmp_path / "bare.safetensors")
    with pytest.raises(WeightsError, match="does not say which generator"):
        load_generator(tmp_path / "bare.safetensors")


def test_weights_of_another_shape(tmp_path):
    path = tmp_path / "other.safetensors"
    generator = Generator(2, 1, 4)
    for config in ({**generator.config, "channels": 5}, {**generator.config, "scale": 3}):
        save_file(generator.state_dict(), path, {"config": json.dumps(config)})
        with pytest.raises(WeightsError, match="do not fit the generator"):
            load_generator(path)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"step": 1})

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(WeightsError, match=r"No space.*saved before is kept"):
        save_checkpoint(path, {"step": 2})
    assert load_checkpoint(path) == {"step": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_crash_between_the_two_renames_loses_nothing(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"step": 1})
    path.rename(tmp_path / "checkpoint.pt.previous")  # as if it had stopped there
    assert checkpoints.has_checkpoint(path)
    assert load_checkpoint(path) == {"step": 1}


@pytest.mark.parametrize("place", [0.3, 0.5, 0.7])
def test_one_wrong_bit_is_seen(tmp_path, place):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"step": 1})
    save_checkpoint(path, {"step": 2, "weights": torch.zeros(10_000)})
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="damaged"):
        assert load_checkpoint(path) == {"step": 1}
    assert path.with_name("checkpoint.pt.damaged").read_bytes() == content


def test_nothing_saved_yet(tmp_path):
    assert load_checkpoint(tmp_path / "checkpoint.pt") is None


class Spy:
    """Unpickled, it would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_a_checkpoint_cannot_run_code(tmp_path):
    path = tmp_path / "checkpoint.pt"
    torch.save({"step": Spy(str(tmp_path / "written"))}, path)
    with pytest.warns(UserWarning, match="damaged"), pytest.raises(WeightsError):
        load_checkpoint(path)
    assert not (tmp_path / "written").exists()


def test_the_shipped_srresnet_beats_bicubic_on_photographs_it_has_not_seen():
    generator = load_generator("srresnet")
    for _, image in samples("validation"):
        hr = image[200:328, 200:328]
        lr = bicubic_downscale(hr, 4)
        bicubic = psnr(bicubic_upscale(lr, 4), hr, border=4)
        assert psnr(upscale(generator, lr), hr, border=4) > bicubic
