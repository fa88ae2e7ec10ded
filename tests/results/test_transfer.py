"""What one network has learned, added to another: the arithmetic, and what the card says of it."""

import pytest
import torch

from srgan_lib.errors import ConfigError
from srgan_lib.models import Generator
from srgan_lib.results import transfer
from srgan_lib.results.card_text import start
from srgan_lib.results.cards import start_facts
from srgan_lib.weights import load_generator, save_weights


@pytest.fixture
def family(tmp_path):
    """Three generators of one size, as files that say how long they were trained."""
    torch.manual_seed(0)
    files = {}
    for steps, name in enumerate(("srgan", "srresnet-photo", "srresnet"), start=5):
        generator = Generator(num_blocks=1, channels=4)
        torch.nn.init.normal_(generator.head[0].weight)
        files[name] = tmp_path / f"{name}.safetensors"
        facts = {"recipe": {"name": name}, "step": steps, "minutes": 1.0, "device": "CPU"}
        save_weights(files[name], generator, **facts)
    return files


def test_the_difference_is_added_and_nothing_else_changes(family):
    first, tuned, before = map(load_generator, family.values())
    weight = transfer.transfer(first, tuned, before).head[0].weight
    expected = first.head[0].weight + tuned.head[0].weight - before.head[0].weight
    assert torch.equal(weight, expected) and not torch.equal(weight, first.head[0].weight)
    same = transfer.transfer(first, before, before).state_dict()
    assert all(torch.allclose(same[k], v, atol=1e-6) for k, v in first.state_dict().items())


def test_the_file_says_where_it_comes_from(family, tmp_path, capsys):
    arguments = [*map(str, family.values()), str(tmp_path / "out")]
    assert transfer.main(arguments) == 0
    facts = start_facts(capsys.readouterr().out.strip())
    said = start({"init": facts, "device": "CPU"}, short=True)
    assert said.startswith(
        "`srgan` with what `srresnet-photo` learned in 6 steps from `srresnet` added to its "
        "weights; that from `srgan` after 5 steps"
    )
    assert transfer.main(arguments) == 2  # nothing is overwritten
    assert "exists" in capsys.readouterr().err


def test_networks_of_another_size_are_refused():
    small, other = Generator(num_blocks=1, channels=4), Generator(num_blocks=1, channels=8)
    with pytest.raises(ConfigError, match="cannot be added"):
        transfer.transfer(small, small, other)
