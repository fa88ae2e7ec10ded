"""Formulas as MathML that Chromium, Firefox and Safari show as TeX would."""

import re
import unicodedata
from contextlib import suppress

from bs4 import BeautifulSoup, Tag
from latex2mathml import converter

# mathvariant -> what Unicode calls these letters. Chromium knows no variant but "normal".
ALPHABETS = {
    "bold": "BOLD", "italic": "ITALIC", "bold-italic": "BOLD ITALIC",
    "script": "SCRIPT", "bold-script": "BOLD SCRIPT",
    "fraktur": "FRAKTUR", "bold-fraktur": "BOLD FRAKTUR", "double-struck": "DOUBLE-STRUCK",
    "sans-serif": "SANS-SERIF", "bold-sans-serif": "SANS-SERIF BOLD",
    "sans-serif-italic": "SANS-SERIF ITALIC", "sans-serif-bold-italic": "SANS-SERIF BOLD ITALIC",
    "monospace": "MONOSPACE",
}  # fmt: skip
THIN = "0.167em"
FENCES = set(")]}|")  # closing ones, after which TeX puts a thin space before a function


def mathml(tex: str, display: str) -> str:
    """A formula as MathML; `display` is "inline" or "block"."""
    # What the converter lacks or does otherwise than MathJax, which shows the same cell in Jupyter.
    tex = re.sub(r"\\arg\b", r"\\operatorname{arg}", tex)
    tex = re.sub(r"\\(begin|end)\{align(ed)?\}", r"\\\1{align*}", tex)
    if display == "block":
        tex = re.sub(r"\\(min|max)(?=\s*_)", r"\\\1\\limits", tex)
    soup = BeautifulSoup(converter.convert(tex, display=display), "html.parser")
    for tag in soup.find_all(mathvariant=list(ALPHABETS)):
        alphabet = ALPHABETS[tag["mathvariant"]]
        letters = [_letter(sign, alphabet) for sign in tag.get_text()]
        if all(letters):
            tag.string = "".join(letters)
            del tag["mathvariant"]
    for name in soup.find_all("mi", string=re.compile(r"^[a-z]{2,}$")):
        _space(soup, name)
    return str(soup)


def _letter(sign: str, alphabet: str) -> str | None:
    """The letter or digit of that alphabet, None if Unicode has none."""
    words = unicodedata.name(sign, "").split()
    if words[:1] == ["DIGIT"]:
        letter = " ".join(words)
    elif words[:1] in (["LATIN"], ["GREEK"]) and "LETTER" in words:
        letter = " ".join(words[1:2] + words[3:])  # "LATIN CAPITAL LETTER L" -> "CAPITAL L"
    else:
        return None
    # Letters that Unicode had before the others have names of their own.
    older = {"FRAKTUR": "BLACK-LETTER"}.get(alphabet, alphabet)
    for name in (f"MATHEMATICAL {alphabet} {letter}", f"{older} {letter}"):
        with suppress(KeyError):
            return unicodedata.lookup(name)
    return "\u210e" if (sign, alphabet) == ("h", "ITALIC") else None


def _space(soup: BeautifulSoup, function: Tag) -> None:
    """Part a function's name, such as log, from what stands beside it: MathML does not."""
    while function.parent.name in ("msub", "msup", "msubsup") and not function.previous_sibling:
        function = function.parent
    before, after = function.find_previous_sibling(True), function.find_next_sibling(True)
    first = after.find(True) if after and after.name == "mrow" else after
    if first and first.name not in ("mo", "mspace"):  # a fence stands close to it
        function.insert_after(soup.new_tag("mspace", width=THIN))
    if before and (before.name not in ("mo", "mspace") or before.get_text() in FENCES):
        function.insert_before(soup.new_tag("mspace", width=THIN))
