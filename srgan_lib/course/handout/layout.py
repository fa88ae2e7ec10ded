"""The handout's pages, its index and its book, as HTML from the templates beside this file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader
from pygments.formatters import HtmlFormatter

from ... import __version__
from ..notebooks import ROOT, repository
from .index import cover, entry, searchable
from .pages import Page

TEMPLATES = Path(__file__).with_name("templates")
COVER = ROOT / "data" / "results" / "overview.jpg"
CODE = ("xcode", "github-dark")  # styles of Pygments: on light, and on dark
GLOBALS = {
    "title": "Photo-realistic super-resolution with SRGAN",
    "subtitle": "From the question to a network you trained yourself",
    "author": "The SRGAN course maintainers",
    "version": __version__,
}


class Layout:
    """What all HTML of one handout shares: its pages in their order, and how it looks.

    Args:
        pages: the chapters.
        documents: pages beside them, which have no neighbors.
    """

    def __init__(self, pages: Sequence[Page], documents: Sequence[Page] = ()) -> None:
        self.pages, self.documents = list(pages), list(documents)
        self._templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
        self._templates.filters |= {
            "duration": duration,
            "page_name": page_name,
            "css_string": css_string,
        }
        self._templates.globals |= GLOBALS
        self._templates.globals |= {"pages": self.pages, "style": style(), "script": script("page")}

    def page(self, page: Page) -> str:
        """One chapter, with links to its neighbors, or one document."""
        around = [None, *self.pages, None] if page in self.pages else [None, page, None]
        number = around.index(page)
        return self._templates.get_template("page.html").render(
            page=page, before=around[number - 1], after=around[number + 1]
        )

    def index(self, prints: Mapping[str, str]) -> str:
        """The page that leads to all others; `prints` are the names of PDFs by their paper."""
        sections = json.dumps(searchable([*self.pages, *self.documents]), ensure_ascii=False)
        return self._templates.get_template("index.html").render(
            prints=prints, chapters=[entry(page) for page in self.pages], cover=cover(COVER, 960),
            sections=sections.replace("<", "\\u003c"), search=script("search"),
            repository=f"https://github.com/{repository()[0]}",
        )  # fmt: skip

    def book(
        self,
        chapters: Sequence[BeautifulSoup],
        ends: Sequence[tuple[str, str, Sequence[tuple[Page, BeautifulSoup]]]],
        paper: str,
        numbers: Mapping[str, int],
    ) -> str:
        """Everything for paper.

        Args:
            chapters: the cells of each page, their ids begun with `page_name`.
            ends: title and first words of each part at the back, and what it has of each page.
            paper: size of the sheets, as CSS calls it.
            numbers: the page on which each id is, as far as known.
        """
        return self._templates.get_template("book.html").render(
            chapters=list(zip(self.pages, chapters, strict=True)),
            ends=ends,
            paper=paper,
            numbers=numbers,
        )


def style() -> str:
    """The style sheet of everything."""
    light, dark = (
        "\n".join(HtmlFormatter(style=name).get_token_style_defs(".highlight")) for name in CODE
    )
    return "\n".join(
        [
            (TEMPLATES / "style.css").read_text("utf-8"),
            light,
            f"@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}",
            (TEMPLATES / "print.css").read_text("utf-8"),
        ]
    )


def script(name: str) -> str:
    """The script of a page."""
    return (TEMPLATES / f"{name}.js").read_text("utf-8")


def page_name(name: str) -> str:
    """A chapter's name as an identifier of CSS, which cannot begin with a digit."""
    return f"chapter-{name}"


def css_string(text: str) -> str:
    """Text as a quoted string of CSS, inside of a style element."""
    return json.dumps(text, ensure_ascii=False).replace("<", r"\3c ")


def duration(seconds: float) -> str:
    """Seconds as a reader says them: 125 is "2 min 05 s"."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
