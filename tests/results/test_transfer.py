"""What one network has learned, added to another: the arithmetic, and what the card says of it."""

import pytest
import torch

from srgan_lib.errors import ConfigError
from srgan_lib.models import Generator
from srgan_lib.results import cards, transfer
from srgan_lib.results.card_text import start
from srgan_lib.results.cards import start_facts
from srgan_lib.training import Trainer
from srgan_lib.weights import WEIGHTS, load_generator, save_weights

SCORES = {
    **dict.fromkeys(("psnr_y", "ssim_y", "ssim_daala", "psnr_rgb"), 0.5),
    **dict.fromkeys(("color_shift", "worst_color_shift", "checkerboard"), 0.1),
    **dict.fromkeys(("consistency", "worst_consistency"), 40.0),
    **{"lpips": None, "pictures": 4},
}


@pytest.fixture
def family(tmp_path):
    """Three generators of one size, as files that say how long they were trained."""
    torch.manual_seed(0)
    files = {}
    for steps, name in enumerate(("srgan", "srresnet-photo", "srresnet"), start=5):
        generator = Generator(num_blocks=1, channels=4)
        torch.nn.init.normal_(generator.head[0].weight)
        files[name] = tmp_path / f"{name}.safetensors"
        facts = {"recipe": {"name": name}, "step": steps, "minutes": 1.0, "device": "CPU"}
        save_weights(files[name], generator, **facts)
    return files


def test_the_difference_is_added_and_nothing_else_changes(family):
    first, tuned, before = map(load_generator, family.values())
    weight = transfer.transfer(first, tuned, before).head[0].weight
    expected = first.head[0].weight + tuned.head[0].weight - before.head[0].weight
    assert torch.equal(weight, expected) and not torch.equal(weight, first.head[0].weight)
    same = transfer.transfer(first, before, before).state_dict()
    assert all(torch.allclose(same[k], v, atol=1e-6) for k, v in first.state_dict().items())


def test_the_file_says_where_it_comes_from(family, tmp_path, capsys):
    arguments = [*map(str, family.values()), str(tmp_path / "out")]
    assert transfer.main(arguments) == 0
    facts = start_facts(capsys.readouterr().out.strip())
    said = start({"init": facts, "device": "CPU"}, short=True)
    assert said.startswith(
        "`srgan` with what `srresnet-photo` learned in 6 steps from `srresnet` added to its "
        "weights; that from `srgan` after 5 steps"
    )
    assert transfer.main(arguments) == 2  # nothing is overwritten
    assert "exists" in capsys.readouterr().err


def test_a_sum_for_use_has_a_card_of_its_own(family, tmp_path, tiny, pool, monkeypatch, capsys):
    trainer = Trainer(tiny("srresnet"), pool, tmp_path / "first")
    trainer.run(progress=False)
    path, scores = trainer.folder / WEIGHTS, {"validation": SCORES}
    new_scores = {"validation": {**SCORES, "psnr_y": 0.75}}
    monkeypatch.setattr(transfer, "score", lambda *_: new_scores)
    monkeypatch.setattr(cards, "quick_score", lambda generator: 21.5)
    old = cards.write_card(path, "srresnet", about_data="Noise.", scores=scores, bicubic=scores)
    tuned, before = tmp_path / "tuned.safetensors", tmp_path / "before.safetensors"
    facts = {"recipe": {"name": "srresnet"}, "step": 7, "minutes": 1.0, "teacher": "DAT"}
    for file, value in ((tuned, 0.5), (before, 0.25)):
        generator = load_generator(path)
        torch.nn.init.constant_(generator.head[0].weight, value)
        save_weights(file, generator, **facts)
    arguments = [str(path), str(tuned), str(before), str(tmp_path / "out"), "--for-use"]
    assert transfer.main(arguments) == 0
    new = tmp_path / "out" / WEIGHTS
    cards.check_card(new)
    card = cards.read_card(new)
    assert card["data"] == old["data"] and card["steps"] == old["steps"]
    weight, first = load_generator(new).head[0].weight, load_generator(path).head[0].weight
    assert torch.allclose(weight, first + 0.25, atol=1e-3) and torch.equal(weight, weight.half())
    assert card["scores"] == new_scores and card["added"]["to"] == old["sha256"]
    page = new.with_suffix(".md").read_text()
    assert "learned from `srresnet` on in 7 steps from a teacher, DAT, by" in page
    assert page.split("\n\n")[1].startswith("What was added to its weights afterwards was trained")
    assert "`srresnet` after 6 steps, with what" in start({"init": start_facts(new), "device": ""})
    assert transfer.main([str(new), *arguments[1:3], str(tmp_path / "again"), "--for-use"]) == 2
    assert "was added to" in capsys.readouterr().err


def test_networks_of_another_size_are_refused():
    small, other = Generator(num_blocks=1, channels=4), Generator(num_blocks=1, channels=8)
    with pytest.raises(ConfigError, match="cannot be added"):
        transfer.transfer(small, small, other)
