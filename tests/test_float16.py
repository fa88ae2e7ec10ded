"""Training in float16 with a gradient scaler, as a T4 does it; on a CPU, slowly, the same code."""

import pytest
import torch

from srgan_lib.adversarial import make_trainer
from srgan_lib.recipes import RECIPES

STEPS = 3
pytestmark = [
    pytest.mark.filterwarnings("ignore:vgg.. has random weights"),
    pytest.mark.usefixtures("thin_vgg"),
]


def trained(recipe, pool, precision, steps=STEPS):
    trainer = make_trainer(recipe, pool, vgg="random", precision=precision)
    trainer.run(until=steps, log_every=1, progress=False)
    return trainer


@pytest.mark.parametrize("name", RECIPES)
def test_float16_follows_float32(tiny, pool, name):
    exact, rounded = (trained(tiny(name), pool, p) for p in ("float32", "float16"))
    assert rounded.scaler.is_enabled() and not exact.scaler.is_enabled()
    content = tiny(name).content[0][0]
    for row, other in zip(exact.history, rounded.history, strict=True):
        assert other[content] == pytest.approx(row[content], rel=0.05)
    for a, b in zip(exact.generator.parameters(), rounded.generator.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=2.5e-3)  # a few steps of Adam at most


def weights(trainer):
    return [p.detach().clone() for net in trainer.networks for p in net.parameters()]


@pytest.mark.parametrize("victim", ["generator", "discriminator"])
def test_an_overflow_skips_the_step_in_both_networks(tiny, pool, victim):
    trainer = trained(tiny("srgan"), pool, "float16", steps=1)
    before, scale = weights(trainer), trainer.scaler.get_scale()
    adam = [o.state_dict()["state"][0]["exp_avg"].clone() for o in trainer.optimizers]
    parameter = next(getattr(trainer, victim).parameters()).requires_grad_(True)
    hook = parameter.register_hook(lambda gradient: gradient * torch.inf)
    trainer.run(until=2, progress=False)
    hook.remove()
    for old, new in zip(before, weights(trainer), strict=True):
        assert torch.equal(old, new)
    for old, optimizer in zip(adam, trainer.optimizers, strict=True):
        assert torch.equal(old, optimizer.state_dict()["state"][0]["exp_avg"])
    assert trainer.scaler.get_scale() == scale / 2
    trainer.run(until=3, progress=False)
    changed = [not torch.equal(a, b) for a, b in zip(before, weights(trainer), strict=True)]
    assert sum(changed) > len(changed) / 2


def test_resuming_keeps_the_scale(tiny, pool, tmp_path):
    trainer = make_trainer(tiny("srresnet"), pool, tmp_path, precision="float16")
    hook = next(trainer.generator.parameters()).register_hook(lambda g: g * torch.nan)
    trainer.run(until=2, progress=False)
    hook.remove()
    again = make_trainer(tiny("srresnet"), pool, tmp_path, precision="float16")
    assert again.scaler.get_scale() == 4 * trainer.scaler.get_scale()
    assert again.resume() and again.scaler.get_scale() == trainer.scaler.get_scale()
