"""Command lines on which no option is forgotten because another one came after it."""

import argparse
from typing import Any


class _Option(argparse.Action):
    """Lists are joined; a second value where there can be one only is refused."""

    _filled = None  # a value alone does not say whether it was given: it may be the default

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        if self._filled is namespace:
            before = getattr(namespace, self.dest)
            if isinstance(values, list):
                values = [*before, *values]
            elif values != before:
                raise argparse.ArgumentError(self, f"given twice, {before} and {values}: give one.")
        self._filled = namespace
        setattr(namespace, self.dest, values)


class CommandLine(argparse.ArgumentParser):
    """`argparse.ArgumentParser`, but a later option never makes an earlier one be forgotten.

    `--data A --data B` means the same as `--data A B`, and `--hr A --hr B` is refused.
    """

    def __init__(self, **options: Any):
        super().__init__(**options)
        for name in (None, "store"):
            self.register("action", name, _Option)
