"""A broker in memory: the link for recordings run without a network, and for trying out refusals."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import Clock
from gateway.publish.connection import LinkDown
from gateway.publish.link import Delivery, LinkState, delivery_of


@dataclass(frozen=True, slots=True)
class Published:
    """A message as it was handed over."""

    topic: str
    payload: bytes
    retain: bool
    content_type: str | None
    correlation: bytes | None = None


class MemoryLink:
    """Keeps what is published, retained documents as a broker would. Starts connected.

    `verdict` decides each PUBACK's reason code; `hold` keeps the answers back until `release`.
    """

    def __init__(self, clock: Clock, verdict: Callable[[Published], int] = lambda _: 0) -> None:
        self._clock = clock
        self._verdict = verdict
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._down.set()
        self._answering = asyncio.Event()
        self._answering.set()
        self._state = LinkState(
            is_connected=False, since=clock.now(), session=0, protocol=None, trouble="down"
        )
        self.receive_maximum = 65_535
        self.published: list[Published] = []
        self.retained: dict[str, bytes] = {}
        self.come_up()

    @property
    def state(self) -> LinkState:
        """How the link is now."""
        return self._state

    def come_up(self) -> None:
        """Connect, as a new session."""
        now: datetime = self._clock.now()
        self._state = LinkState(
            is_connected=True, since=now, session=self._state.session + 1, protocol="memory", trouble=None
        )
        self._down.clear()
        self._up.set()

    def go_down(self) -> None:
        """Break the connection; answers still owed never come."""
        self._state = LinkState(
            is_connected=False,
            since=self._clock.now(),
            session=self._state.session,
            protocol=None,
            trouble="the connection broke",
        )
        self._up.clear()
        self._down.set()

    def hold(self) -> None:
        """Keep answers back."""
        self._answering.clear()

    def release(self) -> None:
        """Give the answers owed."""
        self._answering.set()

    async def connected(self) -> None:
        """Return as soon as there is a connection."""
        await self._up.wait()

    async def disconnected(self) -> None:
        """Return as soon as there is none."""
        await self._down.wait()

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        content_type: str | None = None,
        expiry_s: int | None = None,
        correlation: bytes | None = None,
    ) -> Delivery:
        """Keep the message and answer as `verdict` says; see `Link.publish`."""
        del expiry_s
        session = self._state.session
        if not self._state.is_connected:
            raise LinkDown("memory: not connected")
        message = Published(topic, payload, retain, content_type, correlation)
        self.published.append(message)
        if qos:
            await self._answer(session)
        verdict = delivery_of(self._verdict(message))
        if retain and payload:
            self.retained[topic] = payload
        elif retain:
            self.retained.pop(topic, None)
        return verdict

    async def _answer(self, session: int) -> None:
        """Wait until the answer comes, or the connection is gone."""
        owed = asyncio.ensure_future(self._answering.wait())
        gone = asyncio.ensure_future(self._down.wait())
        try:
            await asyncio.wait((owed, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            owed.cancel()
            gone.cancel()
        if not self._state.is_connected or self._state.session != session:
            raise LinkDown("memory: the connection broke")
