"""The command line: `python -m srgan_lib`."""

from .parser import main

__all__ = ["main"]
