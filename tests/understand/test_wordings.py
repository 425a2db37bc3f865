"""Many ways to say one thing, with the commas a person writes and without any, as recognisers write."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.model import UNKNOWN, Resolution, Understanding
from gateway.understand.lexicon import Lexicon
from gateway.understand.naming import names_in
from gateway.understand.resolve import Parties

Say = Callable[..., Understanding]

NAME = "穗东商业广场"
CALLER = Resolution("matched", "u1", NAME, 0.99, 0.9, NAME, ("speech",))
COMMAND = Resolution("matched", None, "指挥中心", 0.99, 0.9, "指挥中心", ("speech",), (), "command")
TABLE = Path(__file__).with_name("wordings.txt")
ROWS = [line.split("|") for line in TABLE.read_text(encoding="utf-8").splitlines() if "|" in line]
REPORTS = [(code, agencies, text) for kind, code, agencies, text in ROWS if kind == "report"]
COUNTS = [(count, text) for kind, _, count, text in ROWS if kind in {"checkin", "answer", "arrived"}]
ENDS = [(kind, text) for kind, _, _, text in ROWS if kind in {"cancel", "resolve"}]
EXERCISES = [text for kind, _, _, text in ROWS if kind == "exercise"]
CHATTER = [text for kind, _, _, text in ROWS if kind == "chatter"]
BARE = pytest.mark.parametrize("bare", [False, True], ids=["commas", "bare"])


def spoken(text: str, *, bare: bool, place: str = "5栋2单元") -> str:
    filled = text.format(u=NAME, c="指挥中心", l=place)
    return re.sub("[，。、？]", "", filled) if bare else filled


def heard(say: Say, text: str, *, bare: bool) -> Understanding:
    caller = CALLER if "{u}" in text else UNKNOWN
    callee = COMMAND if "{c}" in text else UNKNOWN
    return say(spoken(text, bare=bare), None, caller, callee)


@BARE
@pytest.mark.parametrize(("code", "agencies", "text"), REPORTS)
def test_what_happened_and_whom_to_send(code: str, agencies: str, text: str, bare: bool, say: Say) -> None:
    hint = heard(say, text, bare=bare).incident
    assert (hint.polarity, hint.code) == ("report", code)
    assert set(hint.agencies) == set(agencies.split(",")) - {""}
    if "{l}" in text:
        assert {"building": "5栋", "unit": "2单元"}.items() <= dict(hint.location_parts).items()


@BARE
@pytest.mark.parametrize(("count", "text"), COUNTS)
def test_how_many_are_there(count: str, text: str, bare: bool, say: Say) -> None:
    *expected, present = count.split("/")
    told = heard(say, text, bare=bare).headcount
    assert told.present == int(present)
    assert told.expected == (int(expected[0]) if expected else None)


@BARE
@pytest.mark.parametrize(("kind", "text"), ENDS)
def test_what_ends_a_report_opens_none(kind: str, text: str, bare: bool, say: Say) -> None:
    assert heard(say, text, bare=bare).incident.polarity == kind


@BARE
@pytest.mark.parametrize("text", EXERCISES)
def test_an_exercise_is_marked(text: str, bare: bool, say: Say) -> None:
    assert heard(say, text, bare=bare).exercise


@BARE
@pytest.mark.parametrize("text", CHATTER)
def test_chatter_reports_nothing(text: str, bare: bool, say: Say) -> None:
    told = heard(say, text, bare=bare)
    assert told.incident.polarity == "none"
    assert told.headcount.present is None


@pytest.mark.parametrize(
    "text", ["刚才的烟感报警已核实", "更正，是电瓶车不是汽车着火", "刚才说有人打架的那个事"]
)
def test_an_earlier_report_spoken_of_again_opens_nothing_new(text: str, talk: Any) -> None:
    talk.say(f"指挥中心，我是{NAME}，{text}", CALLER, COMMAND)
    assert talk.verbs == []


@pytest.mark.parametrize(
    ("text", "caller", "named"),
    [
        ("指挥中心我是穗东商业广场东门有人打架", CALLER, "穗东商业广场"),
        ("指挥中心我是随东商业广场东门有人打架", CALLER, "随东商业广场"),
        ("指挥中心我是某某小学发生火灾", UNKNOWN, "某某小学"),
        ("指挥中心我是某某小学失火了请消防", UNKNOWN, "某某小学"),
        ("我是某某村5栋着火", UNKNOWN, "某某村"),
        ("我是某某村最小应急单元报告", UNKNOWN, "某某村最小应急单元"),
    ],
)
def test_a_name_ends_where_something_is_told(
    text: str, caller: Resolution, named: str, lexicon: Lexicon
) -> None:
    spans = names_in(lexicon.fold(text), Parties(caller, UNKNOWN), lexicon)
    masked = {i for start, end in spans for i in range(start, end)}
    assert "".join(c for i, c in enumerate(text) if i in masked) == named
