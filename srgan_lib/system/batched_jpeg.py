"""JPEG of a batch of pictures, on their device: what a training step can afford.

Sources: ITU-T T.81, and libjpeg's ways of rounding, of scaling its tables and of enlarging color.
"""

import math

import torch
from torch.nn import functional as F

# Annex K of the JPEG standard (ITU-T T.81), as libjpeg scales it: luminance, then chrominance.
_TABLES = torch.tensor([
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
    *[99] * 32,
]).view(2, 8, 8)  # fmt: skip
_YCBCR = torch.tensor([
    [0.299, 0.587, 0.114],
    [-0.168735892, -0.331264108, 0.5],
    [0.5, -0.418687589, -0.081312411],
])  # fmt: skip
_RGB = torch.tensor([[1, 0, 1.402], [1, -0.344136286, -0.714136286], [1, 1.772, 0]])
_SHIFT = torch.tensor([0.0, 128, 128]).view(3, 1, 1)


def level(x: torch.Tensor) -> torch.Tensor:
    """Whole numbers, half up; a hair more, for halves are frequent in JPEG and sums inexact."""
    return (x + 0.501).floor().clamp(0, 255)


def _dct() -> torch.Tensor:
    """Orthonormal DCT-II of eight samples, as a matrix."""
    k, n = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    rows = torch.cos(math.pi * (2 * n + 1) * k / 16) / 2
    rows[0] /= math.sqrt(2)
    return rows


def _coded(plane: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W), sides multiples of 8, after 8x8 DCT, quantization (N, 8, 8) and its inverse."""
    n, c, h, w = plane.shape
    dct = _dct().to(plane.device)
    blocks = plane.view(n, c, h // 8, 8, w // 8, 8).transpose(3, 4) - 128
    table = table.view(n, 1, 1, 1, 8, 8)
    coefficients = dct @ blocks @ dct.T / table
    # Half away from zero, as libjpeg: a half is frequent, since tables are whole numbers.
    coefficients = coefficients.sign() * (coefficients.abs() + 0.501).floor() * table
    return level((dct.T @ coefficients @ dct + 128).transpose(3, 4).reshape(n, c, h, w))


def jpeg(pictures: torch.Tensor, quality: torch.Tensor) -> torch.Tensor:
    """JPEG, there and back, of a batch at once and on its device, without the entropy coding.

    What libjpeg does by default: YCbCr, color at half the size, tables scaled by the quality, color
    enlarged by triangles. The coding that is left out loses nothing.

    Args:
        pictures: RGB (N, 3, H, W), float32 of 0 to 255.
        quality: (N,), 1 to 100.

    Returns:
        As `pictures`, whole numbers. Pillow's differ by rounding: a level here and there.
    """
    n, _, h, w = pictures.shape
    scale = torch.where(quality < 50, (5000 / quality).floor(), 200 - 2 * quality)
    tables = _TABLES.to(pictures.device, torch.float32)
    tables = ((tables * scale.view(n, 1, 1, 1) + 50) / 100).floor().clamp(1, 255)
    padded = F.pad(level(pictures), (0, -w % 16, 0, -h % 16), mode="replicate")
    shift = _SHIFT.to(pictures.device)
    ycbcr = level(torch.einsum("ij,njhw->nihw", _YCBCR.to(pictures.device), padded) + shift)
    luma = _coded(ycbcr[:, :1], tables[:, 0])[..., :h, :w]
    chroma = F.avg_pool2d(ycbcr[:, 1:], 2)
    halves = 0.25 + 0.25 * (torch.arange(chroma.shape[-1], device=chroma.device) % 2)
    chroma = _coded((chroma + halves).floor(), tables[:, 1])  # libjpeg rounds up in turns
    chroma = chroma[..., : (h + 1) // 2, : (w + 1) // 2]
    chroma = F.interpolate(chroma, scale_factor=2, mode="bilinear")[..., :h, :w]
    decoded = torch.cat([luma, level(chroma)], dim=1) - shift
    return level(torch.einsum("ij,njhw->nihw", _RGB.to(pictures.device), decoded))
