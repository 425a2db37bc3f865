"""The store as the daemon sees it: async methods in front of one thread that owns the database.

Steps that arrive while a commit is on its way to the disk wait together and are committed together: one wait
for the disk then serves them all. Each step is a savepoint of its own, so one that fails takes nothing else
with it; when the group itself cannot be committed, its steps are done again one by one and each is told its
own outcome. A method returns only when what it wrote is durable.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from gateway.clock import Clock
from gateway.errors import StoreUnavailable
from gateway.events import CloudEvent, Draft
from gateway.model import Unit
from gateway.store.lock import FolderLock
from gateway.store.logbook import Logbook, make_folder
from gateway.store.records import HeardTransmission, Notice, OutboxCounts, OutboxEntry, UnitsStamp
from gateway.store.registry import UnitState
from gateway.store.rollcalls import RollcallRecord

T = TypeVar("T")
GROUP_LIMIT = 256


@dataclass(slots=True)
class _Step:
    work: Callable[[Logbook], Any]
    outcome: Future[Any]


class OwnerThread:
    """Opens a logbook on a thread of its own and does every step on it there."""

    def __init__(self, open_logbook: Callable[[], Logbook]) -> None:
        self._steps: queue.SimpleQueue[_Step | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._is_closed = False
        self.opened: Future[tuple[Notice, ...]] = Future()
        # A daemon thread: an app that dies without closing must end, and what was promised is durable.
        self._thread = threading.Thread(target=self._run, args=(open_logbook,), name="store", daemon=True)
        self._thread.start()

    def do(self, work: Callable[[Logbook], T]) -> Future[T]:
        """Queue a step; the future is done when it is durable. Any thread may call.

        Raises:
            StoreUnavailable: the store is closed.
        """
        outcome: Future[T] = Future()
        with self._closing:
            if self._is_closed:
                raise StoreUnavailable("the store is closed; nothing more is stored in this run")
            self._steps.put(_Step(work, outcome))
        return outcome

    def close(self) -> None:
        """Do what is queued, close the logbook and end the thread. May be called twice."""
        with self._closing:
            if not self._is_closed:
                self._is_closed = True
                self._steps.put(None)
        self._thread.join()

    def _run(self, open_logbook: Callable[[], Logbook]) -> None:
        self.opened.set_running_or_notify_cancel()
        try:
            logbook = open_logbook()
        except BaseException as error:  # noqa: BLE001 - carried to the caller, whatever it is
            self.opened.set_exception(error)
            return
        self.opened.set_result(logbook.notices)
        with logbook:
            is_open = True
            while is_open:
                group, is_open = self._next_group()
                _do_group(logbook, group)

    def _next_group(self) -> tuple[list[_Step], bool]:
        group: list[_Step] = []
        step = self._steps.get()
        while step is not None:
            if step.outcome.set_running_or_notify_cancel():
                group.append(step)
            if len(group) >= GROUP_LIMIT or self._steps.empty():
                return group, True
            step = self._steps.get()
        return group, False


def _do_group(logbook: Logbook, group: Sequence[_Step]) -> None:
    try:
        outcomes = _attempt(logbook, group)
    except Exception as error:  # noqa: BLE001 - each step is told; the thread must live on
        if len(group) == 1:
            group[0].outcome.set_exception(error)
            return
        for step in group:
            _do_group(logbook, [step])
        return
    for step, (result, failure) in zip(group, outcomes, strict=True):
        if failure is not None:
            step.outcome.set_exception(failure)
        else:
            step.outcome.set_result(result)


def _attempt(logbook: Logbook, group: Sequence[_Step]) -> list[tuple[Any, Exception | None]]:
    """Do all steps in one transaction; raise when the transaction as a whole did not come to be."""
    outcomes: list[tuple[Any, Exception | None]] = []
    if not group:
        return outcomes
    with logbook.group():
        for step in group:
            try:
                with logbook.step():
                    outcomes.append((step.work(logbook), None))
            except Exception as error:
                # A full disk rolls the whole transaction back on its own: then nothing before this held.
                if not logbook.in_group or len(group) == 1:
                    raise
                outcomes.append((None, error))
    return outcomes


class Store:
    """The gateway's memory. Use from one asyncio loop; every write is durable when its call returns.

    Any method may raise StoreUnavailable, in words that say what to do; nothing of that call is stored then.
    """

    def __init__(self, thread: OwnerThread, lock: FolderLock, notices: tuple[Notice, ...]) -> None:
        self._thread = thread
        self._lock = lock
        self.notices = notices
        self.outbox = Outbox(self)

    @classmethod
    async def open(cls, data_dir: Path, source: str, clock: Clock) -> Self:
        """Open data_dir for this process alone, making what is missing.

        `notices` then says what was found wrong and put right, for the app to publish as faults. What waits
        in the outbox becomes backlog.

        Raises:
            StoreUnavailable: the folder cannot be used, or another gateway uses it.
        """
        make_folder(data_dir)
        lock = FolderLock.take(data_dir)
        thread = OwnerThread(lambda: Logbook.open(data_dir, source, clock))
        store = cls(thread, lock, ())
        try:
            store.notices = await asyncio.wrap_future(thread.opened)
            await store.do(lambda logbook: logbook.outbox.all_to_backlog())
        except BaseException:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        """Finish what is queued, close the file, let others use the folder. May be called twice."""
        await asyncio.to_thread(self._thread.close)
        self._lock.release()

    async def do(self, work: Callable[[Logbook], T]) -> T:
        """Do any steps on the logbook as one transaction, on the owner thread."""
        return await asyncio.wrap_future(self._thread.do(work))

    async def heard(self, heard: HeardTransmission) -> bool:
        """Make a transmission durable before its recognition; False when it was known already."""
        return await self.do(lambda logbook: logbook.heard(heard))

    async def unfinished(self) -> list[HeardTransmission]:
        """Return what was heard and never understood, in the order it was heard."""
        return await self.do(lambda logbook: logbook.unfinished())

    async def knows(self, transmission_id: str) -> bool:
        """Say whether a transmission was ever made durable."""
        return await self.do(lambda logbook: logbook.knows(transmission_id))

    async def attempt(self, transmission_id: str) -> int:
        """Count a recognition about to begin; return how many there were, this one included."""
        return await self.do(lambda logbook: logbook.attempt(transmission_id))

    async def spare(self, transmission_id: str) -> None:
        """Take back the last attempt; see `Logbook.spare`."""
        await self.do(lambda logbook: logbook.spare(transmission_id))

    async def commit(
        self,
        transmission_id: str | None,
        drafts: Sequence[Draft],
        conversation: tuple[str, str] | None = None,
        *,
        follower: tuple[str, str] | None = None,
        rollcall: RollcallRecord | None = None,
        quarantined: bool = False,
    ) -> list[CloudEvent]:
        """Store events, outbox rows, conversation and the transmission's mark; see `Logbook.commit`."""
        return await self.do(
            lambda logbook: logbook.commit(
                transmission_id,
                drafts,
                conversation,
                follower=follower,
                rollcall=rollcall,
                quarantined=quarantined,
            )
        )

    async def events_since(self, sequence: int, limit: int = 1000) -> list[CloudEvent]:
        """Return up to `limit` events of this source numbered above `sequence`."""
        return await self.do(lambda logbook: logbook.events_since(sequence, limit))

    async def last_sequence(self) -> int:
        """Return the number of the newest event, 0 before the first."""
        return await self.do(lambda logbook: logbook.last_sequence())

    async def drop(self, positions: Sequence[int], draft: Draft) -> CloudEvent | None:
        """Give up outbox entries and store the event that says so; see `Logbook.drop`."""
        return await self.do(lambda logbook: logbook.drop(positions, draft))

    async def conversations(self) -> dict[str, str]:
        """Return each radio's conversation as the JSON it was stored with."""
        return await self.do(lambda logbook: logbook.conversations())

    async def open_faults(self) -> list[CloudEvent]:
        """Return the faults that were told and not ended; see `Logbook.open_faults`."""
        return await self.do(lambda logbook: logbook.open_faults())

    async def started_since(self, since: datetime) -> dict[str, list[datetime]]:
        """Return when each radio's transmissions since a time began; see `Logbook.started_since`."""
        return await self.do(lambda logbook: logbook.started_since(since))

    async def followers(self) -> dict[str, str]:
        """Return the roll-call that each radio follows as the JSON it was stored with."""
        return await self.do(lambda logbook: logbook.followers())

    async def replace_units(self, units: Sequence[Unit], imported_from: UnitsStamp | None = None) -> None:
        """Replace the whole registry, all or nothing. Raises ValueError when two units share an id."""
        await self.do(lambda logbook: logbook.units.replace(units, imported_from))

    async def units(self) -> list[Unit]:
        """Return every unit, in the order of the file it came from."""
        return await self.do(lambda logbook: logbook.units.all())

    async def set_state(self, unit_id: str, state: UnitState) -> bool:
        """Change a unit's state; False when there is no such unit."""
        return await self.do(lambda logbook: logbook.units.set_state(unit_id, state))

    async def units_from(self) -> UnitsStamp | None:
        """Return which file the registry came from, None when it never came from one."""
        return await self.do(lambda logbook: logbook.units.imported_from())

    async def units_revision(self) -> int:
        """Return how often the registry was changed, by this process or by a command beside it."""
        return await self.do(lambda logbook: logbook.units.revision())

    async def prune(self, before: datetime) -> int:
        """Forget delivered events stored before a time; return how many."""
        return await self.do(lambda logbook: logbook.prune(before))

    async def next_session(self) -> int:
        """Count a connection to the broker about to begin; return its number."""
        return await self.do(lambda logbook: logbook.next_session())


class Outbox:
    """The outbox as the pump wants it, on the store's thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def next_batch(self, limit: int, after: int = 0, up_to: int | None = None) -> list[OutboxEntry]:
        """Return up to `limit` waiting entries beyond `after` and not beyond `up_to`, oldest first."""
        return await self._store.do(lambda logbook: logbook.outbox.next_batch(limit, after, up_to))

    async def of_key(self, order_key: str, after: int, up_to: int, limit: int) -> Sequence[OutboxEntry]:
        """Return waiting entries with that order key beyond `after` and not beyond `up_to`, oldest first."""
        return await self._store.do(lambda logbook: logbook.outbox.of_key(order_key, after, up_to, limit))

    async def waiting(self) -> tuple[int, int]:
        """Return how many entries wait and the position of the newest of them, 0 when none does."""
        return await self._store.do(lambda logbook: logbook.outbox.waiting())

    async def delivered(self, positions: Sequence[int]) -> None:
        """Forget entries that the broker has accepted."""
        await self._store.do(lambda logbook: logbook.outbox.delivered(positions))

    async def retry_later(self, position: int, error: str) -> None:
        """Note that the broker could not take an entry now."""
        await self._store.do(lambda logbook: logbook.outbox.retry_later(position, error))

    async def set_aside(self, position: int, reason: str) -> None:
        """Stop sending an entry until a person retries or drops it."""
        await self._store.do(lambda logbook: logbook.outbox.set_aside(position, reason))

    async def counts(self) -> OutboxCounts:
        """Count what waits and what was set aside."""
        return await self._store.do(lambda logbook: logbook.outbox.counts())

    async def list(self, limit: int = 1000) -> list[OutboxEntry]:
        """Return up to `limit` entries, waiting and set aside, oldest first."""
        return await self._store.do(lambda logbook: logbook.outbox.list(limit))

    async def retry(self, positions: Sequence[int] | None = None) -> int:
        """Let entries that were set aside wait again, all when None; return how many."""
        return await self._store.do(lambda logbook: logbook.outbox.retry(positions))
