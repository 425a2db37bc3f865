"""What may be deleted, in which order, and what was: audio by age and size, events for want of room.

Audio of an incident is kept longer than other audio, goes last when space is short, and never while somebody
has put the incident on hold. A roll-call or a drill may be put on hold like an incident: then what was heard
and what the gateway itself said in it stays. Files that no row knows, such as those of a database that was
damaged and replaced, may be anybody's evidence and are kept as long as an incident's. Each deletion leaves a
row that says what went, when and why. Called on the owner thread only, within a transaction of the logbook.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlite_utils import Database

from gateway.store.records import OutboxEntry
from gateway.store.rows import ENTRY_COLUMNS, entry_from_row, stamp

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
_KEPT = """
    SELECT id, audio ->> '$.ref' AS ref, audio ->> '$.sha256' AS sha256,
        audio ->> '$.size_bytes' AS size_bytes, heard_at AS since, incident_id, rollcall_id,
        incident_id IS NOT NULL AS is_of_incident, 'heard' AS origin
    FROM transmissions WHERE audio IS NOT NULL AND state != 'heard'
    UNION ALL
    SELECT transmission_id, ref, sha256, size_bytes, kept_at, order_key, NULL,
        origin = 'found' OR EXISTS (SELECT 1 FROM transmissions WHERE incident_id = s.order_key), origin
    FROM sent_audio s
"""
"""All audio that may be deleted one day: what was heard and understood, what was sent, what was found."""
_HELD = "SELECT incident_id FROM holds"
_DATED = (
    ("transmissions", "heard_at"),
    ("events", "stored_at"),
    ("sent_audio", "kept_at"),
)


LOG_PAGES, SHORT_LOG_PAGES = 1000, 50
"""SQLite's own measure, and one that fits into a quarter of a megabyte."""
Origin = Literal["heard", "sent", "found"]


@dataclass(frozen=True, slots=True)
class Hold:
    """An incident, roll-call or drill of which nothing must be deleted."""

    incident_id: str
    reason: str
    by: str
    since: datetime


@dataclass(frozen=True, slots=True)
class KeptAudio:
    """A transmission's audio that may go. `ref` is a path relative to data_dir.

    `origin` says whether it was heard, sent by the gateway itself, or found in the spool without a row;
    `sha256` is empty for what was found.
    """

    transmission_id: str
    ref: str
    sha256: str
    size_bytes: int
    is_of_incident: bool = False
    origin: Origin = "sent"


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
        """Say whether anything of that incident, roll-call or drill is kept here."""
        row = self._db.execute(
            "SELECT 1 FROM transmissions WHERE incident_id = :id "
            "UNION ALL SELECT 1 FROM transmissions WHERE rollcall_id = :id "
            "UNION ALL SELECT 1 FROM events WHERE order_key = :id "
            "UNION ALL SELECT 1 FROM sent_audio WHERE order_key = :id LIMIT 1",
            {"id": incident_id},
        ).fetchone()
        return row is not None

    def audio_bytes(self) -> int:
        """Return how much audio is kept."""
        (kept,) = self._db.execute("""
            SELECT (SELECT coalesce(sum(audio ->> '$.size_bytes'), 0) FROM transmissions
                    WHERE audio IS NOT NULL) + (SELECT coalesce(sum(size_bytes), 0) FROM sent_audio)
        """).fetchone()
        return int(kept)

    def note_sent(self, audio: KeptAudio, now: datetime, order_key: str | None) -> None:
        """Remember the audio of what the gateway said itself; `order_key` is whose it is, None nobody's."""
        self._db.execute(
            "INSERT INTO sent_audio VALUES (?, ?, ?, ?, ?, ?, 'sent') ON CONFLICT (transmission_id) "
            "DO UPDATE SET sha256 = excluded.sha256, order_key = excluded.order_key, origin = 'sent'",
            [audio.transmission_id, audio.ref, audio.sha256, audio.size_bytes, stamp(now), order_key],
        )

    def unknown_of(self, transmission_ids: Sequence[str]) -> list[str]:
        """Return those of them that no row knows."""
        rows = self._db.query(
            "SELECT value AS id FROM json_each(?) WHERE value NOT IN (SELECT id FROM transmissions) "
            "AND value NOT IN (SELECT transmission_id FROM sent_audio)",
            [json.dumps(list(transmission_ids))],
        )
        return [str(row["id"]) for row in rows]

    def adopt(self, transmission_id: str, ref: str, size_bytes: int, since: datetime) -> bool:
        """Take a file that no row knows into care; False when one knows it by now."""
        if not self.unknown_of([transmission_id]):
            return False
        self._db.execute(
            "INSERT INTO sent_audio VALUES (?, ?, '', ?, ?, NULL, 'found')",
            [transmission_id, ref, size_bytes, stamp(since)],
        )
        return True

    def disposable(self, limit: int, before: datetime, before_incidents: datetime) -> list[KeptAudio]:
        """Return audio from before a time, that of incidents from before another; no incident's first.

        What waits to be understood and what is held is never among it.
        """
        rows = self._db.query(
            f"""
            SELECT id, ref, sha256, size_bytes, is_of_incident, origin FROM ({_KEPT})
            WHERE since < CASE WHEN is_of_incident THEN ? ELSE ? END
                AND (incident_id IS NULL OR incident_id NOT IN ({_HELD}))
                AND (rollcall_id IS NULL OR rollcall_id NOT IN ({_HELD}))
            ORDER BY is_of_incident, since LIMIT ?
            """,  # noqa: S608 - constants of this module
            [stamp(before_incidents), stamp(before), limit],
        )
        return [
            KeptAudio(
                row["id"], row["ref"], row["sha256"], int(row["size_bytes"]), bool(row["is_of_incident"]),
                row["origin"],
            )
            for row in rows
        ]  # fmt: skip

    def forget_audio(self, gone: Sequence[KeptAudio], now: datetime, reason: str) -> None:
        """Note that these files were deleted."""
        for one in gone:
            if one.origin == "heard":
                self._db.execute("UPDATE transmissions SET audio = NULL WHERE id = ?", [one.transmission_id])
            else:
                self._db.execute("DELETE FROM sent_audio WHERE transmission_id = ?", [one.transmission_id])
            self._db.execute(
                "INSERT INTO deletions VALUES (?, ?, ?, ?, ?, ?)",
                [stamp(now), one.transmission_id, one.ref, one.sha256, one.size_bytes, reason],
            )

    def shift(self, by: timedelta, since: datetime, until: datetime) -> None:
        """Set what was dated from `since` to `until` right: the clock it was dated by was set `by` so much.

        A gateway that boots without the time dates what it hears years ago; deleted by that age it would go
        the day after the clock is set.
        """
        for table, column in _DATED:
            self._db.execute(
                f"UPDATE {table} SET {column} = strftime('%Y-%m-%dT%H:%M:%f000+00:00', {column}, ?) "  # noqa: S608
                f"WHERE {column} BETWEEN ? AND ?",
                [f"{by.total_seconds():+.3f} seconds", stamp(since), stamp(until)],
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
                AND (incident_id IS NULL OR incident_id NOT IN (SELECT incident_id FROM holds))
                AND (rollcall_id IS NULL OR rollcall_id NOT IN (SELECT incident_id FROM holds))
                AND NOT EXISTS (SELECT 1 FROM events WHERE events.transmission_id = transmissions.id)
            """,
            [stamp(before)],
        ).rowcount

    def spare_space(self, *, spare: bool) -> None:
        """Keep the write-ahead log short, for a disk that has no room, or let it grow as is quickest."""
        self._db.execute(f"PRAGMA wal_autocheckpoint = {SHORT_LOG_PAGES if spare else LOG_PAGES}")

    def claim(self, size_bytes: int) -> None:
        """Grow the file by so much, to be emptied by `unclaim`: then nobody else can take the space."""
        self._db.execute(
            "INSERT OR REPLACE INTO meta VALUES ('claimed', printf('%.*c', ?, 'x'))", [size_bytes]
        )

    def unclaim(self) -> None:
        """Empty what was claimed; the file keeps the space for what is stored next."""
        self._db.execute("DELETE FROM meta WHERE key = 'claimed'")

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
            f"WHERE e.kind != 'outbox.dropped' AND o.position <= {newest - spare_newest:d} "
            f"AND (e.order_key IS NULL OR e.order_key NOT IN ({_HELD}))"
        )
        (rank,) = self._db.execute(f"SELECT min({_RANK}) {joined}").fetchone()
        if rank is None or rank > dearest:
            return []
        sql = f"SELECT {ENTRY_COLUMNS} {joined} AND {_RANK} = ? ORDER BY o.position LIMIT ?"
        return [entry_from_row(row) for row in self._db.conn.execute(sql, [rank, limit])]

    def forget_events(self, positions: Sequence[int]) -> None:
        """Delete events that were given up, documents and all."""
        for position in positions:
            self._db.execute("DELETE FROM events WHERE position = ?", [position])
