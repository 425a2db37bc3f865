"""Takes orders from `cmd/<name>`, has them judged and carried out one after the other, and answers each.

Every order ends in one line in the log, in one row of the ledger, which outlives the process, and, where it
can be answered at all, in one answer: on the message's Response Topic with its Correlation Data, else where
`reply_to` says, else on `rsp/<command>`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

import structlog

from gateway.clock import Clock
from gateway.errors import GatewayError
from gateway.publish.commands import (
    Envelope,
    Gatekeeper,
    Order,
    Refusal,
    RefusedCommand,
    answer_topic,
    expired,
    read_envelope,
)
from gateway.publish.connection import LinkDown, Message
from gateway.publish.link import Delivery, Rejected
from gateway.publish.requests import ANSWER_CONTENT_TYPE, TAKE_THEIR_TIME, Answer, CommandRequest

log = structlog.get_logger()

WAITING_ORDERS = 256
"""Orders taken in and not yet judged; more than that are refused as busy."""
REFUSALS_AT_ONCE = 32
"""Such refusals under way; beyond that whoever floods the gateway is only counted."""
BUSY = Refusal("busy", f"{WAITING_ORDERS} commands wait already; nothing was done, ask again later")
ANSWER_WITHIN_S = 10.0

Carry = Callable[[Any], Awaitable[Mapping[str, Any]]]
"""Carries a request out and returns what the answer says; raises RefusedCommand when it cannot be done."""


class PortLink(Protocol):
    """What the port needs of the link."""

    def hear(self, topic_filter: str, on_message: Callable[[Message], None]) -> None:
        """Subscribe on every connection."""

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        content_type: str | None = None,
        correlation: bytes | None = None,
    ) -> Delivery:
        """Send and wait for the broker's verdict."""


class Ledger(Protocol):
    """Where commands are written down so that it stays known who asked for what."""

    async def note(
        self, at: datetime, command: str, about: Mapping[str, Any], code: str, reason: str | None = None
    ) -> int:
        """Write a command down; return its number."""

    async def end(self, number: int, code: str, reason: str | None = None) -> None:
        """Write down what became of it."""


class CommandPort:
    """The gateway's ear for commands. Make before the link starts; all on one asyncio loop.

    `carry` names for each command the coroutine that does it; a command without one is refused as not in
    this version. `ledger` keeps the audit; a command is done even when it cannot be written, for a full disk
    must not keep a dispatcher from ending a transmission, and the log says so.
    """

    def __init__(
        self,
        link: PortLink,
        root: str,
        source: str,
        clock: Clock,
        gatekeeper: Gatekeeper,
        carry: Mapping[str, Carry],
        ledger: Ledger | None = None,
    ) -> None:
        self._link = link
        self._root = root
        self._source = source
        self._clock = clock
        self._gatekeeper = gatekeeper
        self._carry = dict(carry)
        self._ledger = ledger
        self._waiting: asyncio.Queue[tuple[Order, float]] = asyncio.Queue(WAITING_ORDERS)
        self._task: asyncio.Task[None] | None = None
        self._beside: set[asyncio.Task[None]] = set()
        self._refusing: set[asyncio.Task[None]] = set()
        self.dropped = 0
        link.hear(f"{root}/cmd/+", self.receive)

    def start(self) -> None:
        """Begin to carry out what comes in; returns at once."""
        self._task = asyncio.create_task(self._run(), name="commands")

    async def stop(self) -> None:
        """End. An order not begun is forgotten, as one sent to a gateway that is off would be."""
        if self._task is not None:
            ending = [self._task, *self._beside, *self._refusing]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            self._task = None

    def receive(self, message: Message) -> None:
        """Take in a message; on the loop, from the link."""
        order = Order(
            name=message.topic.removeprefix(f"{self._root}/cmd/"),
            payload=message.payload,
            retained=message.retained,
            response_topic=message.response_topic,
            correlation=message.correlation,
            expiry_s=message.expiry_s,
        )
        try:
            self._waiting.put_nowait((order, self._clock.monotonic_s()))
        except asyncio.QueueFull:
            self.dropped += 1
            log.warning("command refused: too many wait", command=order.name[:40], refused=self.dropped)
            if len(self._refusing) < REFUSALS_AT_ONCE:
                task = asyncio.create_task(self._refuse(order))
                self._refusing.add(task)
                task.add_done_callback(self._refusing.discard)

    async def _refuse(self, order: Order) -> None:
        """Answer an order for which there is no room."""
        envelope = read_envelope(order.payload)
        topic, misdirected = answer_topic(self._root, order, envelope)
        if topic is not None:
            await self._answer(topic, order, envelope, misdirected or BUSY)

    async def _run(self) -> None:
        while True:
            order, came_s = await self._waiting.get()
            if order.name in TAKE_THEIR_TIME:
                task = asyncio.create_task(self._done(order, came_s))
                self._beside.add(task)
                task.add_done_callback(self._beside.discard)
            else:
                await self._done(order, came_s)

    async def _done(self, order: Order, came_s: float) -> None:
        try:
            await self._do(order, came_s)
        except Exception:
            # One order that goes wrong in a way nobody foresaw must not be the last.
            log.exception("a command failed unexpectedly", command=order.name[:40])

    async def _do(self, order: Order, came_s: float) -> None:
        envelope = read_envelope(order.payload)
        topic, misdirected = answer_topic(self._root, order, envelope)
        request = misdirected or self._gatekeeper.judge(order, self._clock.now(), came_s)
        outcome: Mapping[str, Any] | Refusal
        if isinstance(request, Refusal):
            outcome = request
            await self._note(order, envelope, request, outcome.code, outcome.reason)
        else:
            number = await self._note(order, envelope, request, "begun")
            outcome = await self._carried_out(order, request, came_s)
            await self._note_end(number, outcome)
        self._log(order, envelope, request, outcome)
        if topic is not None:
            await self._answer(topic, order, envelope, outcome)

    async def _carried_out(
        self, order: Order, request: CommandRequest, came_s: float
    ) -> Mapping[str, Any] | Refusal:
        carry = self._carry.get(order.name)
        if carry is None:
            return Refusal("not_in_this_version", f"{order.name} is not in this version of radio-gateway")
        # Judged once already, but other orders may have taken their time since.
        waited_s = self._clock.monotonic_s() - came_s
        late = expired(order, request, self._clock.now(), waited_s)
        if late is not None:
            return late
        try:
            return await carry(request)
        except RefusedCommand as refused:
            refusal = refused.refusal
        except GatewayError as error:
            refusal = Refusal("unavailable", f"nothing was changed: {error}")
        except Exception as error:
            log.exception("a command failed unexpectedly", command=order.name)
            return Refusal("failed", f"the gateway failed at it ({type(error).__name__}); see its log")
        self._gatekeeper.forget(order, request)
        return refusal

    async def _note(
        self,
        order: Order,
        envelope: Envelope,
        request: CommandRequest | Refusal,
        code: str,
        reason: str | None = None,
    ) -> int | None:
        # What comes too fast is counted out before it is read; a row for each would wear the disk.
        if self._ledger is None or code == "too_many":
            return None
        about = _about(envelope, request)
        try:
            return await self._ledger.note(self._clock.now(), order.name[:40], about, code, reason)
        except GatewayError as error:
            log.error("command not written down", command=order.name[:40], **about, why=str(error))  # noqa: TRY400
            return None

    async def _note_end(self, number: int | None, outcome: Mapping[str, Any] | Refusal) -> None:
        if self._ledger is None or number is None:
            return
        code, reason = (outcome.code, outcome.reason) if isinstance(outcome, Refusal) else ("ok", None)
        try:
            await self._ledger.end(number, code, reason)
        except GatewayError as error:
            log.error("command's end not written down", number=number, code=code, why=str(error))  # noqa: TRY400

    def _log(
        self,
        order: Order,
        envelope: Envelope,
        request: CommandRequest | Refusal,
        outcome: Mapping[str, Any] | Refusal,
    ) -> None:
        about = {"command": order.name[:40], **_about(envelope, request)}
        if isinstance(outcome, Refusal):
            log.warning("command refused", **about, code=outcome.code, reason=outcome.reason)
        else:
            log.info("command done", **about)

    async def _answer(
        self, topic: str, order: Order, envelope: Envelope, outcome: Mapping[str, Any] | Refusal
    ) -> None:
        answer = Answer(
            id=envelope.id,
            command=order.name,
            gateway=self._source,
            at=self._clock.now(),
            ok=not isinstance(outcome, Refusal),
            **(
                {"code": outcome.code, "reason": outcome.reason}
                if isinstance(outcome, Refusal)
                else {"result": dict(outcome)}
            ),
        )
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                verdict = await self._link.publish(
                    topic,
                    answer.model_dump_json().encode(),
                    content_type=ANSWER_CONTENT_TYPE,
                    correlation=order.correlation,
                )
        except (LinkDown, TimeoutError) as error:
            log.warning("answer not sent", command=order.name[:40], topic=topic, reason=str(error))
            return
        if isinstance(verdict, Rejected):
            log.warning("answer refused by the broker", topic=topic, reason=str(verdict))


def _about(envelope: Envelope, request: CommandRequest | Refusal) -> dict[str, Any]:
    """Who asked, and about what; never words that are to be said, nor a unit's phone."""
    about: dict[str, Any] = {"id": envelope.id}
    if isinstance(request, CommandRequest):
        about["by"] = request.by
        about |= {
            name: value
            for name in ("incident_id", "unit_id", "action", "from_sequence", "radio")
            if (value := getattr(request, name, None)) is not None
        }
    return about
