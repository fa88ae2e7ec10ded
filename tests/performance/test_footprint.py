"""The memory of enlarging is that of a real process."""

import pytest

from srgan_lib.cli import benchmark as command
from srgan_lib.cli.parser import main
from srgan_lib.errors import ConfigError, SRGANError
from srgan_lib.performance.peak_memory import footprint


def test_the_memory_of_a_process_is_measured():
    small = footprint(8, "bicubic")
    assert small["sr_side"] == 32 and small["seconds"] > 0
    assert 100 < small["megabytes"] < 3_000  # PyTorch alone takes hundreds
    large = footprint(3000, "bicubic")
    # The picture itself, 27 MB, and what becomes of it; of SR's 432 MB only a band at a time.
    assert small["megabytes"] + 20 < large["megabytes"] < small["megabytes"] + 400


@pytest.mark.parametrize("side", ["0", "-8"])
def test_a_bad_size_is_refused_before_minutes_of_timing(side, monkeypatch, capsys):
    monkeypatch.setattr(command, "benchmark", None)
    assert main(["benchmark", "--memory", side]) == 2
    assert f"at least 1 pixel a side, not {side}" in capsys.readouterr().err


def test_what_fails_is_said_in_its_own_words():
    with pytest.raises(SRGANError, match=r"8x8 pixels failed: error: .*no_such"):
        footprint(8, "no_such")
    with pytest.raises(ConfigError, match="not 0"):
        footprint(0)
