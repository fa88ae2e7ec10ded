"""Shapes, parameter counts and quirks of both networks in every variant."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from srgan_lib.errors import ConfigError, ImageError
from srgan_lib.models import (
    BLOG_BN_EPS,
    SCALES,
    VARIANTS,
    Discriminator,
    Generator,
)


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def conv(inputs: int, outputs: int, side: int) -> int:
    return inputs * outputs * side**2 + outputs


def generator_parameters(scale: int, variant: str) -> int:
    """Counted by hand from figure 4 of the paper and the table of the post."""
    norm = 0 if variant == "course" else 2 * 64
    head = conv(3, 64, 9) + (0 if variant == "blog" else 1)
    block = 2 * (conv(64, 64, 3) + norm) + 1
    fuse = conv(64, 64, 3) + norm
    upsample = (scale.bit_length() - 1) * (conv(64, 256, 3) + 1)
    return head + 16 * block + fuse + upsample + conv(64, 3, 9)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("scale", SCALES)
def test_generator_parameters(scale, variant):
    assert count(Generator(scale, variant=variant)) == generator_parameters(scale, variant)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", [(8, 8), (9, 13)])
def test_output_is_exactly_scale_times_as_large(scale, variant, size):
    generator = Generator(scale, num_blocks=1, channels=4, variant=variant)
    sr = generator(torch.rand(2, 3, *size))
    assert sr.shape == (2, 3, scale * size[0], scale * size[1])


def test_the_posts_count_of_upsampling_blocks_is_wrong_at_8():
    ours = {scale: len(Generator(scale, 1, 4).upsample) for scale in SCALES}
    assert ours == {2: 1, 4: 2, 8: 3}
    assert [int(scale / 2) for scale in SCALES] == [1, 2, 4]


def test_batch_norm_eps_is_the_posts_only_inside_the_posts_blocks():
    def eps(variant):
        generator = Generator(num_blocks=1, channels=4, variant=variant)
        inside = {m.eps for m in generator.blocks.modules() if isinstance(m, nn.BatchNorm2d)}
        return inside, {m.eps for m in generator.fuse if isinstance(m, nn.BatchNorm2d)}

    assert eps("paper") == ({1e-5}, {1e-5})
    assert eps("blog") == ({BLOG_BN_EPS}, {1e-5})
    assert eps("course") == (set(), set())
    momenta = {m.momentum for m in Generator().modules() if isinstance(m, nn.BatchNorm2d)}
    assert momenta == {0.1}


def test_only_the_blog_has_no_activation_after_the_first_convolution():
    heads = {v: type(Generator(num_blocks=1, channels=4, variant=v).head[1]) for v in VARIANTS}
    assert heads == {"paper": nn.PReLU, "blog": nn.Identity, "course": nn.PReLU}


def test_course_generator_starts_as_bicubic():
    lr = torch.rand(1, 3, 12, 10)
    sr = Generator(num_blocks=2, channels=8, variant="course")(lr)
    assert torch.allclose(sr, F.interpolate(lr, scale_factor=4, mode="bicubic"), atol=1e-6)


def test_output_is_not_clamped():
    generator = Generator(num_blocks=1, channels=4, variant="course")
    generator.tail.bias.data.fill_(3.0)
    assert generator(torch.rand(1, 3, 8, 8)).min() > 1


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("blocks", [1, 3])
def test_receptive_radius_bounds_the_gradient(scale, blocks):
    generator = Generator(scale, blocks, 4, "paper").eval()
    lr = torch.rand(1, 3, 61, 61, requires_grad=True)
    sr = generator(lr)
    middle = scale * 30
    sr[..., middle : middle + scale, middle : middle + scale].sum().backward()
    rows = lr.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    reach = max(30 - int(rows.min()), int(rows.max()) - 30)
    assert generator.receptive_radius - 2 <= reach <= generator.receptive_radius


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"scale": 3}, "2, 4 or 8"),
        ({"scale": 16}, "2, 4 or 8"),
        ({"variant": "best"}, "paper, blog, course"),
        ({"num_blocks": 0}, "at least 1"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(ConfigError, match=words):
        Generator(**arguments)


@pytest.mark.parametrize("shape", [(1, 3, 7, 8), (1, 1, 8, 8), (3, 8, 8)])
def test_bad_input(shape):
    with pytest.raises(ImageError, match="at least 8"):
        Generator(num_blocks=1, channels=4)(torch.rand(shape))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size", [(96, 96), (32, 40), (97, 131)])
def test_discriminator_takes_any_size_and_returns_logits(variant, size):
    discriminator = Discriminator(variant, channels=4)
    logits = discriminator(torch.randn(2, 3, *size) * 50)
    assert logits.shape == (2, 1)
    assert not any(isinstance(m, nn.Sigmoid) for m in discriminator.modules())


def test_discriminator_layers_are_the_papers():
    convs = [m for m in Discriminator("paper").features if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in convs] == [64, 64, 128, 128, 256, 256, 512, 512]
    assert [m.stride[0] for m in convs] == [1, 2, 1, 2, 1, 2, 1, 2]
    assert {m.kernel_size for m in convs} == {(3, 3)}
    assert isinstance(Discriminator("paper").features[1], nn.Identity)  # no BN on the first


@pytest.mark.parametrize(("variant", "head"), [
    ("paper", 512 * 36 * 1024 + 1024 + 1024 + 1),
    ("blog", conv(512, 1, 3)),
    ("course", conv(512, 1, 3)),
])  # fmt: skip
def test_discriminator_parameters(variant, head):
    widths = [3, 64, 64, 128, 128, 256, 256, 512, 512]
    trunk = sum(conv(a, b, 3) for a, b in itertools.pairwise(widths))
    norms = sum(2 * width for width in widths[2:])
    assert count(Discriminator(variant)) == trunk + norms + head


def test_the_courses_discriminator_has_something_to_say_from_the_start():
    """The post's eps of 0.8 all but silences a fresh discriminator."""
    pull = {}
    for variant in ("paper", "blog", "course"):
        torch.manual_seed(0)
        x = torch.rand(2, 3, 64, 64, requires_grad=True)
        logits = Discriminator(variant).train()(x)
        pull[variant] = torch.autograd.grad(logits.sum(), x)[0].norm().item()
    assert pull["course"] > 1000 * pull["blog"]
    assert 0.01 < pull["course"] / pull["paper"] < 100
