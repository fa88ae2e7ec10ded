"""Rebuild a trained network of the course as the paper's: another start for the paper's trainings.

    python -m srgan_lib.results.paper_start srresnet work/start
    python -m srgan_lib train srresnet-mse --init work/start/generator.safetensors --out work/mse

The paper trains for a million updates from random weights. Where that is out of reach, its network
can begin with nearly what the course's (`srgan_lib.models`) has learned:

- Batch norm that scales and shifts back to what it measured changes nothing.
- What the course adds, a bicubic enlargement of LR, can pass through the network. Three of its
  feature maps carry R, G and B, and are interpolated at every doubling. They replace those that
  are needed least.
- SR in [-1, 1] instead of [0, 1] takes only another last layer.

At the border a rim of some LR pixels gets darker: the convolutions see zeros outside, where bicubic
repeats the edge. Training mends that. The tool takes about half a minute.
"""

import copy
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from ..data import PatchPool
from ..datasets.sources import training_pictures
from ..errors import ConfigError, ImageError
from ..models import Generator
from ..recipes import get_recipe
from ..system.command_line import CommandLine
from ..system.files import check_new, expanded
from ..system.process import report_errors
from ..weights import WEIGHTS, load_generator, save_weights
from .cards import start_facts

COLORS = 3
# Interpolation to twice the size by the parabola through three pixels: the new pixels lie a quarter
# to the left and to the right of the middle one.
DOUBLE = torch.tensor([[t * (t - 1) / 2, 1 - t * t, t * (t + 1) / 2] for t in (-0.25, 0.25)])


@torch.no_grad()
def rebuild(course: Generator, lr: torch.Tensor, hr: torch.Tensor) -> Generator:
    """A generator of variant "paper", on the CPU, that computes nearly what `course` does.

    Args:
        course: a trained network of variant "course", which is left as it is.
        lr, hr: training patches, float32 in [0, 1], (N, 3, H, W) and `scale` times as high and
            wide. They tell which feature maps are needed least, and what batch norm will measure.

    Raises:
        ConfigError: a network of another variant, or with fewer than 4 channels.
        ImageError: patches of other shapes.
    """
    _check(course)
    size = [course.scale * side for side in lr.shape[2:]]
    if hr.shape != (len(lr), 3, *size):
        raise ImageError(
            f"HR of shape {tuple(hr.shape)} does not fit LR of {tuple(lr.shape)}: it must be "
            f"{course.scale} times as high and wide."
        )
    course = copy.deepcopy(course).cpu().eval().to(memory_format=torch.channels_last)
    trunk = [course.head, course.fuse, *(block.body for block in course.blocks)]  # they add up
    free = [_least_needed(course.channels, trunk, partial(course, lr), hr)]
    render = partial(course.render, course.features(lr), lr)
    free += [_least_needed(course.channels, [block], render, hr) for block in course.upsample]

    paper = Generator(course.scale, course.num_blocks, course.channels, "paper").eval()
    paper.load_state_dict(course.state_dict(), strict=False)  # all but batch norm
    head, tail, first = paper.head[0], paper.tail, free[0]
    for conv in (paper.fuse[0], *(block.body[0] for block in paper.blocks)):
        conv.weight[:, first] = 0  # what the blocks add to these maps is then read by nobody
    for conv in (head, paper.fuse[0]):
        conv.weight[first], conv.bias[first] = 0, 0
    middle = head.kernel_size[0] // 2
    head.weight[first, range(COLORS), middle, middle] = 1
    for block, read, written in zip(paper.upsample, free[:-1], free[1:], strict=True):
        _double(block[0], read, written)

    middle = tail.kernel_size[0] // 2
    tail.weight[:, free[-1]] = 0
    tail.weight[range(COLORS), free[-1], middle, middle] = 1
    tail.weight.mul_(2)
    tail.bias.mul_(2).sub_(1)

    norms = [module for module in paper.modules() if isinstance(module, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(_neutral) for norm in norms]
    paper(lr)
    for hook in hooks:
        hook.remove()
    return paper


def _check(network: Generator) -> None:
    if network.variant != "course" or network.channels <= COLORS:
        raise ConfigError(
            f"Only a network of variant 'course' with more than {COLORS} channels can be rebuilt, "
            f"not {network.config}."
        )


def _least_needed(
    count: int, writers: Sequence[nn.Module], run: Callable[[], torch.Tensor], hr: torch.Tensor
) -> list[int]:
    """The three of `count` feature maps without which, each left out alone, SR is closest to HR.

    Args:
        writers: the modules whose outputs add up to the feature maps.
        run: computes SR.
    """
    errors = []
    for channel in range(count):
        hooks = [module.register_forward_hook(partial(_silence, channel)) for module in writers]
        errors.append(F.mse_loss(run(), hr).item())
        for hook in hooks:
            hook.remove()
    return sorted(range(count), key=errors.__getitem__)[:COLORS]


def _silence(channel: int, module: nn.Module, inputs: tuple, output: torch.Tensor) -> torch.Tensor:
    return output.index_fill(1, torch.tensor([channel]), 0)


def _double(conv: nn.Conv2d, read: Sequence[int], written: Sequence[int]) -> None:
    """Let the convolution before a pixel shuffle carry the colors on at twice the size."""
    conv.weight[:, read] = 0
    kernels = torch.einsum("ay,bx->abyx", DOUBLE, DOUBLE).flatten(0, 1)  # in the shuffle's order
    for source, target in zip(read, written, strict=True):
        subpixels = slice(4 * target, 4 * target + 4)
        conv.weight[subpixels], conv.bias[subpixels] = 0, 0
        conv.weight[subpixels, source] = kernels


def _neutral(norm: nn.BatchNorm2d, inputs: tuple[torch.Tensor]) -> None:
    """Make a batch norm that changes nothing of patches like these, in training or after."""
    variance, mean = torch.var_mean(inputs[0], (0, 2, 3))
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.copy_(mean)


def write(weights: str | Path, out: Path, data: Sequence[str] = ("samples",)) -> Path:
    """Write OUT/generator.safetensors, rebuilt from `weights`; returns its path.

    Raises:
        ConfigError: as for `rebuild`.
        WeightsError: weights that are missing, damaged, or do not say how long they were trained.
        DataError, ImageError: no pictures, damaged ones, or none of 24 LR pixels.
        SRGANError: there are weights in OUT already.
    """
    target, course, facts = expanded(out) / WEIGHTS, load_generator(weights), start_facts(weights)
    _check(course)
    recipe = get_recipe("srresnet-mse", scale=course.scale, patch_size=24 * course.scale)
    images = [picture.image for name in data for picture in training_pictures(name, recipe)]
    check_new(target)
    rng = torch.Generator().manual_seed(0)
    lr, hr = PatchPool(images, course.scale).batch(16, recipe.patch_size, rng)
    paper = rebuild(course, lr.float() / 255, hr.float() / 255)
    known = {"recipe": {"name": facts["name"]}, "step": 0, "minutes": 0.0}
    save_weights(target, paper, **known, rebuilt=paper.variant, init=facts)
    return target


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0, or 2 with one sentence."""
    parser = CommandLine(
        prog="python -m srgan_lib.results.paper_start", description=__doc__.splitlines()[0]
    )
    parser.add_argument("weights", help="shipped name or .safetensors file, of variant course")
    parser.add_argument("out", type=Path, help="folder for generator.safetensors")
    parser.add_argument(
        "--data", nargs="+", default=["samples"], metavar="FOLDER",
        help="training pictures, as for train; default: samples, the embedded ones",
    )  # fmt: skip
    args = parser.parse_args(arguments)
    return report_errors(lambda: print(write(args.weights, args.out, args.data)))


if __name__ == "__main__":
    sys.exit(main())
