"""Datasets by name: found where they lie, else fetched from a server on this machine."""

import functools
import hashlib
import io
import os
import tarfile
import threading
import time
import zipfile
from collections import namedtuple
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from srgan_lib.datasets import catalog, download
from srgan_lib.datasets.catalog import DATASETS, dataset, dataset_from_zip
from srgan_lib.errors import ConfigError, DataError, DownloadError, SRGANError
from srgan_lib.images import list_images
from srgan_lib.system.files import ROOT

BENCHMARKS = {"Set5": "Set5", "Set14": "Set14", "BSD100": "B100", "Urban100": "Urban100"}
DRIVE_ID = "1l_5RK28JRL19wpT22B-DY9We3TVXnnQQ"


def put(folder: Path, *names: str) -> Path:
    """Make empty files; no test here opens a picture."""
    for name in names or ("a.png",):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def make_zip(path: Path, *names: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return path


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


@pytest.fixture
def offline(monkeypatch):
    """The addresses of all datasets lead nowhere."""
    monkeypatch.setattr(download, "WAITS", ())
    for name, entry in DATASETS.items():
        file = entry.url.rpartition("/")[2]
        monkeypatch.setitem(DATASETS, name, replace(entry, url=f"http://127.0.0.1:1/{file}"))


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Serves an archive laid out like the EDSR authors' one; returns the list of requests."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for folder in BENCHMARKS.values():
            for name in ("HR/x.png", "LR_bicubic/X4/xx4.png"):
                archive.addfile(tarfile.TarInfo(f"benchmark/{folder}/{name}"))
    site = tmp_path / "site"
    site.mkdir()
    (site / "benchmark.tar").write_bytes(content.getvalue())
    requests = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, text, *args):
            requests.append(text % args)

    handler = functools.partial(Handler, directory=str(site))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    for name in BENCHMARKS:
        entry = replace(
            DATASETS[name],
            url=f"http://127.0.0.1:{server.server_port}/benchmark.tar",
            size=len(content.getvalue()),
            sha256=hashlib.sha256(content.getvalue()).hexdigest(),
        )
        monkeypatch.setitem(DATASETS, name, entry)
    yield requests
    server.shutdown()
    server.server_close()


def test_every_entry_is_complete():
    for name, entry in DATASETS.items():
        assert name == entry.name and entry.url.startswith("https://")
        assert entry.size > 10**8 and len(bytes.fromhex(entry.sha256)) == 32
        assert entry.member and entry.homepage and entry.terms and entry.citation


@pytest.mark.parametrize("layout", ["Set5/HR", "Set5", "set5/hr", "benchmark/Set5/HR"])
def test_found_where_it_lies(root, layout, offline):
    folder = put(root / layout)
    assert dataset("sET5", root) == folder


def test_the_first_layout_with_pictures_is_taken(root, offline):
    put(root / "BSD100" / "HR", "readme.txt", ".hidden.png")
    archive_layout = put(root / "benchmark" / "B100" / "HR")
    assert dataset("BSD100", root) == archive_layout
    by_name = put(root / "BSD100", "a.JPG")
    assert dataset("BSD100", root) == by_name
    hr = put(root / "BSD100" / "HR")
    assert dataset("BSD100", root) == hr


def test_root_is_argument_else_environment_else_clone(tmp_path, monkeypatch, offline):
    for name in ("argument", "environment", "clone"):
        put(tmp_path / name / "Set5")
    monkeypatch.setattr(catalog, "DOWNLOADS", tmp_path / "clone")
    monkeypatch.delenv("SRGAN_DATA", raising=False)
    assert dataset("Set5") == tmp_path / "clone" / "Set5"
    monkeypatch.setenv("SRGAN_DATA", str(tmp_path / "environment"))
    assert dataset("Set5") == tmp_path / "environment" / "Set5"
    assert dataset("Set5", tmp_path / "argument") == tmp_path / "argument" / "Set5"


def test_downloads_go_where_git_does_not_look():
    assert ROOT / "data" / "downloads" == catalog.DOWNLOADS
    assert "data/downloads/" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("name", BENCHMARKS)
def test_one_download_serves_all_benchmarks(root, served, name):
    folder = dataset(name, root, progress=False)
    assert folder == root / "benchmark" / BENCHMARKS[name] / "HR"
    assert [p.name for p in folder.iterdir()] == ["x.png"]
    for other in BENCHMARKS:
        assert dataset(other, root).parent.name == BENCHMARKS[other]
    assert len(served) == 1


def test_an_archive_put_there_by_hand_is_used(root, served, tmp_path):
    root.mkdir()
    (root / "benchmark.tar").write_bytes((tmp_path / "site" / "benchmark.tar").read_bytes())
    assert dataset("Set5", root, progress=False).is_dir()
    assert served == []


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ConfigError, match="DIV2K, DIV2K-valid, Set5, Set14, BSD100, Urban100"):
        dataset("Set6")


@pytest.mark.parametrize("options", [{}, {"download": False}])
def test_offline_it_says_what_to_put_where(root, offline, options):
    with pytest.raises(DownloadError) as caught:
        dataset("DIV2K", root, progress=False, **options)
    message = str(caught.value)
    assert DATASETS["DIV2K"].url in message and "DIV2K_train_HR.zip" in message
    assert f"put its pictures into {root / 'DIV2K' / 'HR'}." in message


def test_a_folder_in_the_way_is_left_alone(root, served):
    put(root / "benchmark", "mine.txt")
    with pytest.raises(DataError, match="exists: move it away"):
        dataset("Set5", root, progress=False)
    assert [p.name for p in (root / "benchmark").iterdir()] == ["mine.txt"]


def test_an_archive_without_the_pictures(root, served, monkeypatch):
    entry = replace(DATASETS["Set5"], member="benchmark/Set6/HR")
    monkeypatch.setitem(DATASETS, "Set5", entry)
    with pytest.raises(DataError, match="no pictures in benchmark/Set6/HR"):
        dataset("Set5", root, progress=False)


@pytest.mark.parametrize(
    ("names", "folder"),
    [
        (("a.png", "b.jpg"), ""),
        (("class/a.png", "class/b.jpg", "notes.txt"), "class"),
        (("class/deep/er/a.png",), "deep/er"),  # `class` itself becomes the unpacked folder
        (("class/HR/a.png", "class/LR/a.png"), "HR"),
        (("class/a.png", "__MACOSX/class/._a.png", "class/.b.png"), ""),
    ],
)
def test_zip_of_ones_own(root, tmp_path, names, folder):
    archive = make_zip(tmp_path / "mine.zip", *names)
    for _ in range(2):  # unpacked the first time, found the second
        assert dataset_from_zip(archive, root, progress=False) == root / "mine" / folder


def test_zip_that_was_replaced_is_not_overlooked(root, tmp_path):
    archive = make_zip(tmp_path / "mine.zip", "a.png")
    dataset_from_zip(archive, root, progress=False)
    later = (root / "mine").stat().st_mtime + 10
    os.utime(archive, (later, later))
    with pytest.raises(DataError, match="is newer than"):
        dataset_from_zip(archive, root, progress=False)


def test_zip_of_a_machine_whose_clock_is_fast(root, tmp_path):
    archive = make_zip(tmp_path / "mine.zip", "a.png")
    later = time.time() + 3600
    os.utime(archive, (later, later))
    for _ in range(2):
        assert dataset_from_zip(archive, root, progress=False) == root / "mine"
    os.utime(archive, (later + 10, later + 10))
    with pytest.raises(DataError, match="is newer than"):
        dataset_from_zip(archive, root, progress=False)


def test_two_archives_of_one_name_are_not_mistaken_for_each_other(root, tmp_path):
    for owner, picture in (("ann", "a.png"), ("bob", "b.png")):
        (tmp_path / owner).mkdir()
        make_zip(tmp_path / owner / "mine.zip", picture)
    make_zip(tmp_path / "mine.ann.zip", "a.png").rename(tmp_path / "mine.tar")  # the suffix alone
    for path in tmp_path.rglob("mine.*"):
        os.utime(path, (1e9, 1e9))
    folder = dataset_from_zip(tmp_path / "ann" / "mine.zip", root, progress=False)
    for other in (tmp_path / "bob" / "mine.zip", tmp_path / "mine.tar"):
        with pytest.raises(DataError, match=r"another archive, mine\.zip of 1\d\d bytes"):
            dataset_from_zip(other, root, progress=False)
    assert dataset_from_zip(tmp_path / "ann" / "mine.zip", root, progress=False) == folder
    (folder / ".unpacked-from").unlink()  # put there by hand, or before this was noted
    assert dataset_from_zip(tmp_path / "bob" / "mine.zip", root, progress=False) == folder


def test_zip_with_pictures_in_several_folders(root, tmp_path):
    archive = make_zip(tmp_path / "mine.zip", "ann/a.png", "bob/b.png")
    with pytest.raises(DataError, match=r"several folders \(ann, bob\)"):
        dataset_from_zip(archive, root, progress=False)
    assert dataset_from_zip(root / "mine" / "ann", root) == root / "mine" / "ann"


def test_zip_without_pictures(root, tmp_path):
    archive = make_zip(tmp_path / "mine.zip", "notes.txt")
    with pytest.raises(DataError, match="has no pictures"):
        dataset_from_zip(archive, root, progress=False)


@pytest.mark.parametrize(
    "source",
    [
        DRIVE_ID,
        f"https://drive.google.com/file/d/{DRIVE_ID}/view?usp=sharing&resourcekey=0-WWs_XOSctfaY_0",
        f"https://drive.google.com/uc?export=download&id={DRIVE_ID}",
    ],
)
def test_zip_on_google_drive(root, monkeypatch, source):
    asked = []

    def fake(file_id, path, *, progress):
        asked.append(file_id)
        return make_zip(path, "class/a.png")

    monkeypatch.setattr(catalog, "download_drive", fake)
    folder = dataset_from_zip(source, root, progress=False)
    assert asked == [DRIVE_ID] and [p.name for p in list_images(folder)] == ["a.png"]


@pytest.mark.parametrize(
    "source", ["missing.zip", "no/such/folder", f"{DRIVE_ID}.zip", "https://drive.google.com/x"]
)
def test_zip_that_is_nowhere(root, source):
    with pytest.raises(DataError, match="no file, and no id"):
        dataset_from_zip(source, root)


def test_a_disk_without_room_for_archive_and_pictures_is_known_first(root, served, monkeypatch):
    size = DATASETS["Set5"].size
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(catalog.shutil, "disk_usage", lambda _: usage(0, 0, 2 * size - 1))
    with pytest.raises(DownloadError, match=r"Set5 needs .* GB, archive and pictures"):
        dataset("Set5", root, progress=False)
    assert not served and not root.exists()


def test_a_file_where_the_data_sets_should_go_is_known_before_the_download(root, served):
    root.parent.mkdir(parents=True, exist_ok=True)
    root.write_text("mine")
    with pytest.raises(SRGANError, match=r"Nothing can be written into .* \(Not a directory\)"):
        dataset("Set5", root, progress=False)
    assert not served and root.read_text() == "mine"
