"""Times of a roll-call that do not step when somebody sets the clock."""

from datetime import datetime, timedelta

from gateway.clock import Clock


class Timeline:
    """Wall-clock times counted on by the monotonic clock since the last `anchor`. One thread only.

    Answer times are differences of these, so a clock that is set during a roll-call changes none of them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.anchor()

    def anchor(self) -> None:
        """Take the wall clock as it is now for right, until the next time."""
        self._mono_s = self._clock.monotonic_s()
        self._wall = self._clock.now()

    def at(self, monotonic_s: float) -> datetime:
        """Return the time of a moment on the monotonic clock, in seconds."""
        return self._wall + timedelta(seconds=monotonic_s - self._mono_s)

    def now(self) -> datetime:
        """Return the time now."""
        return self.at(self._clock.monotonic_s())
