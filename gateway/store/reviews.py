"""What a person should look at, and what people said about it. Called on the owner thread only."""

from dataclasses import dataclass

from sqlite_utils import Database

from gateway.events import CloudEvent

_ITEMS = """
    SELECT document FROM events e
    WHERE kind = 'transmission.received' AND json_extract(document, '$.data.review.required') = 1
"""
_OPEN = """
    AND NOT EXISTS (
        SELECT 1 FROM events v
        WHERE v.kind IN ('review.accepted', 'review.corrected')
          AND v.subject = json_extract(e.document, '$.data.transmission_id')
    )
"""


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A transmission's event and what people said about it since, oldest first."""

    received: CloudEvent
    verdicts: tuple[CloudEvent, ...]


class ReviewTable:
    """The events that ask for a person's eyes. Verdicts are events themselves, stored like any other."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def items(self, limit: int, *, with_done: bool = False) -> list[ReviewItem]:
        """Return up to `limit` transmissions whose review is required, newest first."""
        sql = _ITEMS + ("" if with_done else _OPEN) + "ORDER BY position DESC LIMIT ?"
        return [self._item(row["document"]) for row in self._db.query(sql, [limit])]

    def named(self, beginning: str) -> list[ReviewItem]:
        """Return the transmissions whose id begins like this, required or not, at most two."""
        sql = """
            SELECT document FROM events
            WHERE kind = 'transmission.received' AND transmission_id >= ? AND transmission_id < ?
            ORDER BY position LIMIT 2
        """
        return [self._item(row["document"]) for row in self._db.query(sql, [beginning, beginning + "\x7f"])]

    def done(self) -> list[ReviewItem]:
        """Return every transmission somebody has said something about, oldest first."""
        sql = """
            SELECT r.document FROM events r
            WHERE r.kind = 'transmission.received' AND r.transmission_id IN (
                SELECT subject FROM events WHERE kind IN ('review.accepted', 'review.corrected')
            )
            ORDER BY r.position
        """
        return [self._item(row["document"]) for row in self._db.query(sql)]

    def _item(self, document: str) -> ReviewItem:
        received = CloudEvent.model_validate_json(document)
        sql = """
            SELECT document FROM events
            WHERE kind IN ('review.accepted', 'review.corrected') AND subject = ? ORDER BY position
        """
        said = self._db.query(sql, [received.data["transmission_id"]])
        return ReviewItem(received, tuple(CloudEvent.model_validate_json(row["document"]) for row in said))
