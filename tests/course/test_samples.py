"""The sample photographs and the table in data/samples/README.md agree with each other."""

import re
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
FILES = sorted(SAMPLES.glob("*/*.jpg"))
COLUMNS = ["File", "Split", "Subject", "Size", "Source", "Author", "License", "Changes"]
ALLOWED_LICENSES = {
    "[Public domain](https://creativecommons.org/publicdomain/mark/1.0/)",
    "[CC0 1.0](https://creativecommons.org/publicdomain/zero/1.0/)",
    "[CC BY 2.0](https://creativecommons.org/licenses/by/2.0/)",
    "[CC BY 3.0](https://creativecommons.org/licenses/by/3.0/)",
    "[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/)",
}


def read_table() -> list[dict[str, str]]:
    lines = (SAMPLES / "README.md").read_text(encoding="utf-8").splitlines()
    header, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("|")
    ]
    assert header == COLUMNS
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_table_lists_every_file_once():
    listed = [f"{row['Split']}/{row['File'].strip('`')}" for row in read_table()]
    assert sorted(listed) == [path.relative_to(SAMPLES).as_posix() for path in FILES]


def test_nothing_else_lies_beside_the_photographs():
    found = {path for path in SAMPLES.rglob("*") if path.is_file()}
    assert found == {*FILES, SAMPLES / "README.md"}


def test_every_row_names_author_source_and_an_open_license():
    for row in read_table():
        assert all(row.values()), f"empty cell for {row['File']}"
        assert row["License"] in ALLOWED_LICENSES, f"license of {row['File']}"


def test_splits_are_disjoint():
    assert {path.parent.name for path in FILES} == {"train", "validation"}
    assert len({path.name for path in FILES}) == len(FILES)
    assert len({sha256(path.read_bytes()).digest() for path in FILES}) == len(FILES)


def test_total_size():
    assert sum(path.stat().st_size for path in FILES) <= 8_000_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_photograph(path):
    assert re.fullmatch(r"[a-z0-9_]+\.jpg", path.name)
    with Image.open(path) as image:
        image.load()
        assert (image.format, image.mode) == ("JPEG", "RGB")
        assert min(image.size) >= 400
        assert all(side % 8 == 0 for side in image.size)
        assert not image.getexif()
        assert "icc_profile" not in image.info
        (row,) = [row for row in read_table() if row["File"] == f"`{path.name}`"]
        assert row["Size"] == "{}x{}".format(*image.size)
