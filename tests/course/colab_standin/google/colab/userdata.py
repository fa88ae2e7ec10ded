"""The student's secrets, of which there are none."""


class SecretNotFoundError(Exception):
    """No such secret."""


def get(key: str) -> str:
    """Raise: there are no secrets."""
    raise SecretNotFoundError(f"Secret {key} does not exist.")
