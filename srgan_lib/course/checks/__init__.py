"""The checks of the exercises: `check("1.2", answer)` says in a sentence what is wrong.

The notebooks call them, and `srgan_lib.course.grade` counts their points.
"""

from . import chapter1, chapter2, chapter3, chapter4, chapter5, chapter6, chapter7, chapter8
from .base import EXERCISES, Exercise, ExerciseError, check

__all__ = [
    "EXERCISES",
    "Exercise",
    "ExerciseError",
    "chapter1",
    "chapter2",
    "chapter3",
    "chapter4",
    "chapter5",
    "chapter6",
    "chapter7",
    "chapter8",
    "check",
]
