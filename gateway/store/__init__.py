"""What the gateway remembers: one SQLite file and the audio beside it."""

from gateway.store.logbook import Logbook
from gateway.store.records import (
    MAX_ATTEMPTS,
    HeardTransmission,
    Notice,
    OutboxCounts,
    OutboxEntry,
    RecoveredTransmission,
    SpooledAudio,
    UnitsStamp,
)
from gateway.store.spool import Spool, SpoolFile
from gateway.store.store import Outbox, Store

__all__ = [
    "MAX_ATTEMPTS",
    "HeardTransmission",
    "Logbook",
    "Notice",
    "Outbox",
    "OutboxCounts",
    "OutboxEntry",
    "RecoveredTransmission",
    "Spool",
    "SpoolFile",
    "SpooledAudio",
    "Store",
    "UnitsStamp",
]
