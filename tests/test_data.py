"""Training patches: aligned, varied, repeatable, and on uint8."""

from itertools import permutations

import numpy as np
import pytest
import torch

from srgan_lib import data
from srgan_lib.data import PatchPool, samples
from srgan_lib.degradation import bicubic_downscale
from srgan_lib.errors import ConfigError, DataError
from srgan_lib.images import write_image


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def symmetries(image: np.ndarray) -> list[bytes]:
    turned = [np.rot90(image, k) for k in range(4)]
    return [x.tobytes() for y in turned for x in (y, y[:, ::-1])]


def patches(image: np.ndarray, side: int, step: int) -> list[np.ndarray]:
    height, width = image.shape[:2]
    return [
        image[y : y + side, x : x + side]
        for y in range(0, height - side + 1, step)
        for x in range(0, width - side + 1, step)
    ]


def test_patches_are_cut_from_the_pictures_and_aligned():
    images = [picture(24, 40, 1), picture(33, 26, 2)]  # the second is cropped to 32x24
    pool = PatchPool(images, scale=4)
    pairs = {}
    for image in images:
        hr = image[: image.shape[0] // 4 * 4, : image.shape[1] // 4 * 4]
        lr = bicubic_downscale(hr, 4)
        for a, b in zip(patches(lr, 4, 1), patches(hr, 16, 4), strict=True):
            pairs.update(zip(symmetries(b), symmetries(a), strict=True))
    generator = rng()
    for _ in range(20):
        lr, hr = pool.batch(2, 16, generator)
        assert lr.dtype == hr.dtype == torch.uint8
        for a, b in zip(lr, hr, strict=True):
            key = b.permute(1, 2, 0).contiguous().numpy().tobytes()
            assert pairs[key] == a.permute(1, 2, 0).contiguous().numpy().tobytes()


def test_all_eight_symmetries_and_all_places_occur():
    pool = PatchPool([picture(8, 12)], scale=4)
    generator = rng()
    seen = set()
    for _ in range(400):
        _, hr = pool.batch(1, 8, generator)
        seen.add(hr[0].permute(1, 2, 0).contiguous().numpy().tobytes())
    wanted = {turned for patch in patches(picture(8, 12), 8, 4) for turned in symmetries(patch)}
    assert seen == wanted and len(wanted) == 16


def test_a_batch_has_distinct_pictures_as_long_as_there_are_enough():
    images = [np.full((8, 8, 3), value, np.uint8) for value in range(5)]
    pool = PatchPool(images, scale=4)
    generator = rng()
    for _ in range(20):
        _, hr = pool.batch(5, 8, generator)
        assert sorted(hr[:, 0, 0, 0].tolist()) == [0, 1, 2, 3, 4]
    _, hr = pool.batch(12, 8, generator)
    assert len(hr) == 12 and set(hr[:, 0, 0, 0].tolist()) == {0, 1, 2, 3, 4}


def test_same_seed_same_batch_and_channels_last():
    pool = PatchPool([picture(40, 40)], scale=4)
    one, two, other = (
        pool.batch(3, 16, rng(5)),
        pool.batch(3, 16, rng(5)),
        pool.batch(3, 16, rng(6)),
    )
    assert torch.equal(one[0], two[0]) and torch.equal(one[1], two[1])
    assert not torch.equal(one[1], other[1])
    assert one[1].is_contiguous(memory_format=torch.channels_last)


def test_of_more_candidates_the_one_with_the_most_texture_is_kept():
    flat, busy = np.full((40, 40, 3), 128, np.uint8), picture(40, 40)
    faint = (128 + (busy.astype(int) - 128) // 16).astype(np.uint8)
    pool = PatchPool([flat, busy, faint, flat], scale=4)
    generator = rng()
    for _ in range(10):
        lr, hr = pool.batch(1, 16, generator, candidates=4)  # one of each picture, busy is kept
        assert hr.float().std() > 30 and lr.shape == (1, 3, 4, 4)
        assert hr.is_contiguous(memory_format=torch.channels_last)
        lr, hr = pool.batch(2, 16, generator, candidates=2)  # two of four: one flat is dropped
        assert len(hr) == len(lr) == 2 and hr.float().std(dim=(1, 2, 3)).max() > 30
        for small, large in zip(lr, hr, strict=True):  # LR and HR are still of one scene
            assert abs(small.float().mean() - large.float().mean()) < 12


def test_bad_patches():
    pool = PatchPool([picture(40, 40), picture(16, 40)], scale=4)
    with pytest.raises(ConfigError, match="multiple of scale 4"):
        pool.batch(1, 18)
    with pytest.raises(DataError, match="picture 1 is 40x16"):
        pool.batch(1, 20)
    with pytest.raises(DataError, match="no pictures"):
        PatchPool([])


def test_samples():
    train, validation = samples("train"), samples("validation")
    assert len(train) >= 8 and len(validation) >= 3
    assert not {p.name for p in train} & {p.name for p in validation}
    with pytest.raises(ConfigError, match="train or validation"):
        samples("test")


def test_smaller_copies_join_the_pictures_but_are_not_counted():
    pool = PatchPool([picture(40, 60), picture(8, 8)], augment=True)
    assert len(pool) == 2
    copies = [[7, 10], [1, 1], [5, 7], [1, 1], [3, 5]]  # 0.35 of 8 px is less than an LR pixel
    assert pool.lr_sizes.tolist() == [[10, 15], [2, 2], *copies]


def test_copies_that_are_smaller_than_the_patch_are_not_drawn():
    pool = PatchPool([np.full((40, 60, 3), 0, np.uint8)], augment=True)
    assert pool.batch(32, 40, rng())[1].shape == (32, 3, 40, 40)
    with pytest.raises(DataError, match="Training picture 0 is 60x40, smaller than the 44 px"):
        pool.batch(1, 44)


def test_augmented_patches_have_their_colors_in_every_order_the_same_in_lr_and_hr():
    colors = np.full((16, 16, 3), (10, 20, 30), np.uint8)
    lr, hr = PatchPool([colors], augment=True).batch(64, 16, rng(), candidates=2)
    orders = [tuple(patch[:, 0, 0].tolist()) for patch in hr]
    assert set(orders) == set(permutations((10, 20, 30)))
    assert orders == [tuple(patch[:, 0, 0].tolist()) for patch in lr]
    assert all(x.is_contiguous(memory_format=torch.channels_last) for x in (lr, hr))


def test_a_smaller_copy_is_not_aliased():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[::2] = 255
    pool = PatchPool([stripes], augment=True)
    place = pool.lr_sizes.tolist().index([8, 8])  # at half the size
    copy = pool._hr[pool._hr_start[place] :][: 32 * 32].view(32, 32, 3).double()
    assert (copy[4:-4] - 127.5).abs().max() < 10


@pytest.mark.filterwarnings("ignore:Left out")
def test_scores_over_a_part_of_the_embedded_photographs_are_none(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "SAMPLES", tmp_path)
    write_image(tmp_path / "validation" / "a.png", picture(8, 8))
    assert len(samples("validation")) == 1
    (tmp_path / "validation" / "b.png").write_bytes(b"half")
    with pytest.raises(DataError, match="damaged: get the course again"):
        samples("validation")
