"""Answers for another unit: who speaks and for whom, from the words alone."""

import itertools

import pytest

from gateway.knowledge import build_knowledge, read_lexicon
from gateway.model import Unit
from gateway.understand.resolve import Prior, Resolver
from gateway.understand.standin import stand_in

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
