"""A stand-in for Google Colab's package, with the parts that the course touches."""

from . import drive, files, output, userdata

__all__ = ["drive", "files", "output", "userdata"]
