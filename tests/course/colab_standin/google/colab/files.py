"""The upload dialog, closed by the student without a choice."""


def upload() -> dict[str, bytes]:
    """Return no files."""
    return {}
