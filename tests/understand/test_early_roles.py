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


@pytest.mark.parametrize(
    "call",
    [
        "枫林书店叫指挥中心，枫林书店叫指挥中心，听到没有",
        "枫林书店喊指挥中心，收到请回答",
        "指挥中心早上好，枫林书店报到，应到5人实到4人",
        "早上好，枫林书店报到",
        "指挥中心，枫林书店东门有人打架",
        "枫林书店最小应急单元门口有人打架",
        "指挥中心，枫林书店的保安报告，有人打架",
        "枫林书店前台报告，有个客人不肯走",
        "指挥中心，我们枫林书店停电了",
        "指挥中心枫林书店北侧有人打架",
        "指挥中心枫林书店附近有人打架",
        "指挥中心枫林书店上周修的门又坏了",
        "指挥中心，有个小伙子翻过栏杆要往河里跳，枫林书店，快叫警察",
        "指挥中心听到请讲，枫林书店",
        "指挥中心，枫林书店，在不在",
        "指挥中心，枫林书店，听到请回答",
    ],
)
def test_who_hails_greets_or_tells_of_its_own_place_speaks(call: str) -> None:
    assert RESOLVER.resolve(normalise(call)).caller.unit_id == "book"


@pytest.mark.parametrize(
    "call",
    [
        "指挥中心叫枫林书店，收到请回答",
        "枫林书店，枫林书店，收到请报告在岗人数",
        "枫林书店东门那家店还开着吗",
        "我刚才路过枫林书店，人很多",
        "枫林书店附近哪里能停车",
        "枫林书店上次不是丢了电动车吗",
        "指挥中心，有人往枫林书店跑了",
        "指挥中心呼叫枫林书店，听到请回答",
        "这里是指挥中心，枫林书店，听到请回答",
        "有个小伙子翻过栏杆，枫林书店那边",
    ],
)
def test_who_is_hailed_or_talked_about_does_not_speak(call: str) -> None:
    assert RESOLVER.resolve(normalise(call)).caller.unit_id != "book"


def test_a_number_is_nobodys_place() -> None:
    numbered = Resolver(Registry((Unit("book", "枫林书店最小应急单元", callsign="0831"),)), "指挥中心")
    assert numbered.resolve(normalise("洞八三幺西门有人倒下了，请派120")).caller.unit_id == "book"


def test_what_sounds_like_floors_behind_a_long_number_begins_the_next_word() -> None:
    numbered = Resolver(Registry((Unit("book", "枫林书店最小应急单元", callsign="0831"),)), "指挥中心")
    assert numbered.resolve(normalise("指挥中心洞八三幺楼上漏水了")).caller.unit_id == "book"
    assert numbered.resolve(normalise("指挥中心洞八三幺元一个月")).caller.unit_id is None


def test_a_unit_whose_name_ends_like_the_posts_speaks_behind_it() -> None:
    centre = Resolver(Registry((Unit("centre", "君津中心最小应急单元"),)), "指挥中心")
    assert centre.resolve(normalise("指挥中心，君金中心，卸货区有人打架")).caller.unit_id == "centre"


def test_names_that_only_differ_by_a_nasal_are_left_to_a_person() -> None:
    twins = Resolver(
        Registry((Unit("star", "星汇园"), Unit("new", "新慧园"), Unit("far", "望海酒店"))), "指挥中心"
    )
    caller = twins.resolve(normalise("指挥中心，我是新会园，有人打架")).caller
    assert (caller.status, {one.unit_id for one in caller.candidates}) == ("ambiguous", {"star", "new"})
