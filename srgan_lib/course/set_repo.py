"""Point the course at another repository: `python -m srgan_lib.course.set_repo OWNER/REPO`.

Rewrites the address in the setup cell, the badges and every page that names it.
"""

import argparse
import re
import sys

from .notebooks import ROOT, SETUP, notebook_paths, repository

PAGES = ("README.md", "CONTRIBUTING.md", "CITATION.cff", "pyproject.toml")


def rewrite(text: str, old: tuple[str, str], new: tuple[str, str]) -> str:
    """Replace (OWNER/REPO, branch) in every GitHub and Colab address of `text`."""
    address = rf"(github\.com/|colab\.research\.google\.com/github/){re.escape(old[0])}(?![\w-])"
    with_branch = rf"{address}(@|/blob/|/tree/|/raw/){re.escape(old[1])}(?![\w.-])"
    text = re.sub(with_branch, lambda found: f"{found[1]}{new[0]}{found[2]}{new[1]}", text)
    return re.sub(address, lambda found: f"{found[1]}{new[0]}", text)


def main(arguments: list[str] | None = None) -> int:
    """Rewrite all files in place and say which ones changed."""
    parser = argparse.ArgumentParser(
        prog="python -m srgan_lib.course.set_repo", description=__doc__
    )
    parser.add_argument("repository", metavar="OWNER/REPO")
    parser.add_argument("--branch", default="main")
    options = parser.parse_args(arguments)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", options.repository):
        parser.error(f"{options.repository!r} is not of the form OWNER/REPO")
    old, new = repository(), (options.repository, options.branch)
    for path in [SETUP, *(ROOT / page for page in PAGES), *notebook_paths()]:
        text = path.read_text("utf-8")
        if (changed := rewrite(text, old, new)) != text:
            path.write_text(changed, encoding="utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
