"""Feature maps of a pre-trained VGG, in which content losses compare pictures.

Taught in chapter 4. Source: Ledig et al. 2017, section 2.2.1; Simonyan and Zisserman 2015.
"""

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from .errors import ConfigError, Note, WeightsError
from .images import convert
from .system.digests import digest
from .system.state_dicts import download_state, read_state

# Convolutions in each of VGG's five blocks (Simonyan and Zisserman 2015, table 1, D and E).
_VGG_BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
_VGG_WIDTHS = (64, 128, 256, 512, 512)


def vgg_layers(arch: str = "vgg19") -> dict[str, int]:
    """Name of every layer -> its index in torchvision's `features`, e.g. relu5_4 -> 35.

    The paper's phi_{i,j} is the j-th convolution (after activation) before the i-th pooling:
    phi_{2,2} = relu2_2, phi_{5,4} = relu5_4.
    """
    if arch not in _VGG_BLOCKS:
        raise ConfigError(f"Unknown network {arch!r}: choose vgg16 or vgg19.")
    names = []
    for block, convs in enumerate(_VGG_BLOCKS[arch], start=1):
        for conv in range(1, convs + 1):
            names += [f"conv{block}_{conv}", f"relu{block}_{conv}"]
        names.append(f"pool{block}")
    return {name: index for index, name in enumerate(names)}


class VGGFeatures(nn.Module):
    """Feature maps of a pre-trained VGG at one named layer; frozen and in eval mode always.

    Args:
        layer: e.g. "relu2_2", "relu3_4", "conv5_4" (before the activation), "relu5_4".
        arch: "vgg19" (the paper's) or "vgg16".
        weights: "torchvision" (downloaded once with progress, 0.5 GB, then cached), a path to a
            .safetensors or .pth file with torchvision's names, "random" (seeded, with a notice), or
            "auto": the file that the environment variable SRGAN_VGG names, else torchvision's,
            else random where they cannot be had.
        input_range: value range of what it is given (`srgan_lib.images`).

    Shapes: (N, 3, H, W) -> (N, C, H / 2^p, W / 2^p) with p the poolings before the layer.

    Raises:
        ConfigError: unknown layer or network. WeightsError: weights missing or of another shape.
    """

    def __init__(
        self,
        layer: str = "relu5_4",
        arch: str = "vgg19",
        weights: str | Path = "auto",
        input_range: str = "unit",
    ):
        super().__init__()
        layers = vgg_layers(arch)
        if layer not in layers:
            raise ConfigError(f"{arch} has no layer {layer!r}: choose one of {', '.join(layers)}.")
        self.layer, self.arch, self.input_range = layer, arch, input_range
        with torch.device("meta"):  # no time and no random numbers for weights that are replaced
            self.features = _vgg_trunk(arch, layers[layer] + 1)
        self.features.to_empty(device="cpu")
        state, self.source = _vgg_state(arch, weights)
        if state is None:
            _init_random(self.features)
        else:
            wanted = self.features.state_dict()
            try:
                given = {k.removeprefix("features."): v.float() for k, v in state.items()}
                self.features.load_state_dict({k: given[k] for k in wanted})
            except (KeyError, RuntimeError, AttributeError) as error:
                raise WeightsError(
                    f"The VGG weights in {self.source} do not fit {arch} up to {layer} ({error}): "
                    "use a file with torchvision's names and shapes."
                ) from None
        self.requires_grad_(False)
        self.eval()

    @property
    def digest(self) -> str:
        """A hash of the weights: by their file's name alone they are not known."""
        return digest(p.detach().cpu().contiguous().numpy() for p in self.parameters())

    def train(self, mode: bool = True) -> "VGGFeatures":
        """Stays in eval mode whatever its parent does."""
        return super().train(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.features(convert(x, self.input_range, "imagenet"))

    def maps(self, x: torch.Tensor, layers: Sequence[str]) -> list[torch.Tensor]:
        """Feature maps at several layers, none deeper than this network's own, in one pass."""
        wanted = [vgg_layers(self.arch)[layer] for layer in layers]
        x, maps = convert(x, self.input_range, "imagenet"), {}
        for index, module in enumerate(self.features):
            x = module(x)
            if index in wanted:
                maps[index] = x
        return [maps[index] for index in wanted]


def _vgg_trunk(arch: str, depth: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 3
    for convs, width in zip(_VGG_BLOCKS[arch], _VGG_WIDTHS, strict=True):
        for _ in range(convs):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers[:depth])


def _vgg_state(arch: str, weights: str | Path) -> tuple[Mapping[str, torch.Tensor] | None, str]:
    """The state dict and a word on where it came from; None for random weights."""
    automatic = str(weights) == "auto"
    if automatic:
        weights = os.environ.get("SRGAN_VGG") or "torchvision"
    if str(weights) == "random":
        warnings.warn(
            f"{arch} has random weights: the content loss compares textures it was never taught.",
            Note,
            stacklevel=3,
        )
        return None, "random"
    if str(weights) != "torchvision":
        return read_state(weights), Path(weights).name
    from torchvision.models import VGG16_Weights, VGG19_Weights

    official = {"vgg16": VGG16_Weights, "vgg19": VGG19_Weights}[arch].IMAGENET1K_V1
    try:
        return download_state(official, "name a local copy in the environment variable SRGAN_VGG")
    except WeightsError:
        if automatic:
            return _vgg_state(arch, "random")
        raise


def _init_random(features: nn.Sequential) -> None:
    """The same random network every time, without touching the caller's random state."""
    generator = torch.Generator().manual_seed(0)
    for module in features:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(module.bias)
