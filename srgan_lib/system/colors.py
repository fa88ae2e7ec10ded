"""What the numbers of a picture mean: color profiles (ICC), gamma, and the way to sRGB."""

import struct
from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

# Chromaticities of red, green, blue and white, by their numbers in cICP (ITU-T H.273, table 2).
_D65 = (0.3127, 0.329)
PRIMARIES = {
    1: ((0.64, 0.33), (0.3, 0.6), (0.15, 0.06), _D65),  # BT.709 and sRGB
    5: ((0.64, 0.33), (0.29, 0.6), (0.15, 0.06), _D65),  # PAL
    6: ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07), _D65),  # NTSC
    7: ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07), _D65),
    9: ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046), _D65),  # BT.2020
    11: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.314, 0.351)),  # DCI-P3
    12: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), _D65),  # Display P3
}
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), _D65)
_SRGB_LIKE = (1, 6, 13, 14, 15)  # viewers show BT.709's curve as sRGB's
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_ADAPT = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.9642, 1, 0.8249])
_CLOSE = 2  # levels of 255 by which the same color may differ between two people's sRGB


def srgb_curve() -> np.ndarray:
    """Light, 0 to 1, at 1,024 steps of sRGB's numbers (IEC 61966-2-1)."""
    x = np.linspace(0, 1, 1024)
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def make_profile(
    primaries: tuple[tuple[float, float], ...], curve: float | np.ndarray, *, gray: bool = False
) -> bytes:
    """An ICC profile, version 2, for numbers that have no file of their own to say what they mean.

    Args:
        primaries: chromaticities x, y of red, green, blue and white.
        curve: the exponent from numbers to light, or light at equal steps of the numbers.
        gray: for one channel instead of three.

    Raises:
        ValueError: chromaticities that span no colors.
    """
    xyz = np.array([(x / y, 1, (1 - x - y) / y) if y else (0, 0, 0) for x, y in primaries])
    try:
        scaled = xyz[:3] * np.linalg.solve(xyz[:3].T, xyz[3])[:, None]
    except np.linalg.LinAlgError as error:
        raise ValueError("These primaries span no colors.") from error
    # ICC's white is D50: Bradford's adaptation.
    cones = _ADAPT @ _D50 / (_ADAPT @ xyz[3])
    scaled = scaled @ (np.linalg.inv(_ADAPT) @ np.diag(cones) @ _ADAPT).T
    if not np.isfinite(scaled).all() or np.abs(scaled).max() > 4:
        raise ValueError("These primaries span no colors.")

    def point(values) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * float(v)) for v in values))

    if np.ndim(curve):
        table = np.round(65535 * np.asarray(curve)).astype(">u2").tobytes()
        tone = b"curv\0\0\0\0" + struct.pack(">I", len(table) // 2) + table
    else:
        tone = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * curve))
    name = b"made from the picture's own data\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78),
        b"cprt": b"text\0\0\0\0public domain\0",
        b"wtpt": point(_D50),
    }
    if gray:
        tags[b"kTRC"] = tone
    else:
        for letter, color in zip((b"r", b"g", b"b"), scaled, strict=True):
            tags[letter + b"XYZ"], tags[letter + b"TRC"] = point(color), tone
    table, body = struct.pack(">I", len(tags)), b""
    for key, data in tags.items():
        table += key + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x3i48x", 132 + 12 * len(tags) + len(body), 0x02400000, b"mntr",
        b"GRAY" if gray else b"RGB ", b"XYZ ", b"acsp", *(round(65536 * v) for v in _D50),
    )  # fmt: skip
    return header + table + body


def profile_of_codes(primaries: int, transfer: int, *, gray: bool = False) -> bytes | None:
    """The profile of cICP's two numbers; None where there is none, as for HDR (PQ and HLG)."""
    if primaries not in PRIMARIES:
        return None
    if transfer in _SRGB_LIKE:
        return make_profile(PRIMARIES[primaries], srgb_curve(), gray=gray)
    if transfer in _GAMMAS:
        return make_profile(PRIMARIES[primaries], _GAMMAS[transfer], gray=gray)
    return None


def profile_of_gamma(
    gamma: float, chromaticities: tuple[float, ...] | None, *, gray: bool = False
) -> bytes | None:
    """The profile of PNG's gAMA (the exponent from light to numbers) and cHRM.

    None if this is sRGB, as many programs write it into every file.
    """
    white, *colors = (
        PRIMARIES[1][3:] + PRIMARIES[1][:3]
        if chromaticities is None
        else [tuple(chromaticities[i : i + 2]) for i in (0, 2, 4, 6)]
    )
    primaries = (*colors, white)
    near = np.abs(np.subtract(primaries, PRIMARIES[1])).max() < 0.005
    if not 0.05 < gamma < 20 or (near and abs(gamma - 0.45455) < 0.01):
        return None
    return make_profile(primaries, 1 / gamma, gray=gray)


def colors_of(icc: bytes) -> str:
    """The colors that a profile is for: "RGB", "GRAY", "CMYK", "Lab", ..."""
    return icc[16:20].decode("ascii", "replace").strip()


@lru_cache(8)
def _transform(icc: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way to sRGB; None if these numbers are sRGB, but for rounding."""
    profile = ImageCms.ImageCmsProfile(BytesIO(icc))
    way = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB")
    if mode == "CMYK":
        return way
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    probe = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(27, 27, 3)
    image = Image.fromarray(probe).convert(mode)
    moved = np.array(ImageCms.applyTransform(image, way)).astype(int)
    return way if np.abs(moved - np.array(image.convert("RGB"))).max() > _CLOSE else None


def to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """Convert an "RGB", "L" or "CMYK" picture of these numbers to "RGB" in sRGB.

    sRGB itself comes back as it is.

    Raises:
        ValueError: the profile is damaged, or for other colors.
    """
    try:
        way = _transform(icc, image.mode)
        return image.convert("RGB") if way is None else ImageCms.applyTransform(image, way)
    except (ImageCms.PyCMSError, OSError, TypeError) as error:
        raise ValueError(f"The color profile cannot be used ({error}).") from error
