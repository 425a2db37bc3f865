"""Answers for another unit: who speaks and for whom, from the words alone."""

import itertools
from dataclasses import replace

import pytest

from gateway.knowledge import build_knowledge, read_lexicon
from gateway.model import Candidate, Ground, Headcount, Resolution, Understanding, Unit
from gateway.understand.resolve import Prior, Resolver
from gateway.understand.standin import stand_in, told_beside

UNITS = (Unit("u1", "金穗花园"), Unit("u2", "棠东小学"), Unit("u3", "五山市场"), Unit("u4", "时代花园"))


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    count = itertools.count()
    return build_knowledge(UNITS, "指挥中心", read_lexicon(), lambda: f"i-{next(count)}").resolver


def told(text: str, resolver: Resolver) -> tuple[str | None, str | None] | None:
    prior = Prior(expected=frozenset({"u1"}))
    parties = stand_in(text, resolver.resolve(text, None, prior), resolver, prior)
    return None if parties is None else (parties.caller.unit_id, parties.callee.unit_id)


@pytest.mark.parametrize(
    ("text", "speaker", "meant"),
    [
        ("棠东小学代金穗花园应答,金穗花园在岗3人", "u2", "u1"),
        ("我是棠东小学,替金穗花园回答,他们在岗3人", "u2", "u1"),
        ("报告,棠东小学替五山市场应答,一切正常", "u2", "u3"),
        ("堂东小学提金碎花园回答,在岗三人", "u2", "u1"),
        ("金穗花园的对讲机坏了,我是棠东小学,代为回复,在岗2人", "u2", "u1"),
        ("指挥中心,我是棠东小学,他们对讲机没电了,我代他们应答", "u2", None),
        ("我替金穗花园应答,在岗3人", None, "u1"),
    ],
)
def test_who_answers_for_whom(text: str, speaker: str | None, meant: str | None, resolver: Resolver) -> None:
    assert told(text, resolver) == (speaker, meant)


@pytest.mark.parametrize(
    "text",
    [
        "时代花园报告,在岗3人",
        "金穗花园收到,在岗3人,一切正常",
        "我代表金穗花园报告,在岗3人",
        "金穗花园帮助群众,一切正常",
        "棠东小学,带两个人汇报情况",
        "金穗花园,带队的报告,在岗3人",
        "",
    ],
)
def test_who_answers_for_himself(text: str, resolver: Resolver) -> None:
    assert told(text, resolver) is None


def heard_with(span_s: tuple[float, float], nats: float = 4.3, **more: object) -> Understanding:
    """棠东小学 named from 0.9 to 1.6 s, and 金穗花园, in turn, elsewhere in the audio."""
    beside = Candidate("u1", "金穗花园", 0.0, (Ground("prior", 3.0), Ground("phones", nats, span_s=span_s)))
    own = Candidate("u2", "棠东小学", 0.98)
    caller = Resolution("matched", "u2", "棠东小学", 0.98, 0.9, candidates=(own, beside), span_s=(0.9, 1.6))
    return Understanding(**{"caller": caller, "headcount": Headcount(3), "acts": ("present",), **more})  # type: ignore[arg-type]


def test_both_names_heard_and_the_words_lost() -> None:
    assert told_beside(heard_with((1.8, 2.4)), "u1")
    assert told_beside(heard_with((0.1, 0.8)), "u1")


def test_who_is_likely_another_than_the_one_in_turn_stands_in_though_nobody_can_be_sure() -> None:
    sure = heard_with((1.8, 2.4)).caller
    own, beside = sure.candidates
    likely = replace(sure, status="ambiguous", unit_id=None, candidates=(replace(own, score=0.51), beside))
    unlikely = replace(likely, candidates=(replace(own, score=0.45), beside))

    assert told_beside(heard_with((1.8, 2.4), caller=likely), "u1")
    assert not told_beside(heard_with((1.8, 2.4), caller=likely), "u2")
    assert not told_beside(heard_with((1.8, 2.4), caller=unlikely), "u1")


def test_who_only_sounds_like_the_one_in_turn_answers_for_nobody() -> None:
    assert not told_beside(heard_with((1.0, 1.7)), "u1")
    assert not told_beside(heard_with((1.8, 2.4), nats=0.1), "u1")
    assert not told_beside(heard_with((1.8, 2.4)), "u2")
    assert not told_beside(heard_with((1.8, 2.4)), "u3")
    assert not told_beside(heard_with((1.8, 2.4)), None)
    assert not told_beside(heard_with((1.8, 2.4), acts=("hail",)), "u1")
    assert not told_beside(heard_with((1.8, 2.4), acts=(), headcount=Headcount()), "u1")


@pytest.mark.parametrize(("called", "meant"), [("u5", "u5"), ("u6", "u6"), ("u1", None)])
def test_of_two_that_sound_alike_the_one_waited_for_is_meant(called: str, meant: str | None) -> None:
    units = (*UNITS, Unit("u5", "溪都职业学校"), Unit("u6", "曦都职业学校"))
    knowledge = build_knowledge(units, "指挥中心", read_lexicon(), lambda: "i")
    prior = Prior(expected=frozenset({called}))
    text = "我是棠东小学,替溪都职业学校回答,他们在岗3人"

    found = stand_in(text, knowledge.resolver.resolve(text, None, prior), knowledge.resolver, prior)

    assert (found.callee.unit_id if found is not None else None) == meant
