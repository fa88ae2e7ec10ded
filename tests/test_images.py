"""Reading and writing pictures: every kind of file a person may have, and every kind of damage."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from srgan_lib.errors import DataError, ImageError, Note, SRGANError
from srgan_lib.images import (
    check_image,
    crop_to_multiple,
    list_images,
    load_folder,
    read_image,
    to_image,
    to_tensor,
    write_image,
)
from srgan_lib.system.picture_files import check_writable, read_contents

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def png(width, height, depth, color_type, rows=b""):
    """A PNG file by hand: Pillow cannot write 16-bit RGB."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "RGB"])
def test_every_mode_becomes_rgb(tmp_path, picture, mode):
    image = Image.fromarray(picture).convert(mode)
    image.save(tmp_path / "x.png")
    expected = np.array(image.convert("RGB"))
    np.testing.assert_array_equal(read_image(tmp_path / "x.png"), expected)


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (8, 6), (255, 0, 0, 0)).save(tmp_path / "x.jpg", quality=100)
    with pytest.warns(Note, match="CMYK without a color profile"):
        image = read_image(tmp_path / "x.jpg")
    assert image.shape == (6, 8, 3)
    assert np.abs(image.astype(int) - [0, 255, 255]).max() <= 2


def test_one_pixel(tmp_path):
    Image.new("RGB", (1, 1), (1, 2, 3)).save(tmp_path / "x.png")
    assert read_image(tmp_path / "x.png").tolist() == [[[1, 2, 3]]]


def test_exif_orientation_is_applied(tmp_path, picture):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to show
    Image.fromarray(picture).save(tmp_path / "x.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "x.png"), np.rot90(picture, -1))


def test_alpha_is_kept_apart_and_colors_are_as_stored(tmp_path, picture):
    alpha = np.arange(600, dtype=np.uint16).reshape(20, 30).astype(np.uint8)
    Image.fromarray(np.dstack([picture, alpha])).save(tmp_path / "x.png")
    rgb, read_alpha, *_ = read_contents(tmp_path / "x.png")
    np.testing.assert_array_equal(rgb, picture)
    np.testing.assert_array_equal(read_alpha, alpha)


def test_transparent_palette_entry(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "x.png", transparency=0)
    rgb, alpha, *_ = read_contents(tmp_path / "x.png")
    assert rgb.tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert alpha.tolist() == [[0, 255]]


def test_opaque_alpha_is_no_alpha(tmp_path, picture):
    Image.fromarray(picture).convert("RGBA").save(tmp_path / "x.png")
    assert read_contents(tmp_path / "x.png")[1] is None


NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8))
BAD_FILES = {
    "empty": (b"", "0 bytes"),
    "text": (b"no picture at all", "not a picture"),
    "truncated png": (encoded(NOISE, "PNG")[:5000], "damaged"),
    "truncated jpeg": (encoded(NOISE, "JPEG")[:1000], "damaged"),
    "header only": (encoded(NOISE, "PNG")[:20], "picture|damaged"),
    "truncated 16-bit gray": (png(9, 9, 16, 0, bytes(5)), "damaged"),
    "truncated 16-bit RGB": (png(9, 9, 16, 2, bytes(13)), "damaged"),
    "truncated 16-bit gray and alpha": (png(9, 9, 16, 4, bytes(9)), "damaged"),
    "32-bit integers": (encoded(Image.new("I", (2, 2)), "TIFF"), "8 bits"),
    "32-bit floats": (encoded(Image.new("F", (2, 2)), "TIFF"), "8 bits"),
    "200 megapixels": (png(20_000, 10_000, 8, 2), "megapixels"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_file_gives_one_sentence_that_names_it(tmp_path, kind):
    data, reason = BAD_FILES[kind]
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=reason) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(ImageError, match="does not exist"):
        read_image(tmp_path / "photo.png")
    with pytest.raises(ImageError, match="is a folder"):
        read_image(tmp_path)


def test_large_but_allowed_picture_gives_no_warning(tmp_path, monkeypatch):
    Image.new("RGB", (15, 10)).save(tmp_path / "x.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # warns above this, refuses above twice
    assert read_image(tmp_path / "x.png").shape == (10, 15, 3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 70)
    with pytest.raises(ImageError, match="megapixels"):
        read_image(tmp_path / "x.png")


@pytest.mark.parametrize("name", ["x.png", "X.PNG", "new/folder/x.png"])
def test_png_round_trip(tmp_path, picture, name):
    assert write_image(tmp_path / name, picture) == tmp_path / name
    np.testing.assert_array_equal(read_image(tmp_path / name), picture)
    assert [path.name for path in (tmp_path / name).parent.iterdir()] == [(tmp_path / name).name]


@pytest.mark.parametrize("name", ["x.jpg", "x.jpeg", "x.webp"])
def test_lossy_formats(tmp_path, name):
    ramp = np.zeros((32, 32, 3), np.uint8)
    ramp[..., 0] = np.linspace(0, 255, 32)
    write_image(tmp_path / name, ramp)
    assert np.abs(read_image(tmp_path / name).astype(int) - ramp).mean() < 3


def test_jpeg_keeps_full_color_resolution(tmp_path):
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2, 0] = 255  # red and black columns, one pixel wide
    write_image(tmp_path / "x.jpg", stripes)
    assert np.abs(read_image(tmp_path / "x.jpg").astype(int) - stripes).mean() < 5


@pytest.mark.parametrize("name", ["x.png", "x.webp"])
def test_alpha_round_trip(tmp_path, picture, name):
    alpha = np.full((20, 30), 255, np.uint8)
    alpha[:, :15] = 7
    write_image(tmp_path / name, picture, alpha=alpha)
    np.testing.assert_array_equal(read_contents(tmp_path / name)[1], alpha)


def test_alpha_that_cannot_be_written(tmp_path, picture):
    with pytest.raises(ImageError, match="transparency"):
        write_image(tmp_path / "x.jpg", picture, alpha=picture[..., 0])
    with pytest.raises(ImageError, match="alpha"):
        write_image(tmp_path / "x.png", picture, alpha=picture[:5, :, 0])
    assert not list(tmp_path.iterdir())


def test_existing_file_is_kept_unless_forced(tmp_path, picture):
    path = tmp_path / "x.png"
    path.write_bytes(b"precious")
    with pytest.raises(SRGANError, match=r"exists.*--force"):
        write_image(path, picture)
    assert path.read_bytes() == b"precious"
    write_image(path, picture, force=True)
    np.testing.assert_array_equal(read_image(path), picture)


def test_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path):
    path = tmp_path / "x.jpg"
    path.write_bytes(b"precious")
    too_wide = np.zeros((1, 70_000, 3), np.uint8)  # JPEG ends at 65,535 pixels
    with pytest.raises(ImageError, match="could not be written"):
        write_image(path, too_wide, force=True)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_paths_that_cannot_be_written(tmp_path, picture):
    for name in ("x.gif", "x"):
        with pytest.raises(ImageError, match=r"\.png"):
            check_writable(tmp_path / name)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(SRGANError, match="folder"):
        write_image(tmp_path / "folder.png", picture, force=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(SRGANError, match="choose another folder"):
        write_image(tmp_path / "file" / "x.png", picture)


def test_tensor_round_trip_is_exact():
    image = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    tensor = to_tensor(image)
    assert tensor.shape == (1, 3, 16, 16) and tensor.dtype == torch.float32
    assert tensor.is_contiguous() and tensor.min() == 0 and tensor.max() == 1
    np.testing.assert_array_equal(to_image(tensor), image)
    np.testing.assert_array_equal(to_image(tensor[0]), image)


def test_to_image_clamps_and_rounds():
    tensor = torch.tensor([-1.0, 0.499 / 255, 0.501 / 255, 1.2]).expand(3, 1, 4)
    assert to_image(tensor)[0, :, 0].tolist() == [0, 0, 1, 255]
    assert to_image(tensor.half().requires_grad_())[0, :, 0].tolist() == [0, 0, 1, 255]


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (1, 1, 4, 4), (4, 4)])
def test_to_image_refuses_other_shapes(shape):
    with pytest.raises(ImageError, match="1x3xHxW"):
        to_image(torch.zeros(shape))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        [[[0, 0, 0]]],
    ],
)
def test_check_image_refuses(wrong):
    with pytest.raises(ImageError, match="picture"):
        check_image(wrong)


def test_crop_to_multiple(picture):
    np.testing.assert_array_equal(crop_to_multiple(picture, 8), picture[:16, :24])
    assert crop_to_multiple(picture, 2).shape == picture.shape
    with pytest.raises(ImageError, match="30x20"):
        crop_to_multiple(picture, 32)


def test_list_images_sorts_and_leaves_out_the_rest(tmp_path):
    for name in ("b.PNG", "a.jpg", "c.webp", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in list_images(tmp_path)] == ["a.jpg", "b.PNG", "c.webp"]
    with pytest.raises(DataError, match="not a folder"):
        list_images(tmp_path / "missing")


def test_load_folder_names_each_bad_file_once(tmp_path, picture):
    write_image(tmp_path / "good.png", picture)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "empty.jpg").touch()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pictures = load_folder(tmp_path)
    assert [p.name for p in pictures] == ["good.png"]
    np.testing.assert_array_equal(pictures[0].image, picture)
    assert len(caught) == 2
    assert "bad.png" in str(caught[0].message) and "empty.jpg" in str(caught[1].message)


def test_load_folder_without_a_good_picture(tmp_path):
    with pytest.raises(DataError, match="no picture"):
        load_folder(tmp_path)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match=r"bad\.png"), pytest.raises(DataError, match="no picture"):
        load_folder(tmp_path)
