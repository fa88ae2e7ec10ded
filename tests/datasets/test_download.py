"""Downloads against a real HTTP server on this machine that answers as each test tells it."""

import errno
import hashlib
import re
import shutil
import socket
import sys
import threading
from collections import namedtuple
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from srgan_lib.datasets import download as module
from srgan_lib.datasets.download import download, download_drive
from srgan_lib.errors import DownloadError

DATA = bytes(range(256)) * 800  # 204,800 bytes: several chunks
SHA256 = hashlib.sha256(DATA).hexdigest()
MD5 = hashlib.md5(DATA).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Takes one answer after the other from `server.answers`; the last one is repeated.

    An answer is a status (404, 500), "ok" (with ranges), "plain" (without ranges), "lengthless",
    "other range", or a number of bytes below zero: send that many, then drop the connection.
    """

    def do_GET(self):
        server = self.server
        server.requests.append(dict(self.headers))
        answer = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
        if isinstance(answer, int) and answer > 0:
            self.send_error(answer)
            return
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and answer != "plain" else 0
        if self.headers.get("If-Range", server.etag) != server.etag:
            start = 0
        if start >= len(server.data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(server.data)}")
            self.end_headers()
            return
        body = server.data[start:]
        self.send_response(206 if start else 200)
        if start:
            said = start + 1 if answer == "other range" else start
            last = len(server.data)
            self.send_header("Content-Range", f"bytes {said}-{last - 1}/{last}")
        if answer != "lengthless":
            self.send_header("Content-Length", str(len(body)))
        if server.etag:
            self.send_header("ETag", server.etag)
        self.end_headers()
        if isinstance(answer, int):
            body = body[:-answer]
        server.sent.append(len(body))
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(module, "WAITS", (0, 0))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.data, server.answers, server.etag = DATA, ["ok"], '"v1"'
    server.requests, server.sent = [], []
    server.url = f"http://127.0.0.1:{server.server_port}/set.zip"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "downloads" / "set.zip"


def get(server, path, **options):
    return download(server.url, path, progress=False, timeout=5, **options)


def fails(server, path, **options) -> str:
    """The message of the failed download: one sentence that names file, address and way round."""
    with pytest.raises(DownloadError) as caught:
        get(server, path, **options)
    message = str(caught.value)
    assert "set.zip" in message and server.url in message
    assert f"by hand and put it at {path}." in message
    assert "\n" not in message
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    return message


def files(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


def test_fetches_checks_and_leaves_only_the_file(server, path):
    assert get(server, path, size=len(DATA), sha256=SHA256.upper(), md5=MD5) == path
    assert path.read_bytes() == DATA
    assert files(path) == ["set.zip"]


def test_a_file_that_is_there_needs_no_request(server, path):
    path.parent.mkdir()
    path.write_bytes(DATA)
    assert get(server, path, size=len(DATA), sha256=SHA256) == path
    assert server.requests == []


@pytest.mark.parametrize("wrong", [b"mine", DATA[:-1] + b"x"])
def test_a_file_that_is_there_and_differs_is_left_alone(server, path, wrong):
    path.parent.mkdir()
    path.write_bytes(wrong)
    assert "move it away" in fails(server, path, size=len(DATA), sha256=SHA256)
    assert path.read_bytes() == wrong
    assert server.requests == []


def test_a_dropped_connection_is_resumed_with_the_rest_only(server, path):
    server.answers = [-70_000, "ok"]
    get(server, path, sha256=SHA256)
    assert path.read_bytes() == DATA
    assert "Range" not in server.requests[0]
    assert server.requests[1]["Range"] == "bytes=70000-"
    assert server.requests[1]["If-Range"] == '"v1"'
    assert server.sent == [70_000, len(DATA) - 70_000]
    assert files(path) == ["set.zip"]


def test_a_later_call_goes_on_where_the_first_gave_up(server, path):
    server.answers = [-50_000, 503, 503]
    assert "HTTP 503" in fails(server, path)
    assert path.with_name("set.zip.part").stat().st_size == 50_000
    server.answers = ["ok"]
    get(server, path, sha256=SHA256)
    assert server.requests[-1]["Range"] == "bytes=50000-"
    assert server.sent == [50_000, len(DATA) - 50_000]
    assert path.read_bytes() == DATA


def test_gives_up_saying_how_far_it_came(server, path):
    server.answers = [-1_000]
    message = fails(server, path)
    assert "interrupted at 3,000 of 204,800 bytes; run again to go on" in message
    assert len(server.requests) == 3


def test_a_file_that_changed_in_between_is_fetched_from_its_beginning(server, path):
    server.answers = [-50_000, 404]
    fails(server, path)
    server.data, server.etag, server.answers = DATA[::-1], '"v2"', ["ok"]
    get(server, path)
    assert server.requests[-1]["If-Range"] == '"v1"'
    assert path.read_bytes() == DATA[::-1]


def test_a_weak_etag_is_not_used(server, path):
    server.answers, server.etag = [-50_000, "ok"], 'W/"v1"'
    get(server, path, sha256=SHA256)
    assert "If-Range" not in server.requests[1]


def test_a_server_without_ranges_starts_again(server, path):
    server.answers, server.etag = [-70_000, "plain"], ""
    get(server, path, sha256=SHA256)
    assert path.read_bytes() == DATA
    assert server.sent == [70_000, len(DATA)]


def test_a_server_that_sends_another_range_is_not_trusted(server, path):
    server.answers = [-70_000, "other range", "ok"]
    get(server, path, sha256=SHA256)
    assert "Range" not in server.requests[2]
    assert path.read_bytes() == DATA


def test_a_server_that_does_not_tell_the_length(server, path):
    server.answers = ["lengthless"]
    get(server, path)
    assert path.read_bytes() == DATA


def test_a_complete_part_of_known_size_is_only_checked(server, path):
    path.parent.mkdir()
    path.with_name("set.zip.part").write_bytes(DATA)
    get(server, path, size=len(DATA), sha256=SHA256)
    assert server.requests == []


def test_a_complete_part_of_unknown_size_is_told_by_416(server, path):
    path.parent.mkdir()
    path.with_name("set.zip.part").write_bytes(DATA)
    get(server, path, sha256=SHA256)
    assert server.requests[0]["Range"] == f"bytes={len(DATA)}-"
    assert server.sent == []
    assert path.read_bytes() == DATA


def test_a_part_longer_than_the_file_is_fetched_again(server, path):
    path.parent.mkdir()
    path.with_name("set.zip.part").write_bytes(DATA + b"more")
    get(server, path, sha256=SHA256)
    assert path.read_bytes() == DATA


@pytest.mark.parametrize(("name", "right"), [("sha256", SHA256), ("md5", MD5)])
def test_wrong_checksum_names_both_and_keeps_what_came(server, path, name, right):
    wrong = right[::-1]
    message = fails(server, path, **{name: wrong})
    assert f"{name} {right} instead of {wrong}" in message
    assert files(path) == ["set.zip.bad"]
    assert path.with_name("set.zip.bad").read_bytes() == DATA


def test_wrong_size_is_noticed_before_anything_is_fetched(server, path):
    assert "204,800 bytes instead of 99" in fails(server, path, size=99)
    assert files(path) == []


def test_wrong_size_without_a_length_is_noticed_at_the_end(server, path):
    server.answers = ["lengthless"]
    assert "204,800 bytes instead of 99" in fails(server, path, size=99)
    assert files(path) == ["set.zip.bad"]


def test_not_found_is_not_tried_again(server, path):
    server.answers = [404]
    message = fails(server, path)
    assert "HTTP 404" in message and "run again" not in message
    assert len(server.requests) == 1


def test_a_fault_of_the_server_is_tried_again(server, path):
    server.answers = [500, "ok"]
    get(server, path, sha256=SHA256)
    assert len(server.requests) == 2


def test_full_disk_is_noticed_before_anything_is_fetched(server, path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**6, 10**6 - 1_000, 1_000))
    message = fails(server, path)
    assert f"204,800 bytes needed, 1,000 free in {path.parent}" in message
    assert "free some space and run again" in message
    assert len(server.requests) == 1 and files(path) == []


def test_full_disk_while_writing_keeps_what_fitted(server, path, monkeypatch):
    real_open = Path.open

    def open_on_a_small_disk(self, mode="r", *args, **kwargs):
        file = real_open(self, mode, *args, **kwargs)
        if "w" not in mode and "a" not in mode:
            return file
        room = 100_000

        class Full(SimpleNamespace):
            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

            def write(self, data):
                if file.tell() + len(data) > room:
                    raise OSError(errno.ENOSPC, "No space left on device")
                return file.write(data)

        return Full()

    monkeypatch.setattr(Path, "open", open_on_a_small_disk)
    message = fails(server, path)
    assert "the disk is full (No space left on device); free some space" in message
    assert len(server.requests) == 1
    monkeypatch.undo()
    kept = path.with_name("set.zip.part").stat().st_size
    assert 0 < kept <= 100_000
    get(server, path, sha256=SHA256)
    assert server.requests[-1]["Range"] == f"bytes={kept}-"


def test_unreachable_server(path, monkeypatch):
    monkeypatch.setattr(module, "WAITS", (0, 0))
    with socket.socket() as taken:  # bound but not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        nobody = SimpleNamespace(url=f"http://127.0.0.1:{taken.getsockname()[1]}/set.zip")
        assert "cannot be reached" in fails(nobody, path)


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    fails(server, tmp_path / "file" / "set.zip")
    assert server.requests == []


@pytest.mark.parametrize("url", ["file:///etc/hostname", "set.zip", "http:// /a b", "http://ü/ä"])
def test_addresses_that_are_none(path, url, monkeypatch):
    monkeypatch.setattr(module, "WAITS", ())
    fails(SimpleNamespace(url=url), path)
    assert not path.exists()


def test_progress_bar_is_shown_on_request(server, path, capsys):
    download(server.url, path, progress=True)
    assert "set.zip" in capsys.readouterr().err
    path.unlink()
    download(server.url, path, progress=False)
    assert capsys.readouterr().err == ""


class Gdown:
    """Stands in for gdown 5 and 6, which have these arguments in common."""

    def __init__(self, content=None, error=None):
        self.content, self.error, self.ids = content, error, []

    def download(self, *, id, output, quiet, resume):
        self.ids.append(id)
        if self.error:
            raise self.error
        if self.content is None:
            return None
        Path(output).write_bytes(self.content)
        return output


def drive_fails(monkeypatch, path, gdown) -> str:
    monkeypatch.setitem(sys.modules, "gdown", gdown)
    with pytest.raises(DownloadError) as caught:
        download_drive("ID", path, progress=False)
    assert not path.exists()
    assert "uc?id=ID" in str(caught.value) and f"put it at {path}." in str(caught.value)
    return str(caught.value)


def test_drive(monkeypatch, path):
    gdown = Gdown(content=DATA)
    monkeypatch.setitem(sys.modules, "gdown", gdown)
    for _ in range(2):  # the second time it is there
        assert download_drive("ID", path, progress=False) == path
    assert gdown.ids == ["ID"]
    assert path.read_bytes() == DATA and files(path) == ["set.zip"]


def test_drive_with_gdown_5_that_returns_none(monkeypatch, path):
    assert "did not send it" in drive_fails(monkeypatch, path, Gdown())


def test_drive_with_gdown_6_that_raises(monkeypatch, path):
    error = RuntimeError("Cannot retrieve the public link\n\tof the file.")
    message = drive_fails(monkeypatch, path, Gdown(error=error))
    assert "Cannot retrieve the public link of the file;" in message and "\n" not in message


def test_drive_over_its_quota(monkeypatch, path):
    error = RuntimeError("Too many users have viewed or downloaded this file recently. Please ...")
    message = drive_fails(monkeypatch, path, Gdown(error=error))
    assert "too many people" in message and "give its path" in message


def test_drive_out_of_reach(monkeypatch, path):
    error = OSError("HTTPSConnectionPool(host='drive.google.com'): Max retries exceeded with ...")
    assert "cannot be reached;" in drive_fails(monkeypatch, path, Gdown(error=error))


@pytest.mark.parametrize("page", [b"\n<!DOCTYPE html><html>", b"<HTML><body>Sign in"])
def test_drive_that_sends_a_web_page(monkeypatch, path, page):
    assert "web page" in drive_fails(monkeypatch, path, Gdown(content=page))
    assert files(path) == ["set.zip.bad"]


def test_drive_without_gdown(monkeypatch, path):
    assert "gdown" in drive_fails(monkeypatch, path, None)


def test_the_installed_gdown_takes_these_arguments():
    import inspect

    import gdown

    assert {"id", "output", "quiet", "resume"} <= set(inspect.signature(gdown.download).parameters)
