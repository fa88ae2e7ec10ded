"""Chapter 5 finds who is compared, says whose each network is, and knows the stored LPIPS."""

import json
from types import SimpleNamespace

import pytest

from srgan_lib.course import contenders
from srgan_lib.errors import DataError
from srgan_lib.models import Generator
from srgan_lib.system.files import ROOT
from srgan_lib.weights import find_weights, save_weights

NAMES = {"SRResNet": "srresnet", "SRGAN": "srgan"}


@pytest.fixture
def env(tmp_path):
    return SimpleNamespace(profile="smoke", work=tmp_path, device="cpu")


def test_shipped_networks_where_nothing_was_begun(env):
    networks, origins = contenders.find_networks(env, NAMES)
    assert list(networks) == ["SRResNet", "SRGAN"]
    assert {origin["owner"] for origin in origins.values()} == {"shipped"}
    assert origins["SRGAN"]["step"] > 0 and origins["SRGAN"]["name"] == "srgan"


def test_an_own_network_comes_first_and_the_shipped_one_beside_it(env, monkeypatch):
    own = env.work / "smoke" / "srgan" / "generator.safetensors"
    own.parent.mkdir(parents=True)
    (own.parent / "checkpoint.pt").touch()

    def finish():
        save_weights(own, Generator(4, 1, 4, "course"), step=3, minutes=0.1, vgg=[], pictures=2)

    monkeypatch.setattr(contenders, "prepare", lambda *_, **__: SimpleNamespace(run=finish))
    networks, origins = contenders.find_networks(env, NAMES)
    assert list(networks) == ["SRResNet", "SRGAN", "shipped SRGAN"]
    assert origins["SRGAN"]["owner"] == "your own, profile smoke"
    stored = contenders.stored_lpips_of(origins)
    assert list(stored) == ["bicubic", "SRResNet", "shipped SRGAN"]  # none of one's own


def test_the_stored_lpips_are_those_of_the_cards():
    stored = contenders.stored_lpips_of({"SRGAN": {"owner": "shipped", "name": "srgan"}})
    card = json.loads(find_weights("srgan").with_suffix(".json").read_text("utf-8"))
    assert stored["SRGAN"] == card["scores"]["validation"]["lpips"]
    assert stored["bicubic"] == card["bicubic"]["validation"]["lpips"]


def test_the_photographs_are_small_in_the_smoke_profile_alone(env):
    folder, shrink = contenders.validation_folder(env)
    assert shrink == 4 and folder == env.work / "small" and len(list(folder.iterdir())) == 4
    env.profile = "cpu"
    assert contenders.validation_folder(env)[1] == 1


def test_paths_are_seen_from_the_courses_folder():
    assert contenders.in_short(DataError(f"{ROOT}/data/x is missing.")) == "data/x is missing."
