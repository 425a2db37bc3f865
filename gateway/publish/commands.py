"""Dispatchers' requests, judged before anything is done about them. Pure: no I/O, times are given.

Order (what came in on cmd/<name>) ──► Gatekeeper.judge ──► a request to carry out, or a Refusal
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pydantic_core
from pydantic import ValidationError

from gateway.publish.requests import CHANGES_NOTHING, REQUESTS, Code, CommandRequest

MAX_REQUEST_BYTES = 16 * 1024
MAX_AGE_S = 300.0
"""A request that says when it was sent is taken for this long, and may be this far ahead of our clock."""
REMEMBERED_REQUESTS = 10_000
MAX_TOPIC_BYTES = 256


@dataclass(frozen=True, slots=True)
class Order:
    """A message on `cmd/<name>` as it came in. `expiry_s` is what is left of its life, or None."""

    name: str
    payload: bytes
    retained: bool = False
    response_topic: str | None = None
    correlation: bytes | None = None
    expiry_s: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was done: a code for programs, a sentence for people."""

    code: Code
    reason: str


class RefusedCommand(Exception):
    """Raised by what carries a request out, when it cannot be; nothing was changed."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.refusal = Refusal(code, reason)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What of a payload matters for answering it, as far as it can be read at all."""

    id: str | None = None
    reply_to: str | None = None


class Gatekeeper:
    """Lets a request through once, or says why not. One for all commands of a gateway.

    Args:
        allowed: the commands this station takes.
        per_minute: how many messages a minute are looked into; a burst of as many is taken at once.
    """

    def __init__(self, allowed: frozenset[str], per_minute: int = 120) -> None:
        self._allowed = allowed
        self._per_minute = per_minute
        self._tokens = float(per_minute)
        self._counted_at_s: float | None = None
        self._seen: OrderedDict[tuple[object, ...], None] = OrderedDict()

    def judge(self, order: Order, now: datetime, monotonic_s: float) -> CommandRequest | Refusal:
        """Say whether an order is carried out. Never raises, whatever came in.

        Args:
            order: the message.
            now: wall-clock time with offset, held against the times in the request.
            monotonic_s: counts for the limit on how many come in.
        """
        refusal = self._turned_away(order, monotonic_s)
        if refusal is not None:
            return refusal
        request = parse(order)
        if isinstance(request, Refusal):
            return request
        refusal = expired(order, request, now) or self._repeated(order, request)
        if refusal is not None:
            return refusal
        self._remember(order, request)
        return request

    def forget(self, order: Order, request: CommandRequest) -> None:
        """Let a request come again: it could not be carried out and nothing was changed."""
        self._seen.pop(_identity(order, request) or (), None)

    def _turned_away(self, order: Order, monotonic_s: float) -> Refusal | None:
        """Refuse by what can be seen without opening the message."""
        if order.retained:
            return Refusal(
                "retained",
                "the command was published retained; commands are never retained, as they would "
                "come again at each reconnect: publish it without the retain flag",
            )
        if order.name not in REQUESTS:
            return Refusal(
                "unknown",
                f"there is no command {order.name[:40]!r}; there are {', '.join(REQUESTS)}",
            )
        if order.name not in self._allowed:
            return Refusal(
                "not_allowed", f"{order.name} is not allowed here; the station's commands.allow leaves it out"
            )
        if not self._has_token(monotonic_s):
            return Refusal(
                "too_many", f"more than {self._per_minute} commands in a minute; wait and ask again"
            )
        return None

    def _has_token(self, monotonic_s: float) -> bool:
        passed_s = monotonic_s - self._counted_at_s if self._counted_at_s is not None else 0.0
        self._counted_at_s = monotonic_s
        self._tokens = min(self._per_minute, self._tokens + max(0.0, passed_s) * self._per_minute / 60)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _repeated(self, order: Order, request: CommandRequest) -> Refusal | None:
        key = _identity(order, request)
        if key is None or key not in self._seen:
            return None
        return Refusal(
            "replayed", "this request came before and is done once only; a new request needs a new id"
        )

    def _remember(self, order: Order, request: CommandRequest) -> None:
        key = _identity(order, request)
        if key is None:
            return
        self._seen[key] = None
        if len(self._seen) > REMEMBERED_REQUESTS:
            self._seen.popitem(last=False)


def _identity(order: Order, request: CommandRequest) -> tuple[object, ...] | None:
    """What makes two orders the same one; None when nothing does.

    Without an id, the same bytes under the same correlation data are a repeat; where nothing is changed,
    that does no harm, and clients that count from 1 at every start do so.
    """
    if request.id is not None:
        return (request.id,)
    if order.correlation is None or order.name in CHANGES_NOTHING:
        return None
    return (order.name, order.correlation, order.payload)


def parse(order: Order) -> CommandRequest | Refusal:
    """Read an order's payload as the request of its command."""
    if len(order.payload) > MAX_REQUEST_BYTES:
        return Refusal(
            "malformed", f"the request has {len(order.payload)} bytes, at most {MAX_REQUEST_BYTES} are taken"
        )
    try:
        return REQUESTS[order.name].model_validate_json(order.payload or b"{}")
    except ValidationError as error:
        faults = [_fault(fault) for fault in error.errors(include_url=False, include_context=False)[:5]]
        return Refusal("malformed", f"the request is not one of {order.name}: {'; '.join(faults)}")


def _fault(fault: Mapping[str, Any]) -> str:
    """Name a fault without repeating the value, which may be anything."""
    where = ".".join(str(step) for step in fault["loc"])
    message = "unknown field" if fault["type"] == "extra_forbidden" else str(fault["msg"])
    return f"{where[:80]}: {message}" if where else message


def expired(order: Order, request: CommandRequest, now: datetime, waited_s: float = 0.0) -> Refusal | None:
    """Refuse what comes too late to be meant still, or from a clock that cannot be ours."""
    if order.expiry_s is not None and order.expiry_s <= waited_s:
        return Refusal("expired", "the message's expiry interval is over")
    if request.expires_at is not None and request.expires_at <= now:
        return Refusal(
            "expired", f"the request was good until {_shown(request.expires_at)}; it is {_shown(now)}"
        )
    if request.sent_at is None:
        return None
    most = timedelta(seconds=MAX_AGE_S)
    if now - request.sent_at > most:
        return Refusal(
            "expired", f"the request was sent at {_shown(request.sent_at)}, more than {MAX_AGE_S:.0f} s ago"
        )
    if request.sent_at - now > most:
        return Refusal(
            "expired",
            f"the request says it was sent at {_shown(request.sent_at)}, but here it is {_shown(now)}; "
            "check both clocks",
        )
    return None


def _shown(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def read_envelope(payload: bytes) -> Envelope:
    """Find id and reply_to even in a request that is refused, so that the answer finds its way."""
    if len(payload) > MAX_REQUEST_BYTES:
        return Envelope()
    try:
        document = pydantic_core.from_json(payload)
    except ValueError:
        return Envelope()
    if not isinstance(document, dict):
        return Envelope()
    return Envelope(_text(document.get("id"), 128), _text(document.get("reply_to"), MAX_TOPIC_BYTES))


def _text(value: object, longest: int) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= longest else None


_LEVEL = re.compile(r"[a-z0-9-]{1,64}")
_OURS = re.compile(r"rg/[^/]+/[^/]+/[^/]+/[^/]+/(?:cmd|evt|state)(?:/.*)?", re.DOTALL)
_NEVER = re.compile(r"[+#\x00-\x1f\x7f]")


def answer_topic(root: str, order: Order, envelope: Envelope) -> tuple[str | None, Refusal | None]:
    """Say where an order's answer goes, and refuse one that wants it where no answer may go.

    An answer to nobody in particular goes to `rsp/<command>`; None when not even the command's name is fit
    for a topic. Without the check anyone who may send commands could make the gateway say anything on the
    topics of events, states and commands.
    """
    fallback = f"{root}/rsp/{order.name}" if _LEVEL.fullmatch(order.name) else None
    wanted = order.response_topic if order.response_topic is not None else envelope.reply_to
    if wanted is None:
        return fallback, None
    if order.response_topic is None:
        name = wanted.removeprefix("rsp/")
        if _LEVEL.fullmatch(name):
            return f"{root}/rsp/{name}", None
    if (
        not wanted
        or wanted.startswith("$")
        or len(wanted.encode(errors="replace")) > MAX_TOPIC_BYTES
        or _NEVER.search(wanted)
        or _OURS.fullmatch(wanted)
    ):
        return fallback, Refusal(
            "malformed",
            "the answer may not go to the topic asked for: no wildcards, no $, at most "
            f"{MAX_TOPIC_BYTES} bytes, and not where gateways have their events, states and commands",
        )
    return wanted, None
