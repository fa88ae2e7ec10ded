"""What `make audit` says of pip-audit's answers."""

import json
import subprocess

import pytest

from srgan_lib.tools import audit

SOUND = {"name": "good", "version": "1", "vulns": []}
UNKNOWN = {"name": "mine", "skip_reason": "Dependency not found"}
BUG = {"id": "PYSEC-1", "fix_versions": ["3"], "aliases": [], "description": ""}
WEAK = {"name": "bad", "version": "2", "vulns": [BUG]}


@pytest.mark.parametrize(
    ("packages", "status", "sentence"),
    [
        ([SOUND, UNKNOWN], 0, "0 known vulnerabilities in 1 packages; 1 could not be looked up"),
        ([SOUND, WEAK], 1, "bad 2: PYSEC-1, mended in 3"),
        ([UNKNOWN, UNKNOWN], 0, "Skipped: the package index here knows none of 2"),
    ],
)
def test_the_answer_is_counted(packages, status, sentence, monkeypatch, capsys):
    answer = subprocess.CompletedProcess([], 0, json.dumps({"dependencies": packages}), "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    assert audit.main() == status
    assert sentence in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        ("No module named pip_audit", 0, "not installed"),
        ("ConnectionError: unreachable", 0, "cannot be reached"),
        ("something else", 1, "something else"),
    ],
)
def test_without_an_answer(error, status, sentence, monkeypatch, capsys):
    failed = subprocess.CompletedProcess([], 1, "", error)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    assert audit.main() == status
    assert sentence in capsys.readouterr().out
