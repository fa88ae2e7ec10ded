"""From file to file: tiled as whole, with metadata, in bounded memory."""

import subprocess
import sys
import zlib

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, ImageCms
from synthetic import photo
from torch import nn

from srgan_lib import inference
from srgan_lib.degradation import bicubic_upscale, imresize
from srgan_lib.errors import DataError, ImageError, Note, SRGANError
from srgan_lib.images import write_image
from srgan_lib.inference import bicubic_enlarger, network_enlarger, upscale, upscale_with
from srgan_lib.models import VARIANTS, Generator
from srgan_lib.performance import large_pictures
from srgan_lib.performance.large_pictures import fill_unseen, upscale_file, upscale_folder
from srgan_lib.system.picture_files import read_contents
from srgan_lib.system.picture_writers import PNGWriter

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture
def generator():
    torch.manual_seed(0)
    generator = Generator(4, 1, 8, "course")
    nn.init.normal_(generator.tail.weight, std=0.05)
    return generator


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_tiled_is_whole(tmp_path, variant, scale, monkeypatch):
    """Also where `render` goes through each tile in strips."""
    torch.manual_seed(0)
    model = Generator(scale, 1, 8, variant)
    nn.init.normal_(model.tail.weight, std=0.05 if variant == "course" else 0.15)
    lr = photo(60, 43)
    whole = upscale(model, lr).astype(int)
    assert whole.std() > 10
    write_image(tmp_path / "lr.png", lr)
    monkeypatch.setattr(inference, "CPU_BUDGET", 4 * (2 * 8 + 30) * scale**2 * 43 * 15)  # strips
    upscale_file(network_enlarger(model), tmp_path / "lr.png", tmp_path / "sr.png", tile=17)
    tiled = np.array(Image.open(tmp_path / "sr.png")).astype(int)
    assert np.abs(tiled - whole).max() <= 1


def test_tiles_of_bicubic_are_exact(tmp_path):
    lr = photo(70, 50)
    tiled = upscale_with(bicubic_enlarger(4), lr, tile=16)
    np.testing.assert_array_equal(tiled, bicubic_upscale(lr, 4))


@pytest.mark.parametrize("name", ["x.png", "x.webp"])
def test_alpha_is_enlarged_and_the_profile_kept(tmp_path, name, generator):
    rgba = np.dstack([photo(90, 30), photo(90, 30, seed=5)[..., 0]])
    Image.fromarray(rgba).save(tmp_path / "lr.png", icc_profile=SRGB)
    enlarger = bicubic_enlarger(2)
    assert upscale_file(enlarger, tmp_path / "lr.png", tmp_path / name, tile=20) == (60, 180)
    contents = read_contents(tmp_path / name)
    np.testing.assert_array_equal(contents.alpha, imresize(rgba[..., 3], 2, round_between=False))
    assert contents.icc == SRGB
    if name == "x.png":
        filled = fill_unseen(rgba[..., :3].copy(), rgba[..., 3])
        np.testing.assert_array_equal(contents.image, bicubic_upscale(filled, 2))


def test_jpeg_keeps_the_profile(tmp_path):
    Image.fromarray(photo(20, 30)).save(tmp_path / "lr.jpg", icc_profile=SRGB)
    upscale_file(bicubic_enlarger(2), tmp_path / "lr.jpg", tmp_path / "sr.jpg")
    assert read_contents(tmp_path / "sr.jpg").icc == SRGB


def test_a_profile_for_other_colors_is_not_kept(tmp_path):
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.fromarray(photo(20, 30)).save(tmp_path / "lr.png", icc_profile=lab)
    with pytest.warns(Note, match="profile for Lab"):
        upscale_file(bicubic_enlarger(2), tmp_path / "lr.png", tmp_path / "sr.png")
    with Image.open(tmp_path / "sr.png") as image:
        assert "icc_profile" not in image.info


def test_orientation_is_applied_once(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    lr = photo(20, 30)
    Image.fromarray(lr).save(tmp_path / "lr.png", exif=exif)
    assert upscale_file(bicubic_enlarger(2), tmp_path / "lr.png", tmp_path / "sr.png") == (40, 60)
    upright = np.ascontiguousarray(np.rot90(lr, -1))
    np.testing.assert_array_equal(
        read_contents(tmp_path / "sr.png").image, bicubic_upscale(upright, 2)
    )


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.webp"])
def test_what_exif_says_of_more_than_the_pixels_is_kept(tmp_path, name):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Artist] = 6, "A. Student"
    shot, place = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    shot[ExifTags.Base.DateTimeOriginal] = "2024:05:01 10:20:30"
    shot[ExifTags.Base.ExifImageWidth] = 20
    place[ExifTags.GPS.GPSLatitudeRef] = "N"
    Image.fromarray(photo(20, 30)).save(tmp_path / "lr.jpg", exif=exif)
    assert upscale_file(bicubic_enlarger(2), tmp_path / "lr.jpg", tmp_path / name) == (40, 60)
    with Image.open(tmp_path / name) as image:
        kept = image.getexif()
    assert kept.get(ExifTags.Base.Orientation, 1) == 1
    assert kept[ExifTags.Base.Artist] == "A. Student"
    shot = kept.get_ifd(ExifTags.IFD.Exif)
    assert shot[ExifTags.Base.DateTimeOriginal] == "2024:05:01 10:20:30"
    assert ExifTags.Base.ExifImageWidth not in shot
    assert kept.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"


@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_damaged_exif_is_left_out(tmp_path, exif):
    Image.fromarray(photo(20, 30)).save(tmp_path / "lr.jpg", exif=exif)
    upscale_file(bicubic_enlarger(2), tmp_path / "lr.jpg", tmp_path / "sr.png")
    with Image.open(tmp_path / "sr.png") as image:
        assert "exif" not in image.info


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory.")])
def test_out_of_memory_halves_the_tile(error, generator, monkeypatch):
    lr, seen = photo(200, 150), []
    enlarger, infer = network_enlarger(generator), inference._infer

    def cramped(model, image, *, budget):
        seen.append(max(image.shape[:2]))
        if max(image.shape[:2]) > 100:
            raise error
        return infer(model, image, budget=budget)

    monkeypatch.setattr(inference, "_infer", cramped)
    enlarger = network_enlarger(generator)
    tiled = upscale_with(enlarger, lr).astype(int)
    monkeypatch.undo()
    assert seen[0] == 200 and seen[-1] <= 100
    assert np.abs(tiled - upscale(generator, lr)).max() <= 1


def test_other_errors_pass_and_so_does_memory_that_never_suffices(generator, monkeypatch):
    for error in (RuntimeError("another reason"), MemoryError()):

        def fail(*_, error=error, **__):
            raise error

        monkeypatch.setattr(inference, "_infer", fail)
        with pytest.raises(type(error)):
            upscale(generator, photo(40, 40))


def test_refused_before_the_work(tmp_path, monkeypatch):
    Image.new("RGB", (100, 10)).save(tmp_path / "wide.png")
    Image.new("RGBA", (10, 10)).save(tmp_path / "clear.png")
    enlarger = bicubic_enlarger(2)
    monkeypatch.setattr(large_pictures, "bands", None)
    monkeypatch.setitem(large_pictures.LARGEST_SIDE, ".webp", 199)
    with pytest.raises(ImageError, match=r"200x20.*choose \.png"):
        upscale_file(enlarger, tmp_path / "wide.png", tmp_path / "o.webp")
    with pytest.raises(ImageError, match="transparent"):
        upscale_file(enlarger, tmp_path / "clear.png", tmp_path / "o.jpg")
    with pytest.raises(SRGANError, match="exists"):
        upscale_file(enlarger, tmp_path / "clear.png", tmp_path / "wide.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clear.png", "wide.png"]


def test_a_failure_in_the_middle_leaves_nothing(tmp_path, monkeypatch):
    Image.new("RGB", (10, 100)).save(tmp_path / "lr.png")
    calls = []

    def full(self, rows):
        calls.append(len(rows))
        if len(calls) == 3:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(PNGWriter, "write", full)
    with pytest.raises(ImageError, match="No space left"):
        upscale_file(bicubic_enlarger(2), tmp_path / "lr.png", tmp_path / "sr.png", tile=10)
    assert [p.name for p in tmp_path.iterdir()] == ["lr.png"]


def test_a_folder_goes_on_where_it_was_and_names_what_it_cannot_do(tmp_path):
    source, target = tmp_path / "in", tmp_path / "out ü"
    source.mkdir()
    for name in ("a.png", "b.jpg", "c.bmp"):
        Image.fromarray(photo(20, 30)).save(source / name)
    assert upscale_folder(bicubic_enlarger(2), source, target) == 3
    assert sorted(p.name for p in target.glob("[!.]*")) == ["a.png", "b.jpg", "c.bmp.png"]
    (target / "a.png").unlink()
    before = (target / "b.jpg").read_bytes()
    (source / "d.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning) as notes, pytest.raises(DataError, match="1 of the 4"):
        upscale_folder(bicubic_enlarger(2), source, target)
    assert [str(note.message).split(":")[0] for note in notes] == [
        "Left as it is", "Left as it is", "Left out",
    ]  # fmt: skip
    assert (target / "a.png").exists() and (target / "b.jpg").read_bytes() == before
    with pytest.raises(DataError, match="another folder"):
        upscale_folder(bicubic_enlarger(2), source, source)
    with pytest.raises(DataError, match="no pictures"):
        (tmp_path / "none").mkdir()
        upscale_folder(bicubic_enlarger(2), tmp_path / "none", target)


def test_png_writer_takes_rows_in_any_portions(tmp_path):
    image = photo(300, 20)
    with open(tmp_path / "x.png", "wb") as file:
        writer = PNGWriter(file, 20, 300, 3)
        for start, end in [(0, 1), (1, 130), (130, 300)]:
            writer.write(image[start:end])
        writer.close()
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "x.png")), image)
    with open(tmp_path / "x.png", "rb") as file:  # no part of the file but PNG's own checksums
        content = file.read()
    assert content.endswith(zlib.crc32(b"IEND").to_bytes(4, "big"))


MEMORY = """
import resource, sys
from srgan_lib.inference import Enlarger
from srgan_lib.performance.large_pictures import upscale_file
nearest = Enlarger(lambda image: image.repeat(8, axis=0).repeat(8, axis=1), 8, margin=0, tile=100)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
upscale_file(nearest, sys.argv[1], sys.argv[2])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_memory_does_not_follow_the_height(tmp_path):
    """Of an SR that would fill 154 MB, no more than a few bands of 8 MB are ever in memory."""
    Image.new("RGB", (400, 2000)).save(tmp_path / "lr.png")
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "lr.png"), str(tmp_path / "sr.png")]
    used = int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert used < 60
    with Image.open(tmp_path / "sr.png") as image:
        assert image.size == (3200, 16000)
