"""Paths as a person writes them."""

from pathlib import Path

from .errors import ConfigError


def expanded(path: str | Path) -> Path:
    """The path with the home folder in place of "~".

    Raises:
        ConfigError: there is no home folder, as in some containers.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(
            f"{path} begins with a home folder that is not known here: write the whole path."
        ) from None
