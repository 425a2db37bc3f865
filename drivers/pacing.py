"""Time as a source without hardware keeps it: as the clock goes, or as fast as somebody reads."""

import threading
import time


class Pacer:
    """Waits for audio to be due, and stops waiting when the device is closed from another thread."""

    def __init__(self, *, is_realtime: bool) -> None:
        self._is_realtime = is_realtime
        self._closed = threading.Event()
        self._started_ns = time.monotonic_ns()

    def wait_until(self, due_s: float, timeout_s: float) -> bool:
        """Wait until `due_s` after the start, `timeout_s` at most. True when it is due and not closed."""
        if self._closed.is_set():
            return False
        if not self._is_realtime:
            return True
        left_s = due_s - self.elapsed_s()
        if left_s <= 0.0:
            return True
        if self._closed.wait(min(left_s, timeout_s)):
            return False
        return left_s <= timeout_s

    def captured_ns(self, due_s: float) -> int:
        """Return the monotonic time at which the audio up to `due_s` was complete."""
        if self._is_realtime:
            return self._started_ns + round(due_s * 1e9)
        return time.monotonic_ns()

    def elapsed_s(self) -> float:
        """Return the seconds since the start."""
        return (time.monotonic_ns() - self._started_ns) / 1e9

    def stop(self) -> None:
        """Let every wait return false, now and from now on. Any thread may call."""
        self._closed.set()

    @property
    def is_stopped(self) -> bool:
        """Whether stop was called."""
        return self._closed.is_set()
