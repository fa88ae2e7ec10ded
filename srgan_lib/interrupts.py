"""Stopping between two steps instead of in the middle of one."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
