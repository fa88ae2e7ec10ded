"""The repository's own pages in the handout: glossary, results, and the page for teachers."""

import mimetypes
import re
from base64 import b64encode
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from nbformat.v4 import new_markdown_cell, new_notebook

from ..notebooks import ROOT, repository
from .pages import Page, render

# Name of the page -> the file.
DOCUMENTS = {
    "glossary": "docs/glossary.md", "results": "RESULTS.md", "teaching": "docs/teaching.md",
}  # fmt: skip


def documents(chapters: Collection[str]) -> list[Page]:
    """All of `DOCUMENTS` as pages, for a handout that has these chapters."""
    return [_document(name, ROOT / path, chapters) for name, path in DOCUMENTS.items()]


def _document(name: str, file: Path, chapters: Collection[str]) -> Page:
    cell = new_markdown_cell(file.read_text("utf-8"))
    body = render(name, new_notebook(cells=[cell])).body
    for image in body.find_all("img", src=True):
        image["src"] = _embedded(file.parent / image["src"])
    for link in body.find_all("a", href=True):
        link["href"] = address(link["href"], file, chapters)
    # GitHub's anchors are those of nbconvert in small letters and without punctuation.
    ids = [tag["id"] for tag in body.find_all(id=True)]
    anchors = {f"#{re.sub(r'[^a-z0-9_-]', '', id.lower())}": f"#{id}" for id in ids}
    for link in body.find_all("a", href=re.compile("^#")):
        link["href"] = anchors.get(link["href"], link["href"])
    return Page(name, new_notebook(cells=[cell]), body)


def address(href: str, file: Path, chapters: Collection[str]) -> str:
    """Where a link of a Markdown file leads from the handout: to a page of it, or to GitHub."""
    link = urlsplit(href)
    if link.scheme or link.netloc or not link.path:
        return href
    target = (file.parent / link.path).resolve().relative_to(ROOT)
    fragment = f"#{link.fragment}" if link.fragment else ""
    pages = {f"notebooks/{name}.ipynb": name for name in chapters}
    pages |= {path: name for name, path in DOCUMENTS.items()}
    if name := pages.get(str(PurePosixPath(target))):
        return f"{name}.html"
    owner_repo, branch = repository()
    return f"https://github.com/{owner_repo}/blob/{branch}/{PurePosixPath(target)}{fragment}"


def _embedded(file: Path) -> str:
    kind, _ = mimetypes.guess_type(file.name)
    return f"data:{kind};base64,{b64encode(file.read_bytes()).decode('ascii')}"
