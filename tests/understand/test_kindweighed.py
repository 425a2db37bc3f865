"""What the gist of a call changes in what its phrases came to, and what it must not."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.model import UNKNOWN, Resolution, Understanding

Say = Callable[..., Understanding]
CALLER = Resolution("matched", "u1", "穗东商业广场", 0.99, 0.9, "穗东商业广场", ("speech",))
COMMAND = Resolution("matched", None, "指挥中心", 0.99, 0.9, "指挥中心", ("speech",), (), "command")


def report(say: Say, text: str) -> Understanding:
    return say(f"指挥中心，穗东商业广场报告，{text}", None, CALLER, COMMAND)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("有个爷爷说一转身孙子就没影了，四岁，穿黄衣服，请派人帮着找", "MISSING_CHILD"),
        ("收银的小姑娘让客人扇了两巴掌，脸都肿了", "ASSAULT"),
        ("顾客说买的皮鞋开胶了要退，店家不肯，两边争了半天", "DISPUTE"),
    ],
)
def test_a_report_that_no_phrase_knows_is_told_and_shown_to_a_person(text: str, kind: str, say: Say) -> None:
    told = report(say, text)
    assert (told.incident.polarity, told.incident.code) == ("report", kind)
    assert f"gist:{kind}" in told.review_reasons


def test_an_emergency_without_a_kind_gets_the_kind_that_all_words_tell(say: Say) -> None:
    told = report(say, "有紧急情况，店里有个客人手捂着胸口直冒冷汗，脸都白了，请叫救护车")
    assert told.incident.polarity == "report"
    assert told.incident.code != "UNKNOWN"


@pytest.mark.parametrize(
    "text",
    [
        "现场没有发生火灾",
        "一切正常，没有人打架",
        "装备齐全，5人在岗",
        "刚才说有人打架的那个事",
    ],
)
def test_what_is_denied_routine_or_known_opens_nothing(text: str, say: Say) -> None:
    assert report(say, text).incident.polarity != "report"


def test_nobody_who_does_not_call_opens_anything_by_gist(say: Say) -> None:
    told = say("有个爷爷说一转身孙子就没影了，四岁，穿黄衣服", None, UNKNOWN, UNKNOWN)
    assert told.incident.polarity == "none"


def test_an_open_incident_keeps_its_kind_whatever_is_added(talk: Any) -> None:
    talk.say("指挥中心，我是穗东商业广场，5栋着火了，请派消防", CALLER, COMMAND)
    talk.say("指挥中心，穗东商业广场，有个老人跑得急，手捂着胸口直冒冷汗", CALLER, COMMAND)
    assert talk.incident().code == "FIRE"


@pytest.mark.parametrize(
    "text",
    ["现在是演练，假设小广场有人晕倒，我们两个人抬担架过去", "这是演练，8栋2单元模拟有人持刀，请求支援"],
)
def test_in_an_exercise_phrases_decide(text: str, say: Say) -> None:
    told = report(say, text)
    assert (told.incident.polarity, told.exercise) == ("report", True)
