"""Archives are unpacked whole or not at all, and never outside their folder."""

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from srgan_lib.datasets import archives
from srgan_lib.datasets.archives import extract
from srgan_lib.errors import DataError

TREE = {"set/HR/a.png": b"a" * 70_000, "set/HR/b.png": b"b", "set/readme.txt": b"hello"}


def make_zip(path: Path, files: dict[str, bytes], **modes: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = modes.get(name, stat.S_IFREG | 0o644) << 16
            archive.writestr(info, data)
    return path


def make_tar(path: Path, files: dict[str, bytes], mode: str = "w", **types: bytes) -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.type = types.get(name, tarfile.REGTYPE)
            info.linkname = "/etc/hostname" if info.type != tarfile.REGTYPE else ""
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture(params=["zip", "tar", "tar.gz", "tar.xz"])
def make(request, tmp_path):
    def build(files):
        path = tmp_path / f"set.{request.param}"
        if request.param == "zip":
            return make_zip(path, files)
        return make_tar(path, files, "w" + request.param[3:].replace(".", ":"))

    return build


def refused(archive: Path, **options) -> str:
    """The message of the refusal, after which nothing but the archive is there."""
    around = sorted(archive.parent.parent.rglob("*"))
    with pytest.raises(DataError) as caught:
        extract(archive, archive.parent / "out", progress=False, **options)
    assert sorted(archive.parent.parent.rglob("*")) == around
    assert str(archive) in str(caught.value) and "\n" not in str(caught.value)
    return str(caught.value)


def test_unpacks_what_was_packed(make, tmp_path):
    files = {**TREE, "top.txt": b"top"}
    folder = extract(make(files), tmp_path / "new" / "out", progress=False)
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}
    assert folder == tmp_path / "new" / "out" and found == files
    assert [p.name for p in folder.parent.iterdir()] == ["out"]


def test_an_archive_of_one_folder_becomes_that_folder(make, tmp_path):
    archive = make({**TREE, "__MACOSX/set/._a.png": b"?", ".DS_Store": b"?"})
    extract(archive, tmp_path / "out", progress=False)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["HR", "readme.txt"]


def test_an_existing_folder_is_left_alone(make, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match="move it away"):
        extract(make(TREE), tmp_path / "out", progress=False)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/evil.png", "\\evil.png", "..\\evil.png", "C:evil"]
)
def test_names_that_lead_outside_are_refused(make, name):
    assert "would land outside" in refused(make({"good.png": b"good", name: b"evil"}))


def test_links_and_devices_are_refused(tmp_path):
    inner = tmp_path / "in"
    inner.mkdir()
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        assert "link or a device" in refused(
            make_tar(inner / "a.tar", {"good.png": b"good", "bad": b""}, bad=kind)
        )
    bad = make_zip(inner / "a.zip", {"good.png": b"good", "bad": b"/etc"}, bad=stat.S_IFLNK | 0o777)
    (inner / "a.tar").unlink()
    assert "link or a device" in refused(bad)


def test_more_than_the_limit_is_refused(make):
    assert "more than the 70,000 bytes" in refused(make(TREE), limit=70_000)


def test_more_than_the_disk_has_is_refused(make, monkeypatch):
    archive = make(TREE)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 100}))
    assert "more than the 100 bytes" in refused(archive)


def test_a_damaged_archive_is_refused(make):
    archive = make({"a.bin": bytes(range(256)) * 100, "b.bin": b"b" * 3000})
    data = bytearray(archive.read_bytes())
    archive.write_bytes(data[: len(data) // 2])
    refused(archive)


def test_a_zip_with_a_flipped_bit_is_refused(tmp_path):
    archive = make_zip(tmp_path / "a.zip", {"a.bin": b"abc" * 1000})
    data = bytearray(archive.read_bytes())
    data[45] ^= 0xFF
    archive.write_bytes(data)
    refused(archive)


def test_an_empty_archive_is_refused(make):
    assert "it is empty" in refused(make({}))


@pytest.mark.parametrize("data", [b"", b"<html>Sign in</html>", b"\1" * 2000])
def test_what_is_no_archive_is_refused(tmp_path, data):
    archive = tmp_path / "a.zip"
    archive.write_bytes(data)
    assert "neither a zip nor a tar" in refused(archive)


def test_no_archive_at_all(tmp_path):
    assert "No such file" in refused(tmp_path / "missing.zip")


def test_a_bomb_is_refused_by_its_ratio(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "RATIO_FROM", 10**5)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros.bmp", bytes(10**6))
    with pytest.raises(DataError, match="grow more than 100 times"):
        extract(tmp_path / "bomb.zip", tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()
