"""Every answer says what each piece of evidence added, and the parts make up the score."""

import math
from pathlib import Path

import pytest

from gateway.model import Candidate, Ground, Transcript, Understanding, Unit
from gateway.understand.lexicon import Lexicon
from gateway.understand.normalise import normalise
from gateway.understand.registry import Registry
from gateway.understand.resolve import Parties, Prior, Resolver
from gateway.understand.understand import Context, understand
from tests.support.phone_evidence import evidence

UNITS = (
    Unit("mall1", "金汇商场最小应急单元", street="青石街"),
    Unit("mall2", "金辉商场最小应急单元", street="北坡街"),
    Unit("book", "枫林书店最小应急单元", ("书香角",), callsign="洞五", radio_ids=("mdc1200:1A2B",)),
    Unit("hotel", "望海酒店最小应急单元"),
)
LEXICON_FILE = Path(__file__).parents[2] / "config" / "lexicon.yaml"


@pytest.fixture(scope="module")
def resolver() -> Resolver:
    return Resolver(Registry(UNITS), "望江派出所")


def total(candidate: Candidate) -> float:
    return sum(ground.nats or 0.0 for ground in candidate.grounds)


def by(grounds: tuple[Ground, ...], name: str) -> list[Ground]:
    return [ground for ground in grounds if ground.by == name]


@pytest.mark.parametrize("with_audio", [False, True])
@pytest.mark.parametrize("prior", [Prior(), Prior(streets=frozenset({"北坡街"}), last_speaker="mall1")])
def test_the_parts_make_up_the_score(resolver: Resolver, prior: Prior, *, with_audio: bool) -> None:
    text = "指挥中心，我是金会商场，有紧急情况汇报"
    caller = resolver.resolve(normalise(text), evidence(text) if with_audio else None, prior).caller

    first, second = caller.candidates[:2]
    assert {first.unit_id, second.unit_id} == {"mall1", "mall2"}
    assert math.log(first.score / second.score) == pytest.approx(total(first) - total(second), abs=0.05)
    assert caller.grounds == first.grounds


def test_each_reader_tells_what_it_heard_and_when(resolver: Resolver) -> None:
    text = "望海酒店，我是枫林书店，听到请回答"
    parties = resolver.resolve(normalise(text), evidence(text))

    (written,) = by(parties.caller.grounds, "text")
    (heard,) = by(parties.caller.grounds, "phones")
    assert (written.form, written.heard, written.detail, written.span_s) == (
        "枫林书店", "枫林书店", "name", None,
    )  # fmt: skip
    assert heard.form == "枫林书店"
    assert {ground.detail for ground in by(parties.caller.grounds, "position")} == {"text", "phones"}
    assert parties.caller.span_s == heard.span_s
    assert parties.callee.span_s is not None
    assert heard.span_s is not None
    assert parties.callee.span_s[1] < heard.span_s[0] < heard.span_s[1] < len(evidence(text).log_probs) * 0.02


def test_an_alias_and_a_callsign_are_told(resolver: Resolver) -> None:
    for said, form, kind in (("书香角", "书香角", "alias"), ("洞五", "05", "callsign")):
        caller = resolver.resolve(normalise(f"指挥中心，我是{said}，收到")).caller
        assert [(g.form, g.detail) for g in by(caller.grounds, "text")] == [(form, kind)]


def test_priors_and_signalling_are_told(resolver: Resolver) -> None:
    text = normalise("指挥中心，我是枫林书店，有情况汇报")
    called = resolver.resolve(text, prior=Prior(expected=frozenset({"book"}))).caller
    assert [(g.detail, g.nats) for g in by(called.grounds, "prior")] == [("expected", 3.0)]

    signalled = resolver.resolve(text, prior=Prior(signalled=("mdc1200:1A2B",))).caller
    assert by(signalled.grounds, "signalling") == [Ground("signalling", None, "mdc1200:1A2B")]
    assert by(signalled.grounds, "text")
    alone = resolver.resolve("", prior=Prior(signalled=("mdc1200:1A2B",))).caller
    assert alone.grounds == alone.candidates[0].grounds == (
        Ground("signalling", None, "mdc1200:1A2B"),
    )  # fmt: skip


def test_a_unit_that_one_reader_did_not_find_says_so(resolver: Resolver) -> None:
    caller = resolver.resolve(
        normalise("我是望海酒店，报告"), evidence("我是枫林书店，报告")
    ).caller  # fmt: skip

    found = {one.unit_id: one.grounds for one in caller.candidates}
    assert by(found["book"], "text")[0].heard is None
    assert by(found["hotel"], "phones")[0].heard is None


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon.parse(LEXICON_FILE.read_text(encoding="utf-8"), LEXICON_FILE.name)


def meaning(text: str, lexicon: Lexicon, *, with_audio: bool) -> Understanding:
    words = Transcript(
        normalise(text), text, "none", "none", 0.0, phones=evidence(text) if with_audio else None
    )
    return understand(words, Parties(), Context(), lexicon)


def test_a_report_says_which_words_made_it_one(lexicon: Lexicon) -> None:
    found = meaning("指挥中心，我小区电梯困人，请求消防支援", lexicon, with_audio=True)

    points = dict(found.grounds.points)
    assert found.incident.polarity == "report"
    assert sum(points.values()) >= found.grounds.needed
    written = [w for w in found.grounds.words if w.by == "text" and "incident" in w.kinds]
    heard = [w for w in found.grounds.words if w.by == "phones" and "incident" in w.kinds]
    assert [w.phrase for w in written] == [w.phrase for w in heard] == ["电梯困人"]
    assert written[0].chars is not None
    assert "指挥中心,我小区电梯困人"[slice(*written[0].chars)] == "电梯困人"
    assert heard[0].span_s is not None
    assert heard[0].span_s[0] > 1.0
    assert heard[0].cost_nats is not None
    assert heard[0].cost_nats < 0.1


def test_what_is_denied_is_told_as_denied(lexicon: Lexicon) -> None:
    found = meaning("指挥中心，现场没有发生火灾", lexicon, with_audio=False)
    assert [(w.phrase, w.standing) for w in found.grounds.words if "incident" in w.kinds] == [
        ("发生火灾", "negated")
    ]  # fmt: skip
    assert found.incident.polarity == "none"
