"""Trainings that are given minutes instead of steps."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from srgan_lib import training
from srgan_lib.adversarial import make_trainer
from srgan_lib.recipes import PROFILES, Time, get_recipe
from srgan_lib.results import reproduce
from srgan_lib.training import TIMED_STEPS, WARM_UP_STEPS

PLANNED = WARM_UP_STEPS + TIMED_STEPS


@pytest.fixture
def timed(tiny, monkeypatch):
    """A recipe that is given minutes, and a clock by which every step takes half a second."""

    def make(name="srresnet", minutes=1.0, least=10, most=1000):
        return replace(tiny(name), minutes=minutes, least_steps=least, steps=most)

    update = training.Trainer.update
    now = [0.0]

    def slow(self, *batch):
        now[0] += 0.5
        return update(self, *batch)

    monkeypatch.setattr(training.Trainer, "update", slow)
    monkeypatch.setattr(training.time, "monotonic", lambda: now[0])
    return make


@pytest.mark.parametrize(
    ("minutes", "least", "most", "steps"),
    [(0.5, 10, 1000, 60), (0.5, 70, 1000, 70), (0.5, 10, 40, 40), (0.01, 10, 1000, PLANNED)],
)
def test_the_steps_fill_the_minutes_within_bounds(timed, pool, minutes, least, most, steps, capsys):
    trainer = make_trainer(timed(minutes=minutes, least=least, most=most), pool)
    trainer.run(save_minutes=math.inf)
    assert trainer.planned and trainer.step == trainer.recipe.steps == steps
    printed = capsys.readouterr()
    assert f"0.5 s a step on this machine: {steps} steps in" in printed.out + printed.err
    assert trainer.history[-1]["step"] == steps
    assert trainer.history[-1]["minutes"] == pytest.approx(steps / 120)


def test_a_resumed_training_keeps_the_number(timed, pool, tmp_path):
    recipe = timed(minutes=0.5)
    first = make_trainer(recipe, pool, tmp_path)
    first.run(until=PLANNED + 1)
    assert first.step == PLANNED + 1 and first.recipe.steps == 60
    again = make_trainer(replace(recipe, minutes=7.0), pool, tmp_path)
    assert not again.planned and again.resume() and again.planned
    again.run()
    assert again.step == 60
    exact = make_trainer(replace(recipe, minutes=0.0, steps=62), pool, tmp_path)
    assert exact.resume()
    exact.run()
    assert exact.step == 62


def test_one_that_was_stopped_before_it_was_planned_is_timed_again(timed, pool, tmp_path):
    recipe = timed(minutes=0.5)
    make_trainer(recipe, pool, tmp_path).run(until=7)
    again = make_trainer(recipe, pool, tmp_path)
    assert again.resume() and not again.planned
    again.run()
    assert again.planned and again.step == 60


def test_the_learning_rate_falls_to_its_end_all_the_same(timed, pool):
    trainer = make_trainer(timed(minutes=0.5), pool)
    trainer.run()
    rates = [trainer.recipe.learning_rate_at(step) for step in (PLANNED, 59)]
    assert rates[0] > 5 * rates[1] > 0


@pytest.mark.parametrize("name", ["cpu", "colab"])
@pytest.mark.parametrize("recipe", ["srresnet", "srgan"])
def test_profiles_of_machines_give_time(name, recipe):
    scaled = get_recipe(recipe, name)
    length = PROFILES[name].adversarial if scaled.adversarial else PROFILES[name].pretrain
    assert isinstance(length, Time)
    assert (scaled.minutes, scaled.least_steps, scaled.steps) == length
    assert PLANNED < length.least_steps < length.most_steps
    exact = get_recipe(recipe, name, steps=7)
    assert (exact.minutes, exact.least_steps, exact.steps) == (0, 0, 7)


@pytest.mark.parametrize("name", ["smoke", "gpu", "paper"])
def test_other_profiles_are_exact(name):
    assert get_recipe("srresnet", name).minutes == get_recipe("srgan", name).minutes == 0


@pytest.mark.parametrize(("done", "finished"), [(60, True), (59, False)])
def test_reproduce_knows_a_training_of_its_minutes_as_finished(timed, monkeypatch, done, finished):
    recipe = timed(minutes=0.5)
    card = {
        "recipe": replace(recipe, steps=60).as_dict(), "steps": done, "vgg": [],
        "scores": {"validation": {"lpips": None}},
    }  # fmt: skip
    monkeypatch.setattr(reproduce, "check_card", lambda weights: None)
    monkeypatch.setattr(reproduce, "read_card", lambda weights: card)
    question = reproduce._finished(Path("run"), recipe, "hash", "auto", {}, None, False)
    assert question is finished
    longer = replace(recipe, minutes=0.0, steps=61)
    assert not reproduce._finished(Path("run"), longer, "hash", "auto", {}, None, False)


def test_how_long_it_takes_is_said_in_its_own_unit():
    assert get_recipe("srresnet", "cpu").length == "4 minutes"
    assert get_recipe("srresnet", "cpu", steps=1200).length == "1,200 steps"
