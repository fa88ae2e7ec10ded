"""How the course stands with Colab's versions today: `make colab`.

Prints what Colab preinstalls beside what the course asks for, and runs every notebook under as many
of these versions as this Python can have beside its own PyTorch.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from colab_run import install, run_series
from colab_versions import (
    ADDRESS,
    KERNEL,
    RECORDED,
    ListError,
    Versions,
    fetch,
    read_recorded,
    record,
    report,
)

from srgan_lib.course.notebooks import NOTEBOOKS, ROOT, notebook_paths

SITE = ROOT / "build" / "colab-newest"
PYTORCH = ("torch", "torchvision")  # gigabytes, and everything else here was built for another one


def choose(versions: Versions, recorded: Versions) -> tuple[dict[str, str], list[str]]:
    """What of `versions` this Python can have, and a sentence on each package that is not tried.

    Raises:
        ListError: a package is not to be had without which the notebooks would not run as in Colab.
    """
    chosen, left_out = {}, []
    for name, version in {**recorded.packages, **versions.packages}.items():
        if name in PYTORCH:
            left_out.append(f"{name} {version}: it would replace the PyTorch of this machine.")
        elif version is None:
            left_out.append(f"{name}: not preinstalled, the setup cell adds the newest.")
        elif not can_have(name, version):
            left_out.append(f"{name} {version}: no wheel for this Python can be had here.")
        else:
            chosen[name] = version
    if lacking := [name for name in KERNEL if name not in chosen]:
        raise ListError(f"Without Colab's {', '.join(lacking)} the notebooks cannot be tried.")
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not versions.python.startswith(f"{here}."):
        left_out.insert(0, f"python {versions.python}: this is {here}.")
    return chosen, left_out


def can_have(name: str, version: str) -> bool:
    """Whether pip finds a wheel of this version for this Python."""
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--dry-run", "--ignore-installed", "--no-deps", "--only-binary", ":all:"),
        f"{name}=={version}",
    ]
    return subprocess.run(command, capture_output=True).returncode == 0


def show(known: Versions, address: str) -> tuple[Versions | None, list[str]]:
    """Print the table, or why it lacks the newest; returns these and what Colab has too old."""
    try:
        newest = fetch(address)
    except ListError as error:
        print(f"{error} The versions recorded on {known.date} stand in.")
        newest = None
    lines, too_old = report(known, newest)
    print("\n".join(lines))
    for name in too_old:
        print(f"Colab's {name} is older than requirements.txt allows: lower the bound, or wait.")
    return newest, too_old


def run(versions: Versions, recorded: Versions, notebooks: Path) -> int:
    """Run the notebooks of a folder under what can be had of these versions; an exit status.

    Raises:
        ListError: see `choose`.
    """
    chosen, left_out = choose(versions, recorded)
    print("Not tried:", *left_out, sep="\n  ")
    install(chosen, SITE)
    return run_series(notebook_paths(notebooks), chosen, SITE)


def main(arguments: list[str] | None = None) -> int:
    """Exit status 1 if a notebook fails or Colab has a package that is too old for the course."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", default=ADDRESS, help="of the folder with Colab's lists")
    parser.add_argument(
        "--write", action="store_true", help=f"record the newest versions in {RECORDED.name}"
    )
    parser.add_argument("--report", action="store_true", help="print the table, and run nothing")
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help="folder")
    args = parser.parse_args(arguments)
    known = read_recorded()
    newest, too_old = show(known, args.address)
    failed = 0
    if args.write and newest:
        record(newest)
        print(f"{RECORDED.name} has the newest versions now: look at the difference, commit it.")
    elif args.write:
        print(f"{RECORDED.name} is as it was: there is nothing newer to record.")
        failed = 1
    elif newest and newest.packages != known.packages:
        print(f"{RECORDED.name} is as it was: make colab WRITE=1 records the newest versions.")
    if not args.report:
        try:
            failed |= run(newest or known, known, args.notebooks)
        except ListError as error:
            print(error)
            failed = 1
    return int(bool(failed or too_old))


if __name__ == "__main__":
    sys.exit(main())
