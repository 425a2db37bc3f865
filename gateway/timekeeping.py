"""Reads the clock the way every event tells it."""

from gateway.clock import Clock, SyncState, read_boot_id, read_sync_state
from gateway.events import ClockReading

ASK_KERNEL_EVERY_S = 10.0


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
