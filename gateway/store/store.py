"""The store as the daemon sees it: async methods in front of one thread that owns the database.

A method returns only when what it wrote is durable. How steps share a wait for the disk: see `ownerthread`.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self, TypeVar

from gateway.clock import Clock
from gateway.errors import StoreLocked
from gateway.events import CloudEvent, Draft
from gateway.model import Unit
from gateway.store.lock import FolderLock
from gateway.store.logbook import Logbook, make_folder
from gateway.store.ownerthread import OwnerThread
from gateway.store.records import HeardTransmission, Notice, OutboxCounts, OutboxEntry, UnitsStamp
from gateway.store.registry import UnitState
from gateway.store.rollcalls import RollcallRecord
from gateway.store.schema import DATABASE_NAME

T = TypeVar("T")
LOCK_LOOK_S = 0.25
LOCK_TOLD_S = 0.4
"""A lock is told that is still held so long after it was first met."""


class Store:
    """The gateway's memory. Use from one asyncio loop; every write is durable when its call returns.

    Any method may raise StoreUnavailable, in words that say what to do; nothing of that call is stored then.
    """

    def __init__(self, thread: OwnerThread, lock: FolderLock, where: Path) -> None:
        self._thread = thread
        self._lock = lock
        self._where = where
        self.notices: tuple[Notice, ...] = ()
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
        store = cls(thread, lock, data_dir / DATABASE_NAME)
        try:
            store.notices = await asyncio.wrap_future(thread.opened)
            await store.do(lambda logbook: logbook.outbox.all_to_backlog())
        except BaseException:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        """Finish what is queued, close the file, let others use the folder. May be called twice."""
        await self._thread.close()
        self._lock.release()

    async def do(self, work: Callable[[Logbook], T]) -> T:
        """Do any steps on the logbook as one transaction, on the owner thread."""
        return await self._thread.do(work)

    async def answers(self) -> None:
        """Return once the store has come round to a step of its own.

        Raises:
            StoreLocked: it waits for another program to let go of the file.
            StoreUnavailable: it refuses.
        """
        asked = self._thread.do(_nothing)
        try:
            while not (await asyncio.wait((asked,), timeout=LOCK_LOOK_S))[0]:
                since_s = self._thread.locked_since_s
                if since_s is not None and time.monotonic() - since_s > LOCK_TOLD_S:
                    raise StoreLocked(
                        f"{self._where}: another program holds it locked; what happens waits until it lets go"
                    )
        finally:
            asked.cancel()
        asked.result()

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
        return await self.do(lambda logbook: logbook.events.since(sequence, limit))

    async def last_sequence(self) -> int:
        """Return the number of the newest event, 0 before the first."""
        return await self.do(lambda logbook: logbook.events.last_sequence())

    async def drop(self, positions: Sequence[int], draft: Draft) -> CloudEvent | None:
        """Give up outbox entries and store the event that says so; see `Logbook.drop`."""
        return await self.do(lambda logbook: logbook.drop(positions, draft))

    async def conversations(self) -> dict[str, str]:
        """Return each radio's conversation as the JSON it was stored with."""
        return await self.do(lambda logbook: logbook.conversations())

    async def open_faults(self) -> list[CloudEvent]:
        """Return the faults that were told and not ended; see `EventTable.open_faults`."""
        return await self.do(lambda logbook: logbook.events.open_faults())

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
        return await self.do(lambda logbook: logbook.events.prune(before))

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


def _nothing(_logbook: Logbook) -> None:
    """A step that only tells that the thread comes round."""
