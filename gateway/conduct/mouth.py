"""A radio's transmitter as a conductor wants it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from gateway.clock import Clock
from gateway.conduct.seams import NotOnAir, OnAir
from gateway.speak.utterance import Says, Spoken

log = structlog.get_logger()


class Mouth:
    """Says things through a transmitter. On the asyncio loop."""

    def __init__(self, transmitter: Says, clock: Clock) -> None:
        self._transmitter = transmitter
        self._clock = clock
        self._saying: asyncio.Task[object] | None = None
        self._preparing: set[asyncio.Task[None]] = set()
        self._ready: set[str] = set()

    async def say(self, text: str, rollcall_id: str) -> OnAir | NotOnAir:
        """Wait for a free channel, key up, say it, release."""
        self._saying = saying = asyncio.create_task(self._transmitter.say(text, correlation_id=rollcall_id))
        try:
            said = await saying
        except asyncio.CancelledError:
            if not saying.cancelled():
                saying.cancel()
                raise
            return NotOnAir("hushed")
        finally:
            self._saying = None
        if isinstance(said, Spoken):
            return OnAir(self._mono_s(said.started_at), self._mono_s(said.ended_at))
        log.warning("could not be said", rollcall=rollcall_id, why=said.message)
        return NotOnAir("channel_busy" if said.reason == "busy" else said.reason)

    def prepare(self, texts: Sequence[str]) -> None:
        """Render what will be said soon; returns at once."""
        new = [text for text in texts if text not in self._ready]
        if not new:
            return
        self._ready.update(new)
        task = asyncio.create_task(self._render(new))
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)

    def hush(self) -> None:
        """Say nothing of what waits for its turn or the channel; what is on the air is said to its end."""
        if self._saying is not None:
            self._saying.cancel()

    async def _render(self, texts: Sequence[str]) -> None:
        failed = await self._transmitter.prepare(texts)
        self._ready.difference_update(failed)

    def _mono_s(self, at: datetime) -> float:
        """Take a time of a moment ago back to the monotonic clock it was made from."""
        return self._clock.monotonic_s() - (self._clock.now() - at).total_seconds()
