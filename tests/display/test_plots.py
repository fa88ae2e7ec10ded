"""What the notebooks show with `plots`, as a page gets it."""

import inspect
import textwrap

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from srgan_lib.course.handout import pages
from srgan_lib.display import plots
from srgan_lib.models import ResidualBlock


@pytest.fixture
def shown(monkeypatch):
    """The MIME bundles of what is displayed."""
    bundles = []

    def display(thing):
        bundles.append({"text/markdown": thing._repr_markdown_(), "text/plain": "x"})

    monkeypatch.setattr("IPython.display.display", display)
    return bundles


def method():
    """A docstring with ```code``` in it: `a`."""
    return "````"


class Holder:
    def indented(self):
        return 1 < 2


@pytest.mark.parametrize("thing", [method, Holder.indented, ResidualBlock])
def test_code_is_shown_whole_and_in_the_colors_of_its_page(shown, thing):
    plots.show_code(thing)
    outputs = [new_output("display_data", data=bundle) for bundle in shown]
    page = pages.render("01_x", new_notebook(cells=[new_code_cell("", outputs=outputs)]))
    (code,) = page.body.select(".output .highlight pre")
    wanted = textwrap.dedent(inspect.getsource(thing)).splitlines()
    assert code.get_text().splitlines() == wanted
    assert code.select_one(".k") and not page.body.find(["style", "link", "script"])
