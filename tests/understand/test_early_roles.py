"""Who speaks where the words around the name are those of a report, a radio check or a lost call."""

import pytest

from gateway.model import Unit
from gateway.understand.normalise import normalise
from gateway.understand.registry import Registry
from gateway.understand.resolve import Resolver

RESOLVER = Resolver(
    Registry((Unit("book", "枫林书店最小应急单元"), Unit("hotel", "望海酒店最小应急单元"))), "指挥中心"
)


@pytest.mark.parametrize(
    "call",
    [
        "枫林书店试机，听得清楚吗",
        "指挥室，信号太差，枫林书店没听清，请重复",
        "枫林书店，呼号洞五，9人在岗",
        "枫林书店报到，装备齐全",
    ],
)
def test_who_checks_the_radio_or_lost_the_call_speaks(call: str) -> None:
    assert RESOLVER.resolve(normalise(call)).caller.unit_id == "book"


@pytest.mark.parametrize("call", ["枫林书店的王队长在不在", "枫林书店的人有没有收到"])
def test_a_hail_a_few_words_later_still_calls_whom_it_names(call: str) -> None:
    assert RESOLVER.resolve(normalise(call)).caller.status != "matched"
