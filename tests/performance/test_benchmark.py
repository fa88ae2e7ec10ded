"""The benchmark measures what it says, and the plain loops that it compares with are honest."""

import json
import time
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from srgan_lib.adversarial import make_trainer
from srgan_lib.data import PatchPool
from srgan_lib.images import write_image
from srgan_lib.inference import upscale
from srgan_lib.models import VARIANTS, Generator
from srgan_lib.performance import benchmark as module
from srgan_lib.performance.benchmark import benchmark, count_flop, race, repeat, report
from srgan_lib.performance.plain_baseline import FileCrops, PlainLoop, plain_upscale
from srgan_lib.system.devices import precision
from srgan_lib.training import Trainer

pytestmark = [
    pytest.mark.filterwarnings("ignore:vgg.* has random weights"),
    pytest.mark.usefixtures("thin_vgg"),
]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(pictures, tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures")
    for index, picture in enumerate(pictures):
        write_image(path / f"{index}.png", picture)
    return path


@pytest.fixture
def files(folder):
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def result(folder):
    sizes = {"batch_size": 2, "patch_size": 32, "num_blocks": 1, "channels": 4, "lr_size": 8}
    return benchmark("cpu", **sizes, seconds=0.05, folder=folder)


def test_the_result_is_json_and_names_its_settings(result):
    assert json.loads(json.dumps(result)) == result
    expected = {"batch_size": 2, "patch_size": 32, "num_blocks": 1, "channels": 4, "lr_size": 8}
    assert expected.items() <= result.items()
    usual = str(precision(torch.device("cpu"))).removeprefix("torch.")
    assert result["precision"] == usual and result["workers"] == 0
    assert result["torch"] == torch.__version__


@pytest.mark.parametrize("part", ["pretraining", "adversarial", "upscale"])
def test_ratios_and_rates_come_from_the_times(result, part):
    loops = result[part]["loops"]
    assert list(loops) == ["plain", "library", *["srresnet"] * (part == "upscale")]
    for row in loops.values():
        assert 0 < row["fastest"] <= row["seconds"] <= row["slowest"]
        assert row["ratio"] == loops["plain"]["seconds"] / row["seconds"]
        if part == "upscale":
            assert row["megapixels_a_second"] * row["seconds"] == pytest.approx(32 * 32 / 1e6)
    if part != "upscale":
        row, top = loops["library"], result["ceiling"]
        assert row["flop_a_second"] * row["seconds"] == pytest.approx(result[part]["flop_a_step"])
        for limit in ("product", "convolution"):
            assert row[f"of_{limit}"] * top[limit] == pytest.approx(row["flop_a_second"])


def test_the_two_ways_to_upscale_agree(result):
    assert result["upscale"]["max_difference"] <= 1


def test_the_report_shows_every_loop(result):
    text = report(result)
    assert all(len(line) <= 100 for line in text.splitlines())
    rows = [line.split()[:2] for line in text.splitlines()]
    for part in ("pretraining", "adversarial", "upscale"):
        for name, row in result[part]["loops"].items():
            assert [part, name] in rows
            assert f"{1e3 * row['seconds']:.2f}" in text and f"{row['ratio']:.2f}" in text


def test_a_race_finds_out_who_is_faster_and_alternates():
    order = []

    def sleeper(name, seconds):
        def step():
            order.append(name)
            time.sleep(seconds)

        return repeat(step)

    rows = race({"slow": sleeper("slow", 0.02), "fast": sleeper("fast", 0.002)}, CPU, 0.3)
    assert rows["slow"]["ratio"] == 1 and rows["fast"]["ratio"] > 2
    assert rows["fast"]["steps_a_block"] > rows["slow"]["steps_a_block"]
    assert rows["slow"]["blocks"] == rows["fast"]["blocks"] >= module.MIN_BLOCKS
    blocks = 1 + sum(a != b for a, b in pairwise(order))
    assert blocks == 2 * (1 + rows["slow"]["blocks"])  # one to warm up, then in turns


def test_flop_of_a_small_network_by_hand(tiny, pool):
    """Two for each weight and place; backward as often again for weights and for inputs."""
    trainer = Trainer(tiny("srresnet-mse", batch_size=2, patch_size=32, channels=4), pool)
    lr_places, width = 2 * 8 * 8, 4
    head = 3 * width * 81 * lr_places
    trunk = 3 * width * width * 9 * lr_places  # one block's two, and the one after it
    up = width * 4 * width * 9 * (1 + 4) * lr_places
    tail = width * 3 * 81 * 16 * lr_places
    sums = 3 * 9 * 3 * 9 * 16 * lr_places  # the convolution of ones at the end of `ToRGB`
    forward = 2 * (head + trunk + up + tail + sums)
    lr, hr = trainer.batch()
    with torch.no_grad():
        assert count_flop(lambda: trainer.generator(lr)) == forward
    # No gradient is needed with respect to LR, or to the ones.
    assert count_flop(lambda: trainer.update(lr, hr)) == 3 * forward - 2 * (head + sums)


@torch.inference_mode()
def test_flop_of_the_ceiling_is_counted_in_inference_mode():
    left, right = torch.randn(2, 8, 8)
    assert count_flop(lambda: left @ right) == 2 * 8**3
    conv = torch.nn.Conv2d(4, 5, 3, padding=1)
    assert count_flop(lambda: conv(torch.randn(2, 4, 6, 6))) == 2 * 2 * 4 * 5 * 9 * 36


def test_plain_crops_are_patches_of_the_files(files):
    crops = FileCrops(files, 16, 4)
    picture = np.asarray(Image.open(files[1])).transpose(2, 0, 1) / 255
    windows = np.lib.stride_tricks.sliding_window_view(picture, (3, 16, 16))[0]
    seen = set()
    for _ in range(8):
        lr, hr = crops[1]
        assert lr.shape == (3, 4, 4) and hr.shape == (3, 16, 16) and hr.dtype == torch.float32
        found = np.argwhere(np.isclose(windows, hr.numpy(), atol=1e-6).all(axis=(2, 3, 4)))
        assert len(found) == 1
        seen.add(tuple(found[0]))
        assert abs(lr - F.avg_pool2d(hr, 4)).max() < 0.1
    assert len(seen) > 1


def test_plain_pretraining_learns(tiny, files):
    torch.manual_seed(0)
    loop = PlainLoop(tiny("srresnet-mse", learning_rate=3e-3, channels=8), files, CPU)
    loop(80)
    assert len(loop.losses) == 80
    assert np.mean(loop.losses[-10:]) < 0.75 * np.mean(loop.losses[:10])


def test_the_plain_adversarial_loop_trains_both_networks(tiny, files):
    loop = PlainLoop(tiny("srgan-vgg54"), files, CPU, vgg="random")
    networks = (loop.generator, loop.discriminator)
    before = [[p.detach().clone() for p in network.parameters()] for network in networks]
    features = [p.clone() for p in loop.features.parameters()]
    loop(2)
    for network, kept in zip(networks, before, strict=True):
        moved = [not torch.equal(a, b) for a, b in zip(network.parameters(), kept, strict=True)]
        assert np.mean(moved) > 0.9
    assert all(torch.equal(a, b) for a, b in zip(loop.features.parameters(), features, strict=True))
    assert np.isfinite(loop.losses).all()


def test_both_loops_train_networks_of_one_size(tiny, pool, files):
    recipe = tiny("srgan-vgg54")
    plain = PlainLoop(recipe, files, CPU, vgg="random")
    trainer = make_trainer(recipe, pool, vgg="random")
    assert plain.generator.config == trainer.generator.config
    assert plain.discriminator.config == trainer.discriminator.config
    (loss,) = trainer.loss.terms.values()
    assert plain.features.layer == loss.features.layer
    assert plain.features.arch == loss.features.arch


def test_plain_networks_stay_in_nchw(tiny, files):
    loop = PlainLoop(tiny("srresnet-mse"), files, CPU)
    loop(1)
    assert all(p.is_contiguous() for p in loop.generator.parameters())


@pytest.mark.parametrize("variant", VARIANTS)
def test_plain_upscaling_equals_the_librarys(variant, pictures):
    generator = Generator(4, 1, 8, variant).eval()
    image = pictures[0][:12, :20]
    plain = plain_upscale(generator, image)
    assert plain.shape == (48, 80, 3)
    assert abs(plain.astype(int) - upscale(generator, image)).max() <= 1


@pytest.mark.parametrize("name", ["srresnet", "srgan-vgg54", "blog", "srgan"])
def test_a_step_never_waits_for_a_value(name, tiny, pictures, monkeypatch):
    """On "meta" tensors have shapes and no values, so that whatever asks for one raises."""

    class NoScaler:
        def __init__(self, *args, **kwargs):
            pass

        def scale(self, loss):
            return loss

        def is_enabled(self):
            return False

    # What "meta" lacks, and what does not concern the step.
    monkeypatch.setattr(torch.amp, "GradScaler", NoScaler)
    monkeypatch.setattr(Trainer, "_autocast", lambda self: nullcontext())
    monkeypatch.setattr(
        Trainer, "_adam", lambda self, module: torch.optim.Adam(module.parameters())
    )
    recipe = replace(tiny(name), lead=0.0)  # which is measured once, before the steps
    trainer = make_trainer(recipe, PatchPool(pictures, device="meta"), vgg="random")
    trainer.update(*trainer.batch())
    with pytest.raises(RuntimeError, match="meta"):
        trainer.batch()[0].mean().item()
