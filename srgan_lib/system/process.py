"""Printing where there is no terminal: closed streams, pipes that end early, ASCII alone."""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ..errors import Note, SRGANError
from .devices import is_out_of_memory


def _fail(sentence: str) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return 2


def report_errors(work: Callable[[], None]) -> int:
    """Do `work`; an error that the user can mend becomes one line, and 2 is returned for it."""
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
        except KeyboardInterrupt:
            print("Interrupted; what was saved is kept.", file=sys.stderr)
            return 130
    return 0


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


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Inside, Ctrl-C (or a notebook's stop button) is only noted; the value says whether it came.

    A step that is cut in half has trained one network and not the other, and such a state must not
    be saved. Outside the main thread signals cannot be caught, and nothing changes.
    """
    came = False

    def note(*_: object) -> None:
        nonlocal came
        came = True

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGINT, before)
