"""What one step really does: who is trained, on what, and with which settings of the recipe."""

import signal

import pytest
import torch

from srgan_lib import adversarial, losses
from srgan_lib.adversarial import make_trainer
from srgan_lib.checkpoints import CHECKPOINT
from srgan_lib.training import Trainer
from srgan_lib.vgg import VGGFeatures
from srgan_lib.weights import WEIGHTS

pytestmark = [
    pytest.mark.filterwarnings("ignore:vgg.* has random weights"),
    pytest.mark.usefixtures("thin_vgg"),
]


def run(trainer, **kwargs):
    return trainer.run(progress=False, **kwargs)


def flat(module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten().clone() for parameter in module.parameters()])


def test_the_generators_step_leaves_no_gradient_in_the_discriminator(tiny, pool):
    trainer = make_trainer(tiny("srgan-mse"), pool)
    seen, descend = [], trainer._descend

    def spy(loss, optimizer):
        moved = descend(loss, optimizer)
        seen.append([p.grad.clone() for p in trainer.discriminator.parameters()])
        return moved

    trainer._descend = spy
    trainer.update(*trainer.batch())
    assert len(seen) == 2
    assert all(torch.equal(a, b) for a, b in zip(*seen, strict=True))


@pytest.mark.parametrize("name", ["srgan-vgg54", "blog", "srgan"])
def test_vgg_is_told_the_range_of_sr(name, tiny, pool):
    trainer = make_trainer(tiny(name), pool, vgg="random")
    features = [m for m in trainer.loss.modules() if isinstance(m, VGGFeatures)]
    assert [m.input_range for m in features] == [trainer.generator.output_range]


def test_the_running_mean_is_kept_in_every_step_and_is_the_result(tiny, pool):
    trainer = Trainer(tiny("srresnet", ema=0.9), pool)
    run(trainer, until=1)
    for _ in range(3):
        before = flat(trainer.average)
        run(trainer, until=trainer.step + 1)
        decay = min(0.9, (1 + trainer.step) / (10 + trainer.step))
        expected = decay * before + (1 - decay) * flat(trainer.generator)
        assert torch.allclose(flat(trainer.average), expected, atol=1e-6)
    assert trainer.result is trainer.average
    assert not torch.equal(flat(trainer.average), flat(trainer.generator))


def test_the_discriminator_learns_to_call_hr_real(tiny, pool):
    trainer = make_trainer(tiny("srgan-mse", learning_rate=1e-3, channels=8), pool)
    trainer.optimizer.param_groups[0]["lr"] = 0.0
    lr, hr = trainer.batch()
    for _ in range(30):
        row = trainer.update(lr, hr)
    assert row["d_hr"] > row["d_sr"] + 0.2


@pytest.mark.parametrize("name", ["srgan", "srgan-mse", "blog"])
def test_the_losses_get_what_the_recipe_says(name, tiny, pool, monkeypatch):
    trainer = make_trainer(tiny(name), pool, vgg="random")
    seen, forward = {}, trainer.loss.forward

    def discriminator_loss(hr, sr, labels=None, relativistic=False):
        seen.update(labels=labels, relativistic=relativistic)
        return losses.discriminator_loss(hr, sr, labels, relativistic)

    def perceptual(sr, hr, sr_logits=None, hr_logits=None):
        seen["hr_logits"] = hr_logits
        return forward(sr, hr, sr_logits, hr_logits)

    monkeypatch.setattr(adversarial, "discriminator_loss", discriminator_loss)
    monkeypatch.setattr(trainer.loss, "forward", perceptual)
    trainer.update(*trainer.batch())
    assert (seen["labels"] is not None) == trainer.recipe.label_noise
    assert seen["relativistic"] == trainer.recipe.relativistic == (seen["hr_logits"] is not None)
    if seen["labels"]:
        assert seen["labels"][0].min() >= 0.7 and seen["labels"][1].max() <= 0.3


def test_the_schedule_reaches_every_optimizer(tiny, pool):
    trainer = make_trainer(tiny("srgan", steps=10), pool, vgg="random")
    run(trainer)
    rates = [group["lr"] for o in trainer.optimizers for group in o.param_groups]
    rate = trainer.recipe.learning_rate_at(9)
    assert rates == [rate, rate * trainer.recipe.discriminator_rate] and len(set(rates)) == 2


def test_training_goes_on_in_train_mode_after_validation(tiny, pool):
    trainer = Trainer(tiny("srresnet-mse"), pool, validate=lambda g: g.eval() and {})
    run(trainer, until=2, log_every=1)
    assert trainer.generator.training


def test_the_scaler_is_updated_once_a_step(tiny, pool, monkeypatch):
    trainer = make_trainer(tiny("srgan", steps=3), pool, vgg="random")
    count = []
    monkeypatch.setattr(trainer.scaler, "update", lambda: count.append(1))
    run(trainer)
    assert len(count) == 3


def test_ctrl_c_in_the_middle_of_a_step_saves_a_whole_one(tiny, pool, tmp_path):
    """And going on from there ends bit for bit as if nothing had happened."""
    recipe = tiny("srgan-mse")
    whole = make_trainer(recipe, pool)
    run(whole)

    trainer = make_trainer(recipe, pool, tmp_path)
    judge = trainer.judge

    def press_stop(picture):
        if trainer.step == 2:
            signal.raise_signal(signal.SIGINT)
        return judge(picture)

    trainer.judge = press_stop
    with pytest.raises(KeyboardInterrupt):
        run(trainer)
    again = make_trainer(recipe, pool, tmp_path)
    assert again.resume() and again.step == 3
    run(again)
    assert torch.equal(flat(again.generator), flat(whole.generator))
    assert torch.equal(flat(again.discriminator), flat(whole.discriminator))


def test_an_interrupt_does_not_save_a_state_that_is_not_finite(tiny, pool, tmp_path):
    trainer = Trainer(tiny("srresnet", steps=9), pool, tmp_path)
    run(trainer, until=2)
    generate = trainer.generate

    def press_stop(lr):
        signal.raise_signal(signal.SIGINT)
        return generate(lr) * float("nan")

    trainer.generate = press_stop
    with pytest.raises(KeyboardInterrupt):
        run(trainer, log_every=9)
    again = Trainer(tiny("srresnet", steps=9), pool, tmp_path)
    assert again.resume() and again.step == 2


def test_weights_that_were_deleted_are_written_again(tiny, pool, tmp_path):
    run(Trainer(tiny("srresnet"), pool, tmp_path))
    (tmp_path / WEIGHTS).unlink()
    trainer = Trainer(tiny("srresnet"), pool, tmp_path)
    assert trainer.resume()
    run(trainer)
    assert (tmp_path / WEIGHTS).exists()


def test_until_0_trains_nothing(tiny, pool):
    trainer = Trainer(tiny("srresnet"), pool)
    run(trainer, until=0)
    assert trainer.step == 0


def test_a_run_moves_from_a_machine_without_to_one_with_loss_scaling(tiny, pool, tmp_path):
    run(Trainer(tiny("srresnet"), pool, tmp_path), until=2)
    trainer = Trainer(tiny("srresnet"), pool, tmp_path)
    trainer.scaler = torch.amp.GradScaler("cpu", enabled=True)  # as on a T4
    assert trainer.resume() and trainer.step == 2


def test_somebody_elses_checkpoint_is_refused(tiny, pool, tmp_path):
    from srgan_lib.errors import WeightsError

    torch.save({"model": {}}, tmp_path / CHECKPOINT)
    with pytest.raises(WeightsError, match="not a checkpoint of this course"):
        Trainer(tiny("srresnet"), pool, tmp_path).resume()
    assert (tmp_path / CHECKPOINT).exists()
