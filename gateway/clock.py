"""Time and identity, injected so that tests and replays can hold both still."""

import ctypes
import hashlib
import itertools
import secrets
import time
from collections.abc import Callable
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


def ids_after(origin: str) -> Callable[[], str]:
    """Return what makes the same UUIDs, one after the other, each time it is asked for after the same origin.

    So what comes of a call has its name before it is stored, and keeps it when the call is understood again.
    They are of version 7, of the origin's moment where that is such an id.
    """
    numbers = itertools.count()

    def new() -> str:
        digest = hashlib.sha256(f"{origin}/{next(numbers)}".encode()).digest()
        try:
            ms = UUID(origin).int >> 80
        except ValueError:
            ms = int.from_bytes(digest[16:22])
        rest = int.from_bytes(digest[:10])
        value = ms << 80 | 0x7 << 76 | (rest >> 64 & 0xFFF) << 64 | 0b10 << 62 | rest & ((1 << 62) - 1)
        return str(UUID(int=value))

    return new


@dataclass(frozen=True, slots=True)
class SyncState:
    """Whether the kernel's clock follows a time source, and how far off it may be in milliseconds."""

    synced: bool
    est_error_ms: float | None


class _Timex(ctypes.Structure):
    """`struct timex` of Linux, as far as its estimated error and status (see adjtimex(2))."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


_STA_UNSYNC = 0x0040
_TIME_ERROR = 5


def read_sync_state() -> SyncState:
    """Ask the kernel whether its clock is synchronised. Unknown counts as not synchronised. Any thread."""
    try:
        timex = _Timex()
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return SyncState(synced=False, est_error_ms=None)
    if state < 0 or state == _TIME_ERROR or timex.status & _STA_UNSYNC:
        return SyncState(synced=False, est_error_ms=None)
    return SyncState(synced=True, est_error_ms=timex.maxerror / 1000)
