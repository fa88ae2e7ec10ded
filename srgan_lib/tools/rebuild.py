"""Rebuild a trained network of the course as the paper's: another start for the paper's trainings.

    python -m srgan_lib.tools.rebuild srresnet work/start
    python -m srgan_lib train srresnet-mse --init work/start/generator.safetensors --out work/mse

The paper trains for a million updates from random weights. Where that is out of reach, this saves
most of them, because its network can compute nearly what the course's does (`srgan_lib.models`):

- Batch norm that scales and shifts back to what it measured changes nothing.
- What the course adds, a bicubic enlargement of LR, can pass through the network. Three of its
  feature maps carry R, G and B, and are interpolated at every doubling. They replace those that
  are needed least.
- SR in [-1, 1] instead of [0, 1] takes only another last layer.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from ..cards import note_init
from ..checkpoints import find_weights, load_generator, save_weights, weights_info
from ..cli import report_errors
from ..commands import load_pictures
from ..data import PatchPool
from ..errors import ConfigError
from ..files import check_new
from ..images import crop_to_multiple
from ..models import Generator
from ..training import WEIGHTS

COLORS = 3
# Interpolation to twice the size by the parabola through three pixels: the new pixels lie a quarter
# to the left and to the right of the middle one.
DOUBLE = torch.tensor([[t * (t - 1) / 2, 1 - t * t, t * (t + 1) / 2] for t in (-0.25, 0.25)])


@torch.no_grad()
def rebuild(course: Generator, lr: torch.Tensor, hr: torch.Tensor) -> Generator:
    """A generator of variant "paper" that computes nearly what one of variant "course" does.

    Args:
        course: the trained network; it is left as it is.
        lr, hr: training patches, float32 in [0, 1], (N, 3, H, W) and `scale` times as high and
            wide. They tell which feature maps are needed least, and what batch norm will measure.

    Raises:
        ConfigError: a network of another variant, or with fewer than 4 channels.
    """
    if course.variant != "course" or course.channels <= COLORS:
        raise ConfigError(
            f"Only a network of variant 'course' with more than {COLORS} channels can be rebuilt, "
            f"not {course.config}."
        )
    free = [_least_needed(course, writers, lr, hr) for writers in _writers(course)]
    paper = Generator(course.scale, course.num_blocks, course.channels, "paper")
    paper.load_state_dict(course.state_dict(), strict=False)  # all but batch norm
    paper.eval()

    trunk = free[0]
    for conv in (paper.head[0], paper.fuse[0], *(block.body[3] for block in paper.blocks)):
        conv.weight[trunk], conv.bias[trunk] = 0, 0
    for conv in (paper.fuse[0], *(block.body[0] for block in paper.blocks)):
        conv.weight[:, trunk] = 0
    middle = paper.head[0].kernel_size[0] // 2
    paper.head[0].weight[trunk, range(COLORS), middle, middle] = 1
    for block, read, written in zip(paper.upsample, free, free[1:], strict=False):
        _double(block[0], read, written)

    paper.tail.weight[:, free[-1]] = 0
    middle = paper.tail.kernel_size[0] // 2
    paper.tail.weight[range(COLORS), free[-1], middle, middle] = 1
    paper.tail.weight.mul_(2)
    paper.tail.bias.mul_(2).sub_(1)

    hooks = [
        module.register_forward_pre_hook(_neutral)
        for module in paper.modules()
        if isinstance(module, nn.BatchNorm2d)
    ]
    paper(lr)
    for hook in hooks:
        hook.remove()
    return paper


def _writers(network: Generator) -> list[list[nn.Module]]:
    """The modules whose outputs add up to the trunk's feature maps, and those of every doubling."""
    trunk = [network.head, network.fuse, *(block.body for block in network.blocks)]
    return [trunk, *([block] for block in network.upsample)]


def _least_needed(network: Generator, writers: Sequence[nn.Module], lr, hr) -> list[int]:
    """The three feature maps without which SR is still closest to HR."""
    errors = []
    for channel in range(network.channels):
        hooks = [module.register_forward_hook(partial(_silence, channel)) for module in writers]
        errors.append(F.mse_loss(network(lr), hr).item())
        for hook in hooks:
            hook.remove()
    return sorted(range(network.channels), key=errors.__getitem__)[:COLORS]


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


def write(weights: str | Path, out: Path, data: str = "samples") -> Path:
    """Write OUT/generator.safetensors, rebuilt from `weights`; returns its path.

    Raises:
        ConfigError: as for `rebuild`. WeightsError: missing or damaged weights. SRGANError: there
            are weights in OUT already.
    """
    target, course = out / WEIGHTS, load_generator(weights)
    check_new(target)
    images = [crop_to_multiple(p.image, course.scale) for p in load_pictures(data)]
    rng = torch.Generator().manual_seed(0)
    lr, hr = PatchPool(images, course.scale).batch(16, 24 * course.scale, rng)
    paper = rebuild(course, lr.float() / 255, hr.float() / 255)
    note_init(out, weights)
    info = weights_info(find_weights(weights))
    save_weights(target, paper, recipe=info.get("recipe"), step=0, minutes=0.0, rebuilt="paper")
    return target


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0, or 2 with one sentence."""
    parser = argparse.ArgumentParser(prog="python -m srgan_lib.tools.rebuild", description=__doc__)
    parser.add_argument("weights", help="shipped name or .safetensors file, of variant course")
    parser.add_argument("out", type=Path, help="folder for generator.safetensors")
    parser.add_argument("--data", default="samples", help="training pictures; default: embedded")
    args = parser.parse_args(arguments)
    return report_errors(lambda: print(write(args.weights, args.out, args.data)))


if __name__ == "__main__":
    sys.exit(main())
