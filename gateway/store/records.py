"""What the store takes and gives: frozen values, no database types."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from gateway.model import End, Signalling, SoundClass

MAX_ATTEMPTS = 2
"""A transmission whose recognition took the process down this often is not decoded again."""

Lane = Literal["live", "backlog"]
OutboxState = Literal["waiting", "set_aside"]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something found while opening that a person must hear of; the app publishes it as a fault."""

    what: str
    message: str
    action: str


@dataclass(frozen=True, slots=True)
class SpooledAudio:
    """Audio on disk. `ref` is a path relative to data_dir with forward slashes."""

    ref: str
    sha256: str
    size_bytes: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class RecoveredTransmission:
    """Audio found in the spool at start that no `heard` row may know of yet."""

    id: str
    radio_id: str
    started_at: datetime
    end: End
    dropped_frames: int
    audio: SpooledAudio


@dataclass(frozen=True, slots=True)
class HeardTransmission:
    """A complete transmission, durable before anything slow happens to it.

    `audio` is None when the spool could not keep it. `sound_class` is None when nobody has looked yet.
    `attempts` counts the recognitions begun.
    """

    id: str
    radio_id: str
    started_at: datetime
    duration_s: float
    end: End
    dropped_frames: int = 0
    sound_class: SoundClass | None = None
    audio: SpooledAudio | None = None
    signalling: tuple[Signalling, ...] = ()
    attempts: int = 0

    @property
    def is_poisonous(self) -> bool:
        """True when recognising it has crashed the process as often as is allowed."""
        return self.attempts >= MAX_ATTEMPTS


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An event that has not been delivered.

    `position` counts through all events this database ever held and is the handle for every outbox call; it
    equals the sequence number unless the gateway was renamed. `order_key` is the incident or roll-call id
    whose events must not overtake each other, None for events that stand alone.
    """

    position: int
    source: str
    sequence: int
    event_id: str
    kind: str
    subject: str
    order_key: str | None
    document: str = field(repr=False)
    enqueued_at: datetime
    lane: Lane
    state: OutboxState
    attempts: int
    reason: str | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """How many events wait and how many were set aside. `oldest_at` is when the oldest waiting was stored."""

    waiting: int
    set_aside: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class UnitsStamp:
    """Which file the registry was imported from, to tell whether the file is newer."""

    path: str
    mtime_ns: int
    sha256: str
