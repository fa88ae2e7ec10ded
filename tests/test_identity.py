"""A training goes on with what it began with, and its record says what it was."""

import json

import numpy as np
import pytest
import torch
from synthetic import photo

from srgan_lib import data, training
from srgan_lib.adversarial import make_trainer
from srgan_lib.checkpoints import CHECKPOINT, load_checkpoint, save_checkpoint
from srgan_lib.cli.parser import main
from srgan_lib.data import PatchPool
from srgan_lib.errors import ConfigError
from srgan_lib.images import write_image
from srgan_lib.system.devices import precision
from srgan_lib.system.digests import pictures_digest, with_stage
from srgan_lib.vgg import VGGFeatures

pytestmark = pytest.mark.filterwarnings("ignore:vgg.* has random weights")


def run(trainer, until=None):
    trainer.run(until, progress=False)
    return trainer


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in: pics/ and cats/ with two pictures each, and a VGG file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "SAMPLES", tmp_path / "samples")
    write_image("samples/validation/0.png", photo(64, 64, 9))
    for number in range(2):
        write_image(f"pics/{number}.png", photo(64, 64, number))
        write_image(f"cats/{number}.png", photo(64, 64, 5 + number))
    return tmp_path


def train(*words: str) -> int:
    return main(["train", "srresnet", "--profile", "smoke", "--out", "run", *words])


def record(here) -> dict:
    return json.loads((here / "run" / "generator.json").read_text())


def test_other_pictures_are_refused_and_nothing_changes(here, capsys):
    assert train("--data", "pics", "--steps", "2", "--about", "Pictures by Ann, CC BY.") == 0
    before = {path: path.read_bytes() for path in (here / "run").iterdir()}
    for steps in ("2", "4"):  # with no step left to make, and with some
        assert train("--data", "cats", "--steps", steps) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert "run was trained on other pictures: give these again (--data)" in error
        assert "--init" in error
    assert {path: path.read_bytes() for path in (here / "run").iterdir()} == before
    assert train("--data", "pics", "cats", "--steps", "4") == 2  # nor are more of them the same


def test_the_same_pictures_under_another_name_go_on_as_what_they_are(here):
    assert train("--data", "pics", "--steps", "1", "--about", "Pictures by Ann, CC BY.") == 0
    (here / "pics" / "0.png").rename(here / "pics" / "last.png")
    (here / "pics").rename(here / "moved")
    assert train("--data", "moved", "--steps", "2") == 0
    card = record(here)
    assert card["data"] == {"pictures": 2, "about": "Pictures by Ann, CC BY."}
    assert card["identity"]["pictures"] == pictures_digest([photo(64, 64, 0), photo(64, 64, 1)])
    assert train("--data", "moved", "--steps", "2", "--about", "Pictures by Bob.") == 0
    assert record(here)["data"]["about"] == "Pictures by Bob."


def test_words_on_the_pictures_outlive_an_interrupt(here, monkeypatch):
    def stop(*args, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("srgan_lib.results.cards.finish", stop)
        assert train("--data", "pics", "--steps", "1", "--about", "Pictures by Ann.") == 130
    assert train("--data", "pics", "--steps", "2") == 0
    assert record(here)["data"]["about"] == "Pictures by Ann."


def test_a_command_that_makes_no_step_is_not_on_the_card(here):
    assert train("--data", "pics", "--steps", "3", "--learning-rate", "0.001") == 0
    command = record(here)["command"]
    assert "--steps 3" in command
    assert train("--data", "pics", "--steps", "2", "--learning-rate", "0.001", "--half") == 0
    assert record(here)["command"] == f"{command} --half" and record(here)["steps"] == 3


def test_stages_are_on_the_card(here):
    other = "float32" if precision(torch.device("cpu"), "auto") == torch.bfloat16 else "bfloat16"
    assert train("--data", "pics", "--steps", "2") == 0
    assert [stage["after"] for stage in record(here)["stages"]] == [0]
    assert "stages" not in (here / "run" / "generator.md").read_text()
    assert train("--data", "pics", "--steps", "2") == 0  # no step: no stage
    assert train("--data", "pics", "--steps", "4", "--precision", other) == 0
    first, second = record(here)["stages"]
    assert (first["after"], first["steps"], second["after"], second["steps"]) == (0, 2, 2, 4)
    assert first["device"] != second["device"] and second["torch"] == torch.__version__
    text = (here / "run" / "generator.md").read_text()
    assert "from step 0 for 2 in all" in text and "from step 2 for 4 in all" in text


def test_a_stage_is_what_differs_and_makes_steps():
    cpu, gpu = {"device": "CPU", "steps": 9}, {"device": "GPU", "steps": 9}
    first = with_stage([], 0, 0, cpu)
    assert first == [{"after": 0, **cpu}]
    assert with_stage(first, 4, 6, cpu) == first
    assert with_stage(first, 4, 4, gpu) == first
    both = with_stage(first, 4, 6, gpu)
    assert both == [*first, {"after": 4, **gpu}]
    assert with_stage(both, 6, 7, cpu) == [*both, {"after": 6, **cpu}]


@pytest.fixture
def vgg(tmp_path):
    """Three files of VGG19 weights, two of them alike."""
    state = VGGFeatures("relu2_2", "vgg19", "random").state_dict()
    torch.save(state, tmp_path / "one.pth")
    torch.save(state, tmp_path / "copy.pth")
    state["features.0.weight"] = state["features.0.weight"] + 1e-3
    torch.save(state, tmp_path / "two.pth")
    return {name: tmp_path / f"{name}.pth" for name in ("one", "copy", "two")}


def test_other_vgg_weights_are_refused_whatever_they_are_called(tiny, pool, tmp_path, vgg):
    recipe = tiny("srresnet-vgg22", steps=3)
    run(make_trainer(recipe, pool, tmp_path / "run", vgg=vgg["one"]), until=1)
    with pytest.raises(ConfigError, match=r"with other VGG weights: name these again \(--vgg\)"):
        make_trainer(recipe, pool, tmp_path / "run", vgg=vgg["two"]).resume()
    for same in (vgg["copy"], "random"):  # which is what the file was made of
        assert make_trainer(recipe, pool, tmp_path / "run", vgg=same).resume()


def test_what_is_hashed(pictures):
    digest = PatchPool(pictures).digest
    assert PatchPool(pictures[::-1]).digest == digest == PatchPool(pictures, augment=True).digest
    changed = [pictures[0].copy(), *pictures[1:]]
    changed[0][5, 7, 1] ^= 1
    assert PatchPool(changed).digest != digest != PatchPool(pictures[:2]).digest
    assert PatchPool([np.rot90(x) for x in pictures]).digest != digest
    turned = np.zeros((32, 64, 3), np.uint8)
    assert pictures_digest([turned]) != pictures_digest([turned.reshape(64, 32, 3)])


def test_a_checkpoint_from_before_goes_on(tiny, pool, tmp_path):
    run(training.Trainer(tiny("srresnet", steps=3), pool, tmp_path), until=1)
    state = load_checkpoint(tmp_path / CHECKPOINT)
    for name in ("identity", "stages", "notes"):
        del state[name]
    save_checkpoint(tmp_path / CHECKPOINT, state)
    trainer = training.Trainer(tiny("srresnet", steps=3), pool, tmp_path)
    assert trainer.resume()
    run(trainer)
    assert load_checkpoint(tmp_path / CHECKPOINT)["identity"] == trainer.identity
