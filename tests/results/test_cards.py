"""Model cards belong to their weights and say what is known about them."""

import copy

import pytest
from PIL import Image

from srgan_lib.errors import WeightsError
from srgan_lib.models import Generator
from srgan_lib.results import card_picture, cards
from srgan_lib.results.card_text import devices, figure, render_card, start
from srgan_lib.system.files import write_json
from srgan_lib.training import Trainer
from srgan_lib.weights import WEIGHTS, save_weights, weights_info

SCORES = {
    "psnr_y": 28.431,
    "ssim_y": 0.8105,
    "ssim_daala": 0.82114,
    "lpips": None,
    "psnr_rgb": 26.7,
    "color_shift": 0.1,
    "worst_color_shift": 0.2,
    "consistency": 41.0,
    "worst_consistency": 39.0,
    "checkerboard": -3.0,
    "pictures": 5,
}


@pytest.fixture
def weights(tmp_path, tiny, pool, monkeypatch):
    monkeypatch.setattr(cards, "quick_score", lambda generator: 21.5)
    trainer = Trainer(tiny("srresnet"), pool, tmp_path)
    trainer.run(progress=False)
    path = tmp_path / "generator.safetensors"
    history = [{"step": n, "minutes": n / 10, "psnr_y": 20 + n / 100} for n in range(1, 101)]
    scores = {"Set5": SCORES}
    cards.write_card(
        path, "srresnet", about_data="Noise.", scores=scores, bicubic=scores, history=history
    )
    return path


def test_a_card_has_the_facts_of_the_training(weights):
    cards.check_card(weights)
    card = cards.read_card(weights)
    assert (card["steps"], card["seed"], card["quick"]) == (6, 0, 21.5)
    assert card["data"] == {"pictures": 3, "about": "Noise."}
    assert card["network"]["parameters"] == sum(
        p.numel() for p in Generator(4, 1, 4, "course").parameters()
    )
    assert len(card["history"]) == 40
    assert [card["history"][i]["step"] for i in (0, -1)] == [1, 100]


def test_a_teacher_is_named_first_and_to_all_that_come_after(tmp_path, tiny, pool, monkeypatch):
    monkeypatch.setattr(cards, "quick_score", lambda generator: 21.5)
    for teacher in (None, "DAT-light (Apache-2.0)"):
        trainer = Trainer(tiny("srresnet"), pool, tmp_path / str(teacher))
        trainer.notes.update(teacher=teacher) if teacher else None
        trainer.run(progress=False)
        path = trainer.folder / WEIGHTS
        scores = {"Set5": SCORES}
        card = cards.write_card(path, "srresnet", about_data="", scores=scores, bicubic=scores)
        first = render_card(card).split("\n\n")[1]
        assert first.startswith("It was trained on a teacher's pictures") == bool(teacher)
        assert ("The teacher is DAT-light (Apache-2.0)." in first) == bool(teacher)
        begun = {"init": cards.start_facts(path), "device": card["device"]}
        assert (", from a teacher (`" in start(begun)) == bool(teacher)


def test_a_card_shows_what_these_weights_make(weights):
    picture = weights.with_name("srresnet.jpg")
    assert "(srresnet.jpg)" in weights.with_suffix(".md").read_text()
    assert card_picture.picture_of(picture) == cards.file_hash(weights)
    before = picture.stat().st_mtime_ns
    cards.render_again(weights)  # drawn already
    assert picture.stat().st_mtime_ns == before
    Image.new("RGB", (8, 8)).save(picture, comment="another")
    weights.with_suffix(".md").write_text("old")
    cards.render_again(weights)
    cards.check_card(weights)
    with Image.open(picture) as image:
        assert image.size == (3 * 240 + 2 * card_picture.GAP, 184)


def test_other_weights_are_noticed(weights):
    save_weights(weights, Generator(4, 1, 4, "course"))
    with pytest.raises(WeightsError, match="not the file that its card describes"):
        cards.check_card(weights)


def test_a_changed_page_is_noticed(weights):
    page = weights.with_suffix(".md")
    page.write_text(page.read_text().replace("28.43", "32.05"))
    with pytest.raises(WeightsError, match="does not say"):
        cards.check_card(weights)


@pytest.mark.parametrize("text", [None, "{", "[1]", '{"name": "x"}'])
def test_a_missing_or_damaged_card(weights, text):
    card = weights.with_suffix(".json")
    card.unlink() if text is None else card.write_text(text)
    with pytest.raises(WeightsError, match="card"):
        cards.check_card(weights)


def test_weights_that_were_not_trained_here(tmp_path):
    save_weights(tmp_path / "x.safetensors", Generator(4, 1, 4, "course"))
    with pytest.raises(WeightsError, match="does not say its device"):
        cards.write_card(tmp_path / "x.safetensors", "x", about_data="", scores={}, bicubic={})


def test_the_page_shows_the_numbers_and_dashes(weights):
    card = cards.read_card(weights)
    page = render_card(card)
    assert "| 28.43 | .8105 | .8211 | – |" in page and "LPIPS is missing" in page
    assert "0.0005 after 100 updates of warmup, falling to zero" in page
    assert "Trained on pixels alone" in page and "invents" not in page
    assert "Trained for 6 of the recipe's" in page
    other = copy.deepcopy(card)
    other["scores"]["Set5"]["lpips"] = 0.2
    other["recipe"]["adversarial"] = 0.005
    assert ".2000" in render_card(other) and "forensic" in render_card(other)


def test_a_later_stage_says_that_it_is_one(weights):
    card = cards.read_card(weights)
    assert "last stage" not in render_card(card) and "| random weights |" in render_card(card)
    card["init"] = {"name": "srgan", "sha256": "45ff" * 16, "steps": 1000, "minutes": 130.0}
    page = render_card(card)
    assert "| `srgan` after 1,000 steps, 2.2 hours (`45ff45ff45ff`) |" in page
    assert "| 6 in this last stage, each on 2 patches of 32x32 px |" in page
    assert page.count("in this last stage") == 3


def test_earlier_stages_are_named_with_their_devices(weights):
    card = cards.read_card(weights)
    first = {"name": "srresnet", "sha256": "0" * 64, "steps": 500, "minutes": 9.0, "device": "GPU"}
    second = {**first, "name": "srgan", "steps": 70, "init": {**first, "init": None}}
    card.update(device="CPU", init={**second, "device": "CPU"})
    page = render_card(card)
    assert "`srgan` after 70 steps, 9.0 minutes (`000000000000`); that from" in page
    assert "that from `srresnet` after 500 steps, 9.0 minutes on GPU (" in page
    assert devices(card) == ["GPU", "CPU"]
    short = start(card, short=True)  # what srresnet started from stands in its own row
    assert short == "`srgan` after 70 steps, 9.0 minutes"
    card["init"]["init"]["name"] = "srgan"  # but an earlier stage of the same network does not
    assert (
        start(card, short=True) == f"{short}; that from `srgan` after 500 steps, 9.0 minutes on GPU"
    )


def test_the_start_is_noted(weights, tmp_path):
    cards.note_init(tmp_path / "run", weights)
    noted = cards.json.loads((tmp_path / "run" / cards.INIT).read_text())
    assert (noted["name"], noted["sha256"]) == ("srresnet", cards.file_hash(weights))
    info = weights_info(weights)
    assert (noted["steps"], noted["minutes"]) == (info["step"], info["minutes"])
    assert (noted["device"], noted["init"]) == (info["device"], None)


def test_the_start_of_the_start_is_noted(weights, tmp_path):
    card = cards.read_card(weights)
    earlier = {"name": "srresnet", "steps": 9}
    write_json(weights.with_suffix(".json"), {**card, "init": earlier})
    cards.note_init(tmp_path / "run", weights)
    assert cards.json.loads((tmp_path / "run" / cards.INIT).read_text())["init"] == earlier


def test_before_there_is_a_card_the_run_knows_its_start(tiny, pool, tmp_path):
    folder = tmp_path / "first"
    Trainer(tiny("srresnet"), pool, folder).run(2, progress=False)
    cards.note_init(tmp_path / "second", folder / WEIGHTS)
    noted = cards.json.loads((tmp_path / "second" / cards.INIT).read_text())
    assert noted["init"] is None
    write_json(folder / cards.INIT, {"name": "srgan"})
    cards.note_init(tmp_path / "second", folder / WEIGHTS)
    noted = cards.json.loads((tmp_path / "second" / cards.INIT).read_text())
    assert noted["init"] == {"name": "srgan"}


def test_a_start_that_tells_nothing_is_refused(tmp_path):
    save_weights(tmp_path / "bare.safetensors", Generator(num_blocks=1, channels=4))
    with pytest.raises(WeightsError, match="does not say how long it was trained"):
        cards.note_init(tmp_path, tmp_path / "bare.safetensors")


def test_numbers_as_the_literature_prints_them():
    assert figure(0.82114, 4) == ".8211" and figure(28.431, 2) == "28.43"
    assert figure(0.5, 2) == "0.50" and figure(None, 2) == "–" and figure(-3.04, 1) == "-3.0"


def test_a_command_is_noted_as_it_would_be_typed():
    options = {"steps": 3, "augment": True, "learning_rate": None, "precision": "auto"}
    expected = "python -m srgan_lib train srgan --steps 3 --augment --vgg-arch vgg16"
    assert cards.command_line("train", "srgan", **options, vgg_arch="vgg16") == expected
    assert cards.command_line("train", augment=False) == "python -m srgan_lib train"
