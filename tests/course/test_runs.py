"""Load what has been trained, train what has not."""

import pytest
import torch

from srgan_lib import evaluation, weights
from srgan_lib.course import runs
from srgan_lib.errors import ConfigError
from srgan_lib.models import Generator
from srgan_lib.recipes import get_recipe
from srgan_lib.system import files
from srgan_lib.weights import WEIGHTS, save_weights

pytestmark = [
    pytest.mark.filterwarnings("ignore:vgg.* has random weights"),
    pytest.mark.usefixtures("thin_vgg"),
]


@pytest.fixture(autouse=True)
def nothing_shipped(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "SHIPPED", tmp_path / "shipped")


def prepare(name, work, pool):
    return runs.prepare(name, "smoke", work, pool=pool, vgg="random")


def same(a, b):
    left, right = a.state_dict(), b.state_dict()
    return all(torch.equal(left[key], right[key]) for key in left)


def test_a_missing_pretraining_is_done_first_and_kept(tmp_path, pool, capsys):
    trainer = prepare("srgan", tmp_path, pool)
    srresnet = weights.load_generator(tmp_path / "smoke" / "srresnet" / WEIGHTS)
    assert trainer.step == 0 and same(trainer.generator, srresnet)
    assert "your own srresnet" in capsys.readouterr().out
    trainer.run(progress=False)
    again = prepare("srgan", tmp_path, pool)
    assert again.step == again.recipe.steps and same(again.result, trainer.result)


def test_ones_own_run_comes_before_the_shipped_network(tmp_path, pool, capsys):
    recipe = get_recipe("srresnet", "smoke")
    shipped = Generator(recipe.scale, recipe.num_blocks, recipe.channels, recipe.variant)
    save_weights(files.SHIPPED / "srresnet.safetensors", shipped)
    assert same(prepare("srgan", tmp_path / "a", pool).generator, shipped)
    assert "the shipped srresnet" in capsys.readouterr().out
    own = prepare("srresnet", tmp_path / "b", pool).run(progress=False)
    trainer = prepare("srgan", tmp_path / "b", pool)
    assert same(trainer.generator, own) and not same(own, shipped)


def test_a_shipped_network_of_another_size_is_not_taken(tmp_path, pool, capsys):
    save_weights(files.SHIPPED / "srresnet.safetensors", Generator(variant="course"))
    prepare("srgan", tmp_path, pool)
    assert "your own srresnet" in capsys.readouterr().out


def test_a_pretrained_network_is_ones_own_else_the_shipped_one_else_trained_now(tmp_path, pool):
    network, whose = runs.pretrained("srresnet", "smoke", tmp_path / "a", pool)
    assert whose == "yours, 4 steps" and not network.training
    save_weights(files.SHIPPED / "srresnet.safetensors", network)
    shipped, whose = runs.pretrained("srresnet", "smoke", tmp_path / "b", pool)
    assert whose == "shipped" and same(shipped, network)
    own = prepare("srresnet", tmp_path / "b", pool).run(until=2, progress=False)
    network, whose = runs.pretrained("srresnet", "smoke", tmp_path / "b", pool)
    assert whose == "yours, 4 steps" and not same(network, own)
    assert runs.size_of(network) == {"num_blocks": 2, "channels": 8}


def test_a_plain_recipe_has_nothing_that_ten_lines_do_not_have():
    plain = runs.plain_recipe("srgan", steps=8, adversarial=1e-3)
    assert plain.learning_rate_at(0) == plain.learning_rate_at(7) == 1e-4
    assert not (plain.lead or plain.ema or plain.shift) and plain.candidates == 1
    assert (plain.steps, plain.adversarial, plain.minutes) == (8, 1e-3, 0)
    assert runs.plain_recipe("srresnet", learning_rate=5e-4).learning_rate == 5e-4


def test_what_the_smoke_profile_spares(capsys):
    whole, small = dict(runs.photographs("cpu")), dict(runs.photographs("smoke"))
    assert small.keys() == whole.keys()
    assert all(image.shape == (320, 320, 3) for image in small.values())
    height, width = whole["red_panda.jpg"].shape[:2]
    center = whole["red_panda.jpg"][height // 2, width // 2]
    assert (small["red_panda.jpg"][160, 160] == center).all()
    assert runs.vgg_weights("smoke") == "random" and runs.vgg_weights("cpu") == "auto"
    assert runs.lpips_or_none("smoke") is None and not capsys.readouterr().out


def test_without_lpips_a_notebook_goes_on_and_says_why(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SRGAN_ALEXNET", str(tmp_path / "missing.pth"))
    assert runs.lpips_or_none("cpu") is None
    assert capsys.readouterr().out.startswith("No LPIPS: ")


def test_profiles_do_not_share_a_folder(tmp_path):
    folders = {runs.run_folder("srgan", profile, tmp_path) for profile in ("smoke", "cpu")}
    assert len(folders) == 2


def test_unknown_names(tmp_path, pool):
    with pytest.raises(ConfigError, match="Unknown recipe"):
        prepare("none", tmp_path, pool)


def test_validation_scores_bicubic_of_an_untrained_course_network(pictures):
    from srgan_lib.images import Picture

    validate = evaluation.validation_psnr([Picture("a", pictures[0])], size=48)
    start = validate(Generator(num_blocks=1, channels=4, variant="course"))
    assert start.keys() == {"psnr_y"} and 15 < start["psnr_y"] < 60
