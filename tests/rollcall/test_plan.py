import re
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.model import Unit
from gateway.phrases import DrillPhrases, Phrases
from gateway.rollcall.plan import Plan, PlannedUnit, choose_units

REGISTRY = (
    Unit("u1", "金穗花园", unit_class="C", street="石牌"),
    Unit("u2", "棠东小学", unit_class="A", street="棠下", state="holiday"),
    Unit("u3", "五山市场", unit_class="D", street="五山", state="disabled"),
    Unit("u4", "千耀酒店", unit_class="B", street="石牌"),
    Unit("u5", "黄石中学", unit_class="A", street="石牌"),
)


def ids(units: tuple[PlannedUnit, ...]) -> list[str]:
    return [unit.unit_id for unit in units]


@pytest.mark.parametrize(
    ("chosen", "called", "excused"),
    [
        ({}, ["u1", "u4", "u5"], ["u2", "u3"]),
        ({"streets": ["石牌"]}, ["u1", "u4", "u5"], []),
        ({"classes": ["A"]}, ["u5"], ["u2"]),
        ({"streets": ["石牌"], "classes": ["A", "B"]}, ["u4", "u5"], []),
        ({"unit_ids": ["u5", "u1", "u3"]}, ["u1", "u5"], ["u3"]),
        ({"unit_ids": ["u5", "u1"], "order": "as_listed"}, ["u5", "u1"], []),
    ],
)
def test_whom_it_calls(chosen: dict[str, Any], called: list[str], excused: list[str]) -> None:
    units, off_duty = choose_units(REGISTRY, **chosen, random=Random(1))

    assert (ids(units), ids(off_duty)) == (called, excused)


@given(st.integers(1, 5), st.integers(0, 99))
def test_a_sample_is_drawn_from_those_on_duty(size: int, seed: int) -> None:
    units, _ = choose_units(REGISTRY, sample=size, order="random", random=Random(seed))

    assert len(units) == min(size, 3)
    assert set(ids(units)) <= {"u1", "u4", "u5"}


@pytest.mark.parametrize(
    ("chosen", "message"), [({"unit_ids": ["u9"]}, "u9"), ({"streets": ["五山"]}, "nobody is left")]
)
def test_a_choice_that_cannot_be_is_named(chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose_units(REGISTRY, **chosen, random=Random(1))


@pytest.mark.parametrize("phrases", [{"call": "听到请回答"}, {"open": "{unit}开始"}, {"call": "{unit}{who}"}])
def test_phrases_that_cannot_be_said_are_refused(phrases: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Phrases(**phrases)


def test_a_plan_speaks_as_the_station_does() -> None:
    plan = Plan(rollcall_id="r", radio="ch1", command_post="指挥室", units=choose_units(
        REGISTRY, random=Random(1))[0])  # fmt: skip

    assert plan.say("call", "u4") == "指挥室呼叫千耀酒店,听到请回答"
    assert plan.say("close") == "点名结束"


def test_a_unit_is_planned_once() -> None:
    unit = PlannedUnit(unit_id="u1", name="金穗花园")
    with pytest.raises(ValidationError, match="u1"):
        Plan(rollcall_id="r", radio="ch1", command_post="指挥室", units=(unit,), excused=(unit,))


@pytest.mark.parametrize(
    ("phrases", "word"),
    [
        ({"open": "各单元注意,现在开始"}, "exercise"),
        ({"order_point": "请{units}立即到场"}, "order_point must say"),
        ({"repeat": "演练,请立即到{place}"}, "{units}"),
        ({"close": ""}, "close must say"),
        ({"acknowledge": "{units}收到"}, "{units} means nothing here"),
    ],
)
def test_drill_phrases_that_may_not_be_said_are_refused(phrases: dict[str, str], word: str) -> None:
    with pytest.raises(ValueError, match=re.escape(word)):
        DrillPhrases(**phrases)
