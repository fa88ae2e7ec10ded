"""Metrics against independent implementations, and the mistakes that make tables incomparable."""

import json
import math
import sys
import urllib.error
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import alexnet

from srgan_lib.degradation import Degradation, Downscale, bicubic_downscale, bicubic_upscale
from srgan_lib.errors import ConfigError, DataError, ImageError, WeightsError
from srgan_lib.images import to_tensor, write_image
from srgan_lib.metrics import LPIPS, evaluate, psnr, rgb_to_y, ssim
from srgan_lib.ranges import convert

pytestmark = pytest.mark.filterwarnings("error")


def photo(height, width, seed=0):
    """Noise with the 1 / f spectrum of photographs, the colors alike but not equal."""
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(height)[:, None, None], np.fft.rfftfreq(width)[None, :, None]
    frequency = np.hypot(fy, fx)
    frequency[0, 0] = np.inf
    gray, color = (
        np.fft.irfft2(np.fft.rfft2(noise, axes=(0, 1)) / frequency, (height, width), axes=(0, 1))
        for noise in (rng.normal(size=(height, width, 1)), rng.normal(size=(height, width, 3)))
    )
    mixed = gray / gray.std() + 0.3 * color / color.std()
    return (128 + 40 * mixed).clip(0, 255).astype(np.uint8)


@pytest.fixture
def pair():
    hr = photo(48, 64)
    return bicubic_upscale(bicubic_downscale(hr, 4), 4), hr


@pytest.fixture
def hr_dir(tmp_path):
    for i in range(3):
        write_image(tmp_path / "hr" / f"{i}.png", photo(66, 81, i))  # not multiples of 4
    return tmp_path / "hr"


def test_y_is_that_of_bt601():
    image = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [10, 20, 30]]], np.uint8)
    expected = [16, 235, 81.481, 16 + (654.81 + 2571.06 + 748.98) / 255]
    np.testing.assert_allclose(rgb_to_y(image)[0], expected, rtol=1e-12)


def test_psnr_of_a_known_error():
    a = np.full((8, 8, 3), 100, np.uint8)
    b = a + np.uint8(1)
    assert psnr(a, b, channel="rgb") == pytest.approx(20 * math.log10(255))
    assert psnr(a, b) == pytest.approx(20 * math.log10(255 / (219 / 255)))


def test_identical_pictures(pair):
    for channel in ("y", "rgb"):
        assert psnr(pair[1], pair[1], channel=channel) == math.inf
        assert ssim(pair[1], pair[1], channel=channel) == pytest.approx(1)


def test_psnr_is_relative_to_255_whatever_the_brightest_pixel(pair):
    sr, hr = (image // 4 for image in pair)
    mse = np.mean((sr.astype(float) - hr) ** 2)
    assert psnr(sr, hr, channel="rgb") == pytest.approx(10 * math.log10(255**2 / mse))
    assert hr.max() < 70


def test_y_and_rgb_differ(pair):
    sr, hr = pair
    assert psnr(sr, hr) > psnr(sr, hr, channel="rgb") + 0.5
    assert ssim(sr, hr) != ssim(sr, hr, channel="rgb")


def test_border_is_cropped_on_every_side():
    a = photo(40, 44)
    for edge in (np.s_[:4], np.s_[-4:], np.s_[:, :4], np.s_[:, -4:]):
        b = a.copy()
        b[edge] = 255 - b[edge]
        assert psnr(a, b, border=3) < psnr(a, b, border=4) == math.inf
        assert ssim(a, b, border=3) < ssim(a, b, border=4) == pytest.approx(1)


def test_ssim_equals_skimage_with_wangs_window_and_not_with_its_defaults(pair):
    structural_similarity = pytest.importorskip("skimage.metrics").structural_similarity
    wang = {
        "data_range": 255,
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
    }
    sr, hr = pair
    y = [rgb_to_y(image)[4:-4, 4:-4] for image in pair]
    assert ssim(sr, hr, border=4) == pytest.approx(structural_similarity(*y, **wang), abs=1e-12)
    rgb = structural_similarity(sr, hr, channel_axis=2, **wang)
    assert ssim(sr, hr, channel="rgb") == pytest.approx(rgb, abs=1e-12)
    uniform_7x7 = structural_similarity(*y, data_range=255)
    assert abs(ssim(sr, hr, border=4) - uniform_7x7) > 0.001


def test_metrics_refuse_what_they_cannot_compare(pair):
    sr, hr = pair
    for metric in (psnr, ssim):
        with pytest.raises(ImageError, match="64x48 and 63x48"):
            metric(sr, hr[:, :-1])
        with pytest.raises(ImageError, match="uint8"):
            metric(sr / 255, hr / 255)
        with pytest.raises(ConfigError, match="y or rgb"):
            metric(sr, hr, channel="luma")
        for border in (24, -1):
            with pytest.raises(ImageError, match="border"):
                metric(sr, hr, border=border)
    with pytest.raises(ImageError, match="11x11"):
        ssim(sr[:16], hr[:16], border=3)


def test_evaluate_makes_lr_and_scores_it(hr_dir):
    result = evaluate("bicubic", hr_dir, progress=False)
    assert list(result) == ["weights", "scale", "border", "images", "mean"]
    assert (result["weights"], result["scale"], result["border"]) == ("bicubic", 4, 4)
    assert [row["name"] for row in result["images"]] == ["0.png", "1.png", "2.png"]
    hr = photo(66, 81, 1)[:64, :80]
    sr = bicubic_upscale(bicubic_downscale(hr, 4), 4)
    assert result["images"][1] == {
        "name": "1.png",
        "psnr_y": psnr(sr, hr, border=4),
        "ssim_y": ssim(sr, hr, border=4),
        "psnr_rgb": psnr(sr, hr, border=4, channel="rgb"),
        "lpips": None,
    }
    mean = np.mean([row["psnr_y"] for row in result["images"]])
    assert result["mean"]["psnr_y"] == pytest.approx(mean)
    assert list(result["mean"]) == ["psnr_y", "ssim_y", "psnr_rgb", "lpips"]
    assert json.loads(json.dumps(result)) == result


def test_evaluate_takes_a_callable_another_scale_and_border(hr_dir):
    model = partial(bicubic_upscale, scale=2)
    result = evaluate(model, hr_dir, scale=2, border=0, weights="mine", progress=False)
    assert (result["weights"], result["scale"], result["border"]) == ("mine", 2, 0)
    assert result["mean"]["psnr_y"] > evaluate("bicubic", hr_dir, progress=False)["mean"]["psnr_y"]


@pytest.mark.parametrize("suffix", ["", "x4"])
def test_evaluate_reads_lr_of_the_same_name(hr_dir, tmp_path, suffix):
    for i in range(3):
        lr = bicubic_downscale(photo(66, 81, i)[:64, :80], 4)
        write_image(tmp_path / "lr" / f"{i}{suffix}.png", lr)
    read = evaluate("bicubic", hr_dir, lr_dir=tmp_path / "lr", progress=False)
    assert read == evaluate("bicubic", hr_dir, progress=False)


@pytest.mark.parametrize("method", ["torch-bilinear", "torch-bicubic", "torch-nearest"])
def test_lr_made_without_antialiasing_gives_another_score(hr_dir, tmp_path, method):
    wrong = Degradation([Downscale(4, method)])
    for i in range(3):
        write_image(tmp_path / "lr" / f"{i}.png", wrong(photo(66, 81, i)[:64, :80]))
    right = evaluate("bicubic", hr_dir, progress=False)["mean"]["psnr_y"]
    read = evaluate("bicubic", hr_dir, lr_dir=tmp_path / "lr", progress=False)["mean"]["psnr_y"]
    assert read < right - 0.2


def test_evaluate_refuses_lr_that_does_not_fit(hr_dir, tmp_path):
    write_image(tmp_path / "lr" / "0.png", photo(32, 40))
    with pytest.raises(DataError, match="40x32"):
        evaluate("bicubic", hr_dir, lr_dir=tmp_path / "lr", progress=False)
    write_image(tmp_path / "lr" / "0.png", photo(16, 20), force=True)
    with pytest.raises(DataError, match=r"no LR picture for 1\.png"):
        evaluate("bicubic", hr_dir, lr_dir=tmp_path / "lr", progress=False)
    with pytest.raises(DataError, match="not a folder"):
        evaluate("bicubic", hr_dir, lr_dir=tmp_path / "missing", progress=False)


def test_evaluate_names_and_leaves_out_bad_pictures(hr_dir):
    (hr_dir / "damaged.png").write_bytes(b"no picture")
    write_image(hr_dir / "tiny.png", photo(12, 12))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = evaluate("bicubic", hr_dir, progress=False)
    assert len(result["images"]) == 3
    assert sorted(
        name for w in caught for name in ("damaged", "tiny") if name in str(w.message)
    ) == [
        "damaged",
        "tiny",
    ]


def test_evaluate_refuses_what_it_cannot_score(hr_dir, tmp_path):
    with pytest.raises(ConfigError, match="2, 4 or 8"):
        evaluate("bicubic", hr_dir, scale=3)
    with pytest.raises(ConfigError, match="scale"):
        evaluate(partial(bicubic_upscale, scale=2), hr_dir, scale=4, progress=False)
    with pytest.raises(ConfigError, match="bicubic"):
        evaluate("lanczos", hr_dir)
    with pytest.raises(DataError, match="not a folder"):
        evaluate("bicubic", tmp_path / "missing", progress=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no picture"):
        evaluate("bicubic", tmp_path / "empty", progress=False)


@pytest.fixture(scope="module")
def alexnet_state():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        features = alexnet(weights=None).features
    return {f"features.{name}": value for name, value in features.state_dict().items()}


@pytest.fixture(scope="module")
def backbone(alexnet_state, tmp_path_factory):
    pytest.importorskip("lpips")
    path = tmp_path_factory.mktemp("lpips") / "alexnet.safetensors"
    save_file(alexnet_state, path)
    return path


def test_lpips_is_a_distance(backbone, pair):
    sr, hr = pair
    lpips = LPIPS(backbone)
    assert lpips(hr, hr) == 0
    assert lpips(sr, hr) == pytest.approx(lpips(hr, sr), rel=1e-4)
    nearer = (sr + 3.0 * hr) / 4
    assert 0 < lpips(nearer.astype(np.uint8), hr) < lpips(sr, hr)


def test_lpips_follows_its_definition(backbone, alexnet_state, pair):
    """Zhang et al. 2018, equation 1, on AlexNet fed with ImageNet's normalization."""
    features = alexnet(weights=None).features
    features.load_state_dict({k.removeprefix("features."): v for k, v in alexnet_state.items()})
    x = torch.cat([convert(to_tensor(image), "unit", "imagenet") for image in pair])
    lpips, expected = LPIPS(backbone), 0.0
    with torch.no_grad():
        heads = iter(lpips.network.lins)
        for layer in features[:12]:
            x = layer(x)
            if isinstance(layer, torch.nn.ReLU):
                a, b = x / x.norm(dim=1, keepdim=True).clamp(min=1e-10)
                expected += float(next(heads)((a - b).square().unsqueeze(0)).mean())
    assert lpips(*pair) == pytest.approx(expected, rel=1e-3)


def test_lpips_uses_the_given_weights(backbone, alexnet_state, pair, tmp_path):
    before = torch.random.get_rng_state()
    lpips = LPIPS(backbone)
    assert torch.equal(torch.random.get_rng_state(), before)
    given = sorted(float(v.double().sum()) for v in alexnet_state.values())
    used = sorted(float(v.double().sum()) for v in lpips.network.net.state_dict().values())
    assert used == given
    torch.save({k: v.half() for k, v in alexnet_state.items()}, tmp_path / "half.pth")
    assert LPIPS(tmp_path / "half.pth")(*pair) == pytest.approx(lpips(*pair), rel=0.01)
    torch.save({k: v.flip(0) for k, v in alexnet_state.items()}, tmp_path / "other.pth")
    assert LPIPS(tmp_path / "other.pth")(*pair) != pytest.approx(lpips(*pair), rel=0.001)


def test_lpips_in_evaluate(backbone, hr_dir):
    result = evaluate("bicubic", hr_dir, lpips=LPIPS(backbone), progress=False)
    scores = [row["lpips"] for row in result["images"]]
    assert all(score > 0 for score in scores)
    assert result["mean"]["lpips"] == pytest.approx(np.mean(scores))


def test_lpips_smallest_size(backbone):
    lpips = LPIPS(backbone)
    assert lpips(photo(31, 31), photo(31, 31, 1)) > 0
    with pytest.raises(ImageError, match="31x31"):
        lpips(photo(30, 40), photo(30, 40, 1))
    with pytest.raises(ImageError, match="one size"):
        lpips(photo(40, 40), photo(40, 41))


def test_lpips_with_weights_that_do_not_fit(alexnet_state, tmp_path):
    pytest.importorskip("lpips")
    with pytest.raises(WeightsError, match="no file"):
        LPIPS(tmp_path / "missing.pth")
    for name in ("damaged.pth", "damaged.safetensors"):
        (tmp_path / name).write_bytes(b"no weights")
        with pytest.raises(WeightsError, match="cannot be read"):
            LPIPS(tmp_path / name)
    save_file({k: v[:8].clone() for k, v in alexnet_state.items()}, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="AlexNet's features"):
        LPIPS(tmp_path / "x.safetensors")
    torch.save({"features.0.weight": alexnet_state["features.0.weight"]}, tmp_path / "part.pth")
    with pytest.raises(WeightsError, match="AlexNet's features"):
        LPIPS(tmp_path / "part.pth")


def test_lpips_without_network_says_what_to_do(monkeypatch, tmp_path):
    pytest.importorskip("lpips")

    def offline(*args, **kwargs):
        raise urllib.error.URLError("no route to host")

    monkeypatch.delenv("SRGAN_ALEXNET", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", offline)
    with pytest.raises(WeightsError, match=r"alexnet.*SRGAN_ALEXNET"):
        LPIPS()


def test_lpips_without_its_package_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(ConfigError, match="pip install lpips"):
        LPIPS()
