"""What git knows of the library's clone, and what must not be printed of it."""

import subprocess

import pytest

from srgan_lib.system import git


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A repository with a library; returns what runs git in it."""
    package = tmp_path / "clone" / "srgan_lib"
    package.mkdir(parents=True)
    (package / "models.py").touch()
    monkeypatch.setattr(git, "PACKAGE", package.resolve())

    def run(*words):
        who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        command = ["git", "-C", str(package.parent), *who, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    run("init", "-q", "-b", "main")
    run("add", ".")
    run("commit", "-qm", "one")
    return run


def test_the_commit_says_if_the_library_has_changed(clone):
    commit = clone("rev-parse", "HEAD")
    assert git.code_commit() == commit
    (git.PACKAGE.parent / "notes.txt").touch()  # not of the library
    assert git.code_commit() == commit
    (git.PACKAGE / "models.py").write_text("x = 1")
    assert git.code_commit() == f"{commit}-dirty"


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://github.com/a/b", "https://github.com/a/b@main"),
        ("https://me:secret@github.com/a/b", "https://github.com/a/b@main"),
        ("https://token@host.example:8080/b", "https://host.example:8080/b@main"),
        ("git@github.com:a/b.git", "git@github.com:a/b.git@main"),
        ("/some/where", "/some/where@main"),
    ],
)
def test_the_origin_comes_with_its_branch_and_without_a_password(clone, address, origin):
    clone("remote", "add", "origin", address)
    assert git.code_origin() == origin
    clone("checkout", "-q", "--detach")
    assert git.code_origin() == origin.removesuffix("@main")


def test_a_library_inside_of_another_project_has_neither(clone, tmp_path, monkeypatch):
    clone("remote", "add", "origin", "https://github.com/a/b")
    inside = git.PACKAGE.parent / "vendor" / "srgan_lib"
    inside.mkdir(parents=True)
    for package in (inside, tmp_path):
        monkeypatch.setattr(git, "PACKAGE", package)
        assert git.code_commit() is None and git.code_origin() is None
