"""All roll-calls of a gateway: put together, taken up at start, looked after, and ended with it.

Everything here runs on the asyncio loop.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, Final

import structlog

from gateway.clock import Clock, IdSource
from gateway.conduct import held
from gateway.conduct.conductor import Conductor
from gateway.conduct.held import HeldPlan
from gateway.conduct.keeping import HeldState, record_of, state_of
from gateway.conduct.planner import Planner
from gateway.conduct.radiorollcall import RadioRollcall
from gateway.conduct.rollcalldesk import RollcallDesk
from gateway.conduct.seams import Alarm, Voice
from gateway.conduct.stations import RadioPath, Station, Stations
from gateway.conduct.timeline import Timeline
from gateway.conduct.timetable import Timetable
from gateway.errors import BadInput, GatewayError
from gateway.events import ClockReading, CloudEvent
from gateway.publish.commands import RefusedCommand
from gateway.publish.topics import rollcall_suffix
from gateway.rollcall.happenings import Cancel
from gateway.rollcall.listening import Follower
from gateway.rollcall.rollcallevents import rollcall_event
from gateway.rollcallsettings import RollcallSettings
from gateway.store.rollcalls import RollcallRecord
from gateway.store.store import Store

log = structlog.get_logger()

LOOK_EVERY_S: Final = 5.0
"""How often schedules and silent roll-calls are looked at."""
STORE_ACTION: Final = "free disk space in data_dir; the roll-call waits"
BACKLOG_S: Final = 120.0
"""At start a roll-call waits so long for what was heard before to be understood."""


class RollcallOffice:
    """The gateway's roll-calls. `desk` carries commands out, `timetable` begins what begins by itself."""

    def __init__(
        self,
        store: Store,
        settings: RollcallSettings,
        command_post: str,
        clock: Clock,
        ids: IdSource,
        read_clock: Callable[[], ClockReading],
        *,
        on_events: Callable[[list[CloudEvent]], None],
        publish_state: Callable[[str, Mapping[str, Any] | None], None],
        on_fault: Callable[[str, str, str], None],
        on_recovered: Callable[[str], None],
        random: Random | None = None,
    ) -> None:
        """Wire the office up.

        Args:
            store: keeps roll-calls and which occasions were held.
            settings: the station's usual way, and its schedules.
            command_post: how the station is called on the air.
            clock: says when a schedule is due.
            ids: names roll-calls and events.
            read_clock: the clock of events.
            on_events: is told what was committed here.
            publish_state: keeps a roll-call's snapshot on the broker, None clears it.
            on_fault: is told (what, message, action) of a roll-call that could not begin.
            on_recovered: is told that one of it began again.
            random: draws samples and orders; the operating system's when None.
        """
        self.stations = Stations()
        planner = Planner(store, settings, command_post, ids, random)
        self.timetable = Timetable(
            self.stations, store, settings, planner, clock, on_fault=on_fault, on_recovered=on_recovered
        )
        self.desk = RollcallDesk(self.stations, planner, self.timetable, clock, read_clock, on_events)
        self._store = store
        self._clock = clock
        self._ids = ids
        self._read_clock = read_clock
        self._on_events = on_events
        self._publish_state = publish_state
        self._on_fault = on_fault
        self._on_recovered = on_recovered
        self._tasks: list[asyncio.Task[None]] = []
        self._chores: set[asyncio.Task[None]] = set()

    # --- putting together

    def rollcall_of(self, radio_id: str, follower: Follower | None) -> RadioRollcall:
        """Return what follows roll-calls on a radio, for its pipeline."""
        timeline = Timeline(self._clock)
        return RadioRollcall(
            radio_id, timeline, self._ids.new, self._read_clock, follower=follower, show=self._show
        )

    def add(self, radio_id: str, path: RadioPath, streets: Sequence[str], waiting: Callable[[], int]) -> None:
        """Take a radio in. Before `take_up`; `waiting` counts what was heard and is not understood."""
        self.stations[radio_id] = Station(path, tuple(streets), waiting)

    def give_voice(self, radio_id: str, voice: Voice, alarm: Alarm | None = None) -> None:
        """Let the gateway hold roll-calls on a radio. Before `take_up`."""
        rollcall = self.stations[radio_id].path.rollcall
        what = f"rollcall/{radio_id}/store"

        def trouble(message: str | None) -> None:
            if message is None:
                self._on_recovered(what)
            else:
                self._on_fault(what, message, STORE_ACTION)

        rollcall.conductor = Conductor(
            radio_id, voice, self._store, self._ids, rollcall.timeline, self._read_clock,
            on_events=self._on_events, show=self._show, on_trouble=trouble, alarm=alarm,
            on_over=partial(self._over, radio_id),
        )  # fmt: skip

    def _over(self, radio_id: str, state: HeldState) -> None:
        """When a drill is over, the incidents that were played are over too."""
        if held.is_rollcall(state):
            return
        ending = self._end_exercises(radio_id, held.id_of(state))
        task = asyncio.create_task(ending, name=f"after-drill-{radio_id}")
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    async def _end_exercises(self, radio_id: str, drill_id: str) -> None:
        """End what was played, then forget the drill: killed before that, the next run ends it."""
        while True:
            try:
                if radio_id in self.stations:
                    self._on_events(await self.stations[radio_id].path.end_exercises(self._clock.now()))
                await self._store.commit(None, [], rollcall=RollcallRecord(drill_id, radio_id, is_over=True))
            except GatewayError as error:
                log.warning("incidents of a drill are open still", radio=radio_id, why=str(error))
                await asyncio.sleep(LOOK_EVERY_S)
            else:
                return

    def _show(self, rollcall_id: str, document: Mapping[str, Any] | None) -> None:
        self._publish_state(rollcall_suffix(rollcall_id), document)

    # --- running

    async def take_up(self) -> None:
        """Take up what an earlier run left. Call before the radios listen.

        What cannot be read, or belongs to a radio that is gone or cannot speak, is ended and told.
        """
        self.timetable.seed = await self._store.do(
            lambda logbook: logbook.rollcalls.seed(secrets.token_hex(16))
        )
        for record in await self._store.do(lambda logbook: logbook.rollcalls.open()):
            try:
                state = state_of(record)
            except BadInput as error:
                self._on_fault("rollcall", str(error), "begin the roll-call anew")
                await self._store.commit(None, [], rollcall=replace(record, is_over=True))
                continue
            if held.is_over(state):
                self._over(record.radio_id, state)
                continue
            station = self.stations.get(record.radio_id)
            if station is not None and station.conductor is not None and station.conductor.state is None:
                station.conductor.take_up(state)
            else:
                await self._end_abandoned(state)

    async def start(self, can_understand: asyncio.Task[Any]) -> None:
        """Begin to look at schedules, and go on with what was taken up once speech can be understood."""
        self._tasks = [
            asyncio.create_task(self._go_on(station, can_understand), name=f"resume-rollcall-{radio_id}")
            for radio_id, station in self.stations.items()
            if station.conductor is not None and station.conductor.is_waiting
        ]
        self._tasks.append(asyncio.create_task(self._look(), name="rollcall-schedules"))

    async def stop(self) -> None:
        """End; roll-calls go on in the next run."""
        if self._chores:
            await asyncio.wait(self._chores, timeout=LOOK_EVERY_S)
        for task in (*self._tasks, *self._chores):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._chores, return_exceptions=True)
        for station in self.stations.values():
            if station.conductor is not None:
                await station.conductor.stop()

    async def _go_on(self, station: Station, can_understand: asyncio.Task[Any]) -> None:
        await asyncio.shield(can_understand)
        conductor = station.conductor
        assert conductor is not None
        until_s = self._clock.monotonic_s() + BACKLOG_S
        while station.waiting() and self._clock.monotonic_s() < until_s:  # noqa: ASYNC110 - a thread counts
            await asyncio.sleep(0.1)
        while conductor.is_waiting:
            try:
                await conductor.go_on()
            except GatewayError as error:
                log.warning("roll-call cannot go on yet", why=str(error))
                await asyncio.sleep(LOOK_EVERY_S)

    async def _end_abandoned(self, state: HeldState) -> None:
        after, actions = held.step(state, Cancel(self._clock.now()))
        changes = held.changes_of(actions)
        at, clock = self._clock.now(), self._read_clock()
        drafts = [rollcall_event(self._ids.new(), change, at, clock, None) for change in changes]
        log.warning("roll-call ended: its radio cannot speak any more", rollcall=held.id_of(state))
        record = record_of(state, after)
        self._on_events(await self._store.commit(None, drafts, rollcall=record))
        self._over(record.radio_id, after)

    async def _look(self) -> None:
        while True:
            try:
                await self.let_go()
                await self.timetable.keep()
            except GatewayError as error:
                log.warning("schedules could not be kept", why=str(error))
            except Exception:
                # Schedules that end without a word are worse than one occasion that failed.
                log.exception("schedules could not be kept")
            await asyncio.sleep(LOOK_EVERY_S)

    async def let_go(self) -> None:
        """End roll-calls by voice that nobody has gone on with."""
        for station in self.stations.values():
            if station.path.rollcall.followed_id is not None and not station.waiting():
                self._on_events(await station.path.end_followed(RadioRollcall.let_go, self._clock.now()))

    async def hold(self, radio_id: str | None, plan: Callable[[str], HeldPlan]) -> HeldPlan:
        """Begin what `plan` makes for one radio: the one named, or the only one that can speak.

        Raises:
            RefusedCommand: it cannot speak, is busy, or several can and none was named.
        """
        able = self.stations.speaking(radio_id)
        if len(able) > 1:
            raise RefusedCommand("malformed", f"say on which radio: {', '.join(able)}")
        self.stations.require_free(able)
        planned = plan(able[0])
        await self.stations.begin(planned)
        return planned
