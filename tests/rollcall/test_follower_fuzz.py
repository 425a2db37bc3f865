"""Whatever is said on the channel, in whatever order, the sheet that a follower keeps is fair."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import UNKNOWN, Candidate, Headcount, IncidentHint, Resolution, SoundClass, Understanding
from gateway.rollcall.listening import Follower
from gateway.rollcall.overheard import ListeningRules, Overheard, RollcallChange
from gateway.understand.turns import Utterance

START = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
IDS = ("u1", "u2", "u3")


def matched(unit_id: str) -> Resolution:
    return Resolution("matched", unit_id, f"单元{unit_id}", 0.99, 0.9, f"单元{unit_id}", ("speech",))


COMMAND = Resolution("matched", None, "指挥中心", 0.99, 0.9, "指挥中心", ("speech",), (), "command")
units = st.sampled_from(IDS).map(matched)
unclear = st.lists(st.sampled_from((*IDS, "u8")), min_size=1, max_size=2, unique=True).map(
    lambda ids: Resolution("ambiguous", candidates=tuple(Candidate(one, one, 0.5) for one in ids))
)
parties = st.one_of(st.just(UNKNOWN), st.just(COMMAND), units, units, unclear)
ACTS = [
    "hail",
    "ack_received",
    "ack_wilco",
    "present",
    "all_normal",
    "ask_headcount",
    "correction",
    "promise",
]

understandings = st.builds(
    Understanding,
    caller=parties,
    callee=parties,
    acts=st.lists(st.sampled_from(ACTS), max_size=3, unique=True).map(tuple),
    headcount=st.builds(Headcount, st.none() | st.integers(0, 9), st.none() | st.integers(0, 9)),
    exercise_mark=st.sampled_from([None, None, None, "open", "marker"]),
    rollcall_mark=st.sampled_from([None] * 12 + ["open", "close"]),
    incident=st.sampled_from([IncidentHint()] * 6 + [IncidentHint(code="FIRE", polarity="report")]),
)
scenes = st.lists(
    st.tuples(
        understandings,
        st.floats(0, 90).map(lambda s: round(s, 2)) | st.just(4000.0),
        st.sampled_from([SoundClass.SPEECH] * 6 + list(SoundClass)),
        st.sampled_from(["", "", "", "", "lost", "failed", "emergency", "deaf", "restart"]),
    ),
    min_size=3,
    max_size=40,
)


@given(scenes)
@settings(max_examples=300, deadline=None)
def test_a_followed_sheet_is_fair(scene: list[tuple[Understanding, float, SoundClass, str]]) -> None:
    counter = iter(range(1000))
    rules = ListeningRules(new_id=lambda: f"r{next(counter)}")
    opening = Understanding(caller=COMMAND, rollcall_mark="open")
    closing = Understanding(caller=COMMAND, rollcall_mark="close")
    now, follower = START, Follower(radio_id="ch1")
    changes: list[RollcallChange] = []
    heard_clearly: set[tuple[str, str]] = set()
    whole = [(opening, 1.0, SoundClass.SPEECH, ""), *scene, (closing, 1.0, SoundClass.SPEECH, "")]
    for said, after_s, sound, what in whole:
        now += timedelta(seconds=after_s)
        if what == "restart":
            follower = Follower.model_validate_json(follower.model_dump_json()).taken_up_again()
        if what == "deaf":
            follower = follower.could_not_hear(now)
        heard = overheard(said, now, sound, what)
        followed = follower.hear(heard, rules)
        note_clear_answer(heard, followed.follower, heard_clearly)
        follower = followed.follower
        assert Follower.model_validate_json(follower.model_dump_json()) == follower
        assert not followed.takes_answer or followed.rollcall_id or followed.drill_id
        changes += [change for change in followed.changes if isinstance(change, RollcallChange)]
        now += timedelta(seconds=2)
    check(changes, heard_clearly)


def overheard(said: Understanding, now: datetime, sound: SoundClass, what: str) -> Overheard:
    return Overheard(
        Utterance("t", now, 2.0, said, "单元听到请回答" * 2),
        now,
        now + timedelta(seconds=2),
        sound,
        lost_audio=what == "lost",
        failed=what == "failed",
        emergency=what == "emergency" and said.incident.polarity == "report",
        told_incident=said.incident.polarity != "none",
    )


def note_clear_answer(heard: Overheard, after: Follower, heard_clearly: set[tuple[str, str]]) -> None:
    """A unit that names itself, reports for duty and says nothing else has answered."""
    said = heard.utterance.understanding
    plain = (
        heard.sound is SoundClass.SPEECH
        and not heard.failed
        and said.rollcall_mark is None
        and said.incident.polarity == "none"
        and said.caller.unit_id is not None
        and said.callee in {UNKNOWN, COMMAND}
        and "present" in said.acts
        and not heard.utterance.by_command
    )
    if plain and after.sheet is not None:
        heard_clearly.add((after.sheet.rollcall_id, str(said.caller.unit_id)))


def check(changes: list[RollcallChange], heard_clearly: set[tuple[str, str]]) -> None:
    finished = [change.sheet for change in changes if change.verb == "finished"]
    started = [change.sheet.rollcall_id for change in changes if change.verb == "started"]
    assert [sheet.rollcall_id for sheet in finished] == started
    for sheet in finished:
        for unit_id, item in sheet.items.items():
            assert item.outcome is not None
            if (sheet.rollcall_id, unit_id) in heard_clearly:
                assert item.has_answered
            if item.outcome == "no_answer":
                assert any(not call.obstructed for call in item.calls)
            if item.answer_latency_s is not None:
                assert item.answer_latency_s >= 0
            told = revisions(changes, sheet.rollcall_id, unit_id)
            assert told == list(range(1, len(told) + 1))


def revisions(changes: list[RollcallChange], rollcall_id: str, unit_id: str) -> list[Any]:
    return [
        change.item.revision
        for change in changes
        if change.sheet.rollcall_id == rollcall_id and change.item and change.item.unit_id == unit_id
    ]
