"""Time and identity, injected so that tests and replays can hold both still."""

import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """Where every time in the gateway comes from. Any thread may call."""

    def now(self) -> datetime:
        """Wall-clock time with its UTC offset. For people and for events; never for durations."""

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary start, never stepping. For durations and deadlines."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """Return local wall-clock time with its UTC offset."""
        return datetime.now().astimezone()

    def monotonic_s(self) -> float:
        """Return the kernel's monotonic clock in seconds."""
        return time.monotonic()


@dataclass
class ManualClock:
    """A clock that moves only when told: for tests and for replaying recordings in simulated time."""

    wall: datetime
    mono_s: float = 0.0

    def now(self) -> datetime:
        """Return the wall-clock time last set."""
        return self.wall

    def monotonic_s(self) -> float:
        """Return the monotonic time last set, in seconds."""
        return self.mono_s

    def advance(self, seconds: float) -> None:
        """Move both clocks forward by `seconds`."""
        self.wall += timedelta(seconds=seconds)
        self.mono_s += seconds


def read_boot_id() -> str:
    """Return the kernel's id of this boot, or a fresh random one where the kernel offers none."""
    try:
        return BOOT_ID_FILE.read_text(encoding="ascii").strip()
    except OSError:
        return secrets.token_hex(16)


@dataclass
class IdSource:
    """Makes UUIDv7 identifiers (RFC 9562 §5.7), strictly increasing within the process. One thread only.

    The 12 bits after the millisecond count up within one millisecond (method 1 of §6.2), so ids sort in the
    order they were made even when a wall clock stands still.
    """

    clock: Clock
    _last: int = field(default=0, init=False)

    def new(self) -> str:
        """Return a new UUIDv7 as text."""
        unix_ms = int(self.clock.now().timestamp() * 1000)
        stamp = max((unix_ms << 12) | secrets.randbits(8), self._last + 1)
        self._last = stamp
        ms, counter = stamp >> 12, stamp & 0xFFF
        value = (ms & ((1 << 48) - 1)) << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | secrets.randbits(62)
        return str(UUID(int=value))
