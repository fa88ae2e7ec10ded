"""The command line, as a person types it: good commands, and one sentence for bad ones."""

import json

import numpy as np
import pytest
from PIL import Image

from srgan_lib.cli.parser import main
from srgan_lib.models import Generator
from srgan_lib.results import cards
from srgan_lib.weights import save_weights

pytestmark = [
    pytest.mark.filterwarnings("ignore:vgg.* has random weights"),
    pytest.mark.usefixtures("thin_vgg"),
]


@pytest.fixture
def files(tmp_path, pictures, monkeypatch):
    """A folder to work in: hr/ with two pictures, photo.png and x2.safetensors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hr").mkdir()
    for number, picture in enumerate(pictures[:2]):
        Image.fromarray(picture).save(tmp_path / "hr" / f"{number}.png")
    Image.fromarray(pictures[2][:20, :24]).save(tmp_path / "photo.png")
    save_weights(tmp_path / "x2.safetensors", Generator(2, 1, 4, "course"))
    return tmp_path


def run(*words: str) -> int:
    return main(words)


def size(path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_upscale(files):
    assert run("upscale", "photo.png", "out/big.png", "--weights", "x2.safetensors") == 0
    assert size(files / "out" / "big.png") == (48, 40)
    assert run("upscale", "photo.png", "bicubic.png", "--weights", "bicubic", "--scale", "8") == 0
    assert size(files / "bicubic.png") == (192, 160)


def test_upscale_keeps_transparency(files):
    rgba = np.dstack([np.array(Image.open("photo.png")), np.full((20, 24), 128, np.uint8)])
    Image.fromarray(rgba).save("clear.png")
    assert run("upscale", "clear.png", "big.png", "--weights", "x2.safetensors") == 0
    with Image.open("big.png") as big:
        assert big.mode == "RGBA" and set(np.array(big)[..., 3].flat) == {128}


def test_evaluate_writes_the_promised_json(files, capsys):
    command = ("evaluate", "--weights", "bicubic", "--hr", "hr", "--scale", "4", "--json", "s.json")
    assert run(*command) == 0
    scores = json.loads((files / "s.json").read_text())
    assert (scores["weights"], scores["scale"], scores["border"]) == ("bicubic", 4, 4)
    keys = {"psnr_y", "ssim_y", "ssim_daala", "psnr_rgb", "lpips"}
    keys |= {"color_shift", "consistency", "checkerboard"}
    assert [row["name"] for row in scores["images"]] == ["0.png", "1.png"]
    assert all(row.keys() == keys | {"name"} for row in scores["images"])
    assert scores["mean"].keys() == keys | {"worst_color_shift"}
    assert f"{scores['mean']['psnr_y']:.3f}" in capsys.readouterr().out


def test_evaluate_an_untrained_network_which_starts_as_bicubic(files):
    for name in ("bicubic", "x2.safetensors"):
        args = ("--weights", name, "--hr", "hr", "--scale", "2", "--json", f"{name}.json")
        assert run("evaluate", *args) == 0
    one, two = (
        json.loads((files / f"{name}.json").read_text())["mean"]["psnr_y"]
        for name in ("bicubic", "x2.safetensors")
    )
    assert two > one - 1  # PyTorch's bicubic has another kernel, a = -0.75, and is a little sharper


def test_train_and_go_on(files, capsys):
    command = ["train", "srresnet", "--data", "hr", "--out", "run", "--profile", "smoke"]
    assert run(*command, "--steps", "2") == 0
    assert run(*command, "--steps", "3") == 0
    assert "from step 2 of 3" in capsys.readouterr().out
    weights = "run/generator.safetensors"
    assert run("upscale", "photo.png", "trained.png", "--weights", weights) == 0
    second = ["train", "srgan", "--data", "hr", "--out", "gan", "--profile", "smoke"]
    assert run(*second, "--steps", "1", "--vgg", "random", "--init", weights) == 0


def test_an_augmented_training_says_so_and_stays_one(files, capsys):
    command = ["train", "srresnet", "--data", "hr", "--out", "run", "--profile", "smoke"]
    options = ["--augment", "--learning-rate", "0.0003"]
    assert run(*command, *options, "--steps", "1") == 0
    card = json.loads((files / "run" / "generator.json").read_text())
    assert card["recipe"]["augment"] and card["recipe"]["learning_rate"] == 0.0003
    assert "--learning-rate 0.0003 --augment" in card["command"]
    assert run(*command, "--steps", "2") == 2
    assert "made with another augment, learning_rate" in capsys.readouterr().err
    assert run(*command, *options, "--steps", "2") == 0


def test_the_card_of_a_halved_network_is_about_that(files):
    command = ["train", "srresnet", "--data", "hr", "--out", "run", "--profile", "smoke"]
    assert run(*command, "--steps", "1") == 0
    weights = files / "run" / "generator.safetensors"
    whole, before = cards.file_hash(weights), weights.stat().st_size
    assert run(*command, "--steps", "1", "--half") == 0  # when it is trained already, too
    card = cards.read_card(weights)
    assert card["sha256"] == cards.file_hash(weights) != whole
    assert weights.stat().st_size < 0.7 * before
    assert card["command"].endswith("--half")
    cards.check_card(weights)


def test_data_lists_the_sets(capsys):
    assert run("data") == 0
    assert {"DIV2K", "Set5", "Urban100"} <= set(capsys.readouterr().out.split())


@pytest.mark.parametrize("words", [[], ["upscale"], ["evaluate"], ["train"], ["data"]])
def test_help(words, capsys):
    with pytest.raises(SystemExit) as stop:
        run(*words, "--help")
    assert stop.value.code == 0 and "usage" in capsys.readouterr().out


BAD = [
    ("upscale none.png o.png --weights bicubic", "none.png"),
    ("upscale hr o.png --weights bicubic", "hr"),
    ("upscale zero.png o.png --weights bicubic", "zero.png"),
    ("upscale text.png o.png --weights bicubic", "text.png"),
    ("upscale photo.png o.png --weights none", "none"),
    ("upscale photo.png o.png --weights zero.png", "zero.png"),
    ("upscale photo.png o.gif --weights bicubic", ".png"),
    ("upscale photo.png photo.png --weights bicubic", "--force"),
    ("upscale photo.png o.png --weights bicubic --scale 3", "2, 4 or 8"),
    ("upscale dot.png o.png --weights x2.safetensors", "8x8"),
    ("upscale photo.png o.png --weights x2.safetensors --tile 2", "at least 8"),
    ("upscale photo.png o.png --weights x2.safetensors --device tpu9", "tpu9"),
    ("evaluate --weights bicubic --hr none", "none"),
    ("evaluate --weights bicubic --hr empty", "empty"),
    ("evaluate --weights bicubic --hr hr --scale 5", "2, 4 or 8"),
    ("evaluate --weights x2.safetensors --hr hr --scale 4", "leave out --scale"),
    ("evaluate --weights bicubic --hr hr --json photo.png", "--force"),
    ("evaluate --weights bicubic --hr hr --lpips-backbone none.pth", "none.pth"),
    ("train none --out run", "srresnet"),
    ("train srresnet --out run --profile none", "smoke"),
    ("train srresnet --out run --profile smoke --data empty", "empty"),
    ("train srresnet --out run --profile smoke --data hr --init x2.safetensors", "start"),
    ("data none", "none"),
    ("upscale photo.png o.png --weights x2.safetensors --scale 4", "x2"),
    ("upscale photo.png text.png/o.png --weights bicubic", "text.png"),
    ("upscale clear.png o.jpg --weights bicubic", "JPEG"),
    ("upscale photo.png o.png --weights bicubic --device meta", "meta"),
    ("evaluate --weights bicubic --hr hr --json text.png/s.json", "text.png"),
    ("evaluate --weights bicubic --hr hr --border -1", "border"),
    ("evaluate --weights bicubic --hr hr --border 1000", "border"),
    ("train srresnet --out text.png --profile smoke --data hr", "text.png"),
    ("train srresnet --out run --profile smoke --data hr --steps 0", "steps"),
    ("train srresnet --out run --profile smoke --data hr --batch-size -1", "batch_size"),
    ("train srresnet --out mine --profile smoke --data hr", "move it away"),
    ("train srresnet --out run --profile smoke --data hr --learning-rate 0", "positive"),
    ("train srresnet --out run --profile smoke --data hr --learning-rate nan", "positive"),
    ("train srresnet --out run --profile cpu --data hr", "96 px"),
    ("train srgan --out run --profile smoke --data hr --vgg text.png", "text.png"),
    ("train srgan --out run --profile smoke --data hr --vgg ~no.such.user/vgg.pth", "whole path"),
]


@pytest.mark.parametrize(("command", "word"), BAD, ids=[command for command, _ in BAD])
def test_bad_input_is_one_sentence(command, word, files, capsys):
    (files / "empty").mkdir()
    (files / "zero.png").touch()
    (files / "text.png").write_text("no picture")
    Image.new("RGB", (1, 1)).save("dot.png")
    Image.new("RGBA", (20, 20)).save("clear.png")
    (files / "mine").mkdir()
    save_weights("mine/generator.safetensors", Generator(2, 1, 4))
    before = {path: path.read_bytes() for path in files.rglob("*") if path.is_file()}
    assert run(*command.split()) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and word in errors[0] and errors[0].endswith(".")
    assert all(path.read_bytes() == content for path, content in before.items())


def test_pictures_that_are_too_small_are_named_and_left_out(files, capsys):
    Image.new("RGB", (9, 40)).save("hr/small.png")
    assert run("train", "srresnet", "--data", "hr", "--out", "run", "--profile", "smoke") == 0
    assert "small.png is smaller than the 32 px" in capsys.readouterr().err


def test_equal_pictures_are_null_in_json(files):
    Image.new("RGB", (64, 64), "gray").save("hr/0.png")
    assert run("evaluate", "--weights", "bicubic", "--hr", "hr", "--json", "s.json") == 0
    assert json.loads((files / "s.json").read_text())["images"][0]["psnr_y"] is None


def test_the_network_that_comes_with_the_course_is_the_default(files):
    assert run("upscale", "photo.png", "big.png") == 0
    assert size(files / "big.png") == (96, 80)
