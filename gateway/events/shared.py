"""What the data of every event, or of several families of them, is made of."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

Timestamp = Annotated[
    datetime,
    PlainSerializer(lambda at: at.isoformat(), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""RFC 3339 with a numeric offset, never Z: CAP 1.2 forbids alphabetic time zones."""


class Model(BaseModel):
    """Frozen, strict about names: a misspelt field is a bug, not an extension."""

    # Most of them are built when the first of their kind happens, if ever: pydantic locks while it builds.
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True, defer_build=True
    )


class ClockReading(Model):
    """How far the times in an event can be trusted. Order events by (boot_id, sequence), never by time."""

    synced: bool
    source: Literal["ntp", "gps", "rtc", "manual", "none"]
    est_error_ms: float | None
    boot_id: str
    mono_ms: int


class Data(Model):
    """What every event's data carries."""

    clock: ClockReading
    replayed: bool = False


class AudioRef(Model):
    """Where the sound is. The audio itself never travels in an event."""

    ref: str
    sha256: str
    size_bytes: int = Field(alias="bytes")


class Review(Model):
    """Whether a person should look, and why."""

    required: bool
    reasons: tuple[str, ...] = ()

    @classmethod
    def because(cls, reasons: Iterable[str]) -> Self:
        """Return what asks for a look when there are reasons, each named once."""
        distinct = tuple(dict.fromkeys(reasons))
        return cls(required=bool(distinct), reasons=distinct)


class HeadcountData(Model):
    """People on duty as reported."""

    present: int | None
    expected: int | None
