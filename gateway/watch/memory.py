"""What a dispatcher remembers of many gateways: one SQLite file, touched by no other module of the room.

An event is taken once: (source, id) is unique, and the row, the numbers still missing and the last snapshot
of what the event is about are committed in one transaction. Losing power may lose the last moments, and with
them the knowledge of having had them: the gateway is asked for them again, so nothing is lost or doubled.

Belongs to the thread that opened it. Several processes may have the file open, as workers of one group do:
each transaction begins by looking whether another one has written since.
"""

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from sqlite_utils import Database

from gateway.errors import Unavailable
from gateway.watch.document import MAX_SEQUENCE, Event, compact, read_event, snapshots_of
from gateway.watch.numbers import Missing
from gateway.watch.progress import SourceState, place

KEEP_EVENTS: Final = 200_000
_PRUNE_EVERY: Final = 5_000
_SCHEMA = """
    CREATE TABLE IF NOT EXISTS events (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        source TEXT NOT NULL,
        id TEXT NOT NULL,
        document TEXT NOT NULL,
        UNIQUE (source, id)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS sources (
        source TEXT PRIMARY KEY,
        newest INTEGER NOT NULL,
        newest_id TEXT NOT NULL,
        missing TEXT NOT NULL,
        lost INTEGER NOT NULL,
        first INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS snapshots (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        source TEXT NOT NULL,
        revision INTEGER NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS cursors (
        consumer TEXT PRIMARY KEY,
        position INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""


class MemoryUnavailable(Unavailable):
    """The dispatcher's file cannot be used."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a batch: how many events were new, repeats, unreadable; whose numbering began anew."""

    new: int = 0
    repeats: int = 0
    unreadable: int = 0
    anew: tuple[str, ...] = ()
    touched: frozenset[str] = frozenset()


class Memory:
    """The open file. Everything raises MemoryUnavailable, in words, when the disk fails."""

    def __init__(self, path: Path | None = None, *, keep_events: int = KEEP_EVENTS) -> None:
        """Open or make the file; None keeps everything in memory, until the process ends."""
        self._where = str(path) if path is not None else "the dispatcher's memory"
        self._keep_events = keep_events
        self._since_prune = 0
        with self._in_words():
            connection = sqlite3.connect(path or ":memory:", timeout=10.0)
            self._db = Database(connection, execute_plugins=False)
            if path is not None:
                self._db.enable_wal()
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_SCHEMA)
            connection.isolation_level = None
            self._version = self._data_version()
            self.sources = self._read_sources()

    def _data_version(self) -> int:
        """Return a number that changes when another process has written."""
        return int(self._db.conn.execute("PRAGMA data_version").fetchone()[0])

    def _read_sources(self) -> dict[str, SourceState]:
        rows = self._db.conn.execute(
            "SELECT source, newest, newest_id, first, missing, lost FROM sources"
        ).fetchall()
        return {
            source: SourceState(newest, newest_id, first, Missing(map(tuple, json.loads(missing))), lost)
            for source, newest, newest_id, first, missing, lost in rows
        }

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def take(self, documents: Iterable[str | bytes]) -> Taken:
        """Take a batch of events as they came; all of it is kept, or none when this raises."""
        before: dict[str, SourceState | None] = {}
        tally: Counter[str] = Counter()
        snapshots: dict[tuple[str, str], tuple[str, int, str]] = {}
        anew: list[str] = []
        touched: set[str] = set()
        try:
            with self.transaction() as connection:
                for document in documents:
                    event = read_event(document)
                    verdict = (
                        "unreadable" if event is None else self._take(connection, event, document, before)
                    )
                    tally[verdict] += 1
                    if event is None or verdict == "repeat":
                        continue
                    touched.add(event["source"])
                    if verdict == "anew":
                        anew.append(event["source"])
                    for key, value in snapshots_of(event):
                        if key not in snapshots or snapshots[key][1] <= value[1]:
                            snapshots[key] = value
                self._keep(connection, snapshots)
                self._keep_sources(connection, touched)
        except BaseException:
            self._restore(before)
            raise
        new = tally["new"] + tally["anew"]
        self._since_prune += new
        if self._since_prune >= _PRUNE_EVERY:
            self.prune()
        return Taken(new, tally["repeat"], tally["unreadable"], tuple(anew), frozenset(touched))

    def _take(
        self,
        connection: sqlite3.Connection,
        event: Event,
        document: str | bytes,
        before: dict[str, SourceState | None],
    ) -> str:
        source = event["source"]
        text = document if isinstance(document, str) else document.decode()
        row = connection.execute(
            "INSERT INTO events (source, id, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (source, event["id"], text),
        )
        if row.rowcount == 0:
            return "repeat"
        if source not in before:
            known = self.sources.get(source)
            before[source] = known.copy() if known is not None else None
        verdict = place(self.sources, event)
        if verdict == "repeat":
            connection.execute("DELETE FROM events WHERE position = ?", (row.lastrowid,))
        return verdict

    def _restore(self, before: Mapping[str, SourceState | None]) -> None:
        for source, state in before.items():
            if state is None:
                self.sources.pop(source, None)
            else:
                self.sources[source] = state

    def note_newest(self, source: str, sequence: int) -> bool:
        """Note that a gateway has made events up to `sequence`; return whether some are missing by that."""
        with self.transaction() as connection:
            state = self.sources.get(source)
            if state is None or sequence <= state.newest or sequence > MAX_SEQUENCE:
                return False
            state.missing.add(state.newest + 1, sequence)
            state.newest = sequence
            self._keep_sources(connection, {source})
        return True

    def note_lost(self, source: str, first: int, last: int) -> int:
        """Note that these events are not to be had any more; return how many of them were missing."""
        with self.transaction() as connection:
            state = self.sources.get(source)
            lost = state.missing.discard(first, last) if state is not None else 0
            if state is not None and lost:
                state.lost += lost
                self._keep_sources(connection, {source})
        return lost

    def take_state(self, source: str, kind: str, key: str, document: Mapping[str, Any] | None) -> None:
        """Keep a retained state document; an incident only when it is newer than what events have told."""
        if document is None:
            return
        revision = document.get("revision", 0)
        value = (source, revision if isinstance(revision, int) else 0, compact(document))
        with self.transaction() as connection:
            self._keep(connection, {(kind, key): value})

    def after(self, position: int, limit: int = 256) -> list[tuple[int, Event]]:
        """Return events taken after `position`, oldest first."""
        with self._in_words():
            rows = self._db.execute(
                "SELECT position, document FROM events WHERE position > ? ORDER BY position LIMIT ?",
                (position, limit),
            ).fetchall()
        return [(row[0], json.loads(row[1])) for row in rows]

    def span(self) -> tuple[int, int]:
        """Return the positions of the oldest and of the newest event kept; (1, 0) when there is none."""
        with self._in_words():
            oldest, newest = self._db.execute("SELECT min(position), max(position) FROM events").fetchone()
            if newest is None:
                row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
                newest = row[0] if row is not None else 0
                oldest = newest + 1
        return oldest, newest

    def cursor(self, consumer: str) -> int | None:
        """Return how far a consumer has come, None when it is new."""
        with self._in_words():
            row = self._db.execute("SELECT position FROM cursors WHERE consumer = ?", (consumer,)).fetchone()
        return row[0] if row is not None else None

    def move_cursor(self, consumer: str, position: int) -> None:
        """Remember how far a consumer has come."""
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (consumer, position))

    def snapshots(self, kind: str) -> dict[str, Event]:
        """Return the last state of everything of a kind (incident, rollcall, drill, gateway, …) by its id."""
        with self._in_words():
            rows = self._db.execute(
                "SELECT key, document FROM snapshots WHERE kind = ? ORDER BY key", (kind,)
            ).fetchall()
        return {row[0]: json.loads(row[1]) for row in rows}

    def snapshot(self, kind: str, beginning: str) -> list[tuple[str, str, Event]]:
        """Return (source, id, last state) of those whose id begins like this, at most two."""
        with self._in_words():
            rows = self._db.execute(
                "SELECT source, key, document FROM snapshots WHERE kind = ? AND key >= ? AND key < ? LIMIT 2",
                (kind, beginning, beginning + "\x7f"),
            ).fetchall()
        return [(row[0], row[1], json.loads(row[2])) for row in rows]

    def about(self, subject: str) -> list[Event]:
        """Return the events kept whose subject this is, in the order they were taken."""
        with self._in_words():
            rows = self._db.execute(
                "SELECT document FROM events WHERE json_extract(document, '$.subject') = ? ORDER BY position",
                (subject,),
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def meta(self, key: str, default: str) -> str:
        """Return a remembered value; the first time `default`, which is remembered from then on."""
        with self.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (key, default))
            (value,) = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(value)

    def prune(self) -> int:
        """Forget the oldest events beyond `keep_events`; return how many."""
        self._since_prune = 0
        _, newest = self.span()
        with self.transaction() as connection:
            gone = connection.execute("DELETE FROM events WHERE position <= ?", (newest - self._keep_events,))
        return gone.rowcount

    @staticmethod
    def _keep(
        connection: sqlite3.Connection, snapshots: Mapping[tuple[str, str], tuple[str, int, str]]
    ) -> None:
        connection.executemany(
            "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET "
            "source = excluded.source, revision = excluded.revision, document = excluded.document "
            "WHERE excluded.revision >= revision",
            [(*key, *value) for key, value in snapshots.items()],
        )

    def _keep_sources(self, connection: sqlite3.Connection, sources: Iterable[str]) -> None:
        connection.executemany(
            "INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?, ?)",
            [
                (source, s.newest, s.newest_id, json.dumps(list(s.missing)), s.lost, s.first)
                for source, s in ((source, self.sources[source]) for source in sources)
            ],
        )

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write, alone among all processes; `sources` is up to date then."""
        connection: sqlite3.Connection = self._db.conn
        with self._in_words():
            connection.execute("BEGIN IMMEDIATE")
            try:
                version = self._data_version()
                if version != self._version:
                    self._version, self.sources = version, self._read_sources()
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise MemoryUnavailable(f"{self._where}: cannot be used: {error}") from error
