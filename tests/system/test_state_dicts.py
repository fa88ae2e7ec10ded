"""Weights that cannot be downloaded: one sentence with the reason in words."""

from types import SimpleNamespace
from urllib.error import URLError

import pytest

from srgan_lib.errors import WeightsError
from srgan_lib.system.state_dicts import download_state


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (URLError(ConnectionRefusedError(111, "Connection refused")), "(Connection refused)"),
        (URLError("no host given"), "(no host given)"),
        (TimeoutError("timed out"), "(timed out)"),
        (RuntimeError("invalid hash value"), "(invalid hash value)"),
    ],
)
def test_no_network_is_said_in_words(error, reason):
    def fail(**_):
        raise error

    official = SimpleNamespace(get_state_dict=fail, url="address")
    with pytest.raises(WeightsError) as caught:
        download_state(official, "name a local copy")
    sentence = str(caught.value)
    assert reason in sentence and "urlopen" not in sentence and "Errno" not in sentence
    assert sentence.endswith("go online, or name a local copy.")
