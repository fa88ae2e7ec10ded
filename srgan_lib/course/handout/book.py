"""All chapters as one PDF, printed by Chromium: title page, contents with page numbers, bookmarks.

Page numbers and the chapter's name at the head of each page need Chromium 131 or newer, which
knows the margins of `@page`; an older one leaves them away.
"""

import copy
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab
from pypdf import PdfReader

from ...errors import SRGANError
from .layout import Layout, page_name
from .pages import Page

PAPERS = {"A4": 170, "Letter": 176}  # name -> width of the text, in mm: `@page` takes 2 x 20 mm
WAIT = 300_000  # ms until a long book is laid out
# Frames print what is in them at the height they have: give each the height of its content.
STRETCH = """async () => {
  for (const frame of document.querySelectorAll("iframe[srcdoc]")) {
    frame.style.height = "0";
    await new Promise((done) => setTimeout(done, 50));
    frame.style.height = `${frame.contentDocument.documentElement.scrollHeight}px`;
  }
}"""


class BookError(SRGANError):
    """The PDF that came out is not the one that was to be printed."""


def print_book(layout: Layout, browser: Browser, output: Path, paper: str) -> None:
    """Print all chapters to one PDF.

    Args:
        output: the file to write.
        paper: a key of `PAPERS`.

    Raises:
        BookError: the page numbers of the contents do not settle.
    """
    chapters = [_chapter(page, layout.pages) for page in layout.pages]
    width = round(PAPERS[paper] / 25.4 * 96)
    numbers: dict[str, int] = {}
    with browser.new_page(viewport={"width": width, "height": 1000}, color_scheme="light") as tab:
        tab.set_default_timeout(WAIT)
        tab.emulate_media(media="print")
        for _ in range(3):  # to learn the numbers, to print them, and once more if they moved
            _print(tab, layout.book(chapters, paper, numbers), output)
            before, numbers = numbers, page_numbers(output)
            if numbers == before:
                return
    raise BookError(f"{output.name}: the page numbers of its contents do not settle.")


def page_numbers(path: Path) -> dict[str, int]:
    """The page, from 1, on which each place lies that a link in this PDF leads to."""
    reader = PdfReader(path)
    places = reader.named_destinations.items()
    return {
        unquote(name.lstrip("/")): reader.get_destination_page_number(place) + 1
        for name, place in places
    }


def _print(tab: Tab, html: str, output: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "book.html"
        file.write_text(html, encoding="utf-8")
        tab.goto(file.as_uri())
        tab.evaluate(STRETCH)
        tab.pdf(path=output, prefer_css_page_size=True, tagged=True, outline=True)


def _chapter(page: Page, pages: Sequence[Page]) -> BeautifulSoup:
    """A chapter's cells for the book: solutions open, ids of its own, links inside of the book."""
    body = copy.copy(page.body)
    for solution in body.select("details.solution"):
        solution["open"] = ""
    for link in body.select(".anchor-link"):
        link.decompose()
    for tag in body.find_all(id=True):
        tag["id"] = f"{page_name(page.name)}-{tag['id']}"
    for tag, attribute in _references(body):
        tag[attribute] = _inside(tag[attribute], page, pages)
    return body


def _references(body: BeautifulSoup) -> Iterator[tuple]:
    for tag in body.find_all(["a", "use"], href=True):
        yield tag, "href"


def _inside(href: str, page: Page, pages: Sequence[Page]) -> str:
    link = urlsplit(href)
    if link.scheme or link.netloc or not href:
        return href
    target = next((p for p in pages if unquote(link.path) == f"{p.name}.html"), page)
    fragment = f"-{link.fragment}" if link.fragment else ""
    return f"#{page_name(target.name)}{fragment}"
