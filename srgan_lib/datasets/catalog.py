"""Named datasets, and a class's own pictures from a zip. Used in chapters 2 to 5.

A dataset is looked for under a root folder (`data/downloads` in the clone; the environment variable
SRGAN_DATA names another) and downloaded only if it is not there, so a folder put there by hand
serves as well.
"""

import os
import re
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ..errors import ConfigError, DataError, DownloadError
from ..images import list_images
from ..system.files import DOWNLOADS, check_folder, expanded
from ..system.picture_files import suffixes
from .archives import extract
from .download import download as download_file
from .download import download_drive

_END = 1 << 16  # bytes
_ORIGIN = ".unpacked-from"  # in a folder: the archive that it came from
# An id alone, or anywhere in a link: the tail is allowed only if the link's beginning was found.
_DRIVE_ID = re.compile(r"(https://drive\.google\.com/.*(?:/d/|[?&]id=))?([-\w]{25,})(?(1).*)")


@dataclass(frozen=True)
class Dataset:
    """Where a dataset comes from; its terms bind everybody who downloads it.

    Attributes:
        url, size, sha256: the archive, its bytes and its checksum.
        member: folder of the HR pictures inside the archive.
    """

    name: str
    url: str
    size: int
    sha256: str
    member: str
    homepage: str
    terms: str
    citation: str


# Sizes and checksums of DIV2K: tensorflow_datasets/datasets/div2k/checksums.tsv in
# github.com/tensorflow/datasets.
_DIV2K = {
    "homepage": "https://data.vision.ee.ethz.ch/cvl/DIV2K/",
    "terms": "Academic research only; the copyright stays with the owners of the pictures.",
    "citation": "Agustsson and Timofte, NTIRE 2017 Challenge on Single Image Super-Resolution: "
    "Dataset and Study, CVPR Workshops 2017",
}
# One archive of the authors of EDSR (Lim et al., CVPR Workshops 2017) holds all four test sets;
# size and checksum: tests/test_imresize.py in github.com/YeapJieShen/single-image-super-resolution.
_BENCHMARK = {
    "url": "https://cv.snu.ac.kr/research/EDSR/benchmark.tar",
    "size": 250_112_000,
    "sha256": "80c21c333bbf6ceb5308b7243761f8284478274413a97b96f1d63e9045fd93e8",
}
_ALL = (
    Dataset(
        name="DIV2K",
        url="https://data.vision.ee.ethz.ch/cvl/DIV2K/DIV2K_train_HR.zip",
        size=3_530_603_713,
        sha256="9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",
        member="DIV2K_train_HR",
        **_DIV2K,
    ),
    Dataset(
        name="DIV2K-valid",
        url="https://data.vision.ee.ethz.ch/cvl/DIV2K/DIV2K_valid_HR.zip",
        size=448_993_893,
        sha256="20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
        member="DIV2K_valid_HR",
        **_DIV2K,
    ),
    Dataset(
        name="Set5",
        member="benchmark/Set5/HR",
        homepage="http://people.rennes.inria.fr/Aline.Roumy/results/SR_BMVC12.html",
        terms="None stated.",
        citation="Bevilacqua et al., Low-Complexity Single-Image Super-Resolution, BMVC 2012",
        **_BENCHMARK,
    ),
    Dataset(
        name="Set14",
        member="benchmark/Set14/HR",
        homepage="https://sites.google.com/site/romanzeyde/research-interests",
        terms="None stated.",
        citation="Zeyde et al., On Single Image Scale-Up, Curves and Surfaces 2010",
        **_BENCHMARK,
    ),
    Dataset(
        name="BSD100",
        member="benchmark/B100/HR",
        homepage="https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/bsds/",
        terms="Non-commercial research and education only.",
        citation="Martin et al., A Database of Human Segmented Natural Images, ICCV 2001",
        **_BENCHMARK,
    ),
    Dataset(
        name="Urban100",
        member="benchmark/Urban100/HR",
        homepage="https://github.com/jbhuang0604/SelfExSR",
        terms="From Flickr under Creative Commons licenses, which are not listed one by one.",
        citation="Huang et al., Super-Resolution from Transformed Self-Exemplars, CVPR 2015",
        **_BENCHMARK,
    ),
)
DATASETS = {entry.name: entry for entry in _ALL}


def dataset(
    name: str, root: str | Path | None = None, *, download: bool = True, progress: bool = True
) -> Path:
    """Return the folder of a dataset's HR pictures, fetching them if they are not there.

    Looked for in ROOT/NAME/HR, in ROOT/NAME and where the unpacked archive has them, in upper or
    lower case. The archive stays in ROOT; one put there by hand is checked and used.

    Args:
        name: a key of `DATASETS`, in upper or lower case.
        root: default is SRGAN_DATA, else `data/downloads` in the clone.
        download: whether it may be fetched.

    Raises:
        ConfigError: unknown name. DownloadError: not there, and not to be had.
        DataError: the archive is damaged, or a folder without the pictures is in its place.
    """
    entry = next((e for e in DATASETS.values() if e.name.casefold() == name.casefold()), None)
    if entry is None:
        raise ConfigError(f"Unknown dataset {name!r}: choose one of {', '.join(DATASETS)}.")
    root = _root(root)
    archive = root / Path(entry.url).name
    by_hand = f"put its pictures into {root / entry.name / 'HR'}"
    if folder := _locate(entry, root):
        return folder
    if not download:
        raise DownloadError(f"{entry.name} is not in {root}: get {entry.url} or {by_hand}.")
    check_folder(root)
    _check_room(entry, root, archive)
    try:
        download_file(entry.url, archive, size=entry.size, sha256=entry.sha256, progress=progress)
    except DownloadError as error:
        raise DownloadError(f"{str(error).rstrip('.')}, or {by_hand}.") from None
    extract(archive, root / entry.member.split("/")[0], progress=progress)
    if folder := _locate(entry, root):
        return folder
    raise DataError(f"{archive} has no pictures in {entry.member}: {by_hand}.")


def _check_room(entry: Dataset, root: Path, archive: Path) -> None:
    """Refuse before the download what would fail after it: the pictures need as much once more."""
    there = root
    while not there.exists():
        there = there.parent
    part = archive.with_name(archive.name + ".part")
    have = next((path.stat().st_size for path in (archive, part) if path.exists()), 0)
    needed, free = 2 * entry.size - have, shutil.disk_usage(there).free
    if needed > free:
        raise DownloadError(
            f"{entry.name} needs {needed / 1e9:,.1f} GB, archive and pictures, and {root} has "
            f"{free / 1e9:,.1f}: free some, or name another folder (--root or SRGAN_DATA)."
        )


def dataset_from_zip(
    source: str | Path, root: str | Path | None = None, *, progress: bool = True
) -> Path:
    """Return the folder of the pictures in an archive of one's own.

    Args:
        source: path of a zip, tar or folder; or id or link of a zip shared on Google Drive.
        root: where it is unpacked, into a folder of its name; default as in `dataset`.

    Raises:
        DownloadError: Google Drive does not send it.
        DataError: no such file, no pictures, or pictures in several folders of which none is "HR".
    """
    path, root = Path(source) if "://" in str(source) else expanded(source), _root(root)
    if not path.exists():
        drive = _DRIVE_ID.fullmatch(str(source))
        if not drive:
            raise DataError(f"{source} is no file, and no id or link of one on Google Drive.")
        path = download_drive(drive[2], root / f"{drive[2]}.zip", progress=progress)
    folder = path if path.is_dir() else root / path.stem
    if not folder.exists():
        extract(path, folder, progress=progress)
        (folder / _ORIGIN).write_bytes(os.fsencode(_origin(path)))
        packed = path.stat().st_mtime_ns
        if folder.stat().st_mtime_ns < packed:  # a clock was set back, or another machine's is fast
            os.utime(folder, ns=(packed, packed))
    elif folder.stat().st_mtime < path.stat().st_mtime:
        raise DataError(f"{path} is newer than {folder}: remove that folder and run again.")
    elif folder != path and _known_origin(folder) not in (None, _origin(path)):
        raise DataError(
            f"{folder} holds the pictures of another archive, {_known_origin(folder)}: rename "
            f"{path.name}, or remove that folder and run again."
        )
    return _picture_folder(folder)


def _origin(archive: Path) -> str:
    """What tells an archive from another one of its name; a zip's checksums are at its end."""
    size = archive.stat().st_size
    with archive.open("rb") as file:
        ends = file.read(_END)
        file.seek(max(size - _END, 0))
        ends += file.read()
    return f"{archive.name} of {size:,} bytes (SHA-256 of its ends {sha256(ends).hexdigest()[:12]})"


def _known_origin(folder: Path) -> str | None:
    file = folder / _ORIGIN
    return os.fsdecode(file.read_bytes()) if file.is_file() else None


def _root(root: str | Path | None) -> Path:
    return expanded(root or os.environ.get("SRGAN_DATA") or DOWNLOADS)


def _locate(entry: Dataset, root: Path) -> Path | None:
    for layout in (f"{entry.name}/HR", entry.name, entry.member):
        folder = root
        for step in layout.casefold().split("/"):
            inside = {p.name.casefold(): p for p in folder.iterdir()} if folder.is_dir() else {}
            folder = inside.get(step, folder / step)
        if folder.is_dir() and list_images(folder):
            return folder
    return None


def _picture_folder(top: Path) -> Path:
    """The one folder that has pictures, `top` or below; of several, the one named HR."""
    folders = {
        path.parent
        for path in top.rglob("*")
        if path.suffix.lower() in suffixes()
        and not any(p.startswith((".", "__MACOSX")) for p in path.relative_to(top).parts)
    }
    folders = {folder for folder in folders if folder.name.casefold() == "hr"} or folders
    if not folders:
        raise DataError(f"{top} has no pictures that can be read.")
    if len(folders) > 1:
        names = ", ".join(sorted(str(folder.relative_to(top)) for folder in folders))
        raise DataError(f"{top} has pictures in several folders ({names}): give one of them.")
    return folders.pop()
