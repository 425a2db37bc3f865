"""A roll-call that the gateway holds itself: what happened in, what to do out. Pure.

`begin`, `step` and `resume_after_restart` return a new state and the actions that follow; the state turns to
JSON and back at any point. Whoever drives it says what it is told to say, one thing at a time and with its
own busy check, answers each Say with Said or NotSaid, wakes it when asked, and tells it of everything heard
on the radio. It must store the state before it keys up and after each answer.

    opening ─► calling ─► waiting ─► asking ─► counting ─► acknowledging ─► calling the next …
                  ▲──────────┘ nobody answered                    … ─► last_calling ─► last_waiting ─► closing

An answer counts for the unit that gives it, whenever it comes: in its turn, after it (late), twice, or before
it was called at all. While somebody is still being received or understood nobody's time runs out. An
emergency pauses everything until a person goes on with it, and costs the unit in turn nothing.
"""

import itertools
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import Field

from gateway.events import Model, RollcallOutcome, Timestamp
from gateway.rollcall.happenings import (
    Action,
    Cancel,
    CarrierClosed,
    CarrierOpened,
    Deaf,
    Event,
    NotSaid,
    Pause,
    Purpose,
    Resume,
    Said,
    Say,
    Tell,
    Tick,
    Understood,
    Verb,
    Wake,
)
from gateway.rollcall.plan import Plan
from gateway.rollcall.sheet import OVERLAP_S, CallMade, Item, Reply, Sheet

Phase = Literal[
    "opening", "calling", "waiting", "asking", "counting", "acknowledging", "last_calling", "last_waiting",
    "closing", "finished",
]  # fmt: skip
_WAITING: Final = frozenset({"waiting", "counting", "last_waiting"})
_SPEAKING: Final[dict[Phase, Purpose]] = {
    "opening": "open",
    "calling": "call",
    "asking": "ask_headcount",
    "acknowledging": "acknowledge",
    "last_calling": "last_call",
    "closing": "close",
}
_WITH_ONE_UNIT: Final = frozenset({"calling", "waiting", "asking", "counting", "acknowledging"})


class State(Model):
    """Everything the engine knows. `queue` is who is still to be called in this round.

    `saying` while a Say is not answered. `unread` counts transmissions that are not understood yet,
    `retry_at` is when a key-up that failed is tried again, `paused` why nothing is said now. `turn_over` is
    until when each unit that did not answer could have done so in its turn.
    """

    plan: Plan
    sheet: Sheet
    phase: Phase = "opening"
    round: int = 1
    queue: tuple[str, ...] = ()
    current: str | None = None
    calls: int = 0
    asked: bool = False
    deadline: Timestamp | None = None
    carrier_open: bool = False
    unread: int = 0
    saying: bool = False
    failures: int = 0
    retry_at: Timestamp | None = None
    paused: str | None = None
    turn_over: dict[str, Timestamp] = Field(default_factory=dict)


Step = tuple[State, tuple[Action, ...]]


def begin(plan: Plan, at: datetime) -> Step:
    """Start the roll-call. Who is excused is told at once."""
    state = State(
        plan=plan, sheet=plan.blank_sheet(at.isoformat()), queue=tuple(unit.unit_id for unit in plan.units)
    )
    run = _Run(state)
    run.tell("started")
    for unit in plan.excused:
        sheet, item = run.state.sheet.published(run.state.sheet.items[unit.unit_id])
        run.update(sheet=sheet)
        run.tell("missed", item)
    run.speak("opening", at)
    return run.outcome()


def step(state: State, event: Event) -> Step:
    """Take one thing that happened. Never raises; a finished roll-call does nothing more."""
    if state.phase == "finished":
        return state, ()
    run = _Run(state)
    run.take(event)
    return run.outcome()


def resume_after_restart(state: State, at: datetime) -> Step:
    """Go on in a new process: what was said or heard since the state was stored is not known.

    A unit that was called is called again, and its silence meanwhile does not count.
    """
    if state.phase == "finished":
        return state, ()
    run = _Run(state)
    run.update(saying=False, carrier_open=False, unread=0, retry_at=None)
    run.obstruct("gateway_restarted")
    if run.state.paused is None:
        run.again(at)
    return run.outcome()


class _Run:
    """One step; collects the actions."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._actions: list[Action] = []

    def outcome(self) -> Step:
        return self.state, tuple(self._actions)

    def update(self, **changes: object) -> None:
        self.state = self.state.model_copy(update=changes)

    def tell(self, verb: Verb, item: Item | None = None) -> None:
        self._actions.append(Tell(verb, self.state.sheet, item))

    def take(self, event: Event) -> None:
        match event:
            case CarrierOpened():
                self.update(carrier_open=True)
            case CarrierClosed():
                self.update(carrier_open=False, unread=self.state.unread + 1)
            case Understood():
                self.update(unread=max(0, self.state.unread - 1))
                self._hear(event)
            case Said():
                self._said(event)
            case NotSaid():
                self._not_said(event)
            case Deaf():
                self.obstruct(event.reason)
            case Tick():
                self._tick(event.at)
            case _:
                self._obey(event)

    def _obey(self, event: Pause | Resume | Cancel) -> None:
        match event:
            case Pause():
                self._pause(event.reason)
            case Resume():
                if self.state.paused is not None:
                    self.update(paused=None)
                    self.again(event.at)
            case Cancel():
                self._finish(event.at, cancelled=True)

    # --- speaking

    def speak(self, phase: Phase, at: datetime) -> None:
        """Enter a phase in which something is said, or pass it by when its phrase is empty."""
        self.update(phase=phase, deadline=None, retry_at=None)
        current = self.state.current
        if phase == "calling" and current is not None and self.state.sheet.items[current].has_answered:
            self._next(at)
            return
        if self.state.paused is not None or self.state.saying:
            return
        purpose = _SPEAKING[phase]
        unit_id = self.state.current if phase in _WITH_ONE_UNIT else None
        text = self.state.plan.say(purpose, unit_id)
        if not text:
            self._after_speaking(CallMade(began_at=at, ended_at=at))
            return
        self.update(saying=True)
        self._actions.append(Say(purpose, text, unit_id))

    def again(self, at: datetime) -> None:
        """Say once more what belongs to where the roll-call stands, after a stretch that was not heard."""
        phase, current = self.state.phase, self.state.current
        if phase in {"last_calling", "last_waiting"}:
            self.speak("last_calling", at)
        elif phase not in _WITH_ONE_UNIT or current is None:
            self.speak(phase, at)
        elif self.state.sheet.items[current].has_answered:
            self.speak("acknowledging", at)
        else:
            self.update(calls=max(0, self.state.calls - 1))
            self.speak("calling", at)

    def _said(self, said: Said) -> None:
        if not self.state.saying:
            return
        self.update(saying=False, failures=0)
        self._after_speaking(CallMade(began_at=said.began_at, ended_at=said.ended_at))

    def _after_speaking(self, spoken: CallMade) -> None:
        state, at = self.state, spoken.ended_at
        match state.phase:
            case "opening" | "acknowledging":
                self._next(at)
            case "calling":
                self._called(spoken)
            case "asking":
                self._listen("counting", at, state.plan.wait_s)
            case "last_calling":
                for unit_id in self._missing():
                    self._call_once(unit_id, spoken)
                self._listen("last_waiting", at, state.plan.last_call_wait_s)
            case "closing":
                self._finish(at, cancelled=False)

    def _called(self, spoken: CallMade) -> None:
        unit_id = self.state.current
        assert unit_id is not None
        over = {u: at for u, at in self.state.turn_over.items() if u != unit_id}
        self.update(calls=self.state.calls + 1, turn_over=over)
        self._call_once(unit_id, spoken)
        if self.state.sheet.items[unit_id].has_answered:
            self.speak("acknowledging", spoken.ended_at)
        else:
            self._listen("waiting", spoken.ended_at, self.state.plan.wait_s)

    def _call_once(self, unit_id: str, spoken: CallMade) -> None:
        if self.state.paused is not None:
            spoken = spoken.model_copy(update={"obstructed": (self.state.paused,)})
        sheet, item = self.state.sheet.called(unit_id, "", spoken)
        self.update(sheet=sheet)
        self.tell("called", item)

    def _listen(self, phase: Phase, since: datetime, wait_s: float) -> None:
        until = since + timedelta(seconds=wait_s)
        self.update(phase=phase, deadline=until)
        if self.state.paused is None:
            self._actions.append(Wake(until))

    def _not_said(self, event: NotSaid) -> None:
        if not self.state.saying:
            return
        failures = self.state.failures + 1
        self.update(saying=False, failures=failures)
        if failures < self.state.plan.busy_tries:
            retry_at = event.at + timedelta(seconds=self.state.plan.busy_retry_s)
            self.update(retry_at=retry_at)
            if self.state.paused is None:
                self._actions.append(Wake(retry_at))
            return
        self.update(failures=0)
        self._skip(event)

    def _skip(self, event: NotSaid) -> None:
        """Do without what cannot be said. Who could not be called was not observed."""
        phase, current = self.state.phase, self.state.current
        if phase == "calling" and current is not None:
            item = self.state.sheet.items[current]
            if not item.calls:
                self.update(sheet=self.state.sheet.put(item.with_(reasons=(event.reason,))))
            self.update(calls=self.state.plan.calls_per_unit)
        if phase == "asking":
            self.speak("acknowledging", event.at)
        elif phase == "closing":
            self._finish(event.at, cancelled=False)
        elif phase == "last_calling":
            self.speak("closing", event.at)
        else:
            self._next(event.at)

    # --- time

    def _tick(self, at: datetime) -> None:
        state = self.state
        if state.paused is not None or state.saying:
            return
        if state.retry_at is not None:
            if at >= state.retry_at:
                self.speak(state.phase, at)
            else:
                self._actions.append(Wake(state.retry_at))
            return
        if state.phase not in _WAITING or state.deadline is None:
            return
        if at < state.deadline:
            self._actions.append(Wake(state.deadline))
            return
        held_until = state.deadline + timedelta(seconds=state.plan.hold_s)
        if (state.carrier_open or state.unread) and at < held_until:
            self._actions.append(Wake(held_until))
            return
        if state.carrier_open or state.unread:
            self.obstruct("channel_busy" if state.carrier_open else "not_understood_in_time")
            self.update(carrier_open=False, unread=0)
        self._time_is_up(at)

    def _time_is_up(self, at: datetime) -> None:
        if self.state.phase == "counting":
            self.speak("acknowledging", at)
        elif self.state.phase == "last_waiting":
            self.speak("closing", at)
        else:
            assert self.state.current is not None
            over = {**self.state.turn_over, self.state.current: self.state.deadline or at}
            self.update(turn_over=over)
            self._next(at)

    def _next(self, at: datetime) -> None:
        """Call the unit in turn once more, or the next one, or go on to the next round or the end."""
        state = self.state
        items = state.sheet.items
        may_call_again = 0 < state.calls < state.plan.calls_per_unit
        if may_call_again and state.current is not None and not items[state.current].has_answered:
            self.speak("calling", at)
            return
        answered = itertools.takewhile(lambda unit_id: items[unit_id].has_answered, state.queue)
        queue = state.queue[len(list(answered)) :]
        if not queue and state.round < state.plan.rounds:
            self.update(round=state.round + 1)
            queue = tuple(self._missing())
        if queue:
            self.update(current=queue[0], queue=queue[1:], calls=0, asked=False)
            self.speak("calling", at)
            return
        missing = self._missing()
        self.update(current=None, queue=(), round=state.plan.rounds)
        last_call = missing and state.plan.last_call_wait_s > 0 and state.plan.phrases.last_call
        self.speak("last_calling" if last_call else "closing", at)

    def _missing(self) -> list[str]:
        items = self.state.sheet.items
        return [u.unit_id for u in self.state.plan.units if not items[u.unit_id].has_answered]

    def _finish(self, at: datetime, *, cancelled: bool) -> None:
        sheet, missed = self.state.sheet.settled(at, "cancelled" if cancelled else "closed")
        self.update(
            sheet=sheet, phase="finished", current=None, queue=(), deadline=None, retry_at=None, saying=False
        )
        for item in missed:
            self.tell("missed", item)
        self.tell("finished")

    def _pause(self, reason: str) -> None:
        if self.state.paused is None:
            self.obstruct(reason)
            sheet = self.state.sheet
            self.update(paused=reason, retry_at=None, sheet=sheet.with_(pauses=sheet.pauses + 1))

    # --- hearing

    def obstruct(self, reason: str) -> None:
        """Silence after the call that is waited for proves nothing."""
        if self.state.phase not in _WAITING:
            return
        waited_for = self._missing() if self.state.phase == "last_waiting" else [self.state.current]
        sheet = self.state.sheet
        for unit_id in waited_for:
            sheet = sheet.obstructed(unit_id, reason) if unit_id is not None else sheet
        self.update(sheet=sheet)

    def _hear(self, heard: Understood) -> None:
        if heard.hides is not None:
            self.obstruct(heard.hides)
        else:
            self._attribute(heard)
        if heard.emergency:
            self._pause("emergency")
        self._settle_turn(heard)

    def _attribute(self, heard: Understood) -> None:
        items, in_turn = self.state.sheet.items, self._in_turn(heard.reply)
        speaker = heard.unit_id
        for_unit, reply = heard.stood_in_for(in_turn)
        if for_unit is not None and for_unit in items:
            self._record(for_unit, reply, "answered_by_other", by=speaker)
        elif heard.stands_in:
            return
        elif speaker is not None:
            if speaker in items and (heard.answers or speaker == in_turn):
                self._record(speaker, heard.reply, self._own_outcome(speaker, heard.reply))
        elif not heard.emergency:
            self._attribute_unnamed(heard, in_turn)

    def _attribute_unnamed(self, heard: Understood, in_turn: str | None) -> None:
        """Whose turn it is answers, where nothing speaks against it."""
        if heard.candidates and heard.answers and in_turn not in heard.candidates:
            self._perhaps(heard, in_turn)
        elif in_turn is None:
            return
        elif not heard.reply.readable:
            self._record(in_turn, _doubted(heard.reply, "unreadable"), "unreadable")
        elif in_turn in heard.candidates:
            self._record(in_turn, _doubted(heard.reply, "caller_ambiguous"), "answered")
        elif heard.answers:
            self._record(in_turn, _doubted(heard.reply, "caller_not_named"), "answered")

    def _perhaps(self, heard: Understood, in_turn: str | None) -> None:
        """An answer by one of several, none of them in turn: a person has to tell whose it is.

        A name that was misheard must cost neither the unit in turn nor one that answers late its answer.
        """
        items = self.state.sheet.items
        called = [unit_id for unit_id in heard.candidates if unit_id in items and items[unit_id].calls]
        for unit_id in dict.fromkeys((*called, *([in_turn] if in_turn is not None else []))):
            if not items[unit_id].has_answered:
                self._record(unit_id, _doubted(heard.reply, "caller_ambiguous"), "unreadable")

    def _in_turn(self, reply: Reply) -> str | None:
        """The unit that was waited for when the reply began, None when nobody or everybody was."""
        state = self.state
        if state.current is None or state.paused is not None or state.phase not in _WITH_ONE_UNIT:
            return None
        calls = state.sheet.items[state.current].calls
        begun = bool(calls) and (reply.began_at - calls[-1].ended_at).total_seconds() >= -OVERLAP_S
        in_time = state.deadline is None or reply.began_at <= state.deadline
        return state.current if begun and in_time else None

    def _own_outcome(self, unit_id: str, reply: Reply) -> RollcallOutcome:
        """Late is what began after the turn was over, however long it took to be understood."""
        over = self.state.turn_over.get(unit_id)
        return "answered_late" if over is not None and reply.began_at > over else "answered"

    def _record(self, unit_id: str, reply: Reply, outcome: RollcallOutcome, *, by: str | None = None) -> None:
        before = self.state.sheet.items[unit_id]
        after = before.answered(reply, outcome, by=by)
        if after != before:
            sheet, item = self.state.sheet.published(after)
            self.update(sheet=sheet)
            self.tell("answered", item)

    def _settle_turn(self, heard: Understood) -> None:
        """Go on when the unit in turn has answered; give back the time that somebody else's words took."""
        state = self.state
        if state.paused is not None or state.phase not in _WAITING or state.saying:
            return
        at = heard.reply.ended_at
        if state.phase == "last_waiting" and not self._missing():
            self.speak("closing", at)
            return
        if state.phase != "last_waiting" and state.current is not None:
            item = state.sheet.items[state.current]
            if item.has_answered and (state.phase == "waiting" or item.present is not None):
                wants_count = state.plan.ask_headcount and item.present is None and not state.asked
                self.update(asked=True)
                self.speak("asking" if wants_count else "acknowledging", at)
                return
        assert state.deadline is not None
        if heard.reply.began_at <= state.deadline:
            taken = heard.reply.ended_at - heard.reply.began_at
            self.update(deadline=state.deadline + taken)
        assert self.state.deadline is not None
        self._actions.append(Wake(max(self.state.deadline, at)))


def _doubted(reply: Reply, reason: str) -> Reply:
    return reply.model_copy(update={"review_reasons": (*reply.review_reasons, reason)})
