"""The gateway's standing link to its broker: connects, announces itself, reconnects, says what is wrong."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Protocol

import structlog

from gateway.clock import Clock
from gateway.errors import GatewayError
from gateway.faultpoints import passing
from gateway.publish.broker import Broker
from gateway.publish.connection import Connection, LinkDown, Message, Refused, Will, connect
from gateway.publish.topics import availability_topic, client_id
from gateway.publish.words import BROKE, RIVAL

log = structlog.get_logger()

NO_MATCHING_SUBSCRIBERS = 0x10
FIRST_FAILURE = 0x80
RETRYABLE = frozenset({0x80, 0x83, 0x91, 0x97})
"""Unspecified, implementation specific, packet id in use, quota: the same message may be taken later."""
REASONS = {
    0x80: "unspecified error",
    0x83: "implementation specific error",
    0x87: "not authorized",
    0x90: "topic name invalid",
    0x91: "packet identifier in use",
    0x95: "packet too large",
    0x97: "quota exceeded",
    0x99: "payload format invalid",
}
RIVAL_LIFE_S = 60.0
RIVAL_AFTER = 4
"""So many connections in a row that were let in and broke within a minute are a sign of a rival."""
RIVAL_FOR_S = 120.0
"""After this long without being pushed off there is no second gateway with our id any more."""
STEADY_AFTER_S = 10.0
"""A connection that lasted this long was a good one: the next loss starts with the shortest wait again."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The broker has the message. `nobody_listens` when it said that no subscription matched."""

    nobody_listens: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """The broker does not take the message. `retryable` when it may take it later."""

    reason_code: int
    retryable: bool

    def __str__(self) -> str:
        return f"{REASONS.get(self.reason_code, 'refused')} (0x{self.reason_code:02x})"


Delivery = Accepted | Rejected


def delivery_of(reason_code: int) -> Delivery:
    """Turn a PUBACK's reason code into what to do."""
    if reason_code < FIRST_FAILURE:
        return Accepted(nobody_listens=reason_code == NO_MATCHING_SUBSCRIBERS)
    return Rejected(reason_code, retryable=reason_code in RETRYABLE)


@dataclass(frozen=True, slots=True)
class LinkState:
    """How the link is. `session` is 0 before the first connection; `trouble` is None while connected."""

    is_connected: bool
    since: datetime
    session: int
    protocol: str | None
    trouble: str | None


class Link(Protocol):
    """What carries messages to the broker. All on one asyncio loop."""

    @property
    def state(self) -> LinkState:
        """How the link is now."""

    @property
    def receive_maximum(self) -> int:
        """How many unacknowledged messages the broker allows."""

    async def connected(self) -> None:
        """Return as soon as there is a connection."""

    async def disconnected(self) -> None:
        """Return as soon as there is none."""

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
        """Send and wait for the broker's verdict; messages leave in the order of the calls.

        Raises:
            LinkDown: there is no connection or it ended first; the broker may or may not have the message.
        """


@dataclass
class BackOff:
    """Waiting times that double up to a cap, spread so that many gateways do not come back at once."""

    first_s: float = 1.0
    cap_s: float = 30.0
    random: Random | None = None
    _failures: int = 0

    def next_s(self) -> float:
        """Return how long to wait after one more failure."""
        longest = self.first_s * 2.0 ** min(self._failures, 30)
        self._failures += 1
        spread = (self.random or Random()).uniform(1.0, 1.5)  # noqa: S311 - nothing secret about a delay
        return min(self.cap_s, longest * spread)

    def reset(self) -> None:
        """Start over with the shortest wait."""
        self._failures = 0


class PahoLink:
    """The link over MQTT. `start`, use, `stop`; it reconnects by itself for as long as it runs.

    Each connection has a session number of its own, which the retained availability document and the last
    will carry: a will that arrives late, after the next connection, is known by its smaller number.
    """

    def __init__(
        self,
        broker: Broker,
        root: str,
        clock: Clock,
        next_session: Callable[[], Awaitable[int]],
        *,
        on_change: Callable[[LinkState], None] = lambda _: None,
        back_off: BackOff | None = None,
        ack_timeout_s: float = 30.0,
    ) -> None:
        self._broker = broker
        self._root = root
        self._clock = clock
        self._next_session = next_session
        self._on_change = on_change
        self._back_off = back_off or BackOff()
        self._ack_timeout_s = ack_timeout_s
        self._connection: Connection | None = None
        self._state = LinkState(
            is_connected=False, since=clock.now(), session=0, protocol=None, trouble="not connected yet"
        )
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._down.set()
        self._task: asyncio.Task[None] | None = None
        self._pushed_off_at_s: float | None = None
        self._short_lives = 0
        self._filter: str | None = None
        self._on_message: Callable[[Message], None] | None = None

    @property
    def state(self) -> LinkState:
        """How the link is now."""
        return self._state

    def hear(self, topic_filter: str, on_message: Callable[[Message], None]) -> None:
        """Subscribe on every connection to come; call before `start`. `on_message` is called on the loop."""
        self._filter = topic_filter
        self._on_message = on_message

    @property
    def receive_maximum(self) -> int:
        """How many unacknowledged messages the broker allows."""
        return self._connection.receive_maximum if self._connection is not None else 1

    @property
    def has_rival(self) -> bool:
        """True while somebody else seems to connect with our client id."""
        return (
            self._pushed_off_at_s is not None
            and self._clock.monotonic_s() - self._pushed_off_at_s < RIVAL_FOR_S
        )

    @property
    def task(self) -> asyncio.Task[None] | None:
        """What must not end while the gateway runs; None before the start and after the stop."""
        return self._task

    def start(self) -> None:
        """Begin connecting; returns at once."""
        self._task = asyncio.create_task(self._supervise(), name="mqtt-link")

    async def stop(self) -> None:
        """Say offline, disconnect, end paho's thread. May be called twice."""
        if self._connection is not None and self._state.is_connected:
            with contextlib.suppress(LinkDown, TimeoutError):
                async with asyncio.timeout(2.0):
                    await self._announce(self._connection, "offline", self._state.session)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

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
        """Send and wait for the verdict; see `Link.publish`."""
        if self._connection is None or not self._state.is_connected:
            raise LinkDown(f"{self._broker.address}: not connected")
        return delivery_of(
            await self._connection.publish(
                topic,
                payload,
                qos=qos,
                retain=retain,
                content_type=content_type,
                expiry_s=expiry_s,
                correlation=correlation,
            )
        )

    async def _supervise(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                session = await self._next_session()
                connection = await self._connect(session)
            except GatewayError as error:
                self._change(trouble=str(error))
            except Exception as error:
                # Whatever it is, a gateway that gives up on its broker until a restart is worse.
                log.exception("connecting failed unexpectedly")
                self._change(trouble=f"{self._broker.address}: {error!r}")
            else:
                begun_s = loop.time()
                await self._stay(connection, session)
                if loop.time() - begun_s >= STEADY_AFTER_S and not self.has_rival:
                    self._back_off.reset()
            await asyncio.sleep(self._back_off.next_s())

    async def _connect(self, session: int) -> Connection:
        return await connect(
            self._broker,
            client_id(self._root),
            will=Will(availability_topic(self._root), self._availability("offline", session)),
            on_message=self._on_message,
            ack_timeout_s=self._ack_timeout_s,
        )

    async def _stay(self, connection: Connection, session: int) -> None:
        """Use a connection until it ends."""
        self._connection = connection
        begun_s = self._clock.monotonic_s()
        greeting = (
            asyncio.create_task(self._announce(connection, "online", session)),
            asyncio.create_task(self._subscribe(connection)),
        )
        protocol = "5" if connection.is_v5 else "3.1.1"
        try:
            # The announcement's packet goes first: it is handed over before anyone learns of the connection.
            await asyncio.sleep(0)
            self._change(session=session, protocol=protocol)
            why = await connection.ended
            why = self._suspect(connection, why, self._clock.monotonic_s() - begun_s)
            self._change(trouble=f"{self._broker.address}: {why}")
        finally:
            self._change(trouble=self._state.trouble or "stopped")
            self._connection = None
            await connection.close()
            await asyncio.gather(*greeting, return_exceptions=True)

    def _suspect(self, connection: Connection, why: str, lasted_s: float) -> str:
        """Note a second gateway with our id; return why the connection ended, in words that name it.

        Not every broker says that a session was taken over: some just hang up, again and again.
        """
        hung_up = connection.was_taken_over or why == BROKE
        self._short_lives = self._short_lives + 1 if hung_up and lasted_s < RIVAL_LIFE_S else 0
        if not connection.was_taken_over and self._short_lives < RIVAL_AFTER:
            return why
        self._pushed_off_at_s = self._clock.monotonic_s()
        return why if connection.was_taken_over else f"{why}, {self._short_lives} times in a row; {RIVAL}"

    async def _subscribe(self, connection: Connection) -> None:
        if self._filter is None:
            return
        try:
            await connection.subscribe(self._filter, as_published=True)
        except LinkDown:
            pass  # the next connection subscribes again
        except Refused as refusal:
            # Events still get through; only nobody can ask anything of this gateway.
            log.warning(
                "subscription refused: commands do not get through", topic=self._filter, reason=str(refusal)
            )

    async def _announce(self, connection: Connection, word: str, session: int) -> None:
        topic = availability_topic(self._root)
        with contextlib.suppress(LinkDown):
            code = await connection.publish(topic, self._availability(word, session), retain=True)
            passing("link.announced")
            verdict = delivery_of(code)
            if isinstance(verdict, Rejected):
                log.warning("availability refused", topic=topic, reason=str(verdict))

    def _availability(self, word: str, session: int) -> bytes:
        document = {"state": word, "session": session, "since": self._clock.now().isoformat()}
        return json.dumps(document).encode()

    def _change(
        self, *, trouble: str | None = None, session: int | None = None, protocol: str | None = None
    ) -> None:
        before = self._state
        is_connected = trouble is None
        if is_connected == before.is_connected and trouble == before.trouble:
            return
        self._state = LinkState(
            is_connected=is_connected,
            since=before.since if is_connected == before.is_connected else self._clock.now(),
            session=session if session is not None else before.session,
            protocol=protocol if is_connected else None,
            trouble=trouble,
        )
        if is_connected:
            self._down.clear()
            self._up.set()
        else:
            self._up.clear()
            self._down.set()
        self._on_change(self._state)
