"""Named steps at which a test may take the process down, as a power cut would.

Off, `passing` compares one attribute and returns; nothing but a test arms it. Armed, the process ends itself
by SIGKILL: no handler runs, no buffer is written, nothing is said, which is what the outside must survive.
"""

import os
import signal
from collections.abc import Callable, Mapping
from typing import Final

ENVIRONMENT = "RADIO_GATEWAY_DIE_AT"
"""`STEP` or `STEP:N`: end at the first, or the N-th, time the step is passed."""

STEPS: Final = (
    "store.opened",
    "start.recovered",
    "spool.opened",
    "frame.appended",
    "spool.wav_written",
    "spool.note_written",
    "transmission.completed",
    "heard.committed",
    "attempt.committed",
    "decoded",
    "commit.before",
    "commit.after",
    "events.committed",
    "spool.settled",
    "link.announced",
    "published.before_puback",
    "puback.before_delete",
    "delivered.deleted",
    "state.published",
    "stop.asked",
    "stop.drained",
    "stop.pump_stopped",
    "stop.link_stopped",
    "stop.store_closed",
)
"""Every step, roughly in the order a transmission passes them. `commit.before` is inside any transaction."""


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class FaultPoints:
    """Which step is deadly, None for none. Any thread may pass; arm before the threads start."""

    def __init__(self, die: Callable[[], None] = _die) -> None:
        self._deadly: str | None = None
        self._left = 0
        self._die = die

    def arm(self, wish: str | None) -> None:
        """Make `STEP` or `STEP:N` deadly, or none.

        Raises:
            ValueError: there is no such step, or N is no number from 1.
        """
        step, _, count = (wish or "").partition(":")
        if wish and step not in STEPS:
            raise ValueError(f"there is no step {step!r}; there are {', '.join(STEPS)}")
        if count and not (count.isdecimal() and int(count) > 0):
            raise ValueError(f"{wish!r}: behind the colon stands how often the step is passed, from 1")
        self._left = int(count or 1)
        self._deadly = step or None

    def passing(self, step: str) -> None:
        """End the process when this step was armed and its time has come."""
        if self._deadly is not None and self._deadly == step:
            self._left -= 1
            if self._left <= 0:
                self._die()


def from_environment(environment: Mapping[str, str]) -> FaultPoints:
    """Make fault points as the environment asks; none are armed when it does not.

    Raises:
        ValueError: it asks for a step that does not exist.
    """
    points = FaultPoints()
    points.arm(environment.get(ENVIRONMENT))
    return points


FAULT_POINTS: Final = from_environment(os.environ)
"""The process's own."""
passing: Final = FAULT_POINTS.passing
