"""What runs beside the main path: the clock watched, old things deleted, room made before the disk is full.

Ages are judged by the wall clock. After it was set by more than a day nothing is deleted for its age until a
day has passed, because a clock that jumps may be wrong, and what is deleted is gone.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from gateway.alarms import Alarms
from gateway.clock import Clock, IdSource
from gateway.config import StoreSettings
from gateway.drafts import dropped_runs_event, stepped_event
from gateway.errors import BadInput, GatewayError
from gateway.events import ClockReading, CloudEvent
from gateway.pipeline import RadioPipeline
from gateway.store.logbook import Logbook
from gateway.store.reserve import FULL_BELOW_BYTES, Reserve
from gateway.store.retention import INCIDENT_RANK, KeptAudio
from gateway.store.schema import ON_RESERVE
from gateway.store.spool import Spool
from gateway.store.store import Store
from gateway.timekeeping import StepWatch

log = structlog.get_logger()

LOOK_EVERY_S = 1.0
SWEEP_EVERY_S = 60.0
TOGETHER = 200
AT_ONCE = 2000
DROP_SHARE = 0.05
"""More is dropped than must be, so that it is told in one event and not event by event."""
RUNS_PER_EVENT = 500
NO_ROOM = "too many events wait, or the disk is full: the broker was away too long"
SPARED = 100
"""Of the newest events, so many are not given up for a full disk: they tell of it."""
CLAIMED_SHARE = 0.3
"""Of the reserve: as much again goes through the write-ahead log, and a recording or two needs room."""
FRESH = timedelta(days=1)
"""Audio of an incident of the last day stays, however full the disk: it is what somebody asks for now."""
OWN_ROOM_BYTES = 8 * 1024**2
DOUBTFUL_STEP = timedelta(days=1)
DOUBTED_FOR_S = 86_400.0
BEHIND_FROM = timedelta(minutes=5)
DISK_ACTION = "free disk space in data_dir, release holds that are no longer needed, or lower [store] limits"
CLOCK_ACTION = "check the time service (timedatectl); times in events are wrong until the clock is set"


class Housekeeping:
    """The chores. All on the asyncio loop; files are deleted on a thread."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        data_dir: Path,
        settings: StoreSettings,
        clock: Clock,
        ids: IdSource,
        read_clock: Callable[[], ClockReading],
        alarms: Alarms,
        on_events: Callable[[list[CloudEvent]], None],
        *,
        free_bytes: Callable[[], int] | None = None,
    ) -> None:
        self._store = store
        self._spool = spool
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._read_clock = read_clock
        self._alarms = alarms
        self._on_events = on_events
        self._free_bytes = free_bytes or (lambda: shutil.disk_usage(data_dir).free)
        self._reserve = Reserve(data_dir)
        self._is_tight = False
        self._watch = StepWatch(clock)
        self._run_since = clock.now()
        self._doubted_until_s = 0.0
        self._strays: dict[str, tuple[str, int, datetime]] | None = None

    async def check_start(self) -> None:
        """Look at disk and clock before anything is heard.

        Says so when this machine's clock is behind what was stored: it has booted without network time.
        """
        if ON_RESERVE in self._store.notices:
            await self._claim(self._free_bytes())
        newest = await self._store.do(lambda logbook: logbook.events.newest_stored_at())
        now = self._clock.now()
        if newest is not None and now < newest - BEHIND_FROM and not self._read_clock().synced:
            message = f"this machine's clock shows {now:%F %H:%M}, but the last event is of {newest:%F %H:%M}"
            self._alarms.fault("clock", message, CLOCK_ACTION)

    async def look(self, pipelines: Iterable[RadioPipeline]) -> None:
        """What cannot wait for a sweep: the clock, and a disk that is full by now."""
        await self.watch_clock(pipelines)
        await self.watch_disk()

    async def watch_disk(self) -> None:
        """Use the reserve when the disk is full; keep one when there is room."""
        if self._free_bytes() >= max(self._settings.min_free_bytes, FULL_BELOW_BYTES):
            await asyncio.to_thread(self._reserve.keep)
            if self._is_tight:
                self._is_tight = False
                await self._store.do(lambda logbook: logbook.retention.spare_space(spare=False))
            return
        if self._free_bytes() >= FULL_BELOW_BYTES or not (given := self._reserve.give_up()):
            return
        log.error("the disk is full: the reserve is used", bytes=given)
        self._alarms.fault(ON_RESERVE.what, ON_RESERVE.message, ON_RESERVE.action)
        await self._claim(given)

    async def _claim(self, given_bytes: int) -> None:
        """Let the database take the reserve at once: whoever has filled the disk would fill this, too."""
        self._is_tight = True
        size = int(given_bytes * CLAIMED_SHARE)
        with contextlib.suppress(GatewayError):
            await self._store.do(lambda logbook: logbook.retention.spare_space(spare=True))
            await self._store.do(lambda logbook: logbook.retention.claim(size))
            await self._store.do(lambda logbook: logbook.retention.unclaim())

    async def watch_clock(self, pipelines: Iterable[RadioPipeline]) -> None:
        """Look whether the wall clock was set; tell it once, and let what is counted go on as before."""
        step = self._watch.look()
        if step is None:
            return
        log.warning("the clock was set", old=step.old.isoformat(), new=step.new.isoformat())
        if abs(step.by) >= DOUBTFUL_STEP:
            self._doubted_until_s = self._clock.monotonic_s() + DOUBTED_FOR_S
            booted_at = step.old - timedelta(seconds=self._clock.monotonic_s())
            since = min(booted_at, self._run_since)
            await self._store.do(lambda logbook: logbook.retention.shift(step.by, since, step.old))
        self._alarms.say(stepped_event(self._ids.new(), step, self._read_clock()))
        self._alarms.recovered("clock")
        for pipeline in pipelines:
            await pipeline.clock_was_set(step.by, self._run_since)
        self._run_since += step.by

    async def sweep(self) -> None:
        """Delete what is too old, then what there is no room for.

        Raises:
            StoreUnavailable: the database refuses; what was deleted is noted next time.
        """
        await self._adopt_strays()
        if self._clock.monotonic_s() >= self._doubted_until_s:
            await self._delete_old()
        await self._make_room()
        await self._drop_beyond(self._settings.max_waiting_events)

    async def _adopt_strays(self) -> None:
        """Once, take into care what lies in the spool and no row knows: an earlier run has left it.

        A file counts that is unknown at the first sweep and still at the next: what is just being said has
        its row by then.
        """
        if self._strays is None:
            finished = await asyncio.to_thread(self._spool.finished)
            unknown = await self._store.do(lambda logbook: logbook.retention.unknown_of([*finished]))
            self._strays = {one: finished[one] for one in unknown}
            return
        if not self._strays:
            return
        strays, self._strays = self._strays, {}
        there = await asyncio.to_thread(self._spool.finished)
        try:
            adopted = await self._store.do(
                lambda logbook: sum(
                    logbook.retention.adopt(one, *about) for one, about in strays.items() if one in there
                )
            )
        except GatewayError:
            self._strays = strays
            raise
        if adopted:
            log.warning("audio that no row knows is kept like that of incidents", files=adopted)

    async def _delete_old(self) -> None:
        now, settings = self._clock.now(), self._settings
        before = now - timedelta(days=settings.keep_audio_days)
        before_incidents = now - timedelta(days=settings.keep_incident_audio_days)
        while old := await self._disposable(before, before_incidents):
            await self._delete(old, "older than [store] keep_audio_days or keep_incident_audio_days")
        forgotten = now - timedelta(days=settings.keep_events_days)
        await self._store.prune(forgotten)
        await self._store.do(lambda logbook: logbook.retention.prune_transmissions(forgotten))

    async def _make_room(self) -> None:
        """Delete audio while there is too much of it or too little room; then telemetry, if need be."""
        settings = self._settings
        kept = await self._store.do(lambda logbook: logbook.retention.audio_bytes())
        while kept > settings.max_audio_bytes or self._lacks_room():
            far = datetime.max.replace(tzinfo=UTC) - timedelta(days=2)
            oldest = await self._disposable(far, self._clock.now() - FRESH)
            if not oldest:
                break
            excess = max(kept - settings.max_audio_bytes, settings.min_free_bytes - self._free_bytes())
            gone = list(_until(oldest, excess))
            why = "max_audio_bytes" if kept > settings.max_audio_bytes else "min_free_bytes"
            await self._delete(gone, f"no room: [store] {why}")
            kept -= sum(one.size_bytes for one in gone)
        if not self._lacks_room():
            self._alarms.recovered("disk")
            return
        free_mib = self._free_bytes() // 1024**2
        self._alarms.fault("disk", f"only {free_mib} MiB are left on the disk of data_dir", DISK_ACTION)
        await self._empty_pages()

    async def _empty_pages(self) -> None:
        """Give up telemetry until the database has room of its own for the incidents to come."""
        while await self._store.do(lambda logbook: logbook.retention.reusable_bytes()) < OWN_ROOM_BYTES:
            if await self._give_up(AT_ONCE, INCIDENT_RANK - 1, spare_newest=SPARED) < AT_ONCE:
                return

    def _lacks_room(self) -> bool:
        return self._free_bytes() < self._settings.min_free_bytes

    async def _disposable(self, before: datetime, before_incidents: datetime) -> list[KeptAudio]:
        return await self._store.do(
            lambda logbook: logbook.retention.disposable(TOGETHER, before, before_incidents)
        )

    async def _delete(self, gone: Sequence[KeptAudio], reason: str) -> None:
        """The files go first: noted and not deleted, they would lie there for ever."""
        await asyncio.to_thread(self._unlink, gone)
        now = self._clock.now()
        await self._store.do(lambda logbook: logbook.retention.forget_audio(gone, now, reason))
        of_incidents = sum(one.is_of_incident for one in gone)
        log.info("audio deleted", files=len(gone), of_incidents=of_incidents, why=reason)

    def _unlink(self, gone: Sequence[KeptAudio]) -> None:
        for one in gone:
            with contextlib.suppress(BadInput):
                path = self._spool.path(one.ref)
                path.unlink(missing_ok=True)
                with contextlib.suppress(OSError):
                    path.parent.rmdir()

    async def _drop_beyond(self, most: int) -> None:
        """Give up the least dear undelivered events beyond a number, and say which."""
        counts = await self._store.outbox.counts()
        excess = counts.waiting + counts.set_aside - most
        if excess <= 0:
            return
        excess += int(most * DROP_SHARE)
        while excess > 0 and (gone := await self._give_up(min(excess, 10_000), INCIDENT_RANK)):
            excess -= gone

    async def _give_up(self, limit: int, dearest: int, spare_newest: int = 0) -> int:
        """Drop the least dear and oldest undelivered events and tell which; return how many."""
        events = await self._store.do(partial(self._drop, limit=limit, dearest=dearest, spare=spare_newest))
        dropped = sum(int(event.data["count"]) for event in events)
        if dropped:
            log.error("events given up", count=dropped, why=NO_ROOM)
            self._on_events(events)
        return dropped

    def _drop(self, logbook: Logbook, limit: int, dearest: int, spare: int) -> list[CloudEvent]:
        """On the store's thread, in one transaction."""
        entries = logbook.retention.least_dear(limit, dearest, spare)
        told: list[CloudEvent] = []
        now, reading = self._clock.now(), self._read_clock()
        for source in dict.fromkeys(entry.source for entry in entries):
            runs = _runs([entry.sequence for entry in entries if entry.source == source])
            for first in range(0, len(runs), RUNS_PER_EVENT):
                some = runs[first : first + RUNS_PER_EVENT]
                draft = dropped_runs_event(self._ids.new(), some, NO_ROOM, now, reading)
                numbers = {number for run in some for number in run}
                positions = [e.position for e in entries if e.source == source and e.sequence in numbers]
                event = logbook.drop(positions, draft)
                logbook.retention.forget_events(positions)
                told += [event] if event is not None else []
        return told


def _until(oldest: Sequence[KeptAudio], excess_bytes: int) -> Iterable[KeptAudio]:
    """The first of them that together are as large, at least one."""
    for one in oldest:
        yield one
        excess_bytes -= one.size_bytes
        if excess_bytes <= 0:
            return


def _runs(numbers: Sequence[int]) -> list[range]:
    runs: list[range] = []
    for number in numbers:
        if runs and runs[-1].stop == number:
            runs[-1] = range(runs[-1].start, number + 1)
        else:
            runs.append(range(number, number + 1))
    return runs
