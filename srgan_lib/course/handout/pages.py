"""An executed notebook as a page that needs neither a kernel nor a network."""

import re
import struct
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import nbformat
from bs4 import BeautifulSoup, Tag
from jinja2 import pass_context
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from ..notebooks import BADGE, repository
from ..set_repo import website
from .formulas import mathml

COLAB_LINK = re.compile(r"https://colab\.research\.google\.com/github/[^\s)\"]*/(\w+)\.ipynb")
COLAB = "Open in Colab"
WEBSITE = website(repository()[0])
STRIP = 480  # pixels: what is wider cannot be read if it is shrunk to a phone
WIDGET = "application/vnd.jupyter.widget-view+json"


@dataclass(eq=False)
class Page:
    """One executed notebook and the HTML of its cells."""

    name: str
    notebook: nbformat.NotebookNode
    body: BeautifulSoup

    @property
    def seconds(self) -> float:
        """How long it took to execute, as `handout.execute` noted it."""
        return self.notebook.metadata.get("handout", {}).get("seconds", 0.0)

    @property
    def profile(self) -> str | None:
        """The profile that it was executed in, if its variable was set."""
        return self.notebook.metadata.get("handout", {}).get("profile")

    @property
    def numbers(self) -> dict[str, int]:
        """The number of each cell, from 1, by the id of its HTML."""
        return {f"cell-id={cell.id}": n for n, cell in enumerate(self.notebook.cells, start=1)}

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


def render(name: str, notebook: nbformat.NotebookNode) -> Page:
    """The page of an executed notebook; `name` is its file's, without the suffix."""
    shown = nbformat.from_dict(notebook)
    for cell in shown.cells:
        if cell.cell_type == "markdown":
            cell.source = BADGE.sub(rf"[{COLAB}](\1)", cell.source)
            cell.source = COLAB_LINK.sub(
                lambda link: link[0] if link[1] == name else f"{link[1]}.html", cell.source
            )
            cell.source = re.sub(r"\((\d\d[a-z]?_\w+)\.ipynb", r"(\1.html", cell.source)
            cell.source = cell.source.replace(f"({WEBSITE}", "(")  # these pages, on the web
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
        _fold([source], "Setup cell")
    for cells in list(_runs(body.select(".celltag_solution, .celltag_check"))):
        # What a check says of a solution is as much of a hint; one without is the student's.
        if any("celltag_solution" in cell["class"] for cell in cells):
            _fold(cells, "Solution")["class"] = "solution"
    for cell in body.select(".celltag_prose-check"):
        _fold([cell], _title(cell))
    for source in body.select(".celltag_figure > .input"):
        _fold([source], _title(source))
    for link in body.select(".anchor-link"):
        link["aria-label"] = f"Link to “{_text(link.parent)}”"
    for picture in body.select(".output img[src^='data:image/png;base64,']"):
        _size(picture)
    for head in body.find_all("th"):
        if not head.get_text(strip=True):
            head.name = "td"  # a screen reader would announce it as a header without a name
    for table in body.find_all("table"):
        table.wrap(body.new_tag("div", attrs={"class": "wide"}))
    return Page(name, notebook, body)


def _readable(outputs: list[nbformat.NotebookNode]) -> Iterator[nbformat.NotebookNode]:
    """Outputs without live widgets, which show nothing without a kernel unless they bring HTML."""
    for output in outputs:
        if WIDGET in output.get("data", {}):
            del output.data[WIDGET]
            if output.data.keys() <= {"text/plain"}:
                continue
        yield output


def _size(picture: Tag) -> None:
    """Note the size of an embedded PNG, so that nothing moves when it appears."""
    head = b64decode(picture["src"].partition(",")[2][:32])
    if len(head) < 24:
        return
    width, height = struct.unpack(">16xII", head)
    if not {"width", "height"} & picture.attrs.keys():
        picture["width"], picture["height"] = width, height
    if width > STRIP:
        picture["class"], picture["style"] = "strip", f"--width: {width}px"


def _title(cell: Tag) -> str:
    """What Colab shows in the place of a folded cell's code."""
    return re.match(r"\s*# @title (.*)|", cell.find("pre").get_text())[1] or "Code"


def _fold(tags: list[Tag], label: str) -> Tag:
    """Put neighboring elements into one that opens when its label is clicked."""
    details = tags[0].wrap(BeautifulSoup().new_tag("details"))
    for tag in tags[1:]:
        details.append(tag.extract())
    summary = BeautifulSoup().new_tag("summary")
    summary.string = label
    details.insert(0, summary)
    return details


def _runs(cells: list[Tag]) -> Iterator[list[Tag]]:
    """Cells that follow each other, together."""
    run = []
    for cell in cells:
        if run and cell.find_previous_sibling(True) is not run[-1]:
            yield run
            run = []
        run.append(cell)
    if run:
        yield run


def _text(tag: Tag) -> str:
    return " ".join(tag.get_text().replace("¶", "").split())
