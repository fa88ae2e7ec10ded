"""A course's network as the paper's: the same pictures, but for the bicubic part."""

import copy
import json

import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from srgan_lib.cli.parser import main as cli
from srgan_lib.data import PatchPool, samples
from srgan_lib.errors import ConfigError, ImageError, Note, SRGANError
from srgan_lib.models import Generator
from srgan_lib.results.card_text import devices, start
from srgan_lib.results.cards import INIT, file_hash, note_init
from srgan_lib.results.paper_start import main, rebuild, write
from srgan_lib.weights import load_generator, save_weights

FACTS = {"recipe": {"name": "srresnet"}, "step": 5, "minutes": 2.0, "device": "an old GPU"}


def trained(scale=4, channels=8):
    """A generator in which every feature map counts."""
    torch.manual_seed(0)
    generator = Generator(scale, 2, channels, "course").eval()
    torch.nn.init.normal_(generator.tail.weight, std=0.02)
    torch.nn.init.normal_(generator.tail.bias, std=0.1)
    for block in generator.blocks:
        torch.nn.init.normal_(block.body[3].weight, std=0.1)
    return generator


def patches(scale=4, count=6):
    torch.manual_seed(1)
    lr = torch.rand(count, 3, 12, 12)
    return lr, F.interpolate(lr, scale_factor=scale)


@torch.no_grad()
def unit(paper, lr):
    return (paper(lr) + 1) / 2


def without(channels, modules):
    """Silence the channels of what these modules return; returns the hooks."""

    def silence(module, inputs, output):
        output = output.clone()
        output[:, channels] = 0
        return output

    return [module.register_forward_hook(silence) for module in modules]


def silence_the_least_needed(course, lr, hr):
    """Leave out what a rebuilt network has no place for, found by trying; the course changes."""
    for modules in ([course.head, course.fuse, *course.blocks], *([u] for u in course.upsample)):
        errors = []
        for channel in range(course.channels):
            network = copy.deepcopy(course)
            twins = dict(zip(course.modules(), network.modules(), strict=True))
            without([channel], [twins[module] for module in modules])
            errors.append(F.mse_loss(network(lr), hr))
        yield torch.stack(errors).argsort()[:3].tolist(), modules


@torch.no_grad()
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_only_what_three_maps_add_is_lost(scale):
    course, (lr, hr) = trained(scale), patches(scale)
    rebuilt = unit(rebuild(course, lr, hr), lr)
    carried = unit(rebuild(Generator(scale, 2, 8, "course"), lr, hr), lr)
    for channels, modules in list(silence_the_least_needed(course, lr, hr)):
        without(channels, modules)
    learned = course(lr) - F.interpolate(lr, scale_factor=scale, mode="bicubic")
    assert learned.std() > 0.05  # there is something that could get lost
    torch.testing.assert_close(rebuilt - carried, learned, atol=1e-4, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_parabolas_pass_through_exactly(scale):
    def picture(size):  # another one for each color
        at = (torch.arange(size) + 0.5) / size
        x, y = at.view(1, -1), at.view(-1, 1)
        return torch.stack([x * x + 0 * y, 0 * x + y * (1 - y) * 2 + 0.2, x * y + 0.1]).unsqueeze(0)

    bicubic = Generator(scale, 2, 8, "course")  # what a new one is, and nothing else
    sr = unit(rebuild(bicubic, *patches(scale)), picture(16))
    inside = (..., slice(3 * scale, -3 * scale), slice(3 * scale, -3 * scale))  # of the dark rim
    torch.testing.assert_close(sr[inside], picture(16 * scale)[inside], atol=1e-5, rtol=0)


@torch.no_grad()
def test_batch_norm_changes_nothing_at_first_in_training_either():
    course, (lr, hr) = trained(), patches()
    paper = rebuild(course, lr, hr)
    assert not paper.training
    expected = unit(paper, lr)
    torch.testing.assert_close(unit(paper.train(), lr), expected, atol=1e-3, rtol=0)


def test_it_can_learn_and_leaves_the_first_network_alone():
    course, (lr, hr) = trained(), patches()
    before, sr = copy.deepcopy(course.state_dict()), course(lr)
    paper = rebuild(course, lr, hr)
    for name, value in course.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert torch.equal(course(lr), sr)
    paper.train()(lr).square().mean().backward()
    for name, parameter in paper.named_parameters():
        assert parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(("channels", "variant"), [(3, "course"), (8, "paper"), (8, "blog")])
def test_what_cannot_be_rebuilt(channels, variant):
    with pytest.raises(ConfigError, match="variant 'course' with more than 3 channels"):
        rebuild(Generator(4, 1, channels, variant), *patches())


def test_patches_must_fit():
    lr, hr = patches()
    with pytest.raises(ImageError, match="must be 4 times as high and wide"):
        rebuild(trained(), lr, hr[..., :-1])


def test_the_card_of_what_starts_from_it_tells_both(tmp_path):
    source = tmp_path / "srresnet.safetensors"
    mixed = {"name": "srgan", "share": 0.25, "sha256": "45ff" * 16}
    save_weights(source, trained(), **FACTS, mixed=mixed)
    moved = write(source, tmp_path / "start").rename(tmp_path / "moved.safetensors")
    note_init(tmp_path / "run", moved)
    init = json.loads((tmp_path / "run" / INIT).read_text())
    assert (init["init"]["sha256"], init["init"]["steps"]) == (file_hash(source), 5)
    history = (
        "`srresnet` rebuilt as a network of variant `paper`; that from `srresnet` after 5 steps, "
        "2.0 minutes{}, 25 % of `srgan` mixed in"
    )
    stage = {"device": "CPU", "init": init}
    assert start(stage, short=True) == history.format(" on an old GPU")
    assert devices(stage) == ["an old GPU", "CPU"]
    assert start({**stage, "device": "an old GPU"}, short=True) == history.format("")


@torch.no_grad()
def test_it_is_made_of_the_patches_that_training_would_see(tmp_path):
    source = tmp_path / "srresnet.safetensors"
    save_weights(source, trained(), **FACTS)
    made = load_generator(write(source, tmp_path / "start"))
    pool = PatchPool([picture.image for picture in samples("train")], 4)
    lr, hr = pool.batch(16, 96, torch.Generator().manual_seed(0))
    expected = rebuild(trained(), lr.float() / 255, hr.float() / 255)
    for name, value in expected.state_dict().items():
        assert torch.equal(made.state_dict()[name], value), name


def test_a_training_starts_from_it(tmp_path, pictures):
    photos, source, out = tmp_path / "photos", tmp_path / "mine.safetensors", tmp_path / "run"
    photos.mkdir()
    for number, picture in enumerate([pictures[0].repeat(2, 0).repeat(2, 1), pictures[1]]):
        Image.fromarray(picture).save(photos / f"{number}.png")
    save_weights(source, trained(), step=5, minutes=2.0)  # no recipe: somebody's own
    with pytest.warns(Note, match="Left out: 1.png is smaller"):
        weights = write(source, tmp_path / "start", [str(photos)])
    command = ["train", "srresnet-mse", "--profile", "smoke", "--steps", "1"]
    assert cli([*command, "--data", str(photos), "--out", str(out), "--init", str(weights)]) == 0
    assert "`mine` rebuilt as" in (out / "generator.md").read_text()


def test_the_command_overwrites_nothing_and_leaves_nothing(tmp_path, capsys):
    source, out = tmp_path / "srresnet.safetensors", tmp_path / "start"
    save_weights(source, Generator(4, 1, 4, "paper"), **FACTS)
    assert main([str(source), str(out)]) == 2 and not out.exists()
    save_weights(source, trained())
    assert main([str(source), str(out)]) == 2 and not out.exists()
    assert "how long it was trained" in capsys.readouterr().err
    save_weights(source, trained(), **FACTS)
    assert main([str(source), str(out)]) == 0
    made = (out / "generator.safetensors").read_bytes()
    assert main([str(source), str(out)]) == 2
    assert "generator.safetensors" in capsys.readouterr().err
    assert (out / "generator.safetensors").read_bytes() == made
    with pytest.raises(SRGANError):
        write(tmp_path / "none.safetensors", tmp_path / "other")
