"""All networks by one call, in the smoke profile: from nothing to RESULTS.md, and shipped."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from synthetic import make_vgg_thin

from srgan_lib import data
from srgan_lib.errors import ConfigError, TrainingError, WeightsError
from srgan_lib.results import build, cards, ship
from srgan_lib.results.card_text import scores_row
from srgan_lib.results.pictures import STRIPS
from srgan_lib.results.reproduce import reproduce
from srgan_lib.training import Trainer
from srgan_lib.weights import WEIGHTS

pytestmark = [
    pytest.mark.filterwarnings("ignore:vgg.* has random weights"),
    pytest.mark.usefixtures("thin_vgg"),
]


@pytest.fixture(scope="module")
def hr(tmp_path_factory, pictures):
    """A folder with validation photographs of 64x64 instead of the embedded ones."""
    folder = tmp_path_factory.mktemp("samples")
    (folder / "validation").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "SAMPLES", folder)
        make_vgg_thin(patch)  # for what is trained once, too: a training keeps its VGG
        for name, picture in zip(STRIPS, pictures, strict=True):
            Image.fromarray(picture).save(folder / "validation" / f"{name}.png")
            patch.setitem(STRIPS, name, ((8, 8, 32, 24), (16, 16, 8, 6), "noise"))
        yield folder / "validation"


@pytest.fixture(scope="module")
def run(hr, pictures):
    def call(out, *variants, **changes):
        arguments = {
            "profile": "smoke",
            "pictures": pictures,
            "about_data": "Noise, free of rights.",
            "sets": {"tiny": hr},
            "vgg": "random",
            "progress": False,
        }
        return reproduce(out, variants, **{**arguments, **changes})

    return call


@pytest.fixture(scope="module")
def finished(run, tmp_path_factory):
    """A reproduction of srgan, for which srresnet had to be trained first."""
    out = tmp_path_factory.mktemp("out")
    run(out, "srgan")
    return out


@pytest.fixture
def out(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "out")


def no_step(*_):
    raise AssertionError("a step was trained")


def test_cards_say_how_each_network_was_made(finished):
    srresnet, srgan = (cards.read_card(finished / n / WEIGHTS) for n in ("srresnet", "srgan"))
    assert (srresnet["name"], srresnet["steps"], srresnet["init"]) == ("srresnet", 4, None)
    told = ("name", "sha256", "steps", "minutes", "device", "init")
    assert srgan["init"] == {key: srresnet[key] for key in told}
    assert srgan["sha256"] == cards.file_hash(finished / "srgan" / WEIGHTS)
    assert srgan["data"] == {"pictures": 3, "about": "Noise, free of rights."}
    assert "--variants srgan --profile smoke" in srgan["command"]
    assert srgan["scores"].keys() == {"tiny", "validation"} == srgan["bicubic"].keys()
    assert [row["step"] for row in srgan["history"]] == [1, 2, 3]


def test_the_card_says_which_precision_was_asked_for(run, tmp_path):
    run(tmp_path, "srresnet", precision="bfloat16")
    card = cards.read_card(tmp_path / "srresnet" / WEIGHTS)
    assert card["command"].endswith("--precision bfloat16")
    assert card["device"].endswith("bfloat16")


def test_the_page_has_their_scores(finished):
    page = (finished / "RESULTS.md").read_text(encoding="utf-8")
    for name in ("srresnet", "srgan"):
        score = cards.read_card(finished / name / WEIGHTS)["scores"]["tiny"]
        assert f"| `{name}` | {' | '.join(scores_row(score))} |" in page
    for picture in (*STRIPS, "quality-over-minutes"):
        assert f"(results/{picture}.png)" in page
        assert (finished / "results" / f"{picture}.png").exists()


def test_strips_show_the_original_pixel_for_pixel(finished, pictures):
    strip = np.array(Image.open(finished / "results" / "red_panda.png").convert("RGB"))
    assert np.array_equal(strip[22 : 22 + 24, -32:], pictures[0][8:32, 8:40])
    assert np.array_equal(
        strip[-24:, -32:], pictures[0][16:22, 16:24].repeat(4, axis=0).repeat(4, axis=1)
    )


def test_nothing_is_trained_twice(run, out, monkeypatch, capsys):
    before = (out / "RESULTS.md").read_text(encoding="utf-8")
    monkeypatch.setattr(Trainer, "update", no_step)
    run(out, "bicubic", "srgan")
    assert (out / "RESULTS.md").read_text(encoding="utf-8") == before
    assert "srgan: finished already" in capsys.readouterr().out


def test_a_missing_card_is_written_again_without_training(run, out, monkeypatch):
    card = cards.read_card(out / "srresnet" / WEIGHTS)
    (out / "srresnet" / "generator.json").unlink()
    monkeypatch.setattr(Trainer, "update", no_step)
    run(out, "srresnet")
    assert cards.read_card(out / "srresnet" / WEIGHTS)["scores"] == card["scores"]


def test_more_steps_go_on_from_the_checkpoint(run, out, monkeypatch):
    steps = []
    monkeypatch.setattr(Trainer, "_log", lambda trainer, *_: steps.append(trainer.step))
    run(out, "srresnet", steps=6)
    assert steps == [5, 6] and cards.read_card(out / "srresnet" / WEIGHTS)["steps"] == 6


def test_other_pictures_are_neither_finished_nor_gone_on_with(run, out, pictures):
    before = (out / "srresnet" / WEIGHTS).read_bytes()
    with pytest.raises(TrainingError, match="was trained on other pictures"):
        run(out, "srresnet", pictures=[picture[::-1] for picture in pictures])
    assert (out / "srresnet" / WEIGHTS).read_bytes() == before


def test_a_start_is_not_trained_on_for_the_one_that_needs_it(run, out):
    before = cards.read_card(out / "srresnet" / WEIGHTS)["sha256"]
    run(out, "srgan", steps=5)
    assert cards.read_card(out / "srresnet" / WEIGHTS)["sha256"] == before
    assert cards.read_card(out / "srgan" / WEIGHTS)["init"]["sha256"] == before


def test_one_that_fails_does_not_stop_the_others(run, tmp_path):
    def diverge(trainer):
        if trainer.recipe.name == "srresnet-mse":
            raise TrainingError("The loss is nan.")

    with pytest.raises(TrainingError, match="Of 3 variants 2 failed") as caught:
        run(tmp_path, "srgan-mse", "srresnet", on_log=diverge)
    assert "srresnet-mse: The loss is nan" in str(caught.value)
    assert "srgan-mse: it starts from srresnet-mse" in str(caught.value)
    assert cards.read_card(tmp_path / "srresnet" / WEIGHTS)["steps"] == 4
    assert "| `srresnet-mse` |" in (tmp_path / "RESULTS.md").read_text(encoding="utf-8")


def test_weights_without_a_checkpoint_are_not_overwritten(run, out):
    (out / "srresnet" / "checkpoint.pt").unlink()
    (out / "srresnet" / "checkpoint.pt.previous").unlink(missing_ok=True)
    with pytest.raises(TrainingError, match="without the checkpoint"):
        run(out, "srresnet", steps=9)


def test_an_unknown_variant_is_refused_before_the_work(run, tmp_path):
    with pytest.raises(ConfigError, match="Unknown recipe 'none'"):
        run(tmp_path / "out", "srresnet", "none")
    assert not (tmp_path / "out").exists()


def test_ship(out, tmp_path):
    shipped, kept = tmp_path / "weights", tmp_path / "results"
    ship.ship(out, ["srgan"], shipped, kept)
    cards.check_card(shipped / "srgan.safetensors")
    assert json.loads((kept / "srresnet.json").read_text())["name"] == "srresnet"
    ship.ship(out, ["srresnet"], shipped, kept)
    assert sorted(path.name for path in kept.iterdir()) == ["bicubic.json"]
    page = build.write_results(tmp_path / "R.md", shipped.glob("*.safetensors"), kept)
    assert "`srgan`" in page.read_text(encoding="utf-8")


def test_ship_refuses_large_files_and_old_cards(out, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(WeightsError, match="may be shipped"):
        patch.setattr(ship, "LARGEST", 1000)
        ship.ship(out, ["srgan"], tmp_path / "weights", tmp_path / "results")
    with (out / "srgan" / WEIGHTS).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(WeightsError, match="not the file that its card describes"):
        ship.ship(out, ["srresnet", "srgan"], tmp_path / "weights", tmp_path / "results")
    assert not (tmp_path / "weights").exists()
