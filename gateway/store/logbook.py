"""Everything the station has heard and said, in one SQLite file: the synchronous core of the store.

One transaction per step. Events get their sequence number in the transaction that stores them, together with
their outbox rows, the conversation they moved and the mark that their transmission is understood, so that
after a crash either all of it happened or none.

A logbook belongs to the thread that opened it. The daemon reaches it through `Store`, which owns that thread;
a command that runs for a moment opens one directly.
"""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

from sqlite_utils import Database

from gateway.clock import Clock
from gateway.errors import StoreDamaged, StoreUnavailable
from gateway.events import CloudEvent, Draft, TransmissionReceived, TransmissionSent
from gateway.faultpoints import passing
from gateway.store.damage import inode_of, keep_copy
from gateway.store.eventlog import EventTable
from gateway.store.ledger import LedgerTable
from gateway.store.outbox import OutboxTable
from gateway.store.records import HeardTransmission, Notice
from gateway.store.registry import UnitTable
from gateway.store.retention import KeptAudio, RetentionTable
from gateway.store.reviews import ReviewTable
from gateway.store.rollcalls import RollcallRecord, RollcallTable
from gateway.store.rows import heard_from_row, heard_to_row, stamp
from gateway.store.schema import BUSY_TRIES, DATABASE_NAME, failure, is_locked, open_database


class Logbook:
    """The open database.

    Do everything inside `with logbook.group():`, which makes it one transaction and words its failures.
    """

    def __init__(
        self, db: Database, path: Path, source: str, clock: Clock, notices: tuple[Notice, ...]
    ) -> None:
        self._db = db
        self._clock = clock
        self.path = path
        self._inode = inode_of(path)
        self._gone: str | None = None
        self.source = source
        self.notices = notices
        self.events = EventTable(db, source)
        self.outbox = OutboxTable(db)
        self.units = UnitTable(db)
        self.retention = RetentionTable(db)
        self.reviews = ReviewTable(db)
        self.rollcalls = RollcallTable(db)
        self.ledger = LedgerTable(db)

    @classmethod
    def open(cls, data_dir: Path, source: str, clock: Clock) -> Self:
        """Open data_dir's database, making folder, file and tables where they are missing.

        Args:
            data_dir: where the gateway keeps its files.
            source: the CloudEvents source that new events are numbered under.
            clock: stamps what is stored.

        Raises:
            StoreUnavailable: in words that say what to do.
        """
        make_folder(data_dir)
        path = data_dir / DATABASE_NAME
        db, notices = open_database(path, clock.now())
        return cls(db, path, source, clock, notices)

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def group(self) -> Iterator[None]:
        """Make everything inside one transaction, durable when the block ends, none of it when it raises.

        Raises:
            StoreUnavailable: the database failed; nothing inside the block happened.
        """
        self.begin()
        with self.begun():
            yield

    def begin(self, while_locked: Callable[[], None] = lambda: None) -> None:
        """Begin a transaction, waiting a while for another program's; go on with `begun`.

        Args:
            while_locked: called from time to time while another program has the file locked.

        Raises:
            StoreUnavailable: the database failed, or stays locked.
        """
        self._refuse_when_gone()
        for tries_left in reversed(range(BUSY_TRIES)):
            try:
                # Taking the write lock first lets a command working beside the daemon wait for its turn; a
                # transaction that reads and only then writes would be refused at once.
                self._db.conn.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                if not (tries_left and is_locked(error)):
                    raise failure(error, self.path) from error
                while_locked()
            else:
                return

    @contextlib.contextmanager
    def begun(self) -> Iterator[None]:
        """Commit what was begun when the block ends, take it back when it raises.

        Raises:
            StoreUnavailable: the database failed; nothing inside the block happened.
        """
        try:
            try:
                yield
                passing("commit.before")
                self._db.commit()
                passing("commit.after")
            except BaseException:
                self._db.rollback()
                raise
        except sqlite3.Error as error:
            raise failure(error, self.path) from error

    def check_in_place(self) -> None:
        """See that the file is still where the next start looks for it; put a removed one back.

        Raises:
            StoreDamaged: it was removed or replaced. What is stored in this run would be lost.
        """
        if inode_of(self.path) == self._inode:
            return
        rescued = keep_copy(self.path)
        self._gone = (
            f"{self.path}: was removed or replaced while the gateway ran; what it held is in {rescued.name}, "
            "and the gateway starts again"
        )
        raise StoreDamaged(self._gone)

    def _refuse_when_gone(self) -> None:
        """What is stored beside the copy would never be seen again."""
        if self._gone is not None:
            raise StoreDamaged(self._gone)

    def heard(self, heard: HeardTransmission) -> bool:
        """Make a complete transmission durable; return False when it was known already."""
        row = heard_to_row(heard, self._clock.now())
        columns = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        inserted = self._db.execute(
            f"INSERT INTO transmissions ({columns}) VALUES ({values}) ON CONFLICT (id) DO NOTHING",  # noqa: S608
            row,
        )
        return inserted.rowcount > 0

    def unfinished(self) -> list[HeardTransmission]:
        """Return transmissions heard and not yet understood, in the order they were heard."""
        return [
            heard_from_row(row)
            for row in self._db.query("SELECT * FROM transmissions WHERE state = 'heard' ORDER BY rowid")
        ]

    def knows(self, transmission_id: str) -> bool:
        """Say whether this transmission was ever made durable here."""
        row = self._db.execute("SELECT 1 FROM transmissions WHERE id = ?", [transmission_id]).fetchone()
        return row is not None

    def attempt(self, transmission_id: str) -> int:
        """Count a recognition about to begin; return how many there were, this one included.

        Raises:
            ValueError: no such transmission was heard.
        """
        row = self._db.execute(
            "UPDATE transmissions SET attempts = attempts + 1 WHERE id = ? RETURNING attempts",
            [transmission_id],
        ).fetchone()
        if row is None:
            raise ValueError(f"transmission {transmission_id!r} was never heard")
        return int(row[0])

    def spare(self, transmission_id: str) -> None:
        """Take back the last attempt: it ended in good order, not with the process."""
        self._db.execute(
            "UPDATE transmissions SET attempts = max(0, attempts - 1) WHERE id = ?", [transmission_id]
        )

    def commit(
        self,
        transmission_id: str | None,
        drafts: Sequence[Draft],
        conversation: tuple[str, str] | None = None,
        *,
        follower: tuple[str, str] | None = None,
        rollcall: RollcallRecord | None = None,
        quarantined: bool = False,
    ) -> list[CloudEvent]:
        """Store what came of a transmission, or of something else when `transmission_id` is None.

        All in one transaction: the events with the next sequence numbers, their outbox rows, the
        conversation and the roll-call that is followed, each as (radio id, JSON), the one that is held, and
        the transmission marked understood (quarantined when its recognition is given up). A transmission
        already marked is left alone, and the events that were stored for it are returned.

        Raises:
            ValueError: the transmission was never heard, or a draft's id was used before.
        """
        if transmission_id is not None and not self._finish(transmission_id, quarantined=quarantined):
            return self.events.of_transmission(transmission_id)
        now = stamp(self._clock.now())
        self._note_belonging(transmission_id, drafts)
        events = self.events.append(drafts, transmission_id, now)
        if conversation is not None:
            self._db.execute("INSERT OR REPLACE INTO conversations VALUES (?, ?, ?)", [*conversation, now])
        if follower is not None:
            self._db.execute("INSERT OR REPLACE INTO followers VALUES (?, ?, ?)", [*follower, now])
        if rollcall is not None:
            self.rollcalls.put(rollcall)
        return events

    def _note_belonging(self, transmission_id: str | None, drafts: Sequence[Draft]) -> None:
        """Remember whose audio this is: it outlives its events, and may be put on hold."""
        for draft in drafts:
            told = draft.data
            if transmission_id is not None and isinstance(told, TransmissionReceived):
                self._db.execute(
                    "UPDATE transmissions SET incident_id = ?, rollcall_id = ? WHERE id = ?",
                    [told.incident_id, told.rollcall_id or told.drill_id, transmission_id],
                )
            elif isinstance(told, TransmissionSent) and told.audio is not None:
                audio = KeptAudio(
                    told.transmission_id, told.audio.ref, told.audio.sha256, told.audio.size_bytes
                )
                self.retention.note_sent(audio, self._clock.now(), draft.correlationid)

    def _finish(self, transmission_id: str, *, quarantined: bool) -> bool:
        """Mark a transmission as done; return False when it was before."""
        marked = self._db.execute(
            "UPDATE transmissions SET state = ? WHERE id = ? AND state = 'heard'",
            ["quarantined" if quarantined else "understood", transmission_id],
        )
        if marked.rowcount == 0 and not self.knows(transmission_id):
            raise ValueError(f"transmission {transmission_id!r} was never heard")
        return marked.rowcount > 0

    def drop(self, positions: Sequence[int], draft: Draft) -> CloudEvent | None:
        """Give up outbox entries and store the event that says so, both or neither.

        Returns None, storing nothing, when none of the positions is in the outbox.
        """
        if self.outbox.remove(positions) == 0:
            return None
        (event,) = self.events.append([draft], None, stamp(self._clock.now()))
        return event

    def conversations(self) -> dict[str, str]:
        """Return each radio's conversation as the JSON it was stored with."""
        return {
            row["radio_id"]: row["state"]
            for row in self._db.query("SELECT radio_id, state FROM conversations ORDER BY radio_id")
        }

    def followers(self) -> dict[str, str]:
        """Return the roll-call that each radio follows as the JSON it was stored with."""
        return {
            row["radio_id"]: row["state"]
            for row in self._db.query("SELECT radio_id, state FROM followers ORDER BY radio_id")
        }

    def audio_of(self, transmission_ids: Iterable[str]) -> dict[str, str]:
        """Return the spool reference of each transmission whose sound was kept."""
        found: dict[str, str] = {}
        for transmission_id in transmission_ids:
            row = self._db.execute(
                "SELECT audio FROM transmissions WHERE id = ? AND audio IS NOT NULL", [transmission_id]
            ).fetchone()
            if row is not None:
                found[transmission_id] = str(json.loads(row[0])["ref"])
        return found

    def started_since(self, since: datetime) -> dict[str, list[datetime]]:
        """Return when each radio's transmissions since a time began, in order."""
        found: dict[str, list[datetime]] = {}
        rows = self._db.query(
            "SELECT radio_id, started_at FROM transmissions WHERE heard_at >= ? ORDER BY started_at",
            [stamp(since)],
        )
        for row in rows:
            found.setdefault(row["radio_id"], []).append(datetime.fromisoformat(row["started_at"]))
        return found

    def next_session(self) -> int:
        """Count a connection to the broker about to begin; return its number."""
        (session,) = self._db.execute(
            "INSERT INTO meta VALUES ('session', '1') ON CONFLICT (key) "
            "DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) RETURNING value"
        ).fetchone()
        return int(session)


def make_folder(folder: Path) -> None:
    """Make a folder readable by the gateway's own group only.

    Raises:
        StoreUnavailable: it cannot be made.
    """
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"{folder}: cannot be made ({error.strerror}); make it by hand and let the gateway write in it"
        ) from error
