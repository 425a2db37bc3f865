"""What a group of dispatcher workers still has to handle, in the file they share: see `Watcher.work`.

Any worker may take any event from the broker, so their order is made here. Events with one key (incident,
roll-call, else the source) are given one at a time in the order of their numbers, each to whichever worker
asks first, and not before all that the same gateway numbered lower has come.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.watch.document import Event
from gateway.watch.memory import Memory

LEASE_S: Final = 60.0
"""A worker that has not come back for this long is taken for dead; another one gets its events."""
PATIENCE_S: Final = 10.0
"""What is missing before an event is waited for this long, then the event goes without it."""
_MOST_IN_HAND: Final = 2_000
_SCHEMA: Final = """
    CREATE TABLE IF NOT EXISTS worklist (
        worker_group TEXT NOT NULL,
        position INTEGER NOT NULL,
        key TEXT NOT NULL,
        source TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        came_s REAL NOT NULL,
        worker TEXT,
        until_s REAL,
        PRIMARY KEY (worker_group, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS worklist_order ON worklist (worker_group, key, sequence);
"""


@dataclass(frozen=True, slots=True)
class Work:
    """An event that is this worker's until it says `done` or `LEASE_S` is over."""

    position: int
    event: Event


class WorkList:
    """One worker's view of its group's list. Belongs to the thread that opened the memory."""

    def __init__(
        self,
        memory: Memory,
        group: str,
        worker: str,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Join the group; one that is new begins with the oldest event kept.

        `monotonic_s` is the machine's, the same for all processes; after a restart of the machine leases of
        before lie in the future and count as over.
        """
        self._memory, self._group, self._worker = memory, group, worker
        self._now_s, self._patience_s = monotonic_s, patience_s
        with memory.transaction() as connection:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)

    def claim(self, most: int = 8) -> list[Work]:
        """Return events nobody else works on, one of each key, in the order they came; none when all wait."""
        claimed: list[Work] = []
        with self._memory.transaction() as connection:
            # only now: what others leased while this one waited for the file would seem to lie in the future
            now_s = self._now_s()
            self._fill(connection, now_s)
            for position, source, sequence, came_s, until_s in self._firsts(connection):
                if len(claimed) >= most:
                    break
                is_taken = until_s is not None and now_s < until_s <= now_s + LEASE_S
                has_waited = not 0 <= now_s - came_s <= self._patience_s
                if is_taken or not (has_waited or self._is_whole_before(source, sequence)):
                    continue
                row = connection.execute("SELECT document FROM events WHERE position = ?", (position,))
                document = row.fetchone()
                if document is None:
                    # forgotten by `keep_events`, the same as for a consumer that was away too long
                    self._drop(connection, [position])
                    continue
                connection.execute(
                    "UPDATE worklist SET worker = ?, until_s = ? WHERE worker_group = ? AND position = ?",
                    (self._worker, now_s + LEASE_S, self._group, position),
                )
                claimed.append(Work(position, json.loads(document[0])))
        return claimed

    def done(self, positions: Sequence[int]) -> None:
        """Say that these are handled; what comes next of their keys may go."""
        if positions:
            with self._memory.transaction() as connection:
                self._drop(connection, positions)

    def release(self, positions: Sequence[int]) -> None:
        """Give back what was claimed and not handled."""
        if positions:
            with self._memory.transaction() as connection:
                connection.executemany(
                    "UPDATE worklist SET worker = NULL, until_s = NULL "
                    "WHERE worker_group = ? AND position = ? AND worker = ?",
                    [(self._group, position, self._worker) for position in positions],
                )

    def waiting(self) -> int:
        """Return how many events wait or are being handled."""
        with self._memory.transaction() as connection:
            self._fill(connection, self._now_s())
            row = connection.execute("SELECT count(*) FROM worklist WHERE worker_group = ?", (self._group,))
            return int(row.fetchone()[0])

    def _drop(self, connection: sqlite3.Connection, positions: Sequence[int]) -> None:
        connection.executemany(
            "DELETE FROM worklist WHERE worker_group = ? AND position = ?",
            [(self._group, position) for position in positions],
        )

    def _fill(self, connection: sqlite3.Connection, now_s: float) -> None:
        """Put what has come since onto the list, some at a time."""
        cursor = f"workers of {self._group}"
        row = connection.execute("SELECT position FROM cursors WHERE consumer = ?", (cursor,)).fetchone()
        at = row[0] if row is not None else 0
        held = connection.execute("SELECT count(*) FROM worklist WHERE worker_group = ?", (self._group,))
        room = _MOST_IN_HAND - held.fetchone()[0]
        if room <= 0:
            return
        last = connection.execute(
            "SELECT max(position) FROM (SELECT position FROM events WHERE position > ? "
            "ORDER BY position LIMIT ?)",
            (at, room),
        ).fetchone()[0]
        if last is None:
            return
        connection.execute(
            "INSERT INTO worklist SELECT ?, position, coalesce(json_extract(document, '$.correlationid'), "
            "source), source, CAST(json_extract(document, '$.sequence') AS INTEGER), ?, NULL, NULL "
            "FROM events WHERE position > ? AND position <= ?",
            (self._group, now_s, at, last),
        )
        connection.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (cursor, last))

    def _firsts(self, connection: sqlite3.Connection) -> list[tuple[int, str, int, float, float | None]]:
        """The lowest number of each key; with one min(), SQLite takes the other columns from that row."""
        rows = connection.execute(
            "SELECT position, source, min(sequence), came_s, until_s FROM worklist "
            "WHERE worker_group = ? GROUP BY key",
            (self._group,),
        ).fetchall()
        return sorted(rows)

    def _is_whole_before(self, source: str, sequence: int) -> bool:
        state = self._memory.sources.get(source)
        first = next(iter(state.missing), None) if state is not None else None
        return first is None or first[0] > sequence
