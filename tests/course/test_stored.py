"""What is stored for readers without a network, and when it gives way to what can be measured."""

import json
import re

import nbformat
import numpy as np
import pytest

from srgan_lib.course import stored
from srgan_lib.course.notebooks import notebook_paths
from srgan_lib.errors import DataError, WeightsError

PICTURE = np.zeros((40, 40, 3), np.uint8)


@pytest.fixture(autouse=True)
def nothing_cached(monkeypatch, tmp_path):
    monkeypatch.delenv("SRGAN_ALEXNET", raising=False)
    monkeypatch.setattr(stored.torch.hub, "get_dir", lambda: str(tmp_path))


def names(*labels):
    return dict.fromkeys(labels, PICTURE)


DAMAGES = ("one pixel off", "blurred", "noise", "less contrast", "an eye painted over")


def test_without_weights_the_stored_values_come_with_their_origin(capsys):
    values, source = stored.stored_lpips("damaged_panda", names(*DAMAGES), PICTURE)
    assert source == "stored" and tuple(values) == DAMAGES
    assert all(0 < value < 1 for value in values.values())
    assert "Stored values: LPIPS 0.1 on AlexNet" in capsys.readouterr().out


@pytest.mark.parametrize("found", ["measure", "variable", "cache"])
def test_with_weights_it_is_measured(found, monkeypatch, tmp_path):
    class Distance:
        def __init__(self, device):
            pass

        def __call__(self, picture, original):
            return float(np.abs(picture.astype(float) - original).mean())

    monkeypatch.setattr(stored, "LPIPS", Distance)
    if found == "variable":
        monkeypatch.setenv("SRGAN_ALEXNET", "alexnet.safetensors")
    if found == "cache":
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "alexnet-owt-7be5be79.pth").touch()
    pictures = {"black": PICTURE, "gray": PICTURE + 9}
    values, source = stored.stored_lpips("x", pictures, PICTURE, measure=found == "measure")
    assert (values, source) == ({"black": 0, "gray": 9}, "measured now")


def test_a_failed_download_is_said_and_the_stored_values_are_taken(monkeypatch, capsys):
    def fail(device):
        raise WeightsError("There is no network.")

    monkeypatch.setattr(stored, "LPIPS", fail)
    found = stored.stored_lpips("damaged_panda", names(*DAMAGES), PICTURE, measure=True)
    assert found[1] == "stored"
    assert "LPIPS was not measured: There is no network." in capsys.readouterr().out


def test_values_of_other_pictures_are_refused():
    with pytest.raises(DataError, match=r"stored for one pixel off, .*, not moved"):
        stored.stored_lpips("damaged_panda", names("moved"), PICTURE)


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"values": {}})])
def test_a_damaged_file_is_one_sentence(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DataError, match="is damaged"):
        stored.read_stored("a", tmp_path)
    with pytest.raises(DataError, match="There is no"):
        stored.read_stored("b", tmp_path)


def test_what_a_trained_vgg_measures_is_shown_and_recorded_where_a_folder_is_named(
    tmp_path, monkeypatch
):
    source, gray = "vgg16.safetensors", PICTURE + 7
    monkeypatch.delenv(stored.RECORD, raising=False)
    assert stored.live_or_stored("a", [1.5], source) == ([1.5], "VGG16 with ImageNet weights")
    assert not any(tmp_path.iterdir())
    monkeypatch.setenv(stored.RECORD, str(tmp_path))
    for name, live in {"b": {"x": 2}, "a": [1.5], "gray": gray}.items():
        assert stored.live_or_stored(name, live, source)[0] is live
    assert stored.stored_vgg("a", tmp_path) == [1.5]
    assert stored.stored_vgg("b", tmp_path) == {"x": 2}
    assert (stored.stored_vgg("gray", tmp_path) == gray).all()
    assert "ImageNet weights (vgg16.safetensors)" in stored.read_stored(stored.VGG, tmp_path)[1]


def test_what_a_random_vgg_measures_is_neither_shown_nor_recorded(tmp_path, monkeypatch):
    stored._record(tmp_path, "a", [1.5], "vgg16.safetensors")
    monkeypatch.setenv(stored.RECORD, str(tmp_path))
    shown, words = stored.live_or_stored("a", [99], "random", tmp_path)
    assert shown == [1.5] == stored.stored_vgg("a", tmp_path) and words.startswith("stored: ")
    with pytest.raises(DataError, match="'c': choose one of a"):
        stored.live_or_stored("c", [99], "random", tmp_path)


def test_all_that_the_notebooks_ask_for_is_stored_and_no_more():
    text = "\n".join(
        cell.source for path in notebook_paths() for cell in nbformat.read(path, 4).cells
    )
    asked = set(re.findall(r'live_or_stored\("([^"]+)"', text))
    pictures = {path.stem for path in stored.STORED.glob("*.png")}
    assert asked == pictures | set(stored.read_stored(stored.VGG)[0]) and len(asked) > 8
