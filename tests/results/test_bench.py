"""The bench of chapter 6 changes one thing at a time, and judges by what it says."""

import pytest

from srgan_lib.data import PatchPool, samples
from srgan_lib.metrics import psnr
from srgan_lib.results import bench


@pytest.fixture(scope="module")
def pool():
    return PatchPool([picture.image[:96, :96] for picture in samples("train")[:4]], 4)


@pytest.mark.parametrize("name", bench.CHANGES)
def test_a_change_is_one_field(name):
    base, changed = (bench.recipe_of(c).as_dict() for c in ({}, bench.CHANGES[name]))
    assert [key for key in base if base[key] != changed[key]] == list(bench.CHANGES[name])


def test_a_profile_may_have_fewer_steps():
    assert bench.recipe_of({}, "cpu").steps == bench.STEPS
    assert bench.recipe_of({}, "smoke", seed=3).steps < bench.STEPS
    assert bench.recipe_of({}, "smoke", seed=3).seed == 3


@pytest.mark.filterwarnings("ignore:vgg16 has random weights")
def test_each_game_starts_from_its_own_kind(pool):
    starts = bench.train_starts(pool, "smoke")
    assert {name: start.variant for name, start in starts.items()} == {
        "course": "course", "paper": "paper",
    }  # fmt: skip
    for change in ({}, {"variant": "paper"}, {"init": None}):
        made = bench.train_on_bench(bench.recipe_of(change, "smoke"), pool, starts, "random")
        assert made.variant == change.get("variant", "course")


def test_bicubic_is_rough_by_a_share_and_scores_what_psnr_says():
    scores, panda = bench.judge()
    assert 0.2 < scores["rough"] < 0.9 and 15 < scores["psnr_y"] < 40
    held_out = {picture.name: picture.image for picture in samples("validation")}
    assert psnr(panda, held_out["red_panda.jpg"][bench.WINDOW], border=4) > 15
