"""Ctrl-C and the signals that ask a process to end: one line, and nothing half done is left."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

# Ctrl-C; what a cluster, a container or `kill` sends; the terminal or connection has gone.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_NUMBERS = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
_AGAIN = 1.0  # seconds in which a second Ctrl-C is the same one, by an impatient hand


class Stopped(KeyboardInterrupt):
    """Somebody wants this process to end: whatever is open cleans up behind itself.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int):
        super().__init__()
        self.number = number

    @property
    def status(self) -> int:
        """The exit status that shells expect."""
        return 128 + self.number

    def report(self) -> int:
        """Say in one line that it has ended, and return the status."""
        name = signal.Signals(self.number).name
        how = "Interrupted" if self.number == signal.SIGINT else f"Ended by {name}"
        with suppress(OSError):  # nobody may be there any more
            print(f"{how}; what was saved is kept.", file=sys.stderr, flush=True)
        return self.status


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def leaving() -> Iterator[None]:
    """Inside, Ctrl-C ends the process at once: for imports, with which no work has begun.

    Raised in the middle of an import, a KeyboardInterrupt becomes any other error, with traceback.
    """

    def leave(*_: object) -> None:
        os.write(2, b"Interrupted.\n")
        os._exit(128 + signal.SIGINT)

    if not _in_main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def ending(status: int) -> None:
    """From now on Ctrl-C ends the process at once: all is written, and no impatient hand is late.

    An interpreter that is interrupted while it ends prints a traceback.
    """
    if _in_main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(status))


@contextmanager
def stoppable() -> Iterator[Callable[[], Stopped | None]]:
    """Inside, a signal that asks the process to end is raised as `Stopped`.

    A signal that is ignored stays so: `nohup` wants that. The value says what came, because an
    extension module can make another error of it.
    """
    came: list[Stopped] = []
    last = -_AGAIN

    def stop(number: int, _: object) -> None:
        nonlocal last
        if (now := time.monotonic()) - last < _AGAIN:
            return
        last = now
        came.append(Stopped(number))
        raise came[-1]

    stop.came = came
    before = {}
    for number in _NUMBERS if _in_main_thread() else ():
        handler = signal.getsignal(number)
        if handler in (signal.SIG_DFL, signal.default_int_handler):
            before[number] = signal.signal(number, stop)
    try:
        yield lambda: came[-1] if came else None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def heed() -> None:
    """Raise the wish to end that has come, if an import has swallowed it, as PyTorch's can."""
    if came := [x for n in _NUMBERS for x in getattr(signal.getsignal(n), "came", ())]:
        raise came[-1]


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Inside, a wish to stop is only noted; the value says whether it came, and it is raised after.

    A step that is cut in half has trained one network and not the other, and such a state must not
    be saved. SIGTERM and SIGHUP are noted where they would be raised, in a `stoppable` command; a
    notebook's kernel ends by them as ever. Outside the main thread signals cannot be caught, and
    nothing changes.
    """
    came: list[int] = []
    if not _in_main_thread():
        yield lambda: False
        return
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in _NUMBERS
        if number == signal.SIGINT or callable(signal.getsignal(number))
    }
    try:
        yield lambda: bool(came)
    except KeyboardInterrupt:
        if not came:
            raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt if came[0] == signal.SIGINT else Stopped(came[0])
