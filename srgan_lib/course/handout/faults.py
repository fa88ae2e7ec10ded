"""What is wrong with a page of the handout: one sentence for each fault, with page and cell."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, Frame, Request

from .pages import Page

PAGE_BUDGET = 15_000_000  # bytes of a page: a phone loads it, a mail server takes it
PICTURE_BUDGET = 1_500_000  # bytes of a picture: 700 x 700 pixels of noise as PNG, a large figure
NO_ALT = ("", "No description has been provided for this image")  # the second is nbconvert's
LOADED = re.compile(r"(?:url\(|@import)\s*['\"]?([^'\")]+)")  # by a style sheet
IMPORTED = re.compile(  # by a script
    r"""(?:\bfrom|\bimport|\bimport\(|\bfetch\(|\bimportScripts\(|\bnew\s+(?:Worker|WebSocket)\()"""
    r"""\s*["'`]((?:https?:|wss?:)?//[^"'`]+)"""
)
EMBEDDED = re.compile(r"data:(?:image|video|audio)/[\w.+-]+;base64,([\w+/]+)")


def faults(page: Page, anchors: Mapping[str, set[str]]) -> Iterator[str]:
    """Each fault of a page's cells, also of those in the frames of its sliders.

    Args:
        anchors: ids by the name of each file in the handout, for the links.
    """
    for cell, where in _cells(page):
        for data in EMBEDDED.findall(str(cell)):
            if len(data) * 3 // 4 > PICTURE_BUDGET:
                size = f"{len(data) * 3 / 4e6:.1f} MB"
                yield f"{where}: a picture has {size}, {PICTURE_BUDGET / 1e6:g} MB are the most"
        if cell.find("style"):
            yield f"{where}: an output brings a style sheet, which would change the whole page"
        yield from _look(cell, where, f"{page.name}.html", anchors)


def oversize(page: Page, html: str) -> Iterator[str]:
    """A sentence if the finished page is over its budget, with the cell that weighs most."""
    size = len(html.encode())
    if size > PAGE_BUDGET:
        cell, where = max(_cells(page), key=lambda pair: len(str(pair[0])))
        yield (
            f"{where}: the page has {size / 1e6:.1f} MB, {PAGE_BUDGET / 1e6:g} MB are the most; "
            f"this cell alone has {len(str(cell)) / 1e6:.1f} MB"
        )


def _cells(page: Page) -> list[tuple[Tag, str]]:
    """The HTML of each cell, and its number as a reader counts them."""
    numbers = page.numbers
    found = page.body.find_all(id=list(numbers))
    return [(cell, f"{page.name}, cell {numbers[cell['id']]}") for cell in found]


def _look(soup: Tag, where: str, document: str, anchors: Mapping[str, set[str]]) -> Iterator[str]:
    for tag in soup.find_all(True):
        for address in _requests(tag):
            yield f"{where}: the page would load {address}, which is not in it"
        if tag.name == "math" and re.search(r"[\\&]", tag.get_text()):
            yield f"{where}: a formula cannot be shown as MathML, {tag.get_text()!r}"
        if tag.name == "a" and not _alive(tag.get("href", ""), document, anchors):
            yield f"{where}: the link to {tag['href']} is dead"
        if _unseen(tag):
            continue
        if tag.name == "img" and tag.get("alt", "").strip() in NO_ALT:
            yield f"{where}: a picture has no alt text"
        if tag.name in ("svg", "canvas") and not _described(tag):
            yield f"{where}: a drawing has no alt text (a title or an aria-label)"
        if tag.name == "iframe" and not tag.get("title", "").strip():
            yield f"{where}: a frame has no title, which is what a screen reader says of it"
        if tag.name == "iframe" and tag.get("srcdoc"):
            inner = BeautifulSoup(tag["srcdoc"], "html.parser")
            ids = {inside["id"] for inside in inner.find_all(id=True)}
            yield from _look(inner, where, document, {**anchors, document: ids})


def _described(drawing: Tag) -> bool:
    """Whether an svg or canvas element says what it shows."""
    inner = drawing if drawing.name == "canvas" else drawing.find("title")
    labels = (drawing.get("aria-label"), drawing.get("aria-labelledby"), inner and inner.get_text())
    return any(label and label.strip() for label in labels)


def _unseen(tag: Tag) -> bool:
    """Whether screen readers pass over this element, because others say the same."""
    hidden = any(at.get("aria-hidden") == "true" for at in (tag, *tag.parents))
    return hidden or tag.get("role") in ("presentation", "none")


def _requests(tag: Tag) -> list[str]:
    """What a browser would fetch for this element that is not embedded in the page."""
    found = [tag.get(name, "") for name in ("src", "poster", "data")]
    # Commas part the candidates of a srcset, and stand in a data address too.
    found += [part.split()[0] for part in re.split(r",\s+", tag.get("srcset", "")) if part.split()]
    if tag.name in ("link", "image", "use"):
        found += [tag.get("href", ""), tag.get("xlink:href", "")]
    found += LOADED.findall(tag.get("style", ""))
    if tag.name == "style":
        found += LOADED.findall(tag.get_text())
    if tag.name == "script":
        found += IMPORTED.findall(tag.get_text())
    return [a for a in found if a and not a.startswith(("data:", "#", "blob:", "about:"))]


def _alive(href: str, document: str, anchors: Mapping[str, set[str]]) -> bool:
    link = urlsplit(href)
    if link.scheme or link.netloc or not href:
        return True  # an address on the web: the reader's click, not a request of the page
    target = unquote(link.path) or document
    fragments = {link.fragment, unquote(link.fragment)}
    return target in anchors and (not link.fragment or bool(fragments & anchors[target]))


LOCAL = ("file:", "data:", "blob:", "about:")
NARROW = 390  # CSS pixels, a phone
UNDESCRIBED = """() => [...document.images].filter(
  (image) => !image.alt.trim() && image.checkVisibility() && !image.closest("[aria-hidden=true]")
).length"""
CELL = "element => element.closest('[id^=\"cell-id=\"]')?.id"


def faults_shown(page: Page, folder: Path, browser: Browser) -> Iterator[str]:
    """Open a page as a phone would, without a network, and say what is wrong, a sentence each.

    Frames are looked at too: what a slider asks for is a request of the page.
    """
    found: dict[tuple[Frame | None, str], None] = {}  # in their order, each once

    def note(frame: Frame | None, fault: str) -> None:
        found[frame, fault] = None

    def asked(request: Request) -> None:
        if not request.url.startswith(LOCAL):
            note(request.frame, f"asks for {request.url[:200]}, which is not in it")

    def where(frame: Frame | None) -> str:
        while frame and frame.parent_frame and frame.parent_frame.parent_frame:
            frame = frame.parent_frame
        cell = frame.frame_element().evaluate(CELL) if frame and frame.parent_frame else None
        return f"{page.name}, cell {page.numbers[cell]}" if cell in page.numbers else page.name

    with browser.new_context(viewport={"width": NARROW, "height": 800}) as context:
        tab = context.new_page()
        tab.on("request", asked)
        tab.on("websocket", lambda socket: note(None, f"opens a connection to {socket.url}"))
        tab.on("pageerror", lambda error: note(None, f"has a script that fails, {error.message}"))
        tab.goto((folder / f"{page.name}.html").resolve().as_uri())
        tab.wait_for_timeout(200)
        for frame in tab.frames:
            if count := frame.evaluate(UNDESCRIBED):
                note(frame, f"shows {count} pictures without alt text, drawn by a script")
        width = tab.evaluate("document.documentElement.scrollWidth")
        if width > NARROW:
            note(None, f"is {width} pixels wide on a phone of {NARROW}")
        yield from [f"{where(frame)}: in Chromium the page {fault}" for frame, fault in found]
