"""The lecture as pages to project: docs/lecture.md with the figures of the executed notebooks."""

import re
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import mistune

from ...errors import SRGANError
from ..notebooks import ROOT

OUTLINE = ROOT / "docs" / "lecture.md"
NAME = "lecture.html"
FIGURE = re.compile(r"^\[Figure\]\(\.\./notebooks/(\w+)\.ipynb#([\w-]+)\)$", re.MULTILINE)
IMAGE = re.compile(r'<p><img src="([^"]+)" alt="([^"]*)" ?/?></p>')
STYLE = """
html { scroll-snap-type: y mandatory; font: 2.6vmin/1.4 system-ui, sans-serif;
  color-scheme: light dark }
body { margin: 0 }
section { box-sizing: border-box; height: 100vh; padding: 3vmin 5vmin; scroll-snap-align: start;
  display: flex; flex-direction: column; break-after: page }
h1, h2 { font-size: 5vmin; margin: 0 }
p { margin: 1.5vmin 0 }
figure { flex: 1; min-height: 0; margin: 0; display: flex; justify-content: center }
img { max-width: 100%; max-height: 100%; object-fit: contain; background: white }
@page { size: landscape; margin: 0 }
"""


def sections(outline: Path = OUTLINE) -> list[tuple[str, tuple[str, str] | None]]:
    """The sections of the outline: Markdown without the figure, and (notebook, cell) of that."""
    found = []
    for text in re.split(r"^---$", outline.read_text("utf-8"), flags=re.MULTILINE):
        figure = FIGURE.search(text)
        found.append((FIGURE.sub("", text).strip(), figure and (figure[1], figure[2])))
    return found


def lecture(notebooks: Mapping[str, Any], outline: Path = OUTLINE) -> str:
    """The page: one section a screen, and a sheet each where it is printed.

    Args:
        notebooks: name -> executed notebook. A figure of one that is not there is left out.

    Raises:
        SRGANError: a figure's cell is not there, or has made no picture.
    """
    parts = []
    for text, figure in sections(outline):
        html = IMAGE.sub(
            lambda found: _file(outline.parent / found[1], found[2]), mistune.html(text)
        )
        if figure and figure[0] in notebooks:
            html += _figure(notebooks[figure[0]], *figure)
        parts.append(f"<section>\n{html}\n</section>")
    head = f'<html lang="en">\n<meta charset="utf-8">\n<title>{_title(parts)}</title>'
    body = "\n".join(parts)
    return f"<!doctype html>\n{head}\n<style>{STYLE}</style>\n<body>\n{body}\n</body>\n</html>\n"


def _title(parts: list[str]) -> str:
    heading = re.search(r"<h\d[^>]*>(.*?)</h\d>", parts[0])[1]
    return re.sub(r"<[^>]+>", "", heading)


def _figure(notebook: Any, name: str, cell_id: str) -> str:
    cell = next((cell for cell in notebook.cells if cell.get("id") == cell_id), None)
    for output in cell.get("outputs", ()) if cell else ():
        if png := output.get("data", {}).get("image/png"):
            alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
            return _picture("".join(png.split()), escape(alt))
    raise SRGANError(f"docs/lecture.md shows the cell {cell_id!r} of {name}, which has no picture.")


def _file(path: Path, alt: str) -> str:
    kind = "jpeg" if path.suffix == ".jpg" else "png"
    return _picture(b64encode(path.read_bytes()).decode("ascii"), alt, kind)


def _picture(data: str, alt: str, kind: str = "png") -> str:
    return f'<figure><img src="data:image/{kind};base64,{data}" alt="{alt}"></figure>'
