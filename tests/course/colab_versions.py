"""Which versions Colab preinstalls: as recorded in colab_versions.json, and as published today.

Google publishes Colab's packages as text files in a repository on GitHub, googlecolab/backend-info.
"""

import json
import re
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from http.client import HTTPException
from importlib import metadata
from pathlib import Path

from packaging.version import Version

from srgan_lib.course.setup import requirements
from srgan_lib.results.card_text import DASH
from srgan_lib.system.files import write_json

RECORDED = Path(__file__).with_name("colab_versions.json")
ADDRESS = "https://raw.githubusercontent.com/googlecolab/backend-info/main/"
PACKAGES, SYSTEM = "pip-freeze.gpu.txt", "os-info-gpu.txt"
KERNEL = ("ipykernel", "ipython", "ipywidgets")  # no requirement of the course, but its hosts
FEWEST = 100  # Colab preinstalls hundreds of packages: a list of fewer is not its list
TIMEOUT = 20  # seconds


class ListError(Exception):
    """Colab's list cannot be had or understood: one sentence."""


@dataclass(frozen=True)
class Versions:
    """What Colab has: `packages` maps a name to its version, or to None if it is not preinstalled.

    A package of the course that is not in `packages` was not looked up.
    """

    source: str
    date: str
    python: str
    packages: dict[str, str | None]


def interesting() -> list[str]:
    """Names of the packages that matter to the course, sorted."""
    return sorted([*requirements(), *KERNEL])


def read_recorded(path: Path = RECORDED) -> Versions:
    """The versions that continuous integration tests with."""
    return Versions(**json.loads(path.read_text(encoding="utf-8")))


def record(versions: Versions, path: Path = RECORDED) -> None:
    """Make these the recorded ones."""
    write_json(path, asdict(versions))


def fetch(address: str = ADDRESS) -> Versions:
    """The newest published versions.

    Args:
        address: of the folder that has the two files, with a slash at its end.

    Raises:
        ListError: there is no network, or the files are not what they used to be.
    """
    texts = {}
    for name in (PACKAGES, SYSTEM):
        try:
            with urllib.request.urlopen(address + name, timeout=TIMEOUT) as answer:
                texts[name] = answer.read().decode("utf-8")
        except (OSError, ValueError, HTTPException) as error:
            why = getattr(error, "reason", None) or error
            raise ListError(
                f"Colab's newest versions are not known here: {address}{name} cannot be read "
                f"({why})."
            ) from None
    found = parse_packages(texts[PACKAGES])
    return Versions(
        source=f"{address}: {PACKAGES} and {SYSTEM}",
        date=date.today().isoformat(),
        python=parse_python(texts[SYSTEM]),
        packages={name: found.get(name) for name in interesting()},
    )


def parse_packages(text: str) -> dict[str, str]:
    """Normalized name -> version, from the output of `pip freeze`.

    Raises:
        ListError: hardly any line is of the known form, or a package is missing without which there
            is no Colab.
    """
    found = {}
    for line in text.splitlines():
        pinned = re.fullmatch(r"([\w.-]+)==([\w.+!-]+)", line.strip())
        # `name @ address`: a wheel's file name has the version after the first hyphen.
        wheel = re.match(r"([\w.-]+) @ \S*/[\w.]+-([\d.]+(?:(?:%2B|\+)\w+)?)-\S*\.whl", line)
        if match := pinned or wheel:
            name = re.sub(r"[-_.]+", "-", match[1]).lower()
            found[name] = match[2].replace("%2B", "+")
    missing = [name for name in ("torch", *KERNEL) if name not in found]
    if len(found) < FEWEST or missing:
        lacking = f" and {', '.join(missing)} not among them" if missing else ""
        raise ListError(
            f"Colab's list of packages has another form than it had: {len(found)} versions could "
            f"be read{lacking}; look at {ADDRESS}{PACKAGES} and mend parse_packages."
        )
    return found


def parse_python(text: str) -> str:
    """Python's version in Colab's description of its system.

    Raises:
        ListError: it is not in there.
    """
    match = re.search(r"^Python (\d+\.\d+\.\d+)", text, flags=re.MULTILINE)
    if not match:
        raise ListError(
            "Colab's description of its system no longer has a line with Python's version; look "
            f"at {ADDRESS}{SYSTEM} and mend parse_python."
        )
    return match[1]


def installed(name: str) -> str | None:
    """The version that is installed here."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def report(
    known: Versions, newest: Versions | None, bounds: Mapping[str, str] | None = None
) -> tuple[list[str], list[str]]:
    """Lines of a table of versions, and the packages that Colab has in too old a version.

    Args:
        newest: as published, if that could be read.
        bounds: lower bounds of the course; of requirements.txt if not given.
    """
    bounds = requirements() if bounds is None else bounds
    here = sys.version.split()[0]
    moved = newest is not None and newest.python != known.python
    rows = [["python", DASH, known.python, newest.python if newest else DASH, here]]
    rows[0].append("moved" if moved else "")
    too_old = []
    for name in sorted({*bounds, *known.packages}):
        bound, was, now = bounds.get(name), *(_of(versions, name) for versions in (known, newest))
        current = (newest or known).packages.get(name)
        marks = []
        if bound and current and Version(current) < Version(bound):
            too_old.append(name)
            marks.append("BELOW OUR BOUND")
        if newest and name in known.packages and now != was:
            marks.append("moved")
        here = installed(name) or "missing"
        rows.append([name, bound or DASH, was, now, here, ", ".join(marks)])
    header = ("package", "our bound", f"known {known.date}", "newest", "here", "")
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]
    return lines, too_old


def _of(versions: Versions | None, name: str) -> str:
    if versions is None or name not in versions.packages:
        return DASH
    return versions.packages[name] or "not there"
