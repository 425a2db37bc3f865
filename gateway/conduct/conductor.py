"""Holds one radio's roll-call on the air: what the engine wants done is done here, and what happens told.

    opened, closed, deaf ─► post ─┐
    words (pipeline)      ─► hear ─┼─► engine ─► store: state and events in one transaction ─► say, wake, show
    said, alarm, commands ─► post ─┘

The state is stored before each key-up and together with the transmission that moved it, so a process that is
killed leaves at most one call that is made again. `turn` is held while the state moves; the pipeline holds
it from understanding a transmission until what came of it is stored.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from gateway.clock import IdSource
from gateway.conduct import held
from gateway.conduct.held import HeldPlan
from gateway.conduct.keeping import HeldState, record_of
from gateway.conduct.seams import Alarm, LoopAlarm, OnAir, Voice
from gateway.conduct.timeline import Timeline
from gateway.errors import GatewayError, StoreUnavailable
from gateway.events import ClockReading, CloudEvent
from gateway.rollcall.happenings import (
    Action,
    DrillAction,
    Event,
    NotSaid,
    Said,
    Say,
    TellDrill,
    Tick,
    Wake,
)
from gateway.rollcall.hearing import nobody
from gateway.rollcall.overheard import Overheard, RollcallChange
from gateway.rollcall.rollcallevents import rollcall_event
from gateway.store.rollcalls import RollcallRecord
from gateway.store.store import Store

log = structlog.get_logger()

SQUELCH_DECIDES_S: Final = 0.4
"""A reply is on the air for so long before the squelch tells: time is up only then."""
OWN_VOICE_S: Final = 0.3
"""What begins between this much before our key-up and this much before its end was ourselves."""
STORE_RETRY_S: Final = 5.0
DEAF: Final = "gateway_deaf"
"""Why nothing is said, and what silence is marked with, while a radio is not heard."""

Show = Callable[[str, Mapping[str, Any] | None], None]


@dataclass(frozen=True, slots=True)
class Moved:
    """A step that is not yet stored. `record` is None when nothing of it needs to survive."""

    before: HeldState | None
    state: HeldState
    actions: tuple[Action | DrillAction, ...]
    record: RollcallRecord | None

    @property
    def changes(self) -> tuple[RollcallChange | TellDrill, ...]:
        """What is to be published."""
        return held.changes_of(self.actions)


class Conductor:
    """One radio's roll-call, or none. Use from the asyncio loop."""

    def __init__(
        self,
        radio_id: str,
        voice: Voice,
        store: Store,
        ids: IdSource,
        timeline: Timeline,
        read_clock: Callable[[], ClockReading],
        *,
        on_events: Callable[[list[CloudEvent]], None],
        show: Show,
        on_trouble: Callable[[str | None], None] = lambda _: None,
        on_over: Callable[[HeldState], None] = lambda _: None,
        alarm: Alarm | None = None,
    ) -> None:
        """Wire it up.

        Args:
            radio_id: the radio it speaks on.
            voice: says what is to be said.
            store: keeps every step.
            ids: names events.
            timeline: what time it is.
            read_clock: the clock of events.
            on_events: is told what was committed.
            show: is told the roll-call's snapshot under its id, None when it is over.
            on_trouble: is told why the store refuses, None when it works again.
            on_over: is told what has finished, whatever finished it, once that is stored.
            alarm: rings when time is up.
        """
        self.radio_id = radio_id
        self.turn = asyncio.Lock()
        self._voice = voice
        self._store = store
        self._ids = ids
        self._timeline = timeline
        self._read_clock = read_clock
        self._on_events = on_events
        self._show = show
        self._on_trouble = on_trouble
        self._on_over = on_over
        self._alarm = alarm or LoopAlarm()
        self.is_deaf = False
        """Whether the radio is not heard now: nobody is called whose answer would be lost."""
        self._state: HeldState | None = None
        self._is_waiting = False
        """A roll-call of an earlier run is here and does not go on yet."""
        self._inbox: deque[Event] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._spoke: deque[tuple[datetime, datetime]] = deque(maxlen=4)

    @property
    def state(self) -> HeldState | None:
        """How the roll-call stands, None when there is none."""
        return self._state

    @property
    def is_waiting(self) -> bool:
        """Whether a roll-call of an earlier run is here and `go_on` was not called."""
        return self._is_waiting

    @property
    def rollcall_id(self) -> str | None:
        """The roll-call that is held now, None when there is none."""
        return held.id_of(self._state) if self._state is not None else None

    @property
    def has_post(self) -> bool:
        """Whether something posted has not been taken."""
        return bool(self._inbox)

    def expected(self) -> frozenset[str]:
        """Units that are likely to speak now."""
        return held.expected_of(self._state) if self._state is not None else frozenset()

    async def begin(self, plan: HeldPlan, *, occasion: str | None = None) -> None:
        """Start a roll-call; `occasion` is what of a schedule is held with it, and is stored in one step.

        Raises:
            StoreUnavailable: nothing was begun.
            ValueError: one goes on already.
        """
        async with self.turn:
            if self._state is not None:
                raise ValueError(f"radio {self.radio_id} is in a roll-call already")
            self._timeline.anchor()
            state, actions = held.begin(plan, self._timeline.now())
            record = replace(record_of(None, state), occasion=occasion)
            moved = Moved(None, state, actions, record)
            await self._commit(moved)

    def take_up(self, state: HeldState) -> None:
        """Take over what an earlier run stored. Nothing is said before `go_on`; what is heard counts."""
        self._state, self._is_waiting = state, True
        self._show_it(state)

    async def go_on(self) -> None:
        """Go on with what was taken up, once everything that was heard before has been understood.

        Raises:
            StoreUnavailable: it waits still.
        """
        async with self.turn:
            self._is_waiting = False
            try:
                await self._resume()
            except GatewayError:
                # Nothing was said or stored: who calls again must find it waiting still.
                self._is_waiting = True
                raise

    async def _resume(self) -> None:
        await self._drain()
        before = self._state
        if before is None:
            return
        state, actions = held.resume_after_restart(before, self._timeline.now())
        log.info("roll-call resumed", radio=self.radio_id, rollcall=held.id_of(state))
        await self._commit(Moved(before, state, actions, record_of(before, state)))

    async def feed(self, event: Event) -> None:
        """Tell the engine something and wait until what follows is stored.

        Raises:
            StoreUnavailable: nothing of it happened.
        """
        async with self.turn:
            await self._drain()
            await self._take((event,))

    def post(self, event: Event) -> None:
        """Tell the engine something soon. In the order of posting, and before what is heard later."""
        if self._state is None:
            return
        self._inbox.append(event)
        if len(self._inbox) == 1:
            self._run(self._empty_inbox())

    async def stop(self) -> None:
        """End what is being said and forget the alarm; the roll-call goes on in the next run."""
        # What is understood from now on is stored as ever; what it asks for is the next run's to say.
        self._is_waiting = True
        self._alarm.clear()
        self._voice.hush()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- what the pipeline asks, holding `turn`

    async def hear(self, heard: Overheard) -> Moved | None:
        """Return what a transmission moves, None when no roll-call is held or it was our own voice."""
        await self._drain()
        state = self._state
        if state is None:
            return None
        if self._is_own_voice(heard.began_at):
            return self._step((nobody(heard),))
        return self._step(held.hear(heard, state))

    def adopt(self, moved: Moved) -> None:
        """Take over a step that has been stored, and do what it asks."""
        before, self._state = moved.before, moved.state
        if moved.state.phase == "finished":
            self._alarm.clear()
            self._inbox.clear()
            self._state = None
            self._on_over(moved.state)
        if moved.record is not None or moved.state.phase == "finished":
            self._show_it(moved.state)
        if moved.state.paused is not None and (before is None or before.paused is None):
            self._voice.hush()
        if self._is_waiting:
            return
        for action in moved.actions:
            if isinstance(action, Say):
                self._run(self._say(action, moved.state))
            elif isinstance(action, Wake):
                self._wake(action.at)

    def _is_own_voice(self, began_at: datetime) -> bool:
        early = timedelta(seconds=OWN_VOICE_S)
        return any(since - early <= began_at < until - early for since, until in self._spoke)

    # --- steps

    def _step(self, events: Iterable[Event]) -> Moved:
        before = self._state
        assert before is not None
        state = before
        actions: list[Action | DrillAction] = []
        for event in events:
            state, more = held.step(state, event)
            actions += more
        is_news = held.is_news(before, state)
        speaks = any(isinstance(action, Say) for action in actions)
        record = record_of(before, state) if is_news or speaks else None
        return Moved(before, state, tuple(actions), record)

    async def _take(self, events: Iterable[Event]) -> None:
        if self._state is not None:
            await self._commit(self._step(events))

    async def _commit(self, moved: Moved) -> None:
        """Store a step of our own and take it over."""
        committed: list[CloudEvent] = []
        if moved.record is not None:
            clock, now = self._read_clock(), self._timeline.now()
            drafts = [rollcall_event(self._ids.new(), one, now, clock, None) for one in moved.changes]
            committed = await self._store.commit(None, drafts, rollcall=moved.record)
        self.adopt(moved)
        if committed:
            self._on_events(committed)

    async def _drain(self) -> None:
        while self._inbox:
            try:
                await self._take((self._inbox[0],))
            except GatewayError:
                raise
            except Exception:
                # Kept, it would stop everything that is posted or heard after it.
                log.exception("roll-call passes over what it cannot take", radio=self.radio_id)
            if self._inbox:
                self._inbox.popleft()

    async def _empty_inbox(self) -> None:
        """Take what was posted; while the store refuses, hold it and try again."""
        refused = False
        while True:
            try:
                async with self.turn:
                    await self._drain()
            except StoreUnavailable as error:
                refused = True
                self._on_trouble(str(error))
                await asyncio.sleep(STORE_RETRY_S)
                continue
            if refused:
                self._on_trouble(None)
            return

    def _run(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- speaking and waking

    async def _say(self, say: Say, state: HeldState) -> None:
        self._prepare(state)
        if self.is_deaf:
            self.post(NotSaid(self._timeline.now(), DEAF))
            return
        try:
            said = await self._voice.say(say.text, held.id_of(state))
        except Exception:
            log.exception("nothing could be said", radio=self.radio_id)
            said = None
        if self.rollcall_id != held.id_of(state):
            return
        if isinstance(said, OnAir):
            began, ended = self._timeline.at(said.keyed_s), self._timeline.at(said.released_s)
            self._spoke.append((began, ended))
            self.post(Said(began, ended))
        else:
            reason = said.reason if said is not None else "device_failed"
            self.post(NotSaid(self._timeline.now(), reason))

    def _prepare(self, state: HeldState) -> None:
        """Have rendered what will be said soon."""
        with contextlib.suppress(Exception):
            self._voice.prepare([text for text in held.texts_of(state) if text])

    def _wake(self, at: datetime) -> None:
        delay_s = (at - self._timeline.now()).total_seconds() + SQUELCH_DECIDES_S
        self._alarm.set(delay_s, lambda: self.post(Tick(self._timeline.now())))

    def _show_it(self, state: HeldState) -> None:
        rollcall_id = held.id_of(state)
        if state.phase == "finished":
            self._show(rollcall_id, None)
            return
        snapshot = held.snapshot_of(state, self._timeline.now(), self._read_clock())
        self._show(rollcall_id, snapshot.model_dump(mode="json"))
