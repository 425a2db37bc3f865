"""One MQTT connection, from CONNECT to its end, as an asyncio object. The only module that drives paho.

paho's client is used for exactly one connection and thrown away: it would otherwise keep what was not
acknowledged in memory and send it again by itself, behind the outbox's back. Its callbacks run on its own
network thread and do nothing but hand over to the loop; an exception in one would end that thread without a
word, so the thread is watched too.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gateway.errors import MissingInput, Unavailable
from gateway.faultpoints import passing
from gateway.publish.broker import Broker
from gateway.publish.words import dialling_in_words, goodbye_in_words, refusal_in_words

GOODBYE_TIMEOUT_S = 1.0
WATCH_EVERY_S = 1.0
PACKET_TOO_LARGE = 0x95
TAKEN_OVER = 0x8E
_PUBLISH_OVERHEAD_BYTES = 128
"""Fixed header, packet id and the properties we set, generously."""
_VERSION_REFUSALS = ("Unsupported protocol version", "Malformed packet", "Protocol error")


class LinkDown(Unavailable):
    """There is no connection, or it ended before the broker had answered."""


class Refused(Unavailable):
    """The broker cannot be reached or does not let us in. `wants_older` hints at a broker without MQTT 5."""

    def __init__(self, message: str, *, wants_older: bool = False) -> None:
        super().__init__(message)
        self.wants_older = wants_older


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us, retained, when we are gone without a goodbye."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A message from the broker. `retained` is true for a stored one given at subscription.

    The rest is MQTT 5's and None with 3.1.1; `expiry_s` is how long it was still good when it was sent on.
    """

    topic: str
    payload: bytes
    retained: bool
    response_topic: str | None = None
    correlation: bytes | None = None
    expiry_s: int | None = None


class Connection:
    """One connection. Make, `open`, use, `close`; all on one asyncio loop."""

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        protocol: MQTTProtocolVersion,
        *,
        will: Will | None = None,
        on_message: Callable[[Message], None] | None = None,
        session_expiry_s: int = 0,
        ack_timeout_s: float = 30.0,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._broker = broker
        self._protocol = protocol
        self._session_expiry_s = session_expiry_s
        self._ack_timeout_s = ack_timeout_s
        self._answer: asyncio.Future[tuple[ReasonCode, Properties | None]] = self._loop.create_future()
        self.ended: asyncio.Future[str] = self._loop.create_future()
        """Done when the connection is over, with the reason in words."""
        self._hung_up: asyncio.Future[None] = self._loop.create_future()
        """Done when paho has closed its socket."""
        self._pending: dict[int, tuple[float, asyncio.Future[int]]] = {}
        self._subscribed: dict[int, asyncio.Future[list[int]]] = {}
        self._thread: threading.Thread | None = None
        self._watch: asyncio.Task[None] | None = None
        self.is_open = False
        self.was_taken_over = False
        """True when the broker ended it because somebody else connected with our client id."""
        self.receive_maximum = 65_535
        self._allowance = asyncio.Semaphore(0)
        self.max_packet_bytes: int | None = None
        self._client = self._make_client(client_id, will)
        self._hear(on_message)

    @property
    def is_v5(self) -> bool:
        """True when properties and reason codes travel."""
        return self._protocol == MQTTProtocolVersion.MQTTv5

    def _make_client(self, client_id: str, will: Will | None) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=self._protocol,
            clean_session=None if self.is_v5 else self._session_expiry_s == 0,
            reconnect_on_failure=False,
        )
        client.suppress_exceptions = True
        client.connect_timeout = self._broker.connect_timeout_s
        # No limit of paho's own: beyond it paho would queue in memory. `publish` keeps to the broker's limit.
        client.max_inflight_messages_set(0)
        if self._broker.username is not None:
            client.username_pw_set(self._broker.username, self._broker.password())
        context = self._broker.tls_context()
        if context is not None:
            client.tls_set_context(context)
        if will is not None:
            client.will_set(will.topic, will.payload, qos=1, retain=True)
        return client

    def _hear(self, on_message: Callable[[Message], None] | None) -> None:
        """Bridge every callback onto the loop. They run on paho's thread and must never do more."""
        tell = self._loop.call_soon_threadsafe
        client = self._client
        client.on_connect = lambda _c, _u, _f, reason, given: _ignore(tell(self._answered, reason, given))
        client.on_disconnect = lambda _c, _u, flags, reason, _p: _ignore(
            tell(
                self._disconnected,
                goodbye_in_words(str(reason), flags.is_disconnect_packet_from_server),
                flags.is_disconnect_packet_from_server and reason.value == TAKEN_OVER,
            )
        )
        client.on_publish = lambda _c, _u, mid, reason, _p: _ignore(tell(self._acked, mid, reason.value))
        client.on_subscribe = lambda _c, _u, mid, reasons, _p: _ignore(
            tell(self._granted, mid, [reason.value for reason in reasons])
        )
        if on_message is not None:
            client.on_message = lambda _c, _u, message: _ignore(tell(on_message, _message_of(message)))

    async def open(self) -> None:
        """Connect and wait for the broker's answer.

        Raises:
            Refused: no broker there, not let in, or no answer; in words.
        """
        address = self._broker.address
        dialling = asyncio.ensure_future(asyncio.to_thread(self._dial))
        try:
            await asyncio.shield(dialling)
        except asyncio.CancelledError:
            with contextlib.suppress(OSError, ValueError):
                await dialling
            await self.close()
            raise
        except (OSError, ValueError) as error:
            await self.close()
            raise Refused(f"{address}: {dialling_in_words(error)}") from error
        try:
            before = set(threading.enumerate())
            self._client.loop_start()
            self._thread = next(iter(set(threading.enumerate()) - before), None)
            await self._await_answer()
        except BaseException:
            await self.close()
            raise
        self.is_open = True
        self._allowance = asyncio.Semaphore(self.receive_maximum)
        self._watch = asyncio.create_task(self._watch_over())

    def _dial(self) -> None:
        address = self._broker.address
        if not self.is_v5 or self._session_expiry_s == 0:
            # Without properties amqtt can tell that this is version 5; with some it waits for more.
            self._client.connect(address.host, address.port, self._broker.keepalive_s)
            return
        wishes = _properties(PacketTypes.CONNECT)
        wishes.SessionExpiryInterval = self._session_expiry_s
        self._client.connect(
            address.host,
            address.port,
            self._broker.keepalive_s,
            clean_start=False,
            properties=wishes,
        )

    async def _await_answer(self) -> None:
        address = self._broker.address
        await asyncio.wait(
            (self._answer, self.ended),
            timeout=self._broker.connect_timeout_s,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not self._answer.done():
            if self.ended.done():
                raise Refused(f"{address}: closed the connection without an answer", wants_older=self.is_v5)
            raise Refused(
                f"{address}: no answer within {self._broker.connect_timeout_s:g} s; is that an MQTT broker?",
                wants_older=self.is_v5,
            )
        reason, given = self._answer.result()
        if reason.is_failure:
            raise Refused(
                f"{address}: {refusal_in_words(str(reason))}",
                wants_older=self.is_v5 and str(reason) in _VERSION_REFUSALS,
            )
        self.receive_maximum = getattr(given, "ReceiveMaximum", self.receive_maximum)
        self.max_packet_bytes = getattr(given, "MaximumPacketSize", None)

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
    ) -> int:
        """Send a message and wait for the broker's reason code; 0 at once for QoS 0.

        Messages leave in the order of the calls, at most `receive_maximum` of them unanswered.

        Raises:
            LinkDown: the connection ended before the answer; the broker may or may not have the message.
        """
        if not self.is_open or self.ended.done():
            raise LinkDown(f"{self._broker.address}: not connected")
        if (
            self.max_packet_bytes is not None
            and len(payload) + len(topic.encode()) + _PUBLISH_OVERHEAD_BYTES > self.max_packet_bytes
        ):
            return PACKET_TOO_LARGE
        properties = self._wishes(content_type, expiry_s, correlation)
        if qos == 0:
            self._hand_over(topic, payload, 0, retain, properties)
            return 0
        async with self._allowance:
            mid = self._hand_over(topic, payload, qos, retain, properties)
            passing("published.before_puback")
            answer: asyncio.Future[int] = self._loop.create_future()
            self._pending[mid] = (self._loop.time(), answer)
            return await answer

    def _hand_over(
        self, topic: str, payload: bytes, qos: int, retain: bool, properties: Properties | None
    ) -> int:
        """Give a message to paho and return its packet id; the answer comes later, by way of the loop."""
        if self.ended.done():
            raise LinkDown(f"{self._broker.address}: {self.ended.result()}")
        info = self._client.publish(topic, payload, qos, retain, properties)
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            raise LinkDown(f"{self._broker.address}: {mqtt.error_string(info.rc)}")
        return info.mid

    def _wishes(
        self, content_type: str | None, expiry_s: int | None, correlation: bytes | None
    ) -> Properties | None:
        if not self.is_v5 or (content_type is None and expiry_s is None and correlation is None):
            return None
        properties = _properties(PacketTypes.PUBLISH)
        if content_type is not None:
            properties.ContentType = content_type
            properties.PayloadFormatIndicator = 1
        if expiry_s is not None:
            properties.MessageExpiryInterval = expiry_s
        if correlation is not None:
            properties.CorrelationData = correlation
        return properties

    async def subscribe(self, *filters: str, as_published: bool = False) -> None:
        """Ask for messages at QoS 1.

        With `as_published` a message that was published retained can be told even when it comes at once,
        and nothing of our own comes back; MQTT 5 only, with 3.1.1 the broker hides both.

        Raises:
            Refused: the broker does not allow one of the filters.
            LinkDown: the connection ended first.
        """
        if as_published and self.is_v5:
            wishes = SubscribeOptions(qos=1, noLocal=True, retainAsPublished=True)
            result, mid = self._client.subscribe([(name, wishes) for name in filters])
        else:
            result, mid = self._client.subscribe([(name, 1) for name in filters])
        if result != mqtt.MQTT_ERR_SUCCESS or mid is None:
            raise LinkDown(f"{self._broker.address}: {mqtt.error_string(result)}")
        granted: asyncio.Future[list[int]] = self._loop.create_future()
        self._subscribed[mid] = granted
        for name, code in zip(filters, await granted, strict=True):
            if code >= 0x80:  # noqa: PLR2004 - the specification's line between yes and no
                raise Refused(f"{self._broker.address}: may not subscribe to {name} (0x{code:02x})")

    async def close(self) -> None:
        """Say goodbye and end paho's thread. May be called twice, and when never opened."""
        self.is_open = False
        if self._watch is not None:
            self._watch.cancel()
        self._client.disconnect()
        if self._thread is not None and self._thread.is_alive():
            await asyncio.wait((self._hung_up,), timeout=GOODBYE_TIMEOUT_S)
        link = self._client.socket()
        if isinstance(link, socket.socket) and not self._hung_up.done():
            # A peer that is gone never takes the goodbye; without this, paho's thread would wait for it.
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
        await asyncio.to_thread(self._client.loop_stop)
        # paho leaves the pair of sockets that wakes its thread to the garbage collector.
        self._client._reset_sockets(sockpair_only=True)  # noqa: SLF001
        if isinstance(link, socket.socket):
            link.close()
        self._lost("closed")

    async def _watch_over(self) -> None:
        """End a connection whose thread has died or whose broker has stopped acknowledging."""
        while not self.ended.done():
            await asyncio.sleep(min(WATCH_EVERY_S, self._ack_timeout_s / 4))
            if self._thread is not None and not self._thread.is_alive():
                self._lost("the network thread died")
            oldest = next(iter(self._pending.values()), None)
            if oldest is not None and self._loop.time() - oldest[0] > self._ack_timeout_s:
                self._lost(f"no acknowledgement within {self._ack_timeout_s:.0f} s")

    def _answered(self, reason: ReasonCode, given: Properties | None) -> None:
        if not self._answer.done():
            self._answer.set_result((reason, given))

    def _acked(self, mid: int, reason_code: int) -> None:
        _, answer = self._pending.pop(mid, (0.0, None))
        if answer is not None and not answer.done():
            answer.set_result(reason_code)

    def _granted(self, mid: int, reason_codes: list[int]) -> None:
        granted = self._subscribed.pop(mid, None)
        if granted is not None and not granted.done():
            granted.set_result(reason_codes)

    def _disconnected(self, why: str, was_taken_over: bool) -> None:
        self.was_taken_over = self.was_taken_over or was_taken_over
        if not self._hung_up.done():
            self._hung_up.set_result(None)
        self._lost(why)

    def _lost(self, why: str) -> None:
        self.is_open = False
        if not self.ended.done():
            self.ended.set_result(why)
        waiting: list[asyncio.Future[Any]] = [answer for _, answer in self._pending.values()]
        waiting += self._subscribed.values()
        self._pending.clear()
        self._subscribed.clear()
        for answer in waiting:
            if not answer.done():
                answer.set_exception(LinkDown(f"{self._broker.address}: {why}"))


async def connect(
    broker: Broker,
    client_id: str,
    *,
    will: Will | None = None,
    on_message: Callable[[Message], None] | None = None,
    session_expiry_s: int = 0,
    ack_timeout_s: float = 30.0,
) -> Connection:
    """Connect with MQTT 5, or with 3.1.1 when the broker does not know 5.

    A broker that knows only 3.1.1 says so, hangs up, or takes the packet for an unfinished one and says
    nothing. Each connection begins with 5 again: a broker that failed for another reason must not stay with
    3.1.1, where it cannot tell that it refuses a message.

    Raises:
        Refused: in words that name the broker and what to do.
    """
    try:
        for protocol in (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311):
            connection = Connection(
                broker,
                client_id,
                protocol,
                will=will,
                on_message=on_message,
                session_expiry_s=session_expiry_s,
                ack_timeout_s=ack_timeout_s,
            )
            try:
                await connection.open()
            except Refused as refusal:
                if not refusal.wants_older:
                    raise
            else:
                return connection
    except MissingInput as error:
        raise Refused(str(error)) from error
    raise Refused(f"{broker.address}: speaks neither MQTT 5 nor 3.1.1")


def _message_of(message: mqtt.MQTTMessage) -> Message:
    """Take over what paho gives; a property that was not sent is not there as an attribute."""
    given = message.properties
    return Message(
        message.topic,
        bytes(message.payload),
        message.retain,
        getattr(given, "ResponseTopic", None),
        getattr(given, "CorrelationData", None),
        getattr(given, "MessageExpiryInterval", None),
    )


def _properties(packet_type: int) -> Properties:
    return Properties(packet_type)  # type: ignore[no-untyped-call]


def _ignore(_: object) -> None:
    """Make a callback of an expression."""
