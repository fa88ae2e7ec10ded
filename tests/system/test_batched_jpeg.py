"""The batched JPEG against Pillow's, that is libjpeg's."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from srgan_lib.data import samples
from srgan_lib.system.batched_jpeg import jpeg

PHOTO = samples("validation")[0].image[100:196, 200:296]


def batch(image, count=1):
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)
    return pixels.unsqueeze(0).repeat(count, 1, 1, 1).float()


def pillow_jpeg(image, quality):
    buffer = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(image))
    image.save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return np.array(Image.open(buffer)).astype(float)


@pytest.mark.parametrize("size", [(96, 96), (24, 24), (33, 47), (17, 7)])
@pytest.mark.parametrize("quality", [1, 30, 50, 75, 95, 100])
def test_jpeg_is_pillows_up_to_rounding(size, quality):
    image = PHOTO[: size[0], : size[1]]
    ours = jpeg(batch(image), torch.tensor([float(quality)]))[0].permute(1, 2, 0).numpy()
    pillows = pillow_jpeg(image, quality)
    assert np.abs(ours - pillows).mean() < 0.8  # where half the size of a table's entry is more
    assert np.abs(ours - pillows).mean() < 0.35 * np.abs(pillows - image).mean()


def test_each_patch_has_its_own_quality():
    qualities = torch.tensor([90.0, 20.0])
    both = jpeg(batch(PHOTO, 2), qualities)
    for one, quality in zip(both, qualities, strict=True):
        assert torch.equal(one, jpeg(batch(PHOTO), quality.view(1))[0])
