"""The table of single changes: one start, one difference a row, resumable."""

import json

import numpy as np
import pytest

from srgan_lib.recipes import RECIPES
from srgan_lib.results import ablation

pytestmark = [
    pytest.mark.filterwarnings("ignore:vgg.* has random weights"),
    pytest.mark.usefixtures("thin_vgg"),
]


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The tool with four changes, a distance that needs no AlexNet, and one step a row."""

    class Distance:
        def __init__(self, backbone, device):
            pass

        def __call__(self, a, b):
            return float(np.abs(a.astype(float) - b).mean() / 255)

    names = ("VGG22 instead of VGG54", "patches of 128 px", "no discriminator", "another seed")
    monkeypatch.setattr(ablation, "CHANGES", {name: ablation.CHANGES[name] for name in names})
    monkeypatch.setattr(ablation, "LPIPS", Distance)
    monkeypatch.setattr(ablation, "CROP", 64)
    out = tmp_path / "ablation.json"
    words = f"--steps 1 --batch-size 1 --patch-size 32 --vgg random --device cpu --out {out}"

    def run():
        monkeypatch.setattr("sys.argv", ["ablation", *words.split()])
        assert ablation.main() == 0
        return json.loads(out.read_text())

    return out, run


def test_every_change_is_trained_once(small):
    out, run = small
    table = run()
    assert [row["change"] for row in table["rows"]] == list(ablation.CHANGES)
    fields = [["content"], ["patch_size"], ["adversarial"], ["seed"]]
    assert [row["fields"] for row in table["rows"]] == fields
    assert "1 steps of 1 patches of 32 px" in table["about"]
    rows = [table["base"], *table["rows"]]
    assert len({row["lpips"] for row in rows}) == 5  # each change does make a difference
    assert run() == table  # times included: nothing was trained again

    del table["rows"][0]
    out.write_text(json.dumps(table))
    again = run()
    assert again["base"] == table["base"] and len(again["rows"]) == 4


def test_changes_are_changes():
    """Each sets one field of a recipe, to another value than the base has."""
    start = {**RECIPES["srgan"].as_dict(), "patch_size": 96, **ablation.BASE}  # 96: --patch-size
    for change, values in ablation.CHANGES.items():
        ((field, value),) = values.items()
        assert field in start and start[field] != value, change
    assert {"lpips-vgg", "grid"} <= {
        name for values in ablation.CHANGES.values() for name, _ in values.get("content", ())
    }
    assert sum(values.keys() == {"seed"} for values in ablation.CHANGES.values()) == 3
    assert any(values.keys() == {"lead"} for values in ablation.CHANGES.values())
