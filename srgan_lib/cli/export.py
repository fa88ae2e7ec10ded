"""`srgan export`: a network as ONNX, for programs without PyTorch."""

import argparse

from ..performance.onnx_export import export_onnx
from ..weights import load_generator


def run(args: argparse.Namespace) -> None:
    generator = load_generator(args.weights)
    path = export_onnx(generator, args.output, force=args.force)
    print(f"{path}: x{generator.scale}, RGB in [0, 1], (N, 3, H, W)")
