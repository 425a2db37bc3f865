"""When the gateway itself transmits: its radio then hears itself, or nothing, and must not be listened to.

The transmitter says when it keys up and releases; the capture thread passes over what was captured meanwhile,
sample for sample by the time of capture, however late a sound card hands it over.
"""

import math
import threading
from collections import deque

_REMEMBERED = 32

Stretch = tuple[float, float]
"""Monotonic seconds of a key-up and its release; infinite while it lasts."""


class OwnKeyUps:
    """The key-ups of one radio. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stretches: deque[Stretch] = deque(maxlen=_REMEMBERED)

    def keyed(self, at_s: float) -> None:
        """Say that the radio is keyed up at this monotonic time, just before the line is asserted.

        Keying up twice is one key-up.
        """
        with self._lock:
            if not (self._stretches and math.isinf(self._stretches[-1][1])):
                self._stretches.append((at_s, math.inf))

    def released(self, at_s: float) -> None:
        """Say that the key is released at this monotonic time, just after the line is. May be repeated."""
        with self._lock:
            if self._stretches and math.isinf(self._stretches[-1][1]):
                since_s, _ = self._stretches.pop()
                self._stretches.append((since_s, at_s))

    @property
    def is_keyed(self) -> bool:
        """Whether the gateway transmits now."""
        with self._lock:
            return bool(self._stretches) and math.isinf(self._stretches[-1][1])

    def since(self, at_s: float) -> list[Stretch]:
        """Return the key-ups that last now or were released after the monotonic time `at_s`, oldest first."""
        if not self._stretches:
            return []
        with self._lock:
            return [one for one in self._stretches if one[1] > at_s]
