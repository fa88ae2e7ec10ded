"""Run each notebook as Colab does: `make colab-test`, or this file and a FOLDER.

Each one runs alone in an empty folder, clones the library from a repository of the working tree,
and has the versions of IPython, ipykernel and ipywidgets that Colab preinstalls, a stand-in for the
package google.colab, and no network. `make colab` (colab.py) does the same with more of Colab's
versions.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from colab_versions import KERNEL, read_recorded

from srgan_lib.course.handout.build import HandoutError, execute
from srgan_lib.course.notebooks import ROOT, notebook_paths

# What these import that newer versions no longer bring along; the rest is installed already.
FORMER = ("backcall", "decorator", "ipython_genutils", "nest-asyncio", "pickleshare")
SITE = ROOT / "build" / "colab-site"
STANDIN = Path(__file__).with_name("colab_standin")
PROBE = """
import importlib.metadata, json
import numpy as np
from srgan_lib.course import setup as environment
from srgan_lib.display.slider import CompareSlider
slider = CompareSlider({name: np.zeros((8, 8, 3), np.uint8) for name in "ab"}, "black")
moved = {"data": {"method": "update", "state": {"position": 12}, "buffer_paths": []}}
slider._handle_msg({"content": moved, "buffers": []})  # as the browser does
print(json.dumps({
    "versions": {name: importlib.metadata.version(name) for name in NAMES},
    "running": __import__("IPython").__version__,
    "library": environment.__file__,
    "in_colab": environment.in_colab(),
    "forms": sorted(get_ipython().display_formatter.format(slider)[0]),
    "position": slider.position,
}))
"""


def install(versions: Mapping[str, str], site: Path = SITE) -> None:
    """These versions in a folder of their own, for the kernel only; once.

    Raises:
        subprocess.CalledProcessError: pip could not install them.
    """
    done = site / ".done"
    wanted = [*(f"{name}=={version}" for name, version in versions.items()), *FORMER]
    if done.exists() and done.read_text() == "\n".join([sys.version, *wanted]):
        return
    shutil.rmtree(site, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--target", site, *wanted], check=True)
    done.write_text("\n".join([sys.version, *wanted]))


def make_repository(folder: Path) -> str:
    """A bare repository of the working tree, as URL@branch."""
    tree, bare = folder / "tree", folder / "course.git"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, listed):
        if (ROOT / name).is_file():  # a file may be listed and deleted
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (
        [*git, "init", "--quiet", "--initial-branch=main"],
        [*git, "add", "--all", "--force"],
        [*git, "commit", "--quiet", "--message=The working tree"],
        [*git, "clone", "--quiet", "--bare", ".", bare],
    ):
        subprocess.run(command, cwd=tree, check=True)
    return f"{bare.as_uri()}@main"


def run_alone(
    path: Path, folder: Path, repository: str, versions: Mapping[str, str], site: Path = SITE
) -> None:
    """Run one notebook in an empty folder and check what it ran with.

    Args:
        repository: of the course, as URL@branch.
        versions: what has been installed in `site`.

    Raises:
        HandoutError: a cell raised. AssertionError: other versions, or not the cloned library.
    """
    alone = folder / path.stem
    alone.mkdir()
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(f"NAMES = {list(versions)}\n{PROBE}"))
    nbformat.write(notebook, alone / path.name)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SRGAN_")}
    closed = "http://127.0.0.1:9"
    executed, _ = execute(
        alone / path.name,
        timeout=300,
        env={
            **kept,
            "SRGAN_REPO": repository,
            "SRGAN_PROFILE": "smoke",
            "PYTHONPATH": os.pathsep.join([str(site), str(STANDIN)]),
            "IPYTHONDIR": str(folder / "ipython"),
            "http_proxy": closed,
            "https_proxy": closed,
        },
    )
    seen = json.loads(executed.cells[-1].outputs[0].text)
    library = str((alone / repository.rpartition("://")[2].replace("/", "+")).resolve())
    assert seen["versions"] == dict(versions) and seen["running"] == versions["ipython"], seen
    assert seen["in_colab"] and seen["library"].startswith(library), seen
    # The widget and its page are both in a cell's output, and Python hears of what the reader does.
    forms = ["application/vnd.jupyter.widget-view+json", "text/html", "text/plain"]
    assert seen["forms"] == forms and seen["position"] == 12, seen


def run_series(paths: Sequence[Path], versions: Mapping[str, str], site: Path = SITE) -> int:
    """Run all notebooks; the exit status is 1 if one of them failed.

    Args:
        versions: what has been installed in `site`.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        repository = make_repository(folder)

        def fault(path: Path) -> str | None:
            try:
                run_alone(path, folder, repository, versions, site)
            except (HandoutError, AssertionError) as error:
                return f"{path.stem} fails in Colab's place: {error}"
            return None

        with ThreadPoolExecutor(os.cpu_count()) as pool:  # each one waits for a kernel of its own
            failed = [sentence for sentence in pool.map(fault, paths) if sentence]
    print("\n".join(failed), end="\n" if failed else "", file=sys.stderr)
    named = ", ".join(" ".join(item) for item in versions.items())
    print(f"{len(paths) - len(failed)} of {len(paths)} notebooks ran alone under {named}.")
    return int(bool(failed) or not paths)


def main() -> int:
    """Run the notebooks under the recorded versions of what hosts them."""
    recorded = read_recorded().packages
    versions = {name: recorded[name] for name in KERNEL}
    install(versions)
    return run_series(notebook_paths(*map(Path, sys.argv[1:2])), versions)


if __name__ == "__main__":
    sys.exit(main())
