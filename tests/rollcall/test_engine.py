"""The roll-call engine against a scripted crew in simulated time, and against anything at all."""

import heapq
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.rollcall.engine import State, begin, resume_after_restart, step
from gateway.rollcall.happenings import (
    Action,
    Cancel,
    CarrierClosed,
    CarrierOpened,
    Deaf,
    Event,
    NotSaid,
    Pause,
    Resume,
    Said,
    Say,
    Tell,
    Tick,
    Understood,
    Wake,
)
from gateway.rollcall.plan import Plan, PlannedUnit
from gateway.rollcall.sheet import Item, Reply

EIGHT = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
SPEECH_S, REPLY_S, RECOGNITION_S = 3.0, 2.0, 1.0


def plan_of(count: int, **changes: Any) -> Plan:
    units = tuple(PlannedUnit(unit_id=f"u{n}", name=f"单元{n}") for n in range(1, count + 1))
    given_: dict[str, Any] = {
        "rollcall_id": "r1", "radio": "ch1", "command_post": "指挥中心", "units": units, "wait_s": 10.0,
        "last_call_wait_s": 0.0,
    }  # fmt: skip
    return Plan(**{**given_, **changes})


@dataclass
class Answer:
    """What a unit does when it is called for the `on_call`th time."""

    after_s: float
    on_call: int = 1
    named: bool = True
    present: int | None = 3
    readable: bool = True
    as_unit: str | None = None
    stands_in: bool = False
    emergency: bool = False
    recognition_s: float = RECOGNITION_S


@dataclass
class Air:
    """Plays the radio, the clock and the crew for an engine; nothing here waits in real time."""

    plan: Plan
    crew: dict[str, list[Answer]] = field(default_factory=dict)
    busy: set[int] = field(default_factory=set)
    now: datetime = EIGHT
    tells: list[Tell] = field(default_factory=list)
    says: list[Say] = field(default_factory=list)
    said_at: list[datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._queue: list[tuple[datetime, int, Event]] = []
        self._order = itertools.count()
        self._wake: datetime | None = None
        self._calls: dict[str, int] = {}
        self.state, actions = begin(self.plan, self.now)
        self.do(actions)

    def at(self, when: datetime, event: Event) -> None:
        heapq.heappush(self._queue, (when, next(self._order), event))

    def do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Tell):
                self.tells.append(action)
            elif isinstance(action, Wake):
                self._wake = action.at
            else:
                self._say(action)

    def _say(self, say: Say) -> None:
        self.says.append(say)
        if len(self.says) in self.busy:
            self.at(self.now, NotSaid(self.now, "channel_busy"))
            return
        ended = self.now + timedelta(seconds=SPEECH_S)
        self.said_at.append(ended)
        self.at(ended, Said(self.now, ended))
        if say.purpose == "call":
            assert say.unit_id is not None
            self._calls[say.unit_id] = self._calls.get(say.unit_id, 0) + 1
            for answer in self.crew.get(say.unit_id, []):
                if answer.on_call == self._calls[say.unit_id]:
                    self.reply(say.unit_id, ended + timedelta(seconds=answer.after_s), answer)

    def reply(self, unit_id: str, began: datetime, answer: Answer) -> None:
        ended = began + timedelta(seconds=REPLY_S)
        speaker = answer.as_unit or unit_id
        heard = Reply(
            transmission_id=f"t-{unit_id}-{answer.on_call}", began_at=began, ended_at=ended,
            readable=answer.readable, present=answer.present,
        )  # fmt: skip
        self.at(began, CarrierOpened(began))
        self.at(ended, CarrierClosed(ended))
        understood = Understood(
            heard,
            unit_id=speaker if answer.named and answer.readable else None,
            for_unit=unit_id if answer.as_unit else None,
            stands_in=answer.stands_in,
            emergency=answer.emergency,
        )
        self.at(ended + timedelta(seconds=answer.recognition_s), understood)

    def step(self, event: Event) -> None:
        self.state, actions = step(self.state, event)
        self.do(actions)

    def run(self, until: str = "finished", limit: int = 200_000) -> "Air":
        for _ in range(limit):
            if self.state.phase == until:
                return self
            due = self._queue[0][0] if self._queue else None
            if self._wake is not None and (due is None or self._wake < due):
                self.now, self._wake = max(self.now, self._wake), None
                self.step(Tick(self.now))
            elif due is not None:
                self.now, _, event = heapq.heappop(self._queue)
                self.step(event)
            else:
                raise AssertionError(f"nothing will happen any more in phase {self.state.phase}")
        raise AssertionError("the roll-call does not end")

    @property
    def items(self) -> dict[str, Item]:
        return self.state.sheet.items

    @property
    def outcomes(self) -> dict[str, str | None]:
        return {unit_id: item.outcome for unit_id, item in self.items.items()}


def test_everybody_answers() -> None:
    air = Air(plan_of(2), {"u1": [Answer(4.0)], "u2": [Answer(1.5)]}).run()

    assert [say.text for say in air.says] == [
        "各单元注意,现在开始点名",
        "指挥中心呼叫单元1,听到请回答",
        "单元1,收到",
        "指挥中心呼叫单元2,听到请回答",
        "单元2,收到",
        "点名结束",
    ]
    assert air.outcomes == {"u1": "answered", "u2": "answered"}
    assert [item.answer_latency_s for item in air.items.values()] == [4.0, 1.5]
    assert [tell.verb for tell in air.tells] == [
        "started", "called", "answered", "called", "answered", "finished",
    ]  # fmt: skip


def test_silence_is_called_again_and_then_missed() -> None:
    air = Air(plan_of(1, calls_per_unit=2, rounds=2)).run()

    assert air.outcomes == {"u1": "no_answer"}
    assert air.items["u1"].call_count == 4
    assert [tell.verb for tell in air.tells][-2:] == ["missed", "finished"]


def test_latency_runs_from_the_last_call_before_the_reply() -> None:
    air = Air(plan_of(1), {"u1": [Answer(6.0, on_call=2)]}).run()

    item = air.items["u1"]
    assert (item.answer_latency_s, item.call_count) == (6.0, 2)
    assert item.first_call_to_answer_s == 10.0 + SPEECH_S + 6.0


def test_a_missing_headcount_is_asked_for() -> None:
    air = Air(plan_of(1), {"u1": [Answer(2.0, present=None)]})
    air.run("counting")
    air.reply("u1", air.now + timedelta(seconds=1), Answer(0.0, named=False, present=5))
    air.run()

    assert [say.purpose for say in air.says] == ["open", "call", "ask_headcount", "acknowledge", "close"]
    assert (air.items["u1"].present, air.items["u1"].answer_latency_s) == (5, 2.0)


def test_a_headcount_that_never_comes_holds_nobody_up() -> None:
    air = Air(plan_of(1), {"u1": [Answer(2.0, present=None)]}).run()

    assert air.outcomes == {"u1": "answered"}
    assert air.items["u1"].present is None


def test_a_slow_recogniser_costs_a_unit_nothing() -> None:
    air = Air(plan_of(2), {"u1": [Answer(9.0, recognition_s=40.0)], "u2": [Answer(1.0)]}).run()

    assert air.outcomes == {"u1": "answered", "u2": "answered"}
    assert air.items["u1"].answer_latency_s == 9.0
    assert air.items["u1"].call_count == 1


def test_a_recogniser_slower_than_that_does_not_make_the_answer_late() -> None:
    crew = {"u1": [Answer(9.0, recognition_s=115.0)], "u2": [Answer(1.0)]}
    air = Air(plan_of(3, calls_per_unit=1), crew).run()

    assert air.outcomes == {"u1": "answered", "u2": "answered", "u3": "no_answer"}
    assert air.items["u1"].answer_latency_s == 9.0


def test_late_answers_are_taken() -> None:
    air = Air(plan_of(2, calls_per_unit=1), {"u1": [Answer(14.0)]}).run()

    assert air.outcomes == {"u1": "answered_late", "u2": "no_answer"}
    assert air.items["u1"].answer_latency_s == 14.0


def test_the_last_call_is_for_all_who_are_missing() -> None:
    air = Air(plan_of(3, calls_per_unit=1, last_call_wait_s=30.0), {"u2": [Answer(1.0)]})
    air.run("last_waiting")
    air.reply("u1", air.now + timedelta(seconds=5), Answer(0.0))
    air.run()

    assert air.outcomes == {"u1": "answered_late", "u2": "answered", "u3": "no_answer"}
    assert air.items["u1"].answer_latency_s == 5.0
    assert air.items["u3"].call_count == 2


def test_an_unasked_checkin_spares_the_call() -> None:
    air = Air(plan_of(2), {"u1": [Answer(8.0)]})
    air.run("waiting")
    air.reply("u2", air.now + timedelta(seconds=1), Answer(0.0))
    air.run()

    assert air.outcomes == {"u1": "answered", "u2": "answered"}
    assert (air.items["u2"].answer_latency_s, air.items["u2"].call_count) == (None, 0)
    assert [say.unit_id for say in air.says if say.purpose == "call"] == ["u1"]


def test_an_answer_for_another_does_not_stop_the_calls_to_it() -> None:
    crew = {"u1": [Answer(2.0, as_unit="u2"), Answer(3.0, on_call=2)]}
    assert Air(plan_of(2), crew).run().outcomes["u1"] == "answered"
    crew = {"u1": [Answer(2.0, as_unit="u2")]}
    air = Air(plan_of(2), crew).run()
    assert air.outcomes["u1"] == "answered_by_other"
    assert air.items["u1"].answered_by == "u2"


def test_a_unit_that_seems_to_answer_for_somebody_in_its_own_turn_has_answered() -> None:
    air = Air(plan_of(1), {"u1": [Answer(2.0, stands_in=True)]}).run()

    assert air.outcomes == {"u1": "answered"}
    assert air.items["u1"].review_reasons == ("stood_in_for_whom",)


def test_what_cannot_be_read_goes_to_a_person() -> None:
    air = Air(plan_of(1), {"u1": [Answer(2.0, readable=False)]}).run()

    assert air.outcomes == {"u1": "unreadable"}
    assert air.items["u1"].review_reasons == ("unreadable",)


def test_a_channel_that_stays_busy_is_nobodys_fault() -> None:
    air = Air(plan_of(2, busy_tries=3), {"u2": [Answer(1.0)]}, busy={2, 3, 4}).run()

    assert air.outcomes == {"u1": "not_observed", "u2": "answered"}
    assert air.items["u1"].reasons == ("channel_busy",)


def test_a_busy_channel_is_tried_again() -> None:
    air = Air(plan_of(1), {"u1": [Answer(1.0)]}, busy={2}).run()

    assert air.outcomes == {"u1": "answered"}


def test_a_deaf_gateway_observes_nothing() -> None:
    air = Air(plan_of(1, calls_per_unit=1))
    air.run("waiting")
    air.step(Deaf(air.now, "source_lost"))
    air.run()

    assert air.outcomes == {"u1": "not_observed"}
    assert air.items["u1"].reasons == ("source_lost",)


def test_an_emergency_pauses_and_the_unit_in_turn_is_called_again() -> None:
    air = Air(plan_of(2, calls_per_unit=1), {"u1": [Answer(1.0, on_call=2)]})
    air.run("waiting")
    air.reply("u2", air.now, Answer(0.0, emergency=True))
    while air.state.paused is None:
        air.run("waiting") if not air._queue else air.step(heapq.heappop(air._queue)[2])
    said = len(air.says)
    air.step(Tick(air.now + timedelta(hours=1)))
    assert len(air.says) == said
    air.now += timedelta(minutes=10)
    air.step(Resume(air.now))
    air.run()

    assert air.outcomes["u1"] == "answered"
    assert air.items["u1"].answer_latency_s == 1.0
    assert air.state.sheet.pauses == 1


def test_cancelling_decides_nothing() -> None:
    air = Air(plan_of(3), {"u1": [Answer(1.0)]})
    air.run("acknowledging")
    air.step(Cancel(air.now))

    assert air.outcomes == {"u1": "answered", "u2": "cancelled", "u3": "cancelled"}
    assert air.state.sheet.ended == "cancelled"
    assert step(air.state, Tick(air.now + timedelta(days=1))) == (air.state, ())


def test_the_excused_are_not_called() -> None:
    excused = (PlannedUnit(unit_id="u9", name="放假单元"),)
    air = Air(plan_of(1, excused=excused), {"u1": [Answer(1.0)]}).run()

    assert air.outcomes == {"u1": "answered", "u9": "excused"}
    assert {say.unit_id for say in air.says} == {None, "u1"}


@pytest.mark.parametrize("units", [269, 2702])
def test_a_day_in_simulated_time(units: int) -> None:
    crew = {f"u{n}": [Answer(n % 9 + 0.5, on_call=1 + n % 2)] for n in range(1, units + 1) if n % 10}
    air = Air(plan_of(units, calls_per_unit=2), crew).run()

    expected = {f"u{n}": "answered" if n % 10 else "no_answer" for n in range(1, units + 1)}
    assert air.outcomes == expected
    for n in range(1, units + 1):
        assert air.items[f"u{n}"].answer_latency_s == (n % 9 + 0.5 if n % 10 else None)


def test_killed_anywhere_it_goes_on_without_repeats() -> None:
    crew = {f"u{n}": [Answer(3.0, on_call=k) for k in (1, 2, 3)] for n in range(1, 13) if n % 4}
    for kill_after in range(1, 120, 3):
        air = Air(plan_of(12, calls_per_unit=1), crew)
        for _ in range(kill_after):
            if air.state.phase == "finished" or not (air._queue or air._wake):
                break
            one_step(air)
        recorded = {i for i, item in air.items.items() if item.has_answered}
        air._queue.clear()
        air._wake = None
        said = len(air.says)
        air.now += timedelta(seconds=60)
        stored = State.model_validate_json(air.state.model_dump_json())
        assert stored == air.state
        air.state, actions = resume_after_restart(stored, air.now)
        air.do(actions)
        air.run()

        called_again = {say.unit_id for say in air.says[said:] if say.purpose == "call"}
        assert not called_again & recorded
        assert {i for i, o in air.outcomes.items() if o == "answered"} == set(crew)
        assert {o for i, o in air.outcomes.items() if i not in crew} == {"no_answer"}


def one_step(air: Air) -> None:
    due = air._queue[0][0] if air._queue else None
    if air._wake is not None and (due is None or air._wake < due):
        air.now, air._wake = max(air.now, air._wake), None
        air.step(Tick(air.now))
    else:
        air.now, _, event = heapq.heappop(air._queue)
        air.step(event)


# --- anything at all

UNIT_IDS = ("u1", "u2", "u3")
seconds = st.floats(0, 40, allow_nan=False).map(lambda s: round(s, 2))
names = st.sampled_from(UNIT_IDS)


@st.composite
def happenings(draw: st.DrawFn) -> tuple[float, str, dict[str, Any]]:
    kind = draw(
        st.sampled_from(
            ["tick", "tick", "said", "said", "reply", "reply", "notsaid", "open", "close", "deaf", "pause",
             "resume", "cancel", "restart"]
        )
    )  # fmt: skip
    details = {
        "unit_id": draw(st.none() | names | st.just("stranger")),
        "candidates": draw(st.lists(names, max_size=2).map(tuple)),
        "for_unit": draw(st.none() | names),
        "stands_in": draw(st.integers(0, 5)) == 0,
        "answers": draw(st.booleans()),
        "hides": draw(st.none() | st.just("channel_busy")),
        "emergency": draw(st.integers(0, 9)) == 0,
        "readable": draw(st.booleans()),
        "present": draw(st.none() | st.integers(0, 9)),
        "age_s": draw(seconds),
    }
    return draw(seconds), kind, details


def event_of(kind: str, now: datetime, given_: dict[str, Any]) -> Event:
    plain: dict[str, Event] = {
        "tick": Tick(now),
        "said": Said(now - timedelta(seconds=2), now),
        "notsaid": NotSaid(now, "channel_busy"),
        "open": CarrierOpened(now),
        "close": CarrierClosed(now),
        "deaf": Deaf(now, "source_lost"),
        "pause": Pause(now, "asked"),
        "resume": Resume(now),
        "cancel": Cancel(now),
    }
    if kind in plain:
        return plain[kind]
    began = now - timedelta(seconds=given_["age_s"])
    reply = Reply(
        transmission_id="t", began_at=began, ended_at=began + timedelta(seconds=1),
        readable=given_["readable"], present=given_["present"],
    )  # fmt: skip
    keys = ("unit_id", "candidates", "for_unit", "stands_in", "answers", "hides", "emergency")
    return Understood(reply, **{key: given_[key] for key in keys})


@dataclass
class Watch:
    """Drives an engine with anything and holds it to what must always be so."""

    state: State
    actions: tuple[Action, ...]
    now: datetime = EIGHT
    outstanding: int = 0
    told: list[Tell] = field(default_factory=list)
    heard_clearly: set[str] = field(default_factory=set)

    def take(self, after_s: float, kind: str, details: dict[str, Any]) -> None:
        self.now += timedelta(seconds=after_s)
        before = self.state
        if kind == "restart":
            stored = State.model_validate_json(before.model_dump_json())
            assert stored == before
            self.outstanding = 0
            self.state, self.actions = resume_after_restart(stored, self.now)
        else:
            event = event_of(kind, self.now, details)
            if isinstance(event, Said | NotSaid) and before.phase != "finished":
                self.outstanding = 0
            self.note_clear_answers(event)
            self.state, self.actions = step(before, event)
        self.check_actions()
        self.check_items(before)

    def note_clear_answers(self, event: Event) -> None:
        if not isinstance(event, Understood) or self.state.phase == "finished":
            return
        own = event.for_unit == event.unit_id or (event.for_unit is None and not event.stands_in)
        if event.unit_id in UNIT_IDS and event.answers and event.hides is None and own:
            self.heard_clearly.add(str(event.unit_id))

    def check_actions(self) -> None:
        says = [action for action in self.actions if isinstance(action, Say)]
        self.told += [action for action in self.actions if isinstance(action, Tell)]
        self.outstanding += len(says)
        assert self.outstanding <= 1
        assert self.state.phase == "finished" or self.outstanding == self.state.saying
        for say in says:
            assert self.state.paused is None
            assert say.purpose != "call" or not self.state.sheet.items[str(say.unit_id)].has_answered

    def check_items(self, before: State) -> None:
        for unit_id, item in before.sheet.items.items():
            after = self.state.sheet.items[unit_id]
            assert after.revision >= item.revision
            if item.has_answered:
                assert (after.outcome, after.answer_latency_s) == (item.outcome, item.answer_latency_s)

    def check_end(self) -> None:
        assert [tell.verb for tell in self.told].count("finished") == 1
        assert self.told[-1].verb == "finished"
        for unit_id, item in self.state.sheet.items.items():
            assert item.outcome is not None
            assert item.has_answered or unit_id not in self.heard_clearly
            if item.outcome == "no_answer":
                assert any(not call.obstructed for call in item.calls)
            if item.answer_latency_s is not None:
                assert item.answer_latency_s >= 0
                assert item.call_count >= 1
            told = [t.item.revision for t in self.told if t.item and t.item.unit_id == unit_id]
            assert told == sorted(set(told))


@given(
    st.lists(happenings(), min_size=5, max_size=60),
    st.integers(1, 3),
    st.integers(1, 2),
    st.sampled_from([0.0, 20.0]),
)
@settings(max_examples=150, deadline=None)
def test_whatever_happens_the_sheet_is_fair(
    happened: list[tuple[float, str, dict[str, Any]]], calls: int, rounds: int, last_call_s: float
) -> None:
    plan = plan_of(3, calls_per_unit=calls, rounds=rounds, last_call_wait_s=last_call_s, busy_tries=2)
    watch = Watch(*begin(plan, EIGHT))
    watch.check_actions()
    for after_s, kind, details in happened:
        watch.take(after_s, kind, details)
    if watch.state.phase != "finished":
        watch.take(1.0, "cancel", {})
    watch.check_end()


def test_going_on_while_something_is_being_said_says_it_once() -> None:
    air = Air(plan_of(1), {"u1": [Answer(1.0)]})
    air.step(Pause(air.now, "asked"))
    air.step(Resume(air.now))
    assert [say.purpose for say in air.says] == ["open"]
    assert air.run().outcomes == {"u1": "answered"}


def test_a_unit_that_checks_in_while_the_channel_is_busy_is_not_called() -> None:
    air = Air(plan_of(2), {"u2": [Answer(1.0)]}, busy={2})
    while air.state.retry_at is None:
        one_step(air)
    air.reply("u1", air.now, Answer(0.0, recognition_s=0.1))
    air.run()

    assert air.outcomes == {"u1": "answered", "u2": "answered"}
    assert [say.unit_id for say in air.says[2:] if say.purpose == "call"] == ["u2"]


def test_somebody_elses_words_give_back_the_time_they_took() -> None:
    air = Air(plan_of(2, calls_per_unit=1), {"u1": [Answer(11.0)]})
    air.run("waiting")
    air.reply("u2", air.now + timedelta(seconds=3), Answer(0.0))
    air.run()

    assert air.outcomes == {"u1": "answered", "u2": "answered"}


crews = st.dictionaries(
    st.sampled_from([f"u{n}" for n in range(1, 7)]),
    st.builds(Answer, after_s=st.floats(0, 9.9), on_call=st.integers(1, 2), named=st.booleans()),
)


@given(crews, st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_every_crew_gets_what_it_did(crew: dict[str, Answer], busy: int) -> None:
    air = Air(plan_of(6), {unit_id: [answer] for unit_id, answer in crew.items()}, busy={busy}).run()

    for unit_id, item in air.items.items():
        assert item.outcome == ("answered" if unit_id in crew else "no_answer")
        if unit_id in crew:
            assert item.answer_latency_s == pytest.approx(crew[unit_id].after_s, abs=0.001)
            assert item.call_count == crew[unit_id].on_call
