"""RESULTS.md shows what the cards say, and says what is missing."""

import copy
import json

import pytest

from srgan_lib.errors import DataError
from srgan_lib.recipes import VARIANTS
from srgan_lib.results import build
from srgan_lib.results import page as page_module
from srgan_lib.results.page import render_results
from srgan_lib.results.pictures import quality_over_minutes
from srgan_lib.results.targets import SPEED_TARGETS

SCORES = {
    "psnr_y": 31.5,
    "ssim_y": 0.88,
    "ssim_daala": 0.89,
    "lpips": 0.0912,
    "worst_color_shift": 0.5,
    "consistency": 45.0,
    "worst_consistency": 42.0,
    "checkerboard": -1.0,
}


def card(name: str, device: str, **changes) -> dict:
    return {
        "name": name,
        "sha256": "0" * 64,
        "steps": 1000,
        "minutes": 20.0,
        "device": device,
        "init": None,
        "history": [{"step": n, "minutes": n / 50, "psnr_y": 25.0 + n / 500} for n in (1, 1000)],
        "scores": {name: {**SCORES, **changes} for name in ("Set5", "BSD100")},
    }


BICUBIC = {"scores": {"Set5": {**SCORES, "psnr_y": 28.43, "lpips": None}}}


def row(page: str, section: str, start: str) -> str:
    """The row that begins like that, in the section of that title."""
    lines = page.split(f"# {section}\n")[1].splitlines()
    return next(line for line in lines if line.startswith(f"| {start} |"))


def test_it_is_made_of_the_cards_alone():
    cards = [card("srresnet", "CPU, 2 threads")]
    page = render_results(cards, BICUBIC)
    assert page == render_results(copy.deepcopy(cards), BICUBIC)
    cards[0]["scores"]["Set5"]["psnr_y"] = 29.87
    other = render_results(cards, BICUBIC)
    assert "srresnet from 25.00 to 27.00 dB in 20.0 minutes" in page
    assert "29.87" in row(other, "Set5", "`srresnet`") and "29.87" not in page


def test_the_curve_has_lpips_where_it_was_scored():
    first, second = card("srresnet", "CPU"), card("srgan", "CPU")
    second["history"] = [{**row, "lpips": 0.3 - row["minutes"] / 100} for row in first["history"]]
    second["history"][0]["psnr_y"] = 26.0
    page = render_results([first, second], BICUBIC)
    assert "srresnet from 25.00 to 27.00 dB in 20.0 minutes" in page
    assert "srgan from 26.00 to 27.00 dB and from LPIPS .2998 to .1000 in 20.0 minutes" in page
    above, below = quality_over_minutes([first, second]).axes
    assert [len(axis.lines) for axis in (above, below)] == [2, 1]
    assert below.lines[0].get_color() == above.lines[1].get_color() != above.lines[0].get_color()
    assert len(quality_over_minutes([first]).axes) == 1


def test_every_variant_has_a_row_beside_the_paper():
    page = render_results([card("srresnet", "CPU, 2 threads")], BICUBIC)
    for name in VARIANTS[1:]:
        assert "not trained yet" in row(page, "Set5", f"`{name}`")
    assert row(page, "Set5", "`srgan-vgg54`").endswith("| 29.40 | .8472 |")
    assert "| 31.50 | .8800 | .8900 | .0912 | 1,000 | 20.0 | CPU" in row(page, "Set5", "`srresnet`")
    assert "| 28.43 | .8800 | .8900 | – |" in row(page, "Set5", "`bicubic`")
    assert row(page, "BSD100", "`bicubic`").startswith("| `bicubic` | – | – | – | – |")


@pytest.mark.parametrize(
    ("device", "verdicts"),
    [
        ("CPU, 2 threads", "≥ 31.40 | reached | – | – |"),
        ("NVIDIA T4", "≥ 32.05 | missed by 0.550 dB | ≥ 32.20 | missed by 0.700 dB |"),
    ],
)
def test_targets_are_those_of_the_device(device, verdicts):
    page = render_results([card("srresnet", device)], BICUBIC)
    assert row(page, "Targets", "`srresnet` | Set5, PSNR-Y").endswith(verdicts)
    assert "not trained yet" in row(page, "Targets", "`srgan` | Set5, LPIPS")


def test_less_lpips_is_better_and_may_be_missing():
    page = render_results([card("srgan", "NVIDIA T4")], BICUBIC)
    lpips = row(page, "Targets", "`srgan` | Set5, LPIPS")
    assert lpips.endswith("≤ .0882 | missed by .0030 | ≤ .0748 | missed by .0164 |")
    page = render_results([card("srgan", "NVIDIA T4", lpips=None)], BICUBIC)
    assert "not measured" in row(page, "Targets", "`srgan` | Set5, LPIPS")


def test_a_color_shift_above_the_target_is_named():
    page = render_results([card("srgan", "NVIDIA T4", worst_color_shift=2.5)], BICUBIC)
    assert "2.50, too much" in row(page, "Artifacts", "`srgan` | Set5")
    assert "too much" not in row(page, "Artifacts", "`bicubic` | Set5")


def test_the_ablation_is_compared_with_its_base():
    base = {"steps": 500, "psnr_y": 29.0, "lpips": 0.12, "minutes": 9.0}
    change = {"change": "with EMA", "steps": 500, "psnr_y": 29.25, "lpips": None, "minutes": 9.5}
    page = render_results([], BICUBIC, {"about": "Two cores.", "base": base, "rows": [change]})
    assert row(page, "Each change alone", "with EMA").endswith("| 29.25 | +0.25 | – | – |")


@pytest.mark.parametrize(
    ("change", "fields", "sentence"),
    [
        ("with EMA", ["ema"], "changes one field of the base's recipe."),
        ("two", ["ema", "lead"], "and these a second one (two: lead)."),
    ],
)
def test_a_row_that_differs_in_two_things_is_named(change, fields, sentence):
    base = {"steps": 500, "psnr_y": 29.0, "lpips": 0.12, "minutes": 9.0}
    entry = {**base, "change": change, "fields": fields}
    assert sentence in render_results([], BICUBIC, {"about": "", "base": base, "rows": [entry]})


def test_a_stage_is_told_from_what_came_before():
    first = card("srresnet", "CPU, 2 threads")
    init = {"name": "srresnet", "sha256": "0" * 64, "steps": 4500, "minutes": 86.5}
    page = render_results([first, {**card("srgan", "CPU"), "init": init}], BICUBIC)
    assert "| random weights |" in row(page, "Set5", "`srresnet`")
    assert "| 1,000 | 20.0 | CPU | `srresnet` after 4,500 steps, 86.5 minutes |" in row(
        page, "Set5", "`srgan`"
    )


def speeds(device: str, **library) -> dict:
    """What `benchmark` would have measured, as far as the page's table reads it."""
    parts = {part: {"loops": {"library": library}} for part, _ in SPEED_TARGETS}
    return {"device": device, "precision": "float32", **parts}


@pytest.mark.parametrize(
    ("device", "start", "end"),
    [
        ("CPU, 2 threads", "pretraining, ratio", "≥ 1.50 | reached | ≥ 2.00 | missed by 0.20 |"),
        ("CPU, 2 threads", "upscale, ratio", "1.80 | ≥ 2.20 | missed by 0.40 | – | – |"),
        ("NVIDIA H100", "pretraining, ratio", "1.80 | ≥ 5.00 | missed by 3.20 | – | – |"),
        ("NVIDIA H100", "pretraining, a step", "4.25 ms | ≤ 4.00 ms | missed by 0.25 ms | – | – |"),
        ("NVIDIA H100", "adversarial, of the", "51% | – | – | ≥ 50% | reached |"),
    ],
)
def test_speeds_have_their_verdicts(device, start, end, monkeypatch):
    monkeypatch.setattr(page_module, "report", lambda result: "")
    result = speeds(device, ratio=1.8, seconds=0.00425, of_convolution=0.51)
    page = render_results([], BICUBIC, benchmarks=[result])
    line = f"| {device} | {'–' if 'upscale' in start else 'float32'} | {start}"
    found = [row for row in page.splitlines() if row.startswith(line)]
    assert len(found) == 1 and found[0].endswith(f" {end}")


def test_a_cpu_has_no_target_in_milliseconds(monkeypatch):
    monkeypatch.setattr(page_module, "report", lambda result: "")
    result = speeds("CPU, 2 threads", ratio=1.8, seconds=0.00425, of_convolution=0.51)
    page = render_results([], BICUBIC, benchmarks=[result])
    assert ", ratio |" in page and ", a step |" not in page and "FLOP/s |" not in page


def test_the_share_of_the_steps_and_the_vgg_are_told():
    plain = {**card("srresnet", "CPU"), "planned_steps": 200_000, "vgg": []}
    features = {**card("srgan", "CPU"), "vgg": ["a.safetensors"], "recipe": {"vgg": "vgg16"}}
    page = render_results([plain, features], BICUBIC)
    assert row(page, "Set5", "`srresnet`").endswith(
        "| 1,000 of 200,000 | 20.0 | CPU | random weights | – | – | – |"
    )
    assert row(page, "Set5", "`srgan`").endswith(
        "| 1,000 | 20.0 | CPU | random weights | vgg16 | – | – |"
    )


def test_without_any_measurement(tmp_path):
    page = render_results([], BICUBIC)
    assert page.count("Not measured yet.") == 2 and "No card has a history" in page
    with pytest.raises(DataError, match=r"no .*bicubic\.json"):
        build.collect([], tmp_path)
    (tmp_path / "bicubic.json").write_text("{")
    with pytest.raises(DataError, match=r"bicubic\.json cannot be read"):
        build.collect([], tmp_path)


def test_measurements_are_told_from_cards(tmp_path):
    files = {
        "bicubic": BICUBIC,
        "pictures": {"networks": {"srgan": "0"}},
        "srgan-mse": card("srgan-mse", "NVIDIA T4"),
        "srresnet": card("srresnet", "NVIDIA T4"),
    }
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    found = build.collect([], tmp_path)
    assert [entry["name"] for entry in found["cards"]] == ["srresnet", "srgan-mse"]
    assert "bicubic, srgan, the original" in render_results(**found)


def test_a_network_that_a_gpu_has_trained_is_measured_by_a_gpus_floor():
    init = {"name": "srresnet", "steps": 9, "minutes": 3.0, "device": "NVIDIA T4", "init": None}
    page = render_results([{**card("srresnet", "CPU, 1 thread"), "init": init}], BICUBIC)
    wanted = "| NVIDIA T4, then CPU, 1 thread | 31.50 | ≥ 32.05 | missed by 0.550 dB |"
    assert wanted in page.split("## Targets")[1]
