"""What the phone head heard, read as text and resolved to parties, on evidence made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import PhoneEvidence, Unit
from gateway.understand.hanzi import is_read_one_way
from gateway.understand.phonereading import RADIO_CHARACTERS, read_phones
from gateway.understand.phones import PHONES, phones_of
from gateway.understand.registry import Registry
from gateway.understand.resolve import Resolver
from tests.support.phone_evidence import evidence

UNITS = (
    Unit("a", "榕树湾A区最小应急单元"),
    Unit("b", "榕树湾B区最小应急单元"),
    Unit("book", "枫林书店最小应急单元", callsign="洞五"),
    Unit("race", "跑马场最小应急单元"),
    Unit("horse", "马场最小应急单元"),
    Unit("citic", "中信大厦最小应急单元"),
    Unit("hotel", "望海酒店最小应急单元"),
)


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    return Resolver(Registry(UNITS), "指挥中心")


def test_reading_is_legible_where_speech_is_ordinary() -> None:
    reading = read_phones(evidence("指挥中心，我是枫林书店"))
    assert reading.text.startswith("指挥中心,我是")
    assert len(reading.times) == len(reading.text)
    assert reading.times == tuple(sorted(reading.times))
    start, end = reading.span_s(5, 7)
    assert 0.9 < start < end < 2.5


def test_silence_reads_as_nothing() -> None:
    silence = np.zeros((50, len(PHONES) + 1), np.float32)
    silence[:, 0] = 9
    assert read_phones(PhoneEvidence(silence, PHONES)).text == ""


# 了 is liao in 已了, 没 is mo in 出没: what is written for such a sound may change beside its neighbour.
PLAIN = "".join(
    c for c in RADIO_CHARACTERS if is_read_one_way(c) and is_read_one_way(read_phones(evidence(c)).text)
)


@given(st.text(alphabet=PLAIN, min_size=1, max_size=12))
def test_what_was_said_can_be_said_again(text: str) -> None:
    assert phones_of(read_phones(evidence(text)).text) == phones_of(text)


@pytest.mark.parametrize(
    ("said", "caller"),
    [
        ("指挥中心，我是枫林书店", "book"),
        ("枫林书店收到，在岗三人", "book"),
        ("指挥中心，我是榕树湾A区最小应急单元", "a"),
        ("指挥中心，我是榕树湾B区最小应急单元", "b"),
        ("这里是跑马场，听到请讲", "race"),
        ("这里是马场，听到请讲", "horse"),
        ("收到，马上安排", None),
        ("今天中午去食堂吃饭", None),
    ],
)
def test_callers_are_told_from_sound_alone(resolver: Resolver, said: str, caller: str | None) -> None:
    assert resolver.resolve("", evidence(said)).caller.unit_id == caller


def test_the_one_who_is_called_is_not_the_caller(resolver: Resolver) -> None:
    parties = resolver.resolve("", evidence("望海酒店，望海酒店，听到请回答"))
    assert parties.caller.unit_id is None
    assert parties.callee.unit_id == "hotel"


def test_a_role_word_is_heard_though_the_reading_garbles_it(resolver: Resolver) -> None:
    garbled = evidence("明天下午三点，我是望海酒店", confused={"ir": "ei"}, doubt=2.0)
    assert "我是" not in read_phones(garbled).text
    assert resolver.resolve("", garbled).caller.unit_id == "hotel"


def test_a_unit_that_opens_the_call_speaks_and_one_in_passing_does_not(resolver: Resolver) -> None:
    assert resolver.resolve("", evidence("枫林书店试机")).caller.unit_id == "book"
    assert resolver.resolve("", evidence("我明天去枫林书店买书")).caller.unit_id is None


def test_the_command_post_is_not_a_unit_that_sounds_a_little_like_it(resolver: Resolver) -> None:
    parties = resolver.resolve("", evidence("指挥中心，我是望海酒店"))
    assert (parties.caller.unit_id, parties.callee.kind) == ("hotel", "command")


def test_sound_decides_what_the_text_leaves_open(resolver: Resolver) -> None:
    garbled = "指挥中心,我是容数完一区"
    assert resolver.resolve(garbled).caller.status != "matched"
    heard = evidence("指挥中心，我是榕树湾B区", confused={"r": "l", "an": "ang"})
    assert resolver.resolve(garbled, heard).caller.unit_id == "b"


def test_a_callsign_is_told_though_some_of_its_sounds_are_heard_as_others() -> None:
    units = (
        *UNITS,
        Unit("one", "棠湖码头最小应急单元", callsign="1803"),
        Unit("two", "新兴超市最小应急单元", callsign="2765"),
    )
    numbered = Resolver(Registry(units), "指挥中心")
    heard = evidence("指挥中心，我是幺八洞三，十号楼着火了", confused={"y": "j", "d": "t"}, doubt=3.6)
    assert "洞" not in read_phones(heard).text
    assert numbered.resolve("", heard).caller.unit_id == "one"
    house = evidence("指挥中心，我是三栋八楼的住户")
    assert numbered.resolve("", house).caller.unit_id is None


@pytest.mark.parametrize(
    ("call", "text"),
    [("测试通话，一二三四五", "测试通话1235"), ("试音试音，棠德北小区，能听到吗", "是因是因唐德贝小区")],
)
def test_nobody_is_named_by_counting_or_trying_a_radio(call: str, text: str) -> None:
    units = (
        *UNITS,
        Unit("count", "南湾印刷厂最小应急单元", callsign="1234"),
        Unit("like", "东岭仓库最小应急单元", callsign="1223"),
        Unit("two", "北岸市场最小应急单元", callsign="11"),
    )
    assert Resolver(Registry(units), "指挥中心").resolve(text, evidence(call)).caller.unit_id is None
