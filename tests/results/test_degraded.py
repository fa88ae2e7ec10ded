"""The table behind four D: what is scored, what is kept, and what is reached or missed."""

import json

import numpy as np
import pytest

from srgan_lib.degradation import bicubic_upscale
from srgan_lib.metrics import psnr
from srgan_lib.results import degraded
from srgan_lib.results.degraded import ROWS, cells, measure, overall
from srgan_lib.results.page import render_results
from srgan_lib.results.verdicts import degraded_rows

SCORES = {"worst_color_shift": 0, "checkerboard": 0, "consistency": 40, "worst_consistency": 40}
BICUBIC = {"scores": {"Set5": SCORES}}


def picture(seed):
    return np.random.default_rng(seed).integers(60, 200, (32, 40, 3), dtype=np.uint8)


def bright(lr):
    return np.clip(bicubic_upscale(lr, 4).astype(int) + 3, 0, 255).astype(np.uint8)


def distance(sr, hr):
    return float(np.abs(sr.astype(int) - hr).mean() / 255)


@pytest.fixture
def sets():
    return {"one": [picture(0)], "three": [picture(n) for n in (1, 2, 3)]}


def networks(sha="b"):
    return {"bicubic": ("", lambda lr: bicubic_upscale(lr, 4)), "srgan-photo": (sha, bright)}


def test_every_set_is_scored_behind_every_d(sets, tmp_path):
    table = measure(networks(), sets, distance, tmp_path / "table.json")
    assert table == json.loads((tmp_path / "table.json").read_text())
    assert table["steps"]["heavy"] == "Blur 2, Downscale 4, Noise 10, Jpeg 40"
    scores = table["networks"]["bicubic"]["scores"]["one"]
    expected = psnr(bicubic_upscale(ROWS["heavy"](picture(0)), 4), picture(0), border=4)
    assert scores["heavy"]["psnr_y"] == expected and list(scores) == list(ROWS)
    assert table["networks"]["srgan-photo"]["scores"]["one"]["clean"]["worst_color_shift"] > 2.9


def test_over_all_pictures_a_set_counts_as_often_as_it_has_pictures(sets, tmp_path):
    table = measure(networks(), sets, distance, tmp_path / "table.json")
    one, three = (table["networks"]["bicubic"]["scores"][name]["light"] for name in sets)
    both = overall(table, "bicubic")["light"]
    assert both["psnr_y"] == pytest.approx((one["psnr_y"] + 3 * three["psnr_y"]) / 4)
    assert both["worst_color_shift"] == max(x["worst_color_shift"] for x in (one, three))


def test_only_what_is_missing_is_scored_again(sets, tmp_path):
    def refuses(lr):
        raise AssertionError("scored again")

    out = tmp_path / "table.json"
    before = measure(networks(), sets, distance, out)
    assert measure({"srgan-photo": ("b", refuses)}, sets, distance, out) == before
    with pytest.raises(AssertionError, match="scored again"):
        measure({"srgan-photo": ("other weights", refuses)}, sets, distance, out)
    with pytest.raises(AssertionError, match="scored again"):
        measure({"srgan-photo": ("b", refuses)}, {"one": sets["one"]}, distance, out)


def test_the_page_shows_the_table_and_what_was_missed(sets, tmp_path):
    table = measure(networks(), sets, distance, tmp_path / "table.json")
    section = render_results([], BICUBIC, degraded=table).split("## Real photographs")[1]
    assert f"| `bicubic` | {' | '.join(cells(overall(table, 'bicubic')))} |" in section
    assert "4 pictures together" in section and "Noise 10, Jpeg 40" in section
    assert "| clean | worst color shift | 3.0" in section and "missed by 1.0" in section


def test_goals_are_those_of_bicubic_and_of_each_row():
    same = {"psnr_y": 26.0, "lpips": 0.3, "worst_color_shift": 1.0}
    scores = {"bicubic": dict.fromkeys(ROWS, same)}
    worse = {**same, "psnr_y": 25.3}
    scores["srgan-photo"] = {**dict.fromkeys(ROWS, same), "medium": worse}
    rows = {(row[0], row[1]): row[2:] for row in degraded_rows(scores)}
    assert rows["clean", "LPIPS"] == [".3000", "≤ .2000", "missed by .1000"]
    assert rows["heavy", "LPIPS"][-1] == "reached"
    assert rows["medium", "PSNR-Y"] == ["25.30", "≥ 25.40", "missed by 0.10"]
    assert rows["light", "PSNR-Y"][-1] == "reached" and ("clean", "PSNR-Y") not in rows
    assert degraded_rows({"bicubic": scores["bicubic"]}) == []


def test_the_command_scores_shipped_networks_and_bicubic(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(degraded, "sets_and_lpips", lambda args, device: ({}, distance))
    photo = type("P", (), {"image": picture(0)})
    monkeypatch.setattr(degraded, "load_folder", lambda folder: 5 * [photo])
    out = tmp_path / "table.json"
    assert (
        degraded.main(["--networks", "srresnet", "--sets", "--most", "2", "--out", str(out)]) == 0
    )
    table = json.loads(out.read_text())
    assert list(table["networks"]) == ["bicubic", "srresnet"]
    assert table["pictures"] == {"validation": 2} and "srresnet" in capsys.readouterr().out
    assert degraded.main(["--networks", "none", "--out", str(out)]) == 2
