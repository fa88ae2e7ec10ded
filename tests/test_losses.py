"""Every loss term reaches the generator, with the value and the range that its formula says."""

import itertools
import math
import sys
import warnings

import lpips
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F
from torchvision.models import vgg16, vgg19

from srgan_lib import losses, vgg
from srgan_lib.errors import ConfigError, WeightsError
from srgan_lib.images import RANGES, convert
from srgan_lib.vgg import VGGFeatures, vgg_layers

pytestmark = pytest.mark.filterwarnings("ignore:vgg.* has random weights")


@pytest.fixture(scope="module")
def pictures():
    generator = torch.Generator().manual_seed(1)
    hr = torch.rand(2, 3, 32, 32, generator=generator)
    return (hr + 0.1 * torch.randn(hr.shape, generator=generator)).clamp(0, 1), hr


@pytest.mark.parametrize(("arch", "build"), [("vgg19", vgg19), ("vgg16", vgg16)])
def test_layers_are_torchvisions(arch, build):
    with torch.device("meta"):
        kinds = [type(m).__name__ for m in build(weights=None).features]
        ours = vgg._vgg_trunk(arch, 99)
    assert [type(m).__name__ for m in ours] == kinds
    prefix = {"conv": "Conv2d", "relu": "ReLU", "pool": "MaxPool2d"}
    assert [prefix[name[:4]] for name in vgg_layers(arch)] == kinds


def test_cut_points():
    """features[: index + 1]: the post's [:18] is relu3_4; the paper's phi_{2,2}, phi_{5,4}."""
    layers = vgg_layers("vgg19")
    cuts = {name: layers[name] + 1 for name in ("relu2_2", "relu3_4", "conv5_4", "relu5_4")}
    assert cuts == {"relu2_2": 9, "relu3_4": 18, "conv5_4": 35, "relu5_4": 36}


@pytest.mark.parametrize(
    ("layer", "shape"),
    [("relu2_2", (128, 16, 16)), ("relu3_4", (256, 8, 8)), ("relu5_4", (512, 2, 2))],
)
def test_feature_shapes(layer, shape, pictures):
    assert VGGFeatures(layer, weights="random")(pictures[0]).shape == (2, *shape)


def test_conv5_4_is_before_the_activation(pictures):
    before = VGGFeatures("conv5_4", weights="random")(pictures[0])
    after = VGGFeatures("relu5_4", weights="random")(pictures[0])
    assert before.min() < 0
    assert torch.equal(before.relu(), after)


def test_every_input_range_gives_the_same_features(pictures):
    features = [
        VGGFeatures("relu2_2", weights="random", input_range=name)(
            convert(pictures[0], "unit", name)
        )
        for name in RANGES
    ]
    assert torch.allclose(features[0], features[1], atol=1e-4)
    assert torch.allclose(features[0], features[2], atol=1e-4)


def test_features_see_imagenet_statistics(pictures):
    module = VGGFeatures("relu2_2", weights="random")
    expected = module.features(convert(pictures[0], "unit", "imagenet"))
    assert torch.equal(module(pictures[0]), expected)
    assert not torch.allclose(module.features(pictures[0]), expected, atol=0.01)


def test_vgg_stays_frozen_and_in_eval_mode():
    loss = losses.PerceptualLoss({"vgg22": (losses.content_loss("vgg22", weights="random"), 1.0)})
    loss.train()
    features = loss.terms["vgg22"].features
    assert not features.training
    assert not any(parameter.requires_grad for parameter in features.parameters())


def test_random_weights_are_the_same_every_time_and_say_so():
    state = torch.get_rng_state()
    with pytest.warns(UserWarning, match="random weights"):
        one = VGGFeatures("relu2_2", weights="random")
    assert torch.equal(state, torch.get_rng_state())  # the caller's random numbers are untouched
    torch.rand(3)
    two = VGGFeatures("relu2_2", weights="random")
    assert torch.equal(one.features[0].weight, two.features[0].weight)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_from_a_file(tmp_path, suffix, pictures):
    source = VGGFeatures("relu2_2", weights="random")
    state = {f"features.{k}": v.half() * 2 for k, v in source.features.state_dict().items()}
    path = tmp_path / f"vgg{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = VGGFeatures("relu2_2", weights=path)
    assert torch.equal(loaded.features[0].weight, source.features[0].weight.half().float() * 2)
    with pytest.raises(WeightsError, match="do not fit vgg19 up to relu5_4"):
        VGGFeatures("relu5_4", weights=path)


def test_weights_that_cannot_be_read(tmp_path):
    with pytest.raises(WeightsError, match="no file"):
        VGGFeatures(weights=tmp_path / "none.pth")
    (tmp_path / "bad.pth").write_bytes(b"not weights")
    with pytest.raises(WeightsError, match="cannot be read"):
        VGGFeatures(weights=tmp_path / "bad.pth")


def test_auto_takes_the_named_file_and_falls_back_to_random(tmp_path, monkeypatch):
    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", offline)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    monkeypatch.delenv("SRGAN_VGG", raising=False)
    with pytest.warns(UserWarning, match="random weights"):
        assert VGGFeatures("relu2_2").source == "random"
    with pytest.raises(WeightsError, match="SRGAN_VGG"):
        VGGFeatures("relu2_2", weights="torchvision")
    monkeypatch.setenv("SRGAN_VGG", str(tmp_path / "mine.pth"))
    with pytest.raises(WeightsError, match=r"mine\.pth"):
        VGGFeatures("relu2_2")


def test_unknown_names():
    with pytest.raises(ConfigError, match="relu5_4"):
        VGGFeatures("relu6_1", weights="random")
    with pytest.raises(ConfigError, match="vgg16 or vgg19"):
        VGGFeatures(arch="resnet", weights="random")
    with pytest.raises(ConfigError, match="vgg54"):
        losses.content_loss("vgg99")


@pytest.mark.parametrize(
    ("name", "arch"),
    [*itertools.product(losses.CONTENT_LOSSES, ["vgg16"])]
    + [(name, "vgg19") for name in losses.CONTENT_LOSSES if name != "lpips-vgg"],
)
def test_every_content_loss_has_a_gradient_and_vanishes_on_equal_pictures(name, arch, pictures):
    loss = losses.content_loss(name, "unit", arch, "random")
    sr, hr = pictures[0].clone().requires_grad_(), pictures[1]
    value = loss(sr, hr)
    value.backward()
    assert value > 0 and sr.grad.abs().sum() > 0
    assert loss(hr, hr) == 0


@pytest.mark.parametrize("input_range", RANGES)
def test_lpips_loss_is_the_packages(input_range, pictures):
    sr, hr = pictures
    loss = losses.content_loss("lpips-vgg", input_range, "vgg16", "random")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = lpips.LPIPS(net="vgg", pnet_rand=True, verbose=False)
    state = loss.features.features.state_dict()
    names = {key: key.split(".", 1)[1] for key in package.net.state_dict()}
    package.net.load_state_dict({key: state[name] for key, name in names.items()})
    expected = package(sr, hr, normalize=True).mean()
    got = loss(convert(sr, "unit", input_range), convert(hr, "unit", input_range))
    assert torch.isclose(got, expected, rtol=1e-4)
    assert not any(weight.requires_grad for weight in loss.parameters())


def test_lpips_loss_needs_vgg16_and_the_package(monkeypatch):
    with pytest.raises(ConfigError, match="does not fit vgg19"):
        losses.content_loss("lpips-vgg", "unit", "vgg19", "random")
    losses._learned_weights.cache_clear()
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(ConfigError, match="pip install lpips"):
        losses.content_loss("lpips-vgg", "unit", "vgg16", "random")


def test_adversarial_losses_are_their_formulas():
    sr, hr = torch.tensor([[0.3], [-1.2]]), torch.tensor([[2.0], [0.5]])
    d_sr, d_hr = sr.sigmoid(), hr.sigmoid()
    assert torch.isclose(losses.generator_adversarial_loss(sr), -d_sr.log().mean())
    expected = -d_hr.log().mean() - (1 - d_sr).log().mean()
    assert torch.isclose(losses.discriminator_loss(hr, sr), expected)
    relative_hr, relative_sr = (hr - sr.mean()).sigmoid(), (sr - hr.mean()).sigmoid()
    expected = -relative_hr.log().mean() - (1 - relative_sr).log().mean()
    assert torch.isclose(losses.discriminator_loss(hr, sr, relativistic=True), expected)
    expected = (-(1 - relative_hr).log().mean() - relative_sr.log().mean()) / 2
    assert torch.isclose(losses.generator_adversarial_loss(sr, hr), expected)


def test_losses_on_logits_keep_their_gradient_where_a_sigmoid_saturates():
    logit = torch.tensor([[-120.0]], requires_grad=True)
    losses.generator_adversarial_loss(logit).backward()
    assert logit.grad.item() == pytest.approx(-1)
    naive = torch.tensor([[-120.0]], requires_grad=True)
    F.binary_cross_entropy(naive.sigmoid(), torch.ones(1, 1)).backward()
    assert naive.grad.item() == 0


def test_noisy_labels_stay_in_the_posts_intervals():
    real, fake = losses.noisy_labels((4000, 1), torch.Generator().manual_seed(0))
    assert 0.7 <= real.min() < 0.71 and 0.99 < real.max() <= 1
    assert 0 <= fake.min() < 0.01 and 0.29 < fake.max() <= 0.3
    again = losses.noisy_labels((4000, 1), torch.Generator().manual_seed(0))
    assert torch.equal(real, again[0])


def test_perceptual_loss_adds_up_its_terms_and_detaches_none(pictures):
    sr, hr = pictures[0].clone().requires_grad_(), pictures[1]
    loss = losses.PerceptualLoss(
        {"mse": (losses.content_loss("mse"), 2.0),
         "vgg22": (losses.content_loss("vgg22", weights="random"), 0.5)},
        adversarial_weight=1e-3,
    )  # fmt: skip
    logits = sr.mean((1, 2, 3))[:, None] * 3
    total, terms = loss(sr, hr, logits)
    assert set(terms) == {"mse", "vgg22", "adversarial"}
    assert torch.isclose(total, sum(terms.values()))
    assert terms["mse"].item() == pytest.approx(2 * F.mse_loss(sr, hr).item())
    assert terms["adversarial"].item() == pytest.approx(
        1e-3 * F.softplus(-logits).mean().item(), rel=1e-5
    )
    norms = losses.gradient_norms(terms, sr)
    assert all(math.isfinite(norm) and norm > 0 for norm in norms.values())
    _, without = loss(sr, hr)
    assert "adversarial" not in without


def test_a_random_place_shows_the_same_part_of_both_from_every_place():
    hr = torch.arange(64.0).view(1, 1, 8, 8)
    seen = set()
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        sr, part = losses.shifted(hr + 100, hr, 3, losses.random_place(3, generator))
        assert part.shape == (1, 1, 5, 5) and torch.equal(sr - 100, part)
        seen.add(part[0, 0, 0, 0].item())
    assert seen == {8.0 * row + column for row in range(4) for column in range(4)}
    same = losses.shifted(hr + 100, hr, 0, losses.random_place(0))
    assert torch.equal(same[0], hr + 100) and torch.equal(same[1], hr)


@pytest.mark.parametrize("size", [(32, 32), (29, 37)])
def test_grid_loss_minds_a_weave_and_nothing_else(size):
    generator = torch.Generator().manual_seed(2)
    hr = torch.rand(2, 3, *size, generator=generator)
    loss = losses.GridLoss(4)
    weave = torch.zeros_like(hr)
    weave[..., ::4, ::4] = 0.1
    # One of 16 places stands out: it lies 15/16 above the mean of all, the others 1/16 below.
    assert loss(hr + weave, hr).item() == pytest.approx(0.1 * 2 * 15 / 16**2, rel=1e-4)
    assert loss(hr + 0.1, hr) < 1e-7  # brightness is the same at every place
    finer = torch.zeros_like(hr)
    finer[..., ::8, ::4], finer[..., 4::8, ::4] = 0.1, -0.1  # a period of 8, not of the cell
    assert loss(hr + finer, hr) < 0.25 * loss(hr + weave, hr)


def test_grid_loss_sees_a_weave_that_fades(pictures):
    hr = pictures[1].repeat(1, 1, 3, 3)
    weave = torch.zeros_like(hr)
    weave[..., ::4, ::4] = 0.1 * torch.linspace(-1, 1, weave.shape[3])[::4]  # its mean is zero
    loss = losses.GridLoss(4)
    assert loss(hr + weave, hr) > 0.2 * loss(hr + weave.abs(), hr) > 0
