"""The lecture shows figures that exist, one a page."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from srgan_lib.course.handout.lecture import lecture, sections
from srgan_lib.course.notebooks import NOTEBOOKS
from srgan_lib.errors import SRGANError

PNG = "iVBORw0KGgo="


def executed(alt="A <panda>"):
    output = new_output("display_data", {"image/png": PNG}, metadata={"image/png": {"alt": alt}})
    return new_notebook(cells=[new_code_cell("x", id="eye", outputs=[output])])


def outline(tmp_path, cell="eye"):
    path = tmp_path / "lecture.md"
    path.write_text(
        f"# A *talk*\n\n---\n\n## One\n\nLook.\n\n[Figure](../notebooks/01_x.ipynb#{cell})\n"
    )
    return path


def test_every_figure_of_the_outline_is_one_of_a_notebook():
    pages = sections()
    assert len(pages) >= 15 and all(text.startswith("#") for text, _ in pages)
    figures = [figure for _, figure in pages if figure]
    with_picture = [figure or "![" in text for text, figure in pages]
    assert all(with_picture[1:]) and len(figures) > 15  # the first page says how to use them
    for name, cell_id in figures:
        notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
        cell = {cell.id: cell for cell in notebook.cells}[cell_id]
        assert "figure" in cell.metadata.get("tags", []), (name, cell_id)
        assert re.search(r"plots\.show(_images|_crops)?\(|show_close_up\(", cell.source), cell_id


def test_a_page_has_its_figure_and_the_words(tmp_path):
    page = lecture({"01_x": executed()}, outline(tmp_path))
    assert page.count("<section>") == 2 and "<title>A <em>talk</em></title>" not in page
    assert f'src="data:image/png;base64,{PNG}" alt="A &lt;panda&gt;"' in page
    assert "<p>Look.</p>" in page and "[Figure]" not in page


def test_a_picture_of_the_repository_is_embedded(tmp_path):
    path = outline(tmp_path)
    (tmp_path / "a.png").write_bytes(b"png")
    path.write_text(path.read_text() + "\n---\n\n## Two\n\n![a b](a.png)\n")
    assert '<img src="data:image/png;base64,cG5n" alt="a b">' in lecture({}, path)


def test_a_figure_of_another_handout_is_left_out(tmp_path):
    assert "<img" not in lecture({}, outline(tmp_path))


def test_a_cell_without_a_picture_is_named(tmp_path):
    with pytest.raises(SRGANError, match="cell 'nose' of 01_x"):
        lecture({"01_x": executed()}, outline(tmp_path, "nose"))
