"""HR files and the LR files that belong to them, by their names."""

import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from ..errors import DataError, ImageError, Note
from .files import expanded
from .picture_files import list_images, no_pictures, read_contents, skipped

NAMED = 12  # faults of a set that one sentence names
Pairs = list[tuple[Path, Path | None]]


def checked_pairs(
    hr_dir: str | Path, lr_dir: str | Path | None, scale: int, smallest: int, needs: str
) -> Pairs:
    """Pair the files of HR and LR, and make sure that all can be read and fit each other.

    LR is called like HR, with "x4" after it or without, as DIV2K has it. It makes no difference how
    a file system writes an accent: in Unicode's composed or decomposed form.

    Args:
        lr_dir: None where LR is to be made.
        smallest: the least side of HR, once it is a multiple of `scale`; `needs` says why.

    Raises:
        DataError: a folder that is missing or has no pictures; pictures that are damaged, too
            small, without LR, or whose LR does not fit or is there twice. All of them are named.
    """
    hr_files, lr_files = (None if d is None else list_images(d) for d in (hr_dir, lr_dir))
    for folder, files in ((hr_dir, hr_files), (lr_dir, lr_files)):
        if files == []:
            raise DataError(no_pictures(expanded(folder)))
    if note := skipped(expanded(hr_dir)):
        warnings.warn(note, Note, stacklevel=4)
    partners = None if lr_files is None else _Partners(hr_files, lr_files, scale)
    pairs, faults = [], []
    for hr_file in hr_files:
        try:
            lr_file = None if partners is None else partners.of(hr_file)
            height, width = (side - side % scale for side in _size(hr_file))
            if min(height, width) < smallest:
                raise ImageError(f"{hr_file} leaves {width}x{height} pixels at x{scale}; {needs}")
            if lr_file is not None and _size(lr_file) != (height // scale, width // scale):
                low_height, low_width = _size(lr_file)
                raise DataError(
                    f"{lr_file} is {low_width}x{low_height} pixels and does not fit "
                    f"{hr_file.name}, {width}x{height}, at scale {scale}: check --lr and --scale"
                )
            pairs.append((hr_file, lr_file))
        except (ImageError, DataError) as error:
            faults.append(str(error).rstrip("."))
    if faults:
        more = f"; and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
        raise DataError(
            f"Of the {len(hr_files)} pictures in {hr_dir} {len(faults)} cannot be "
            f"scored, and a mean over the others would not be the set's "
            f"({'; '.join(faults[:NAMED])}{more}): mend them or take them out."
        )
    alone = sorted({file.name for file in lr_files or ()} - {lr.name for _, lr in pairs if lr})
    if alone:
        warnings.warn(f"Not scored, because HR is missing: {', '.join(alone)}.", Note, stacklevel=4)
    return pairs


def _size(file: Path) -> tuple[int, ...]:
    return read_contents(file).image.shape[:2]


class _Partners:
    """Which file of LR belongs to which of HR."""

    def __init__(self, hr_files: Iterable[Path], lr_files: Iterable[Path], scale: int):
        self.scale = scale
        self.hr, self.lr = (self._by_stem(files) for files in (hr_files, lr_files))

    @staticmethod
    def _stem(file: Path) -> str:
        # A Mac writes e and its accent as two characters, and a zip carries that elsewhere.
        return unicodedata.normalize("NFC", file.stem)

    def _by_stem(self, files: Iterable[Path]) -> dict[str, list[Path]]:
        by_stem = defaultdict(list)
        for file in files:
            by_stem[self._stem(file)].append(file)
        return by_stem

    def of(self, hr_file: Path) -> Path:
        stem = self._stem(hr_file)
        found, longer = [*self.lr[stem]], f"{stem}x{self.scale}"
        if longer not in self.hr:  # else it belongs to that one
            found += self.lr[longer]
        if not found:
            raise DataError(f"there is no LR picture for {hr_file.name}: name it so in LR's folder")
        if len(self.hr[stem]) > 1:
            names = " and ".join(file.name for file in self.hr[stem])
            raise DataError(f"{names} have the same LR, {found[0].name}")
        if len(found) > 1:
            names = " and ".join(file.name for file in found)
            raise DataError(f"there are two LR pictures for {hr_file.name}, {names}")
        return found[0]
