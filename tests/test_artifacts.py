"""Artifacts that are put into a picture are found, and what is none is not taken for one."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from synthetic import photo
from torch import nn

from srgan_lib.data import samples
from srgan_lib.degradation import bicubic_downscale, bicubic_upscale
from srgan_lib.errors import ConfigError, ImageError
from srgan_lib.evaluation import checkerboard, color_shift, consistency
from srgan_lib.images import to_image, to_tensor

pytestmark = pytest.mark.filterwarnings("error")

ROWS, COLUMNS = np.mgrid[:160, :192]
GRIDS = {  # name: (pattern of -1 and 1, scales whose grid it is)
    "checkerboard, period 2": ((-1.0) ** (ROWS + COLUMNS), (2, 4, 8)),
    "rows, period 2": ((-1.0) ** ROWS, (2, 4, 8)),
    "columns, period 2": ((-1.0) ** COLUMNS, (2, 4, 8)),
    "checkerboard, period 4": ((-1.0) ** (ROWS // 2 + COLUMNS // 2), (4, 8)),
    "columns, period 4": ((-1.0) ** (COLUMNS // 2), (4, 8)),
    "rows, period 8": ((-1.0) ** (ROWS // 4), (8,)),
}


def flat(height, width, color):
    return np.full((height, width, 3), color, np.uint8)


def add(image, pattern):
    return (image + pattern[..., None] + 0.5).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def hr():
    """A face, cloth and a blurred background: texture as well as smooth places."""
    return samples("validation")[0].image[:160, :192]


def test_color_shift_is_the_largest_of_the_channels():
    lr = flat(4, 5, (100, 120, 140))
    assert color_shift(flat(16, 20, (100, 120, 140)), lr) == 0
    assert color_shift(flat(16, 20, (101, 123, 135)), lr) == 5
    assert color_shift(flat(16, 20, (107, 123, 135)), lr) == 7


def test_color_shift_is_of_the_means(hr):
    lr = bicubic_downscale(hr, 4)
    assert color_shift(hr, lr) < 0.2
    shifted = hr.clip(3, 252)
    assert color_shift(shifted + np.uint8([0, 0, 3]), lr) == pytest.approx(3, abs=0.3)
    uneven = flat(8, 8, 100)
    uneven[:4, :, 0], uneven[4:, :, 0] = 60, 140
    assert color_shift(uneven, flat(2, 2, 100)) == 0


def test_consistency_is_perfect_for_hr_and_psnr_for_others(hr):
    lr = bicubic_downscale(hr, 4)
    assert consistency(hr, lr, 4) == math.inf
    gray = flat(32, 32, 100)
    assert consistency(gray, flat(8, 8, 101), 4) == pytest.approx(20 * math.log10(255))
    blue_only = consistency(gray, flat(16, 16, (100, 100, 103)), 2)
    assert blue_only == pytest.approx(10 * math.log10(255**2 / 3))


def test_consistency_notices_a_shift_and_not_new_detail(hr):
    lr = bicubic_downscale(hr, 4)
    detail = add(hr, 10 * GRIDS["checkerboard, period 2"][0])
    shifted = np.roll(hr, 1, axis=1)
    assert consistency(detail, lr, 4) > 45 > 35 > consistency(shifted, lr, 4)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_checkerboard_is_zero_without_one(hr, scale):
    assert checkerboard(hr, hr, scale) == pytest.approx(0, abs=1e-9)
    bicubic = bicubic_upscale(bicubic_downscale(hr, scale), scale)
    assert checkerboard(bicubic, hr, scale) < 0
    noisy = hr + np.random.default_rng(0).normal(0, 8, hr.shape)
    assert abs(checkerboard(noisy.clip(0, 255).astype(np.uint8), hr, scale)) < 2.5
    gray = flat(48, 48, 100)
    assert checkerboard(gray, gray, scale) == 0


def test_other_texture_and_brightness_are_no_checkerboard(hr):
    assert abs(checkerboard(photo(160, 192), hr, 4)) < 3
    assert abs(checkerboard(hr // 2 + np.uint8(100), hr // 2, 4)) < 0.1


@pytest.mark.parametrize("name", GRIDS)
def test_a_faint_grid_is_found_at_its_scales_only(hr, name):
    pattern, scales = GRIDS[name]
    for scale in (2, 4, 8):
        found = checkerboard(add(hr, pattern), hr, scale)
        assert found > 10 if scale in scales else abs(found) < 0.5


def test_a_grid_is_found_that_fades_or_is_in_one_corner(hr):
    pattern = GRIDS["checkerboard, period 4"][0]
    fading = pattern * np.cos(2 * np.pi * (COLUMNS + ROWS / 2) / 150)
    corner = pattern * ((ROWS < 64) & (COLUMNS < 64))
    smooth = bicubic_upscale(bicubic_downscale(hr, 4), 4)
    for image in (hr, smooth):
        assert checkerboard(add(image, fading), hr, 4) > 10
        assert checkerboard(add(image, corner), hr, 4) > 5


def test_more_of_it_is_more_and_what_hr_has_is_none(hr):
    pattern = GRIDS["checkerboard, period 2"][0]
    faint, strong = (add(hr, amplitude * pattern) for amplitude in (1, 3))
    assert 3 < checkerboard(faint, hr, 4) < checkerboard(strong, hr, 4) - 6
    assert checkerboard(strong, strong, 4) == pytest.approx(0, abs=1e-9)
    assert checkerboard(hr, strong, 4) == pytest.approx(0, abs=0.1)


def test_checkerboard_of_a_known_amplitude():
    """A flat picture has only rounding's power, 12 under Hann's window, and the grid 256^2 A^2."""
    hr = flat(64, 80, 100)
    sr = hr + (2 * (np.indices((64, 80)).sum(axis=0) % 2)[..., None]).astype(np.uint8)
    power = (256 * 219 / 255) ** 2
    assert checkerboard(sr, hr, 4) == pytest.approx(10 * math.log10((power + 12) / 12))


def test_an_untrained_sub_pixel_convolution_has_a_grid(hr):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = nn.Sequential(nn.Conv2d(3, 48, 3, padding=1), nn.PixelShuffle(4))
    with torch.no_grad():
        sr = to_image(0.5 + 0.1 * layers(to_tensor(bicubic_downscale(hr, 4))))
    assert checkerboard(sr, hr, 4) > 10


def test_sizes_that_do_not_fit_are_one_sentence(hr):
    lr = bicubic_downscale(hr, 4)
    with pytest.raises(ImageError, match="192x160 pixels does not belong to LR of 40x48"):
        consistency(hr, lr.swapaxes(0, 1), 4)
    with pytest.raises(ImageError, match="LR of 47x40"):
        consistency(hr, lr[:, :-1], 4)
    with pytest.raises(ImageError, match="scale 2"):
        consistency(hr, lr, 2)
    with pytest.raises(ImageError, match="192x160 and 191x160"):
        checkerboard(hr, hr[:, :-1], 4)
    with pytest.raises(ImageError, match="at least 32x32"):
        checkerboard(hr[:31], hr[:31], 4)
    assert checkerboard(hr[:32, :32], hr[:32, :32], 4) == 0
    for measure in (consistency, checkerboard):
        with pytest.raises(ConfigError, match="2, 4 or 8"):
            measure(hr, lr, 3)
    for measure in (color_shift, partial(consistency, scale=4), partial(checkerboard, scale=4)):
        with pytest.raises(ImageError, match="uint8"):
            measure(hr / 255, lr)
