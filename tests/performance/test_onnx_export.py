"""An exported network computes what PyTorch does, in a runtime that has no PyTorch."""

import sys

import numpy as np
import pytest
import torch

from srgan_lib.cli import main
from srgan_lib.errors import ConfigError, SRGANError
from srgan_lib.inference import upscale
from srgan_lib.models import Generator
from srgan_lib.performance.onnx_export import export_onnx
from srgan_lib.weights import save_weights


def network(variant):
    torch.manual_seed(3)
    generator = Generator(num_blocks=2, channels=8, variant=variant).eval()
    torch.nn.init.normal_(generator.tail.weight, std=0.3)
    return generator


def run(path, lr):
    """SR of a picture, by ONNX Runtime."""
    runtime = pytest.importorskip("onnxruntime", reason="pip install onnxruntime")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    batch = lr.transpose(2, 0, 1)[None].astype(np.float32) / 255
    (sr,) = session.run(None, {"lr": batch})
    assert sr.min() >= 0 and sr.max() <= 1
    return np.round(sr[0].transpose(1, 2, 0) * 255).astype(np.uint8)


def same(path, generator):
    """Whether ONNX Runtime makes of pictures of several sizes what PyTorch does."""
    for height, width in ((8, 9), (31, 20)):
        lr = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
        expected = upscale(generator, lr)
        assert expected.std() > 20
        assert np.abs(run(path, lr).astype(int) - expected).max() <= 1
    return True


@pytest.mark.parametrize("variant", ["paper", "blog"])
def test_exported_networks_have_one_interface(tmp_path, variant):
    pytest.importorskip("onnxscript", reason="pip install 'srgan_lib[export]'")
    generator = network(variant)
    assert same(export_onnx(generator, tmp_path / f"{variant}.onnx"), generator)


def test_the_command_exports_and_keeps_what_is_there(tmp_path, capsys):
    pytest.importorskip("onnxscript", reason="pip install 'srgan_lib[export]'")
    generator = network("course")
    save_weights(tmp_path / "mine.safetensors", generator)
    command = ["export", str(tmp_path / "mine.safetensors"), str(tmp_path / "mine.onnx")]
    assert main(command) == 0
    assert "mine.onnx: x4" in capsys.readouterr().out
    assert same(tmp_path / "mine.onnx", generator)
    assert main(command) == 2 and "exists" in capsys.readouterr().err


def test_another_suffix_and_missing_packages_are_said(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match=r"ends in \.onnx"):
        export_onnx(network("course"), tmp_path / "mine.pt")
    (tmp_path / "mine.onnx").touch()
    with pytest.raises(SRGANError, match="exists"):
        export_onnx(network("course"), tmp_path / "mine.onnx")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ConfigError, match=r"onnxscript missing: pip install 'srgan_lib\[export"):
        export_onnx(network("course"), tmp_path / "other.onnx")
    assert {path.name for path in tmp_path.iterdir()} == {"mine.onnx"}
