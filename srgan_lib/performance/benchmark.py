"""How fast a device trains and upscales with this library, and with plain PyTorch instead."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..adversarial import make_trainer
from ..data import SAMPLES, PatchPool, samples
from ..images import list_images, read_image
from ..inference import network_enlarger, upscale_with
from ..models import Generator
from ..recipes import Recipe, get_recipe
from ..system import devices
from ..system.devices import device_name
from ..training import Trainer
from ..weights import load_generator
from .fast_generator import fast_copy
from .plain_baseline import PlainLoop, plain_upscale

PHASES = {"pretraining": "srresnet-mse", "adversarial": "srgan-vgg54"}
MIN_BLOCKS = 3

Loop = Callable[[int], object]  # does that many steps


def library_loop(trainer: Trainer) -> Loop:
    """The trainer's own loop, which logs at the end of the steps only."""

    def loop(steps: int) -> None:
        trainer.run(trainer.step + steps, log_every=trainer.recipe.steps, progress=False)

    return loop


def repeat(function: Callable[[], object]) -> Loop:
    """A loop that calls `function` in each step."""

    def loop(steps: int) -> None:
        for _ in range(steps):
            function()

    return loop


def count_flop(function: Callable[[], object]) -> int:
    """Additions and multiplications of all products and convolutions, backward passes included."""
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


def _seconds(loop: Loop, steps: int, device: torch.device) -> float:
    synchronize = getattr(torch, device.type).synchronize  # a GPU only queues what it is told
    synchronize()
    start = time.perf_counter()
    loop(steps)
    synchronize()
    return time.perf_counter() - start


def race(
    contenders: Mapping[str, Loop], device: torch.device, seconds: float, untimed: int = 0
) -> dict[str, dict[str, float]]:
    """Time loops against each other, in alternating blocks, so that a drift meets all of them.

    Args:
        contenders: name -> loop; the first is the one that the others are compared with.
        seconds: for all of them together; `MIN_BLOCKS` blocks of each are run in any case.
        untimed: steps at the start of each block that are not timed.

    Returns:
        For each name the median, the fastest and the slowest block in seconds a step, the numbers
        of blocks and of steps in one, and the ratio of the first one's median to this one's.
    """
    steps = dict.fromkeys(contenders, 1)
    for name, loop in contenders.items():
        loop(1)  # what is done only once is not timed
        while _seconds(loop, steps[name], device) < seconds / 20:
            steps[name] *= 2
    times: dict[str, list[float]] = {name: [] for name in contenders}
    end, blocks = time.perf_counter() + seconds, 0
    while blocks < MIN_BLOCKS or time.perf_counter() < end:
        blocks += 1
        for name, loop in contenders.items():
            loop(untimed)
            times[name].append(_seconds(loop, steps[name], device) / steps[name])
    first = median(next(iter(times.values())))
    return {
        name: {
            "seconds": median(values),
            "fastest": min(values),
            "slowest": max(values),
            "blocks": blocks,
            "steps_a_block": steps[name],
            "ratio": first / median(values),
        }
        for name, values in times.items()
    }


@torch.inference_mode()
def ceiling(device: torch.device, seconds: float, dtype: torch.dtype) -> dict[str, float]:
    """FLOP/s of a large matrix product and of a large 3x3 convolution, each in its fastest block.

    Both in `dtype`, that of the training; the convolution with the generator's 64 channels, in
    channels_last, forward.
    """
    kind = {"device": device, "dtype": dtype}
    size, batch, side = (1024, 16, 96) if device.type == "cpu" else (8192, 64, 256)
    left, right = torch.randn(2, size, size, **kind)
    maps = torch.randn(batch, 64, side, side, **kind).to(memory_format=torch.channels_last)
    conv = nn.Conv2d(64, 64, 3, padding=1, **kind).to(memory_format=torch.channels_last)
    work = {"product": partial(torch.matmul, left, right), "convolution": partial(conv, maps)}
    times = race({name: repeat(function) for name, function in work.items()}, device, seconds)
    return {name: count_flop(work[name]) / times[name]["fastest"] for name in work}


def _training(
    recipe: Recipe,
    pool: PatchPool,
    files: Sequence[Path],
    seconds: float,
    workers: int,
    **options: Any,
) -> dict[str, Any]:
    with warnings.catch_warnings():
        # Random weights of VGG make no sense of pictures, but in the same time.
        warnings.filterwarnings("ignore", message="vgg.* has random weights")
        plain = PlainLoop(recipe, files, pool.device, workers, options["vgg"])
        loops: dict[str, Loop] = {"plain": plain}
        loops["library"] = library_loop(make_trainer(recipe, pool, **options))
        if pool.device.type == "cuda":  # what recording the step as a CUDA graph gains
            loops["eager"] = library_loop(make_trainer(recipe, pool, graphs=False, **options))
    flop = count_flop(partial(loops["library"], 1))
    # While the others run, each worker fetches 2 batches ahead: these come first, and untimed.
    return {"flop_a_step": flop, "loops": race(loops, pool.device, seconds, 2 * workers)}


def _upscaling(device: torch.device, seconds: float, size: int, **shape: int) -> dict[str, Any]:
    photo = samples("validation")[0].image
    image = np.pad(photo[:size, :size], [(0, max(0, size - n)) for n in photo.shape[:2]] + [(0, 0)])
    # How much a fast copy may round depends on its weights: these two are at the ends.
    models = {name: load_generator(name, device) for name in ("srgan", "srresnet")}
    for name, model in models.items():
        if any(model.config[key] != value for key, value in shape.items()):
            models[name] = Generator(**shape, variant="course").to(device).eval()
    plain = {name: partial(plain_upscale, model, image) for name, model in models.items()}
    fast = {
        name: partial(upscale_with, network_enlarger(fast_copy(model)), image)
        for name, model in models.items()
    }
    pairs = [(plain[name]().astype(int), fast[name]().astype(int)) for name in models]
    # In float32 both networks take the same time, so one plain row serves both.
    ways = {"plain": plain["srgan"], "library": fast["srgan"], "srresnet": fast["srresnet"]}
    times = race({name: repeat(way) for name, way in ways.items()}, device, seconds)
    for row in times.values():
        row["megapixels_a_second"] = pairs[0][0][..., 0].size / 1e6 / row["seconds"]
    difference = max(int(abs(one - other).max()) for one, other in pairs)
    return {"max_difference": difference, "loops": times}


def benchmark(
    device: torch.device | str,
    *,
    batch_size: int = 16,
    patch_size: int = 96,
    num_blocks: int = 16,
    channels: int = 64,
    lr_size: int = 256,
    seconds: float = 30.0,
    workers: int | None = None,
    precision: str = "auto",
    vgg: str | Path = "random",
    folder: str | Path = SAMPLES / "train",
) -> dict[str, Any]:
    """Measure both phases of the training, and upscaling, against the plain way.

    On a GPU the library's loop is timed once more as "eager", without recorded graphs.

    Args:
        batch_size, patch_size: of both phases; by default the paper's.
        num_blocks, channels: of the networks; by default the paper's.
        lr_size: side of the picture that is upscaled.
        seconds: for each phase, half of it for upscaling, a tenth for the ceiling; more where
            `MIN_BLOCKS` blocks take longer.
        workers: of the plain loops' DataLoader; if not given 4 on a GPU, else 0, its own default.
        precision: of the library's loop, see `devices.precision`; the plain one has float32.
        vgg: weights of VGG19, as for `srgan_lib.vgg.VGGFeatures`; all take the same time.
        folder: training pictures, all of at least `patch_size` on either side.

    Returns:
        Plain values: the settings; "ceiling" in FLOP/s; "pretraining", "adversarial" and "upscale"
        with the figures of `race` in "loops". `report` prints them.

    Raises:
        ConfigError, DataError: precision, sizes or pictures that cannot be trained on.
    """
    device = torch.device(device)
    dtype = devices.precision(device, precision)
    if workers is None:
        workers = 0 if device.type == "cpu" else 4
    shape = {"num_blocks": num_blocks, "channels": channels}
    sizes = {"batch_size": batch_size, "patch_size": patch_size, **shape}
    # With so small a rate no discriminator wins in the meantime, which would end the training.
    changes = {**sizes, "steps": 10**9, "learning_rate": 1e-8}
    recipes = {phase: get_recipe(name, **changes) for phase, name in PHASES.items()}
    files = list_images(folder)
    pool = PatchPool([read_image(file) for file in files], device=device)
    result = {
        "device": device_name(device),
        "torch": torch.__version__,
        "precision": str(dtype).removeprefix("torch."),
        **sizes,
        "lr_size": lr_size,
        "workers": workers,
        "ceiling": ceiling(device, seconds / 10, dtype),
    }
    for phase, recipe in recipes.items():
        result[phase] = _training(
            recipe, pool, files, seconds, workers, vgg=vgg, precision=precision
        )
        for name, row in result[phase]["loops"].items():
            if name == "plain":
                continue  # what is not frozen costs it more FLOP than are counted
            row["flop_a_second"] = result[phase]["flop_a_step"] / row["seconds"]
            for limit, rate in result["ceiling"].items():
                row[f"of_{limit}"] = row["flop_a_second"] / rate
    result["upscale"] = _upscaling(device, seconds / 2, lr_size, **shape)
    return result


def report(result: Mapping[str, Any]) -> str:
    """The result of `benchmark` as a table for people, with "memory" of `footprint` if there."""
    top, patch = result["ceiling"], result["patch_size"]
    lines = [
        f"{result['device']}, PyTorch {result['torch']}; "
        f"the library trains in {result['precision']}",
        f"plain: float32, {result['workers']} workers that load",
        f"{result['batch_size']} patches of {patch}x{patch}, {result['num_blocks']} blocks, "
        f"{result['channels']} channels; upscaling from {result['lr_size']}x{result['lr_size']}",
        f"{top['product'] / 1e12:.3g} TFLOP/s in one large matrix product, "
        f"{top['convolution'] / 1e12:.3g} in one convolution; other layers may reach more",
        "",
        f"{'':21}{'ms a step':>10}{'fastest':>10}{'slowest':>10}{'ratio':>8}"
        f"{'TFLOP/s':>10}{'of product':>12}{'of convolution':>16}",
    ]
    for part in (*PHASES, "upscale"):
        for name, row in result[part]["loops"].items():
            line = f"{part:<12} {name:<8}"
            line += "".join(f"{1e3 * row[key]:10.2f}" for key in ("seconds", "fastest", "slowest"))
            line += f"{row['ratio']:8.2f}"
            if "flop_a_second" in row:
                line += f"{row['flop_a_second'] / 1e12:10.3g}"
                line += f"{row['of_product']:12.0%}{row['of_convolution']:16.0%}"
            if "megapixels_a_second" in row:
                line += f"{row['megapixels_a_second']:10.2f} megapixels/s"
            lines.append(line)
    difference = result["upscale"]["max_difference"]
    lines += ["", f"The fast and the plain way to upscale differ by at most {difference} of 255."]
    if used := result.get("memory"):
        lines.append(
            f"`{used['weights']}` from {used['lr_side']}x{used['lr_side']} to {used['sr_side']}x"
            f"{used['sr_side']}: at most {used['megabytes']:,.0f} MB in memory, "
            f"{used['seconds']:,.0f} s."
        )
    return "\n".join(lines)
