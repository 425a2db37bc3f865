"""What others wrote is read or refused in words, never more; `python -m tools.fuzz` looks for longer."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.fuzz import mutated
from tools.fuzztargets import TARGETS, seeds


@pytest.mark.parametrize("name", TARGETS)
def test_good_input_and_input_too_deep(name: str) -> None:
    for seed in seeds(name):
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=30, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
@given(chance=st.randoms(use_true_random=False), wild=st.binary(max_size=300), is_wild=st.booleans())
def test_mutated_input(name: str, chance: random.Random, wild: bytes, is_wild: bool) -> None:
    TARGETS[name](wild if is_wild else mutated(chance.choice(seeds(name)), chance))
