"""A picture keeps what it is: gray, transparency, meaning of colors, depth, frames, size."""

import io
import struct
import warnings

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, PngImagePlugin
from synthetic import photo

from srgan_lib.degradation import bicubic_upscale
from srgan_lib.errors import DataError, ImageError, Note
from srgan_lib.inference import Enlarger, bicubic_enlarger, network_enlarger, upscale
from srgan_lib.models import Generator
from srgan_lib.performance.fast_generator import fast_copy
from srgan_lib.performance.large_pictures import (
    fill_unseen,
    upscale_contents,
    upscale_file,
    upscale_folder,
)
from srgan_lib.system.colors import PRIMARIES, make_profile, profile_of_codes
from srgan_lib.system.picture_files import read_contents, read_frames
from srgan_lib.weights import load_generator

BICUBIC = bicubic_enlarger(2)
GRAY_PROFILE = make_profile(PRIMARIES[1], 1.0, gray=True)
P3 = profile_of_codes(12, 13)


@pytest.fixture(scope="module")
def srgan():
    return network_enlarger(load_generator("srgan"))


def enlarged(tmp_path, image, source="lr.png", target="sr.png", enlarger=BICUBIC, **options):
    """Save by Pillow, enlarge, open by Pillow."""
    image.save(tmp_path / source, **options)
    upscale_file(enlarger, tmp_path / source, tmp_path / target, tile=20, force=True)
    sr = Image.open(tmp_path / target)
    sr.load()
    return sr


# -- 6: gray


@pytest.mark.parametrize(
    ("mode", "target"), [("1", "sr.png"), ("P", "sr.tif"), ("L", "sr.jpg"), ("L", "sr.png")]
)
def test_gray_in_gray_out(tmp_path, srgan, mode, target):
    sr = enlarged(tmp_path, Image.fromarray(photo(12, 16)[..., 0]).convert(mode), "lr.png", target,
                  srgan)  # fmt: skip
    assert sr.mode == "L" and sr.size == (64, 48)
    assert np.array(sr).std() > 20


def test_gray_with_alpha(tmp_path, srgan):
    lr = Image.fromarray(np.dstack([photo(12, 16)[..., 0], photo(12, 16, 1)[..., 0]]))
    assert lr.mode == "LA"
    assert enlarged(tmp_path, lr, enlarger=srgan).mode == "LA"
    assert enlarged(tmp_path, lr, target="sr.tif", enlarger=srgan).mode == "LA"
    webp = np.array(enlarged(tmp_path, lr, target="sr.webp", enlarger=srgan).convert("RGB"))
    assert np.ptp(webp.astype(int), axis=2).max() <= 2


def test_gray_in_three_channels_gets_no_color(tmp_path, srgan):
    """As most gray photographs on the web are stored."""
    gray = photo(12, 16)[..., :1].repeat(3, axis=2)
    sr = enlarged(tmp_path, Image.fromarray(gray), enlarger=srgan)
    assert sr.mode == "RGB" and not np.ptp(np.array(sr), axis=2).any()
    network = load_generator("srgan")
    whole = upscale(network, gray)
    assert not np.ptp(whole, axis=2).any()
    np.testing.assert_array_equal(whole, np.array(sr))
    gray[0, 0, 0] ^= 1  # one pixel of color, and nothing is changed any more
    assert np.ptp(upscale(network, gray), axis=2).max() > 3


# -- 7: transparency


def disc(color=(255, 255, 255), hidden=(0, 0, 0), side=40, soft=0.0):
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside = (side / 3 - np.hypot(y, x)) / (soft or 1e-9)
    alpha = (255 * (inside + 0.5).clip(0, 1)).round().astype(np.uint8)
    seen = alpha[..., None] > 0
    return np.dstack([np.where(seen, color, hidden).astype(np.uint8), alpha])


def laid(rgba, background):
    paper = Image.new("RGBA", rgba.size, (background,) * 3 + (255,))
    return np.array(Image.alpha_composite(paper, rgba.convert("RGBA")).convert("RGB")).astype(int)


@pytest.mark.parametrize("soft", [0, 3])
@pytest.mark.parametrize(
    ("color", "hidden", "paper"),
    [((255,) * 3, (0,) * 3, 255), ((0,) * 3, (255,) * 3, 0), ((200, 40, 90), (0, 255, 0), 128)],
)
def test_no_rim_around_what_is_transparent(tmp_path, srgan, color, hidden, paper, soft):
    lr = Image.fromarray(disc(color, hidden, soft=soft))
    by_pillow = lr.resize((80, 80), Image.Resampling.BICUBIC)
    sr = enlarged(tmp_path, lr)
    if len(set(color)) == 1:  # of other colors Pillow makes some that are not in the picture
        np.testing.assert_array_equal(laid(sr, paper), laid(by_pillow, paper))
    sr = np.array(sr)
    assert np.abs(sr[sr[..., 3] > 0][:, :3].astype(int) - color).max() == 0
    lr = Image.fromarray(disc(color, hidden, side=20, soft=soft))
    by_network = np.array(enlarged(tmp_path, lr, enlarger=srgan))
    seen = by_network[by_network[..., 3] > 0][:, :3].astype(int)
    assert np.abs(seen - color).max() <= 6  # the network's own colors


def test_what_is_hardly_seen_counts_hardly(tmp_path):
    """Editors leave an alpha of 1 with any color there."""
    rgba = disc()
    rgba[..., 3] = np.maximum(rgba[..., 3], 1)
    sr = laid(enlarged(tmp_path, Image.fromarray(rgba)), 255)
    assert sr.min() >= 252  # 1 of 255 of black is there in LR, too


def test_filling_changes_nothing_that_is_seen():
    image = photo(33, 41)
    assert fill_unseen(image, np.full((33, 41), 255, np.uint8)) is image
    assert fill_unseen(image, np.full((33, 41), 77, np.uint8)) is image
    assert fill_unseen(image, np.zeros((33, 41), np.uint8)) is image
    alpha = np.zeros((33, 41), np.uint16)
    alpha[10:20, 5:15] = 65535
    deep = image.astype(np.uint16) * 257
    filled = fill_unseen(deep, alpha)
    np.testing.assert_array_equal(filled[10:20, 5:15], deep[10:20, 5:15])
    inside = deep[10:20, 5:15].reshape(-1, 3)
    assert (filled >= inside.min(axis=0)).all() and (filled <= inside.max(axis=0)).all()


# -- 8: what the colors mean


@pytest.mark.parametrize("target", ["sr.png", "sr.tif", "sr.jpg"])
def test_gray_profile_is_carried(tmp_path, target):
    lr = Image.fromarray(photo(20, 30)[..., 0])
    sr = enlarged(tmp_path, lr, "lr.jpg", target, icc_profile=GRAY_PROFILE)
    assert sr.mode == "L" and sr.info["icc_profile"] == GRAY_PROFILE


def test_webp_has_no_gray_so_the_colors_are_converted(tmp_path):
    sr = enlarged(
        tmp_path, Image.new("L", (20, 20), 64), target="sr.webp", icc_profile=GRAY_PROFILE
    )
    assert "icc_profile" not in sr.info
    assert np.abs(np.array(sr.convert("RGB")).astype(int) - 137).max() <= 2  # gamma 1 to sRGB


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
@pytest.mark.parametrize("target", ["sr.png", "sr.tif", "sr.webp"])
def test_color_profile_is_carried(tmp_path, mode, target):
    lr = Image.fromarray(np.dstack([photo(20, 30), photo(20, 30)[..., 0]])).convert(mode)
    assert enlarged(tmp_path, lr, "lr.png", target, icc_profile=P3).info["icc_profile"] == P3


def chunked(tmp_path, image, *chunks):
    from system.test_picture_files import chunk

    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    data = buffer.getvalue()
    data = data[:33] + b"".join(chunk(*c) for c in chunks) + data[33:]
    (tmp_path / "lr.png").write_bytes(data)
    return tmp_path / "lr.png"


GAMMA = (b"gAMA", struct.pack(">I", 100_000))
PQ, P3_CODES = (b"cICP", b"\x09\x10\0\1"), (b"cICP", b"\x0c\x0d\0\1")
WHITE = (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))


@pytest.mark.parametrize(
    "chunks", [[GAMMA], [P3_CODES], [PQ], [WHITE, GAMMA], [(b"sRGB", b"\1")]],
    ids=["gamma", "P3", "PQ", "chromaticities", "sRGB"],
)  # fmt: skip
def test_png_says_in_its_own_words_what_the_colors_mean(tmp_path, chunks):
    lr = chunked(tmp_path, Image.fromarray(photo(20, 30)), *chunks)
    upscale_file(BICUBIC, lr, tmp_path / "sr.png")
    data = (tmp_path / "sr.png").read_bytes()
    for kind, content in chunks:
        assert data.index(kind + content) < data.index(b"IDAT")
    assert b"iCCP" not in data


def test_other_formats_get_a_profile_instead(tmp_path):
    lr = chunked(tmp_path, Image.new("RGB", (20, 20), (200, 100, 50)), P3_CODES)
    upscale_file(BICUBIC, lr, tmp_path / "sr.webp")
    sr = read_contents(tmp_path / "sr.webp")
    assert np.abs(sr.srgb()[5, 5].astype(int) - [215, 93, 31]).max() <= 4
    lr = chunked(tmp_path, Image.fromarray(photo(20, 30)), PQ)
    with pytest.warns(Note, match=r"cICP.*choose \.png"):
        upscale_file(BICUBIC, lr, tmp_path / "sr.jpg")


# -- 9: frames and pages


def animation(count=3, alpha=False):
    made = [photo(16, 20, seed) for seed in range(count)]
    if alpha:
        made = [np.dstack([frame, disc(side=20)[:16, :20, 3]]) for frame in made]
    return [Image.fromarray(frame) for frame in made]


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("target", ["sr.png", "sr.webp"])
@pytest.mark.parametrize("source", ["lr.gif", "lr.png", "lr.webp"])
def test_all_frames_are_enlarged(tmp_path, source, target, alpha):
    first, *rest = animation(alpha=alpha)
    options = {"save_all": True, "append_images": rest, "duration": [50, 70, 1000], "loop": 2}
    sr = enlarged(tmp_path, first, source, target, **options)
    assert sr.n_frames == 3
    assert sr.info["loop"] == (3 if source == "lr.gif" else 2)  # plays, of which GIF omits one
    small, large = list(read_frames(tmp_path / source)), list(read_frames(tmp_path / target))
    assert [frame.duration for frame in large] == [50, 70, 1000]
    for lr, made in zip(small, large, strict=True):
        if target == "sr.png":
            image = lr.image if lr.alpha is None else fill_unseen(lr.image, lr.alpha)
            np.testing.assert_array_equal(made.image, bicubic_upscale(image, 2))
        assert (made.alpha is None) == (lr.alpha is None)


def test_one_transparent_frame_makes_all_of_them_rgba(tmp_path):
    first, second = animation(2)
    second = Image.fromarray(np.dstack([np.array(second), np.array(second)[..., 0]]))
    options = {"save_all": True, "append_images": [second], "blend": 0, "disposal": 1}
    sr = enlarged(tmp_path, first.convert("RGBA"), **options)
    assert (sr.mode, sr.n_frames) == ("RGBA", 2)
    assert np.array(sr)[..., 3].min() == 255
    sr.seek(1)
    assert np.array(sr)[..., 3].min() < 255


@pytest.mark.parametrize("source", ["lr.gif", "lr.png"])
def test_a_gray_animation_stays_gray(tmp_path, source):
    first, *rest = [frame.convert("L") for frame in animation()]
    options = {"save_all": True, "append_images": rest, "comment": "mine", "duration": 50}
    sr = enlarged(tmp_path, first, source, **options)
    assert (sr.mode, sr.n_frames) == ("L", 3)
    assert sr.text.get("Comment") == ("mine" if source == "lr.gif" else None)


@pytest.mark.parametrize("sizes", [[(16, 20)] * 3, [(16, 20), (30, 12), (9, 9)]])
def test_all_pages_are_enlarged(tmp_path, sizes):
    pages = [Image.fromarray(photo(*size, seed)) for seed, size in enumerate(sizes)]
    pages[1] = pages[1].convert("L")
    sr = enlarged(tmp_path, pages[0], "lr.tif", "sr.tif", save_all=True, append_images=pages[1:])
    assert sr.n_frames == 3
    for index, page in enumerate(pages):
        sr.seek(index)
        assert sr.mode == page.mode
        expected = bicubic_upscale(np.array(page.convert("RGB")), 2)
        np.testing.assert_array_equal(np.array(sr.convert("RGB")), expected)


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [("lr.gif", "sr.jpg", "3 frames: .* Choose .png or .webp"),
     ("lr.gif", "sr.tif", "3 frames: .* Choose .png or .webp"),
     ("lr.tif", "sr.png", "3 pages: .* Choose .tif")],
)  # fmt: skip
def test_where_the_format_holds_one_it_is_said_which(tmp_path, source, target, sentence):
    first, *rest = animation()
    with pytest.warns(Note, match=sentence):
        sr = enlarged(tmp_path, first, source, target, save_all=True, append_images=rest)
    assert getattr(sr, "n_frames", 1) == 1 and sr.size == (40, 32)


# -- 10: 16 bits


def ramp(height=16, width=40):
    """A sky: fewer than 10 levels of 8 bits."""
    x, y = np.mgrid[:height, :width]
    gray = 20_000 + 30 * x + 20 * y
    return np.stack([gray, gray + 500, gray + 1000], axis=2).astype(np.uint16)


def png_of(tmp_path, samples, name="lr.png"):
    from system.test_picture_files import png

    (tmp_path / name).write_bytes(png(samples))
    return tmp_path / name


@pytest.mark.parametrize("target", ["sr.png", "sr.tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_stay_16(tmp_path, channels, target):
    samples = np.dstack([ramp(), ramp()[..., 0]])[..., [0, 3] if channels == 2 else slice(channels)]
    lr = png_of(tmp_path, samples)
    upscale_file(BICUBIC, lr, tmp_path / target, tile=20)
    sr = read_contents(tmp_path / target)
    colors = samples[..., :1].repeat(3, axis=2) if channels < 3 else samples[..., :3].copy()
    assert sr.image.dtype == np.uint16
    assert sr.single == (channels == 1 or (channels == 2 and target == "sr.png"))
    if sr.alpha is None:
        np.testing.assert_array_equal(sr.image, bicubic_upscale(colors, 2))
    assert len(np.unique(sr.image[..., 0])) > 500


def test_16_bits_by_a_network(tmp_path):
    """In float all the way: the same picture, but without the steps of 8 bits."""
    network = load_generator("srgan")
    lr = ramp()
    deep = upscale(network, lr)
    assert deep.dtype == np.uint16 and len(np.unique(deep[..., 0])) > 1000
    shallow = upscale(network, (lr // 257).astype(np.uint8))
    assert np.abs(np.rint(deep / 257) - shallow).max() <= 2
    png_of(tmp_path, lr)
    enlarger = network_enlarger(fast_copy(network), deep=fast_copy(network, torch.float32))
    upscale_file(enlarger, tmp_path / "lr.png", tmp_path / "sr.png", tile=20)
    assert np.abs(read_contents(tmp_path / "sr.png").image.astype(int) - deep).max() <= 8


@pytest.mark.parametrize("target", ["sr.jpg", "sr.webp"])
def test_formats_of_8_bits_say_so(tmp_path, target):
    lr = png_of(tmp_path, ramp())
    with pytest.warns(Note, match=r"16 bits.*choose \.png or \.tif"):
        upscale_file(BICUBIC, lr, tmp_path / target)
    sr = np.array(Image.open(tmp_path / target)).astype(int)
    assert np.abs(sr - bicubic_upscale(ramp(), 2) / 257).max() < 4


# -- 11: printed size and rights

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">rights: A. Student</x:xmpmeta>'


@pytest.mark.parametrize("target", ["sr.png", "sr.tif", "sr.jpg", "sr.webp"])
@pytest.mark.parametrize("source", ["lr.png", "lr.tif", "lr.jpg", "lr.bmp"])
def test_the_printed_size_is_kept(tmp_path, source, target):
    sr = enlarged(tmp_path, Image.fromarray(photo(20, 30)), source, target, dpi=(300, 150))
    across, down = read_contents(tmp_path / target).density
    assert abs(across - 600) < 0.1 and abs(down - 300) < 0.1
    assert enlarged(tmp_path, Image.fromarray(photo(20, 30)), target=target).info.get("dpi") in (
        None, (1, 1)
    )  # fmt: skip
    del sr


@pytest.mark.parametrize("target", ["sr.png", "sr.tif", "sr.jpg", "sr.webp"])
def test_xmp_is_kept(tmp_path, target):
    enlarged(tmp_path, Image.fromarray(photo(20, 30)), "lr.webp", target, xmp=XMP)
    assert read_contents(tmp_path / target).xmp == XMP


def test_exif_from_tiff_to_tiff(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist], exif[ExifTags.Base.Copyright] = "A. Student", "© mine"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:01 10:20:30"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    Image.fromarray(photo(20, 30)).save(tmp_path / "1.jpg", exif=exif)
    for source, target in (("1.jpg", "2.tif"), ("2.tif", "3.tif"), ("3.tif", "4.png")):
        upscale_file(BICUBIC, tmp_path / source, tmp_path / target)
        with Image.open(tmp_path / target) as sr:
            kept = sr.getexif()
            assert kept[ExifTags.Base.Artist] == "A. Student"
            shot = kept.get_ifd(ExifTags.IFD.Exif)
            assert shot[ExifTags.Base.DateTimeOriginal] == "2024:05:01 10:20:30"
            place = kept.get_ifd(ExifTags.IFD.GPSInfo)
            assert place[ExifTags.GPS.GPSLatitudeRef] == "N"
    assert 273 not in kept and 258 not in kept  # TIFF's own words for its pixels are none of PNG's


def test_jpeg_has_no_room_for_long_xmp_or_exif(tmp_path):
    long = XMP.replace(b"rights", b"rights" * 12_000)
    Image.fromarray(photo(20, 30)).save(tmp_path / "lr.webp", xmp=long)
    with pytest.warns(Note, match=r"more XMP than \.jpg has room for"):
        upscale_file(BICUBIC, tmp_path / "lr.webp", tmp_path / "sr.jpg")
    assert read_contents(tmp_path / "sr.jpg").xmp is None


IPTC = b"\x1c\x02\x74\0\x0c(c) a student"


def with_iptc(path):
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC
    data = b"Photoshop 3.0\0" + block + bytes(len(block) % 2)
    extra = b"\xff\xed" + struct.pack(">H", len(data) + 2) + data
    Image.fromarray(photo(20, 30)).save(path, extra=extra, comment="© mine")
    return path


@pytest.mark.parametrize("target", ["sr.jpg", "sr.tif"])
def test_iptc_is_kept(tmp_path, target):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Note)
        upscale_file(BICUBIC, with_iptc(tmp_path / "lr.jpg"), tmp_path / target)
    assert read_contents(tmp_path / target).iptc == IPTC


@pytest.mark.parametrize("target", ["sr.png", "sr.webp"])
def test_where_iptc_has_no_place_it_is_said(tmp_path, target):
    with pytest.warns(Note, match="has IPTC, for which"):
        upscale_file(BICUBIC, with_iptc(tmp_path / "lr.jpg"), tmp_path / target)


def test_texts_are_kept(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "A. Student")
    info.add_itxt("Copyright", "© mine, 中")
    Image.fromarray(photo(20, 30)).save(tmp_path / "lr.png", pnginfo=info)
    upscale_file(BICUBIC, tmp_path / "lr.png", tmp_path / "sr.png")
    with Image.open(tmp_path / "sr.png") as sr:
        assert sr.text == {"Author": "A. Student", "Copyright": "© mine, 中"}
    upscale_file(BICUBIC, tmp_path / "lr.png", tmp_path / "sr.jpg")
    with Image.open(tmp_path / "sr.jpg") as sr:
        assert sr.info["comment"].decode() == "Author: A. Student\nCopyright: © mine, 中"
    upscale_file(BICUBIC, tmp_path / "sr.jpg", tmp_path / "again.png")
    assert Image.open(tmp_path / "again.png").text["Comment"].startswith("Author: A. Student")
    with pytest.warns(Note, match=r"text \(Author, Copyright\), for which \.webp has no place"):
        upscale_file(BICUBIC, tmp_path / "lr.png", tmp_path / "sr.webp")


# -- 12: folders


def test_a_folder_names_what_it_skips(tmp_path):
    source = tmp_path / "in"
    (source / "more").mkdir(parents=True)
    for name in ("a.jfif", "b.gif", "c.tif", "d.jp2"):
        Image.fromarray(photo(20, 30)).save(source / name)
    (source / "e.txt").write_text("no picture")
    with pytest.warns(
        Note, match=r"Skipped .*: the file e\.txt, because .*; the folder more, because"
    ):
        assert upscale_folder(BICUBIC, source, tmp_path / "out") == 4
    names = sorted(p.name for p in (tmp_path / "out").glob("[!.]*"))
    assert names == ["a.jfif.png", "b.gif.png", "c.tif", "d.jp2.png"]


def test_a_folder_of_folders_is_named_as_such(tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / "in" / name).mkdir(parents=True)
        Image.fromarray(photo(20, 30)).save(tmp_path / "in" / name / "a.png")
    with pytest.raises(DataError, match=r"no pictures, only folders \(cats, dogs\): give one"):
        upscale_folder(BICUBIC, tmp_path / "in", tmp_path / "out")


def test_a_part_of_a_picture_keeps_what_the_whole_one_has(tmp_path):
    rgba = np.dstack([photo(30, 40), photo(30, 40)[..., 0]])
    Image.fromarray(rgba).save(tmp_path / "lr.png", icc_profile=P3, dpi=(100, 100))
    part = read_contents(tmp_path / "lr.png").part(slice(5, 25), slice(0, 12))
    assert upscale_contents(BICUBIC, part, tmp_path / "sr.png") == (24, 40)
    sr = read_contents(tmp_path / "sr.png")
    assert sr.icc == P3 and sr.alpha is not None and abs(sr.density[0] - 200) < 0.1
    with pytest.raises(ImageError, match="The picture is transparent"):
        upscale_contents(BICUBIC, part, tmp_path / "sr.jpg")


def test_memory_is_that_of_a_band_for_tiff_too(tmp_path):
    """What the enlarger has made is written before the next band is asked for."""
    written = []

    def enlarge(image):
        written.append([path.stat().st_size for path in tmp_path.glob(".*partial*.tif")])
        return rng.integers(0, 256, (2 * image.shape[0], 2 * image.shape[1], 3), np.uint8)

    rng = np.random.default_rng(0)
    enlarger = Enlarger(enlarge, 2, margin=0, tile=64)
    Image.new("RGB", (64, 512), (1, 2, 3)).save(tmp_path / "lr.png")
    upscale_file(enlarger, tmp_path / "lr.png", tmp_path / "sr.tif")
    sizes = [size for [size] in written]
    assert len(sizes) == 8 and sizes[-1] > sizes[0] + 5 * 2 * 64 * 2 * 64 * 3


def test_a_generator_keeps_gray_of_any_kind():
    network = Generator(2, 1, 4, "course")
    torch.nn.init.normal_(network.tail.weight, std=0.5)
    for gray in (photo(12, 12)[..., :1].repeat(3, 2), np.full((9, 9, 3), 65535, np.uint16)):
        assert not np.ptp(upscale(network, gray), axis=2).any()
