"""Networks between two: their weights, and the cards that tell of it."""

import pytest
import torch

from srgan_lib.errors import ConfigError, SRGANError
from srgan_lib.models import Generator
from srgan_lib.recipes import get_recipe
from srgan_lib.results.cards import (
    check_card,
    file_hash,
    read_card,
    render_again,
    start_facts,
    write_card,
)
from srgan_lib.results.mix import main, mix
from srgan_lib.system.files import write_json
from srgan_lib.weights import interpolate, load_generator, save_weights, weights_info

SCORES = {"psnr_y": 20.0, "ssim_y": 0.5, "ssim_daala": 0.5, "lpips": None}
SCORES |= {"checkerboard": 0.0, "worst_color_shift": 0.5, "consistency": 45.0}
SCORES |= {"worst_consistency": 42.0}


@pytest.fixture
def trained(tmp_path):
    """Two small networks with cards, as a training leaves them."""
    paths = []
    for seed, name in enumerate(["srgan", "srresnet"]):
        torch.manual_seed(seed)
        path = tmp_path / name / "generator.safetensors"
        path.parent.mkdir()
        generator = Generator(4, 1, 4, "course")
        torch.nn.init.normal_(generator.tail.weight, std=0.01)
        recipe = get_recipe(name, num_blocks=1, channels=4).as_dict()
        facts = {"minutes": 1.0, "device": "CPU", "pictures": 2, "vgg": [], "torch": "2"}
        save_weights(path, generator, recipe=recipe, step=3, **facts)
        scores = {"validation": {**SCORES, "pictures": 4}}
        write_card(path, name, about_data="Two.", scores=scores, bicubic=scores, command="typed")
        paths.append(path)
    return paths


@pytest.mark.parametrize("variant", ["paper", "course"])
def test_it_lies_on_the_line_and_both_ends_are_left_alone(variant):
    first, second = (Generator(4, 1, 4, variant) for _ in range(2))
    for number, network in enumerate((first, second)):
        for value in network.state_dict().values():
            if value.is_floating_point():
                value.fill_(number)
    between = interpolate(first, second, 0.25)
    for name, value in between.state_dict().items():
        if value.is_floating_point():
            assert torch.all(value == 0.25), name
    assert torch.all(first.tail.weight == 0) and torch.all(second.tail.weight == 1)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_no_share_outside(share):
    network = Generator(4, 1, 4)
    with pytest.raises(ConfigError, match="from 0 to 1"):
        interpolate(network, network, share)


def test_networks_must_fit():
    with pytest.raises(ConfigError, match="there is no network"):
        interpolate(Generator(4, 1, 4), Generator(4, 2, 4), 0.5)


def test_the_card_says_what_was_mixed_and_keeps_what_the_training_said(trained, tmp_path):
    srgan, srresnet = trained
    weights = mix(srgan, srresnet, 0.03, tmp_path / "mixed", {})
    check_card(weights)
    card, before = read_card(weights), read_card(srgan)
    assert card["mixed"] == {"name": "srresnet", "sha256": file_hash(srresnet), "share": 0.03}
    for key in ("name", "recipe", "steps", "minutes", "device", "command", "data"):
        assert card[key] == before[key]
    assert card["scores"]["validation"] != before["scores"]["validation"]  # scored anew
    page = weights.with_suffix(".md").read_text()
    assert "3 % of every weight comes from `srresnet`" in page and "None" not in page
    assert "mixed" not in srgan.with_suffix(".md").read_text()
    expected = interpolate(load_generator(srgan), load_generator(srresnet), 0.03)
    made = load_generator(weights)
    for one, other in zip(expected.parameters(), made.parameters(), strict=True):
        assert torch.equal(one, other)
    assert weights_info(weights)["step"] == 3


def test_nothing_is_overwritten(trained, tmp_path):
    with pytest.raises(SRGANError, match="exists"):
        mix(*trained, 0.5, trained[0].parent, {})


def test_the_gan_comes_first_and_nothing_is_mixed_twice(trained, tmp_path):
    srgan, srresnet = trained
    with pytest.raises(ConfigError, match="no GAN's generator"):
        mix(srresnet, srgan, 0.5, tmp_path / "mixed", {})
    mixed = mix(srgan, srresnet, 0.5, tmp_path / "mixed", {})
    with pytest.raises(ConfigError, match="mixed or added to already"):
        mix(mixed, srresnet, 0.5, tmp_path / "again", {})
    assert not (tmp_path / "again").exists()


def test_a_start_that_was_mixed_itself_may_be_mixed_in(trained, tmp_path):
    """How it came about stands on the card of what was trained from it; of no other network."""
    srgan, srresnet = trained
    start = tmp_path / "start.safetensors"
    facts = {"mixed": {"name": "x", "sha256": "0" * 64, "share": 0.5}}
    save_weights(start, load_generator(srresnet), **weights_info(srresnet), **facts)
    with pytest.raises(ConfigError, match="mixed or added to already"):
        mix(srgan, start, 0.25, tmp_path / "other", {})
    card = read_card(srgan)
    begun = {**(card["init"] or start_facts(srresnet)), "sha256": file_hash(start), **facts}
    write_json(srgan.with_suffix(".json"), {**card, "init": begun, "command": None})
    render_again(srgan)
    made = mix(srgan, start, 0.25, tmp_path / "mixed", {}, half=True)
    check_card(made)
    weight = load_generator(made).head[0].weight
    assert torch.equal(weight, weight.half()) and read_card(made)["mixed"]["share"] == 0.25


def test_two_of_a_kind_are_mixed_too(trained, tmp_path):
    _, srresnet = trained
    later = trained[0].parent.parent / "later" / "generator.safetensors"
    save_weights(later, load_generator(srresnet), **weights_info(srresnet))
    weights = mix(srresnet, later, 0.5, tmp_path / "mixed", {})
    assert read_card(weights)["mixed"]["share"] == 0.5


def test_a_mistake_is_one_sentence(trained, tmp_path, capsys):
    assert main([*map(str, trained), "2", str(tmp_path / "mixed")]) == 2
    assert capsys.readouterr().err.startswith("error: The second network's share is from 0 to 1")
