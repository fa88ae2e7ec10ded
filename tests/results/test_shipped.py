"""The networks that come with the course still are what their cards and RESULTS.md say."""

import json
import re

import pytest

from srgan_lib.cli import parser as cli
from srgan_lib.cli import train
from srgan_lib.results import build, degraded
from srgan_lib.results.card_picture import picture_of
from srgan_lib.results.card_text import GRID
from srgan_lib.results.cards import check_card, read_card
from srgan_lib.results.page import render_results
from srgan_lib.results.scores import quick_score
from srgan_lib.results.targets import COLOR_SHIFT, CONSISTENCY
from srgan_lib.system.files import SHIPPED
from srgan_lib.weights import load_generator

FILES = sorted(SHIPPED.glob("*.safetensors"))


@pytest.mark.parametrize("weights", FILES, ids=lambda path: path.stem)
def test_the_card_is_current(weights):
    check_card(weights)
    assert read_card(weights)["name"] == weights.stem


@pytest.mark.parametrize("weights", FILES, ids=lambda path: path.stem)
def test_the_network_scores_what_its_card_says(weights):
    assert quick_score(load_generator(weights)) == pytest.approx(
        read_card(weights)["quick"], abs=0.02
    )


@pytest.mark.parametrize("name", ["srresnet", "srgan", "srresnet-photo", "srgan-photo"])
def test_what_is_for_use_keeps_the_colors_and_shows_no_grid(name):
    for scores in read_card(SHIPPED / f"{name}.safetensors")["scores"].values():
        assert scores["worst_color_shift"] <= COLOR_SHIFT
        assert scores["checkerboard"] < GRID
        if name == "srresnet":
            assert scores["consistency"] >= CONSISTENCY


@pytest.mark.parametrize("weights", FILES, ids=lambda path: path.stem)
def test_the_command_on_the_card_can_be_typed(weights, monkeypatch):
    """With the options that the card says are missing, or it would be another training."""
    page = weights.with_suffix(".md").read_text(encoding="utf-8")
    line = re.search(r"\| command \| `python -m srgan_lib (.*)`, and (.*) with your own", page)
    seen = []
    monkeypatch.setattr(train, "run", seen.append)
    own = [f"{option}=mine" for option in re.findall(r"--[a-z-]+", line[2])]
    assert cli.main([*line[1].split(), *own]) == 0
    assert seen[0].out == "mine" and seen[0].data == ["mine"] and seen[0].init
    assert bool(read_card(weights)["vgg"]) == (seen[0].vgg != "auto")


def test_the_files_are_small_enough_for_git():
    sizes = [path.stat().st_size for path in FILES]
    assert max(sizes) <= 8_000_000 and sum(sizes) <= 32_000_000


def test_the_table_behind_four_d_is_of_these_networks():
    networks = json.loads(degraded.OUTPUT.read_text(encoding="utf-8"))["networks"]
    assert networks.keys() == {"bicubic", *degraded.PICKED}
    for name in degraded.PICKED:
        assert networks[name]["sha256"] == degraded.weights_hash(load_generator(name))


def test_the_page_of_results_is_current():
    page = (build.ROOT / "RESULTS.md").read_text(encoding="utf-8")
    assert page == render_results(**build.collect())


def test_the_readmes_scores_are_those_of_the_cards():
    text = build.README.read_text(encoding="utf-8")
    assert text == build.with_scores(text, **build.collect())
    for name in ("srresnet", "srgan"):
        scores = json.loads((SHIPPED / f"{name}.json").read_text(encoding="utf-8"))["scores"]
        line = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        assert f"| {scores['Set5']['psnr_y']:.2f} |" in line


def test_every_link_of_the_page_of_results_leads_to_a_file():
    page = (build.ROOT / "RESULTS.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert len(links) > 10 and all((build.ROOT / link).is_file() for link in links)


@pytest.mark.parametrize("weights", FILES, ids=lambda path: path.stem)
def test_the_picture_on_the_card_was_made_by_these_weights(weights):
    picture = weights.with_suffix(".jpg")
    assert picture.name in weights.with_suffix(".md").read_text(encoding="utf-8")
    assert picture_of(picture) == read_card(weights)["sha256"]
    assert picture.stat().st_size < 100_000


def test_the_pictures_were_made_by_these_networks():
    drawn = json.loads((build.RESULTS / "pictures.json").read_text(encoding="utf-8"))["networks"]
    shipped = {path.stem: read_card(path)["sha256"] for path in FILES}
    assert drawn == {name: shipped[name] for name in build.PICTURED if name in shipped}
