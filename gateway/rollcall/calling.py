"""How a roll-call that the gateway holds speaks and waits: all of it but who answers. Pure."""

import itertools
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import Field

from gateway.events import Model, Timestamp
from gateway.rollcall.happenings import (
    Action,
    NotSaid,
    Purpose,
    Said,
    Say,
    Tell,
    Verb,
    Wake,
)
from gateway.rollcall.heldrun import HeldRun
from gateway.rollcall.plan import Plan
from gateway.rollcall.sheet import CallMade, Item, Sheet

Phase = Literal[
    "opening", "calling", "waiting", "asking", "counting", "acknowledging", "last_calling", "last_waiting",
    "closing", "finished",
]  # fmt: skip
WAITING: Final = frozenset({"waiting", "counting", "last_waiting"})
_SPEAKING: Final[dict[Phase, Purpose]] = {
    "opening": "open",
    "calling": "call",
    "asking": "ask_headcount",
    "acknowledging": "acknowledge",
    "last_calling": "last_call",
    "closing": "close",
}
WITH_ONE_UNIT: Final = frozenset({"calling", "waiting", "asking", "counting", "acknowledging"})


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


class Calling(HeldRun[State, Action]):
    """Says what is to be said, and decides when time is up; who answers is for a subclass to tell."""

    def tell(self, verb: Verb, item: Item | None = None) -> None:
        """Publish what moved."""
        self._actions.append(Tell(verb, self.state.sheet, item))

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
        unit_id = self.state.current if phase in WITH_ONE_UNIT else None
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
        elif phase not in WITH_ONE_UNIT or current is None:
            self.speak(phase, at)
        elif self.state.sheet.items[current].has_answered:
            self.speak("acknowledging", at)
        else:
            self.update(calls=max(0, self.state.calls - 1))
            self.speak("calling", at)

    def _was_said(self, said: Said) -> None:
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
                for unit_id in self.missing():
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

    def _try_again(self, at: datetime) -> None:
        self.speak(self.state.phase, at)

    def _look(self, at: datetime) -> None:
        state = self.state
        if state.phase not in WAITING or state.deadline is None:
            return
        if at < state.deadline:
            self._actions.append(Wake(state.deadline))
            return
        held_until = state.deadline + timedelta(seconds=state.plan.hold_s)
        if (state.carrier_open or state.unread) and at < held_until:
            self._actions.append(Wake(held_until))
            return
        if state.carrier_open or state.unread:
            self._wait_no_longer()
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
            queue = tuple(self.missing())
        if queue:
            self.update(current=queue[0], queue=queue[1:], calls=0, asked=False)
            self.speak("calling", at)
            return
        missing = self.missing()
        self.update(current=None, queue=(), round=state.plan.rounds)
        last_call = missing and state.plan.last_call_wait_s > 0 and state.plan.phrases.last_call
        self.speak("last_calling" if last_call else "closing", at)

    def missing(self) -> list[str]:
        """Who has not answered."""
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

    def obstruct(self, reason: str) -> None:
        """Silence after the call that is waited for proves nothing."""
        if self.state.phase not in WAITING:
            return
        waited_for = self.missing() if self.state.phase == "last_waiting" else [self.state.current]
        sheet = self.state.sheet
        for unit_id in waited_for:
            sheet = sheet.obstructed(unit_id, reason) if unit_id is not None else sheet
        self.update(sheet=sheet)
