"""The loop: it learns, it resumes bit for bit, and it stops in good order."""

import copy
import json

import pytest
import torch

from srgan_lib import adversarial, training
from srgan_lib.adversarial import AdversarialTrainer, make_trainer
from srgan_lib.checkpoints import CHECKPOINT
from srgan_lib.errors import ConfigError, TrainingError, WeightsError
from srgan_lib.images import convert
from srgan_lib.losses import gradient_norms
from srgan_lib.models import Generator
from srgan_lib.recipes import RECIPES
from srgan_lib.results.cards import read_card
from srgan_lib.system import devices
from srgan_lib.system.devices import device_name, precision
from srgan_lib.training import Trainer
from srgan_lib.weights import (
    WEIGHTS,
    find_weights,
    load_generator,
    move_average,
    shipped_weights,
    weights_info,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore:vgg.* has random weights"),
    pytest.mark.usefixtures("thin_vgg"),
]


def run(trainer, **kwargs):
    return trainer.run(progress=False, **kwargs)


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    left, right = a.state_dict(), b.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


def test_it_logs_about_as_often_as_asked_and_at_the_end(tiny, pool):
    for logs, steps in {5: [2, 4, 6, 8, 10, 11], 100: list(range(1, 12)), 1: [11]}.items():
        trainer = Trainer(tiny("srresnet", steps=11), pool)
        run(trainer, logs=logs)
        assert [row["step"] for row in trainer.history] == steps


@pytest.mark.parametrize("name", list(RECIPES))
def test_every_recipe_runs_and_logs_its_terms(name, tiny, pool):
    recipe = tiny(name, steps=2)
    trainer = make_trainer(recipe, pool, vgg="random")
    before = copy.deepcopy(trainer.generator)
    result = run(trainer)
    assert not same(before, trainer.generator)
    assert isinstance(result, Generator)
    row = trainer.history[-1]
    assert row["step"] == 2 and {name for name, _ in recipe.content} <= row.keys()
    assert isinstance(trainer, AdversarialTrainer) == bool(recipe.adversarial)
    if recipe.adversarial:
        assert {"adversarial", "discriminator", "d_hr", "d_sr"} <= row.keys()
        assert 0 < row["d_hr"] < 1 and 0 < row["d_sr"] < 1


@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if recipe.adversarial])
def test_every_term_of_every_recipe_reaches_the_generator(name, tiny, pool):
    trainer = make_trainer(tiny(name), pool, vgg="random")
    lr, hr = trainer.batch()
    sr = trainer.generate(lr)
    hr_logits = trainer.judge(hr) if trainer.recipe.relativistic else None
    _, terms = trainer.loss(sr, hr, trainer.judge(sr), hr_logits)
    assert len(terms) == len(trainer.recipe.content) + 1
    for term in terms.values():
        gradient = torch.autograd.grad(term, trainer.generator.tail.weight, retain_graph=True)[0]
        assert gradient.abs().sum() > 0


@pytest.mark.parametrize("name", ["srresnet", "srresnet-mse", "blog-srresnet"])
def test_batches_are_in_the_generators_own_ranges(name, tiny, pool):
    """SR is compared with HR in one range, and LR comes in the range of the first layer."""
    trainer = Trainer(tiny(name), pool)
    lr, hr = trainer.batch()
    recipe = trainer.recipe
    rng = torch.Generator().manual_seed(recipe.seed)
    raw_lr, raw_hr = pool.batch(2, 32, rng, recipe.candidates)
    generator = trainer.generator
    assert torch.allclose(
        convert(lr, generator.input_range, "unit") * 255, raw_lr.float(), atol=1e-3
    )
    assert torch.allclose(
        convert(hr, generator.output_range, "unit") * 255, raw_hr.float(), atol=1e-3
    )


def test_pretraining_learns(tiny, pool):
    trainer = Trainer(tiny("srresnet-mse", steps=150, learning_rate=2e-3, channels=16), pool)
    run(trainer, log_every=10)
    assert trainer.history[-1]["mse"] < 0.5 * trainer.history[0]["mse"]


@pytest.mark.parametrize("name", ["srresnet", "srresnet-mse", "srgan", "blog"])
def test_resumed_training_is_the_uninterrupted_one_bit_for_bit(name, tiny, pool, tmp_path):
    recipe = tiny(name)
    whole = make_trainer(recipe, pool, vgg="random")
    run(whole)

    first = make_trainer(recipe, pool, tmp_path, vgg="random")
    assert not first.resume()
    run(first, until=3)
    second = make_trainer(recipe, pool, tmp_path, vgg="random")
    assert second.resume() and second.step == 3
    run(second)

    assert same(whole.generator, second.generator) and same(whole.result, second.result)
    if recipe.adversarial:
        assert same(whole.discriminator, second.discriminator)
    assert [row["step"] for row in second.history] == [row["step"] for row in whole.history]


def test_the_callers_random_numbers_are_untouched(tiny, pool):
    torch.manual_seed(3)
    state = torch.get_rng_state()
    run(make_trainer(tiny("srgan", steps=1), pool, vgg="random"))
    assert torch.equal(state, torch.get_rng_state())


def test_running_mean_moves_towards_the_generator_slowly(tiny, pool):
    trainer = Trainer(tiny("srresnet", ema=0.999), pool)
    mean, now = trainer.average.tail.bias, trainer.generator.tail.bias
    now.data.fill_(1.0)
    move_average(trainer.average, trainer.generator, 0.999, 10**6)
    assert torch.allclose(mean, torch.full_like(mean, 0.001))
    move_average(trainer.average, trainer.generator, 0.999, 1)  # at first the mean follows closely
    assert (mean > 0.5).all()


def test_content_outweighs_the_adversarial_term_in_the_papers_recipe(tiny, pool):
    trainer = make_trainer(tiny("srgan-mse"), pool)
    lr, hr = trainer.batch()
    sr = trainer.generate(lr)
    norms = gradient_norms(trainer.loss(sr, hr, trainer.judge(sr))[1], sr)
    assert norms["mse"] > 3 * norms["adversarial"] > 0


def test_files_are_written_and_load(tiny, pool, tmp_path):
    trainer = Trainer(tiny("srresnet"), pool, tmp_path)
    run(trainer)
    assert {path.name for path in tmp_path.iterdir()} >= {CHECKPOINT, WEIGHTS}
    assert same(load_generator(tmp_path / WEIGHTS), trainer.result)
    info = weights_info(tmp_path / WEIGHTS)
    assert info["step"] == 6 and info["recipe"]["name"] == "srresnet"
    json.dumps(info)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tiny, pool, tmp_path):
    trainer = Trainer(tiny("srresnet"), pool, tmp_path)
    run(trainer, until=2)
    run(trainer, until=4)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:500])
    again = Trainer(tiny("srresnet"), pool, tmp_path)
    with pytest.warns(UserWarning, match="damaged"):
        assert again.resume()
    assert again.step == 2
    run(again)  # and the next save does not put the damaged one over the good one
    assert Trainer(tiny("srresnet"), pool, tmp_path).resume()
    for file in tmp_path.glob("checkpoint*"):
        file.write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged"), pytest.raises(WeightsError, match="beginning"):
        Trainer(tiny("srresnet"), pool, tmp_path).resume()


def test_saved_between_two_logs_the_history_is_the_same_too(tiny, pool, tmp_path, monkeypatch):
    whole = Trainer(tiny("srresnet"), pool)
    run(whole, log_every=4)

    class Stopped(Exception):
        pass

    def stop(lr, hr):
        if first.step == 3:
            raise Stopped
        return Trainer.update(first, lr, hr)

    first = Trainer(tiny("srresnet"), pool, tmp_path)
    monkeypatch.setattr(first, "update", stop)
    with pytest.raises(Stopped):
        run(first, log_every=4, save_minutes=0)  # saves after every step
    second = Trainer(tiny("srresnet"), pool, tmp_path)
    assert second.resume() and second.step == 3
    run(second, log_every=4)
    assert same(whole.result, second.result)
    rows = [[{**row, "minutes": 0} for row in trainer.history] for trainer in (whole, second)]
    assert rows[0] == rows[1]


def test_weights_older_than_the_checkpoint_are_written_again(tiny, pool, tmp_path):
    """As if the process had ended between the two files of the last save."""
    trainer = Trainer(tiny("srresnet"), pool, tmp_path)
    run(trainer, until=2)
    old = (tmp_path / WEIGHTS).read_bytes()
    run(trainer)
    (tmp_path / WEIGHTS).write_bytes(old)
    again = Trainer(tiny("srresnet"), pool, tmp_path)
    again.resume()
    run(again)
    assert weights_info(tmp_path / WEIGHTS)["step"] == 6
    assert same(load_generator(tmp_path / WEIGHTS), again.result)


def test_a_checkpoint_of_another_recipe_is_refused(tiny, pool, tmp_path):
    run(Trainer(tiny("srresnet"), pool, tmp_path), until=1)
    with pytest.raises(ConfigError, match="another channels"):
        Trainer(tiny("srresnet", channels=6), pool, tmp_path).resume()
    assert Trainer(tiny("srresnet", steps=99), pool, tmp_path).resume()  # longer is allowed


def test_nan_stops_with_a_sentence_and_keeps_the_checkpoint(tiny, pool, tmp_path):
    trainer = Trainer(tiny("srresnet"), pool, tmp_path)
    run(trainer, until=2)
    trainer.generator.tail.bias.data.fill_(float("nan"))
    with pytest.raises(TrainingError, match="near step 3"):
        run(trainer, log_every=1)
    again = Trainer(tiny("srresnet"), pool, tmp_path)
    assert again.resume() and again.step == 2


def test_nan_between_two_logs_is_not_saved(tiny, pool, tmp_path):
    trainer = Trainer(tiny("srresnet", steps=9), pool, tmp_path)
    run(trainer, until=2)
    trainer.generator.tail.bias.data.fill_(float("nan"))
    with pytest.raises(TrainingError):
        run(trainer, log_every=4, save_minutes=0)
    again = Trainer(tiny("srresnet", steps=9), pool, tmp_path)
    assert again.resume() and again.step == 2


def test_weights_that_are_not_finite_are_not_saved(tiny, pool, tmp_path):
    """The gradient overflows in a step whose own loss is finite."""
    trainer = make_trainer(tiny("srgan"), pool, tmp_path, vgg="random")
    run(trainer, until=2)
    infinite = trainer.generator.tail.bias.register_hook(lambda grad: grad * float("inf"))
    with pytest.raises(TrainingError, match=r"no longer finite after step 3.*another folder"):
        run(trainer, until=3)
    infinite.remove()
    again = make_trainer(tiny("srgan"), pool, tmp_path, vgg="random")
    assert again.resume() and again.step == 2
    assert all(p.isfinite().all() for p in load_generator(tmp_path / WEIGHTS).parameters())


def test_init_must_fit(tiny, pool):
    with pytest.raises(ConfigError, match="to start"):
        Trainer(tiny("srresnet"), pool, init=Generator(num_blocks=2, channels=4))
    init = Generator(num_blocks=1, channels=4, variant="course")
    assert same(Trainer(tiny("srresnet"), pool, init=init).generator, init)


def test_scale_must_fit(tiny, pool):
    with pytest.raises(ConfigError, match="x4"):
        Trainer(tiny("srresnet", scale=2), pool)


def test_a_recipe_and_its_pictures_are_augmented_both_or_neither(tiny, pool):
    with pytest.raises(ConfigError, match="augment=True"):
        Trainer(tiny("srresnet", augment=True), pool)


def test_one_thread_is_singular():
    before = torch.get_num_threads()
    try:
        for threads, name in ((1, "CPU, 1 thread"), (2, "CPU, 2 threads")):
            torch.set_num_threads(threads)
            assert device_name(torch.device("cpu")) == name
    finally:
        torch.set_num_threads(before)


def test_a_training_that_moves_names_both_devices(tiny, pool, tmp_path, monkeypatch):
    run(Trainer(tiny("srresnet"), pool, tmp_path), until=2)
    monkeypatch.setattr(training.devices, "device_name", lambda *_: "another one")
    moved = Trainer(tiny("srresnet"), pool, tmp_path)
    assert moved.resume()
    run(moved, until=4)
    here = device_name(torch.device("cpu"), moved.dtype)
    assert weights_info(tmp_path / WEIGHTS)["device"] == f"{here}, then another one"


def test_precision_goes_by_capability(monkeypatch):
    for has_bf16, dtype in [(False, torch.float32), (True, torch.bfloat16)]:
        monkeypatch.setattr(devices, "cpu_has_bf16", lambda has_bf16=has_bf16: has_bf16)
        assert precision(torch.device("cpu")) == dtype
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_, **__: True)  # as on a T4
    for capability, dtype in [((7, 5), torch.float16), ((8, 0), torch.bfloat16)]:
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_, c=capability: c)
        assert precision(torch.device("cuda")) == dtype


@pytest.mark.parametrize("name", ["srresnet", "srgan"])
def test_bfloat16_on_a_cpu_follows_float32_where_it_is(name, tiny, pool, tmp_path):
    gradients = {}
    for kind in ("float32", "bfloat16"):
        trainer = make_trainer(tiny(name), pool, tmp_path / kind, vgg="random", precision=kind)
        seen = []
        trainer.generator.fuse.register_forward_hook(lambda _m, _x, y, seen=seen: seen.append(y))
        trainer.update(*trainer.batch())
        assert seen[0].dtype == getattr(torch, kind)
        grads = [weights.grad for weights in trainer.generator.parameters()]
        assert all(grad.dtype == torch.float32 for grad in grads)
        gradients[kind] = torch.cat([grad.flatten() for grad in grads])
    assert torch.cosine_similarity(*gradients.values(), dim=0) > 0.95
    run(trainer, until=2)
    here = device_name(torch.device("cpu"))
    assert weights_info(tmp_path / "bfloat16" / WEIGHTS)["device"] == f"{here}, bfloat16"
    with pytest.raises(ConfigError, match="float16"):
        Trainer(tiny("srresnet"), pool, precision="half")


@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if recipe.lead])
def test_content_leads_as_the_recipe_says(name, tiny, pool, monkeypatch):
    """Whatever the VGG weights: here they are random, and far from torchvision's in scale."""
    monkeypatch.undo()  # a VGG of its full width: with a few channels, patches differ by more
    trainer = make_trainer(tiny(name), pool, vgg="random", precision="float32")
    norms = trainer.balance()
    lead = norms["content"] / norms["adversarial"]
    assert lead == pytest.approx(trainer.recipe.lead, rel=1e-3)
    trainer.recipe = tiny(name, seed=7)  # the same on other patches, within a band
    norms = trainer.balance()
    assert 1 / 3 < norms["content"] / norms["adversarial"] / trainer.recipe.lead < 3


def test_the_derived_weights_are_kept_when_training_goes_on(tiny, pool, tmp_path):
    first = make_trainer(tiny("srgan"), pool, tmp_path, vgg="random")
    run(first, until=2)
    second = make_trainer(tiny("srgan"), pool, tmp_path, init=other(first), vgg="random")
    assert second.loss.weights != first.loss.weights  # derived from another generator
    second.resume()
    assert second.loss.weights == first.loss.weights
    assert weights_info(tmp_path / WEIGHTS)["content_weights"] == first.loss.weights


def other(trainer):
    """A generator like the trainer's, but with weights of its own."""
    generator = Generator(**trainer.generator.config)
    generator.tail.weight.data.normal_(std=0.1)
    return generator


def test_measuring_the_balance_leaves_no_trace(tiny, pool):
    trainer = make_trainer(tiny("srgan-vgg54"), pool, vgg="random")
    networks = copy.deepcopy([trainer.generator, trainer.discriminator])
    state = trainer.rng.get_state()
    trainer.balance()
    assert same(networks[0], trainer.generator) and same(networks[1], trainer.discriminator)
    assert torch.equal(state, trainer.rng.get_state())
    assert all(p.grad is None for p in trainer.generator.parameters())


def test_a_discriminator_that_wins_outright_stops_the_training(tiny, pool, tmp_path, monkeypatch):
    monkeypatch.setattr(adversarial, "WON_STEPS", 4)
    trainer = make_trainer(tiny("srgan", steps=20), pool, tmp_path, vgg="random")
    run(trainer, until=2, log_every=1)
    monkeypatch.setattr(adversarial, "WON_LOSS", 100.0)  # from here on it counts as won
    with pytest.raises(TrainingError, match=r"has won outright by step 6.*checkpoint.*is kept"):
        run(trainer, log_every=1, save_minutes=0)
    again = make_trainer(tiny("srgan", steps=20), pool, tmp_path, vgg="random")
    assert again.resume() and again.step == 2  # nothing of the lost game was saved


def test_a_discriminator_that_wins_for_a_while_stops_nothing(tiny, pool, monkeypatch):
    monkeypatch.setattr(adversarial, "WON_STEPS", 4)
    trainer = make_trainer(tiny("srgan", steps=20), pool, vgg="random")
    won = {"discriminator": 1e-4, "d_hr": 1.0, "d_sr": 0.0}
    trainer._check(won, 3)
    trainer._check({**won, "discriminator": 0.1}, 3)
    trainer._check(won, 3)
    with pytest.raises(TrainingError):
        trainer._check(won, 1)


@pytest.mark.parametrize("name", [name for name in shipped_weights() if name.startswith("srgan")])
def test_which_of_the_shipped_games_was_lost(name, tiny, pool):
    """The card of `srgan-vgg22` has the log of a game that its discriminator won by and by."""
    trainer = make_trainer(tiny("srgan"), pool, vgg="random")
    step, lost_at = 0, None
    for row in read_card(find_weights(name))["history"]:
        try:
            trainer._check(row, row["step"] - step)
        except TrainingError:
            lost_at = row["step"]
            break
        step = row["step"]
    assert lost_at == (684 if name == "srgan-vgg22" else None)
