"""Events that have not been delivered, in the order they were numbered. Called on the owner thread only."""

from collections.abc import Sequence
from datetime import datetime

from sqlite_utils import Database

from gateway.store.records import OutboxCounts, OutboxEntry
from gateway.store.rows import ENTRY_COLUMNS, entry_from_row

_LAST = (1 << 63) - 1
_JOINED = f"SELECT {ENTRY_COLUMNS} FROM outbox o JOIN events e USING (position) "  # noqa: S608
_FORGET = "DELETE FROM outbox WHERE position = ?"


class OutboxTable:
    """The outbox table, inside the logbook's transaction. A row leaves it only by `delivered` or `drop`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def next_batch(self, limit: int, after: int = 0, up_to: int | None = None) -> list[OutboxEntry]:
        """Return up to `limit` waiting entries beyond `after` and not beyond `up_to`, oldest first."""
        sql = _JOINED + (
            "WHERE o.state = 'waiting' AND o.position > ? AND o.position <= ? ORDER BY o.position LIMIT ?"
        )
        last = _LAST if up_to is None else up_to
        return _entries(self._db, sql, [after, last, limit])

    def of_key(self, order_key: str, after: int, up_to: int, limit: int) -> Sequence[OutboxEntry]:
        """Return waiting entries with that order key beyond `after` and not beyond `up_to`, oldest first."""
        sql = _JOINED + (
            "WHERE e.order_key = ? AND o.state = 'waiting' AND o.position > ? AND o.position <= ? "
            "ORDER BY o.position LIMIT ?"
        )
        return _entries(self._db, sql, [order_key, after, up_to, limit])

    def waiting(self) -> tuple[int, int]:
        """Return how many entries wait and the position of the newest of them, 0 when none does."""
        sql = "SELECT count(*), coalesce(max(position), 0) FROM outbox WHERE state = 'waiting'"
        count, newest = self._db.execute(sql).fetchone()
        return count, newest

    def list(self, limit: int = 1000) -> list[OutboxEntry]:
        """Return up to `limit` entries, waiting and set aside, oldest first."""
        sql = _JOINED + "ORDER BY o.position LIMIT ?"
        return _entries(self._db, sql, [limit])

    def at(self, positions: Sequence[int]) -> Sequence[OutboxEntry]:
        """Return the entries at these positions that are in the outbox, oldest first."""
        sql = _JOINED + "WHERE o.position = ?"
        return [entry for position in sorted(set(positions)) for entry in _entries(self._db, sql, [position])]

    def counts(self) -> OutboxCounts:
        """Count what waits and what was set aside."""
        waiting, set_aside, oldest = self._db.execute("""
            SELECT count(*) FILTER (WHERE state = 'waiting'),
                   count(*) FILTER (WHERE state = 'set_aside'),
                   min(enqueued_at) FILTER (WHERE state = 'waiting')
            FROM outbox
        """).fetchone()
        return OutboxCounts(waiting, set_aside, datetime.fromisoformat(oldest) if oldest else None)

    def delivered(self, positions: Sequence[int]) -> None:
        """Forget entries that the broker has accepted; the events themselves stay for resync."""
        self._db.conn.executemany(_FORGET, [(position,) for position in positions])

    def retry_later(self, position: int, error: str) -> None:
        """Note that the broker could not take an entry now; it stays waiting."""
        self._db.execute(
            "UPDATE outbox SET attempts = attempts + 1, last_error = ? WHERE position = ?", [error, position]
        )

    def set_aside(self, position: int, reason: str) -> None:
        """Stop sending an entry that cannot be delivered as it is, until a person retries or drops it."""
        self._db.execute(
            "UPDATE outbox SET state = 'set_aside', attempts = attempts + 1, reason = ?, last_error = ? "
            "WHERE position = ?",
            [reason, reason, position],
        )

    def retry(self, positions: Sequence[int] | None = None) -> int:
        """Let entries that were set aside wait again, all of them when None; return how many there were."""
        again = "UPDATE outbox SET state = 'waiting', reason = NULL WHERE state = 'set_aside'"
        if positions is None:
            return self._db.execute(again).rowcount
        return sum(self._db.execute(f"{again} AND position = ?", [at]).rowcount for at in positions)

    def remove(self, positions: Sequence[int]) -> int:
        """Give entries up for good; return how many there were. The caller stores the event that says so."""
        return self._db.conn.executemany(_FORGET, [(position,) for position in positions]).rowcount

    def all_to_backlog(self) -> None:
        """Mark what waits as left over from an earlier run."""
        self._db.execute("UPDATE outbox SET lane = 'backlog' WHERE lane = 'live' AND state = 'waiting'")


def _entries(db: Database, sql: str, arguments: Sequence[str | int]) -> list[OutboxEntry]:
    return [entry_from_row(row) for row in db.conn.execute(sql, arguments)]
