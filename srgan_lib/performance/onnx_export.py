"""A network as an ONNX file, for programs without PyTorch: docs/library.md says how to run it."""

import copy
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

from ..errors import ConfigError, SRGANError
from ..images import convert
from ..models import MIN_LR_SIZE, Generator
from ..system.files import check_new, expanded, write_atomically

PACKAGES = ("onnx", "onnxscript")  # which PyTorch's exporter imports
OPSET = 18  # of 2022: every runtime since knows it


class UnitRange(nn.Module):
    """A generator whose LR and SR are in [0, 1], whatever it was trained on; SR is clamped."""

    def __init__(self, generator: Generator):
        super().__init__()
        self.generator = generator

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        generator = self.generator
        lr = convert(lr, "unit", generator.input_range)
        sr = generator.render(generator.features(lr), lr)
        return convert(sr, generator.output_range, "unit").clamp(0, 1)


def export_onnx(generator: Generator, path: str | Path, *, force: bool = False) -> Path:
    """Write a network as one ONNX file, the addition of LR's bicubic enlargement included.

    Its input `lr`, float32 (N, 3, H, W) with RGB in [0, 1] and H, W >= 8, and its output `sr`,
    (N, 3, scale*H, scale*W) in [0, 1], are the same for all variants. N, H and W are free.

    Args:
        path: the file, ending in .onnx.
        force: replace an existing file.

    Raises:
        ConfigError: another suffix, or the packages of the extra `export` are missing.
        SRGANError: the file exists or cannot be written.
    """
    path = expanded(path)
    if path.suffix.lower() != ".onnx":
        raise ConfigError(f"{path}: a network is exported to a file that ends in .onnx.")
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise ConfigError(f"{' and '.join(missing)} missing: pip install 'srgan_lib[export]'.")
    check_new(path, force=force)
    batch, height, width = (
        torch.export.Dim(name, min=least)
        for name, least in [("batch", 1), ("height", MIN_LR_SIZE), ("width", MIN_LR_SIZE)]
    )
    program = torch.onnx.export(
        UnitRange(copy.deepcopy(generator)).eval(), (torch.rand(2, 3, 12, 16),), dynamo=True,
        opset_version=OPSET, input_names=["lr"], output_names=["sr"], verbose=False,
        dynamic_shapes=({0: batch, 2: height, 3: width},),
    )  # fmt: skip
    try:
        write_atomically(path, lambda temporary: program.save(temporary, external_data=False))
    except OSError as error:
        raise SRGANError(f"{path} could not be written ({error.strerror or error}).") from error
    return path
