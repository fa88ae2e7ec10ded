"""From picture file to picture file, and from folder to folder, in bounded memory."""

import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from ..degradation import imresize
from ..errors import DataError, ImageError, Note, SRGANError
from ..images import list_images
from ..inference import Enlarger, bands
from ..system.files import expanded, own_folder, write_atomically
from ..system.picture_files import (
    SAVE_OPTIONS,
    Contents,
    check_writable,
    no_pictures,
    read_contents,
    read_frames,
    skipped,
)
from ..system.picture_writers import JPEG_SEGMENT, Sheet, write_sheets

LARGEST_SIDE = {
    ".png": 2**31 - 1, ".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383, ".tif": 2**31 - 1,
    ".tiff": 2**31 - 1,
}  # fmt: skip
_JPEG = (".jpg", ".jpeg")
_8_BITS = (*_JPEG, ".webp")
_SAID = ("Author", "Comment", "Copyright", "Description", "Disclaimer", "Source", "Title")
_ANIMATIONS, _PAGES = (".png", ".webp"), (".tif", ".tiff")
_ALPHA_MARGIN, _ALPHA_ROWS = 3, 64  # the cubic kernel reaches two pixels


def upscale_file(
    enlarger: Enlarger,
    source: str | Path,
    target: str | Path,
    *,
    tile: int | None = None,
    force: bool = False,
    progress: bool = False,
) -> tuple[int, int]:
    """Enlarge a picture file; PNG and TIFF are written band by band as they are computed.

    LR is in memory, three bytes a pixel, and of SR one band of tiles. JPEG and WebP are compressed
    as a whole: for them SR is in memory, too, four bytes a pixel. The EXIF orientation is applied;
    the color profile, the rest of EXIF and XMP are kept, and so is the printed size: 300 dpi become
    1,200 at x4. Gray stays gray and 16 bits stay 16, in PNG and TIFF. All frames of an animation
    are enlarged into PNG (APNG) or WebP, and all pages of a TIFF into TIFF. Transparency is
    enlarged bicubically, and nothing is seen of the colors under what is transparent. What the
    target cannot hold is named in a `Note`.

    Args:
        target: a .png, .tif, .jpg or .webp file; it appears complete or not at all.
        tile: side of the LR tiles; chosen by the enlarger if not given.
        force: replace an existing file.

    Returns:
        Width and height of SR.

    Raises:
        ImageError: what `read_contents` and `bands` raise; transparency in JPEG; a side longer than
            the format allows.
        SRGANError: the target exists.
    """
    source, target = expanded(source), expanded(target)
    check_writable(target, force=force)
    contents = read_contents(source)
    pictures, count = [contents], 1
    if contents.frames > 1:
        if target.suffix.lower() in (_ANIMATIONS if contents.animated else _PAGES):
            pictures, count = read_frames(source), contents.frames
            if contents.animated:
                contents = _of_all(contents, read_frames(source))
        else:
            kinds = " or ".join(_ANIMATIONS if contents.animated else _PAGES[:1])
            warnings.warn(
                f"{source} has {contents.kind_of_frames}: {target} gets the first one. Choose "
                f"{kinds} for all of them.",
                Note,
                stacklevel=2,
            )
    return _enlarge(enlarger, contents, pictures, count, source, target, tile, progress)


def upscale_contents(
    enlarger: Enlarger,
    contents: Contents,
    target: str | Path,
    *,
    tile: int | None = None,
    force: bool = False,
) -> tuple[int, int]:
    """The same for one picture that is read already, or a part of it."""
    target = expanded(target)
    check_writable(target, force=force)
    if contents.frames > 1:
        warnings.warn(
            f"The picture is the first of {contents.kind_of_frames}: `upscale_file` takes all.",
            Note,
            stacklevel=2,
        )
    return _enlarge(enlarger, contents, [contents], 1, "The picture", target, tile, False)


def _of_all(first: Contents, frames: Iterable[Contents]) -> Contents:
    """The first frame; transparent, or not of one channel, if any frame is so."""
    alpha, single = first.alpha, first.single
    for frame in frames:
        alpha = frame.alpha if alpha is None else alpha
        single = single and frame.single
    return first._replace(alpha=alpha, single=single)


def _enlarge(
    enlarger: Enlarger, contents: Contents, pictures, count: int, source, target, tile, progress
) -> tuple[int, int]:
    suffix = target.suffix.lower()
    try:
        enlarger.check(contents.image)
    except ImageError as error:
        raise ImageError(f"{source}: {error}") from None
    height, width = (enlarger.scale * side for side in contents.image.shape[:2])
    if contents.alpha is not None and suffix in (".jpg", ".jpeg"):
        raise ImageError(f"{source} is transparent and JPEG cannot be: choose .png or .webp.")
    if max(height, width) > LARGEST_SIDE[suffix]:
        raise ImageError(
            f"{target} would be {width}x{height}, and {suffix} ends at {LARGEST_SIDE[suffix]} "
            "pixels a side: choose .png."
        )
    for lost in _lost(contents, suffix):
        warnings.warn(f"{source} has {lost}", Note, stacklevel=3)
    sheets = (_sheet(enlarger, picture, contents, suffix, tile, progress) for picture in pictures)
    try:
        write_atomically(target, lambda temporary: write_sheets(temporary, sheets, count))
    except OSError as error:
        reason = error.strerror or error
        raise ImageError(f"{target} could not be written ({reason}); it is not there.") from error
    return width, height


def _lost(contents: Contents, suffix: str) -> Iterator[str]:
    """What the format cannot hold, as sentences that begin with "... has"."""
    if contents.image.dtype == np.uint16 and suffix in _8_BITS:
        yield f"16 bits a channel, of which {suffix} keeps 8: choose .png or .tif for all of them."
    if contents.has_unknown_colors and suffix != ".png":
        yield f"colors (cICP) that {suffix} cannot name: choose .png to keep what they mean."
    for name in ("exif", "xmp", "iptc", "comment"):
        if suffix in _JPEG and _too_long(contents, name):
            yield f"more {name.upper()} than {suffix} has room for: it is left out."
    if contents.iptc and suffix in (".png", ".webp"):
        yield f"IPTC, for which {suffix} has no place: choose .jpg or .tif to keep it."
    if suffix in (".webp", *_PAGES) and (keys := [k for k, _ in contents.texts if k in _SAID]):
        yield f"text ({', '.join(keys)}), for which {suffix} has no place: choose .png to keep it."


def _too_long(contents: Contents, name: str) -> bool:
    data = getattr(contents, name) or b""
    return len(data if isinstance(data, bytes) else data.encode()) > JPEG_SEGMENT - 40


def _fitted(contents: Contents, suffix: str) -> Contents:
    """What of it the format can hold."""
    if suffix in _8_BITS:
        contents = contents.with_8_bits()
    if suffix == ".webp" and contents.single:  # which has no gray, and no profile for it
        contents = contents._replace(image=contents.srgb(), icc=None, single=False)
    if suffix in _JPEG:
        empty = {"exif": None, "xmp": None, "iptc": None, "comment": ()}
        for name in filter(partial(_too_long, contents), empty):
            field = "texts" if name == "comment" else name
            contents = contents._replace(**{field: empty[name]})
    return contents


def _sheet(enlarger, picture: Contents, first: Contents, suffix: str, tile, progress) -> Sheet:
    """SR of a picture, to be computed as it is written; a frame takes after the first one."""
    if first.animated:
        size = picture.image.shape[:2]
        alpha = picture.alpha
        if alpha is None and first.alpha is not None:
            alpha = np.full(size, np.iinfo(picture.image.dtype).max, picture.image.dtype)
        picture = first._replace(image=picture.image, alpha=alpha, duration=picture.duration)
    picture = _fitted(picture, suffix)
    deep = picture.image.dtype == np.uint16
    if deep and picture.single and picture.alpha is not None and suffix in _PAGES:
        picture = picture._replace(single=False)  # gray with alpha, which Pillow could not read
    if picture.alpha is not None:
        picture = picture._replace(image=fill_unseen(picture.image, picture.alpha))
    density = picture.density and tuple(enlarger.scale * density for density in picture.density)
    height, width = (enlarger.scale * side for side in picture.image.shape[:2])
    channels = (1 if picture.single else 3) + (picture.alpha is not None)
    rows = _rows(enlarger, picture, tile, progress)
    return Sheet(width, height, channels, rows, picture._replace(density=density))


def _rows(
    enlarger: Enlarger, contents: Contents, tile: int | None, progress: bool
) -> Iterable[np.ndarray]:
    """Bands of SR, of one color channel if the file has one, with alpha where there is some."""
    top, scale = 0, enlarger.scale
    for band in bands(enlarger, contents.image, tile, progress=progress):
        band = band[..., :1] if contents.single else band
        if contents.alpha is None:
            yield band
            continue
        for start in range(0, len(band), scale * _ALPHA_ROWS):
            colors = band[start : start + scale * _ALPHA_ROWS]
            bottom, first = top + len(colors) // scale, max(top - _ALPHA_MARGIN, 0)
            part = contents.alpha[first : bottom + _ALPHA_MARGIN]
            alpha = imresize(part, scale, round_between=False)
            yield np.dstack([colors, alpha[scale * (top - first) :][: len(colors)]])
            top = bottom


def fill_unseen(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Give the pixels that are not seen, or hardly, the colors of those around them that are.

    A file may hold any color there, often black, and an enlargement would draw a rim of it around
    what is seen. A pixel counts as much as it is seen against its neighbors; what is missing comes
    from copies at half the size, of which each pixel is the mean of what is seen of four (push and
    pull: Gortler et al., The Lumigraph, SIGGRAPH 1996).

    Args:
        image: uint8 or uint16 (H, W, 3).
        alpha: (H, W) of the same kind.

    Returns:
        A copy like `image`, the same wherever no neighbor is seen better.
    """
    weight = _weight(alpha)
    if weight.min() == 1 or not alpha.any():
        return image
    coarse, filled = _filled(*_halved(image, alpha)), image.copy()
    for start in range(0, len(image), 2 * _ALPHA_ROWS):
        rows = slice(start, start + 2 * _ALPHA_ROWS)
        part = coarse[start // 2 : start // 2 + _ALPHA_ROWS]
        filled[rows] = np.rint(_mixed(image[rows], weight[rows], part))
    return filled


def _filled(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The same for one of the smaller copies, float32."""
    weight = _weight(alpha)
    if weight.min() == 1:
        return color
    return _mixed(color, weight, _filled(*_halved(color, alpha)))


def _weight(alpha: np.ndarray) -> np.ndarray:
    """How much a pixel is seen against the best within two, as far as the cubic kernel reaches."""
    most = alpha
    for _ in range(2):
        padded = np.pad(most, ((2, 2), (0, 0)))
        most = np.maximum.reduce([padded[i : i + len(most)] for i in range(5)]).T
    return np.divide(alpha, most, out=np.zeros(alpha.shape, np.float32), where=most > 0)


def _mixed(color: np.ndarray, weight: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    around = coarse.repeat(2, axis=0).repeat(2, axis=1)[: len(color), : color.shape[1]]
    return around + weight[..., None] * (color - around)


def _halved(color: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is seen of 2x2 pixels together, and how much of it, float32."""
    height, width = (-(-side // 2) for side in alpha.shape)
    total = np.zeros((height, width, 3), np.float32)
    seen = np.zeros((height, width), np.float32)
    for y in (0, 1):
        for x in (0, 1):
            part = alpha[y::2, x::2].astype(np.float32)
            rows, columns = part.shape
            total[:rows, :columns] += part[..., None] * color[y::2, x::2]
            seen[:rows, :columns] += part
    return total / np.maximum(seen, 1e-9)[..., None], seen / 4


def upscale_folder(
    enlarger: Enlarger,
    source: str | Path,
    target: str | Path,
    *,
    tile: int | None = None,
    force: bool = False,
    progress: bool = False,
) -> int:
    """Enlarge every picture of a folder into another one, under its own name.

    Names of formats that are not written get ".png" added. What is in `target` already is left as
    it is, so that an interrupted run can go on, unless `force` is given. Pictures that cannot be
    enlarged are named in warnings, and the others are done all the same.

    Returns:
        How many were enlarged.

    Raises:
        DataError: no such folder, no picture in it, a file as target, the same folder twice, two
            pictures whose results would have one name, or pictures left out.
    """
    source, target = expanded(source), expanded(target)
    files = list_images(source)
    if not files:
        raise DataError(no_pictures(source))
    if target.suffix.lower() in LARGEST_SIDE or target.is_file():
        raise DataError(f"{source} is a folder, so {target} must be one, too: name a folder.")
    if target.resolve() == source.resolve():
        raise DataError(f"{target} is where the pictures come from: choose another folder.")
    results = _results(files, target)
    if note := skipped(source):
        warnings.warn(note, Note, stacklevel=2)
    with own_folder(target):
        return _upscale_files(enlarger, results, tile, force, progress)


def _results(files: Iterable[Path], target: Path) -> dict[Path, Path]:
    """Where in `target` the result of each picture goes.

    Raises:
        DataError: two would go into one file; all of these are named.
    """
    results, sources = {}, defaultdict(list)
    for file in files:
        known = file.suffix.lower() in SAVE_OPTIONS
        results[file] = target / (file.name if known else f"{file.name}.png")
        sources[results[file]].append(file.name)
    twice = [" and ".join(names) for names in sources.values() if len(names) > 1]
    if twice:
        raise DataError(
            f"{file.parent} has pictures whose results would have one name ({'; '.join(twice)}): "
            "rename one of them."
        )
    return results


def _upscale_files(enlarger: Enlarger, results: dict[Path, Path], tile, force, progress) -> int:
    done, failed = 0, 0
    for file, result in results.items():
        if result.exists() and not force:
            warnings.warn(f"Left as it is: {result} exists.", Note, stacklevel=3)
            continue
        try:
            size = upscale_file(enlarger, file, result, tile=tile, force=force, progress=progress)
        except SRGANError as error:
            warnings.warn(f"Left out: {error}", Note, stacklevel=3)
            failed += 1
            continue
        done += 1
        if progress:
            print(f"{result}: {size[0]}x{size[1]}", flush=True)
    if failed:
        raise DataError(
            f"{failed} of the {len(results)} pictures in {file.parent} could not be enlarged: "
            f"they are named above, and the others are in {result.parent}."
        )
    return done
