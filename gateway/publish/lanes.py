"""Which event goes out next: what happens now before what has waited, and each incident in its order.

What is in the outbox when a connection begins is backlog: it goes out oldest first, no faster than a rate,
and leaves room for what happens meanwhile. That is live and goes first. A live event of an incident, or of a
roll-call, with backlog takes that along: its earlier events go out right before it, so that no revision ever
overtakes one before it. A short backlog is simply sent first: that keeps every event in the order of its
number and makes nobody wait.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

BATCH = 256
SHORT_BACKLOG = 64
"""Up to so many go out before what is live, all in order."""


class OutboxRow(Protocol):
    """An event that waits; see the store's OutboxEntry."""

    @property
    def position(self) -> int:
        """The handle for all outbox calls; grows with time."""

    @property
    def kind(self) -> str:
        """`family.verb`."""

    @property
    def order_key(self) -> str | None:
        """Events with the same key must not overtake each other."""

    @property
    def document(self) -> str:
        """The CloudEvents JSON."""

    @property
    def enqueued_at(self) -> datetime:
        """When it was stored, by the wall clock."""

    @property
    def lane(self) -> str:
        """`backlog` for what an earlier run has left."""


class Outbox(Protocol):
    """Where events wait. Each method may raise a GatewayError; nothing of that call is done then."""

    async def next_batch(self, limit: int, after: int = 0, up_to: int | None = None) -> Sequence[OutboxRow]:
        """Return waiting rows beyond a position, oldest first; none beyond `up_to` when that is given."""

    async def of_key(self, order_key: str, after: int, up_to: int, limit: int) -> Sequence[OutboxRow]:
        """Return waiting rows with that key beyond `after` and up to `up_to`, oldest first."""

    async def waiting(self) -> tuple[int, int]:
        """Return how many rows wait and the position of the newest of them, 0 when none does."""

    async def delivered(self, positions: Sequence[int]) -> None:
        """Forget rows that the broker has."""

    async def retry_later(self, position: int, error: str) -> None:
        """Note that the broker could not take a row now."""

    async def set_aside(self, position: int, reason: str) -> None:
        """Stop offering a row until a person decides."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A row whose turn it is. `is_patient` is backlog in its own time, which lets live events pass."""

    row: OutboxRow
    is_backlog: bool = False
    is_patient: bool = False


class Rate:
    """At most so many a second, with a burst of a tenth of that. None is no limit."""

    def __init__(self, per_s: float | None, now_s: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._now_s = now_s
        self._burst = max(1.0, per_s / 10.0) if per_s is not None else 1.0
        self._left = self._burst
        self._at_s = now_s()

    @property
    def wait_s(self) -> float:
        """How long until the next may go."""
        if self._per_s is None:
            return 0.0
        now_s = self._now_s()
        self._left = min(self._burst, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        return 0.0 if self._left >= 1.0 else (1.0 - self._left) / self._per_s

    def take(self) -> None:
        """One goes."""
        self._left -= 1.0


class Lanes:
    """The waiting events of one connection in the order they go out. Made anew when the pump starts over.

    `boundary` is the newest position that waited when the connection began, `in_order` says that nothing may
    pass it.
    """

    def __init__(self, outbox: Outbox, boundary: int, *, in_order: bool = False) -> None:
        self._outbox = outbox
        self._boundary = boundary
        self._in_order = in_order
        self._backlog: deque[OutboxRow] = deque()
        self._live: deque[OutboxRow] = deque()
        self._along: deque[OutboxRow] = deque()
        self._pulled: dict[str, int] = {}
        self._backlog_read = 0
        self._live_read = 0 if in_order else boundary
        self._backlog_is_over = in_order or boundary == 0
        self._may_have_live = True

    def look_for_live(self) -> None:
        """Something was committed: look before the next backlog goes."""
        self._may_have_live = True

    async def next(self) -> Turn | None:
        """Return what goes out next, None when nothing waits that was not given out before."""
        if self._along:
            return Turn(self._along.popleft(), is_backlog=True)
        if not self._live and self._may_have_live:
            await self._read_live()
        while self._live:
            row = self._live.popleft()
            await self._take_along(row)
            if not self._along:
                return Turn(row, is_backlog=row.position <= self._boundary)
            self._live.appendleft(row)
            return Turn(self._along.popleft(), is_backlog=True)
        return await self._next_backlog()

    def put_back(self, turn: Turn) -> None:
        """It did not go out after all: give it out again."""
        if turn.is_patient:
            self._backlog.appendleft(turn.row)
        elif turn.is_backlog and not self._in_order:
            self._along.appendleft(turn.row)
        else:
            self._live.appendleft(turn.row)

    async def _read_live(self) -> None:
        self._may_have_live = False
        rows = await self._outbox.next_batch(BATCH, self._live_read)
        if rows:
            self._live.extend(rows)
            self._live_read = rows[-1].position
            self._may_have_live = len(rows) == BATCH

    async def _take_along(self, row: OutboxRow) -> None:
        key = row.order_key
        if key is None or self._backlog_is_over:
            return
        given_out = self._backlog[0].position - 1 if self._backlog else self._backlog_read
        after = max(given_out, self._pulled.get(key, 0))
        earlier = await self._outbox.of_key(key, after, self._boundary, BATCH)
        if earlier:
            self._along.extend(earlier)
            self._pulled[key] = earlier[-1].position

    async def _next_backlog(self) -> Turn | None:
        while not self._backlog_is_over:
            if not self._backlog:
                rows = await self._outbox.next_batch(BATCH, self._backlog_read, self._boundary)
                if not rows:
                    self._backlog_is_over = True
                    self._pulled.clear()
                    break
                self._backlog.extend(rows)
                self._backlog_read = rows[-1].position
                # Another process may have put something in without a word.
                self._may_have_live = True
            row = self._backlog.popleft()
            if row.order_key is None or row.position > self._pulled.get(row.order_key, 0):
                return Turn(row, is_backlog=True, is_patient=True)
        return None
