"""What a transmission means to a roll-call and a drill, before either knows of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.model import Candidate, Resolution, Understanding
from gateway.rollcall.drillhearing import NAMED_LATE, drill_happenings
from gateway.rollcall.happenings import Understood
from gateway.rollcall.hearing import understood_of
from gateway.rollcall.overheard import Overheard
from gateway.understand.turns import Utterance

EIGHT = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
MATCHED = Resolution(status="matched", unit_id="u1", name="金穗花园", score=0.9)


def overheard(caller: Resolution, text: str = "收到", *acts: str) -> Overheard:
    utterance = Utterance(
        transmission_id="t", at=EIGHT, duration_s=6.0, understanding=Understanding(caller=caller, acts=acts),
        text=text, raw=text, confidence=0.9, audio=None,
    )  # fmt: skip
    return Overheard(utterance, began_at=EIGHT, ended_at=EIGHT + timedelta(seconds=6))


def told(heard: Overheard) -> Understood:
    (event,) = drill_happenings(heard, paused=False)
    assert isinstance(event, Understood)
    return event


def test_who_is_a_fiftieth_as_likely_as_another_is_no_candidate() -> None:
    caller = Resolution(
        status="ambiguous",
        candidates=(Candidate("u2", "b", 0.51), Candidate("u3", "c", 0.2), Candidate("u1", "a", 0.01)),
    )

    assert understood_of(overheard(caller), paused=False).candidates == ("u2", "u3")


def test_what_was_said_long_before_the_name_may_be_another_s() -> None:
    there = ("arrived", "present")
    prompt = told(overheard(replace(MATCHED, span_s=(2.2, 2.9)), "报告,金穗花园3人已到位", *there))
    late = told(overheard(replace(MATCHED, span_s=(4.1, 4.8)), "到达现场,装备齐全,金穗花园收到", *there))

    assert (prompt.acts, prompt.reply.review_reasons) == (there, ())
    assert (late.unit_id, late.acts, late.reply.review_reasons) == ("u1", (), (NAMED_LATE,))


def test_each_of_several_is_marked_as_cut_out() -> None:
    both = overheard(Resolution(status="ambiguous"))
    parts = (overheard(MATCHED), overheard(replace(MATCHED, unit_id="u2")))
    first = told(replace(both, parts=parts))

    everyone = (first, *first.others)
    assert [one.unit_id for one in everyone] == ["u1", "u2"]
    assert all(one.reply.review_reasons == ("spoke_together",) for one in everyone)
