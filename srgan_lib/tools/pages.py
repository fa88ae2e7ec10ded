"""An executed notebook as a page that needs neither a kernel nor a network, and its faults."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import nbformat
from bs4 import BeautifulSoup, Tag
from jinja2 import pass_context
from latex2mathml import converter
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from .notebooks import BADGE

COLAB_LINK = re.compile(r"https://colab\.research\.google\.com/github/[^\s)\"]*/(\w+)\.ipynb")
COLAB = "Open in Colab"
WIDGET = "application/vnd.jupyter.widget-view+json"
NO_ALT = ("", "No description has been provided for this image")  # the second is nbconvert's
LOADED = re.compile(r"(?:url\(|@import)\s*['\"]?([^'\")]+)")  # by a style sheet


@dataclass
class Page:
    """One executed notebook and the HTML of its cells."""

    name: str
    notebook: nbformat.NotebookNode
    seconds: float
    body: BeautifulSoup

    @property
    def title(self) -> str:
        """Its first heading."""
        heading = self.body.find("h1")
        return _text(heading) if heading else self.name

    @property
    def lead(self) -> str:
        """Its first paragraph of prose."""
        paragraphs = (p for p in self.body.find_all("p") if _text(p) != COLAB)
        return next(map(_text, paragraphs), "")

    @property
    def contents(self) -> list[tuple[str, str]]:
        """Anchor and text of each section."""
        return [(heading["id"], _text(heading)) for heading in self.body.find_all("h2", id=True)]

    @property
    def picture(self) -> Tag | None:
        """The first picture that a cell made."""
        return self.body.select_one(".output img[src^='data:image/']")


def mathml(tex: str, display: str) -> str:
    """A formula as MathML; `display` is "inline" or "block"."""
    # What the converter lacks or does otherwise than MathJax, which shows the same cell in Jupyter.
    tex = re.sub(r"\\arg\b", r"\\operatorname{arg}", tex)
    tex = re.sub(r"\\(begin|end)\{align(ed)?\}", r"\\\1{align*}", tex)
    if display == "block":
        tex = re.sub(r"\\(min|max)(?=\s*_)", r"\\\1\\limits", tex)
    return converter.convert(tex, display=display)


class MathRenderer(IPythonRenderer):
    """Markdown to HTML with formulas as MathML, which needs no script to be shown."""

    def inline_math(self, body: str) -> str:
        """A formula in a line of text."""
        return mathml(body, "inline")

    def block_math(self, body: str) -> str:
        """A formula of its own."""
        return mathml(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        """Several aligned formulas."""
        return mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")


class BodyExporter(HTMLExporter):
    """The cells of a notebook as plain HTML, without nbconvert's own page, scripts and styles."""

    @pass_context
    def markdown2html(self, context: Mapping, source: str) -> str:
        """The filter that nbconvert's templates call for each Markdown cell."""
        renderer = MathRenderer(
            escape=False, attachments=context.get("cell", {}).get("attachments", {})
        )
        return MarkdownWithMath(renderer=renderer).render(source)


def render(name: str, notebook: nbformat.NotebookNode, seconds: float) -> Page:
    """The page of an executed notebook; `name` is its file's, without the suffix."""
    shown = nbformat.from_dict(notebook)
    for cell in shown.cells:
        if cell.cell_type == "markdown":
            cell.source = BADGE.sub(rf"[{COLAB}](\1)", cell.source)
            cell.source = COLAB_LINK.sub(
                lambda link: link[0] if link[1] == name else f"{link[1]}.html", cell.source
            )
            cell.source = re.sub(r"\((\d\d_\w+)\.ipynb", r"(\1.html", cell.source)
        elif cell.cell_type == "code":
            cell.outputs = list(_readable(cell.outputs))
    exporter = BodyExporter(
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True
    )
    html, _ = exporter.from_notebook_node(shown)
    body = BeautifulSoup(html, "html.parser")
    for link in body.find_all("a", string=COLAB):
        link["class"] = "colab"
    for source in body.select(".celltag_setup > .input"):
        details = source.wrap(body.new_tag("details"))
        details.insert(0, body.new_tag("summary", string="Setup cell"))
    return Page(name, notebook, seconds, body)


def faults(page: Page, anchors: Mapping[str, set[str]]) -> Iterator[str]:
    """Each fault of a page, with the cell it is in.

    Args:
        anchors: ids by the name of each file in the handout, for the links.
    """
    numbers = {f"cell-id={cell.id}": n for n, cell in enumerate(page.notebook.cells, start=1)}

    def look(soup: Tag, frame: Tag | None = None) -> Iterator[str]:
        for tag in soup.find_all(True):
            cell = (frame or tag).find_parent(id=list(numbers))
            where = f"{page.name}, cell {numbers[cell['id']]}" if cell else page.name
            for address in _requests(tag):
                yield f"{where}: the page would load {address}, which is not in it"
            if tag.name == "img" and tag.get("alt", "").strip() in NO_ALT:
                yield f"{where}: a picture has no alt text"
            if tag.name == "math" and re.search(r"[\\&]", tag.get_text()):
                yield f"{where}: a formula cannot be shown as MathML, {tag.get_text()!r}"
            if tag.name == "a" and not _alive(tag.get("href", ""), f"{page.name}.html", anchors):
                yield f"{where}: the link to {tag['href']} is dead"
            if tag.name == "iframe" and tag.get("srcdoc"):
                yield from look(BeautifulSoup(tag["srcdoc"], "html.parser"), frame or tag)

    yield from look(page.body)


def _requests(tag: Tag) -> list[str]:
    """What a browser would fetch for this element that is not embedded in the page."""
    found = [tag.get(name, "") for name in ("src", "srcset", "poster", "data")]
    if tag.name in ("link", "image", "use"):
        found.append(tag.get("href", ""))
    found += LOADED.findall(tag.get("style", ""))
    if tag.name == "style":
        found += LOADED.findall(tag.get_text())
    return [address for address in found if address and not address.startswith(("data:", "#"))]


def _alive(href: str, page: str, anchors: Mapping[str, set[str]]) -> bool:
    link = urlsplit(href)
    if link.scheme or link.netloc or not href:
        return True  # an address on the web: the reader's click, not a request of the page
    target = unquote(link.path) or page
    fragments = {link.fragment, unquote(link.fragment)}
    return target in anchors and (not link.fragment or bool(fragments & anchors[target]))


def _readable(outputs: list[nbformat.NotebookNode]) -> Iterator[nbformat.NotebookNode]:
    """Outputs without live widgets, which show nothing without a kernel unless they bring HTML."""
    for output in outputs:
        if WIDGET in output.get("data", {}):
            del output.data[WIDGET]
            if output.data.keys() <= {"text/plain"}:
                continue
        yield output


def _text(tag: Tag) -> str:
    return " ".join(tag.get_text().replace("¶", "").split())
