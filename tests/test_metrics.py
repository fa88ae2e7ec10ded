"""Metrics against independent implementations, and the mistakes that make tables incomparable."""

import math
import sys
import urllib.error

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from synthetic import photo
from torchvision.models import alexnet

from srgan_lib.degradation import bicubic_downscale, bicubic_upscale
from srgan_lib.errors import ConfigError, ImageError, WeightsError
from srgan_lib.images import convert, to_tensor
from srgan_lib.metrics import LPIPS, psnr, rgb_to_y, ssim, ssim_daala

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def pair():
    hr = photo(48, 64)
    return bicubic_upscale(bicubic_downscale(hr, 4), 4), hr


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
    assert ssim_daala(pair[1], pair[1]) == pytest.approx(1)


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
        for similarity in (ssim, ssim_daala):
            assert similarity(a, b, border=3) < similarity(a, b, border=4) == pytest.approx(1)


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


def slow_ssim_daala(a, b):
    """Daala's sums as its tool takes them, a pixel at a time, over the taps inside the picture."""
    height, width = a.shape
    sigma = height * 1.5 / 256
    smallest = math.sqrt(math.pi / 2) * sigma / 256
    reach = 0 if smallest >= 1 else int(sigma * math.sqrt(-2 * math.log(smallest)))
    reach = min(reach, min(height, width) - 1)
    peak = 256 / (math.sqrt(2 * math.pi) * sigma)
    taps = [int(peak * math.exp(-(i**2) / (2 * sigma**2)) + 0.5) for i in range(reach + 1)]
    taps[0] = 256 - 2 * sum(taps[1:])
    total = weights = 0
    for y, x in np.ndindex(height, width):
        w = ma = mb = aa = bb = ab = 0
        for v in range(max(0, y - reach), min(height, y + reach + 1)):
            for u in range(max(0, x - reach), min(width, x + reach + 1)):
                tap, p, q = taps[abs(v - y)] * taps[abs(u - x)], a[v, u], b[v, u]
                w, ma, mb = w + tap, ma + tap * p, mb + tap * q
                aa, bb, ab = aa + tap * p * p, bb + tap * q * q, ab + tap * p * q
        c1, c2 = (255 * 0.01 * w) ** 2, (255 * 0.03 * w) ** 2
        luminance = (2 * ma * mb + c1) / (ma**2 + mb**2 + c1)
        structure = (2 * (ab * w - ma * mb) + c2) / (aa * w - ma**2 + bb * w - mb**2 + c2)
        total, weights = total + w * luminance * structure, weights + w
    return total / weights


@pytest.mark.parametrize("size", [(160, 12), (400, 3), (12, 160), (1, 1), (35000, 1)])
def test_daala_ssim_follows_its_definition(size):
    """Sigma 0.9 and 3 taps a side; 2.3 and more taps than columns; 0.07, 0.006 and 205: none."""
    hr = photo(size[0] + 4, size[1] + 4)
    sr = photo(size[0] + 4, size[1] + 4, 1) // 3 + hr // 2
    y = (rgb_to_y(image)[2:-2, 2:-2] for image in (sr, hr))
    assert ssim_daala(sr, hr, border=2) == pytest.approx(slow_ssim_daala(*y), abs=1e-9)


def test_daala_ssim_grows_with_the_picture_and_wangs_does_not(pair):
    tall_pair = [np.tile(image, (6, 1, 1)) for image in pair]
    assert abs(ssim(*tall_pair) - ssim(*pair)) < 0.02
    assert ssim_daala(*tall_pair) != pytest.approx(ssim_daala(*pair), abs=0.02)


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
    with pytest.raises(ImageError, match="64x48 and 63x48"):
        ssim_daala(sr, hr[:, :-1])
    with pytest.raises(ImageError, match="border"):
        ssim_daala(sr, hr, border=24)


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


def test_lpips_without_a_place_for_its_weights_says_what_to_do(monkeypatch, tmp_path):
    pytest.importorskip("lpips")
    (tmp_path / "file").touch()
    monkeypatch.delenv("SRGAN_ALEXNET", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(WeightsError, match=r"have no place.*TORCH_HOME"):
        LPIPS()


def test_lpips_without_its_package_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(ConfigError, match="pip install lpips"):
        LPIPS()
