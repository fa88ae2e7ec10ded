"""Training pictures by name: a folder, a data set, or "samples"."""

import tarfile
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path

from ..data import samples
from ..errors import DataError, Note
from ..images import Picture, load_folder
from ..recipes import Recipe
from ..system.files import expanded
from . import catalog


def is_dataset(name: str) -> bool:
    return name.casefold() in (known.casefold() for known in catalog.DATASETS)


def picture_folder(name: str) -> Path:
    """A folder of that path, or else a data set of that name."""
    folder = expanded(name)
    if folder.is_file():
        first = f"`srgan data {name}` unpacks it" if _is_archive(folder) else "give its folder"
        raise DataError(f"{folder} is a file and not a folder of pictures: {first}.")
    return catalog.dataset(name) if is_dataset(name) and not folder.is_dir() else folder


def _is_archive(path: Path) -> bool:
    return tarfile.is_tarfile(path) or zipfile.is_zipfile(path)


def title(name: str) -> str:
    """What to call a folder or data set; of Set5/HR, Set5."""
    for known in catalog.DATASETS:
        if known.casefold() == name.casefold():
            return known
    folder = expanded(name).resolve()
    return folder.parent.name if folder.name.casefold() == "hr" else folder.name


def named_sets(names: Iterable[str]) -> dict[str, Path]:
    """Title -> folder of HR pictures, of folders and data sets.

    Raises:
        DataError: two folders of one title, or one that is called as the embedded photographs are.
    """
    folders = {}
    for name in names:
        folder = picture_folder(name)
        if folders.setdefault(title(name), folder).resolve() != folder.resolve():
            raise DataError(
                f"{folders[title(name)]} and {folder} would both be called {title(name)} on the "
                "card: rename one of them."
            )
    if "validation" in folders:
        raise DataError(
            f"{folders['validation']} would be called as the embedded photographs are, validation: "
            "rename it."
        )
    return folders


def load_pictures(name: str) -> list[Picture]:
    """The pictures of a folder or data set, or the embedded ones for "samples"."""
    return samples("train") if name == "samples" else load_folder(picture_folder(name))


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
