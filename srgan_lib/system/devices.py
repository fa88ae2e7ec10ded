"""What a device is called, and the numbers that it is good at."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..errors import ConfigError

PRECISIONS = ("auto", "float32", "bfloat16")
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
    """The number format to compute in, "auto", "float32" or "bfloat16".

    "auto" is the fastest that is safe: float32 on a CPU, bf16 on new GPUs, fp16 on old ones.
    torch.cuda.is_bf16_supported() also counts emulation, which is slow on a T4: the compute
    capability decides. A CPU does not say whether it has bf16, so there it has to be asked for: one
    with AVX512-BF16 or AMX takes half the time, others emulate it and take longer.

    Raises:
        ConfigError: another name.
    """
    if name not in PRECISIONS:
        raise ConfigError(f"Unknown precision {name!r}: choose one of {', '.join(PRECISIONS)}.")
    if name != "auto":
        return getattr(torch, name)
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else torch.float16


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
    """What a model card calls the device, with the number format if it is not the usual one."""
    threads = torch.get_num_threads()
    cpu = f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else cpu
    if dtype in (None, precision(device)):
        return name
    return f"{name}, {str(dtype).removeprefix('torch.')}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this is one of the ways in which NumPy, PyTorch and its backends say so."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and "memory" in str(error).lower()
    )


def forget_unused_memory() -> None:
    """Give a GPU's memory that PyTorch keeps for later back, so that a smaller tile finds room."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
