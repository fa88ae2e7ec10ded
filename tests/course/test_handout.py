"""The handout's builder on tiny notebooks that are executed for real."""

from base64 import b64decode
from html import escape

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from srgan_lib import __version__
from srgan_lib.course.handout import browser, build, documents, faults, index, layout, pages
from srgan_lib.course.notebooks import ROOT, badge

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJg"
    "gg=="
)
SHOW = f"""from base64 import b64decode
from IPython.display import Image, display
display(Image(b64decode("{PIXEL}")), metadata={{"image/png": {{"alt": "one pixel"}}}})
"""


def write(folder, name, *cells):
    folder.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), folder / f"{name}.ipynb")


def page_of(*cells, name="01_tiny"):
    """The page of cells that are taken as executed."""
    return pages.render(name, new_notebook(cells=list(cells)))


def faults_of(*cells):
    page = page_of(*cells)
    ids = {tag["id"] for tag in page.body.find_all(id=True)}
    return list(faults.faults(page, {"01_tiny.html": ids, "02_more.html": {"there"}}))


def html_output(html):
    return new_code_cell("x", outputs=[new_output("display_data", data={"text/html": html})])


def frame_of(html):
    return f'<iframe title="a frame" srcdoc="{escape(html)}"></iframe>'


def frame(html):
    """A cell whose output is a page in a frame, as a slider is."""
    return html_output(frame_of(html))


def png_output(**metadata):
    data = {"image/png": PIXEL}
    return new_code_cell("x", outputs=[new_output("display_data", data=data, metadata=metadata)])


def test_two_notebooks_become_pages_and_an_index(tmp_path, capsys):
    write(
        tmp_path / "in",
        "01_first",
        new_markdown_cell(badge("01_first.ipynb") + "\n\n# First\n\nWhy we are here.\n\nMore."),
        new_code_cell("print('ran', 6 * 7)", metadata={"tags": ["setup"]}),
        new_markdown_cell("## A section\n\nSee [the second](02_second.ipynb#Its-end)."),
        new_code_cell(SHOW),
    )
    write(tmp_path / "in", "02_second", new_markdown_cell("# Second\n\n## Its end"))
    arguments = ["--notebooks", str(tmp_path / "in"), "--output", str(tmp_path / "out")]
    assert build.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "01_first: 4 cells in" in printed and "2 notebooks executed" in printed

    first, second, index = (
        (tmp_path / "out" / f"{name}.html").read_text()
        for name in ("01_first", "02_second", "index")
    )
    assert "ran 42" in first and 'alt="one pixel"' in first
    assert "<details><summary>Setup cell</summary>" in first
    assert 'href="02_second.html#Its-end"' in first and 'href="#A-section"' in first
    assert 'rel="next"' in first and 'rel="prev"' not in first
    assert 'rel="prev"' in second and 'rel="next"' not in second
    assert ">First</a>" in index and "Why we are here." in index and 'alt="one pixel"' in index
    assert 'href="glossary.html"' in index and 'href="your_picture.html"' in index
    assert index.count("Open in Colab") == 1 and f"Version {__version__}" in index
    assert (tmp_path / "out" / "your_picture.html").stat().st_size > 5e6
    executed = nbformat.read(tmp_path / "out" / "01_first.ipynb", as_version=4)
    assert executed.cells[1].outputs[0].text == "ran 42\n"


def test_a_cell_that_raises_ends_the_build(tmp_path, capsys):
    raising = new_code_cell("raise ValueError('no such\\npicture')")
    write(tmp_path, "01_bad", new_markdown_cell("# Bad"), raising)
    assert build.main(["--notebooks", str(tmp_path), "--output", str(tmp_path / "out")]) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last == "01_bad, cell 2: ValueError: no such picture"
    assert not (tmp_path / "out" / "index.html").exists()


def test_a_cell_that_takes_too_long_ends_the_build(tmp_path):
    write(tmp_path, "01_slow", new_code_cell("import time\ntime.sleep(60)"))
    with pytest.raises(
        build.HandoutError,
        match=r"01_slow, cell 1: nothing has moved for 1 s\. `make handout` goes on",
    ):
        build.build(tmp_path, tmp_path / "out", timeout=1)


def test_a_fault_ends_the_build_and_leaves_no_old_pages(tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / build.MARK).touch()
    (tmp_path / "out" / "index.html").write_text("yesterday's")
    write(tmp_path, "01_bad", new_markdown_cell("# Bad\n\n![](https://example.org/a.png)"))
    assert build.main(["--notebooks", str(tmp_path), "--output", str(tmp_path / "out")]) == 1
    assert "01_bad, cell 1" in capsys.readouterr().err
    assert not (tmp_path / "out" / "index.html").exists()


@pytest.mark.parametrize("name", ["thesis.pdf", "01_mine.ipynb", "page.html"])
def test_a_folder_that_no_build_has_made_is_not_cleared(tmp_path, capsys, name):
    write(tmp_path / "in", "01_tiny", new_markdown_cell("# Tiny"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")
    arguments = ["--notebooks", str(tmp_path / "in"), "--output"]
    assert build.main([*arguments, str(tmp_path / "out")]) == 1
    assert f"come from no build, such as {name}" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]
    before = (tmp_path / "in" / "01_tiny.ipynb").read_bytes()
    assert build.main([*arguments, str(tmp_path / "in")]) == 1  # nor the notebooks themselves
    assert (tmp_path / "in" / "01_tiny.ipynb").read_bytes() == before


def test_a_folder_without_notebooks_is_said(tmp_path):
    with pytest.raises(build.HandoutError, match="no notebooks"):
        build.build(tmp_path, tmp_path / "out")


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (png_output(), "no alt text"),
        (png_output(**{"image/png": {"alt": " "}}), "no alt text"),
        (html_output('<img src="data:image/png;base64,">'), "no alt text"),
        (new_markdown_cell("![](attachment:a.png)", attachments={"a.png": {"image/png": PIXEL}}),
         "no alt text"),
        (html_output('<script src="https://example.org/a.js"></script>'), "would load https://"),
        (html_output('<link rel="stylesheet" href="//example.org/a.css">'), "would load //"),
        (html_output('<img alt="a" src="http://example.org/a.png">'), "would load http://"),
        (new_markdown_cell("![a](figure.png)"), "would load figure.png"),
        (html_output('<video poster="a.jpg"></video>'), "would load a.jpg"),
        (html_output('<p style="background: url(a.png)">a</p>'), "would load a.png"),
        (frame("<style>@import 'https://example.org/a.css';</style>"), "would load https"),
        (html_output("<style>pre { line-height: 125% }</style>"), "brings a style sheet"),
        (html_output('<img alt="a" src="data:," srcset="data:,a 1x, b.png 2x">'), "load b.png"),
        (html_output('<svg aria-label="a"><image xlink:href="a.png"/></svg>'), "would load a.png"),
        (html_output('<script>import a from "https://example.org/a.js"</script>'), "load https"),
        (html_output('<script>fetch(`//example.org/a`)</script>'), "would load //example.org/a"),
        (html_output('<iframe title="a" src="https://example.org"></iframe>'), "would load https"),
        (html_output("<svg><path/></svg>"), "no alt text"),
        (html_output("<canvas></canvas>"), "no alt text"),
        (html_output('<iframe srcdoc="<p>a</p>"></iframe>'), "has no title"),
        (html_output('<iframe title=" " srcdoc="<p>a</p>"></iframe>'), "has no title"),
        (frame('<img src="https://example.org/a" alt="a">'), "would load https://example.org/a"),
        (frame('<img src="data:,">'), "no alt text"),
        (frame('<a href="#Tiny">a</a>'), "link to #Tiny is dead"),
        (frame(frame_of("<iframe></iframe>")), "has no title"),
        (html_output(f'<img alt="a" src="data:image/png;base64,{"A" * 2_100_000}">'), "1.6 MB"),
        (frame(f'<script>"data:image/png;base64,{"A" * 2_100_000}"</script>'), "has 1.6 MB"),
        (new_markdown_cell("[a](03_none.ipynb)"), "link to 03_none.html is dead"),
        (new_markdown_cell("[a](02_more.ipynb#not-there)"), "is dead"),
        (new_markdown_cell("[a](../srgan_lib/models.py)"), "is dead"),
        (new_markdown_cell("[a](#nowhere)"), "is dead"),
        (new_markdown_cell(r"$a \nosuchcommand b$"), "MathML"),
    ],
)  # fmt: skip
def test_each_fault_is_found_with_its_cell(cell, words):
    found = faults_of(new_markdown_cell("# Tiny"), cell)
    assert len(found) == 1 and words in found[0] and found[0].startswith("01_tiny, cell 2: "), found


@pytest.mark.parametrize(
    "cell",
    [
        png_output(**{"image/png": {"alt": "a pixel"}}),
        new_markdown_cell("[a](https://example.org), [b](02_more.ipynb#there), [c](#Tiny)"),
        new_markdown_cell("[a](mailto:someone@example.org)"),
        html_output('<svg aria-label="a cross"><use href="#a"/></svg>'),
        html_output("<svg><title>a cross</title></svg>"),
        html_output('<p aria-hidden="true"><svg></svg><canvas></canvas><img src="data:,"></p>'),
        html_output('<canvas aria-label="a cross"></canvas>'),
        html_output("<iframe title='t' srcdoc='<p id=a><a href=\"#a\">a</a>'></iframe>"),
        html_output("<script>const ns = 'http://www.w3.org/2000/svg';</script>"),
    ],
)
def test_what_is_no_fault(cell):
    assert faults_of(new_markdown_cell("# Tiny"), cell) == []


def test_a_page_over_its_budget_ends_the_build_with_its_heaviest_cell(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(faults, "PAGE_BUDGET", 40_000)
    cells = new_markdown_cell("# Heavy"), new_code_cell("print('a' * 30_000)")
    write(tmp_path, "01_heavy", *cells)
    assert build.main(["--notebooks", str(tmp_path), "--output", str(tmp_path / "out")]) == 1
    assert "01_heavy, cell 2: the page has 0.1 MB" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*.html"))


def test_the_alt_text_of_a_cell_serves_its_picture():
    cell = png_output()
    cell.metadata["alt"] = "a pixel"
    assert faults_of(cell) == []


def test_the_badge_becomes_a_link_and_other_chapters_stay_in_the_handout():
    link = badge("02_more.ipynb").rpartition("(")[2].rstrip(")")
    page = f"[page]({pages.WEBSITE}your_picture.html)"
    text = f"{badge('01_tiny.ipynb')}\n\n# Tiny\n\nFirst.\n\n[on]({link}), {page}"
    page = page_of(new_markdown_cell(text))
    assert page.body.find("img") is None
    assert page.body.find("a", string="Open in Colab")["href"].endswith("notebooks/01_tiny.ipynb")
    assert page.body.find("a", string="on")["href"] == "02_more.html"
    assert page.body.find("a", string="page")["href"] == "your_picture.html"
    assert (page.title, page.lead) == ("Tiny", "First.")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("$x_i * y_i$ and `$code$`", "<msub>"),
        (r"$$\min_G \max_D V$$", "<munder>"),
        (r"$$\arg\min_\theta l$$", "<mo>arg</mo>"),
        (r"$$\begin{aligned} a &= b \\ c &= d \end{aligned}$$", "<mtable"),
        (r"\begin{align} a &= b \end{align}", "<mtable"),
    ],
)
def test_formulas_are_mathml(text, wanted):
    body = page_of(new_markdown_cell(text)).body
    assert wanted in str(body.find("math")) and len(body.find_all("math")) == 1
    assert faults_of(new_markdown_cell(text)) == []


def test_inline_html_and_code_survive():
    text = "H<sub>2</sub>O\n\n```python\nfor x in y:\n    pass\n```"
    html = str(page_of(new_markdown_cell(text)).body)
    assert "H<sub>2</sub>O" in html and '<span class="k">for</span>' in html


def test_without_chromium_the_pages_are_built_and_a_line_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("SRGAN_CHROMIUM", raising=False)
    monkeypatch.setattr(browser, "NAMES", ())
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Tiny")]), tmp_path / "01_tiny.ipynb")
    build.build(tmp_path, tmp_path, executed=True)
    assert "No PDF was made. There is no Chromium: get" in capsys.readouterr().out
    index = (tmp_path / "index.html").read_text()
    assert (
        "<strong>Print:" not in index
        and "course-a4.pdf" not in index
        and not list(tmp_path.glob("*.pdf"))
    )


def test_solutions_are_folded_and_neighbors_together():
    solution = {"tags": ["solution"]}
    page = page_of(
        new_markdown_cell("# Tiny\n\nHow much is 2 + 2?"),
        new_markdown_cell("It is the same as 4.", metadata=solution),
        new_code_cell("2 + 2", metadata=solution),
        new_markdown_cell("And 3 + 3?"),
        new_code_cell("3 + 3", metadata=solution),
    )
    first, second = page.body.select("details.solution")
    assert not first.has_attr("open") and first.summary.get_text() == "Solution"
    assert [first.get_text().count(words) for words in ("same as 4", "2 + 2", "And")] == [1, 1, 0]
    assert "3 + 3" in second.get_text() and "And 3" not in page.body.select("details")[1].get_text()


def test_checks_of_the_prose_are_folded_whole_and_figures_keep_their_picture():
    check = new_code_cell(
        "# @title Check: two and two are four\nassert 2 + 2 == 4",
        metadata={"tags": ["prose-check"]},
        outputs=[new_output("stream", text="so it is")],
    )
    drawn = png_output(**{"image/png": {"alt": "a pixel"}})
    drawn.update(source="# @title Figure: a pixel\nshow(x)", metadata={"tags": ["figure"]})
    untitled = new_code_cell("assert x", metadata={"tags": ["prose-check"]})
    page = page_of(new_markdown_cell("# Tiny"), check, drawn, untitled)
    folded = page.body.select("details")
    assert [fold.summary.get_text() for fold in folded] == [
        "Check: two and two are four", "Figure: a pixel", "Code",
    ]  # fmt: skip
    assert not any(fold.has_attr("open") for fold in folded)
    assert "assert 2 + 2" in folded[0].get_text() and "so it is" in folded[0].get_text()
    assert "show" in folded[1].get_text() and not folded[1].find("img")
    assert page.body.select_one(".celltag_figure img")["alt"] == "a pixel"
    assert page.numbers["cell-id=" + check.id] == 2  # faults still name the cell


def test_a_companion_is_linked_within_the_handout():
    page = page_of(new_markdown_cell("# Tiny\n\n[deeper](02b_more.ipynb#there)"))
    assert page.body.find("a", string="deeper")["href"] == "02b_more.html#there"


def test_what_a_check_says_is_folded_with_its_solution_and_no_other_check_is():
    check = {"tags": ["check"]}
    said = [new_output("stream", text="1.1: right. 256 unknowns")]
    page = page_of(
        new_code_cell("x = 256", metadata={"tags": ["solution"]}),
        new_code_cell("check(x)", metadata=check, outputs=said),
        new_markdown_cell("And yours?"),
        new_code_cell("check(y)", metadata=check),
    )
    (solution,) = page.body.select("details")
    assert "256 unknowns" in solution.get_text() and not solution.has_attr("open")
    assert page.body.get_text().count("256 unknowns") == 1
    assert "check(y)" in page.body.get_text() and "check(y)" not in solution.get_text()


def test_a_live_widget_is_left_out_unless_it_brings_html():
    view = {pages.WIDGET: {"model_id": "1"}, "text/plain": "IntSlider()"}
    bare = new_output("display_data", data=dict(view))
    with_html = new_output("display_data", data={**view, "text/html": "<p>a slider</p>"})
    body = str(page_of(new_code_cell("x", outputs=[bare, with_html])).body)
    assert "IntSlider" not in body and "a slider" in body and "<script" not in body


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s")]
)
def test_durations_are_said_as_a_reader_would(seconds, words):
    assert layout.duration(seconds) == words


def test_the_repositorys_own_pages_are_in_the_handout_with_links_that_lead_somewhere():
    made = {page.name: page for page in documents.documents(["03_srresnet_pretraining"])}
    assert made.keys() == {"glossary", "results", "teaching"}
    assert made["glossary"].title == "Glossary and symbols"
    links = {link["href"] for link in made["teaching"].body.find_all("a", href=True)}
    assert {"03_srresnet_pretraining.html", "glossary.html"} <= links
    assert any(link.endswith("/blob/main/notebooks/01_problem_formulation.ipynb") for link in links)
    pictures = made["results"].body.find_all("img")
    assert pictures and all(p["src"].startswith("data:image/png;base64,") for p in pictures)
    anchors = {f"{name}.html": {tag["id"] for tag in page.body.find_all(id=True)}
               for name, page in made.items()}  # fmt: skip
    anchors |= {"03_srresnet_pretraining.html": set(), "index.html": set()}
    assert [fault for page in made.values() for fault in faults.faults(page, anchors)] == []


def test_a_picture_of_the_index_has_the_size_at_which_it_is_shown():
    data = (ROOT / "data" / "samples" / "validation" / "pagoda.jpg").read_bytes()
    small = index.thumbnail(data, 256, 224)
    assert (small["width"], small["height"]) == (256, 170) and len(small["src"]) < 80_000
    assert index.thumbnail(b64decode(PIXEL), 256, 224)["width"] == 1


def test_an_empty_corner_of_a_table_is_no_header():
    body = page_of(new_markdown_cell("| | b |\n|---|---|\n| c | d |")).body
    assert [cell.get_text() for cell in body.find_all("th")] == ["b"]
    assert body.select_one("thead td").get_text() == ""


def test_time_and_colab_are_those_of_the_first_cell():
    text = f"{badge('01_tiny.ipynb')}\n\n# Tiny\n\n**Time**: a minute or 2.5, on two cores. More."
    entry = index.entry(page_of(new_markdown_cell(text)))
    assert entry.time == "a minute or 2.5, on two cores"
    assert entry.colab.endswith("/notebooks/01_tiny.ipynb") and entry.picture is None
    assert index.entry(page_of(new_markdown_cell("# Tiny"))).time == ""


def test_the_text_to_search_in_is_that_of_each_section():
    page = page_of(
        new_markdown_cell("# Tiny\n\nFirst *words*."),
        new_markdown_cell("## The *end*\n\nLast $x$."),
        png_output(alt="a"),
        new_code_cell("code = 1", outputs=[new_output("stream", text="printed")]),
    )
    first, last = index.searchable([page])
    assert first == {
        "page": "Tiny", "title": "Tiny", "href": "01_tiny.html", "text": "First words.",
    }  # fmt: skip
    assert (last["title"], last["href"]) == ("The end", "01_tiny.html#The-end")
    assert last["text"] == "Last x. x code = 1"


@pytest.mark.skipif(browser.find_chromium() is None, reason=f"no Chromium: {browser.ADVICE}")
def test_the_index_finds_sections_from_a_file(tmp_path):
    page = page_of(
        new_markdown_cell("# Tiny\n\nAbout </script> and pictures."),
        new_markdown_cell("## Pixel shuffle\n\nFour channels."),
    )
    (tmp_path / "index.html").write_text(layout.Layout([page]).index({}), encoding="utf-8")
    (tmp_path / "01_tiny.html").write_text("<h2 id='Pixel-shuffle'>there</h2>")
    with browser.open_browser() as opened, opened.new_page() as tab:
        errors = []
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto((tmp_path / "index.html").as_uri())
        tab.get_by_label("Search all chapters").fill("CHANNELS pix")
        assert tab.inner_text("#found-count") == "1 section"
        assert tab.locator("#found mark").all_inner_texts() == ["channels"]
        tab.get_by_label("Search all chapters").fill("</script> (")
        assert tab.inner_text("#found-count") == "No sections"
        tab.get_by_label("Search all chapters").fill("shuffle")
        tab.click("#found a")
        assert tab.url.endswith("01_tiny.html#Pixel-shuffle") and errors == []


def test_a_cell_that_shows_that_it_goes_on_may_take_its_time(tmp_path):
    steps = "import time\nfor step in range(5):\n    print(step, flush=True)\n    time.sleep(0.6)"
    write(tmp_path, "01_slow", new_code_cell(steps))
    executed, seconds = build.execute(tmp_path / "01_slow.ipynb", timeout=2)
    assert seconds > 3 and executed.cells[-1].outputs[0].text.split() == list("01234")
