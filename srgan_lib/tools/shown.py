"""What only a browser can tell of a page: what its scripts ask for, draw and fail at."""

from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Frame, Request

from .pages import Page

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
