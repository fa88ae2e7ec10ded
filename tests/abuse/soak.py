"""The long half of the tests, `make soak`: prints what was tried, how often, and what was lost."""

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

HERE = Path(__file__).parent
KILLS, MUTANTS, STEPS, PICTURES = 25, 400, 10_000, 1_000  # kills of each recipe, mutants of a kind


def child(*words: object) -> dict:
    """What a script of this folder prints, as JSON; if it fails, so does this."""
    command = [sys.executable, *map(str, words)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def kills(folder: Path) -> tuple[int, str, bool]:
    total, writing, lost, equal = 0, 0, 0, True
    for seed, recipe in enumerate(("srresnet", "srgan-mse")):
        row = child(HERE / "killed.py", folder / recipe, recipe, KILLS, seed)
        total, writing = total + row["kills"], writing + row["while_writing"]
        lost, equal = max(lost, row["steps_lost"]), equal and row["equal"]
    same = "equal bit for bit" if equal else "NOT EQUAL"
    result = f"{lost} saved steps lost, {writing} while a file was written, in the end {same}"
    return total, result, equal and lost <= 0


def mutants(folder: Path) -> tuple[int, str, bool]:
    table = child(HERE / "mutants.py", folder, MUTANTS)
    read = sum(row.get("result", 0) for row in table.values())
    total = sum(sum(row.values()) for row in table.values())
    return total, f"{read} read, {total - read} refused in a sentence, no other outcome", True


def resident() -> float:
    """MB that this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def grown(work, count: int) -> tuple[int, str, bool]:
    """Do `work` so often; the first fifth fills caches, and then nothing may grow."""
    for _ in range(count // 5):
        work()
    before = resident()
    for _ in range(count - count // 5):
        work()
    growth = resident() - before
    return count, f"{growth:+.1f} MB after the first fifth", growth < 20


def steps(folder: Path) -> tuple[int, str, bool]:
    import numpy as np

    from srgan_lib.adversarial import make_trainer
    from srgan_lib.data import PatchPool
    from srgan_lib.recipes import get_recipe

    size = {"channels": 2, "num_blocks": 1, "batch_size": 1, "patch_size": 32, "steps": 10**6}
    pool = PatchPool(np.random.default_rng(0).integers(0, 256, (2, 40, 40, 3), np.uint8))
    recipe = get_recipe("srgan-mse", "smoke", **size, learning_rate=1e-8)
    trainer = make_trainer(recipe, pool, folder)
    work = 100  # steps a call, each call with its log and checkpoint
    count, result, good = grown(
        lambda: trainer.run(trainer.step + work, progress=False), STEPS // work
    )
    return count * work, result, good


def pictures(folder: Path) -> tuple[int, str, bool]:
    import numpy as np
    from PIL import Image

    from srgan_lib.inference import network_enlarger
    from srgan_lib.models import Generator
    from srgan_lib.performance.fast_generator import fast_copy
    from srgan_lib.performance.large_pictures import upscale_folder
    from srgan_lib.system.colors import profile_of_codes

    rng, p3 = np.random.default_rng(0), profile_of_codes(12, 13)
    (folder / "in").mkdir(parents=True)
    for number in range(10):
        image = rng.integers(0, 256, (20 + number, 30, 3), np.uint8)
        Image.fromarray(image).save(folder / "in" / f"{number}.png")
    frames = [Image.fromarray(rng.integers(0, 256, (20, 20, 3), np.uint8)) for _ in range(3)]
    more = {"save_all": True, "append_images": frames[1:]}
    frames[0].save(folder / "in" / "frames.gif", **more)
    frames[0].convert("RGBA").save(folder / "in" / "frames.webp", icc_profile=p3, **more)
    frames[0].save(folder / "in" / "pages.tif", **more)
    deep = rng.integers(0, 65536, (20, 30), np.uint16)
    Image.fromarray(deep).save(folder / "in" / "deep.png", icc_profile=p3)
    enlarger = network_enlarger(fast_copy(Generator(2, 1, 4, "course")))
    count, result, good = grown(
        lambda: upscale_folder(enlarger, folder / "in", folder / "out", force=True), PICTURES // 14
    )
    return count * 14, result, good


PARTS = {
    "kill -9 while training": kills,
    "damaged and malicious files": mutants,
    "training steps": steps,
    "pictures of a folder": pictures,
}


def main() -> int:
    failed = False
    print(f"{'what was tried':<30}{'times':>7}{'seconds':>9}  result")
    for name, part in PARTS.items():
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            place = Path(folder, "ä b")  # neither ASCII nor without spaces
            place.mkdir()
            try:
                count, result, good = part(place)
            except subprocess.CalledProcessError as error:
                count, result, good = 0, f"ended with status {error.returncode}", False
        failed = failed or not good
        mark = "" if good else "  FAILED"
        print(f"{name:<30}{count:>7}{time.monotonic() - start:>9.0f}  {result}{mark}", flush=True)
    print("make soak: FAILED." if failed else "make soak: everything passed; lost: nothing.")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
