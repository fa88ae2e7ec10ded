"""What `import srgan_lib` gives: three lines from a picture to SR."""

import numpy as np
import pytest
from PIL import Image

import srgan_lib
from srgan_lib.errors import ConfigError, ImageError, Note
from srgan_lib.images import as_array


@pytest.fixture(scope="module")
def lr() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)


def test_a_path_a_pillow_image_and_an_array_give_the_same(lr, tmp_path):
    generator = srgan_lib.load_generator("srresnet")
    Image.fromarray(lr).save(tmp_path / "lr.png")
    pictures = [lr, Image.fromarray(lr), tmp_path / "lr.png", str(tmp_path / "lr.png")]
    first, *others = (srgan_lib.upscale(generator, picture) for picture in pictures)
    assert first.dtype == np.uint8 and first.shape == (36, 48, 3)
    assert all(np.array_equal(first, other) for other in others)


@pytest.mark.filterwarnings("ignore::srgan_lib.errors.Note")  # 16 bits, colors: named in notes
@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "RGBA", "CMYK", "I;16"])
def test_a_pillow_image_is_read_as_its_file_would_be(mode, lr, tmp_path):
    image = Image.fromarray(lr).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    image.save(tmp_path / "picture.tif")
    assert np.array_equal(as_array(image), as_array(tmp_path / "picture.tif"))


def test_a_pillow_image_is_turned_as_its_exif_says(lr):
    image = Image.fromarray(lr)
    image.getexif()[0x0112] = 6
    assert np.array_equal(as_array(image), np.rot90(lr, -1))


@pytest.mark.parametrize(
    ("mode", "unseen"), [("P", 3), ("P", b"\0\xff"), ("L", 7), ("RGB", (1, 2, 3))]
)
def test_what_a_pillow_image_does_not_show_is_named_as_of_a_file(mode, unseen, lr, tmp_path):
    lr = np.where(np.arange(12)[:, None] < 6, lr, np.uint8([1, 2, 3] if mode == "RGB" else 7))
    image = Image.fromarray(lr)
    image = image.quantize(8) if mode == "P" else image.convert(mode)
    image.save(tmp_path / "picture.png", transparency=unseen)
    with pytest.warns(Note, match="transparent in parts"):
        array = as_array(Image.open(tmp_path / "picture.png"))
    with pytest.warns(Note, match="transparent in parts"):
        assert np.array_equal(array, as_array(tmp_path / "picture.png"))


def test_a_name_is_no_network_and_a_device_that_is_missing_is_named(lr):
    with pytest.raises(ConfigError) as caught:
        srgan_lib.upscale("srgan", lr)
    assert str(caught.value) == "'srgan' is no network: load one first, load_generator(\"srgan\")."
    with pytest.raises(ConfigError, match="no device 'xpu:77' here: choose auto or cpu"):
        srgan_lib.load_generator("srgan", "xpu:77")


@pytest.mark.parametrize("nothing", [None, 3, [[1]], np.zeros((4, 4)), Image.new("F", (9, 9))])
def test_anything_else_is_one_sentence(nothing):
    with pytest.raises(ImageError, match="picture"):
        as_array(nothing)


def test_what_it_offers():
    assert {"load_generator", "upscale"} <= set(dir(srgan_lib))
    with pytest.raises(AttributeError, match="no attribute 'downscale'"):
        _ = srgan_lib.downscale
