"""Named data sets, and a class's own pictures."""

from .catalog import DATASETS, dataset, dataset_from_zip

__all__ = ["DATASETS", "dataset", "dataset_from_zip"]
