"""All chapters as one PDF, printed by Chromium: title page, contents with page numbers, bookmarks.

Hints, solutions and answers stand at its back, each kind by itself; the exercises say where.

Page numbers and the chapter's name at the head of each page need Chromium 131 or newer, which
knows the margins of `@page`; an older one leaves them away.
"""

import copy
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab
from pypdf import PdfReader

from ...errors import SRGANError
from ..your_picture.build import NAME as YOUR_PICTURE
from .layout import Layout, page_name
from .pages import WEBSITE, Page

PAPERS = {"A4": 170, "Letter": 176}  # name -> width of the text, in mm: `@page` takes 2 x 20 mm
BACK = {  # what is folded on a page -> title and first words of a part at the back
    "Hint": ("Hints", "For the exercises, where you are stuck."),
    "Solution": ("Solutions", "To the exercises, with what their checks say. There may be others."),
    "Answer": ("Answers", "To the questions at the end of each chapter."),
}
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
    chapters, back = [], {kind: [] for kind in BACK}
    for page in layout.pages:
        parts = _to_the_back(copy.copy(page.body))
        for part in parts.values():
            _make_unique(part, page, layout.pages)
        chapters.append(parts.pop(""))
        for kind, part in parts.items():
            back[kind].append((page, part))
    ends = [(*BACK[kind], sections) for kind, sections in back.items() if sections]
    width = round(PAPERS[paper] / 25.4 * 96)
    numbers: dict[str, int] = {}
    with browser.new_page(viewport={"width": width, "height": 1000}, color_scheme="light") as tab:
        tab.set_default_timeout(WAIT)
        tab.emulate_media(media="print")
        for _ in range(3):  # to learn the numbers, to print them, and once more if they moved
            for chapter in chapters:
                for place in chapter.select(".back b"):
                    place.string = str(numbers.get(place.parent["href"][1:], "000"))
            _print(tab, layout.book(chapters, ends, paper, numbers), output)
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


def _to_the_back(body: BeautifulSoup) -> dict[str, BeautifulSoup]:
    """Part a chapter: "" -> its text, which says where the rest is, and each kind of `BACK`."""
    parts = {"": body}
    for link in body.select(".anchor-link"):
        link.decompose()
    for details in body.find_all("details"):
        kind = details.summary.get_text() if details.summary else ""
        if kind not in BACK:
            continue
        part = parts.setdefault(kind, BeautifulSoup("", "html.parser"))
        entry = body.new_tag("section", id=f"{kind.lower()}-{len(part.contents) + 1}")
        heading = body.new_tag("h3")
        heading.string = _name(details, kind)
        details.summary.decompose()
        entry.extend([heading, *list(details.contents)])
        part.append(entry)
        note = body.new_tag("p", attrs={"class": "back"})
        link = body.new_tag("a", href=f"#{entry['id']}")
        number = body.new_tag("b")
        link.extend([f"{kind}: page ", number])
        note.append(link)
        details.replace_with(note)
    return parts


def _name(details: Tag, kind: str) -> str:
    """What a folded part belongs to: the heading of the exercise, or the number of the question."""
    before = details.find_previous("strong" if kind == "Answer" else ["h2", "h3"])
    name = " ".join(before.get_text().split()) if before else kind
    return f"Question {name.rstrip('.')}" if kind == "Answer" else name


def _make_unique(body: BeautifulSoup, page: Page, pages: Sequence[Page]) -> None:
    """Give a chapter's elements ids of their own in the book, and links that stay inside of it."""
    for tag in body.find_all(id=True):
        tag["id"] = f"{page_name(page.name)}-{tag['id']}"
    for tag, attribute in _references(body):
        tag[attribute] = _inside(tag[attribute], page, pages)


def _references(body: BeautifulSoup) -> Iterator[tuple]:
    for tag in body.find_all(["a", "use"], href=True):
        yield tag, "href"


def _inside(href: str, page: Page, pages: Sequence[Page]) -> str:
    link = urlsplit(href)
    if link.scheme or link.netloc or not href:
        return href
    if link.path == YOUR_PICTURE:
        return f"{WEBSITE}{href}"  # paper cannot do it
    target = next((p for p in pages if unquote(link.path) == f"{p.name}.html"), page)
    fragment = f"-{link.fragment}" if link.fragment else ""
    return f"#{page_name(target.name)}{fragment}"
