"""One of each command, and what notebooks do: `python tests/abuse/everything.py PICTURES OUT`.

In one process, because most of a short command's time goes into importing PyTorch. Python warnings
are errors, but for those of other packages while these are imported: they are not ours to mend.
"""

import locale
import sys
import warnings
from contextlib import suppress
from pathlib import Path

import IPython  # noqa: F401
import matplotlib.pyplot  # noqa: F401
import safetensors.torch  # noqa: F401
import torchvision  # noqa: F401
import tqdm.auto  # noqa: F401

warnings.simplefilter("error")

from srgan_lib import data  # noqa: E402
from srgan_lib.cli import parser as cli  # noqa: E402
from srgan_lib.course import setup  # noqa: E402
from srgan_lib.display import plots, slider  # noqa: E402
from srgan_lib.system import process as process_  # noqa: E402


def command(*words: str) -> None:
    if status := cli.main(words):
        sys.exit(f"status {status} of {words!a}")


def commands(hr: str, out: str) -> None:
    weights = f"{out}/run/generator.safetensors"
    command("data")
    for steps in "12":
        places = ("--data", hr, "--out", f"{out}/run")
        command("train", "srresnet", "--profile", "smoke", *places, "--steps", steps)
    for _ in range(2):  # the second time each picture is there already, which is a note
        command("upscale", hr, f"{out}/sr", "--weights", weights)
    command("upscale", hr + "/0.png", f"{out}/sr.png", "--weights", "bicubic", "--scale", "2")
    command("evaluate", "--hr", hr, "--weights", weights, "--json", f"{out}/scores.json")


def notebook(out: Path) -> None:
    setup.setup()
    fig, axes = plots.figure()
    axes.plot([0, 1.5])
    axes.set_title("é ≥ 0.5")
    fig.savefig(out / "figure.png")
    plots.show(fig, "a line, é")
    photo = data.samples("validation")[0].image[:64, :64]
    page = slider.CompareSlider({"é": photo, "2": photo}, "é", position=12.5).to_html()
    (out / "page.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    with suppress(locale.Error):  # a locale that is not installed
        locale.setlocale(locale.LC_ALL, "")  # as graphical toolkits do
    commands(*sys.argv[1:])
    sys.exit(process_.report_errors(lambda: notebook(Path(sys.argv[2]))))
