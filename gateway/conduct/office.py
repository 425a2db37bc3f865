"""All roll-calls of a gateway: begun, paused and cancelled by command, begun by schedule, taken up at start.

Everything here runs on the asyncio loop. What carries a command out either does it, durably, and returns what
the answer says, or raises RefusedCommand and has changed nothing.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any, Final, Protocol

import structlog

from gateway.clock import Clock, IdSource
from gateway.conduct import held
from gateway.conduct.conductor import Conductor
from gateway.conduct.held import HeldPlan
from gateway.conduct.keeping import HeldState, record_of, state_of
from gateway.conduct.planning import Asked, plan_for
from gateway.conduct.radiorollcall import RadioRollcall
from gateway.conduct.seams import Alarm, Voice
from gateway.conduct.timeline import Timeline
from gateway.drafts import rollcall_event
from gateway.errors import BadInput, GatewayError
from gateway.events import ClockReading, CloudEvent
from gateway.publish.commands import RefusedCommand
from gateway.publish.requests import (
    RollcallCancel,
    RollcallList,
    RollcallPause,
    RollcallResume,
    RollcallStart,
)
from gateway.publish.topics import rollcall_suffix
from gateway.rollcall.happenings import Cancel, Pause, Resume
from gateway.rollcall.listening import Follower
from gateway.rollcall.schedule import Occasion, Recurrence, due, missed, next_at
from gateway.rollcallsettings import DAYS, RollcallSettings, ScheduleSettings
from gateway.store.store import Store

log = structlog.get_logger()

LOOK_EVERY_S: Final = 5.0
"""How often schedules and silent roll-calls are looked at."""
STORE_ACTION: Final = "free disk space in data_dir; the roll-call waits"
BACKLOG_S: Final = 120.0
"""At start a roll-call waits so long for what was heard before to be understood."""


class RadioPath(Protocol):
    """One radio's way from the air to its events; see RadioPipeline."""

    @property
    def rollcall(self) -> RadioRollcall:
        """The roll-call on it."""

    async def end_followed(self, end: Any, at: Any) -> list[CloudEvent]:
        """End a roll-call that is held by voice."""

    async def end_exercises(self, at: Any) -> list[CloudEvent]:
        """Close the incidents that were played in a drill."""


@dataclass(frozen=True, slots=True)
class Station:
    """A radio as the office knows it. `waiting` counts what was heard there and is not understood."""

    path: RadioPath
    streets: tuple[str, ...]
    waiting: Callable[[], int]

    @property
    def conductor(self) -> Conductor | None:
        """What holds roll-calls there, None where the gateway cannot speak."""
        return self.path.rollcall.conductor

    @property
    def open_id(self) -> str | None:
        """The roll-call that goes on there, None when there is none."""
        conductor = self.conductor
        held = conductor.rollcall_id if conductor is not None else None
        return held or self.path.rollcall.followed_id


class RollcallOffice:
    """The gateway's roll-calls. `carriers` is what the command port wants."""

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
        self._stations: dict[str, Station] = {}
        self._store = store
        self._settings = settings
        self._command_post = command_post
        self._clock = clock
        self._ids = ids
        self._read_clock = read_clock
        self._on_events = on_events
        self._publish_state = publish_state
        self._on_fault = on_fault
        self._on_recovered = on_recovered
        self._random = random or secrets.SystemRandom()
        self._tasks: list[asyncio.Task[None]] = []
        self._chores: set[asyncio.Task[None]] = set()
        self._started_at = clock.now()
        self._seed = ""

    @property
    def carriers(self) -> dict[str, Callable[[Any], Awaitable[Mapping[str, Any]]]]:
        """What carries each command out."""
        return {
            "rollcall-start": self.start_one,
            "rollcall-cancel": self.cancel,
            "rollcall-pause": self.pause,
            "rollcall-resume": self.resume,
            "rollcall-list": self.list_open,
        }

    # --- putting together

    def rollcall_of(self, radio_id: str, follower: Follower | None) -> RadioRollcall:
        """Return what follows roll-calls on a radio, for its pipeline."""
        timeline = Timeline(self._clock)
        return RadioRollcall(
            radio_id, timeline, self._ids.new, self._read_clock, follower=follower, show=self._show
        )

    def add(self, radio_id: str, path: RadioPath, streets: Sequence[str], waiting: Callable[[], int]) -> None:
        """Take a radio in. Before `take_up`; `waiting` counts what was heard and is not understood."""
        self._stations[radio_id] = Station(path, tuple(streets), waiting)

    def give_voice(self, radio_id: str, voice: Voice, alarm: Alarm | None = None) -> None:
        """Let the gateway hold roll-calls on a radio. Before `take_up`."""
        rollcall = self._stations[radio_id].path.rollcall
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
        task = asyncio.create_task(self._end_exercises(radio_id), name=f"after-drill-{radio_id}")
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    async def _end_exercises(self, radio_id: str) -> None:
        path = self._stations[radio_id].path
        while True:
            try:
                self._on_events(await path.end_exercises(self._clock.now()))
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
        self._seed = await self._store.do(lambda logbook: logbook.rollcalls.seed(secrets.token_hex(16)))
        for record in await self._store.do(lambda logbook: logbook.rollcalls.open()):
            try:
                state = state_of(record)
            except BadInput as error:
                self._on_fault("rollcall", str(error), "begin the roll-call anew")
                await self._store.commit(None, [], rollcall=replace(record, is_over=True))
                continue
            station = self._stations.get(record.radio_id)
            if station is not None and station.conductor is not None and station.conductor.state is None:
                station.conductor.take_up(state)
            else:
                await self._end_abandoned(state)

    async def start(self, can_understand: asyncio.Task[Any]) -> None:
        """Begin to look at schedules, and go on with what was taken up once speech can be understood."""
        self._tasks = [
            asyncio.create_task(self._go_on(station, can_understand), name=f"resume-rollcall-{radio_id}")
            for radio_id, station in self._stations.items()
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
        for station in self._stations.values():
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
        if record.radio_id in self._stations:
            self._over(record.radio_id, after)

    async def _look(self) -> None:
        while True:
            try:
                await self.let_go()
                await self.keep_schedules()
            except GatewayError as error:
                log.warning("schedules could not be kept", why=str(error))
            except Exception:
                # Schedules that end without a word are worse than one occasion that failed.
                log.exception("schedules could not be kept")
            await asyncio.sleep(LOOK_EVERY_S)

    async def let_go(self) -> None:
        """End roll-calls by voice that nobody has gone on with."""
        for station in self._stations.values():
            if station.path.rollcall.followed_id is not None and not station.waiting():
                self._on_events(await station.path.end_followed(RadioRollcall.let_go, self._clock.now()))

    # --- schedules

    async def keep_schedules(self) -> None:
        """Begin what is due now, and tell what could not begin in its window."""
        recurrences = self._recurrences()
        if not recurrences:
            return
        now = self._clock.now()
        done = await self._store.do(lambda logbook: logbook.rollcalls.occasions())
        for asked in due(recurrences, now, self._seed, done):
            await self._hold(asked)
        for asked in missed(recurrences, now, self._seed, done):
            if asked.until > self._started_at:
                message = (
                    f"the roll-call {asked.name} of {asked.day} could not begin before {asked.until:%H:%M}"
                )
                action = "see whether the radio was in another roll-call, or its channel in use all the time"
                self._on_fault(f"rollcall/{asked.name}", message, action)
            await self._settle(asked)

    async def _hold(self, asked: Occasion) -> None:
        station = self._stations[asked.radio]
        if station.conductor is None or station.open_id is not None:
            return
        schedule = next(one for one in self._settings.schedule if one.name == asked.name)
        try:
            plans = await self._plans(schedule, self._radios_of(schedule))
        except RefusedCommand as refused:
            self._on_fault(f"rollcall/{asked.name}", refused.refusal.reason, "correct the schedule")
            return
        plan = next((one for one in plans[0] if one.radio == asked.radio), None)
        if plan is None:
            await self._settle(asked)
            return
        await station.conductor.begin(plan, occasion=asked.key)
        self._on_recovered(f"rollcall/{asked.name}")
        log.info("roll-call begun by its schedule", schedule=asked.name, rollcall=plan.rollcall_id)

    async def _settle(self, asked: Occasion) -> None:
        await self._store.do(lambda logbook: logbook.rollcalls.settle_occasion(asked.key))

    def _recurrences(self) -> list[Recurrence]:
        found = []
        for one in self._settings.schedule:
            begins, ends = one.times()
            days = frozenset(DAYS.index(day) for day in one.days)
            found += [
                Recurrence(one.name, radio, days, begins, ends, one.random) for radio in self._radios_of(one)
            ]
        return found

    def _radios_of(self, schedule: ScheduleSettings) -> list[str]:
        if schedule.radio is not None:
            return [schedule.radio]
        return [radio for radio, station in self._stations.items() if station.conductor is not None]

    # --- commands

    async def start_one(self, request: RollcallStart) -> Mapping[str, Any]:
        """Begin a roll-call on one radio, or side by side on all that can speak."""
        radios = self._speaking(request.radio)
        busy = [f"{radio} ({self._stations[radio].open_id})" for radio in radios if self._is_busy(radio)]
        if busy:
            raise RefusedCommand(
                "busy", f"a roll-call goes on already on {', '.join(busy)}; cancel it or wait for its end"
            )
        plans, left_out = await self._plans(request, radios)
        for plan in plans:
            conductor = self._stations[plan.radio].conductor
            assert conductor is not None
            await conductor.begin(plan)
        return {
            "rollcall_id": plans[0].rollcall_id,
            "rollcalls": [
                {
                    "rollcall_id": plan.rollcall_id,
                    "radio": plan.radio,
                    "units": len(plan.units),
                    "excused": len(plan.excused),
                }
                for plan in plans
            ],
            "left_out": left_out,
        }

    async def cancel(self, request: RollcallCancel) -> Mapping[str, Any]:
        """End a roll-call, held by the gateway or by voice."""
        radio_id, station = self._meant(request.rollcall_id, request.radio)
        rollcall_id = station.open_id
        if station.conductor is not None and station.conductor.rollcall_id is not None:
            await station.conductor.feed(Cancel(self._clock.now()))
        else:
            self._on_events(await station.path.end_followed(RadioRollcall.cancel_followed, self._clock.now()))
        return {"rollcall_id": rollcall_id, "radio": radio_id, "state": "cancelled"}

    async def pause(self, request: RollcallPause) -> Mapping[str, Any]:
        """Say nothing more until it is resumed."""
        return await self._move(request, lambda: Pause(self._clock.now(), "paused_by_dispatcher"))

    async def resume(self, request: RollcallResume) -> Mapping[str, Any]:
        """Go on with a roll-call that was paused."""
        return await self._move(request, lambda: Resume(self._clock.now()))

    async def _move(
        self, request: RollcallPause | RollcallResume, event: Callable[[], Pause | Resume]
    ) -> Mapping[str, Any]:
        radio_id, station = self._meant(request.rollcall_id, request.radio)
        conductor = station.conductor
        if conductor is None or conductor.state is None:
            raise RefusedCommand(
                "not_found", "that roll-call is held by an officer's voice; only he can pause it"
            )
        rollcall_id = conductor.rollcall_id
        was_paused = conductor.state.paused
        await conductor.feed(event())
        state = conductor.state
        return {
            "rollcall_id": rollcall_id,
            "radio": radio_id,
            "paused": state.paused if state is not None else None,
            "changed": state is not None and state.paused != was_paused,
        }

    async def list_open(self, _request: RollcallList) -> Mapping[str, Any]:
        """Say which roll-calls go on and when the next begins by itself."""
        upcoming = next_at(self._recurrences(), self._clock.now(), self._seed)
        return {
            "rollcalls": [
                self._told(radio_id, one) for radio_id, one in self._stations.items() if one.open_id
            ],
            "radios": [radio for radio, one in self._stations.items() if one.conductor is not None],
            "next_at": upcoming.isoformat() if upcoming is not None else None,
        }

    def _told(self, radio_id: str, station: Station) -> Mapping[str, Any]:
        state = station.conductor.state if station.conductor is not None else None
        if state is None:
            return {
                "rollcall_id": station.open_id,
                "radio": radio_id,
                "kind": station.path.rollcall.followed_kind,
                "mode": "listened",
            }
        told = held.snapshot_of(state, self._clock.now(), self._read_clock())
        return {
            "rollcall_id": station.open_id,
            "radio": radio_id,
            "kind": told.kind,
            "mode": "conducted",
            "phase": state.phase,
            "paused": state.paused,
            "started_at": told.started_at.isoformat(),
            "units": told.units,
            "decided": told.decided,
        }

    async def hold(self, radio_id: str | None, plan: Callable[[str], HeldPlan]) -> HeldPlan:
        """Begin what `plan` makes for one radio: the one named, or the only one that can speak.

        Raises:
            RefusedCommand: it cannot speak, is busy, or several can and none was named.
        """
        able = self._speaking(radio_id)
        if len(able) > 1:
            raise RefusedCommand("malformed", f"say on which radio: {', '.join(able)}")
        station = self._stations[able[0]]
        if station.open_id is not None:
            raise RefusedCommand(
                "busy", f"{station.open_id} goes on already on {able[0]}; cancel it or wait for its end"
            )
        planned = plan(able[0])
        assert station.conductor is not None
        await station.conductor.begin(planned)
        return planned

    def _speaking(self, radio_id: str | None) -> list[str]:
        """The radio asked for, or all that can speak.

        Raises:
            RefusedCommand: there is none.
        """
        able = [radio for radio, station in self._stations.items() if station.conductor is not None]
        if radio_id is not None and radio_id not in self._stations:
            raise RefusedCommand(
                "not_found", f"there is no radio {radio_id!r}; there is {', '.join(self._stations)}"
            )
        if not able or (radio_id is not None and radio_id not in able):
            raise RefusedCommand(
                "unavailable",
                f"the gateway cannot speak on {radio_id or 'any radio'}; give it a sink and a control in the "
                "configuration",
            )
        return able if radio_id is None else [radio_id]

    def _is_busy(self, radio_id: str) -> bool:
        return self._stations[radio_id].open_id is not None

    def _meant(self, rollcall_id: str | None, radio_id: str | None) -> tuple[str, Station]:
        """The radio whose roll-call is meant.

        Raises:
            RefusedCommand: there is none like that, or more than one.
        """
        found = [
            (radio, station)
            for radio, station in self._stations.items()
            if station.open_id is not None
            and radio_id in {None, radio}
            and (rollcall_id is None or station.open_id.startswith(rollcall_id))
        ]
        if not found:
            raise RefusedCommand("not_found", "no such roll-call goes on; see rollcall-list")
        if len(found) > 1:
            raise RefusedCommand("malformed", "several roll-calls go on; say which by rollcall_id or radio")
        return found[0]

    async def _plans(self, asked: Asked, radios: Sequence[str]) -> Any:
        units = await self._store.units()
        streets = {radio: self._stations[radio].streets for radio in radios}
        try:
            planned = plan_for(
                asked, streets, units, self._settings, self._command_post, self._ids.new, self._random
            )
        except ValueError as error:
            raise RefusedCommand("malformed", str(error)) from None
        return planned.plans, planned.left_out
