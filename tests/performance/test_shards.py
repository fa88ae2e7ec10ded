"""Tar shards: the right pictures at the right step, also after a stop, and no trust in files."""

import builtins
import gc
import io
import sys
import tarfile
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from srgan_lib.cli.parser import main
from srgan_lib.data import COPIES, PatchPool
from srgan_lib.errors import ConfigError, DataError, Note
from srgan_lib.performance.shards import ShardPool, count_pictures, read_shard
from srgan_lib.training import Trainer

pytest.importorskip("webdataset")


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def pack(path, members: dict[str, bytes]):
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture
def shards(tmp_path, pictures):
    """Three shards of one picture each, in a folder whose name is no plain word."""
    folder = tmp_path / "my shards #1 {a,b}"
    folder.mkdir()
    return [pack(folder / f"{n}.tar", {f"p{n}.png": png(p)}) for n, p in enumerate(pictures)]


def source(pool: PatchPool, pictures) -> int:
    """The number of the one picture in a pool."""
    pixels = pool._hr.numpy()
    found = [n for n, p in enumerate(pictures) if np.array_equal(pixels, p.reshape(-1, 3))]
    assert len(pool) == len(found) == 1
    return found[0]


def test_each_shard_has_its_turn_before_one_comes_again(shards, pictures):
    pool = ShardPool(shards, steps=2, seed=1, patch_size=64)
    turns = [source(pool.for_step(step), pictures) for step in range(0, 36, 2)]
    rounds = [turns[i : i + 3] for i in range(0, 18, 3)]
    assert len(pool) == 3 and all(sorted(each) == [0, 1, 2] for each in rounds)
    assert len({tuple(each) for each in rounds}) > 1  # another order each time around
    assert pool.for_step(34) is pool.for_step(35)
    again = ShardPool(shards, steps=2, seed=1, patch_size=64)
    for step in (20, 3, 34):
        assert source(again.for_step(step), pictures) == turns[step // 2]


def test_pictures_of_shards_are_augmented_as_others(shards):
    pool = ShardPool(shards, patch_size=64, augment=True)
    assert pool.augment and len(pool) == 3
    assert pool.for_step(0).augment and len(pool.for_step(0).lr_sizes) == 1 + len(COPIES)


def test_a_shard_is_closed_when_it_has_been_read(shards):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_shard(shards[0])
        gc.collect()
    assert not [warning for warning in caught if warning.category is ResourceWarning]


def test_the_next_shard_is_read_meanwhile(shards, monkeypatch):
    pool = ShardPool(shards, steps=2, patch_size=64)
    pool.for_step(0)
    pool._ahead[1].result()
    loaded = []
    monkeypatch.setattr(pool, "_load", loaded.append)
    assert len(pool.for_step(2)) == 1 and 1 not in loaded  # only the third is still to be read


def test_pictures_are_those_of_the_files_with_dots_and_folders_in_their_names(tmp_path, pictures):
    first, second, third = pictures
    shard = pack(tmp_path / "a.tar", {
        "x/a.photo.PNG": png(first), "x/b.txt": b"words", "y/a.png": png(second),
        "._a.png": b"junk", "c.png": png(third), "c.json": b"{}",
    })  # fmt: skip
    read = read_shard(shard)
    assert count_pictures(shard) == len(read) == 3
    for one, other in zip(read, pictures, strict=True):
        assert np.array_equal(one, other)


def test_small_and_damaged_pictures_are_left_out_with_their_names(tmp_path, pictures):
    small = png(pictures[1][:20])
    shard = pack(tmp_path / "a.tar", {"a.png": png(pictures[0]), "b.png": small, "c.png": b"no"})
    with pytest.warns(Note) as caught:
        assert len(read_shard(shard, patch_size=32)) == 1
    said = [str(warning.message) for warning in caught if warning.category is Note]
    assert "b.png is smaller than the 32 px" in said[0] and "c.png is not a picture" in said[1]
    with pytest.raises(DataError, match="no picture of at least 65 px"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read_shard(shard, patch_size=65)


def test_a_resumed_training_equals_an_uninterrupted_one(tmp_path, shards, tiny):
    recipe = tiny("srresnet")

    def trainer(name: str) -> Trainer:
        return Trainer(recipe, ShardPool(shards, steps=2, patch_size=32), tmp_path / name)

    whole = trainer("whole").run(progress=False)
    trainer("halves").run(3, progress=False)
    second = trainer("halves")
    assert second.resume()
    for one, other in zip(whole.parameters(), second.run(progress=False).parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_command_line_trains_on_shards(tmp_path, shards, capsys):
    out = str(tmp_path / "out")
    words = ["train", "srresnet", "--profile", "smoke", "--steps", "3", "--out", out]
    assert main([*words, "--data", *map(str, shards)]) == 0
    assert "3 steps on 3 pictures" in capsys.readouterr().out
    assert main([*words, "--data", str(shards[0]), "samples"]) == 2
    assert "folders or tar files, not both" in capsys.readouterr().err


def sparse(path):
    """A tar of a few kB with a member that claims 10 GB of zeros (GNU's sparse format)."""
    member = tarfile.TarInfo("a.png")
    member.type, member.size = tarfile.GNUTYPE_SPARSE, 512
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"00000000000\x0000000000001\x00"[:24]  # one piece: at 0, of 1 byte
    header[483:495] = f"{10**10:011o}\x00".encode()  # its size unpacked
    header[148:156] = b"        "
    header[148:156] = f"{sum(header):06o}\x00 ".encode()
    path.write_bytes(bytes(header) + bytes(512) + bytes(1024))
    return path


def test_what_is_no_good_shard_is_refused_in_a_sentence(tmp_path, pictures):
    good = pack(tmp_path / "good.tar", {"a.png": png(pictures[0])})
    words = pack(tmp_path / "words.tar", {"a.txt": b"words"})
    (tmp_path / "no.tar").write_bytes(b"not a tar file at all" * 99)
    cut = tmp_path / "cut.tar"
    cut.write_bytes(good.read_bytes()[:700])
    for path, sentence in {
        tmp_path / "none.tar": "does not exist",
        tmp_path: "is no file",
        words: "has no pictures",
        tmp_path / "no.tar": "is not a tar file",
        sparse(tmp_path / "bomb.tar"): "claim more bytes than it has",
    }.items():
        with pytest.raises(DataError, match=sentence):
            ShardPool([good, path])
    with pytest.raises(DataError, match="at least one tar file"):
        ShardPool([])
    with pytest.raises(DataError, match="not a tar file that can be read"):
        ShardPool([cut]).for_step(0)


def test_links_are_not_followed(tmp_path, pictures):
    (tmp_path / "secret.png").write_bytes(png(pictures[0]))
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, kind in (("a.png", tarfile.SYMTYPE), ("b.png", tarfile.LNKTYPE)):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, str(tmp_path / "secret.png")
            archive.addfile(link)
    with pytest.raises(DataError, match="has no pictures"):
        ShardPool([tmp_path / "a.tar"])


def test_without_webdataset_it_says_what_to_install(shards, monkeypatch):
    real = builtins.__import__

    def missing(name, *rest):
        if name == "webdataset":
            raise ImportError
        return real(name, *rest)

    monkeypatch.delitem(sys.modules, "webdataset", raising=False)
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigError, match="pip install webdataset"):
        ShardPool(shards)
