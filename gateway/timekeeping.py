"""Reads the clock the way every event tells it, and notices when the wall clock is set."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.clock import Clock, SyncState, read_boot_id, read_sync_state
from gateway.events import ClockReading

ASK_KERNEL_EVERY_S = 10.0
STEP_FROM_S = 2.0
"""Time sources slew what is less than this; what is more was set, by a person or at the first sync."""


class ClockReader:
    """Makes the `clock` of an event. One thread only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._boot_id = read_boot_id()
        self._asked_at_s = -ASK_KERNEL_EVERY_S
        self._sync = SyncState(synced=False, est_error_ms=None)

    def __call__(self) -> ClockReading:
        """Read the clock now."""
        now_s = self._clock.monotonic_s()
        if now_s - self._asked_at_s >= ASK_KERNEL_EVERY_S:
            self._asked_at_s = now_s
            self._sync = read_sync_state()
        return ClockReading(
            synced=self._sync.synced,
            source="ntp" if self._sync.synced else "rtc",
            est_error_ms=self._sync.est_error_ms,
            boot_id=self._boot_id,
            mono_ms=int(now_s * 1000),
        )


@dataclass(frozen=True, slots=True)
class Step:
    """The wall clock was set: it would have shown `old` and shows `new`."""

    old: datetime
    new: datetime

    @property
    def by(self) -> timedelta:
        """How far, negative when it went back."""
        return self.new - self.old


class StepWatch:
    """Compares the wall clock with the monotonic one. One thread only; look every second or so."""

    def __init__(self, clock: Clock, step_from_s: float = STEP_FROM_S) -> None:
        self._clock = clock
        self._step_from = timedelta(seconds=step_from_s)
        self._wall, self._mono_s = clock.now(), clock.monotonic_s()

    def look(self) -> Step | None:
        """Return the step since the last look, None when there was none. Each is returned once."""
        wall, mono_s = self._clock.now(), self._clock.monotonic_s()
        expected = self._wall + timedelta(seconds=mono_s - self._mono_s)
        self._wall, self._mono_s = wall, mono_s
        step = Step(expected.astimezone(wall.tzinfo), wall)
        return step if abs(step.by) >= self._step_from else None
