"""The drill engine against a scripted crew in simulated time, and against anything at all."""

import heapq
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.events import EVENT_DATA, ClockReading
from gateway.rollcall.drill import State, begin, resume_after_restart, step
from gateway.rollcall.drillevents import drill_event
from gateway.rollcall.happenings import (
    Cancel,
    CarrierClosed,
    CarrierOpened,
    Deaf,
    DrillAction,
    Event,
    NotSaid,
    Pause,
    Resume,
    Said,
    Say,
    TellDrill,
    Tick,
    Understood,
    Wake,
)
from gateway.rollcall.muster import Member
from gateway.rollcall.scenario import SHIPPED, DrillPlan, OrderedUnit
from gateway.rollcall.sheet import Reply

EIGHT = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
SPEECH_S, REPLY_S, RECOGNITION_S = 4.0, 2.0, 1.0
CLOCK = ClockReading(synced=True, source="ntp", est_error_ms=1.0, boot_id="b", mono_ms=5)


def plan_of(line: int = 2, area: int = 0, **changes: Any) -> DrillPlan:
    units = [OrderedUnit(unit_id="p", name="金穗花园", role="point", line="p")]
    units += [
        OrderedUnit(unit_id=f"l{n}", name=f"邻居{n}", role="line", line="p") for n in range(1, line + 1)
    ]
    units += [
        OrderedUnit(unit_id=f"a{n}", name=f"增援{n}", role="area", line="a1") for n in range(1, area + 1)
    ]
    plan: dict[str, Any] = {
        "drill_id": "d1", "radio": "ch1", "command_post": "指挥中心", "scenario": SHIPPED[0],
        "place": "商场东门", "reach": "area" if area else "line" if line else "point", "units": tuple(units),
    }  # fmt: skip
    return DrillPlan(**{**plan, **changes})


@dataclass
class Report:
    """What a unit says, `after_s` its `on_order`th order."""

    after_s: float
    acts: tuple[str, ...] = ("ack_wilco",)
    on_order: int = 1
    present: int | None = None
    named: bool = True
    readable: bool = True
    emergency: bool = False
    recognition_s: float = RECOGNITION_S


ACK, GO, THERE = ("ack_received",), ("ack_received", "ack_wilco"), ("arrived", "equipment", "present")


def on_time(ack_s: float, there_s: float, present: int | None = 3) -> list[Report]:
    return [Report(ack_s, GO), Report(there_s, THERE, present=present)]


@dataclass
class Air:
    """Plays the radio, the clock and the crew for an engine; nothing here waits in real time."""

    plan: DrillPlan
    crew: dict[str, list[Report]] = field(default_factory=dict)
    busy: set[int] = field(default_factory=set)
    now: datetime = EIGHT
    tells: list[TellDrill] = field(default_factory=list)
    says: list[Say] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._queue: list[tuple[datetime, int, Event]] = []
        self._order = itertools.count()
        self._wake: datetime | None = None
        self._orders: dict[str, int] = {}
        self.state, actions = begin(self.plan, self.now)
        self.do(actions)

    def at(self, when: datetime, event: Event) -> None:
        heapq.heappush(self._queue, (when, next(self._order), event))

    def do(self, actions: Iterable[DrillAction]) -> None:
        for action in actions:
            if isinstance(action, TellDrill):
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
        self.at(ended, Said(self.now, ended))
        if say.purpose == "order":
            for unit_id in self.state.orders[0].unit_ids:
                self._orders[unit_id] = self._orders.get(unit_id, 0) + 1
                for report in self.crew.get(unit_id, []):
                    if report.on_order == self._orders[unit_id]:
                        self.report(unit_id, ended + timedelta(seconds=report.after_s), report)

    def report(self, unit_id: str, began: datetime, report: Report) -> None:
        ended = began + timedelta(seconds=REPLY_S)
        heard = Reply(
            transmission_id=f"t-{unit_id}-{report.after_s:g}", began_at=began, ended_at=ended,
            readable=report.readable, present=report.present, text="…",
        )  # fmt: skip
        self.at(began, CarrierOpened(began))
        self.at(ended, CarrierClosed(ended))
        understood = Understood(
            heard, unit_id=unit_id if report.named and report.readable else None,
            emergency=report.emergency, acts=report.acts,
        )  # fmt: skip
        self.at(ended + timedelta(seconds=report.recognition_s), understood)

    def step(self, event: Event) -> None:
        self.state = State.model_validate_json(self.state.model_dump_json())
        self.state, actions = step(self.state, event)
        self.do(actions)

    def run(self, until: str = "finished", limit: int = 20_000) -> "Air":
        for _ in range(limit):
            if self.state.phase == until or (until == "paused" and self.state.paused):
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
        raise AssertionError("the drill does not end")

    @property
    def members(self) -> dict[str, Member]:
        return self.state.muster.members

    @property
    def arrivals(self) -> dict[str, str | None]:
        return {unit_id: member.arrival for unit_id, member in self.members.items()}

    def finished(self) -> dict[str, Any]:
        return drill_event("e", self.tells[-1], self.now, CLOCK).data.model_dump(mode="json")


def test_point_line_area() -> None:
    crew = {
        "p": on_time(3.0, 40.0), "l1": on_time(5.0, 100.0), "l2": on_time(6.0, 200.0),
        "a1": on_time(4.0, 250.0, present=2),
    }  # fmt: skip
    air = Air(plan_of(2, 1), crew).run()

    spoken = [say.text for say in air.says if say.purpose in {"open", "order", "close"}]
    assert spoken == [
        "各单元注意,现在进行拉动测试,以下为演练,重复,以下为演练",
        "演练,模拟商场东门发生团伙盗窃,多名嫌疑人正在逃离,请金穗花园立即到场处置,收到请回答",
        "演练,请周边单元邻居1、邻居2立即赶到商场东门增援,收到请回答",
        "演练,请增援1立即到商场东门集结,收到请回答",
        "拉动结束,演练到此结束,各单元恢复正常执勤",
    ]
    assert air.arrivals == {"p": "arrived", "l1": "arrived", "l2": "arrived_late", "a1": "arrived"}
    there = {unit_id: member.steps["arrived"].latency_s for unit_id, member in air.members.items()}
    assert there == {"p": 40.0, "l1": 100.0, "l2": 200.0, "a1": 250.0}
    assert air.members["p"].steps["acknowledged"].latency_s == 3.0
    data = air.finished()
    assert data["grades_135"] == {
        "self_rescue_60s": True, "mutual_aid_180s": True, "reinforcement_300s": True,
    }  # fmt: skip
    assert data["status"] == "Exercise"
    assert (data["linked_units"], data["present"]) == (3, 11)
    lines = {line["line"]: (line["units"], line["arrived"], line["in_time"]) for line in data["lines"]}
    assert lines == {"p": (3, 3, 2), "a1": (1, 1, 1)}
    assert data["area"]["arrived"] == 4


def test_each_step_is_told_once_and_validates() -> None:
    air = Air(plan_of(0), {"p": on_time(3.0, 40.0)}).run()

    assert [tell.moved for tell in air.tells] == [None, "ordered", "departed", "arrived", None]
    revisions = [tell.member.revision for tell in air.tells if tell.member]
    assert revisions == [1, 2, 3]
    for tell in air.tells:
        draft = drill_event("e", tell, air.now, CLOCK)
        assert draft.correlationid == "d1"
        EVENT_DATA[draft.kind].model_validate(draft.data.model_dump(mode="json"))


def test_silence_is_ordered_again_and_then_missed() -> None:
    air = Air(plan_of(1), {"p": on_time(1.0, 30.0)}).run()

    one = air.members["l1"]
    assert (one.outcome, one.arrival, one.in_time, len(one.orders)) == ("no_answer", "not_reported", False, 2)
    assert air.finished()["grades_135"]["mutual_aid_180s"] is False


def test_the_clock_is_that_of_the_last_order() -> None:
    air = Air(plan_of(0), {"p": [Report(2.0, GO, on_order=2), Report(50.0, THERE, on_order=2)]}).run()

    assert air.members["p"].steps["acknowledged"].latency_s == 2.0
    assert air.members["p"].steps["arrived"].latency_s == 50.0
    assert air.members["p"].steps["arrived"].first_latency_s == 12.0 + SPEECH_S + 50.0
    assert air.arrivals == {"p": "arrived"}


def test_an_arrival_is_acknowledged_or_asked_for_what_it_lacks() -> None:
    air = Air(plan_of(1), {"p": on_time(1.0, 20.0), "l1": on_time(1.0, 40.0, present=None)}).run()

    spoken = [(say.purpose, say.unit_id) for say in air.says if say.unit_id]
    assert spoken == [("acknowledge", "p"), ("ask_report", "l1")]


def test_under_way_and_there_at_once_is_not_there_yet() -> None:
    air = Air(plan_of(0), {"p": [Report(2.0, ("ack_wilco", "arrived"))]}).run()

    assert air.arrivals == {"p": "not_reported"}
    assert air.members["p"].review_reasons == ("arrival_unclear",)


def test_a_deaf_gateway_grades_nobody() -> None:
    air = Air(plan_of(0), {"p": [Report(2.0, GO)]}).run("mustering")
    air.step(Deaf(air.now, "source_lost"))
    air.run()

    one = air.members["p"]
    assert (one.outcome, one.arrival, one.in_time) == ("answered", "not_observed", None)
    assert one.reasons == ("source_lost",)
    assert air.finished()["grades_135"]["self_rescue_60s"] is None


def test_who_could_not_be_ordered_was_not_observed() -> None:
    air = Air(plan_of(1, busy_tries=2), {"p": on_time(1.0, 9.0)}, busy={4, 5}).run()

    assert air.arrivals == {"p": "arrived", "l1": "not_observed"}
    assert air.members["l1"].reasons == ("channel_busy",)


def test_nothing_is_played_that_was_not_said_to_be_an_exercise() -> None:
    air = Air(plan_of(1, busy_tries=2), busy={1, 2}).run()

    assert [say.purpose for say in air.says] == ["open", "open"]
    assert set(air.arrivals.values()) == {"not_observed"}


def test_words_of_nobody_protect_everybody() -> None:
    air = Air(plan_of(2), {"p": on_time(1.0, 9.0), "l1": [Report(5.0, GO, named=False)]}).run()

    assert air.state.muster.stray_replies == 1
    assert {air.members[u].arrival for u in ("l1", "l2")} == {"not_reported"}
    assert all(len(air.members[u].orders) == 2 for u in ("l1", "l2"))


def test_the_only_one_waited_for_needs_no_name() -> None:
    air = Air(plan_of(0), {"p": [Report(5.0, GO, named=False), Report(30.0, THERE)]}).run()

    assert air.members["p"].review_reasons == ("caller_not_named",)
    assert air.arrivals == {"p": "arrived"}


def test_an_emergency_pauses_and_what_it_made_uncertain_is_not_graded() -> None:
    crew = {"p": [Report(1.0, GO), Report(20.0, THERE, on_order=2, present=3)]}
    air = Air(plan_of(1), crew)
    air.run("gathering")
    air.report("x", air.now + timedelta(seconds=6), Report(0.0, ("report",), emergency=True))
    air.run("paused")
    said = len(air.says)
    air.step(Tick(air.now + timedelta(hours=1)))
    assert len(air.says) == said
    air.now += timedelta(minutes=10)
    air.step(Resume(air.now))
    air.run()

    assert [say.purpose for say in air.says[said : said + 2]] == ["resume", "order"]
    one = air.members["p"]
    assert (one.arrival, one.in_time) == ("arrived_ungraded", None)
    assert "ordered_again_under_way" in one.review_reasons
    assert air.state.muster.pauses == 1


def test_a_new_process_orders_again_who_is_not_there() -> None:
    air = Air(plan_of(1), {"p": on_time(1.0, 20.0), "l1": [Report(3.0, GO), Report(30.0, THERE, on_order=2)]})
    air.run("mustering")
    while "arrived" not in air.members["p"].steps:
        air.step(heapq.heappop(air._queue)[2])
    air._queue, air._wake = [], None
    air.state, actions = resume_after_restart(State.model_validate_json(air.state.model_dump_json()), air.now)
    air.do(actions)
    air.run()

    orders = [say for say in air.says if say.purpose == "order"]
    assert "邻居1" in orders[-1].text
    assert "金穗花园" not in orders[-1].text
    assert air.arrivals["p"] == "arrived"
    assert air.members["l1"].in_time in {True, None}
    assert len([tell for tell in air.tells if tell.verb == "started"]) == 1


def test_cancelling_decides_nothing() -> None:
    air = Air(plan_of(1), {"p": [Report(1.0, GO)]}).run("mustering")
    air.step(Cancel(air.now))

    assert {one.in_time for one in air.members.values()} == {None}
    assert air.members["p"].outcome == "answered"
    assert air.finished()["ended"] == "cancelled"
    assert step(air.state, Tick(air.now + timedelta(days=1))) == (air.state, ())


def test_the_excused_are_not_ordered() -> None:
    away = (OrderedUnit(unit_id="l9", name="放假单元", role="line", line="p"),)
    air = Air(plan_of(0, excused=away, reach="line"), {"p": on_time(1.0, 9.0)}).run()

    assert air.arrivals["l9"] == "excused"
    assert not any("放假单元" in say.text for say in air.says)
    assert air.finished()["grades_135"]["mutual_aid_180s"] is None


times = st.floats(0, 40, allow_nan=False).map(lambda s: round(s, 1))
names = st.sampled_from(["p", "l1", "l2", "a1", "x"])
replies = st.tuples(
    names | st.none(),
    st.lists(st.sampled_from(["ack_received", "ack_wilco", "arrived", "say_again", "equipment"]), max_size=3),
    st.booleans(),
    st.lists(names, max_size=2),
    st.sampled_from([None, None, None, "channel_busy"]),
    st.sampled_from([False, False, False, True]),
    st.none() | st.integers(0, 9),
)
moves = st.tuples(
    times,
    st.sampled_from(["said", "not_said", "open", "close", "deaf", "tick", "pause", "resume", "restart"])
    | replies,
)


def event_of(move: Any, now: datetime) -> Event:
    simple: dict[str, Event] = {
        "said": Said(now - timedelta(seconds=2), now), "not_said": NotSaid(now, "channel_busy"),
        "open": CarrierOpened(now), "close": CarrierClosed(now), "deaf": Deaf(now, "deaf"),
        "tick": Tick(now), "pause": Pause(now, "by_hand"), "resume": Resume(now),
    }  # fmt: skip
    if isinstance(move, str):
        return simple[move]
    unit_id, acts, readable, candidates, hides, emergency, present = move
    reply = Reply(
        transmission_id="t", began_at=now - timedelta(seconds=2), ended_at=now, readable=readable,
        present=present,
    )  # fmt: skip
    return Understood(
        reply, unit_id=unit_id, candidates=tuple(candidates), hides=hides, emergency=emergency,
        acts=tuple(acts),
    )  # fmt: skip


def moved(state: State, move: Any, now: datetime) -> tuple[State, tuple[DrillAction, ...]]:
    if move == "restart":
        return resume_after_restart(State.model_validate_json(state.model_dump_json()), now)
    return step(state, event_of(move, now))


def played_out(state: State, now: datetime) -> tuple[State, list[DrillAction]]:
    """Let everything be said and every time run out."""
    told: list[DrillAction] = []
    for _ in range(400):
        if state.phase == "finished":
            break
        now += timedelta(seconds=30)
        if state.paused:
            state, more = step(state, Resume(now))
            told += more
        event: Event = Said(now - timedelta(seconds=2), now) if state.saying else Tick(now)
        state, more = step(state, event)
        told += more
    return state, told


def assert_fairly_judged(member: Member) -> None:
    assert member.outcome is not None
    assert member.arrival is not None
    if member.arrival == "not_reported":
        assert not member.orders[-1].obstructed or member.outcome == "no_answer"
    if member.in_time is True:
        assert (member.steps["arrived"].latency_s or 0.0) <= member.limit_s
    if member.arrival == "not_observed":
        assert member.in_time is None


@settings(max_examples=150, deadline=None)
@given(st.lists(moves, max_size=60), st.booleans())
def test_whatever_happens_nobody_is_judged_on_what_was_not_heard(script: list[Any], cancel: bool) -> None:
    now = EIGHT
    state, actions = begin(plan_of(2, 1), now)
    told: list[DrillAction] = list(actions)
    for wait_s, move in script:
        now += timedelta(seconds=wait_s)
        before = state
        state, more = moved(state, move, now)
        told += more
        assert len([action for action in more if isinstance(action, Say)]) <= 1
        for unit_id, member in state.muster.members.items():
            earlier = before.muster.members[unit_id]
            assert member.revision >= earlier.revision
            assert earlier.steps.items() <= member.steps.items()
    if cancel:
        state, more = step(state, Cancel(now))
        told += more
    state, rest = played_out(state, now)
    assert state.phase == "finished"
    assert State.model_validate_json(state.model_dump_json()) == state
    for member in state.muster.members.values():
        assert_fairly_judged(member)
    finished = [tell for tell in (*told, *rest) if isinstance(tell, TellDrill) and tell.verb == "finished"]
    assert len(finished) == 1
    drill_event("e", finished[0], now, CLOCK)


def test_a_plan_that_makes_no_sense_is_refused() -> None:
    for changes in (
        {"units": ()},
        {"limits_s": {"point": 1.0}},
        {"limits_s": {"point": 0.0, "line": 1, "area": 1}},
    ):
        with pytest.raises(ValueError, match=r"needs"):
            plan_of(1, **changes)


def test_a_slow_recogniser_holds_no_order_up_and_costs_nobody_anything() -> None:
    slow = [Report(3.0, GO, named=False, recognition_s=60.0), Report(40.0, THERE, recognition_s=30.0)]
    air = Air(plan_of(1), {"p": slow, "l1": on_time(2.0, 100.0)}).run()

    first, second = (air.members[u].orders[0] for u in ("p", "l1"))
    assert (second.began_at - first.ended_at).total_seconds() == 12.0
    assert air.arrivals == {"p": "arrived", "l1": "arrived"}
    assert air.members["p"].steps["arrived"].latency_s == 40.0
    assert "caller_not_named" in air.members["p"].review_reasons


def test_a_line_that_answers_in_turn_is_ordered_once() -> None:
    """Who waits until the channel is free has its time; the order's wait is of silence."""
    crew = {"p": on_time(1.0, 9.0)} | {f"l{n}": on_time(1.0 + 3.5 * n, 60.0 + 4 * n) for n in range(5)}
    air = Air(plan_of(5), crew).run()

    assert {len(air.members[f"l{n}"].orders) for n in range(1, 5)} == {1}
    assert [air.members[f"l{n}"].steps["acknowledged"].latency_s for n in range(1, 5)] == [
        4.5,
        8.0,
        11.5,
        15.0,
    ]


def test_an_answer_that_another_covered_is_asked_for_alone() -> None:
    crew = {
        "p": on_time(1.0, 9.0), "l1": on_time(2.0, 60.0), "l2": on_time(4.0, 70.0),
        "l3": [Report(2.0, GO, on_order=2), Report(50.0, THERE, on_order=2, present=3)],
    }  # fmt: skip
    air = Air(plan_of(4), crew).run()

    repeats = [say for say in air.says if say.purpose == "order"][2:]
    assert [say.text for say in repeats] == [
        "演练,邻居3,请立即到商场东门,听到请回答", "演练,邻居4,请立即到商场东门,听到请回答",
    ]  # fmt: skip
    assert air.arrivals["l3"] == "arrived"
    again, silent = air.members["l3"].orders[1], air.members["l4"]
    assert (silent.orders[1].began_at - again.ended_at).total_seconds() == 2.0 + REPLY_S + RECOGNITION_S
    assert silent.orders[0].obstructed == ("another_spoke",)
    assert (silent.outcome, silent.arrival) == ("no_answer", "not_reported")


def test_silence_beside_others_proves_nothing_by_itself() -> None:
    crew = {"p": on_time(1.0, 9.0), "l1": on_time(2.0, 60.0)}
    air = Air(plan_of(2, orders_per_unit=1), crew).run()

    assert (air.members["l2"].outcome, air.arrivals["l2"]) == ("not_observed", "not_observed")


def test_several_in_one_transmission_are_each_taken() -> None:
    air = Air(plan_of(2), {"p": on_time(1.0, 9.0)})
    air.run("mustering")
    began = air.members["l1"].orders[-1].ended_at + timedelta(seconds=20)

    def heard(unit_id: str, after_s: float) -> Understood:
        at = began + timedelta(seconds=after_s)
        reply = Reply(transmission_id="t", began_at=at, ended_at=at + timedelta(seconds=2), readable=True)
        return Understood(reply, unit_id=unit_id, acts=GO)

    air.step(CarrierOpened(began))
    air.step(CarrierClosed(began + timedelta(seconds=5)))
    air.step(replace(heard("l1", 0.0), others=(heard("l2", 3.0),)))

    assert air.state.unread == 0
    assert [air.members[u].steps["departed"].latency_s for u in ("l1", "l2")] == [20.0, 23.0]


def test_nobody_is_missed_while_a_slow_recogniser_comes_nearer() -> None:
    """Ten seconds of work for each reply: the backlog is longer than anything may hold a drill up."""
    slow = {
        f"l{n}": [
            Report(1.0 + 3.0 * n, GO, recognition_s=30.0 * n),
            Report(60.0 + 3.0 * n, THERE, recognition_s=60.0 * n),
        ]
        for n in range(1, 7)
    }
    air = Air(plan_of(6), {"p": on_time(1.0, 9.0)} | slow).run()

    assert set(air.arrivals.values()) == {"arrived"}
    assert all(len(one.orders) == 1 for one in air.members.values())


def test_a_recogniser_that_hangs_does_not_hold_a_drill_up_for_ever() -> None:
    hangs = [Report(3.0, GO, recognition_s=5000.0)]
    air = Air(plan_of(1), {"p": on_time(1.0, 9.0), "l1": hangs}).run()

    assert air.members["l1"].orders[0].obstructed == ("not_understood_in_time",)
    assert air.now < EIGHT + timedelta(minutes=20)
