"""RESULTS.md shows what the cards say, and says what is missing."""

import copy
import json

import numpy as np
import pytest
from scipy import stats

from srgan_lib.errors import DataError
from srgan_lib.recipes import VARIANTS
from srgan_lib.results import build
from srgan_lib.results import page as page_module
from srgan_lib.results.chance import chance, paired_effect
from srgan_lib.results.page import render_results
from srgan_lib.results.pictures import (
    change_bars,
    perception_and_distortion,
    quality_over_minutes,
)
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
        "data": {"pictures": 40},
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


def test_a_teacher_is_named_before_the_first_table():
    cards = [card("srresnet", "CPU"), card("srresnet-without-teacher", "CPU")]
    assert "teacher:" not in render_results(cards, BICUBIC)
    cards[0]["teacher"] = "DAT-light (Apache-2.0)"
    line = render_results(cards, BICUBIC).split("## In one minute\n\n")[1].splitlines()[0]
    assert line.startswith("`srresnet` had a teacher: DAT-light (Apache-2.0).")
    assert line.endswith("The best one without a teacher is `srresnet-without-teacher`.")
    assert "The best one" not in render_results(cards[:1], BICUBIC)


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
    assert "| 31.50 | .8800 | .8900 | .0912 | – | – |" in row(page, "Set5", "`srresnet`")
    assert "| 28.43 | .8800 | .8900 | – |" in row(page, "Set5", "`bicubic`")
    assert row(page, "BSD100", "`bicubic`").startswith("| `bicubic` | – | – | – | – |")


@pytest.mark.parametrize(
    ("device", "verdicts"),
    [
        ("CPU, 2 threads", "≥ 31.40 | reached | – | – |"),
        ("NVIDIA T4", "≥ 32.05 | missed by 0.55 dB | ≥ 32.20 | missed by 0.70 dB |"),
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
    assert "2.50, too much" in row(page, "Artifacts", "`srgan`")
    assert "too much" not in row(page, "Artifacts", "`bicubic`")


def test_artifacts_are_those_of_the_worst_set():
    one = card("srgan", "NVIDIA T4")
    one["scores"]["Set5"].update(worst_color_shift=1.5, checkerboard=-3.0)
    one["scores"]["BSD100"].update(checkerboard=4.0, consistency=40.5, worst_consistency=33.0)
    line = row(render_results([one], BICUBIC), "Artifacts", "`srgan`")
    assert line == "| `srgan` | 1.50 | Set5 | 4.0 | BSD100 | 40.5 | 33.0 | BSD100 |"


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


def test_the_ablation_is_drawn_and_its_rows_are_folded():
    base = {"steps": 500, "psnr_y": 29.0, "lpips": 0.12, "minutes": 9.0}
    seeds = [{**base, "change": f"seed {n}", "fields": ["seed"], "lpips": 0.12 + n / 1000}
             for n in (-1, 1)]  # fmt: skip
    changes = [
        {**base, "change": "good", "fields": ["a"], "lpips": 0.08},
        {**base, "change": "bad", "fields": ["b"], "lpips": 0.16},
        {**base, "change": "chance", "fields": ["c"], "lpips": 0.121},
    ]
    table = {"about": "Two cores.", "base": base, "rows": [*changes, *seeds]}
    section = render_results([], BICUBIC, table).split("## Each change alone")[1]
    assert "Better than chance in LPIPS: good. Worse: bad]" in section
    assert "3 trainings of the base" in section
    assert section.index("<details>") < section.index("| good |") < section.index("</details>")
    assert "| chance |" not in section and "| the base |" in section and "| bad |" in section
    assert "of their own: chance; seed -1; seed 1." in section
    left, _ = change_bars(table).axes
    assert [tick.get_text() for tick in left.get_yticklabels()] == ["bad", "chance", "good"]
    colors = [bar.get_facecolor() for bar in left.patches if bar.get_height() < 1]
    assert len(set(colors)) == 3


@pytest.mark.parametrize("count", [2, 4, 10])
def test_the_band_of_chance_is_a_prediction_interval(count):
    scores = np.random.default_rng(0).normal(25, 0.1, count)
    rows = [{"fields": ["seed"], "psnr_y": value} for value in scores]
    band = chance({"base": rows[0], "rows": [*rows[1:], {"fields": ["b"], "psnr_y": 1}]}, "psnr_y")
    error = scores.std(ddof=1) * (1 + 1 / count) ** 0.5
    low, high = stats.t.interval(0.95, count - 1, scores.mean(), error)
    assert (band.mean - band.half, band.mean + band.half) == pytest.approx((low, high), rel=1e-4)
    assert band.holds(high - 1e-3) and not band.holds(high + 1e-3)
    assert chance({"base": rows[0], "rows": []}, "psnr_y") is None
    changed = np.random.default_rng(1).normal(26, 0.1, count)
    effect = paired_effect(list(zip(scores, changed, strict=True)))
    test = stats.ttest_rel(changed, scores).confidence_interval(0.95)
    assert (effect.mean - effect.half, effect.mean + effect.half) == pytest.approx(test, rel=1e-3)


def test_how_a_network_was_trained_is_one_row():
    first = card("srresnet", "CPU, 2 threads")
    init = {"name": "srresnet", "sha256": "0" * 64, "steps": 4500, "minutes": 86.5}
    mixed = {"name": "srresnet", "sha256": "0" * 64, "share": 0.03}
    second = {**card("srgan", "CPU"), "init": init, "mixed": mixed, "planned_steps": 5000}
    third = {**card("blog", "CPU"), "vgg": ["a.safetensors"], "recipe": {"vgg": "vgg16"}}
    page = render_results([first, second, third], BICUBIC, card_pages={"srgan": "w/srgan.md"})
    title = "How each network was trained"
    assert row(page, title, "`srresnet`") == (
        "| `srresnet` | random weights | CPU, 2 threads | 1,000 | 20.0 | – | – |"
    )
    assert row(page, title, "`srgan`") == (
        "| `srgan` | `srresnet`; 3 % of it mixed in at the end | CPU | 1,000 of 5,000 | 20.0 | – "
        "| [card](w/srgan.md) |"
    )
    assert row(page, title, "`blog`").endswith("| vgg16 | – |")


def test_in_one_minute():
    networks = [card("srresnet", "NVIDIA T4"), card("srgan", "NVIDIA T4", lpips=0.07)]
    page = render_results(networks, BICUBIC).split("## Pictures")[0]
    assert row(page, "In one minute", "`srresnet`") == (
        "| `srresnet` | 31.50 | .8900 | .0912 | 31.50 | .8900 | .0912 |"
    )
    assert row(page, "In one minute", "the paper's SRGAN").endswith("| 25.16 | .6688 | – |")
    assert "`srresnet` misses its floor by 0.55 dB of PSNR-Y on Set5, and misses its goal" in page
    assert "`srgan` reaches all its targets" in page and "these networks 40 pictures" in page
    networks[0]["data"]["pictures"] = 400_000
    assert "to learn from" not in render_results(networks, BICUBIC)


def test_all_networks_are_in_the_scatter_and_names_hide_no_point():
    networks = [card(name, "CPU") for name in ("srresnet", "srgan", "blog", "a-stage")]
    for number, entry in enumerate(networks):
        for scores in entry["scores"].values():
            scores.update(psnr_y=28.0 + number / 50, lpips=0.1 + number / 500)
    known = {"scores": {"Set5": SCORES, "BSD100": SCORES}}
    for axis in perception_and_distortion(networks, known).axes:
        assert len(axis.lines) == 5
        assert {text.get_text() for text in axis.texts} == {"bicubic", "srresnet", "srgan", "blog"}
        boxes = [text.get_window_extent() for text in axis.texts]
        assert not any(a.overlaps(b) for a in boxes for b in boxes if a is not b)


def test_the_readmes_scores_are_written_between_their_marks():
    text = f"# T\n\n{build.SCORES[0]}\n\n| old |\n\n{build.SCORES[1]}\n\nEnd.\n"
    networks = [card("srresnet", "CPU"), card("srgan", "CPU")]
    page = build.with_scores(text, cards=networks, bicubic=BICUBIC)
    assert page.startswith("# T\n\n<!--") and page.endswith("-->\n\nEnd.\n")
    assert "old" not in page and "| `srgan` | 31.50 | .8900 | .0912 |" in page
    assert "| the paper's SRResNet, SRGAN | 32.05, 29.40 | .9019, .8472 | – |" in page
    assert build.with_scores(page, cards=networks, bicubic=BICUBIC) == page
    with pytest.raises(DataError, match="put them back"):
        build.with_scores("# T", cards=networks, bicubic=BICUBIC)


def speeds(device: str, **library) -> dict:
    """What `benchmark` would have measured, as far as the page's table reads it."""
    parts = {part: {"loops": {"library": library}} for part, _ in SPEED_TARGETS}
    return {"device": device, "precision": "float32", **parts}


@pytest.mark.parametrize(
    ("device", "start", "end"),
    [
        ("CPU, 2 threads", "pretraining, ratio", "≥ 1.50 | reached | ≥ 2.00 | missed by 0.20 |"),
        (
            "CPU, 2 threads",
            "upscale, ratio",
            "1.80 | ≥ 2.20 | missed by 0.40 | ≥ 2.50 | missed by 0.70 |",
        ),
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


def test_without_any_measurement(tmp_path):
    page = render_results([], BICUBIC)
    assert (
        page.count("Not measured yet.") == 3
        and "LPIPS has not been" in page
        and "No card has a history" in page
    )
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
    page = render_results(**found)
    assert "bicubic, srgan, the original" in page
    assert found["card_pages"]["srgan-mse"].endswith("/srgan-mse.json")


def test_a_network_that_a_gpu_has_trained_is_measured_by_a_gpus_floor():
    init = {"name": "srresnet", "steps": 9, "minutes": 3.0, "device": "NVIDIA T4", "init": None}
    page = render_results([{**card("srresnet", "CPU, 1 thread"), "init": init}], BICUBIC)
    wanted = "| NVIDIA T4, then CPU, 1 thread | 31.50 | ≥ 32.05 | missed by 0.55 dB |"
    assert wanted in page.split("## Targets")[1]
