"""Damaged and malicious files end in a result or in one documented sentence, never in a crash."""

import pytest
from mutants import KINDS, Attacker


@pytest.fixture(scope="module")
def attacker(tmp_path_factory):
    return Attacker(tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("kind", KINDS)
def test_mutants(attacker, kind):
    """40 of each kind; `make soak` has 400."""
    outcomes = [attacker.attack(kind, seed) for seed in range(40)]
    assert len(set(outcomes)) > 1  # some are read and some are refused
