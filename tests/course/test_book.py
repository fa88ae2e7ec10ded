"""The handout in Chromium: pages as a phone and a printer see them. Needs a browser."""

import io
from base64 import b64encode
from html import escape

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from pypdf import PdfReader

from srgan_lib.course.handout import book, browser, faults, layout, pages
from srgan_lib.course.notebooks import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"
# Its height is known only in the browser, and differs on paper.
SLIDER = """<!doctype html><title>slider</title><style>p { height: 300px; margin: 0 }
@media print { p { height: 700px } }</style><p>above<p>THE END"""
BAD = (
    "fetch('http:' + '//example.org').catch(() => 1)",
    "document.body.append(new Image(9, 9))",
    "nowhere()",
)


@pytest.fixture(scope="module")
def chromium():
    if browser.find_chromium() is None:
        pytest.skip(f"no Chromium: {browser.ADVICE}")
    with browser.open_browser() as opened:
        yield opened


def frame(page):
    html = f'<iframe title="a slider" style="height: 99px" srcdoc="{escape(page)}"></iframe>'
    return new_code_cell("x", outputs=[new_output("display_data", data={"text/html": html})])


def rendered(*notebooks):
    return [
        pages.render(f"0{n}_tiny", new_notebook(cells=list(cells)))
        for n, cells in enumerate(notebooks, start=1)
    ]


LONG = new_markdown_cell("word " * 4000)
CHAPTERS = (
    [new_markdown_cell("# First: \"quoted\"\n\nLead.\n\n## 1.1 One\n\n[on](02_tiny.ipynb#Two)"),
     frame(SLIDER), LONG],
    [new_markdown_cell("# Second\n\nWhy.\n\n" + "word " * 2000),
     new_markdown_cell("## Two\n\nEnd of two.\n\n" + "word " * 900),
     new_markdown_cell(
         "### Exercise 2.1: seven\n\nHow many?\n\n"
         "<details><summary>Hint</summary>\n\nCount $x$ dwarfs.\n\n</details>"
     ),
     new_code_cell("secret = 7", metadata={"tags": ["solution"]}),
     new_code_cell("check", metadata={"tags": ["check"]},
                   outputs=[new_output("stream", text="2.1: right. As many as days.")]),
     new_markdown_cell(
         "## Questions\n\n**1.** Why?\n\n<details><summary>Answer</summary>\n\nBecause: see "
         "[one](01_tiny.ipynb#1.1-One).\n\n</details>\n\n**2.** When?\n\n"
         "<details><summary>Answer</summary>\n\nAlways.\n\n</details>"
     )],
)  # fmt: skip


@pytest.mark.parametrize(("paper", "size"), [("A4", (595, 842)), ("Letter", (612, 792))])
def test_the_pdf_has_the_right_page_numbers_and_all_of_a_frame(chromium, tmp_path, paper, size):
    file = tmp_path / "book.pdf"
    book.print_book(layout.Layout(rendered(*CHAPTERS)), chromium, file, paper)
    reader = PdfReader(file)
    texts = [" ".join(page.extract_text().split()) for page in reader.pages]
    assert tuple(round(float(side)) for side in reader.pages[0].mediabox[2:]) == size
    assert reader.metadata.title == layout.GLOBALS["title"] and texts[0].count("maintainers") == 1
    for words, begins in (("1.1 One", "1.1 One on"), ("Two", "Two End of two.")):
        place = next(n for n, text in enumerate(texts, start=1) if begins in text)
        assert f"{words} {place} " in f"{texts[1]} ", (words, place, texts[1])
        chapter = 'First: "quoted"' if words == "1.1 One" else "Second"
        assert texts[place - 1].startswith(f"{chapter} {place} ")  # head and foot of that page
    assert any("THE END" in text for text in texts)  # 700 pixels of a frame that began with 99
    titles = [item.title for item in reader.outline if not isinstance(item, list)]
    assert titles[-4:] == ["Second", "Hints", "Solutions", "Answers"]


def test_hints_solutions_and_answers_stand_at_the_back_and_are_marked(chromium, tmp_path):
    file = tmp_path / "book.pdf"
    book.print_book(layout.Layout(rendered(*CHAPTERS)), chromium, file, "A4")
    texts = [" ".join(page.extract_text().split()) for page in PdfReader(file).pages]
    exercise = next(n for n, text in enumerate(texts) if "How many?" in text and n > 1)
    for title, words in {
        "Hints": ["Second", "Exercise 2.1: seven", "dwarfs"],
        "Solutions": ["Exercise 2.1: seven", "secret", "2.1: right. As many as days."],
        "Answers": ["Question 1", "Because: see one", "Question 2", "Always."],
    }.items():
        (number,) = [n for n, text in enumerate(texts) if n > 1 and words[-1] in text]
        assert number > exercise and texts[number].startswith(f"{title} {number + 1} {title} ")
        assert [texts[number].count(word) > 0 for word in words] == [True] * len(words)
        assert f"{title[:-1]}: page {number + 1} " in " ".join([*texts[exercise:number], ""])
        assert f"{title} {number + 1} " in f"{texts[1]} "  # in the contents


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([frame(f"<script>{BAD[0]}</script>")], "asks for"),
        ([frame(f"<body><script>{BAD[1]}</script>")], "1 pictures without alt text"),
        ([frame(f"<script>{BAD[2]}</script>")], "a script that fails"),
        ([new_markdown_cell('<p style="width: 900px">a</p>')], "pixels wide on a phone"),
    ],
)
def test_what_only_a_browser_sees_is_a_fault(chromium, tmp_path, cells, words):
    (page,) = rendered([new_markdown_cell("# Tiny"), *cells])
    (tmp_path / "01_tiny.html").write_text(layout.Layout([page]).page(page), "utf-8")
    found = list(faults.faults_shown(page, tmp_path, chromium))
    assert len(found) == 1 and words in found[0], found
    assert found[0].startswith("01_tiny, cell 2: " if "asks" in words or "alt" in words else "01_")


def test_a_good_page_has_no_fault_and_its_contents_stay_at_hand(chromium, tmp_path):
    made = rendered(*CHAPTERS)
    arranged = layout.Layout(made)
    for page in made:
        (tmp_path / f"{page.name}.html").write_text(arranged.page(page), "utf-8")
        assert list(faults.faults_shown(page, tmp_path, chromium)) == []
    (tmp_path / "index.html").write_text(arranged.index({}), "utf-8")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for width in (390, 1280):
        for scheme, light in (("light", True), ("dark", False)):
            tab = chromium.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            for name in ("index", "01_tiny", "02_tiny"):
                tab.goto((tmp_path / f"{name}.html").as_uri())
                tab.screenshot(path=SCREENSHOTS / f"tiny-{name}-{width}-{scheme}.png")
            ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (ground == "rgb(255, 255, 255)") == light
            tab.evaluate("scrollTo(0, document.body.scrollHeight)")
            if width == 390:
                tab.get_by_text("Contents", exact=True).click()
            link = tab.locator(".contents a", has_text="Two")
            assert (
                tab.evaluate("document.querySelector('.contents').getBoundingClientRect().top") < 60
            )
            link.click()
            assert tab.evaluate("location.hash") == "#Two"
            assert 0 <= tab.locator("#Two").bounding_box()["y"] < 200
            tab.close()


def test_what_paper_cannot_do_is_linked_on_the_web():
    cell = new_markdown_cell("# One")
    one, two = (pages.render(name, new_notebook(cells=[cell])) for name in ("01_one", "02_two"))
    hrefs = ("your_picture.html", "02_two.html", "#One")
    links = [book._inside(href, one, [one, two]) for href in hrefs]
    assert links == [
        f"{pages.WEBSITE}your_picture.html", "#chapter-02_two", "#chapter-01_one-One",
    ]  # fmt: skip


def measure(chromium, tmp_path, width, script, *cells):
    """What a script says of the page of these cells in a window of that width."""
    (page,) = rendered([new_markdown_cell("# Tiny"), *cells])
    (tmp_path / "01_tiny.html").write_text(layout.Layout([page]).page(page), "utf-8")
    with chromium.new_page(viewport={"width": width, "height": 800}) as tab:
        tab.goto((tmp_path / "01_tiny.html").as_uri())
        return tab.evaluate(script)


@pytest.mark.parametrize("width", [390, 1280])
def test_what_a_cell_prints_is_wrapped_and_not_cut_off(chromium, tmp_path, width):
    said = "get https://example.org/" + "a" * 150 + " and put it where the others are"
    outputs = [new_output("stream", text=said), new_output("stream", name="stderr", text=said),
               new_output("execute_result", data={"text/plain": said})]  # fmt: skip
    cut = """() => [...document.querySelectorAll('main .output pre')].map(
        (e) => [e, e.parentElement].some((x) => x.scrollWidth > x.clientWidth))"""
    cell = new_code_cell("x", outputs=outputs)
    assert measure(chromium, tmp_path, width, cut, cell) == [False] * 3


def test_a_line_of_a_hundred_signs_fits_a_laptop_and_all_lines_have_one_height(chromium, tmp_path):
    code = "def f(x):  # " + "→" * 87 + "\n    return None  # bold: class, not\nx\na × θ̂"
    fits = """() => { const e = document.querySelector('main .input pre');
        return [e.scrollWidth <= e.clientWidth, e.clientHeight / 4,
                parseFloat(getComputedStyle(e).lineHeight)] }"""
    line = "x" * 99
    assert measure(chromium, tmp_path, 1280, fits, new_code_cell(f"{line}\n\n\n1"))[0]
    _, height, wanted = measure(chromium, tmp_path, 1280, fits, new_code_cell(code))
    assert height == pytest.approx(wanted, abs=0.5)


@pytest.mark.parametrize(
    ("size", "shown"), [((1200, 300), 900), ((900, 800), 675), ((300, 200), 300)]
)
def test_titles_of_figures_can_be_read_on_a_phone(chromium, tmp_path, size, shown):
    """A figure is at least 0.75 of its size, and so are its titles of 14 pixels; it is swiped."""
    buffer = io.BytesIO()
    Image.new("L", size).save(buffer, "PNG")
    data = {"image/png": b64encode(buffer.getvalue()).decode()}
    output = new_output("display_data", data=data, metadata={"image/png": {"alt": "gray"}})
    width = """() => [document.querySelector('.output img').clientWidth,
        document.documentElement.scrollWidth]"""
    seen, page = measure(chromium, tmp_path, 390, width, new_code_cell("x", outputs=[output]))
    assert seen == pytest.approx(shown, abs=1) and page <= 390
