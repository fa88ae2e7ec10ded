"""What a teacher hands out: `make student`, or `make student REPO=OWNER/REPO@BRANCH`.

A folder that needs nothing else, for a share or a branch: the notebooks without solutions, the
library, its networks and photographs, and a page for the students.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import nbformat

from ..errors import ConfigError, SRGANError
from ..system.files import write_json
from ..system.process import report_errors
from .notebooks import NOTEBOOKS, ROOT, SETUP, badge, notebook_paths, repository
from .set_repo import parse_repository, rewrite
from .student_copies import exercises, student_copy

OUTPUT = ROOT / "build" / "student"
LIST = ".student-set.json"  # the files that were written, and a hash of each
# What the notebooks read, what they link to, and the licenses of both.
TAKEN = (
    "srgan_lib", "data/samples", "data/weights", "data/results", "data/stored",
    "docs/glossary.md", "requirements.txt", "pyproject.toml",
    "CITATION.cff", "LICENSE", "LICENSE-TEXT", ".gitignore",
)  # fmt: skip
LEFT_OUT = {"__pycache__", ".ipynb_checkpoints"}
PAGE = """# Photo-realistic super-resolution with SRGAN: the notebooks to fill in

{table}

{how}

Each chapter ends in exercises: write your own code in place of every `...`, and run the check below
it. Then answer the questions, in the text cell itself. What you hand in is the notebook, with your
answers: in Colab *File > Download > Download .ipynb*.

The course is at <https://github.com/{course}>. Text and figures: CC BY 4.0. Code: MIT. The
photographs keep their own licenses ([data/samples](data/samples/README.md)).
"""
LOCAL = """On your own machine, in this folder, with Python 3.10 or newer:

```bash
python -m pip install -r requirements.txt jupyterlab
jupyter lab notebooks
```"""


def write_set(
    output: Path = OUTPUT,
    notebooks: Path = NOTEBOOKS,
    home: tuple[str, str] | None = None,
    *,
    force: bool = False,
) -> list[Path]:
    """Write the set; returns the paths of its notebooks.

    What an earlier call wrote is replaced, and files that are no longer in the set are removed.

    Args:
        home: OWNER/REPO and branch where the set will be, for badges that open it in Colab.
        force: replace files that somebody has changed since, too.

    Raises:
        SRGANError: there are no exercises, a solution is marked in a wrong way, a file has been
            changed by hand, or the course itself is at `home`.
    """
    if home == repository():
        raise ConfigError(
            f"{home[0]}@{home[1]} is where the course with its solutions is, and badges would open "
            "these: name another branch or repository."
        )
    files = dict(_copies(notebooks, home))
    names = list(files)
    files["README.md"] = _page(notebooks, names, home).encode()
    files |= {path.relative_to(ROOT).as_posix(): path for path in _taken()}
    if home:
        name = SETUP.relative_to(ROOT).as_posix()
        files[name] = rewrite(SETUP.read_text("utf-8"), repository(), home).encode()
    before = _read_list(output)
    if not force:
        _check_unchanged(output, files, before)
    for name, content in files.items():
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_bytes(_bytes(content))
    for name in before.keys() - files.keys():
        (output / name).unlink(missing_ok=True)
    write_json(output / LIST, {name: _hash(name, _bytes(files[name])) for name in sorted(files)})
    return [output / name for name in names]


def _copies(folder: Path, home: tuple[str, str] | None) -> Iterator[tuple[str, bytes]]:
    """Name and content of each notebook."""
    count = 0
    for path in notebook_paths(folder):
        notebook = nbformat.read(path, as_version=4)
        try:
            count += len(exercises(notebook))
            copy = student_copy(notebook, home)
        except SRGANError as error:
            raise SRGANError(f"{path.name}: {error}") from error
        yield f"notebooks/{path.name}", f"{nbformat.writes(copy)}\n".encode()
    if not count:
        raise SRGANError(f"No notebook in {folder} has exercises: nothing was written.")


def _page(folder: Path, names: list[str], home: tuple[str, str] | None) -> str:
    rows = []
    for name in names:
        first = nbformat.read(folder / Path(name).name, as_version=4).cells[0].source
        title = next(line for line in first.splitlines() if line.startswith("# ")).lstrip("# ")
        rows.append(f"| [{title}]({name}) |")
        if home:
            rows[-1] += f" {badge(Path(name).name, home)} |"
    head = ["| chapter | |", "|---|---|"] if home else ["| chapter |", "|---|"]
    first = "click on a badge" if home else "*File > Upload notebook*"
    how = f"In Colab: {first}, then *Runtime > Run all*.\n\n{LOCAL}"
    return PAGE.format(table="\n".join([*head, *rows]), how=how, course=repository()[0])


def _taken() -> Iterator[Path]:
    """The files of the course that the set takes over as they are."""
    for name in TAKEN:
        place = ROOT / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and not LEFT_OUT & {*path.parts}:
                yield path


def _bytes(content: bytes | Path) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()


def _hash(name: str, content: bytes) -> str:
    """Of a notebook only the cells count: to run one is not to change it."""
    if name.endswith(".ipynb"):
        try:
            cells = json.loads(content)["cells"]
            content = json.dumps([["".join(c["source"]), c["cell_type"]] for c in cells]).encode()
        except (ValueError, KeyError, TypeError):
            pass  # no notebook any more: then its bytes are what has changed
    return sha256(content).hexdigest()


def _read_list(output: Path) -> dict[str, str]:
    try:
        return dict(json.loads((output / LIST).read_text("utf-8")))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError):
        raise SRGANError(f"{output / LIST} cannot be read: name another folder.") from None


def _check_unchanged(
    output: Path, files: Mapping[str, bytes | Path], before: Mapping[str, str]
) -> None:
    """Raise if a file would be lost that is not as it was written."""
    changed = []
    for name in {**before, **files}:
        path = output / name
        if not path.is_file() or (now := _hash(name, path.read_bytes())) == before.get(name):
            continue
        if name not in files or now != _hash(name, _bytes(files[name])):
            changed.append(name)
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        raise SRGANError(
            f"What somebody has changed in {output} would be lost, {', '.join(changed[:3])}{more}: "
            "name another folder, or pass --force (make student FORCE=1)."
        )


def main(arguments: list[str] | None = None) -> int:
    """Write the set and say where it is."""
    parser = argparse.ArgumentParser(
        prog="python -m srgan_lib.course.student_set", description="Notebooks without solutions."
    )
    parser.add_argument(
        "--repo", metavar="OWNER/REPO@BRANCH", help="where they will be, for badges that open them"
    )
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help="folder to read")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder to write")
    parser.add_argument("--force", action="store_true", help="replace what was changed by hand")
    options = parser.parse_args(arguments)

    def work() -> None:
        home = parse_repository(options.repo) if options.repo is not None else None
        written = write_set(options.output, options.notebooks, home, force=options.force)
        print(f"{len(written)} notebooks and all they need are in {options.output}")

    return report_errors(work)


if __name__ == "__main__":
    sys.exit(main())
