"""Printing where there is no terminal: closed streams, pipes that end early, ASCII alone."""

import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ..errors import Note, SRGANError
from .signals import Stopped, stoppable


def _fail(sentence: str) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return 2


def report_errors(work: Callable[[], None]) -> int:
    """Do `work`; an error that the user can mend becomes one line, and 2 is returned for it.

    So does the wish to end, with the status that shells expect: 130 for Ctrl-C, 143 for SIGTERM.
    """
    with stoppable() as stopped:
        try:
            return _report_errors(work)
        except Stopped as stop:
            return stop.report()
        except KeyboardInterrupt:
            return Stopped(signal.SIGINT).report()
        except Exception:
            if (stop := stopped()) is None:  # else it became this error on its way
                raise
            return stop.report()


def _report_errors(work: Callable[[], None]) -> int:
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(f"note: {message}", file=sys.stderr)
        warnings.simplefilter("default", Note)  # no error, not even with python -W error
        try:
            with open_output():
                work()
        except SRGANError as error:
            return _fail(str(error))
        except BrokenPipeError:  # `head`, say, has read enough
            return 128 + 13  # what a shell says of a program that ended by SIGPIPE
        except OSError as error:  # a full disk, a folder without permission
            return _fail(f"{error.filename or 'A file'}: {error.strerror or error}.")
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            return _fail("There is not enough memory: take a smaller picture or batch.")
    return 0


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this is one of the ways in which NumPy, PyTorch and its backends say so."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and "memory" in str(error).lower()
    )


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
