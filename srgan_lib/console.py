"""Printing where there is no terminal: closed streams, pipes that end early, ASCII alone."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def open_output() -> Iterator[None]:
    """Inside, whatever is printed neither fails for its alphabet nor for want of a stream.

    A character that the output's encoding lacks is printed as its number (`\\xe9`). What is still
    kept back is written at the end, so that a failure is seen here, not when the interpreter ends.

    Raises:
        OSError: what was printed could not be written; BrokenPipeError if nobody reads any more.
    """
    _replace_closed()
    for stream in (sys.stdout, sys.stderr):
        # A notebook's streams take every character, and have nothing to configure.
        if getattr(stream, "errors", None) == "strict" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        _flush()


def _replace_closed() -> None:
    """Point streams that the caller closed (`>&-`) at nothing.

    Progress bars cannot do without, and the next file to be opened would get the stream's number:
    a checkpoint could be what a library's messages are written into.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_WRONLY)
            setattr(sys, name, os.fdopen(nothing, "w", encoding="utf-8"))


def _flush() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        # The interpreter would try again when it ends, and complain in its own words.
        with suppress(OSError):
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, sys.stdout.fileno())
            os.close(nothing)
        raise
