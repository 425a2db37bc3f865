"""The other end: an asyncio subscriber that gives every event once and knows which are missing.

Delivery is at least once and in order per source, so a subscriber that drops a repeated (source, id) and
watches the sequence has every event exactly once, or knows which it lacks and can ask for a resync.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import structlog

from gateway.errors import GatewayError
from gateway.publish.broker import Broker
from gateway.publish.connection import Connection, Message, connect
from gateway.publish.link import BackOff

log = structlog.get_logger()

REMEMBERED_IDS = 20_000
REPORTED_GAP_LIMIT = 10_000
"""A jump of the sequence beyond this is taken for a gateway that starts anew, not for that many losses."""


@dataclass(frozen=True, slots=True)
class Received:
    """What came in on a topic: a CloudEvent, a state document, or None for a state that was cleared."""

    topic: str
    document: dict[str, Any] | None
    retained: bool = False

    @property
    def is_event(self) -> bool:
        """True for a CloudEvent, false for a state document."""
        return self.document is not None and "specversion" in self.document


@dataclass
class Sieve:
    """Lets each event through once and keeps count of what is missing. Pure; one for all sources."""

    repeats: int = 0
    _seen: OrderedDict[tuple[str, str], None] = field(default_factory=OrderedDict)
    _newest: dict[str, int] = field(default_factory=dict)
    _missing: dict[str, set[int]] = field(default_factory=dict)

    def is_new(self, event: Mapping[str, Any]) -> bool:
        """Note an event; return False when it was seen before."""
        key = (event["source"], event["id"])
        if key in self._seen:
            self.repeats += 1
            return False
        self._seen[key] = None
        if len(self._seen) > REMEMBERED_IDS:
            self._seen.popitem(last=False)
        self._note_sequence(event["source"], int(event["sequence"]))
        return True

    def _note_sequence(self, source: str, sequence: int) -> None:
        newest = self._newest.get(source)
        missing = self._missing.setdefault(source, set())
        missing.discard(sequence)
        if newest is not None and newest < sequence <= newest + REPORTED_GAP_LIMIT:
            missing.update(range(newest + 1, sequence))
        if newest is None or sequence > newest:
            self._newest[source] = sequence

    def missing(self, source: str) -> list[int]:
        """Return the sequence numbers skipped so far and not made up for, in order."""
        return sorted(self._missing.get(source, ()))


class Subscriber:
    """Subscribes and reconnects by itself. Use as `async with`, then `async for received in subscriber`.

    A message that is no JSON object is counted in `unreadable` and skipped. With `session_expiry_s` the
    broker keeps what comes while the subscriber is away, for that long.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        filters: Sequence[str],
        *,
        session_expiry_s: int = 0,
        back_off: BackOff | None = None,
        on_trouble: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._filters = tuple(filters)
        self._session_expiry_s = session_expiry_s
        self._back_off = back_off or BackOff()
        self._on_trouble = on_trouble
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._subscribed = asyncio.Event()
        self.sieve = Sieve()
        self.unreadable = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._supervise(), name="mqtt-subscriber")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def subscribed(self) -> None:
        """Return as soon as the broker has granted the subscription."""
        await self._subscribed.wait()

    async def __aiter__(self) -> AsyncIterator[Received]:
        while True:
            received = self._read(await self._inbox.get())
            if received is not None and (not received.is_event or self._is_new(received)):
                yield received

    def _is_new(self, received: Received) -> bool:
        assert received.document is not None
        try:
            return self.sieve.is_new(received.document)
        except (KeyError, TypeError, ValueError):
            self.unreadable += 1
            return False

    def _read(self, message: Message) -> Received | None:
        if not message.payload:
            return Received(message.topic, None, message.retained)
        try:
            document = json.loads(message.payload)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            self.unreadable += 1
            log.warning("message is no JSON object", topic=message.topic, size_bytes=len(message.payload))
            return None
        return Received(message.topic, document, message.retained)

    async def _supervise(self) -> None:
        while True:
            try:
                connection = await connect(
                    self._broker,
                    self._client_id,
                    on_message=self._inbox.put_nowait,
                    session_expiry_s=self._session_expiry_s,
                )
                try:
                    await self._listen(connection)
                finally:
                    self._subscribed.clear()
                    await connection.close()
            except GatewayError as error:
                self._on_trouble(str(error))
            await asyncio.sleep(self._back_off.next_s())

    async def _listen(self, connection: Connection) -> None:
        await connection.subscribe(*self._filters)
        self._back_off.reset()
        self._subscribed.set()
        self._on_trouble(None)
        self._on_trouble(await connection.ended)
