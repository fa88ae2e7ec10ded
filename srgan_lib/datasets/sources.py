import warnings
from pathlib import Path

from ..data import samples
from ..errors import DataError, Note
from ..images import Picture, load_folder
from ..recipes import Recipe
from ..system.files import expanded
from . import catalog


def _is_dataset(name: str) -> bool:
    return name.casefold() in (known.casefold() for known in catalog.DATASETS)


def _folder(name: str) -> Path:
    """A folder of that path, or else a data set of that name."""
    folder = expanded(name)
    return catalog.dataset(name) if _is_dataset(name) and not folder.is_dir() else folder


def load_pictures(name: str) -> list[Picture]:
    """The pictures of a folder or data set, or the embedded ones for "samples"."""
    return samples("train") if name == "samples" else load_folder(_folder(name))


def training_pictures(name: str, recipe: Recipe) -> list[Picture]:
    """The training pictures of a folder or data set that are large enough for a patch."""
    good = []
    for picture in load_pictures(name):
        height, width = (side // recipe.scale * recipe.scale for side in picture.image.shape[:2])
        if min(height, width) >= recipe.patch_size:
            good.append(picture)
        else:
            warnings.warn(
                f"Left out: {picture.name} is smaller than the {recipe.patch_size} px patches.",
                Note,
                stacklevel=2,
            )
    if not good:
        raise DataError(
            f"{name} has no picture of at least {recipe.patch_size} px: add larger ones."
        )
    return good
