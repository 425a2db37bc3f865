"""The roll-call on one radio, whoever holds it: the gateway itself, or an officer by voice.

While the gateway calls, nothing is followed; while an officer does, the gateway does not begin.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from gateway.conduct import held
from gateway.conduct.conductor import DEAF, Conductor, Moved, Show
from gateway.conduct.timeline import Timeline
from gateway.events import ClockReading
from gateway.hear.capture import DEAFENING, CaptureEvent, Completed, Ended, Fault, Missed, Opened, Recovered
from gateway.model import Transmission
from gateway.rollcall.happenings import CarrierClosed, CarrierOpened, Deaf, TellDrill
from gateway.rollcall.hearing import not_understood
from gateway.rollcall.listening import Followed, Follower
from gateway.rollcall.overheard import ListeningRules, Overheard, RollcallChange
from gateway.rollcall.rollcallevents import rollcall_snapshot
from gateway.rollcall.sheet import Kind
from gateway.store.rollcalls import RollcallRecord


@dataclass(frozen=True, slots=True)
class Noted:
    """What a transmission does to the roll-call, not stored yet.

    `rollcall_id` when it belongs to one, `takes_answer` when it is an answer and so no check-in of its own.
    `follower` is (radio id, JSON) and `record` the roll-call that is held, each None when unchanged.
    """

    before: Follower
    followed: Followed
    moved: Moved | None
    changes: tuple[RollcallChange | TellDrill, ...]
    rollcall_id: str | None
    takes_answer: bool
    drill_id: str | None = None
    """The drill that a transmission was heard in; None when that was interrupted, or none was held."""

    @property
    def follower(self) -> tuple[str, str] | None:
        """The follower to store."""
        follower = self.followed.follower
        return None if follower == self.before else (follower.radio_id, follower.model_dump_json())

    @property
    def ends_drill(self) -> bool:
        """Whether a drill is over with it."""
        return any(
            change.verb == "finished" and (isinstance(change, TellDrill) or change.sheet.kind == "drill")
            for change in self.changes
        )

    @property
    def record(self) -> RollcallRecord | None:
        """The roll-call to store."""
        return self.moved.record if self.moved is not None else None


class RadioRollcall:
    """Use from the asyncio loop."""

    def __init__(
        self,
        radio_id: str,
        timeline: Timeline,
        new_id: Callable[[], str],
        read_clock: Callable[[], ClockReading],
        *,
        follower: Follower | None = None,
        show: Show = lambda _id, _document: None,
    ) -> None:
        """Follow what officers hold by voice; `conductor` is None where the gateway cannot speak."""
        self.radio_id = radio_id
        self.conductor: Conductor | None = None
        self.timeline = timeline
        self._rules = ListeningRules(new_id=new_id)
        self._read_clock = read_clock
        self._show = show
        self._follower = follower.taken_up_again() if follower else Follower(radio_id=radio_id)
        self._deafened_by: set[str] = set()
        self._turn = asyncio.Lock()
        self._show_followed()

    @property
    def followed_id(self) -> str | None:
        """The roll-call that an officer holds by voice now, None when there is none."""
        if self._follower.sheet is not None:
            return self._follower.sheet.rollcall_id
        return self._follower.drill.drill_id if self._follower.drill is not None else None

    @property
    def followed_kind(self) -> Kind | None:
        """Whether that is a roll-call or a drill."""
        if self._follower.sheet is not None:
            return self._follower.sheet.kind
        return "drill" if self._follower.drill is not None else None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold the roll-call still until what a transmission does to it is stored."""
        async with self.conductor.turn if self.conductor is not None else self._turn:
            if self.followed_id is None and (self.conductor is None or self.conductor.state is None):
                self.timeline.anchor()
            yield

    def on_air(self, transmission: Transmission) -> tuple[datetime, datetime]:
        """When a transmission's carrier opened and closed, on the roll-call's own time."""
        opened, closed = transmission.carrier_opened_at, transmission.carrier_closed_at
        if transmission.started_mono_s is None:
            return opened, closed
        shift = self.timeline.at(transmission.started_mono_s) - transmission.started_at
        return opened + shift, closed + shift

    @property
    def in_drill(self) -> bool:
        """Whether what is heard now is an exercise unless it says that it is not."""
        return self.conductor is not None and held.exercise_of(self.conductor.state) is not None

    @property
    def in_turn(self) -> str | None:
        """The one unit that a roll-call waits for now, None when it waits for nobody or for several."""
        if self.conductor is not None and self.conductor.state is not None:
            return held.in_turn(self.conductor.state)
        turn = self._follower.turn
        return turn.unit_id if turn is not None and not self._follower.paused else None

    def expected(self) -> frozenset[str]:
        """Units that a roll-call waits for now."""
        return self.conductor.expected() if self.conductor is not None else frozenset()

    async def hear(self, heard: Overheard) -> Noted:
        """Return what a transmission does. Hold `turn` from here until it is stored and adopted.

        Raises:
            StoreUnavailable: what happened before could not be stored.
        """
        moved = await self.conductor.hear(heard) if self.conductor is not None else None
        before = self._follower
        if moved is None:
            followed = before.hear(heard, self._rules)
            return Noted(
                before, followed, None, followed.changes, followed.rollcall_id, followed.takes_answer,
                followed.drill_id,
            )  # fmt: skip
        belongs, takes = held.takes_answer(moved.changes)
        takes = takes or held.is_report(moved.state, heard)
        rollcall_id = held.id_of(moved.state) if belongs and held.is_rollcall(moved.state) else None
        drill_id = held.exercise_of(moved.state)
        return Noted(before, Followed(before), moved, moved.changes, rollcall_id, takes, drill_id)

    def adopt(self, noted: Noted) -> None:
        """Take over what has been stored."""
        if noted.moved is not None:
            assert self.conductor is not None
            self.conductor.adopt(noted.moved)
            return
        self._follow(noted.followed.follower.still_deaf_as(self._follower, since=noted.before))

    def notice(self, event: CaptureEvent) -> None:
        """Take what the capture thread tells of carrier and device."""
        now = self.timeline.now()
        if isinstance(event, Fault) and event.what in DEAFENING:
            self._deafened_by.add(event.what)
        elif isinstance(event, Recovered):
            self._deafened_by.discard(event.what)
        elif isinstance(event, Ended):
            self._deafened_by.add("source")
        if self.conductor is not None:
            self.conductor.is_deaf = bool(self._deafened_by)
        if isinstance(event, Missed | Ended) or (
            isinstance(event, Fault | Recovered) and event.what in DEAFENING
        ):
            self.could_not_hear(now)
        elif self.conductor is not None and isinstance(event, Opened):
            self.conductor.post(CarrierOpened(now))
        elif self.conductor is not None and isinstance(event, Completed):
            self.conductor.post(CarrierClosed(now))

    def could_not_hear(self, at: datetime) -> None:
        """Note that this radio was not heard at `at`: silence in a roll-call proves nothing there."""
        self._follower = self._follower.could_not_hear(at)
        if self.conductor is not None:
            self.conductor.post(Deaf(at, DEAF))

    def gave_up_on(self, transmission: Transmission) -> None:
        """Note that nothing will be understood of a transmission."""
        opened, closed = self.on_air(transmission)
        self.could_not_hear(opened)
        if self.conductor is not None:
            self.conductor.post(not_understood(transmission.id, opened, closed))

    def let_go(self, now: datetime) -> Noted | None:
        """Return the end of a roll-call by voice that nobody went on with, None when there is none."""
        before = self._follower
        followed = before.let_go(now, self._rules)
        if not followed.changes:
            return None
        return Noted(before, followed, None, followed.changes, followed.rollcall_id, takes_answer=False)

    def cancel_followed(self, at: datetime) -> Noted | None:
        """Return what it does to end a roll-call by voice here and now, None when there is none."""
        before = self._follower
        followed = before.cancel(at)
        if not followed.changes:
            return None
        return Noted(before, followed, None, followed.changes, followed.rollcall_id, takes_answer=False)

    def _follow(self, follower: Follower) -> None:
        gone = self._follower.sheet
        self._follower = follower
        sheet = follower.sheet
        if gone is not None and (sheet is None or sheet.rollcall_id != gone.rollcall_id):
            self._show(gone.rollcall_id, None)
        if sheet is not gone:
            self._show_followed()

    def _show_followed(self) -> None:
        follower, sheet = self._follower, self._follower.sheet
        if sheet is None:
            return
        snapshot = rollcall_snapshot(
            sheet,
            self.timeline.now(),
            self._read_clock(),
            paused="emergency" if follower.paused else None,
            in_turn=follower.turn.unit_id if follower.turn is not None else None,
        )
        self._show(sheet.rollcall_id, snapshot.model_dump(mode="json"))
