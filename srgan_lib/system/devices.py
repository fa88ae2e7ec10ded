"""What a device is called, and the numbers that it is good at."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ..errors import ConfigError

PRECISIONS = ("auto", "float32", "bfloat16", "float16")
THEN = ", then "  # between the names of devices that had turns


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; "auto" is a CUDA GPU if there is one, else the CPU.

    Raises:
        ConfigError: this machine has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        if torch.device(name).type not in ("cpu", "cuda", "mps", "xpu"):
            raise RuntimeError
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError):  # PyTorch's two ways to say that it is not there
        raise ConfigError(f"There is no device {name!r} here: choose auto or cpu.") from None


def precision(device: torch.device, name: str = "auto") -> torch.dtype:
    """The number format to train in: "auto", "float32", "bfloat16" or "float16".

    "auto" is the fastest that is safe: bf16 on new GPUs, and on CPUs that have it, where it halves
    the time of a step; float16 on old GPUs; float32 on other CPUs, which emulate the rest and take
    longer. torch.cuda.is_bf16_supported() also counts emulation, which is slow on a T4: the compute
    capability decides.

    Raises:
        ConfigError: another name.
    """
    if name not in PRECISIONS:
        raise ConfigError(f"Unknown precision {name!r}: choose one of {', '.join(PRECISIONS)}.")
    if name != "auto":
        return getattr(torch, name)
    if device.type == "cpu":
        return torch.bfloat16 if cpu_has_bf16() else torch.float32
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else torch.float16


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bf16 by itself (AVX512-BF16 or AMX), as far as Linux says so."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # another system than Linux
        return False
    return re.search(r"\b(avx512_bf16|amx_bf16)\b", flags) is not None


@contextmanager
def tuned_convolutions() -> Iterator[None]:
    """Let cuDNN try its algorithms once for each shape: a training has few shapes, many steps."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def device_name(device: torch.device, dtype: torch.dtype | None = None) -> str:
    """What a model card calls the device, with the number format if it is not the usual one.

    Of CPUs that is float32, although "auto" takes bf16 where there is one.
    """
    threads = torch.get_num_threads()
    cpu = f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else cpu
    usual = precision(device) if device.type == "cuda" else torch.float32
    if dtype in (None, usual):
        return name
    return f"{name}, {str(dtype).removeprefix('torch.')}"


def forget_unused_memory() -> None:
    """Give a GPU's memory that PyTorch keeps for later back, so that a smaller tile finds room."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
