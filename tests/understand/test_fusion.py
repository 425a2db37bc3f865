"""How names and stances become a probability, and what a station's cost makes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Unit
from gateway.understand.fusion import Claims, fuse_claims
from gateway.understand.grounds import Trace
from gateway.understand.normalise import normalise
from gateway.understand.pinyin import syllables
from gateway.understand.registry import Registry
from gateway.understand.resolve import Resolver, ResolverSettings

UNITS = (
    Unit("book", "枫林书店最小应急单元", callsign="洞五"),
    Unit("hotel", "望海酒店最小应急单元"),
    Unit("park", "松涛公园最小应急单元"),
    Unit("four", "滨河市场最小应急单元", callsign="幺四"),
)


def heard(**nats: tuple[float, float]) -> Claims:
    """One reader's claims, as unit=(name, role)."""
    trace = Trace("text", {}, {}, "", syllables(""), lambda _: 0.0)
    names = {unit: name for unit, (name, _) in nats.items()}
    places = dict.fromkeys(names, 0)
    return Claims(names, {unit: role for unit, (_, role) in nats.items()}, -3.0, trace, {}, places)


CLAIMS = st.dictionaries(
    st.sampled_from("uvwxyz"), st.tuples(st.floats(-9, 40), st.floats(-9, 9)), max_size=6
)


@given(st.lists(CLAIMS, min_size=1, max_size=2))
def test_scores_are_probabilities_best_first(readers: list[dict[str, tuple[float, float]]]) -> None:
    shares = fuse_claims([heard(**one) for one in readers], (0.0, 0.0), {}, 6.0)
    values = [share for _, share in shares]
    assert values == sorted(values, reverse=True)
    assert sum(values) <= 1 + 1e-9
    assert {unit for unit, _ in shares} == {unit for one in readers for unit in one}


def test_a_name_beyond_doubt_makes_nobody_a_caller() -> None:
    called = dict(fuse_claims([heard(u=(40.0, -3.0))], (0.0, 0.0), {}, 6.0))
    mumbled = dict(fuse_claims([heard(u=(-3.0, 9.0))], (0.0, 0.0), {}, 6.0))
    said = dict(fuse_claims([heard(u=(6.0, 4.0))], (0.0, 0.0), {}, 6.0))
    assert called["u"] < 0.1
    assert mumbled["u"] < 0.1
    assert said["u"] > 0.9


def test_a_long_name_in_passing_does_not_outweigh_a_short_one_that_speaks() -> None:
    one = heard(caller=(6.0, 4.0), passing=(30.0, -3.0))
    apart = Claims(one.names, one.roles, one.absent_nats, one.trace, {}, {"caller": 0, "passing": 1})
    shares = dict(fuse_claims([apart], (0.0, 0.0), {}, 6.0))
    assert shares["caller"] > 0.9


def test_two_readers_agreeing_are_surer_than_one_and_a_stranger_to_one_is_unlikely() -> None:
    one = dict(fuse_claims([heard(u=(1.0, 4.0), v=(0.5, 4.0))], (0.0, 0.0), {}, 6.0))
    both = dict(fuse_claims([heard(u=(1.0, 4.0), v=(0.5, 4.0)), heard(u=(2.0, 1.0))], (0.0, 0.0), {}, 6.0))
    assert both["u"] > one["u"]
    assert both["v"] < one["v"]


@pytest.mark.parametrize(
    "text",
    [
        "十四日，市民反映当地菜价上涨",
        "幺四，今天天气不错",
        "昨天有十四名学生参加比赛",
        "枫林书店，枫林书店，听到请回答",
        "请望海酒店立即赶到东门集结",
        "我刚才路过松涛公园，看到你弟弟了",
    ],
)
def test_who_is_only_named_does_not_call(text: str) -> None:
    assert Resolver(Registry(UNITS), "指挥中心").resolve(normalise(text)).caller.status != "matched"


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("演练演练，望海酒店模拟发现持刀歹徒，正在处置", "hotel"),
        ("望海酒店试机，声音怎么样", "hotel"),
        ("望海酒店，大堂有人闹事，请派警力", "hotel"),
        ("指挥中心，松涛公园，东门着火了", "park"),
        ("枫林书店，枫林书店，望海酒店呼叫，请回答", "hotel"),
        ("指挥中心，洞五报告，有紧急情况", "book"),
    ],
)
def test_callers_without_a_plain_marker_are_told(text: str, unit: str) -> None:
    assert Resolver(Registry(UNITS), "指挥中心").resolve(normalise(text)).caller.unit_id == unit


def test_a_dearer_mistake_names_fewer() -> None:
    text = normalise("王海九点，声音怎么样")
    cheap, dear = (
        Resolver(Registry(UNITS), "指挥中心", ResolverSettings(wrong_unit_cost=cost)).resolve(text).caller
        for cost in (1.5, 5_000.0)
    )
    assert cheap.candidates == dear.candidates
    assert (cheap.status, dear.status) == ("matched", "ambiguous")
