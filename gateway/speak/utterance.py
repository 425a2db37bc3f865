"""A text as sound, and what comes of saying it on a radio: it was on the air, or it was not and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from gateway.events import AudioRef
from gateway.model import RATE_HZ, Pcm

Priority = Literal["routine", "urgent"]
"""Urgent goes before everything routine that waits; nothing on the air is ever interrupted."""
Reason = Literal["busy", "device", "timed_out", "no_voice", "stopped"]


class NoVoice(Exception):
    """No voice can speak this text; the message says what each that was tried said."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text as PCM, and the voice that spoke it."""

    text: str
    voice: str
    pcm: Pcm = field(repr=False)

    @property
    def duration_s(self) -> float:
        """How long it lasts."""
        return len(self.pcm) / RATE_HZ


@dataclass(frozen=True, slots=True)
class Spoken:
    """It was on the air, the whole of it.

    `started_at` is PTT pressed and `ended_at` PTT released, both from the monotonic clock. `duration_s` is
    between them. `audio` is what was sent, as kept; None when the disk refused it.
    """

    transmission_id: str
    text: str
    voice: str
    started_at: datetime
    ended_at: datetime
    duration_s: float
    audio: AudioRef | None = None


@dataclass(frozen=True, slots=True)
class NotSpoken:
    """It was not said, or not to its end.

    `busy`: the channel was in use as long as was waited. `device`: sink, control or watchdog failed.
    `timed_out`: it would be, or was, longer than the time-out timer allows. `no_voice`: nothing can speak
    this text. `stopped`: the gateway is going down. `at` is when that was known, by the wall clock.
    """

    at: datetime
    reason: Reason
    message: str


class Says(Protocol):
    """Speaks on one radio: a Transmitter, or a scripted one in a test. On the asyncio loop."""

    async def say(
        self, text: str, *, priority: Priority = "routine", correlation_id: str | None = None
    ) -> Spoken | NotSpoken:
        """Say it once its turn has come and the channel is free; return when PTT is released.

        Never raises for what a radio or a voice does. `correlation_id` is the roll-call or incident it
        belongs to, for the event.
        """

    async def prepare(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Render what will be said, so that it goes on the air without a wait; return what cannot be."""
