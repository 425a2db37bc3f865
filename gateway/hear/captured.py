"""What a capture thread tells, and where it keeps what it hears."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, get_args

from gateway.model import End, Pcm, Transmission


class SpoolFile(Protocol):
    """One transmission on its way to disk. Used by the capture thread only."""

    def append(self, pcm: Pcm) -> None:
        """Keep more samples."""

    def finish(self, end: End, dropped_frames: int = 0) -> object:
        """Complete the file; what it returns travels in Completed.kept."""

    def discard(self) -> None:
        """Forget the file."""


class Spool(Protocol):
    """Where transmissions are kept. Each method raises GatewayError when the disk refuses."""

    def begin(self, transmission_id: str, radio_id: str, started_at: datetime) -> SpoolFile:
        """Start keeping a transmission."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A transmission has begun; it is being received now."""

    radio_id: str
    transmission_id: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Completed:
    """A transmission is over. `kept` is what the spool returned for it, None when it could not be kept."""

    transmission: Transmission
    kept: object | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something failed: `what` says which part, `message` what a person should know."""

    radio_id: str
    what: Literal[
        "source", "control", "spool", "store", "capture", "squelch", "hum", "clipping", "level", "silence"
    ]
    message: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """What had failed works again."""

    radio_id: str
    what: Literal["source", "control", "store", "squelch", "hum", "clipping", "level", "silence"] = "source"


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more will come from this radio; `is_damaged` when that is a fault, which `message` tells."""

    radio_id: str
    message: str | None = None
    is_damaged: bool = False


@dataclass(frozen=True, slots=True)
class Missed:
    """Audio was lost between transmissions: `frames` of the device did not come through."""

    radio_id: str
    frames: int


DEAFENING = frozenset({"source", "control", "store", "capture", "squelch"})
"""What must not fail for calls to be heard."""
LineTrouble = Literal["squelch", "hum", "clipping", "level", "silence"]

LINE_TROUBLES: tuple[LineTrouble, ...] = get_args(LineTrouble)

CaptureEvent = Opened | Completed | Fault | Recovered | Ended | Missed
