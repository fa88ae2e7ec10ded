"""From HR to LR: MATLAB's bicubic downscaling, and the general degradation I_x = D(I_y, delta).

Benchmarks are made with MATLAB's `imresize`. Other libraries' "bicubic" differs in the kernel
(a = -0.75 instead of -0.5) or leaves out the antialiasing, and that costs decibels (chapter 2).
"""

import io
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from PIL import Image
from torch.nn import functional as F

from .errors import ConfigError, ImageError
from .images import check_image, to_image, to_tensor

SCALES = (2, 4, 8)
PADDINGS = ("symmetric", "replicate")


def require(ok: bool, message: str) -> None:
    """Raise ConfigError with `message` unless `ok`."""
    if not ok:
        raise ConfigError(message)


def check_scale(scale: int) -> int:
    """Return `scale` if it is 2, 4 or 8, else raise ConfigError."""
    require(scale in SCALES, f"Scale must be 2, 4 or 8, not {scale!r}.")
    return int(scale)


def cubic(x: np.ndarray) -> np.ndarray:
    """Keys' cubic convolution kernel with a = -0.5, MATLAB's bicubic (Keys 1981, equation 15)."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _taps(length: int, factor: float, padding: str) -> tuple[np.ndarray, np.ndarray]:
    """Source indices and weights of each output sample, both (output length, taps)."""
    stretch = max(1 / factor, 1.0)  # antialiasing: a wider kernel when shrinking
    center = (np.arange(math.ceil(length * factor)) + 0.5) / factor - 0.5
    first = np.floor(center - 2 * stretch).astype(int)
    index = first[:, None] + np.arange(math.ceil(4 * stretch) + 2)
    weight = cubic((center[:, None] - index) / stretch) / stretch
    weight /= weight.sum(axis=1, keepdims=True)
    used = weight.any(axis=0)
    index, weight = index[:, used], weight[:, used]
    if padding == "replicate":
        return index.clip(0, length - 1), weight
    index %= 2 * length
    return np.where(index < length, index, 2 * length - 1 - index), weight


def _round(pixels: np.ndarray, kind: type | np.dtype = np.uint8) -> np.ndarray:
    return np.floor(pixels + 0.5).clip(0, np.iinfo(kind).max).astype(kind)


def _resize_rows(
    array: np.ndarray, factor: float, padding: str, rounded: np.dtype | None
) -> np.ndarray:
    """Resize the first axis of an array (N, M), `rounded` to that dtype, or to float64."""
    index, weight = _taps(array.shape[0], factor, padding)
    result = np.empty((len(index), array.shape[1]), float if rounded is None else rounded)
    block = max(1, 2**17 // array.shape[1])  # output rows at a time, so that the sums stay in cache
    for start in range(0, len(index), block):
        rows = slice(start, start + block)
        total = np.zeros(result[rows].shape)
        for tap in range(index.shape[1]):
            total += weight[rows, tap, None] * array[index[rows, tap]]
        result[rows] = total if rounded is None else _round(total, rounded)
    return result


def imresize(
    image: np.ndarray, factor: float, padding: str = "symmetric", *, round_between: bool = True
) -> np.ndarray:
    """Resize as MATLAB's `imresize(image, factor, "bicubic")` does, bit for bit.

    Cubic kernel a = -0.5, widened against aliasing when shrinking; the vertical direction first,
    then the horizontal, each rounded to uint8 (half up). For 2, 4 and 8, up or down, all weights
    are multiples of 2^-16, so the sums are exact and their order cannot change a bit.

    Args:
        image: uint8 (or uint16) HxW or HxWxC.
        factor: new size / old size; the new size is rounded up.
        padding: beyond the edges, "symmetric" (MATLAB today) or "replicate" (older releases,
            which made the LR pictures of the usual benchmarks); they differ near the border only.
        round_between: False rounds once, at the end, as MATLAB code on doubles does.

    Returns:
        The same kind, ceil(H * factor) x ceil(W * factor), channels unchanged.

    Raises:
        ImageError: not such an array of 2 or 3 dimensions, or an empty one.
        ConfigError: a factor that is not positive or an unknown padding.
    """
    if image.dtype not in (np.uint8, np.uint16) or image.ndim not in (2, 3) or image.size == 0:
        raise ImageError(f"imresize needs a uint8 picture, not {image.dtype} {image.shape}.")
    require(0 < factor < math.inf, f"The resize factor must be positive, not {factor!r}.")
    known = padding in PADDINGS
    require(known, f"Unknown padding {padding!r}: choose {' or '.join(PADDINGS)}.")
    height, width, *channels = image.shape
    between = image.dtype if round_between else None
    tall = _resize_rows(image.reshape(height, -1), factor, padding, between)
    turned = tall.reshape(len(tall), width, -1).swapaxes(0, 1).reshape(width, -1)
    wide = _resize_rows(turned, factor, padding, image.dtype)
    result = wide.reshape(len(wide), len(tall), -1).swapaxes(0, 1)
    return np.ascontiguousarray(result).reshape(len(tall), len(wide), *channels)


def _low_size(image: np.ndarray, scale: int) -> tuple[int, int]:
    """Height and width of the LR picture."""
    height, width = check_image(image).shape[:2]
    if height % scale or width % scale:
        raise ImageError(
            f"The picture is {width}x{height} pixels, not a multiple of {scale}: "
            "crop it with crop_to_multiple first."
        )
    return height // scale, width // scale


def bicubic_downscale(image: np.ndarray, scale: int, padding: str = "symmetric") -> np.ndarray:
    """Make the LR picture of an HR picture as the paper and the benchmarks do (section 3.2).

    Args:
        image: uint8 HxWx3, H and W multiples of `scale`.
        scale: 2, 4 or 8.
        padding: as in `imresize`.

    Returns:
        uint8 (H / scale) x (W / scale) x 3.

    Raises:
        ConfigError: another scale or an unknown padding.
        ImageError: not a picture, or a size that is not a multiple of `scale`.
    """
    _low_size(image, check_scale(scale))
    return imresize(image, 1 / scale, padding)


def bicubic_upscale(image: np.ndarray, scale: int) -> np.ndarray:
    """Enlarge uint8 (or uint16) HxWx3 by 2, 4 or 8, rounded once: the baseline to beat."""
    return imresize(check_image(image, deep=True), check_scale(scale), round_between=False)


def gaussian(size: int, sigma: float) -> np.ndarray:
    """Sampled Gaussian of `size` taps (odd) that sums to 1."""
    x = np.arange(size) - size // 2
    kernel = np.exp(-(x**2) / (2 * sigma**2))
    return kernel / kernel.sum()


def correlate(array: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Correlate (H, W, ...) with a 2-D kernel (h, w) where it fits: (H-h+1, W-w+1, ...)."""
    height, width = (n - k + 1 for n, k in zip(array.shape, kernel.shape, strict=False))
    total = np.zeros((height, width, *array.shape[2:]))
    for (y, x), weight in np.ndenumerate(kernel):
        total += weight * array[y : y + height, x : x + width]
    return total


@dataclass(frozen=True)
class Blur:
    """Gaussian blur with `sigma` in pixels, or any odd-sized 2-D `kernel` in its place.

    `size` is the number of taps (odd; by default all within three sigma); borders are reflected.
    """

    sigma: float = 1.0
    size: int | None = None
    kernel: Sequence[Sequence[float]] | None = None

    def __post_init__(self) -> None:
        require(0 < self.sigma < math.inf, f"Blur needs a positive sigma, not {self.sigma!r}.")
        odd = self.size is None or (self.size > 0 and self.size % 2 == 1)
        require(odd, f"Blur needs an odd, positive size, not {self.size!r}.")
        if self.kernel is not None:
            shape = np.shape(self.kernel)
            odd = len(shape) == 2 and all(side % 2 for side in shape)
            require(odd, f"Blur needs a 2-D kernel with odd sides, not one of shape {shape}.")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if self.kernel is None:
            taps = gaussian(self.size or 2 * math.ceil(3 * self.sigma) + 1, self.sigma)
            kernels = [taps[:, None], taps[None, :]]
        else:
            kernels = [np.asarray(self.kernel, float)]
        pixels = image
        for kernel in kernels:
            margins = [(side // 2, side // 2) for side in kernel.shape]
            pixels = correlate(np.pad(pixels, [*margins, (0, 0)], mode="reflect"), kernel)
        return _round(pixels)


@dataclass(frozen=True)
class Downscale:
    """Downscaling by 2, 4 or 8; `method` "bicubic" is MATLAB's and the only one for benchmarks.

    The others are what other code does by default, there to measure the difference: "pillow"
    (bicubic, other rounding and edges) and PyTorch's `interpolate` without antialiasing.
    """

    METHODS: ClassVar = ("bicubic", "pillow", "torch-bicubic", "torch-bilinear", "torch-nearest")
    scale: int
    method: str = "bicubic"

    def __post_init__(self) -> None:
        check_scale(self.scale)
        known = ", ".join(self.METHODS)
        require(self.method in self.METHODS, f"Unknown method {self.method!r}: choose of {known}.")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if self.method == "bicubic":
            return bicubic_downscale(image, self.scale)
        height, width = _low_size(image, self.scale)
        if self.method == "pillow":
            scaled = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
            return np.array(scaled)
        mode = self.method.removeprefix("torch-")
        return to_image(F.interpolate(to_tensor(image), size=(height, width), mode=mode))


@dataclass(frozen=True)
class Noise:
    """Additive Gaussian noise; `sigma` in 8-bit levels."""

    sigma: float

    def __post_init__(self) -> None:
        require(0 <= self.sigma < math.inf, f"Noise needs a sigma >= 0, not {self.sigma!r}.")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return _round(image + rng.normal(0, self.sigma, image.shape))


@dataclass(frozen=True)
class Jpeg:
    """JPEG compression at `quality` 1 to 100, with the usual 4:2:0 chroma subsampling."""

    quality: int

    def __post_init__(self) -> None:
        known = self.quality in range(1, 101)
        require(known, f"JPEG quality must be a whole number 1 to 100, not {self.quality!r}.")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=self.quality, subsampling="4:2:0")
        return np.array(Image.open(buffer))


@dataclass(frozen=True)
class Degradation:
    """The post's D(I_y, delta): `steps` (delta) applied in order, uint8 HxWx3 in and out.

    Any callable (image, rng) -> image may be a step. Randomness comes from `seed` and the picture
    alone: the same picture always gets the same noise, another picture other noise.

    >>> degrade = Degradation([Blur(1.2), Downscale(4), Noise(3), Jpeg(60)], seed=7)
    """

    steps: Sequence[Callable[[np.ndarray, np.random.Generator], np.ndarray]]
    seed: int = 0

    def __post_init__(self) -> None:
        for step in self.steps:
            require(callable(step), f"A degradation step must be callable, not {step!r}.")
        natural = isinstance(self.seed, int) and self.seed >= 0
        require(natural, f"The seed must be a whole number >= 0, not {self.seed!r}.")

    def __call__(self, image: np.ndarray) -> np.ndarray:
        image = np.ascontiguousarray(check_image(image))
        rng = np.random.default_rng([self.seed, zlib.crc32(image)])
        for step in self.steps:
            image = step(image, rng)
        return image
