"""How times and values are written into columns, in one place so that every table agrees."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from gateway.model import End, Signalling, SoundClass
from gateway.store.records import HeardTransmission, OutboxEntry, SpooledAudio

ENTRY_COLUMNS = (
    "o.position, e.source, e.sequence, e.id, e.kind, e.subject, e.order_key, e.document, o.enqueued_at, "
    "o.lane, o.state, o.attempts, o.reason, o.last_error"
)
"""Of `outbox o` and `events e`, in the order of OutboxEntry's fields."""
_ENQUEUED_AT = [field.name for field in fields(OutboxEntry)].index("enqueued_at")


def stamp(at: datetime) -> str:
    """Write a time so that text order is time order: UTC, always six decimals."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def heard_from_row(row: Mapping[str, Any]) -> HeardTransmission:
    """Read a transmission back as it was given."""
    audio = json.loads(row["audio"]) if row["audio"] is not None else None
    return HeardTransmission(
        id=row["id"],
        radio_id=row["radio_id"],
        started_at=datetime.fromisoformat(row["started_at"]),
        duration_s=row["duration_s"],
        end=End(row["end"]),
        dropped_frames=row["dropped_frames"],
        sound_class=SoundClass(row["sound_class"]) if row["sound_class"] is not None else None,
        audio=SpooledAudio(**audio) if audio is not None else None,
        signalling=tuple(Signalling(**tone) for tone in json.loads(row["signalling"])),
        attempts=row["attempts"],
    )


def heard_to_row(heard: HeardTransmission, now: datetime) -> dict[str, Any]:
    """Write a transmission as a row that waits to be understood."""
    return {
        "id": heard.id,
        "radio_id": heard.radio_id,
        # As given, with its own offset: events show the time the station's clock showed.
        "started_at": heard.started_at.isoformat(),
        "duration_s": heard.duration_s,
        "end": heard.end.value,
        "dropped_frames": heard.dropped_frames,
        "sound_class": heard.sound_class.value if heard.sound_class is not None else None,
        "audio": json.dumps(asdict(heard.audio)) if heard.audio is not None else None,
        "signalling": json.dumps([asdict(tone) for tone in heard.signalling]),
        "state": "heard",
        "attempts": heard.attempts,
        "heard_at": stamp(now),
    }


def entry_from_row(row: Sequence[Any]) -> OutboxEntry:
    """Read a row of the outbox joined with its event, selected as ENTRY_COLUMNS."""
    values = list(row)
    values[_ENQUEUED_AT] = datetime.fromisoformat(values[_ENQUEUED_AT])
    return OutboxEntry(*values)
