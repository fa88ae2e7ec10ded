"""Build the page that enlarges the reader's own picture.

`python -m srgan_lib.course.your_picture.build` writes one file, which works from a disk without
a network: the shipped networks, WebAssembly, the slider and a sample photograph are inside. `make
course` puts it into the handout.
"""

import argparse
import json
import sys
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from ...data import SAMPLES
from ...errors import SRGANError
from ...system.files import PACKAGE, ROOT
from ...weights import load_generator, shipped_weights
from .compile import BUILDS, HERE, wasm_file
from .networks import description, flat_weights

NAME = "your_picture.html"
OUTPUT = ROOT / "build" / "handout" / NAME
SLIDER = PACKAGE / "display" / "static"
SAMPLE = SAMPLES / "validation" / "pagoda.jpg"
COURSE = "Photo-realistic super-resolution with SRGAN"
# What the page has, of the shipped networks: title, and for which of its two ways it is checked.
NETWORKS = {
    "srresnet": ("SRResNet", ("shrink", "enlarge")),
    "srgan": ("SRGAN", ("shrink", "enlarge")),
    "srgan-photo": ("SRGAN for photographs", ("enlarge",)),
}
WORKER = ("resize.js", "pictures.js", "convolutions.js", "generator.js", "worker.js")


def default_networks() -> list[str]:
    """The page's networks, of those that come with the course."""
    return [name for name in NETWORKS if name in shipped_weights()]


def build_page(output: Path = OUTPUT, networks: Sequence[str] | None = None) -> Path:
    """Write the page to one HTML file.

    Args:
        output: the file.
        networks: names of shipped networks or .safetensors files, in the order of the slider;
            by default `default_networks`.

    Raises:
        WeightsError: a network is missing or damaged.
        ConfigError: it is not one that the page can run.
    """
    entries, data = [], {}
    for name in default_networks() if networks is None else networks:
        entry, weights = _network(name)
        entries.append(entry)
        data[f"weights-{entry['name']}"] = _base64(weights)
    for build in BUILDS:
        data[f"wasm-{build}"] = _base64(wasm_file(build).read_bytes())
    data["sample"] = _base64(SAMPLE.read_bytes())
    page = Environment(loader=FileSystemLoader(HERE), autoescape=True).get_template("page.html")
    html = page.render(
        course=COURSE, networks=entries, networks_json=json.dumps(entries).replace("<", "\\u003c"),
        sample_name=SAMPLE.name, data=data, worker=_scripts(HERE, *WORKER),
        script=_scripts(SLIDER, "host.js", "compare.js") + _scripts(HERE, "page.js"),
        style=(HERE / "page.css").read_text("utf-8") + (SLIDER / "widgets.css").read_text("utf-8"),
    )  # fmt: skip
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(html, encoding="utf-8")
    return output


def _network(name: str) -> tuple[dict[str, Any], bytes]:
    """What the page must know of a network, and its weights."""
    generator = load_generator(name)
    stem = Path(name).stem if name.endswith(".safetensors") else name
    title, ways = NETWORKS.get(stem, (stem, ("shrink", "enlarge")))
    entry = {"name": stem, "title": title, "ways": ways, **description(generator)}
    return entry, flat_weights(generator).tobytes()


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _scripts(folder: Path, *names: str) -> str:
    """JavaScript files as the text of one script element, which "</" could end."""
    return "\n".join((folder / name).read_text("utf-8") for name in names).replace("</", "<\\/")


def main(arguments: list[str] | None = None) -> int:
    """Build the page and say where it is."""
    parser = argparse.ArgumentParser(
        prog="python -m srgan_lib.course.your_picture.build",
        description="Build the page that enlarges the reader's own picture.",
    )
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the file to write")
    parser.add_argument(
        "--networks", nargs="+", metavar="NAME", help="shipped networks or .safetensors files"
    )
    options = parser.parse_args(arguments)
    try:
        path = build_page(options.output, options.networks)
    except SRGANError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
