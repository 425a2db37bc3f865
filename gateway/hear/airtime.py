"""When a sample was on the air."""

from collections import deque
from datetime import datetime, timedelta

from gateway.clock import Clock

_REMEMBERED_S = 10.0


class AirTime:
    """Turns positions in one open source into wall-clock time. One thread only.

    A live source says for each frame when its last sample came in. That is never too early and often a little
    late, so the earliest of the last seconds counts: it removes the jitter and follows a sound card whose
    second is not quite one. Recordings that are read in a hurry happen from the moment they were opened.
    """

    def __init__(self, clock: Clock, *, is_live: bool) -> None:
        self._clock = clock
        self._is_live = is_live
        self._opened_at = clock.now()
        self._starts: deque[tuple[float, float]] = deque()

    def note(self, position_s: float, captured_ns: int) -> None:
        """Learn that the sample at `position_s` came in at the monotonic time `captured_ns`."""
        if not self._is_live:
            return
        start_s = captured_ns / 1e9 - position_s
        starts = self._starts
        while starts and starts[-1][1] >= start_s:
            starts.pop()
        starts.append((position_s, start_s))
        while starts[0][0] < position_s - _REMEMBERED_S:
            starts.popleft()

    def forget(self) -> None:
        """Start learning anew: audio was lost, so positions and time have moved apart."""
        self._starts.clear()

    def position_s(self, monotonic_s: float) -> float | None:
        """Return which position was on the air at a monotonic time; None before anything was learned."""
        return monotonic_s - self._starts[0][1] if self._starts else None

    def at(self, position_s: float) -> datetime:
        """Return the wall-clock time of a position, by the clock as it is set now."""
        mono_s = self.mono_s(position_s)
        if mono_s is None:
            return self._opened_at + timedelta(seconds=position_s)
        return self._clock.now() - timedelta(seconds=self._clock.monotonic_s() - mono_s)

    def mono_s(self, position_s: float) -> float | None:
        """Return a position's time on the monotonic clock, None for a source that is not live."""
        return self._starts[0][1] + position_s if self._starts else None
