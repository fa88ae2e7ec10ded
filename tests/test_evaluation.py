"""A folder is scored picture by picture, with one mean, and names what it cannot score."""

import json
import math
from functools import partial
from unicodedata import normalize

import numpy as np
import pytest
from PIL import Image
from synthetic import photo

from srgan_lib.cli.evaluate import score_table
from srgan_lib.degradation import Degradation, Downscale, bicubic_downscale, bicubic_upscale
from srgan_lib.errors import ConfigError, DataError, ImageError, Note
from srgan_lib.evaluation import check_set, checkerboard, color_shift, consistency, evaluate
from srgan_lib.images import write_image
from srgan_lib.metrics import psnr, ssim, ssim_daala

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def hr_dir(tmp_path):
    for i in range(3):
        write_image(tmp_path / "hr" / f"{i}.png", photo(66, 81, i))  # not multiples of 4
    return tmp_path / "hr"


def test_evaluate_makes_lr_and_scores_it(hr_dir):
    result = evaluate("bicubic", hr_dir, progress=False)
    assert list(result) == ["weights", "scale", "border", "images", "mean"]
    assert (result["weights"], result["scale"], result["border"]) == ("bicubic", 4, 4)
    assert [row["name"] for row in result["images"]] == ["0.png", "1.png", "2.png"]
    hr = photo(66, 81, 1)[:64, :80]
    lr = bicubic_downscale(hr, 4)
    sr = bicubic_upscale(lr, 4)
    assert result["images"][1] == {
        "name": "1.png",
        "psnr_y": psnr(sr, hr, border=4),
        "ssim_y": ssim(sr, hr, border=4),
        "ssim_daala": ssim_daala(sr, hr, border=4),
        "psnr_rgb": psnr(sr, hr, border=4, channel="rgb"),
        "lpips": None,
        "color_shift": color_shift(sr, lr),
        "consistency": consistency(sr, lr, 4),
        "checkerboard": checkerboard(sr, hr, 4),
    }
    for key, value in result["mean"].items():
        if key not in ("lpips", "worst_color_shift"):
            assert value == pytest.approx(np.mean([row[key] for row in result["images"]]))
    worst = max(row["color_shift"] for row in result["images"])
    assert result["mean"]["worst_color_shift"] == worst
    assert [*list(result["images"][0])[1:], "worst_color_shift"] == list(result["mean"])
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
    with pytest.raises(DataError, match="40x32 pixels"):
        evaluate("bicubic", hr_dir, lr_dir=tmp_path / "lr", progress=False)
    write_image(tmp_path / "lr" / "0.png", photo(16, 20), force=True)
    with pytest.raises(DataError, match=r"no LR picture for 1\.png"):
        evaluate("bicubic", hr_dir, lr_dir=tmp_path / "lr", progress=False)
    with pytest.raises(DataError, match="not a folder"):
        evaluate("bicubic", hr_dir, lr_dir=tmp_path / "missing", progress=False)


def test_a_set_is_scored_as_a_whole_or_not_at_all(hr_dir):
    def never(lr):
        raise AssertionError("nothing is scored before all is known to be right")

    (hr_dir / "damaged.png").write_bytes(b"no picture")
    cut = (hr_dir / "0.png").read_bytes()
    (hr_dir / "cut.png").write_bytes(cut[: len(cut) // 2])
    (hr_dir / "empty.jpg").touch()
    write_image(hr_dir / "tiny.png", photo(12, 12))
    with pytest.raises(DataError, match=r"Of the 7 pictures in .* 4 cannot be scored") as caught:
        evaluate(never, hr_dir, progress=False)
    assert all(name in str(caught.value) for name in ("damaged.", "cut.", "empty.", "tiny."))
    assert "12x12" in str(caught.value)


@pytest.fixture
def lr_dir(hr_dir, tmp_path):
    for i in range(3):
        lr = bicubic_downscale(photo(66, 81, i)[:64, :80], 4)
        write_image(tmp_path / "lr" / f"{i}.png", lr)
    return tmp_path / "lr"


def test_all_lr_that_is_missing_or_damaged_is_named_at_once(hr_dir, lr_dir):
    (lr_dir / "0.png").unlink()
    (lr_dir / "1.png").write_bytes((lr_dir / "1.png").read_bytes()[:90])
    write_image(lr_dir / "2.png", photo(8, 8), force=True)
    with pytest.raises(DataError, match="3 cannot be scored") as caught:
        evaluate("bicubic", hr_dir, lr_dir=lr_dir, progress=False)
    sentence = str(caught.value)
    assert "no LR picture for 0.png" in sentence and "8x8" in sentence
    assert f"{lr_dir / '1.png'} cannot be read" in sentence


@pytest.mark.parametrize("other", ["1.tif", "1.jpg", "1x4.png"])
def test_of_two_lr_pictures_none_wins_in_silence(hr_dir, lr_dir, other):
    Image.fromarray(photo(16, 20)).save(lr_dir / other)
    with pytest.raises(DataError, match=r"two LR pictures for 1\.png") as caught:
        evaluate("bicubic", hr_dir, lr_dir=lr_dir, progress=False)
    assert other in str(caught.value) and "1.png" in str(caught.value)


def test_two_hr_pictures_cannot_have_one_lr(hr_dir, lr_dir):
    write_image(hr_dir / "1.jpg", photo(66, 81, 1))
    assert len(evaluate("bicubic", hr_dir, progress=False)["images"]) == 4
    with pytest.raises(DataError, match=r"1\.jpg and 1\.png have the same LR, 1\.png"):
        evaluate("bicubic", hr_dir, lr_dir=lr_dir, progress=False)


def test_a_name_that_ends_in_the_scale_is_a_name(hr_dir, lr_dir):
    write_image(hr_dir / "1x4.png", photo(66, 81, 5))
    write_image(lr_dir / "1x4.png", bicubic_downscale(photo(66, 81, 5)[:64, :80], 4))
    read = evaluate("bicubic", hr_dir, lr_dir=lr_dir, progress=False)
    assert read == evaluate("bicubic", hr_dir, progress=False)


@pytest.mark.parametrize("name", ["\u00e9", "\u00fcber \u00e0", "\ud55c\uae00"])
@pytest.mark.parametrize(("hr_form", "lr_form"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_an_accent_may_be_written_in_two_ways(hr_dir, lr_dir, name, hr_form, lr_form):
    (hr_dir / "2.png").rename(hr_dir / f"{normalize(hr_form, name)}.png")
    (lr_dir / "2.png").rename(lr_dir / f"{normalize(lr_form, name)}x4.png")
    read = evaluate("bicubic", hr_dir, lr_dir=lr_dir, progress=False)
    assert read == evaluate("bicubic", hr_dir, progress=False)
    assert len(read["images"]) == 3


def test_lr_without_hr_is_named(hr_dir, lr_dir):
    (hr_dir / "1.png").unlink()
    with pytest.warns(Note, match=r"because HR is missing: 1\.png"):
        result = evaluate("bicubic", hr_dir, lr_dir=lr_dir, progress=False)
    assert [row["name"] for row in result["images"]] == ["0.png", "2.png"]


def test_many_faults_are_one_sentence(hr_dir):
    for number in range(100):
        (hr_dir / f"x{number}.png").touch()
    with pytest.raises(DataError, match=r"100 cannot be scored.*; and 88 more"):
        check_set(hr_dir)


def test_a_model_that_fails_gives_no_mean(hr_dir):
    def picky(lr):
        raise ImageError("too blue.")

    with pytest.raises(DataError, match=r"0\.png cannot be scored: too blue"):
        evaluate(picky, hr_dir, progress=False)


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


def test_lpips_sees_sr_and_hr_whole(hr_dir):
    sizes = []

    def distance(sr, hr):
        sizes.append((sr.shape, hr.shape))
        return float(len(sizes))

    result = evaluate("bicubic", hr_dir, lpips=distance, progress=False)
    assert sizes == [((64, 80, 3), (64, 80, 3))] * 3
    assert [row["lpips"] for row in result["images"]] == [1, 2, 3]
    assert result["mean"]["lpips"] == 2


def test_equal_pictures_do_not_hide_the_mean_of_the_others(hr_dir):
    rest = evaluate("bicubic", hr_dir, progress=False)["mean"]
    write_image(hr_dir / "flat.png", np.full((64, 64, 3), 99, np.uint8))
    result = evaluate("bicubic", hr_dir, progress=False)
    for key in ("psnr_y", "psnr_rgb", "consistency"):
        assert result["images"][-1][key] == math.inf
        assert result["mean"][key] == pytest.approx(rest[key])
    assert result["mean"]["ssim_y"] == pytest.approx((3 * rest["ssim_y"] + 1) / 4)
    for i in range(3):
        (hr_dir / f"{i}.png").unlink()
    assert evaluate("bicubic", hr_dir, progress=False)["mean"]["consistency"] == math.inf


def test_a_tinted_picture_is_named_by_the_worst_color_shift(hr_dir):
    def tint(lr):
        """Seven levels more red, in one picture of the three."""
        sr = bicubic_upscale(lr, 4)
        if lr[0, 0, 0] == first:
            sr = np.uint8([7, 0, 0]) + sr.clip(0, 248)
        return sr

    first = bicubic_downscale(photo(66, 81, 2)[:64, :80], 4)[0, 0, 0]
    mean = evaluate(tint, hr_dir, progress=False)["mean"]
    assert mean["worst_color_shift"] == pytest.approx(7, abs=0.3)
    assert mean["color_shift"] == pytest.approx(7 / 3, abs=0.3)


def test_score_table_has_a_line_for_each_picture(hr_dir):
    result = evaluate("bicubic", hr_dir, progress=False)
    title, *lines, worst = score_table(result).splitlines()
    assert title.split()[:3] == ["PSNR-Y", "SSIM-Y", "SSIM-daala"] and "LPIPS" not in title
    assert [line.split()[0] for line in lines] == ["0.png", "1.png", "2.png", "mean"]
    assert lines[-1].split()[1] == f"{result['mean']['psnr_y']:.3f}"
    assert f"{result['mean']['worst_color_shift']:.2f}" in worst
    with_lpips = score_table(evaluate("bicubic", hr_dir, lpips=lambda a, b: 0.5, progress=False))
    title, *lines, worst = with_lpips.splitlines()
    assert {len(line) for line in lines} == {len(title)} and len(title) <= 100
    assert lines[0].split()[1 + title.split().index("LPIPS")] == "0.5000"
