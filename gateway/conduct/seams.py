"""What a conductor needs of the rest of the gateway."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OnAir:
    """What was asked for was said: PTT pressed and released, in seconds of the monotonic clock."""

    keyed_s: float
    released_s: float


@dataclass(frozen=True, slots=True)
class NotOnAir:
    """The radio did not key up: `reason` is a word such as channel_busy or device_failed."""

    reason: str


class Voice(Protocol):
    """One radio's mouth. On the asyncio loop; what is asked for is said one thing after the other."""

    async def say(self, text: str, rollcall_id: str) -> OnAir | NotOnAir:
        """Wait for a free channel, key up, say it, release. Never raises for what a radio does."""

    def prepare(self, texts: Sequence[str]) -> None:
        """Render what will be said soon; returns at once."""

    def hush(self) -> None:
        """Say nothing of what is waiting to be said; nothing when nothing is."""


class Alarm(Protocol):
    """Wakes somebody up, once."""

    def set(self, delay_s: float, ring: Callable[[], None]) -> None:
        """Ring after a delay in seconds, at once when it is negative; a new time replaces the old one."""

    def clear(self) -> None:
        """Do not ring."""


class LoopAlarm:
    """An alarm on the running asyncio loop."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None

    def set(self, delay_s: float, ring: Callable[[], None]) -> None:
        """Ring after a delay in seconds."""
        self.clear()
        self._handle = asyncio.get_running_loop().call_later(max(0.0, delay_s), ring)

    def clear(self) -> None:
        """Do not ring."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
