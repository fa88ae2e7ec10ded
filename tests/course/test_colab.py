"""Colab's list of packages: read, compared, recorded; nothing here needs a network."""

import json
import socket
import subprocess
import sys
import threading
from dataclasses import replace

import colab
import colab_versions
import pytest
from colab_versions import ListError, Versions, parse_packages, parse_python, report

from srgan_lib.course.notebooks import notebook_paths
from srgan_lib.course.setup import requirements

KERNEL = {"ipykernel": "6.17.1", "ipython": "7.34.0", "ipywidgets": "7.7.1"}
FREEZE = "\n".join(
    [
        "# a comment",
        *(f"filler{number}==1.{number}" for number in range(120)),
        *(f"{name}=={version}" for name, version in KERNEL.items()),
        "Pillow==11.3.0",
        "jupyter_client==7.4.9",
        "google-colab @ file:///colabtools/dist/google_colab-1.0.0.tar.gz",
        "torch==2.11.0+cu128",
        "torchvision @ https://example.org/cu118/torchvision-0.26.0%2Bcu128-cp312-cp312-linux.whl#a",
        "cuvs-cu12 @ https://example.org/cuvs_cu12-26.2.0-cp312-cp312-manylinux_2_24_x86_64.whl",
    ]
)
SYSTEM = 'Ubuntu 22.04.5 LTS\nPython 3.13.15\nR version 4.5.3 (2026-03-11) -- "Reassured"\n'
KNOWN = Versions("a test", "2026-01-02", "3.12.1", {**KERNEL, "torch": "2.9.0", "lpips": None})


@pytest.fixture
def published(tmp_path):
    """A folder with Colab's two files, and its address."""
    (tmp_path / colab_versions.PACKAGES).write_text(FREEZE)
    (tmp_path / colab_versions.SYSTEM).write_text(SYSTEM)
    return tmp_path, f"{tmp_path.as_uri()}/"


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A file of recorded versions in the place of the repository's."""
    path = tmp_path / "recorded.json"
    colab_versions.record(KNOWN, path)
    monkeypatch.setattr(colab, "read_recorded", lambda: colab_versions.read_recorded(path))
    monkeypatch.setattr(colab, "record", lambda versions: colab_versions.record(versions, path))
    return path


def row(lines, name):
    return next(line.split() for line in lines if line.split()[0] == name)


def test_every_form_of_a_line_is_read():
    found = parse_packages(FREEZE)
    assert found["pillow"] == "11.3.0" and found["jupyter-client"] == "7.4.9"
    assert (found["torch"], found["torchvision"]) == ("2.11.0+cu128", "0.26.0+cu128")
    assert found["cuvs-cu12"] == "26.2.0" and "google-colab" not in found
    assert parse_python(SYSTEM) == "3.13.15"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("<html>Sign in</html>", "0 versions could be read and torch, ipykernel"),
        (FREEZE.replace("torch==2.11.0+cu128", ""), "127 versions could be read and torch not"),
        (FREEZE.replace("filler", "# filler"), "8 versions could be read; look at"),
    ],
)
def test_another_form_is_one_sentence(text, sentence):
    with pytest.raises(ListError, match=sentence) as error:
        parse_packages(text)
    assert "\n" not in str(error.value)
    with pytest.raises(ListError, match="no longer has a line with Python's version"):
        parse_python(text)


def test_the_newest_are_fetched(published):
    newest = colab_versions.fetch(published[1])
    assert newest.python == "3.13.15" and newest.packages["torch"] == "2.11.0+cu128"
    assert newest.packages["lpips"] is None  # looked up, and not preinstalled
    assert newest.packages.keys() == {*requirements(), *KERNEL}


@pytest.mark.parametrize("status", ["404 Gone elsewhere", "200 OK\r\nContent-Length: 99"])
def test_a_server_that_has_not_the_list_is_one_sentence(status):
    """A list that has moved, and an answer that breaks off."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        connection.recv(4096)
        connection.sendall(f"HTTP/1.0 {status}\r\n\r\ntorch==1.0".encode())
        connection.close()

    server = threading.Thread(target=serve)
    server.start()
    with pytest.raises(ListError, match="cannot be read") as error:
        colab_versions.fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/")
    server.join()
    listener.close()
    assert "\n" not in str(error.value)


def test_offline_is_one_sentence():
    with pytest.raises(ListError, match=r"not known here: http://127.0.0.1:9/pip.* cannot be read"):
        colab_versions.fetch("http://127.0.0.1:9/")


def test_the_table_marks_what_moved_and_what_is_too_old():
    newest = replace(KNOWN, python="3.13.0", packages={**KNOWN.packages, "torch": "2.10.0"})
    bounds = {"torch": "2.4", "ipython": "8.0", "tqdm": "4.66"}
    lines, too_old = report(KNOWN, newest, bounds)
    assert too_old == ["ipython"]
    assert row(lines, "python")[2:4] == ["3.12.1", "3.13.0"] and lines[1].endswith("moved")
    assert row(lines, "torch")[1:4] == ["2.4", "2.9.0", "2.10.0"]
    assert row(lines, "torch")[-1] == "moved"  # 2.10 is newer than 2.4, as numbers are
    assert row(lines, "ipython")[-3:] == ["BELOW", "OUR", "BOUND"]
    assert row(lines, "lpips")[2:6] == ["not", "there", "not", "there"]
    assert row(lines, "tqdm")[1:4] == ["4.66", "–", "–"] and "moved" not in row(lines, "tqdm")


def test_without_the_newest_the_recorded_ones_are_compared():
    lines, too_old = report(KNOWN, None, {"torch": "2.9.1"})
    assert too_old == ["torch"] and "moved" not in "".join(lines)


def test_offline_the_report_says_so_and_records_nothing(recorded, capsys):
    before = recorded.read_text()
    arguments = ["--report", "--address", "http://127.0.0.1:9/"]
    assert colab.main(arguments) == 0
    assert "The versions recorded on 2026-01-02 stand in." in capsys.readouterr().out
    assert colab.main([*arguments, "--write"]) == 1
    assert "nothing newer to record" in capsys.readouterr().out
    assert recorded.read_text() == before


def test_only_write_records(published, recorded, capsys):
    before = recorded.read_text()
    arguments = ["--report", "--address", published[1]]
    assert colab.main(arguments) == 0
    assert "make colab WRITE=1" in capsys.readouterr().out and recorded.read_text() == before
    assert colab.main([*arguments, "--write"]) == 0
    assert json.loads(recorded.read_text())["packages"]["torch"] == "2.11.0+cu128"
    assert colab.main(arguments) == 0
    assert "moved" not in capsys.readouterr().out.split("look at the difference")[1]


def test_what_cannot_be_tried_is_said(monkeypatch):
    monkeypatch.setattr(colab, "can_have", lambda name, version: name != "numpy")
    known = replace(KNOWN, python="2.7.1", packages={**KNOWN.packages, "numpy": "2.1.3"})
    chosen, left_out = colab.choose(known, KNOWN)
    assert chosen == KERNEL
    for words in (
        "python 2.7.1: this is",
        "torch 2.9.0: it would",
        "lpips: not",
        "numpy 2.1.3: no",
    ):
        assert any(line.startswith(words) for line in left_out), words
    monkeypatch.setattr(colab, "can_have", lambda name, version: name != "ipython")
    with pytest.raises(ListError, match="Without Colab's ipython"):
        colab.choose(known, KNOWN)


def test_the_notebooks_run_under_the_newest(published, recorded, monkeypatch):
    ran = {}
    monkeypatch.setattr(colab, "can_have", lambda name, version: True)
    monkeypatch.setattr(colab, "install", lambda versions, site: ran.update(versions))
    monkeypatch.setattr(
        colab, "run_series", lambda paths, versions, site: len(paths) != len(notebook_paths())
    )
    assert colab.main(["--address", published[1]]) == 0
    assert ran == {**KERNEL, "pillow": "11.3.0"}
    assert colab.main(["--address", published[1], "--notebooks", str(published[0])]) == 1


def test_pip_is_asked_for_a_wheel(monkeypatch):
    asked = []

    def answer(command, **_):
        asked.append(command)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(subprocess, "run", answer)
    assert not colab.can_have("numpy", "2.1.3")
    assert asked[0][0] == sys.executable and asked[0][-1] == "numpy==2.1.3"
    assert "--dry-run" in asked[0]


def test_the_recorded_versions_serve_the_course():
    """What `make colab-test` takes is complete, and nothing there is older than our bounds."""
    known = colab_versions.read_recorded()
    assert KERNEL.keys() <= known.packages.keys() and parse_python(f"Python {known.python}\n")
    assert report(known, None)[1] == []
