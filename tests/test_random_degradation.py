"""The random D against the steps of chapter 1, and as a training uses it."""

import math

import numpy as np
import pytest
import torch

from srgan_lib.adversarial import make_trainer
from srgan_lib.data import PatchPool, samples
from srgan_lib.degradation import Blur, Degradation, bicubic_downscale
from srgan_lib.errors import ConfigError
from srgan_lib.random_degradation import RandomDegradation, blur, noise, resize
from srgan_lib.recipes import RECIPES, get_recipe

PHOTO = samples("validation")[0].image[100:196, 200:296]
OFF = {"clean": 0, "blurred": 0, "noisy": 0, "compressed": 0, "twice": 0}


def batch(image, count=1):
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
    return pixels.unsqueeze(0).repeat(count, 1, 1, 1)


def picture(pixels):
    return pixels.permute(0, 2, 3, 1)[0].numpy()


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_blur_is_that_of_chapter_1_and_its_angle_turns():
    round_ = torch.full((1, 2), 1.3)
    ours = picture(blur(batch(PHOTO).float(), round_, torch.zeros(1)))
    assert np.abs(ours - Degradation([Blur(1.3)])(PHOTO)).max() < 2
    long = torch.tensor([[3.0, 0.0]])
    point = np.zeros((33, 33, 3), np.uint8)
    point[16, 16] = 255
    flat, upright, oblique = (
        picture(blur(batch(point).float(), long, torch.tensor([angle])))[..., 0]
        for angle in (0.0, math.pi / 2, math.pi / 4)
    )
    assert flat[16, 19] > 10 > abs(flat[19, 16])
    np.testing.assert_allclose(upright, flat.T, atol=1e-3)
    assert oblique[18, 18] > 10 > abs(oblique[18, 14])
    none = blur(batch(PHOTO).float(), torch.zeros(1, 2), torch.zeros(1))
    np.testing.assert_allclose(picture(none), PHOTO, atol=1e-2)


def test_noise_has_its_strength_and_kinds():
    gray = torch.full((4, 3, 200, 200), 127.5)
    gray[3] = 31.875  # a quarter: shot noise is half as strong
    sigma, shot = torch.tensor([5.0, 0, 5, 5]), torch.tensor([False, False, True, True])
    color = torch.tensor([False, False, True, False])
    noisy = noise(gray, sigma, shot, color, rng()) - gray
    assert noisy.std(dim=(1, 2, 3)).tolist() == pytest.approx([5, 0, 5, 2.5], abs=0.1)
    assert torch.equal(noisy[2, 0], noisy[2, 1]) and not torch.equal(noisy[0, 0], noisy[0, 1])


@pytest.mark.parametrize("method", ["area", "bilinear", "bicubic"])
def test_resizing_lets_no_stripes_through(method):
    wave = 127.5 + 127.5 * torch.sin(2 * torch.pi * 0.3 * torch.arange(64.0))
    small = resize(wave.expand(1, 3, 64, 64), (16, 16), method)
    assert small[..., 4:-4, 4:-4].std() < 20 < wave.std()


def test_all_is_reproducible_and_each_patch_gets_another_delta():
    hr, lr = batch(PHOTO, 8), batch(bicubic_downscale(PHOTO, 4), 8)
    before = hr.clone()
    one, same, other = (RandomDegradation(clean=0)(hr, lr, rng(seed)) for seed in (1, 1, 2))
    assert one.dtype == torch.uint8 and one.shape == lr.shape
    assert torch.equal(one, same) and not torch.equal(one, other) and torch.equal(hr, before)
    assert len({patch.numpy().tobytes() for patch in one}) == 8


def test_a_share_stays_clean_and_all_of_it_may():
    part = PHOTO[:16, :16]
    hr, lr = batch(part, 200), batch(bicubic_downscale(part, 4), 200)
    shares = [
        (RandomDegradation(clean=clean)(hr, lr, rng()) == lr).all(dim=(1, 2, 3)).float().mean()
        for clean in (0, 0.3, 1)
    ]
    assert shares == pytest.approx([0, 0.3, 1], abs=0.1)


def test_without_defects_it_is_a_resize():
    hr, lr = batch(PHOTO, 8), batch(bicubic_downscale(PHOTO, 4), 8)
    plain = RandomDegradation(**OFF)(hr, lr, rng())
    off = (plain.float() - lr.float()).abs()
    assert 0 < off.mean() < 6  # area, bilinear and bicubic differ in sharpness
    worse = RandomDegradation(**{**OFF, "noisy": 1, "compressed": 1})(hr, lr, rng())
    assert (worse.float() - lr.float()).abs().mean() > off.mean()


def test_colors_stay():
    hr, lr = batch(PHOTO, 64), batch(bicubic_downscale(PHOTO, 4), 64)
    shift = RandomDegradation()(hr, lr, rng()).float().mean((2, 3)) - lr.float().mean((2, 3))
    assert shift.mean(0).abs().max() < 0.5 and shift.abs().max() < 6


@pytest.mark.parametrize(
    "change",
    [
        {"clean": -0.1},
        {"twice": 1.1},
        {"sigma": -1},
        {"noise": math.inf},
        {"quality": (0, 95)},
        {"quality": (80, 30)},
    ],
)
def test_impossible_ranges_are_refused(change):
    with pytest.raises(ConfigError, match=r"clean|twice|sigma|noise|qualities"):
        RandomDegradation(**change)


def test_a_recipe_names_it_and_a_resumed_training_goes_on_with_it(tmp_path):
    recipe = get_recipe("srresnet-photo", "smoke", steps=4, num_blocks=1)
    pool = PatchPool([PHOTO])

    def trainer(folder=None):
        return make_trainer(recipe, pool, folder)

    whole = trainer()
    seen = [whole.batch()[0] for _ in range(4)]
    clean = make_trainer(get_recipe("srresnet", "smoke", num_blocks=1), pool)
    assert not torch.equal(clean.batch()[0], seen[0])  # the same crops, as they are
    half = trainer(tmp_path)
    half.run(2, progress=False)
    again = trainer(tmp_path)
    assert again.resume() and torch.equal(again.batch()[0], seen[2])
    assert recipe.differences(recipe.as_dict()) == []
    assert "degradation" in recipe.differences(RECIPES["srresnet"].as_dict())
