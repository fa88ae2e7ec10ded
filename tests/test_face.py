"""What `import srgan_lib` gives: three lines from a picture to SR."""

import numpy as np
import pytest
from PIL import Image

import srgan_lib
from srgan_lib.errors import ImageError
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


@pytest.mark.parametrize("nothing", [None, 3, [[1]], np.zeros((4, 4)), Image.new("F", (9, 9))])
def test_anything_else_is_one_sentence(nothing):
    with pytest.raises(ImageError, match="picture"):
        as_array(nothing)


def test_what_it_offers():
    assert {"load_generator", "upscale"} <= set(dir(srgan_lib))
    with pytest.raises(AttributeError, match="no attribute 'downscale'"):
        _ = srgan_lib.downscale
