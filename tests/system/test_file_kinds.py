"""A file that cannot be used is called what it is, not what went wrong inside a library."""

import io
import os
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from srgan_lib.checkpoints import save_checkpoint
from srgan_lib.datasets.archives import extract
from srgan_lib.datasets.sources import load_pictures
from srgan_lib.errors import DataError, ImageError, WeightsError
from srgan_lib.evaluation import check_set
from srgan_lib.images import load_folder, read_image, write_image
from srgan_lib.models import VARIANTS, Generator
from srgan_lib.system.file_kinds import what_it_is
from srgan_lib.system.state_dicts import read_state
from srgan_lib.weights import load_generator, save_weights, weights_info

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


def picture(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, kind)
    return stream.getvalue()


def archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("generator.safetensors", b"")
    return stream.getvalue()


OTHERS = {
    "a Git LFS pointer": LFS,
    "a web page": b"\n <!DOCTYPE html><html><title>Sign in</title>",
    "a web page and": b"\xef\xbb\xbf<html><body>404",
    "a server's message": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code>',
    "a server's message and": b'{"error": "quota exceeded"}',
    "empty": b"",
    "a picture": picture("PNG"),
    "a picture.": picture("WEBP"),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "gzip": b"\x1f\x8b\x08" + bytes(100),
    "a 7z archive": b"7z\xbc\xaf\x27\x1c" + bytes(100),
    "a zip archive": archive(),
    "a text file": "epochs: 3 \u00e9\n".encode(),
}


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth", "w.pt"])
@pytest.mark.parametrize(("what", "content"), OTHERS.items(), ids=OTHERS)
def test_what_is_no_weights_is_called_by_its_name(tmp_path, name, what, content):
    (tmp_path / name).write_bytes(content)
    for read in (load_generator, read_state, weights_info):
        with pytest.raises(WeightsError) as caught:
            read(tmp_path / name)
        assert what in str(caught.value) and str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("what", ["a Git LFS pointer", "a web page", "a text file", "a picture"])
def test_what_is_no_archive_is_called_by_its_name(tmp_path, what):
    (tmp_path / "a.zip").write_bytes(OTHERS[what])
    with pytest.raises(DataError, match=what):
        extract(tmp_path / "a.zip", tmp_path / "a")


def test_what_is_cut_off_says_how_much_is_missing(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, Generator(2, 1, 4))
    whole = path.read_bytes()
    for length in (len(whole) - 1, len(whole) // 2):
        path.write_bytes(whole[:length])
        with pytest.raises(
            WeightsError, match=f"cut off, with {length:,} of {len(whole):,} bytes at least"
        ):
            load_generator(path)
    path.write_bytes(whole[:100])
    with pytest.raises(WeightsError, match="cut off, with 100 of"):
        load_generator(path)
    assert what_it_is(whole) is None


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("name", ["w.pth", "checkpoint.pt", "w.safetensors"])
def test_a_download_that_broke_off_is_no_archive_to_unpack(tmp_path, name, share):
    torch.save(Generator(2, 1, 4).state_dict(), tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(WeightsError, match="because it is cut off, with its end missing: copy or"):
        load_generator(tmp_path / name)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["tail.weight", "tail.bias"])
def test_weights_of_a_training_that_failed_are_refused(tmp_path, name, value):
    generator = Generator(2, 1, 4)
    with torch.no_grad():
        generator.get_parameter(name).view(-1)[-1] = value
    save_weights(tmp_path / "w.safetensors", generator)
    with pytest.raises(WeightsError, match=r"w\.safetensors has weights that are no numbers \(NaN"):
        load_generator(tmp_path / "w.safetensors")


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, {"state_dict": {}}])
def test_a_file_without_weights_says_so(tmp_path, content):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"w\.pth holds no weights: get another file"):
        load_generator(tmp_path / "w.pth")


def wrapped(state):
    """The state dict as others save it."""
    behind = {f"module.{name}": value for name, value in state.items()}
    both = {f"generator.{name}": value for name, value in state.items()}
    return {
        "alone": state,
        "DataParallel": behind,
        "torch.compile": {f"_orig_mod.{name}": value for name, value in state.items()},
        "BasicSR": {"params": {"x": torch.zeros(1)}, "params_ema": state},
        "BasicSR and DataParallel": {"params_ema": behind},
        "a checkpoint": {"epoch": 3, "state_dict": behind, "optimizer": {"state": {}}},
        "Lightning": {"epoch": 3, "state_dict": {**both, "discriminator.x": torch.zeros(1)}},
        "a pair": {"generator": state, "discriminator": {"x": torch.zeros(1)}},
    }


@pytest.mark.parametrize("how", wrapped({}))
def test_standard_weights_of_others_are_read(tmp_path, how):
    network = Generator(4, 2, 4, "paper")
    torch.save(wrapped(network.state_dict())[how], tmp_path / "theirs.pth")
    loaded = load_generator(tmp_path / "theirs.pth")
    assert loaded.config == network.config and weights_info(tmp_path / "theirs.pth") == {}
    assert all(torch.equal(loaded.state_dict()[k], v) for k, v in network.state_dict().items())


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("scale", [2, 8])
def test_what_builds_a_network_is_seen_by_its_weights(tmp_path, variant, scale):
    network = Generator(scale, 3, 5, variant)
    save_file(network.state_dict(), tmp_path / "theirs.safetensors")
    torch.save(network.state_dict(), tmp_path / "renamed.safetensors")
    for name in ("theirs", "renamed"):
        assert load_generator(tmp_path / f"{name}.safetensors").config == network.config


def test_other_networks_and_code_are_refused(tmp_path):
    torch.save({"params": {"conv_first.weight": torch.zeros(3)}}, tmp_path / "edsr.pth")
    with pytest.raises(WeightsError, match=r"its layers \(conv_first.weight, ...\) are not named"):
        load_generator(tmp_path / "edsr.pth")
    torch.save(Generator(2, 1, 4), tmp_path / "whole.pth")
    with pytest.raises(WeightsError, match="could run code"):
        load_generator(tmp_path / "whole.pth")
    state = Generator(2, 1, 4).state_dict()
    state["tail.weight"] = torch.zeros(3, 4, 7, 7)
    torch.save(state, tmp_path / "odd.pth")
    with pytest.raises(WeightsError, match="do not fit the generator"):
        load_generator(tmp_path / "odd.pth")


def test_a_file_of_a_run_that_is_no_network_names_the_one_beside_it(tmp_path):
    run = tmp_path / "run"
    state = {"recipe": {}, "step": 1, "optimizers": [], "generator": {"x": np.pi}}
    for name in ("checkpoint.pt", "checkpoint.pt.previous"):
        save_checkpoint(run / name, state)
        with pytest.raises(WeightsError, match=r"is a checkpoint.*Train on in its folder"):
            load_generator(run / name)
    save_weights(run / "generator.safetensors", Generator(2, 1, 4))
    (run / "generator.json").write_text("{}")
    (run / "generator.md").write_text("# srgan")
    for name in ("checkpoint.pt", "checkpoint.pt.previous", "generator.json", "generator.md", "."):
        for read in (load_generator, weights_info):
            with pytest.raises(WeightsError) as caught:
                read(run / name)
            assert str(run / "generator.safetensors") in str(caught.value)


@pytest.mark.parametrize(
    "what", ["a Git LFS pointer", "a web page", "a server's message", "gzip", "a text file"]
)
def test_what_is_no_picture_is_called_by_its_name(tmp_path, what):
    (tmp_path / "photo.png").write_bytes(OTHERS[what])
    with pytest.raises(ImageError, match=rf"photo\.png is not a picture.*, but .*{what}"):
        read_image(tmp_path / "photo.png")


def test_a_damaged_picture_is_not_called_a_picture(tmp_path):
    (tmp_path / "photo.png").write_bytes(picture("PNG")[:20])
    with pytest.raises(ImageError) as caught:
        read_image(tmp_path / "photo.png")
    assert "a picture." not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_is_not_called_empty(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImageError, match="pipe is a pipe: save the picture"):
        read_image(tmp_path / "pipe")
    with pytest.raises(ImageError, match="/dev/null is a device"):
        read_image("/dev/null")
    for name in (tmp_path / "pipe", "/dev/null", tmp_path):
        with pytest.raises(WeightsError, match="is no file"):
            load_generator(name)


def test_a_folder_whose_pictures_lie_deeper_names_where(tmp_path):
    write_image(tmp_path / "Set5" / "HR" / "x.png", np.zeros((64, 64, 3), np.uint8))
    (tmp_path / "Set5" / "LR").mkdir()
    for ask in (check_set, load_folder):
        with pytest.raises(DataError, match=r"Set5 has no pictures, only folders \(HR, LR\)"):
            ask(tmp_path / "Set5")
    with pytest.raises(DataError, match="LR has no pictures"):
        check_set(tmp_path / "Set5" / "HR", lr_dir=tmp_path / "Set5" / "LR")


def test_an_archive_given_as_pictures_says_how_to_unpack_it(tmp_path):
    (tmp_path / "mine.zip").write_bytes(archive())
    (tmp_path / "x.png").write_bytes(picture("PNG"))
    with pytest.raises(DataError, match=r"is a file .*`srgan data .*mine\.zip` unpacks it"):
        load_pictures(str(tmp_path / "mine.zip"))
    with pytest.raises(DataError, match="give its folder"):
        load_pictures(str(tmp_path / "x.png"))
