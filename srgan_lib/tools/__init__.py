"""Maintainers' scripts: the handout, the checks on the notebooks, and the repository's address."""
