"""Begins the roll-calls that begin by themselves, and tells of those that could not."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from gateway.clock import Clock
from gateway.conduct.planner import Planner
from gateway.conduct.stations import Stations
from gateway.publish.commands import RefusedCommand
from gateway.rollcall.schedule import Occasion, Recurrence, due, missed, next_at
from gateway.rollcallsettings import DAYS, RollcallSettings, ScheduleSettings
from gateway.store.store import Store

log = structlog.get_logger()

MISSED_ACTION: Final = "see whether the radio was in another roll-call, or its channel in use all the time"


class Timetable:
    """On the asyncio loop. `seed` is what moments are drawn from, set before `keep`."""

    def __init__(
        self,
        stations: Stations,
        store: Store,
        settings: RollcallSettings,
        planner: Planner,
        clock: Clock,
        *,
        on_fault: Callable[[str, str, str], None],
        on_recovered: Callable[[str], None],
    ) -> None:
        """Wire it up; `on_fault` is told (what, message, action) of a roll-call that could not begin."""
        self.seed = ""
        self._stations = stations
        self._store = store
        self._settings = settings
        self._planner = planner
        self._clock = clock
        self._on_fault = on_fault
        self._on_recovered = on_recovered
        self._started_at = clock.now()

    def next_at(self) -> datetime | None:
        """When the next roll-call begins by itself, None when there is no schedule."""
        return next_at(self._recurrences(), self._clock.now(), self.seed)

    async def keep(self) -> None:
        """Begin what is due now, and tell what could not begin in its window."""
        recurrences = self._recurrences()
        if not recurrences:
            return
        now = self._clock.now()
        done = await self._store.do(lambda logbook: logbook.rollcalls.occasions())
        for asked in due(recurrences, now, self.seed, done):
            await self._hold(asked)
        for asked in missed(recurrences, now, self.seed, done):
            if asked.until > self._started_at:
                message = (
                    f"the roll-call {asked.name} of {asked.day} could not begin before {asked.until:%H:%M}"
                )
                self._on_fault(f"rollcall/{asked.name}", message, MISSED_ACTION)
            await self._settle(asked)

    async def _hold(self, asked: Occasion) -> None:
        station = self._stations[asked.radio]
        if station.conductor is None or station.open_id is not None:
            return
        schedule = next(one for one in self._settings.schedule if one.name == asked.name)
        try:
            known = await self._with_known_streets(schedule)
            planned = await self._planner.plan(known, self._stations.streets_of(self._radios_of(schedule)))
        except RefusedCommand as refused:
            self._on_fault(f"rollcall/{asked.name}", refused.refusal.reason, "correct the schedule")
            return
        plan = next((one for one in planned.plans if one.radio == asked.radio), None)
        if plan is None:
            await self._settle(asked)
            return
        try:
            await self._stations.begin(plan, occasion=asked.key)
        except RefusedCommand:
            return
        self._on_recovered(f"rollcall/{asked.name}")
        log.info("roll-call begun by its schedule", schedule=asked.name, rollcall=plan.rollcall_id)

    async def _with_known_streets(self, schedule: ScheduleSettings) -> ScheduleSettings:
        """Leave out streets without units: who asks at the desk is told, a schedule must not stand still."""
        streets = {unit.street for unit in await self._store.units()}
        known = tuple(street for street in schedule.streets if street in streets)
        if not known or known == schedule.streets:
            return schedule
        log.warning("a street of a schedule has no units", schedule=schedule.name, streets=schedule.streets)
        return schedule.model_copy(update={"streets": known})

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
        return [schedule.radio] if schedule.radio is not None else self._stations.able
