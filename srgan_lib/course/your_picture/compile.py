"""Build the page's WebAssembly from `conv.c`: `python -m srgan_lib.course.your_picture.compile`.

The results are committed, so that nobody else needs the compiler, which is Zig's C compiler from
the package `ziglang`. Another release of it writes other bytes.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# Name -> what the processor may do. Browsers since 2023 know fused multiply-add ("relaxed").
BUILDS = {"simd": ["-msimd128"], "relaxed": ["-msimd128", "-mrelaxed-simd"]}
OPTIONS = (
    "--target=wasm32-freestanding", "-O3", "-nostdlib",
    "-Wl,--no-entry", "-Wl,--import-memory", "-Wl,--strip-all",
)  # fmt: skip


def wasm_file(build: str) -> Path:
    """Where the committed WebAssembly of a key of `BUILDS` is."""
    return HERE / f"conv_{build}.wasm"


def compile_wasm(build: str, output: Path) -> None:
    """Compile `conv.c` with the options of a key of `BUILDS`."""
    subprocess.run(
        [sys.executable, "-m", "ziglang", "cc", *OPTIONS, *BUILDS[build], "-o", output, "conv.c"],
        cwd=HERE, check=True,
    )  # fmt: skip


if __name__ == "__main__":
    for name in BUILDS:
        compile_wasm(name, wasm_file(name))
        print(f"{wasm_file(name)}: {wasm_file(name).stat().st_size:,} bytes")
