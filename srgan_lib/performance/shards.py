"""Training pictures from tar files ("shards") that are together too large for memory.

WebDataset reads them. Where this pays, and how to make shards: docs/scaling.md.
"""

import tarfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..data import PatchPool
from ..errors import ConfigError, DataError, ImageError, Note
from ..system.digests import digest
from ..system.files import expanded
from ..system.picture_files import decode_image, suffixes

SUFFIX = ".tar"


class ShardPool:
    """A `PatchPool` of one shard at a time; the next is read while this one is trained on.

    Which shard a step draws from follows from its number alone, so a training that is resumed sees
    the same patches as one that never stopped. Pictures that look alike must therefore not share a
    shard: shuffle before you pack.

    Args:
        shards: paths of tar files with pictures.
        scale, device, augment: as for `PatchPool`. For a moment, two shards are on the device.
        patch_size: pictures smaller than this many pixels are left out with a warning.
        steps: updates before the next shard's turn. All have had theirs before one comes again.
        seed: of the order of the shards, a new one each time around.

    Raises:
        ConfigError: WebDataset is not installed. DataError: no shards; a shard that is missing,
        damaged, without pictures, or whose members claim more bytes than it has.
    """

    def __init__(
        self,
        shards: Sequence[str | Path],
        scale: int = 4,
        device: torch.device | str = "cpu",
        *,
        patch_size: int = 96,
        augment: bool = False,
        steps: int = 500,
        seed: int = 0,
    ):
        try:
            import webdataset  # noqa: F401  # asked for now, and not after an hour
        except ImportError:
            raise ConfigError(
                "Tar shards need the package webdataset: `pip install webdataset`."
            ) from None
        if not len(shards):
            raise DataError("There are no shards to train on: give at least one tar file.")
        self.scale, self.device, self.augment = scale, torch.device(device), augment
        self.patch_size, self.steps, self.seed = patch_size, steps, seed
        self._shards = [expanded(shard).resolve() for shard in shards]
        self._pictures = sum(map(count_pictures, self._shards))
        self.digest = digest(sorted(line for shard in self._shards for line in _headers(shard)))
        self._turn, self._pool = -1, None
        self._ahead: tuple[int, Future[PatchPool]] | None = None
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="shards")

    def __len__(self) -> int:
        """Pictures in all shards together."""
        return self._pictures

    def for_step(self, step: int) -> PatchPool:
        """The pool of the shard whose turn update `step` is."""
        turn = step // self.steps
        if turn != self._turn:
            ahead = self._ahead
            self._pool = None  # its memory is for the one after the next
            self._pool = ahead[1].result() if ahead and ahead[0] == turn else self._load(turn)
            self._turn, self._ahead = turn, (turn + 1, self._reader.submit(self._load, turn + 1))
        return self._pool

    def _load(self, turn: int) -> PatchPool:
        around, place = divmod(turn, len(self._shards))
        order = torch.Generator().manual_seed(self.seed + around)
        shard = self._shards[torch.randperm(len(self._shards), generator=order)[place]]
        images = read_shard(shard, self.patch_size)
        return PatchPool(images, self.scale, self.device, augment=self.augment)


def _headers(shard: Path) -> list[bytes]:
    """Name and size of each picture: to hash what is in them would take as long as reading all."""
    with tarfile.open(shard, "r:") as archive:
        return [f"{m.name} {m.size}\n".encode() for m in archive if _is_picture(m.name)]


def count_pictures(shard: str | Path) -> int:
    """How many members of a tar file are pictures, by their suffixes; reads the headers only.

    Raises:
        DataError: see `ShardPool`.
    """
    shard = expanded(shard)
    if not shard.is_file():
        raise DataError(f"{shard} does not exist or is no file: give the path of a tar file.")
    try:
        with tarfile.open(shard, "r:") as archive:  # not packed: pictures are packed themselves
            members = [member for member in archive if member.isreg()]
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise DataError(f"{shard} is not a tar file that can be read ({error}).") from None
    # A sparse member may claim any size, and would be read into memory in full.
    if sum(member.size for member in members) > shard.stat().st_size:
        raise DataError(f"{shard}: its members claim more bytes than it has. Do not trust it.")
    count = sum(_is_picture(member.name) for member in members)
    if not count:
        raise DataError(f"{shard} has no pictures that can be read.")
    return count


def read_shard(shard: str | Path, patch_size: int = 1) -> list[np.ndarray]:
    """The pictures of a tar file, uint8 (H, W, 3), that have at least `patch_size` on either side.

    Others, and those that cannot be read, are named in warnings and left out.

    Raises:
        DataError: the file is damaged, or there is no picture left.
    """
    from webdataset.tariterators import group_by_keys, tar_file_expander

    shard = expanded(shard)
    images = []
    try:
        with shard.open("rb") as stream:  # WebDataset's own opener leaves closing to chance
            source = {"url": str(shard), "stream": stream}
            members = tar_file_expander([source], select_files=_is_picture)
            for sample in group_by_keys(members):
                images += _decoded(shard, sample, patch_size)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise DataError(f"{shard} cannot be read to its end ({error}): make it again.") from None
    if not images:
        raise DataError(f"{shard} has no picture of at least {patch_size} px: leave it out.")
    return images


def _decoded(shard: Path, sample: Mapping[str, Any], patch_size: int) -> Iterator[np.ndarray]:
    """The pictures of a WebDataset sample: members whose names differ in their suffix alone."""
    for suffix, data in sample.items():
        if not _is_picture(f"name.{suffix}"):  # "__key__" and the like
            continue
        name = f"{shard}: {sample['__key__']}.{suffix}"
        try:
            image = decode_image(data, name)
        except ImageError as error:
            warnings.warn(f"Left out: {error}", Note, stacklevel=3)
            continue
        if min(image.shape[:2]) < patch_size:
            small = f"{name} is smaller than the {patch_size} px patches."
            warnings.warn(f"Left out: {small}", Note, stacklevel=3)
            continue
        yield image


def _is_picture(name: str) -> bool:
    return name.lower().endswith(suffixes()) and not name.rpartition("/")[2].startswith(".")
