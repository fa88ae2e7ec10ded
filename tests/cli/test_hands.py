"""What hands do: mistyped names, names that meet, options given twice. Nothing is lost by it."""

import json

import pytest
from PIL import Image
from synthetic import photo

from srgan_lib import data
from srgan_lib.cli.parser import main
from srgan_lib.images import write_image
from srgan_lib.models import Generator
from srgan_lib.training import Trainer
from srgan_lib.weights import save_weights


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in: pics/ with two pictures, and x2.safetensors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "SAMPLES", tmp_path / "samples")
    write_image(tmp_path / "samples" / "validation" / "0.png", photo(64, 64, 9))
    (tmp_path / "pics").mkdir()
    for number in range(2):
        Image.fromarray(photo(64, 64, number)).save(f"pics/{number}.png")
    save_weights("x2.safetensors", Generator(2, 1, 4, "course"))
    return tmp_path


def run(*words: str) -> int:
    return main(words)


def names(folder) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize(
    "command",
    [
        "upscale none out/sub/o.png --weights bicubic",
        "upscale pics/0.png out/sub/o.png --weights none",
        "upscale none out/sub --weights bicubic",
        "upscale pics out/sub --weights none",
        "upscale pics out/sub --weights x2.safetensors --scale 4",
        "upscale pics out/sub --weights bicubic --scale 3",
        "upscale pics out/sub --weights bicubic --tile 2",
        "evaluate --weights bicubic --hr none --json out/sub/s.json",
        "evaluate --weights none --hr pics --json out/sub/s.json",
        "evaluate --weights bicubic --hr pics --lr none --json out/sub/s.json",
        "train srresnet --profile smoke --out out/sub --data none",
        "train srresnet --profile smoke --out out/sub --data pics --init none",
        "train srgan --profile smoke --out out/sub --data pics --vgg none.pth",
        "train none --profile smoke --out out/sub --data pics",
        "reproduce --profile smoke --out out/sub --data none --sets",
        "reproduce --profile smoke --out out/sub --data pics --variants none --sets",
        "data none.zip --root out/sub",
        "benchmark --json out/sub/b.json --device tpu9",
    ],
)
def test_a_mistyped_command_leaves_no_folder(here, command, capsys):
    before = names(here)
    assert run(*command.split()) == 2
    assert names(here) == before
    assert capsys.readouterr().err.count("error: ") == 1


@pytest.mark.parametrize(
    "pair",
    [("scan.bmp", "scan.bmp.png"), ("p.ppm", "p.ppm.png"), ("q.gif", "q.gif.png")],
)
def test_two_pictures_with_one_output_name_are_refused_before_the_first(here, pair, capsys):
    for number, name in enumerate(pair):
        Image.fromarray(photo(32, 32, number)).save(f"pics/{name}")
    assert run("upscale", "pics", "out", "--weights", "bicubic", "--scale", "2") == 2
    assert f"({pair[0]} and {pair[1]})" in capsys.readouterr().err
    assert not (here / "out").exists()
    (here / "pics" / pair[1]).rename(here / "pics" / "other.png")
    assert run("upscale", "pics", "out", "--weights", "bicubic", "--scale", "2") == 0
    assert len(list((here / "out").glob("*.png"))) == 4


def test_a_name_that_no_output_can_have_is_known_before_the_work(here, capsys):
    """70 characters of three bytes each worked once, and 80 did not."""
    for count in (70, 80, 83):
        name = "\u8d85" * count + ".png"
        Image.fromarray(photo(16, 16)).save(name)
        assert run("upscale", name, f"out/{name}", "--weights", "bicubic") == 0
        with Image.open(f"out/{name}") as image:
            assert image.size == (64, 64)
    too_long = "\u8d85" * 84 + ".png"
    assert run("upscale", name, f"other/{too_long}", "--weights", "bicubic") == 2
    assert "256 bytes" in capsys.readouterr().err and not (here / "other").exists()


def test_a_tilde_that_no_shell_has_expanded(here, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(here / "home"))
    monkeypatch.setenv("USERPROFILE", str(here / "home"))
    (here / "home").mkdir()
    (here / "pics").rename(here / "home" / "pics")
    (here / "x2.safetensors").rename(here / "home" / "x2.safetensors")
    x2 = ("--weights", "~/x2.safetensors")
    assert run("upscale", "~/pics/0.png", "~/out/o.png", *x2) == 0
    assert run("upscale", "~/pics", "~/out/all", *x2) == 0
    assert run("evaluate", *x2, "--hr", "~/pics", "--json", "~/out/s.json") == 0
    lr = ("--lr", "~/lr", "--json", "~/out/t.json")
    (here / "home" / "lr").mkdir()
    for number in range(2):
        half = Image.open(here / "home" / "pics" / f"{number}.png").resize((32, 32))
        half.save(here / "home" / "lr" / f"{number}.png")
    assert run("evaluate", *x2, "--hr", "~/pics", *lr) == 0
    train = ("train", "srresnet", "--profile", "smoke", "--data", "~/pics", "--out", "~/run")
    assert run(*train, "--steps", "1", "--sets", "~/pics") == 0
    init = ("--init", "~/run/generator.safetensors", "--out", "~/run2")
    words = ["train", "srresnet", "--profile", "smoke", "--data", "~/pics", "--steps", "1", *init]
    assert run(*words) == 0
    card = json.loads((here / "home" / "run" / "generator.json").read_text())
    assert card["data"] == {"pictures": 2, "about": "pics"} and "validation" in card["scores"]
    assert {path.name for path in (here / "home" / "out").iterdir()} == {
        *("o.png", "all", "s.json", "t.json")
    }
    assert not list(here.glob("~*"))


def test_data_given_in_two_options_is_all_trained_on(here):
    for name in ("one", "two"):
        (here / name).mkdir()
        Image.fromarray(photo(64, 64, len(name))).save(f"{name}/{name}.png")
    options = ("--profile", "smoke", "--steps", "1", "--out", "run", "--sets", "one")
    folders = ("--data", "pics", "--data", "one", "two")
    assert run("train", "srresnet", *folders, *options, "--sets", "pics") == 0
    card = json.loads((here / "run" / "generator.json").read_text())
    assert card["data"]["pictures"] == 4 and card["data"]["about"] == "pics, one, two"
    assert set(card["scores"]) == {"one", "pics", "validation"}


def no_training(monkeypatch):
    """A training would take hours: it is a fault that it begins."""

    def begin(*args, **kwargs):
        raise AssertionError("the training has begun")

    monkeypatch.setattr(Trainer, "run", begin)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--sets Sett5", "Sett5 is not a folder"),
        ("--sets pics Sett5", "Sett5 is not a folder"),
        ("--sets pics empty", "empty has no pictures"),
        ("--sets pics bad", "bad 1 cannot be scored"),
        ("--sets small", "12x12"),
        ("--lpips-backbone none.pth", "none.pth"),
        ("--lpips-backbone pics/0.png", "it is a picture"),
        ("--data pics none", "none is not a folder"),
        ("--data pics --data empty", "empty has no picture"),
        ("--init none", "none"),
        ("--init x2.safetensors", "start"),
        ("--vgg none.pth", "none.pth"),
        ("--vgg pics/0.png", "it is a picture"),
        ("--vgg x2.safetensors", "do not fit vgg16"),
        ("--device nothing", "nothing"),
        ("--out pics/0.png/run", "Nothing can be written"),
        ("--batch-size 0", "batch_size"),
    ],
)
def test_what_can_be_known_is_known_before_a_training(here, options, words, monkeypatch, capsys):
    no_training(monkeypatch)
    for name in ("empty", "bad", "small"):
        (here / name).mkdir()
    (here / "bad" / "0.png").write_bytes(b"half")
    write_image("small/0.png", photo(12, 12))
    command = ["train", "srgan", "--profile", "smoke", *options.split()]
    for option, value in (("--out", "run"), ("--data", "pics"), ("--vgg", "random")):
        command += [] if option in command else [option, value]
    assert run(*command) == 2
    error = next(x for x in capsys.readouterr().err.splitlines() if x.startswith("error: "))
    assert words in error and not (here / "run").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--sets Sett5", "Sett5 is not a folder"),
        ("--variants srresnet srgan --vgg none.pth", "none.pth"),
        ("--variants srresnet srgan-vgg22 --vgg x2.safetensors", "do not fit vgg19"),
        ("--variants srresnet blog --profile gpu --vgg random", "256 px that blog-srresnet needs"),
    ],
)
def test_what_the_last_of_several_trainings_needs_is_asked_for_before_the_first(
    here, options, words, monkeypatch, capsys
):
    no_training(monkeypatch)
    write_image("pics/large.png", photo(128, 132))
    command = ["reproduce", "--out", "all", "--data", "pics", *options.split()]
    command += [] if "--sets" in command else ["--sets"]
    command += [] if "--profile" in command else ["--profile", "smoke"]
    assert run(*command) == 2
    assert words in capsys.readouterr().err and not (here / "all").exists()


@pytest.mark.parametrize(
    "command",
    [
        "evaluate --weights bicubic --hr pics --json _",
        "evaluate --weights bicubic --hr _",
        "evaluate --weights _ --hr pics",
        "upscale _ out --weights bicubic",
        "upscale pics _ --weights bicubic",
        "train srresnet --profile smoke --data pics --out _",
        "train srresnet --profile smoke --data _ --out out",
    ],
)
def test_an_empty_path_is_named_and_is_not_the_current_folder(here, command, capsys):
    before = names(here)
    assert run(*("" if word == "_" else word for word in command.split())) == 2
    assert "A path is empty here" in capsys.readouterr().err
    assert names(here) == before


@pytest.mark.parametrize("out", ["pics", "pics/../pics", "link"])
def test_a_training_does_not_put_its_pictures_among_those_it_learns_from(here, out, capsys):
    (here / "link").symlink_to("pics")
    before = names(here)
    assert run("train", "srresnet", "--profile", "smoke", "--data", "pics", "--out", out) == 2
    assert "is where the pictures come from: choose another folder" in capsys.readouterr().err
    assert names(here) == before


def test_no_picture_is_overwritten_by_scores(here, capsys):
    before = (here / "pics/0.png").read_bytes()
    words = ["evaluate", "--weights", "bicubic", "--hr", "pics", "--json", "pics/0.png", "--force"]
    assert run(*words) == 2
    assert "pics/0.png is no .json file and would be lost" in capsys.readouterr().err
    assert (here / "pics/0.png").read_bytes() == before


def test_a_name_that_is_too_long_says_what_to_do(here, capsys):
    assert run("upscale", "pics/0.png", "x" * 252 + ".png", "--weights", "bicubic") == 2
    assert "no name of 256 bytes" in capsys.readouterr().err


def test_a_training_that_has_all_its_steps_says_so(here, capsys):
    words = ["train", "srresnet", "--profile", "smoke", "--data", "one", "--out", "run", "--steps"]
    (here / "one").mkdir()
    (here / "pics/0.png").rename(here / "one/0.png")
    assert run(*words, "2") == 0
    assert capsys.readouterr().out.startswith("srresnet, profile smoke: 2 steps on 1 picture.\n")
    for fewer in ("2", "1"):
        assert run(*words, fewer) == 0
        assert "Finished at step 2: it goes on to more --steps.\n" in (capsys.readouterr().out)
    assert run(*words, "3") == 0
    assert "Going on from step 2 of 3.\n" in capsys.readouterr().out
