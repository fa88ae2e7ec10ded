"""Formulas as MathML: letters that every browser shows, and names of functions that stand apart."""

import re

import pytest
from bs4 import BeautifulSoup

from srgan_lib.course.handout.formulas import ALPHABETS, THIN, mathml


def parsed(tex):
    return BeautifulSoup(mathml(tex, "inline"), "html.parser")


@pytest.mark.parametrize(
    ("tex", "letters"),
    [
        (r"\mathcal L", "ℒ"), (r"\mathcal{L}_{Gen}", "ℒGen"), (r"\mathcal D", "𝒟"),
        (r"\mathbb E_{x}", "𝔼x"), (r"\mathbb{R}", "ℝ"), (r"\mathbb{1}", "𝟙"),
        (r"\mathbf{x}", "𝐱"), (r"\boldsymbol{\theta}", "𝜽"), (r"\mathsf{T}", "𝖳"),
        (r"\mathfrak{C}", "ℭ"), (r"\mathfrak g", "𝔤"), (r"\mathtt{a1}", "𝚊𝟷"),
    ],
)  # fmt: skip
def test_alphabets_are_letters_of_unicode(tex, letters):
    """Chromium ignores `mathvariant` for all but upright letters."""
    soup = parsed(tex)
    assert soup.get_text() == letters
    assert not soup.find_all(mathvariant=list(ALPHABETS))


def test_upright_letters_and_signs_without_another_alphabet_stay():
    soup = parsed(r"\mathrm{clip} + \mathbf{+}")
    assert [tag["mathvariant"] for tag in soup.find_all(mathvariant="normal")] == ["normal"] * 4
    assert soup.get_text() == "clip++"


@pytest.mark.parametrize(
    ("tex", "spaced"),
    [
        (r"\log D", "log|D"), (r"\log_{10} x", "log10|x"), (r"2\log x", "2|log|x"),
        (r"\log(1-D)", "log(1−D)"), (r"\log{(x)}", "log(x)"), (r"(a)\exp b", "(a)|exp|b"),
        (r"-\sin x", "−sin|x"), (r"x=\ln y", "x=ln|y"), (r"\log\frac{1}{2}", "log|12"),
        (r"\sin^2 x", "sin2|x"), (r"\mathbb{E}[\log D(x)]", "𝔼[log|D(x)]"),
        (r"\frac{\log x}{\log y}", "log|xlog|y"),
    ],
)  # fmt: skip
def test_a_thin_space_parts_a_function_from_its_neighbors(tex, spaced):
    soup = parsed(tex)
    for space in soup.find_all("mspace"):
        assert space["width"] == THIN
        space.string = "|"
    assert re.sub(r"\s", "", soup.get_text()) == spaced
