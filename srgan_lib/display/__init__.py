"""What a reader sees: figures, the compare slider, the film of a training."""

from .film import Scrubber, TrainingFilm
from .slider import CompareSlider

__all__ = ["CompareSlider", "Scrubber", "TrainingFilm"]
