"""The resampling kernel against its definition in exact fractions, and each step of D(I, delta)."""

import hashlib
import math
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from srgan_lib.degradation import (
    Blur,
    Degradation,
    Downscale,
    Jpeg,
    Noise,
    bicubic_downscale,
    bicubic_upscale,
    check_scale,
    gaussian,
    imresize,
)
from srgan_lib.errors import ConfigError, ImageError
from srgan_lib.images import crop_to_multiple, list_images, read_image

HALF = Fraction(1, 2)


def random_picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def exact_cubic(x):
    x = abs(x)
    if x <= 1:
        return Fraction(3, 2) * x**3 - Fraction(5, 2) * x**2 + 1
    if x < 2:
        return -HALF * x**3 + Fraction(5, 2) * x**2 - 4 * x + 2
    return Fraction(0)


def exact_resize_line(line, factor, padding):
    """One line of samples by the definition, sample by sample, in fractions."""
    n = len(line)
    stretch = max(1, 1 / factor)

    def sample(i):
        if padding == "replicate":
            return line[min(max(i, 0), n - 1)]
        i %= 2 * n
        return line[i if i < n else 2 * n - 1 - i]

    resized = []
    for j in range(math.ceil(n * factor)):
        center = (j + HALF) / factor - HALF
        reach = range(math.ceil(center - 2 * stretch), math.floor(center + 2 * stretch) + 1)
        weights = [exact_cubic((center - i) / stretch) for i in reach]
        total = sum(w * sample(i) for w, i in zip(weights, reach, strict=True))
        resized.append(total / sum(weights))
    return resized


def exact_round(value):
    return min(max(math.floor(value + HALF), 0), 255)


def exact_imresize(image, factor, padding, round_between):
    result = []
    for channel in range(3):
        columns = [
            exact_resize_line([int(v) for v in image[:, x, channel]], factor, padding)
            for x in range(image.shape[1])
        ]
        if round_between:
            columns = [[exact_round(v) for v in column] for column in columns]
        rows = [exact_resize_line(list(row), factor, padding) for row in zip(*columns, strict=True)]
        result.append([[exact_round(v) for v in row] for row in rows])
    return np.moveaxis(np.array(result, np.uint8), 0, -1)


@pytest.mark.parametrize("padding", ["symmetric", "replicate"])
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_downscale_equals_the_definition_bit_for_bit(scale, padding):
    image = random_picture(24, 32)
    expected = exact_imresize(image, Fraction(1, scale), padding, True)
    np.testing.assert_array_equal(bicubic_downscale(image, scale, padding), expected)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_upscale_equals_the_definition_bit_for_bit(scale):
    image = random_picture(3, 5)
    once = exact_imresize(image, Fraction(scale), "symmetric", False)
    np.testing.assert_array_equal(bicubic_upscale(image, scale), once)
    twice = exact_imresize(image, Fraction(scale), "symmetric", True)
    np.testing.assert_array_equal(imresize(image, scale), twice)


def test_downscale_of_a_generated_picture_has_not_changed():
    y, x = np.mgrid[:64, :96]
    image = np.stack([x * y % 256, (x * 7 + y * 13) % 256, (x ^ y) * 2], -1).astype(np.uint8)
    digest = hashlib.sha256(bicubic_downscale(image, 4).tobytes()).hexdigest()
    assert digest == "702b4de2db3e0f7b2f8f8cc5f6b8836f95ea4ab4ce7c6db3d7f8e89733a8e097"


def test_bright_line_by_hand():
    # Weights at distances 0.5, 1.5, 2.5, 3.5 for x2: 0.43359375, 0.11328125, then negative.
    image = np.zeros((4, 16, 3), np.uint8)
    image[:, 8] = 255
    assert bicubic_downscale(image, 2)[1, :, 0].tolist() == [0, 0, 0, 29, 111, 0, 0, 0]
    np.testing.assert_array_equal(
        bicubic_downscale(image.swapaxes(0, 1).copy(), 2),
        bicubic_downscale(image, 2).swapaxes(0, 1),
    )


def test_ramp_keeps_its_slope_and_is_centered():
    image = np.arange(64, dtype=np.uint8).repeat(3).reshape(1, 64, 3).repeat(64, 0)
    inside = bicubic_downscale(image, 4)[8, 3:-3, 0]
    assert inside.tolist() == [4 * i + 2 for i in range(3, 13)]  # 4 i + 1.5, half up


@pytest.mark.parametrize("value", [0, 1, 127, 255])
def test_constants_stay(value):
    image = np.full((16, 24, 3), value, np.uint8)
    assert (bicubic_downscale(image, 8) == value).all()
    assert (bicubic_upscale(image, 8) == value).all()


def test_paddings_differ_near_the_border_only():
    image = random_picture(96, 96)
    differ = bicubic_downscale(image, 4) != bicubic_downscale(image, 4, "replicate")
    assert differ.any()
    assert not differ[2:-2, 2:-2].any()


def test_smallest_sizes():
    assert bicubic_downscale(random_picture(8, 16), 8).shape == (1, 2, 3)
    pixel = np.array([[[1, 2, 3]]], np.uint8)
    assert (bicubic_upscale(pixel, 4) == pixel).all()
    assert bicubic_upscale(pixel, 4).shape == (4, 4, 3)


def test_one_channel_is_resized_like_three():
    image = random_picture(16, 24)
    np.testing.assert_array_equal(
        imresize(image[..., 1], 0.25), bicubic_downscale(image, 4)[..., 1]
    )
    assert imresize(image, 0.3).shape == (5, 8, 3)


@pytest.mark.parametrize("scale", [0, 1, 3, 16, 2.5, -4, True, "4", None])
def test_other_scales_are_refused(scale):
    for function in (check_scale, Downscale):
        with pytest.raises(ConfigError, match="2, 4 or 8"):
            function(scale)
    for function in (bicubic_downscale, bicubic_upscale):
        with pytest.raises(ConfigError, match="2, 4 or 8"):
            function(random_picture(48, 48), scale)


def test_bad_pictures_and_options_are_refused():
    with pytest.raises(ImageError, match="crop_to_multiple"):
        bicubic_downscale(random_picture(16, 18), 4)
    with pytest.raises(ImageError, match="uint8"):
        bicubic_downscale(np.zeros((16, 16, 3)), 4)
    with pytest.raises(ImageError, match="uint8"):
        imresize(np.zeros((16, 16)), 0.5)
    with pytest.raises(ConfigError, match="symmetric or replicate"):
        bicubic_downscale(random_picture(16, 16), 4, "reflect")
    for factor in (0, -1, math.inf, math.nan):
        with pytest.raises(ConfigError, match="positive"):
            imresize(random_picture(4, 4), factor)


def test_downscaling_without_antialiasing_is_not_ours():
    # 0.3 cycles per pixel cannot be held by the LR grid: it must vanish, not come back as stripes.
    wave = 127.5 + 127.5 * np.sin(2 * np.pi * 0.3 * np.arange(64))
    image = np.tile(wave.round().astype(np.uint8)[None, :, None], (64, 1, 3))
    contrast = {}
    for method in Downscale.METHODS:
        lr = Degradation([Downscale(4, method)])(image)
        assert lr.shape == (16, 16, 3)
        contrast[method] = lr[4:-4, 4:-4].std()
    assert contrast["bicubic"] < 4
    assert contrast["pillow"] < 4
    for method in ("torch-bicubic", "torch-bilinear", "torch-nearest"):
        assert contrast[method] > 30


def test_pillow_comes_close_but_is_not_equal():
    image = random_picture(64, 64)
    ours = Degradation([Downscale(4)])(image).astype(int)
    np.testing.assert_array_equal(ours, bicubic_downscale(image, 4))
    pillow = Degradation([Downscale(4, "pillow")])(image)
    assert 0 < np.abs(ours - pillow).mean() < 3


def test_blur_spreads_a_point_as_the_gaussian():
    image = np.zeros((21, 21, 3), np.uint8)
    image[10, 10] = 255
    expected = 255 * np.outer(gaussian(9, 1.3), gaussian(9, 1.3))
    blurred = Degradation([Blur(1.3)])(image)[6:15, 6:15, 0]
    assert np.abs(blurred - expected).max() <= 0.5 + 1e-9
    assert np.count_nonzero(Degradation([Blur(1.3, size=3)])(image)[..., 0]) == 9


def test_blur_with_a_given_kernel_and_reflected_borders():
    image = random_picture(6, 7)
    take_left = [[1, 0, 0]]  # each pixel becomes its left neighbor
    blurred = Degradation([Blur(kernel=take_left)])(image)
    np.testing.assert_array_equal(blurred[:, 1:], image[:, :-1])
    np.testing.assert_array_equal(blurred[:, 0], image[:, 1])
    pixel = np.array([[[1, 2, 3]]], np.uint8)
    np.testing.assert_array_equal(Degradation([Blur(2.0)])(pixel), pixel)


def test_noise_has_the_given_strength_and_no_bias():
    gray = np.full((200, 200, 3), 128, np.uint8)
    noise = Degradation([Noise(5)])(gray) - 128.0
    assert abs(noise.std() - 5) < 0.1
    assert abs(noise.mean()) < 0.1
    np.testing.assert_array_equal(Degradation([Noise(0)])(gray), gray)


def test_jpeg_loses_more_at_lower_quality():
    image = random_picture(32, 32)
    errors = [np.abs(Degradation([Jpeg(q)])(image) - image.astype(float)).mean() for q in (95, 10)]
    assert 0 < errors[0] < errors[1]


def test_degradation_is_seeded_and_leaves_its_input_alone():
    steps = [Blur(1.2), Downscale(4), Noise(3), Jpeg(60)]
    image = random_picture(32, 48)
    before = image.copy()
    degraded = Degradation(steps, seed=7)(image)
    assert degraded.shape == (8, 12, 3) and degraded.dtype == np.uint8
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(Degradation(steps, seed=7)(image), degraded)
    assert (Degradation(steps, seed=8)(image) != degraded).any()


def test_other_pictures_get_other_noise():
    degrade = Degradation([Noise(3)], seed=7)
    a, b = (np.full((16, 16, 3), value, np.uint8) for value in (100, 101))
    assert (degrade(a) - 100.0 != degrade(b) - 101.0).any()


def test_steps_are_applied_in_order():
    image = random_picture(32, 32)
    np.testing.assert_array_equal(Degradation([])(image), image)
    one = Degradation([Blur(2.0), Downscale(2)])(image)
    other = Degradation([Downscale(2), Blur(2.0)])(image)
    assert one.shape == other.shape and (one != other).any()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Blur(0),
        lambda: Blur(math.nan),
        lambda: Blur(1.0, size=4),
        lambda: Blur(1.0, size=-3),
        lambda: Blur(kernel=[[0.5, 0.5]]),
        lambda: Blur(kernel=[1.0]),
        lambda: Downscale(4, "lanczos"),
        lambda: Noise(-1),
        lambda: Jpeg(0),
        lambda: Jpeg(101),
        lambda: Jpeg(50.5),
        lambda: Degradation(["blur"]),
        lambda: Degradation([], seed=-1),
        lambda: Degradation([], seed=0.5),
    ],
)
def test_bad_parameters_are_refused(make):
    with pytest.raises(ConfigError):
        make()


@pytest.mark.skipif(
    "SRGAN_BENCHMARKS" not in os.environ,
    reason="set SRGAN_BENCHMARKS to a folder with Set5/HR and Set5/LRx4 from the literature",
)
def test_benchmark_pictures_are_reproduced_bit_for_bit():
    folder = Path(os.environ["SRGAN_BENCHMARKS"]) / "Set5"
    files = list_images(folder / "HR")
    assert len(files) == 5
    for path in files:
        made = bicubic_downscale(crop_to_multiple(read_image(path), 4), 4, padding="replicate")
        np.testing.assert_array_equal(made, read_image(folder / "LRx4" / path.name))
