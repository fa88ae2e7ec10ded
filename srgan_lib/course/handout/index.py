"""What the index shows of the pages: small pictures, times, and all text to search in."""

import copy
import io
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bs4 import NavigableString, Tag
from PIL import Image

from .pages import Page

WIDTH, HEIGHT = 256, 224  # CSS pixels of a chapter's picture, at most; screens may have two for one


@dataclass(frozen=True)
class Entry:
    """One chapter in the index."""

    page: Page
    picture: dict[str, Any] | None  # attributes of its img element

    @property
    def time(self) -> str:
        """How long it takes to execute, as its first cell says: one sentence."""
        paragraphs = (" ".join(p.get_text().split()) for p in self.page.body.find_all("p"))
        times = (re.match(r"Time:? (.+?)[.;](?: |$)", text) for text in paragraphs)
        return next((match[1] for match in times if match), "")

    @property
    def colab(self) -> str | None:
        """The address that opens it in Colab."""
        link = self.page.body.find("a", class_="colab")
        return link and link["href"]


def entry(page: Page) -> Entry:
    """A page with its first picture, small."""
    found = page.picture
    if found is None:
        return Entry(page, None)
    data = b64decode(found["src"].partition(",")[2])
    return Entry(page, {"alt": found.get("alt", ""), **thumbnail(data, WIDTH, HEIGHT)})


def thumbnail(data: bytes, width: int, height: int) -> dict[str, Any]:
    """A picture file, embedded as large as it is shown: attributes of its img element."""
    with Image.open(io.BytesIO(data)) as image:
        image = image.convert("RGBA")
        image.thumbnail((2 * width, 2 * height), Image.Resampling.LANCZOS)
        small = Image.new("RGB", image.size, "white")  # on which figures are drawn
        small.paste(image, mask=image)
    file = io.BytesIO()
    small.save(file, "WEBP", quality=85)
    shown = min(1, width / small.width, height / small.height)
    sides = {"width": round(small.width * shown), "height": round(small.height * shown)}
    return {"src": f"data:image/webp;base64,{b64encode(file.getvalue()).decode()}", **sides}


def cover(file: Path, width: int) -> dict[str, Any]:
    """The picture at the head of the index."""
    return thumbnail(file.read_bytes(), width, width)


def searchable(pages: Iterable[Page]) -> list[dict[str, str]]:
    """Each section of each page: where it is, what it is called, and its text without outputs."""
    return [section for page in pages for section in _sections(page)]


def _sections(page: Page) -> list[dict[str, str]]:
    body = copy.copy(page.body)
    for tag in body.select(".output, script, style, .anchor-link, .celltag_setup, h1, .colab"):
        tag.decompose()
    in_headings = {id(string) for heading in body.find_all("h2") for string in heading.strings}
    sections = [(f"{page.name}.html", page.title, [])]
    for node in body.descendants:
        if isinstance(node, Tag) and node.name == "h2" and node.get("id"):
            title = " ".join(node.get_text().split())
            sections.append((f"{page.name}.html#{node['id']}", title, []))
        elif type(node) is NavigableString and id(node) not in in_headings:
            sections[-1][2].append(node)
    return [
        {"page": page.title, "href": href, "title": title, "text": " ".join("".join(text).split())}
        for href, title, text in sections
    ]
