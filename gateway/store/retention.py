"""What may be deleted, in which order, and what was: audio by age and size, events for want of room.

Audio of an incident is kept longer than other audio, goes last when space is short, and never while somebody
has put the incident on hold. Each deletion leaves a row that says what went, when and why. Called on the
owner thread only, within a transaction of the logbook.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from gateway.store.records import OutboxEntry
from gateway.store.rows import entry_from_row, stamp

INCIDENT_RANK = 3
_RANK = """
    CASE
        WHEN e.kind LIKE 'incident.%' OR t.incident_id IS NOT NULL THEN 3
        WHEN e.kind LIKE 'rollcall.%' OR e.kind LIKE 'drill.%' THEN 2
        WHEN e.kind LIKE 'transmission.%' OR e.kind LIKE 'checkin.%' THEN 1
        ELSE 0
    END
"""
"""How dear an event is: telemetry 0, what was heard 1, roll-calls 2, incidents and what belongs to them 3."""


@dataclass(frozen=True, slots=True)
class Hold:
    """An incident whose audio must not be deleted."""

    incident_id: str
    reason: str
    by: str
    since: datetime


@dataclass(frozen=True, slots=True)
class KeptAudio:
    """A transmission's audio that may go. `ref` is a path relative to data_dir."""

    transmission_id: str
    ref: str
    sha256: str
    size_bytes: int
    is_of_incident: bool


@dataclass(frozen=True, slots=True)
class Deletion:
    """What went, when and why."""

    at: datetime
    transmission_id: str
    ref: str
    sha256: str
    size_bytes: int
    reason: str


class RetentionTable:
    """Holds, deletions, and what may be deleted next."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def hold(self, hold: Hold) -> bool:
        """Keep an incident's audio until released; False when it was held already."""
        held = self._db.execute(
            "INSERT INTO holds VALUES (?, ?, ?, ?) ON CONFLICT (incident_id) DO NOTHING",
            [hold.incident_id, hold.reason, hold.by, stamp(hold.since)],
        )
        return held.rowcount > 0

    def release(self, incident_id: str) -> bool:
        """Let an incident's audio go when its time comes; False when it was not held."""
        return self._db.execute("DELETE FROM holds WHERE incident_id = ?", [incident_id]).rowcount > 0

    def holds(self) -> list[Hold]:
        """Return what is held, oldest first."""
        return [
            Hold(row["incident_id"], row["reason"], row["by"], datetime.fromisoformat(row["since"]))
            for row in self._db.query("SELECT * FROM holds ORDER BY since")
        ]

    def knows_incident(self, incident_id: str) -> bool:
        """Say whether anything of that incident is kept here."""
        row = self._db.execute(
            "SELECT 1 FROM transmissions WHERE incident_id = :id "
            "UNION ALL SELECT 1 FROM events WHERE order_key = :id LIMIT 1",
            {"id": incident_id},
        ).fetchone()
        return row is not None

    def audio_bytes(self) -> int:
        """Return how much audio is kept."""
        sql = "SELECT coalesce(sum(json_extract(audio, '$.size_bytes')), 0) FROM transmissions"
        (kept,) = self._db.execute(f"{sql} WHERE audio IS NOT NULL").fetchone()
        return int(kept)

    def disposable(self, limit: int, before: datetime, before_incidents: datetime) -> list[KeptAudio]:
        """Return audio heard before a time, that of incidents before another; what is no incident's first.

        What waits to be understood and what is held is never among it.
        """
        rows = self._db.query(
            """
            SELECT id, audio, incident_id FROM transmissions
            WHERE audio IS NOT NULL AND state != 'heard'
                AND heard_at < CASE WHEN incident_id IS NULL THEN ? ELSE ? END
                AND (incident_id IS NULL OR incident_id NOT IN (SELECT incident_id FROM holds))
            ORDER BY incident_id IS NOT NULL, heard_at LIMIT ?
            """,
            [stamp(before), stamp(before_incidents), limit],
        )
        return [_kept(row["id"], row["audio"], row["incident_id"]) for row in rows]

    def forget_audio(self, gone: Sequence[KeptAudio], now: datetime, reason: str) -> None:
        """Note that these files were deleted."""
        for one in gone:
            self._db.execute("UPDATE transmissions SET audio = NULL WHERE id = ?", [one.transmission_id])
            self._db.execute(
                "INSERT INTO deletions VALUES (?, ?, ?, ?, ?, ?)",
                [stamp(now), one.transmission_id, one.ref, one.sha256, one.size_bytes, reason],
            )

    def deletions(self, limit: int = 1000) -> list[Deletion]:
        """Return the last deletions, newest first."""
        rows = self._db.query("SELECT * FROM deletions ORDER BY rowid DESC LIMIT ?", [limit])
        return [Deletion(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in rows]

    def prune_transmissions(self, before: datetime) -> int:
        """Forget transmissions that nothing is kept of any more; return how many."""
        return self._db.execute(
            """
            DELETE FROM transmissions
            WHERE heard_at < ? AND state != 'heard' AND audio IS NULL
                AND NOT EXISTS (SELECT 1 FROM events WHERE events.transmission_id = transmissions.id)
            """,
            [stamp(before)],
        ).rowcount

    def reusable_bytes(self) -> int:
        """Return how much of the database file is empty and can be written without more disk."""
        (pages,) = self._db.execute("PRAGMA freelist_count").fetchone()
        (page_bytes,) = self._db.execute("PRAGMA page_size").fetchone()
        return int(pages) * int(page_bytes)

    def least_dear(
        self, limit: int, dearest: int = INCIDENT_RANK, spare_newest: int = 0
    ) -> list[OutboxEntry]:
        """Return undelivered events to give up first: the least dear kind there is, oldest first.

        None when even those are dearer than `dearest`. The newest `spare_newest` events stay.
        Never `outbox.dropped`, which tells of others.
        """
        (newest,) = self._db.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
        joined = (
            "FROM outbox o JOIN events e USING (position) "
            "LEFT JOIN transmissions t ON t.id = e.transmission_id "
            f"WHERE e.kind != 'outbox.dropped' AND o.position <= {newest - spare_newest:d}"
        )
        (rank,) = self._db.execute(f"SELECT min({_RANK}) {joined}").fetchone()
        if rank is None or rank > dearest:
            return []
        sql = (
            "SELECT o.*, e.source, e.sequence, e.id, e.kind, e.subject, e.order_key, e.document "
            f"{joined} AND {_RANK} = ? ORDER BY o.position LIMIT ?"
        )
        return [entry_from_row(row) for row in self._db.query(sql, [rank, limit])]

    def forget_events(self, positions: Sequence[int]) -> None:
        """Delete events that were given up, documents and all."""
        for position in positions:
            self._db.execute("DELETE FROM events WHERE position = ?", [position])


def _kept(transmission_id: str, audio: str, incident_id: str | None) -> KeptAudio:
    about = json.loads(audio)
    return KeptAudio(
        transmission_id, about["ref"], about["sha256"], about["size_bytes"], incident_id is not None
    )
