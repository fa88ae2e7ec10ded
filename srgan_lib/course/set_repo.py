"""Point the course at another repository: `python -m srgan_lib.course.set_repo OWNER/REPO`.

Rewrites the address in the setup cell, the badges and every page that names it.
"""

import argparse
import re
import sys

from ..errors import ConfigError, SRGANError
from .notebooks import ROOT, SETUP, notebook_paths, repository

PAGES = ("README.md", "CONTRIBUTING.md", "CITATION.cff", "pyproject.toml")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/(?!\.{1,2}$)[A-Za-z0-9_.-]+")
# What git allows, less the signs that an address would have to quote.
BRANCH = re.compile(r"(?!.*(\.\.|//|/\.|\.lock$))[A-Za-z0-9_][A-Za-z0-9_./+-]*(?<![/.])")


def parse_repository(text: str, branch: str | None = None) -> tuple[str, str]:
    """OWNER/REPO and branch of "OWNER/REPO@BRANCH", or of "OWNER/REPO" and a branch.

    A branch is one that an address can name as it is written: `badge` puts it into one, and the
    setup cell takes what follows the last "@".

    Raises:
        ConfigError: it has another form.
    """
    name, _, after = text.partition("@")
    branch = after if branch is None else branch
    if not NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is not of the form OWNER/REPO, as in github.com/OWNER/REPO.")
    if not BRANCH.fullmatch(branch):
        raise ConfigError(
            f"{branch!r} cannot be the name of the branch: letters, digits and - _ . + / can stand "
            "in one, such as main or spring-2027."
        )
    return name, branch


def website(owner_repo: str) -> str:
    """The address at which GitHub Pages has the handout of OWNER/REPO."""
    owner, repo = owner_repo.split("/")
    return f"https://{owner.lower()}.github.io/{repo}/"


def rewrite(text: str, old: tuple[str, str], new: tuple[str, str]) -> str:
    """Replace (OWNER/REPO, branch) in every GitHub, GitHub Pages and Colab address of `text`."""
    address = rf"(github\.com/|colab\.research\.google\.com/github/){re.escape(old[0])}(?![\w-])"
    with_branch = rf"{address}(@|/blob/|/tree/|/raw/){re.escape(old[1])}(?![\w.-])"
    text = re.sub(with_branch, lambda found: f"{found[1]}{new[0]}{found[2]}{new[1]}", text)
    text = re.sub(address, lambda found: f"{found[1]}{new[0]}", text)
    return text.replace(website(old[0]), website(new[0]))


def main(arguments: list[str] | None = None) -> int:
    """Rewrite all files in place and say which ones changed."""
    parser = argparse.ArgumentParser(
        prog="python -m srgan_lib.course.set_repo", description=__doc__
    )
    parser.add_argument("repository", metavar="OWNER/REPO")
    parser.add_argument("--branch", default="main")
    options = parser.parse_args(arguments)
    try:
        old, new = repository(), parse_repository(options.repository, options.branch)
    except SRGANError as error:
        parser.error(str(error))
    for path in [SETUP, *(ROOT / page for page in PAGES), *notebook_paths()]:
        text = path.read_text("utf-8")
        if (changed := rewrite(text, old, new)) != text:
            path.write_text(changed, encoding="utf-8")
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
