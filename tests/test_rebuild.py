"""A course's network as the paper's: the same pictures, but for the bicubic part."""

import copy
import json

import pytest
import torch

from srgan_lib.cards import INIT, file_hash, note_init
from srgan_lib.checkpoints import load_generator, save_weights
from srgan_lib.errors import ConfigError, SRGANError
from srgan_lib.markdown import start
from srgan_lib.models import Generator
from srgan_lib.tools.rebuild import main, rebuild, write

UNUSED = [1, 4, 6]


def trained(scale=4, channels=8):
    """A generator that does not use three of the feature maps, as if it had learned so."""
    torch.manual_seed(0)
    generator = Generator(scale, 2, channels, "course").eval()
    torch.nn.init.normal_(generator.tail.weight, std=0.02)
    with torch.no_grad():
        for conv in (generator.fuse[0], generator.tail, *(up[0] for up in generator.upsample)):
            conv.weight[:, UNUSED] = 0
        for block in generator.blocks:
            block.body[0].weight[:, UNUSED] = 0
    return generator


def patches(scale=4, count=6):
    torch.manual_seed(1)
    lr = torch.rand(count, 3, 12, 12)
    return lr, torch.nn.functional.interpolate(lr, scale_factor=scale)


@torch.no_grad()
def unit(paper, lr):
    return (paper(lr) + 1) / 2


@torch.no_grad()
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_what_the_network_adds_is_the_same(scale):
    course, (lr, hr) = trained(scale), patches(scale)
    hr = course(lr)  # so that it needs all the feature maps that it uses
    plain = copy.deepcopy(course)
    torch.nn.init.zeros_(plain.tail.weight)
    learned = course(lr) - plain(lr)
    assert learned.std() > 0.05  # there is something that could get lost
    rebuilt = unit(rebuild(course, lr, hr), lr) - unit(rebuild(plain, lr, hr), lr)
    torch.testing.assert_close(rebuilt, learned, atol=1e-4, rtol=0)


@torch.no_grad()
def test_what_is_interpolated_keeps_a_slope():
    generator = Generator(4, 2, 8, "course")  # a new one is bicubic, and nothing else
    ramp = torch.linspace(0, 1, 16).repeat(1, 3, 16, 1)
    sr = unit(rebuild(generator, *patches()), ramp)
    expected = torch.nn.functional.interpolate(ramp, scale_factor=4, mode="bilinear")
    inside = (..., slice(12, -12), slice(12, -12))
    torch.testing.assert_close(sr[inside], expected[inside], atol=1e-5, rtol=0)


@torch.no_grad()
def test_batch_norm_changes_nothing_at_first_in_training_either():
    course, (lr, hr) = trained(), patches()
    paper = rebuild(course, lr, hr)
    assert not paper.training
    expected = unit(paper, lr)
    torch.testing.assert_close(unit(paper.train(), lr), expected, atol=1e-3, rtol=0)


def test_it_can_learn_and_leaves_the_first_network_alone():
    course, (lr, hr) = trained(), patches()
    before = copy.deepcopy(course.state_dict())
    paper = rebuild(course, lr, hr)
    for name, value in course.state_dict().items():
        assert torch.equal(value, before[name]), name
    paper.train()(lr).square().mean().backward()
    for name, parameter in paper.named_parameters():
        assert parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(("channels", "variant"), [(3, "course"), (8, "paper"), (8, "blog")])
def test_what_cannot_be_rebuilt(channels, variant):
    with pytest.raises(ConfigError, match="variant 'course' with more than 3 channels"):
        rebuild(Generator(4, 1, channels, variant), *patches())


def test_the_card_of_what_starts_from_it_tells_both(tmp_path):
    source = tmp_path / "srresnet.safetensors"
    facts = {"minutes": 2.0, "device": "an old GPU"}
    save_weights(source, trained(), recipe={"name": "srresnet"}, step=5, **facts)
    weights = write(source, tmp_path / "start")
    assert load_generator(weights).variant == "paper"
    noted = json.loads((weights.parent / INIT).read_text())
    assert (noted["sha256"], noted["steps"]) == (file_hash(source), 5)

    note_init(tmp_path / "run", weights)
    text = start(
        {"device": "CPU", "init": json.loads((tmp_path / "run" / INIT).read_text())}, short=True
    )
    assert text == (
        "`srresnet` rebuilt as a network of variant `paper`; that from `srresnet` after 5 steps, "
        "2.0 minutes on an old GPU"
    )


def test_the_command_overwrites_nothing(tmp_path, capsys):
    source = tmp_path / "srresnet.safetensors"
    save_weights(source, trained(), step=5, minutes=2.0)
    assert main([str(source), str(tmp_path / "start")]) == 0
    made = (tmp_path / "start" / "generator.safetensors").read_bytes()
    assert main([str(source), str(tmp_path / "start")]) == 2
    assert "generator.safetensors" in capsys.readouterr().err
    assert (tmp_path / "start" / "generator.safetensors").read_bytes() == made
    with pytest.raises(SRGANError):
        write(tmp_path / "none.safetensors", tmp_path / "other")
