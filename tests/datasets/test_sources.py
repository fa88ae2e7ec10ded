"""What a folder or data set is called, and that no two are mistaken for each other."""

import pytest

from srgan_lib.datasets.sources import named_sets, title
from srgan_lib.errors import DataError


@pytest.mark.parametrize(
    ("name", "called"),
    [
        *[("set5", "Set5"), ("bsd100", "BSD100"), ("photos", "photos"), ("photos/", "photos")],
        *[("x/Set5/HR", "Set5"), ("x/Set5/hr/", "Set5"), (".", "here"), ("../here/HR", "here")],
    ],
)
def test_title(name, called, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert title(name) == called


def test_sets_are_named_by_what_tells_them_apart(tmp_path):
    one, two = (str(tmp_path / name / "HR") for name in ("Set5", "mine"))
    assert list(named_sets([one, two, one])) == ["Set5", "mine"]


def test_no_set_replaces_another_one_in_silence(tmp_path):
    one, two = (str(tmp_path / owner / "Set5") for owner in ("ann", "bob"))
    with pytest.raises(DataError, match=r"ann/Set5 and .*bob/Set5 would both be called Set5"):
        named_sets([one, two])
    with pytest.raises(DataError, match="embedded photographs"):
        named_sets([str(tmp_path / "validation")])
