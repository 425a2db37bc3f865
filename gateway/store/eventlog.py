"""Every event the station has made, numbered without a gap, from when it is stored until it is pruned."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from sqlite_utils import Database

from gateway.events import CloudEvent, Draft, seal
from gateway.store.rows import stamp

_NUMBERED = (
    "INSERT INTO sources VALUES (?, ?) "
    "ON CONFLICT (source) DO UPDATE SET last_sequence = last_sequence + ? RETURNING last_sequence"
)
_EVENT = (
    "INSERT INTO events (source, sequence, id, kind, subject, order_key, transmission_id, document, "
    "stored_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_WAITING = "INSERT INTO outbox (position, lane, state, enqueued_at) VALUES (?, 'live', 'waiting', ?)"


class EventTable:
    """The table of events; on the store's thread, inside a group."""

    def __init__(self, db: Database, source: str) -> None:
        self._db = db
        self._source = source

    def append(self, drafts: Sequence[Draft], transmission_id: str | None, now: str) -> list[CloudEvent]:
        """Number events, store them and put them into the outbox.

        Args:
            drafts: what they tell.
            transmission_id: the transmission they came of, None for none.
            now: when they are stored, as `rows.stamp` writes it.

        Raises:
            ValueError: a draft's id was used before.
        """
        if not drafts:
            return []
        execute = self._db.conn.execute
        (last,) = execute(_NUMBERED, (self._source, len(drafts), len(drafts))).fetchone()
        events = [seal(draft, self._source, n) for n, draft in enumerate(drafts, last - len(drafts) + 1)]
        for draft, event in zip(drafts, events, strict=True):
            row = (
                self._source, int(event.sequence), event.id, draft.kind, event.subject, event.correlationid,
                transmission_id, event.to_json(), now,
            )  # fmt: skip
            try:
                stored = execute(_EVENT, row)
            except sqlite3.IntegrityError as error:
                raise ValueError(f"event {event.id!r} ({draft.kind}) is stored already: {error}") from error
            execute(_WAITING, (stored.lastrowid, now))
        return events

    def of_transmission(self, transmission_id: str) -> list[CloudEvent]:
        """Return the events that were stored with a transmission."""
        return self._where("transmission_id = ?", [transmission_id])

    def since(self, sequence: int, limit: int = 1000) -> list[CloudEvent]:
        """Return up to `limit` events of this source numbered above `sequence`, delivered or not."""
        return self._where("source = ? AND sequence > ?", [self._source, sequence], limit)

    def _where(self, where: str, arguments: Sequence[str | int], limit: int = -1) -> list[CloudEvent]:
        return [
            CloudEvent.model_validate_json(row["document"])
            for row in self._db.query(
                f"SELECT document FROM events WHERE {where} ORDER BY position LIMIT ?",  # noqa: S608
                [*arguments, limit],
            )
        ]

    def has(self, event_id: str) -> bool:
        """Say whether an event of this id is stored."""
        return self._db.execute("SELECT 1 FROM events WHERE id = ?", [event_id]).fetchone() is not None

    def last_sequence(self) -> int:
        """Return the number of this source's newest event, 0 before the first."""
        row = self._db.execute(
            "SELECT last_sequence FROM sources WHERE source = ?", [self._source]
        ).fetchone()
        return int(row[0]) if row is not None else 0

    def of_rollcalls(self, rollcall_id: str | None = None) -> list[CloudEvent]:
        """Return the kept events of one roll-call or drill in order; the first and last of all when None."""
        if rollcall_id is not None:
            return self._where(
                "order_key = ? AND (kind LIKE 'rollcall.%' OR kind LIKE 'drill.%')", [rollcall_id]
            )
        ends = [f"{family}.{verb}" for family in ("rollcall", "drill") for verb in ("started", "finished")]
        return self._where("kind IN (?, ?, ?, ?)", ends)

    def of_rollcalls_between(self, since: datetime, until: datetime) -> list[CloudEvent]:
        """Return every kept event of roll-calls and drills that was stored from `since` to before `until`."""
        return self._where(
            "(kind LIKE 'rollcall.%' OR kind LIKE 'drill.%') AND stored_at >= ? AND stored_at < ?",
            [stamp(since), stamp(until)],
        )

    def open_faults(self) -> list[CloudEvent]:
        """Return the `gateway.fault` of each thing at fault that no `gateway.recovered` has followed."""
        newest = "SELECT MAX(position) FROM events WHERE kind IN ('gateway.fault', 'gateway.recovered')"
        return self._where(f"kind = 'gateway.fault' AND position IN ({newest} GROUP BY subject)", [])

    def of_incidents(self, beginning: str) -> list[CloudEvent]:
        """Return the kept events of the incidents whose id begins like this, in order."""
        where = "kind LIKE 'incident.%' AND order_key >= ? AND order_key < ?"
        return self._where(where, [beginning, beginning + "\x7f"])

    def prune(self, before: datetime) -> int:
        """Forget delivered events stored before a time; return how many.

        What waits is never touched, nor what belongs to an incident or a roll-call on hold.
        """
        return self._db.execute(
            "DELETE FROM events WHERE stored_at < ? AND position NOT IN (SELECT position FROM outbox) "
            "AND (order_key IS NULL OR order_key NOT IN (SELECT incident_id FROM holds)) "
            "AND NOT EXISTS (SELECT 1 FROM transmissions t JOIN holds ON holds.incident_id IN "
            "(t.incident_id, t.rollcall_id) WHERE t.id = events.transmission_id)",
            [stamp(before)],
        ).rowcount

    def newest_stored_at(self) -> datetime | None:
        """Return when the last event was stored, None before the first."""
        row = self._db.execute("SELECT stored_at FROM events ORDER BY position DESC LIMIT 1").fetchone()
        return datetime.fromisoformat(row[0]) if row is not None else None
