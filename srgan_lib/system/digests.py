"""What a training was made of, as hashes: they tell whether it goes on with the same."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from ..errors import ConfigError

_MUST_STAY = {
    "pictures": ("trained on other pictures", "give these again (--data)"),
    "vgg": ("trained with other VGG weights", "name these again (--vgg)"),
}


def digest(parts: Iterable[bytes]) -> str:
    """A hash of bytes, in hexadecimal."""
    state = blake2b(digest_size=16)
    for part in parts:
        state.update(part)
    return state.hexdigest()


def pictures_digest(images: Sequence[np.ndarray]) -> str:
    """A hash of pictures, uint8 (H, W, 3), whatever their names and their order."""
    each = (digest([repr(x.shape).encode(), np.ascontiguousarray(x)]) for x in images)
    return digest(name.encode() for name in sorted(each))


def check_identity(kept: Mapping[str, Any] | None, now: Mapping[str, Any], where: str) -> None:
    """Make sure that a training goes on with what it began with; older ones do not say (None).

    Raises:
        ConfigError: it does not.
    """
    for name, (how, again) in _MUST_STAY.items():
        if kept is not None and kept[name] != now[name]:
            raise ConfigError(
                f"The checkpoint in {where} was {how}: {again}, or choose another folder, where "
                "the network in this one can be a start (--init)."
            )


def with_stage(earlier: list[dict], begun: int, step: int, now: dict[str, Any]) -> list[dict]:
    """The stages of a training, each with the step that it began after; `now` is the last one.

    One in which no step was made, or in which nothing was new, is none.
    """
    if earlier and (step == begun or now.items() <= earlier[-1].items()):
        return earlier
    return [*earlier, {"after": begun, **now}]
