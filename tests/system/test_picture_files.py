"""What a file holds beyond 8-bit RGB: depth, meaning of the colors, frames; every format."""

import io
import struct
import sys
import types
import warnings
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from srgan_lib.errors import ImageError, Note
from srgan_lib.images import load_folder, read_image
from srgan_lib.system import picture_files
from srgan_lib.system.colors import make_profile, profile_of_codes, profile_of_gamma
from srgan_lib.system.picture_files import (
    decode_image,
    eight_bits,
    is_gray,
    read_contents,
    read_frames,
    suffixes,
)

RNG = np.random.default_rng(0)
SRGB = ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), (0.3127, 0.329))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples, *chunks, interlace=False):
    """A PNG of (H, W, channels), uint8 or uint16, by hand: Pillow writes no 16-bit color."""
    height, width, channels = samples.shape
    depth, kind = 8 * samples.dtype.itemsize, {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlace)
    big = samples.astype(samples.dtype.newbyteorder(">"))
    steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
             (1, 0, 2, 1)] if interlace else [(0, 0, 1, 1)]  # fmt: skip
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, across in steps
        if left < width
        for row in big[top::down, left::across]
    )
    chunks = [chunk(kind, data) for kind, data in chunks]
    body = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join([*body, chunk(b"IEND", b"")])


def tiff(samples, order="<", photometric=None, extra=()):
    """An uncompressed TIFF of (H, W, channels)."""
    height, width, channels = samples.shape
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    bits = 8 * samples.dtype.itemsize
    photometric = (2 if channels > 2 else 1) if photometric is None else photometric
    at = 8 + len(data)
    entries = [(256, 4, [width]), (257, 4, [height]), (258, 3, [bits] * channels), (259, 3, [1]),
               (262, 3, [photometric]), (273, 4, [8]), (277, 3, [channels]), (278, 4, [height]),
               (279, 4, [len(data)]), *extra]  # fmt: skip
    table, more = struct.pack(order + "H", len(entries)), b""
    beyond = at + 2 + 12 * len(entries) + 4
    for tag, kind, values in entries:
        value = struct.pack(f"{order}{len(values)}{'HI'[kind == 4]}", *values)
        if len(value) > 4:
            more += value
            value = struct.pack(order + "I", beyond + len(more) - len(value))
        table += struct.pack(order + "HHI", tag, kind, len(values)) + value.ljust(4, b"\0")
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", at)
    return start + data + table + bytes(4) + more


def deep(channels, height=9, width=13):
    return RNG.integers(0, 65536, (height, width, channels), np.uint16)


def read(tmp_path, data, name="x"):
    (tmp_path / name).write_bytes(data)
    return read_contents(tmp_path / name)


# -- 16 bits


@pytest.mark.parametrize("interlace", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png_is_read_whole(tmp_path, channels, interlace):
    samples = deep(channels)
    contents = read(tmp_path, png(samples, interlace=interlace))
    colors = samples[..., : 1 if channels < 3 else 3]
    np.testing.assert_array_equal(contents.image, np.broadcast_to(colors, (9, 13, 3)))
    assert contents.image.dtype == np.uint16 and contents.single == (channels < 3)
    if channels in (2, 4):
        np.testing.assert_array_equal(contents.alpha, samples[..., -1])
    else:
        assert contents.alpha is None


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_png_with_one_transparent_color(tmp_path, channels):
    samples = deep(channels)
    contents = read(tmp_path, png(samples, (b"tRNS", samples[2, 3].astype(">u2").tobytes())))
    assert contents.alpha[2, 3] == 0 and (contents.alpha == 65535).sum() == 9 * 13 - 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_tiff_is_read_whole(tmp_path, channels, order):
    samples = deep(channels)
    extra = [(338, 3, [2])] if channels == 4 else []
    contents = read(tmp_path, tiff(samples, order, extra=extra))
    np.testing.assert_array_equal(
        contents.image, np.broadcast_to(samples[..., :3], (9, 13, 3)) if channels == 1
        else samples[..., :3],
    )  # fmt: skip
    if channels == 4:
        np.testing.assert_array_equal(contents.alpha, samples[..., 3])


def test_16_bit_tiff_whose_colors_are_multiplied_by_alpha(tmp_path):
    colors, alpha = deep(3), np.full((9, 13, 1), 32768, np.uint16)
    stored = np.rint(colors * (32768 / 65535)).astype(np.uint16)
    contents = read(tmp_path, tiff(np.dstack([stored, alpha]), extra=[(338, 3, [1])]))
    assert np.abs(contents.image.astype(int) - colors).max() <= 1


def test_16_bit_tiff_in_which_white_is_0(tmp_path):
    samples = deep(1)
    contents = read(tmp_path, tiff(samples, photometric=0))
    np.testing.assert_array_equal(contents.image[..., 0], 65535 - samples[..., 0])


@pytest.mark.parametrize("top", [1000, 4095, 65535])
@pytest.mark.parametrize("kind", ["P5", "P6"])
def test_deep_ppm_and_pgm(tmp_path, kind, top):
    samples = RNG.integers(0, top + 1, (9, 13, 1 if kind == "P5" else 3))
    contents = read(tmp_path, f"{kind} 13 9 {top}\n".encode() + samples.astype(">u2").tobytes())
    expected = np.rint(samples * 65535.0 / top)
    np.testing.assert_array_equal(contents.image, np.broadcast_to(expected, (9, 13, 3)))


def test_deep_gray_jpeg_2000(tmp_path):
    samples = deep(1)[..., 0]
    buffer = io.BytesIO()
    Image.fromarray(samples).save(buffer, "JPEG2000")
    np.testing.assert_array_equal(read(tmp_path, buffer.getvalue()).image[..., 0], samples)


def test_orientation_of_16_bits(tmp_path):
    samples, exif = deep(3), Image.Exif()
    exif[0x0112] = 6
    contents = read(tmp_path, png(samples, (b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))))
    np.testing.assert_array_equal(contents.image, np.rot90(samples, -1))


def test_an_array_has_8_bits_and_says_so(tmp_path):
    samples = deep(3)
    (tmp_path / "x.png").write_bytes(png(samples))
    expected = np.rint(samples / 257)
    with pytest.warns(Note, match=r"x\.png has 16 bits .* rounded to 8"):
        np.testing.assert_array_equal(read_image(tmp_path / "x.png"), expected)
    with pytest.warns(Note, match=r"a\.tar: x has 16 bits"):
        np.testing.assert_array_equal(decode_image(png(samples), "a.tar: x"), expected)
    assert eight_bits(np.array([0, 128, 129, 65535], np.uint16)).tolist() == [0, 0, 1, 255]


def jpeg_2000(bits):
    """JPEG 2000 in color whose header says that it has so many bits; Pillow gives 8 of them."""
    buffer = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (9, 13, 3), np.uint8)).save(buffer, "JPEG2000")
    data = bytearray(buffer.getvalue())
    at = data.index(b"\xff\x4f\xff\x51") + 42
    for channel in range(3):
        assert data[at + 3 * channel] == 7
        data[at + 3 * channel] = bits - 1
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "bits"),
    [
        (jpeg_2000(12), 12),
        (b"P3 2 1 1023\n" + b"1023 0 511 " * 2, 16),
        (tiff(deep(4), photometric=5), 16),
    ],
    ids=["JPEG 2000", "plain PPM", "CMYK"],
)
def test_where_pillow_gives_8_bits_one_sentence_says_so(tmp_path, data, bits):
    with pytest.warns(Note, match=f"x has {bits} bits a channel, of which Pillow can read 8"):
        assert read(tmp_path, data).image.dtype == np.uint8


@pytest.mark.parametrize("mode", ["I", "F"])
def test_32_bits_do_not_say_what_is_white(tmp_path, mode):
    buffer = io.BytesIO()
    Image.new(mode, (2, 2)).save(buffer, "TIFF")
    with pytest.raises(ImageError, match="32 bits a channel"):
        read(tmp_path, buffer.getvalue())


def test_a_tiff_of_another_kind_is_called_one(tmp_path):
    with pytest.raises(
        ImageError, match="a TIFF of a kind that Pillow cannot read: save it as PNG"
    ):
        read(tmp_path, tiff(deep(2), extra=[(338, 3, [2])]))


# -- what the colors mean


def saved(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_made_profiles_mean_what_they_say():
    """Display P3 and gamma 1, against their definitions."""

    def light(x):
        x = np.asarray(x) / 255
        return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)

    def srgb(x):
        x = np.clip(x, 0, 1)
        return 255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)

    color = (200, 100, 50)
    image = Image.new("RGB", (1, 1), color)
    to_709 = [[1.22494, -0.22494, 0], [-0.04206, 1.04206, 0], [-0.01964, -0.07864, 1.09827]]
    for icc, expected in [
        (profile_of_codes(12, 13), srgb(to_709 @ light(color))),
        (profile_of_codes(1, 8), srgb(np.array(color) / 255)),
        (profile_of_gamma(1.0, None), srgb(np.array(color) / 255)),
    ]:
        contents = picture_files.Contents(np.array(image), None, icc)
        assert np.abs(contents.srgb()[0, 0] - expected).max() < 1
    assert profile_of_gamma(0.45455, (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)) is None
    assert profile_of_codes(9, 16) is None  # PQ
    with pytest.raises(ValueError, match="span no colors"):
        make_profile(((0.3, 0.3),) * 4, 1.0)


def test_srgb_itself_stays_bit_for_bit(tmp_path):
    pixels = RNG.integers(0, 256, (40, 40, 3), np.uint8)
    for icc in (
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        profile_of_codes(1, 13),
        b"no profile at all",
    ):
        (tmp_path / "x.png").write_bytes(saved(Image.fromarray(pixels), icc_profile=icc))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Note)
            np.testing.assert_array_equal(read_image(tmp_path / "x.png"), pixels)


def test_an_array_is_srgb(tmp_path):
    """Adobe's green is not sRGB's, and without the profile the array would say that it is."""
    pixels = np.full((4, 4, 3), (100, 150, 50), np.uint8)
    icc = profile_of_codes(12, 13)
    expected = ImageCms.profileToProfile(
        Image.fromarray(pixels), io.BytesIO(icc), ImageCms.createProfile("sRGB")
    )
    for data in (
        saved(Image.fromarray(pixels), icc_profile=icc),
        png(pixels, (b"cICP", b"\x0c\x0d\0\1")),
    ):
        (tmp_path / "x.png").write_bytes(data)
        image = read_image(tmp_path / "x.png")
        assert np.abs(image.astype(int) - np.array(expected)).max() <= 1
        assert np.abs(image.astype(int) - pixels).max() > 10


def test_gamma_of_a_png(tmp_path):
    pixels = np.full((4, 4, 1), 64, np.uint8)
    contents = read(tmp_path, png(pixels, (b"gAMA", struct.pack(">I", 100_000))))
    assert contents.png_colors == ((b"gAMA", struct.pack(">I", 100_000)),)
    assert (
        abs(contents.srgb()[0, 0, 0] - 137) <= 1
    )  # 255 * (1.055 * (64 / 255) ** (1 / 2.4) - 0.055)
    assert read(tmp_path, png(pixels, (b"gAMA", struct.pack(">I", 45_455)))).icc is None
    hdr = png(np.full((4, 4, 3), 9, np.uint8), (b"cICP", b"\x09\x10\0\1"))
    (tmp_path / "hdr.png").write_bytes(hdr)
    with pytest.warns(Note, match="cICP"):
        read_image(tmp_path / "hdr.png")


def test_cmyk_is_converted_by_its_profile(tmp_path, monkeypatch):
    image = Image.new("CMYK", (8, 8), (0, 200, 0, 0))
    with pytest.warns(Note, match="CMYK without a color profile"):
        plain = read(tmp_path, saved(image, "TIFF")).image
    np.testing.assert_array_equal(plain, np.array(image.convert("RGB")))
    asked = []

    def convert(picture, icc):
        asked.append((picture.mode, icc))
        return Image.new("RGB", picture.size, (1, 2, 3))

    monkeypatch.setattr(picture_files, "to_srgb", convert)
    contents = read(tmp_path, saved(image, "TIFF", icc_profile=bytes(16) + b"CMYK" + bytes(200)))
    assert contents.image[0, 0].tolist() == [1, 2, 3] and contents.icc is None
    assert asked[0][0] == "CMYK"
    monkeypatch.undo()
    with pytest.warns(Note, match="cannot be used"):
        read(tmp_path, saved(image, "JPEG", icc_profile=bytes(16) + b"CMYK" + bytes(200)))


def cmyk_profile():
    """One whose black is L = 20, and all of whose inks together with white paper are grays."""
    corners = np.array([[255 - 60 * sum(inks[:3]) - 55 * inks[3], 128, 128]
                        for inks in np.ndindex(2, 2, 2, 2)]).clip(51, 255)  # fmt: skip
    ramp = bytes(range(256))
    one, none = struct.pack(">i", 65536), bytes(4)
    matrix = one + none * 3 + one + none * 3 + one
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + ramp * 4
    table += corners.astype(np.uint8).tobytes() + ramp * 3
    gray = make_profile(SRGB, 1.0, gray=True)
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(78),
            b"cprt": b"text" + bytes(4) + b"none\0", b"A2B0": table,
            b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)}  # fmt: skip
    directory, body = struct.pack(">I", len(tags)), b""
    for key, data in tags.items():
        directory += key + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = bytearray(gray[:128])
    header[:4] = struct.pack(">I", 128 + len(directory) + len(body))
    header[12:24] = b"prtrCMYKLab "
    return bytes(header) + directory + body


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_cmyk_by_a_real_profile(tmp_path, kind):
    """L of 76 is about 185 in sRGB, where the rule of thumb makes magenta."""
    image = Image.new("CMYK", (8, 8), (0, 255, 0, 0))
    contents = read(tmp_path, saved(image, kind, icc_profile=cmyk_profile()))
    assert contents.icc is None and np.ptp(contents.image[0, 0].astype(int)) <= 2
    lightness = (255 - 60) / 255 * 100
    light = ((lightness + 16) / 116) ** 3
    assert abs(contents.image[0, 0, 1] - 255 * (1.055 * light ** (1 / 2.4) - 0.055)) <= 4


def test_a_profile_inside_jpeg_2000(tmp_path):
    data = saved(Image.new("RGB", (8, 8), (200, 100, 50)), "JPEG2000")
    icc = profile_of_codes(12, 13)
    at = data.index(b"colr") - 4
    length = int.from_bytes(data[at : at + 4], "big")
    box = struct.pack(">I", 11 + len(icc)) + b"colr\x02\0\0" + icc
    head = data.index(b"jp2h") - 4
    size = int.from_bytes(data[head : head + 4], "big") + len(box) - length
    data = data[:head] + struct.pack(">I", size) + data[head + 4 : at] + box + data[at + length :]
    contents = read(tmp_path, data)
    assert contents.icc == icc and contents.image[0, 0].tolist() == [200, 100, 50]


def test_cameras_say_adobe_rgb_in_exif(tmp_path):
    exif = Image.Exif()
    shot = exif.get_ifd(ExifTags.IFD.Exif)
    shot[ExifTags.Base.ColorSpace] = 65535
    shot[ExifTags.IFD.Interop] = {1: "R03"}
    green = Image.new("RGB", (8, 8), (100, 200, 100))
    contents = read(tmp_path, saved(green, "JPEG", quality=100, exif=exif))
    made = contents.srgb()[4, 4].astype(int)
    linear = (np.array([100, 200, 100]) / 255) ** (563 / 256)
    to_srgb = [[1.39836, -0.39836, 0], [0, 1, 0], [0, -0.04293, 1.04293]]
    light = np.clip(to_srgb @ linear, 0, 1)
    expected = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(made - expected).max() <= 3
    again = Image.Exif()
    again.load(contents.exif)
    assert again.get_ifd(ExifTags.IFD.Interop)[1] == "R03"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop] = {1: "R98"}  # sRGB
    assert read(tmp_path, saved(green, "JPEG", exif=exif)).icc is None


def test_gray_profile_is_for_gray(tmp_path):
    icc = make_profile(SRGB, 1.0, gray=True)
    contents = read(tmp_path, saved(Image.new("L", (4, 4), 64), icc_profile=icc))
    assert contents.icc == icc and contents.single and contents.srgb()[0, 0].tolist() == [137] * 3
    with pytest.warns(Note, match="profile for GRAY, which it is not"):
        colored = Image.new("RGB", (4, 4), (1, 2, 3))
        assert read(tmp_path, saved(colored, icc_profile=icc)).icc is None


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB"])
def test_what_is_gray(tmp_path, mode):
    ramp = Image.fromarray(np.arange(0, 256, 2, np.uint8).reshape(8, 16).copy())
    contents = read(tmp_path, saved(ramp.convert(mode)))
    assert is_gray(contents.image) and contents.single == (mode != "RGB")
    contents.image[-1, -1, 2] ^= 1
    assert not is_gray(contents.image)


# -- frames and formats


def frames(count=3, mode="RGB"):
    pixels = RNG.integers(0, 256, (count, 12, 10, 3), np.uint8)
    return [Image.fromarray(frame).convert(mode) for frame in pixels]


@pytest.mark.parametrize(("kind", "plays"), [("GIF", 3), ("PNG", 2), ("WEBP", 2)])
def test_animations(tmp_path, kind, plays):
    first, *rest = frames()
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(first, kind, save_all=True, append_images=rest, duration=[40, 90, 200], loop=2,
                 **options)  # fmt: skip
    contents = read(tmp_path, data)
    assert (contents.frames, contents.animated, contents.plays) == (3, True, plays)
    made = list(read_frames(tmp_path / "x"))
    assert [frame.duration for frame in made] == [40, 90, 200]
    if kind != "GIF":
        for frame, expected in zip(made, [first, *rest], strict=True):
            np.testing.assert_array_equal(frame.image, np.array(expected))


def test_a_gif_without_a_loop_is_played_once(tmp_path):
    first, *rest = frames()
    assert read(tmp_path, saved(first, "GIF", save_all=True, append_images=rest)).plays == 1


def test_the_default_picture_of_an_apng_is_no_frame(tmp_path):
    first, *rest = frames()
    data = saved(first, save_all=True, append_images=rest, default_image=True)
    assert read(tmp_path, data).frames == 2
    np.testing.assert_array_equal(next(read_frames(tmp_path / "x")).image, np.array(rest[0]))


def test_pages_of_a_tiff_but_no_smaller_copies(tmp_path):
    first, second, third = frames()
    third.encoderinfo = {"tiffinfo": {254: 1}}
    data = saved(first, "TIFF", save_all=True, append_images=[second])
    assert read(tmp_path, data).frames == 2 and not read(tmp_path, data).animated
    small = io.BytesIO(data)
    from PIL.TiffImagePlugin import AppendingTiffWriter

    with AppendingTiffWriter(small) as writer:
        third.save(writer, "TIFF", tiffinfo={254: 1})
    assert read(tmp_path, small.getvalue()).frames == 2


def test_of_several_pictures_the_first_is_taken_with_a_word(tmp_path):
    first, *rest = frames()
    with pytest.warns(Note, match=r"holds 3 pictures \(MPO\)"):
        assert read(tmp_path, saved(first, "MPO", save_all=True, append_images=rest)).frames == 1


def test_formats_are_pillows(tmp_path):
    known = suffixes()
    assert {".png", ".jpg", ".jfif", ".gif", ".jp2", ".tif", ".webp", ".ppm", ".tga"} <= set(known)
    assert not {".pdf", ".eps", ".mpg", ".txt", ".h5"} & set(known)
    for suffix, kind in [(".jfif", "JPEG"), (".gif", "GIF"), (".jp2", "JPEG2000"), (".TGA", "TGA")]:
        (tmp_path / f"x{suffix}").write_bytes(saved(frames(1)[0], kind))
    assert len(load_folder(tmp_path)) == 4


@pytest.mark.skipif(".avif" not in suffixes(), reason="this Pillow cannot read AVIF")
def test_a_folder_of_avif_can_be_trained_on(tmp_path):
    from srgan_lib.datasets.sources import load_pictures

    smooth = np.broadcast_to(np.linspace(0, 255, 64, dtype=np.uint8)[:, None, None], (64, 64, 3))
    Image.fromarray(np.ascontiguousarray(smooth)).save(tmp_path / "a.avif", quality=95)
    [picture] = load_pictures(str(tmp_path))
    assert picture.name == "a.avif" and np.abs(picture.image.astype(int) - smooth).mean() < 3


def test_what_a_folder_has_besides_is_said_once(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(saved(frames(1)[0]))
    for name in ("notes.txt", "c.nosuch", "Thumbs.db", ".hidden"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "more").mkdir()
    with pytest.warns(Note) as notes:
        assert len(load_folder(tmp_path)) == 2
    assert len(notes) == 1
    assert str(notes[0].message) == (
        f"Skipped in {tmp_path}: the files c.nosuch, notes.txt, because Pillow cannot read a "
        "picture from it; the folder more, because folders in it are not searched."
    )


@pytest.fixture
def no_plugins(monkeypatch):
    """As where pillow-heif is not installed."""
    monkeypatch.setattr(picture_files, "suffixes", lambda: (".png",))


def test_heic_without_its_plugin(tmp_path, no_plugins):
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    for name in ("a.heic", "a.jpg"):  # phones send them under both names
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ImageError, match=r"HEIC.*`pip install pillow-heif`"):
            read_contents(tmp_path / name)
    (tmp_path / "a.jpg").write_bytes(saved(frames(1)[0]))
    (tmp_path / "b.png").write_bytes(saved(frames(1)[0]))
    with pytest.warns(Note, match=r"a\.heic.*`pip install pillow-heif`"):
        load_folder(tmp_path)


def test_a_plugin_that_is_installed_is_used(monkeypatch):
    called = []
    plugin = types.ModuleType("pillow_heif")
    plugin.register_heif_opener = lambda: called.append(True)
    monkeypatch.setitem(sys.modules, "pillow_heif", plugin)
    picture_files._load_plugins.cache_clear()
    suffixes.cache_clear()
    assert suffixes() and called == [True]
    picture_files._load_plugins.cache_clear()


def test_density_and_rights(tmp_path):
    xmp = (b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" '
           b'exif:PixelXDimension="10" xmpRights:Owner="A. Student"><dc:rights>mine</dc:rights>'
           b"<tiff:ImageWidth>10</tiff:ImageWidth></rdf:Description></x:xmpmeta>")  # fmt: skip
    segment = b"http://ns.adobe.com/xap/1.0/\0" + xmp
    extra = b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment
    contents = read(tmp_path, saved(frames(1)[0], "JPEG", dpi=(300, 150), extra=extra))
    assert contents.density == (300, 150)
    assert b"A. Student" in contents.xmp and b"mine" in contents.xmp
    assert b"Orientation" not in contents.xmp and b"ImageWidth" not in contents.xmp
    assert b"Dimension" not in contents.xmp
    assert read(tmp_path, saved(frames(1)[0], "JPEG")).density is None
    exif = Image.Exif()
    exif[282], exif[283], exif[296] = 100, 100, 3  # a centimeter
    assert read(tmp_path, saved(frames(1)[0], "WEBP", exif=exif)).density == (254, 254)
