"""Files appear whole or not at all, under any name that the file system allows."""

import os
from pathlib import Path

import numpy as np
import pytest

from srgan_lib.checkpoints import load_checkpoint, save_checkpoint
from srgan_lib.errors import ConfigError, SRGANError
from srgan_lib.images import list_images, read_image, write_image
from srgan_lib.models import Generator
from srgan_lib.system.files import (
    check_folder,
    check_json,
    check_new,
    expanded,
    own_folder,
    write_atomically,
    write_text,
)
from srgan_lib.weights import load_generator, save_weights

LONG = {  # 255 bytes each, as many as Linux, macOS and Windows allow
    "latin": "x" * 251 + ".txt",
    "chinese": "\u8d85" * 83 + "ab.txt",
    "emoji": "\U0001f408" * 62 + "abc.txt",
    "combining": "e\u0301" * 83 + "ab.txt",
    "all suffix": "x." + "\u8d85" * 84 + "b",
}


@pytest.mark.parametrize("name", LONG.values(), ids=LONG)
def test_a_name_is_as_long_as_the_system_allows(tmp_path, name):
    assert len(os.fsencode(name)) == 255
    check_new(tmp_path / name)
    write_text(tmp_path / name, "text")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "text"


@pytest.mark.parametrize("name", ["x" * 252 + ".png", "\u8d85" * 84 + ".png", "d" * 256 + "/x.png"])
def test_a_name_that_is_too_long_is_known_before_the_work(tmp_path, name):
    with pytest.raises(SRGANError, match="name of 256 bytes"):
        check_new(tmp_path / name)


def test_the_temporary_name_of_a_long_one_is_removed_as_any_other(tmp_path):
    def fail(temporary):
        assert len(os.fsencode(os.path.basename(temporary))) <= 143  # an encrypted home's limit
        assert temporary.endswith(".txt")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_atomically(tmp_path / "new" / LONG["chinese"], fail)
    assert not list(tmp_path.iterdir())  # nor is the folder that was made for it


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder, and another one to work in."""
    for name in ("home", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    yield tmp_path / "home"
    assert not list((tmp_path / "here").glob("~*"))


def test_a_tilde_is_the_home_folder_wherever_a_path_is_taken(home):
    picture = np.full((8, 8, 3), 7, np.uint8)
    check_folder("~/new")
    write_image("~/a/x.png", picture)
    assert (read_image("~/a/x.png") == picture).all()
    assert list_images("~/a") == [home / "a" / "x.png"]
    save_weights("~/run/x.safetensors", Generator(2, 1, 4))
    assert load_generator("~/run/x.safetensors").scale == 2
    save_checkpoint("~/run/x.pt", {"step": 3})
    assert load_checkpoint("~/run/x.pt") == {"step": 3}
    with own_folder("~/run"):
        assert (home / "run" / ".in-use").exists()
    with pytest.raises(SRGANError, match="exists"):
        check_new("~/a/x.png")


def test_a_file_whose_name_begins_with_a_tilde_is_no_home_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_image("scan.png", np.zeros((8, 8, 3), np.uint8))
    os.rename("scan.png", "~scan.png")
    assert [read_image(path).shape for path in list_images(".")] == [(8, 8, 3)]
    with pytest.raises(ConfigError, match="whole path"):
        expanded("~no.such.user/x")


def test_asking_makes_no_folder(tmp_path):
    check_folder(tmp_path / "a" / "b")
    check_new(tmp_path / "a" / "x.json")
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").touch()
    for ask in (check_folder, check_new):
        with pytest.raises(SRGANError, match="Nothing can be written into"):
            ask(tmp_path / "file" / "below" / "x")


def test_a_folder_in_which_nothing_was_done_is_not_left(tmp_path):
    with own_folder(tmp_path / "a" / "b"), own_folder(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert not (tmp_path / "a").exists()
    with own_folder(tmp_path / "a"):
        (tmp_path / "a" / "x").touch()
    assert (tmp_path / "a" / "x").exists()
    (tmp_path / "mine").mkdir()
    with own_folder(tmp_path / "mine"):
        pass
    assert not list((tmp_path / "mine").iterdir())  # the folder itself was there before


@pytest.mark.parametrize("address", ["https://x.org/a.png", "file:///home/a.png", "s3://b/a"])
def test_an_address_is_no_path(address):
    with pytest.raises(ConfigError) as caught:
        expanded(address)
    assert str(caught.value) == f"{address} is an address: save the file, and give its path."


def test_a_folder_that_is_named_like_an_address_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:").mkdir()
    assert expanded("s3:/a.png") == Path("s3:/a.png")


@pytest.mark.parametrize("name", ["photo.png", "net.safetensors", "notes"])
def test_json_replaces_json_alone(tmp_path, name):
    for path in (tmp_path / name, tmp_path / "scores.JSON"):
        path.write_text("mine")
    check_json(tmp_path / "scores.JSON", force=True)
    check_json(tmp_path / "new.txt")
    with pytest.raises(SRGANError, match=r"is no \.json file and would be lost"):
        check_json(tmp_path / name, force=True)
    with pytest.raises(SRGANError, match="exists: choose another name"):
        check_json(tmp_path / "scores.JSON")


def test_an_empty_path_is_not_the_current_folder():
    with pytest.raises(ConfigError, match="A path is empty here: say where"):
        expanded("")
    assert expanded(".") == Path(".")
