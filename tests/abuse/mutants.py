"""Files damaged on purpose, by a seed: pictures, weights, checkpoints and archives.

`attack` gives one of them to the public function that reads it. Whatever comes of it must be a
result or one of the library's errors; anything else is raised.
`mutants.py FOLDER COUNT` does COUNT of each kind and prints a table as JSON.
"""

import collections
import io
import json
import random
import signal
import struct
import sys
import tarfile
import tempfile
import warnings
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from srgan_lib.checkpoints import CHECKPOINT, load_checkpoint
from srgan_lib.data import PatchPool
from srgan_lib.datasets.archives import extract
from srgan_lib.errors import SRGANError
from srgan_lib.inference import bicubic_enlarger, upscale
from srgan_lib.models import Generator
from srgan_lib.performance.large_pictures import upscale_file
from srgan_lib.recipes import get_recipe
from srgan_lib.system.colors import PRIMARIES, make_profile
from srgan_lib.system.picture_files import Contents, read_contents, read_frames
from srgan_lib.system.picture_writers import PNGWriter, Sheet, TIFFWriter
from srgan_lib.system.state_dicts import read_state
from srgan_lib.training import Trainer
from srgan_lib.weights import load_generator, save_weights, weights_info

KINDS = ("picture", "weights", "checkpoint", "archive", "state")
SECONDS = 30  # after which a mutant counts as a hang
_EXTREMES = (
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\0\0\0\0",
    b"\xff\xff\xff\x7f",
    b"\0\1\0\0",
)
_EVIL_NAMES = ("../evil.png", "/tmp/evil.png", "C:\\evil.png", "a/../../evil.png", "CON")


def _pictures() -> dict[str, bytes]:
    noise = np.random.default_rng(0).integers(0, 256, (12, 17, 4), np.uint8)
    files = {}
    for mode in ("RGB", "RGBA", "L", "P", "CMYK"):
        for name, suffix in (("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp"), ("TIFF", "tif"),
                             ("BMP", "bmp")):  # fmt: skip
            buffer = io.BytesIO()
            try:
                Image.fromarray(noise).convert(mode).save(buffer, name, exif=_exif())
            except OSError:  # a mode that the format does not have
                continue
            files[f"{mode}.{suffix}"] = buffer.getvalue()
    return files


def _kept() -> dict[str, bytes]:
    """Files with more in them than a picture of 8 bits: frames, pages, depth, what colors mean."""
    rng, files = np.random.default_rng(1), {}
    frames = [Image.fromarray(rng.integers(0, 256, (12, 17, 4), np.uint8)) for _ in range(3)]
    kinds = {"png": ("RGBA", "PNG"), "webp": ("RGBA", "WEBP"), "gif": ("P", "GIF"),
             "tif": ("RGBA", "TIFF"), "tiff": ("L", "TIFF")}  # fmt: skip
    for suffix, (mode, kind) in kinds.items():
        first, *rest = [frame.convert(mode) for frame in frames]
        buffer = io.BytesIO()
        options = {} if kind == "TIFF" else {"duration": [40, 50, 60], "loop": 2}
        first.save(buffer, kind, save_all=True, append_images=rest, dpi=(300, 300), **options)
        files[f"frames {mode}.{suffix}"] = buffer.getvalue()
    white = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    gamma = struct.pack(">I", 100_000)
    codes = ((b"cHRM", white), (b"gAMA", gamma), (b"cICP", b"\x0c\x0d\0\1"))
    for channels in (1, 2, 3, 4):
        gray = channels < 3
        color, profile = codes if channels % 2 else (), make_profile(PRIMARIES[12], 2.2, gray=gray)
        for kind in (np.uint8, np.uint16):
            rows = rng.integers(0, np.iinfo(kind).max, (12, 17, channels), kind)
            like = Contents(
                rows, None, profile, _exif().tobytes(), b"<x:xmpmeta/>", (300, 300), color
            )
            sheet = Sheet(17, 12, channels, [rows], like)
            for suffix, write in (("png", _png), ("tif", _tiff)):
                files[f"{kind.__name__} {channels}.{suffix}"] = write(sheet)
    samples = rng.integers(0, 4096, (12, 17, 3)).astype(">u2")
    files["P6.ppm"] = b"P6 17 12 4095\n" + samples.tobytes()
    return files


def _png(sheet: Sheet) -> bytes:
    buffer = io.BytesIO()
    size = (sheet.width, sheet.height, sheet.channels)
    writer = PNGWriter(buffer, *size, sheet.like, bits=sheet.bits)
    writer.write(sheet.rows[0])
    writer.close()
    return buffer.getvalue()


def _tiff(sheet: Sheet) -> bytes:
    buffer = io.BytesIO()
    writer = TIFFWriter(buffer)
    writer.page(sheet)
    writer.write(sheet.rows[0])
    writer.close()
    return buffer.getvalue()


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _archives(rng: random.Random) -> dict[str, bytes]:
    names = ["a.png", "in/b.png", rng.choice([*_EVIL_NAMES, "c.png", "d.png"])]
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as file:
        warnings.simplefilter("ignore")
        for name in names:
            file.writestr(name, b"content" * 20)
    with tarfile.open(fileobj=tarred, mode=rng.choice(["w", "w:gz", "w:bz2", "w:xz"])) as file:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 50
            if rng.random() < 0.2:
                info.type, info.linkname = rng.choice([b"1", b"2", b"3", b"6"]), "/etc/passwd"
            file.addfile(info, io.BytesIO(bytes(50)))
    return {"x.zip": zipped.getvalue(), "x.tar": tarred.getvalue()}


def mutate(content: bytes, rng: random.Random) -> bytes:
    """One to eight changes: wrong bytes, cuts, copies, holes, extreme numbers."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 8])):
        if not data:
            break
        # Headers are short, and what is wrong in them does the most harm.
        end = min(len(data), 200) if rng.random() < 0.5 else len(data)
        at, length = rng.randrange(end), rng.randrange(1, 40)
        match rng.randrange(7):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at] = rng.randrange(256)
            case 2:
                length = len(data) if rng.random() < 0.3 else length
                del data[at : at + length]
            case 3:
                data[at:at] = rng.randbytes(length)
            case 4:
                data[at : at + length] = bytes(length)
            case 5:
                data[at : at + 4] = rng.choice(_EXTREMES)
            case 6:
                data[at:at] = data[at : at + length]
    return bytes(data)


def _mended_png(data: bytes) -> bytes:
    """With right checksums again, so that the damage is not found by them."""
    out, at = bytearray(data[:8]), 8
    while at + 12 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        body = data[at + 4 : at + 8 + length]
        out += data[at : at + 8 + length] + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return bytes(out)


def _repacked(data: bytes, rng: random.Random) -> bytes:
    """A zip of which one member is damaged, with the right checksum."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        chosen = rng.choice([*old.namelist(), *[n for n in old.namelist() if "pkl" in n] * 9])
        for name in old.namelist():
            new.writestr(name, mutate(old.read(name), rng) if name == chosen else old.read(name))
    return buffer.getvalue()


def _damaged_header(data: bytes, rng: random.Random) -> bytes:
    """Safetensors with a header that is JSON still, but says something else."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    wrong = [10**9, -1, 0, 2.5, "4", None, [], float("nan"), True]
    config = json.loads(header["__metadata__"]["config"])
    config[rng.choice([*config])] = rng.choice(wrong)
    header["__metadata__"]["config"] = rng.choice([json.dumps(config), "[]", "1", "{}", "[" * 9999])
    header["__metadata__"]["info"] = rng.choice(["[]", "{", '{"step": []}'])
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def _trainer(folder: Path | None) -> Trainer:
    pictures = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    size = {"channels": 2, "num_blocks": 1, "batch_size": 1, "patch_size": 32}
    return Trainer(get_recipe("srresnet", "smoke", **size), PatchPool(pictures), folder)


class Attacker:
    """The undamaged files, and `attack`.

    Args:
        folder: an empty folder that everything happens in.
    """

    def __init__(self, folder: Path):
        self.folder, self.pictures = folder, {**_pictures(), **_kept()}
        save_weights(folder / "good.safetensors", Generator(2, 1, 2, "course"))
        self.weights = (folder / "good.safetensors").read_bytes()
        (folder / "good.safetensors").unlink()
        buffer = io.BytesIO()
        torch.save(_trainer(None).state(), buffer)
        self.checkpoint = buffer.getvalue()

    def attack(self, kind: str, seed: int) -> str:
        """Read one damaged file; returns "result" or the error's class."""
        rng = random.Random(f"{kind} {seed}")
        before = set(self.folder.iterdir())
        with (
            tempfile.TemporaryDirectory(dir=self.folder) as place,
            _limited(SECONDS),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            try:
                getattr(self, f"_{kind}")(Path(place), rng)
                outcome = "result"
            except SRGANError as error:
                outcome = type(error).__name__
                assert str(error).endswith("."), error
        assert not Path("/tmp/evil.png").exists()
        assert set(self.folder.iterdir()) == before, "a file outside the given folder"
        return outcome

    def _picture(self, place: Path, rng: random.Random) -> None:
        name = rng.choice([*self.pictures])
        data = mutate(self.pictures[name], rng)
        if name.endswith("png") and rng.random() < 0.6:
            data = _mended_png(data)
        (place / name).write_bytes(data)
        target = place / rng.choice(["sr.png", "sr.png", "sr.tif", "sr.webp", "sr.jpg"])
        width, height = upscale_file(bicubic_enlarger(2), place / name, target)
        made = read_contents(target)
        assert made.image.shape == (height, width, 3)
        assert len(list(read_frames(target))) == made.frames

    def _weights(self, place: Path, rng: random.Random) -> None:
        change = _damaged_header if rng.random() < 0.4 else mutate
        path = place / "w.safetensors"
        path.write_bytes(change(self.weights, rng))
        model = load_generator(path)
        weights_info(path)
        upscale(model, np.zeros((8, 8, 3), np.uint8))

    def _checkpoint(self, place: Path, rng: random.Random) -> None:
        change = _repacked if rng.random() < 0.5 else mutate
        (place / CHECKPOINT).write_bytes(change(self.checkpoint, rng))
        if rng.random() < 0.5:
            (place / f"{CHECKPOINT}.previous").write_bytes(self.checkpoint)
            assert load_checkpoint(place / CHECKPOINT) is not None
        _trainer(place).resume()

    def _state(self, place: Path, rng: random.Random) -> None:
        change = _repacked if rng.random() < 0.5 else mutate
        data = change(self.checkpoint, rng) if rng.random() < 0.7 else mutate(self.weights, rng)
        path = place / rng.choice(["w.pth", "w.safetensors"])
        path.write_bytes(data)
        read_state(path)

    def _archive(self, place: Path, rng: random.Random) -> None:
        name, data = rng.choice([*_archives(rng).items()])
        (place / name).write_bytes(data if rng.random() < 0.3 else mutate(data, rng))
        (place / "out").mkdir()
        try:
            extract(place / name, place / "out" / "set", limit=10**7, progress=False)
        finally:
            assert {p.name for p in place.iterdir()} == {name, "out"}
            assert {p.name for p in (place / "out").iterdir()} <= {"set"}


@contextmanager
def _limited(seconds: int):
    def hang(*_):
        raise TimeoutError(f"it took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    attacker, table = Attacker(Path(sys.argv[1])), {}
    for kind in KINDS:
        table[kind] = collections.Counter(
            attacker.attack(kind, seed) for seed in range(int(sys.argv[2]))
        )
    print(json.dumps(table))
