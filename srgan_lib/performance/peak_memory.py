"""How much memory the command line needs to enlarge a large picture."""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from ..data import samples
from ..errors import ConfigError, SRGANError

STATUS = Path("/proc/self/status")
# The process itself says how much it had at most. What the kernel tells its parent (ru_maxrss)
# begins with the memory of the parent.
CHILD = f"""
import sys
from srgan_lib.cli import main
status = main(sys.argv[1:])
print(*(line.split()[1] for line in open("{STATUS}") if line.startswith("VmHWM")))
sys.exit(status)
"""


def footprint(side: int, weights: str = "srgan", device: str = "auto") -> dict[str, Any]:
    """Enlarge a picture of `side` x `side` pixels with `upscale`, in a process of its own.

    Returns:
        "lr_side", "sr_side", "weights", "seconds", and "megabytes", 2^20 bytes: the most that the
        process had in memory at once, PyTorch included, a GPU's own memory not.

    Raises:
        ConfigError: a side under 1, or another system than Linux. SRGANError: what `upscale` says.
    """
    if side < 1:
        raise ConfigError(f"A picture has at least 1 pixel a side, not {side}.")
    if not STATUS.exists():
        raise ConfigError("Only Linux says how much memory a process has used: leave out --memory.")
    with TemporaryDirectory() as folder:
        source, target = Path(folder, "lr.png"), Path(folder, "sr.png")
        photo = samples("validation")[0].image
        times = [-(-side // length) for length in photo.shape[:2]]
        Image.fromarray(np.tile(photo, (*times, 1))[:side, :side]).save(source)
        command = [sys.executable, "-c", CHILD, "upscale", str(source), str(target)]
        command += ["--weights", weights, "--device", device]
        start = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True)
        seconds = time.monotonic() - start
        if done.returncode:
            last = (done.stderr.splitlines() or [f"exit status {done.returncode}"])[-1]
            raise SRGANError(f"Enlarging {side}x{side} pixels failed: {last}")
        with open(target, "rb") as file:
            width = int.from_bytes(file.read(20)[16:], "big")  # where every PNG says it
    return {
        "lr_side": side, "sr_side": width, "weights": weights, "seconds": seconds,
        "megabytes": int(done.stdout.split()[-1]) / 1024,
    }  # fmt: skip
