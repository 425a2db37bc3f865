"""Carries events from the outbox to the broker: a window at a time, until the broker has said yes.

The outbox is the only queue. The pump sends what happens now before what has waited (see lanes.py), and keeps
at most `window` entries on their way, a quarter of them for live events only. Two events of one incident are
never on their way together, so one that is refused cannot be overtaken by a later one. Whenever something
goes wrong - the connection ends, the broker cannot take an entry now, the store cannot forget one - the pump
lets what is on its way settle, waits, and starts again. What the broker will never take is set aside and
reported.

An incident's retained snapshot is published with the event, before the entry leaves the outbox: a crash
between the two repeats both.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from gateway.clock import Clock
from gateway.errors import GatewayError
from gateway.events import CONTENT_TYPE, MAX_EVENT_BYTES
from gateway.faultpoints import passing
from gateway.publish.connection import LinkDown
from gateway.publish.lanes import SHORT_BACKLOG, Lanes, Outbox, OutboxRow, Rate, Turn
from gateway.publish.link import Accepted, BackOff, Delivery, Link
from gateway.publish.states import RetainedStates, json_bytes
from gateway.publish.topics import event_topic, incident_suffix, rollcall_suffix

log = structlog.get_logger()

LATE_AFTER_S = 5.0
POLL_S = 5.0
"""How often an idle pump looks for what another process has put into the outbox."""
RESERVED_FOR_STATE = 4
"""Of the broker's receive maximum, what is left to state documents and announcements."""
BACKLOG_PER_S = 4000.0
NOT_REPLAYED, REPLAYED = '"replayed":false', '"replayed":true'
OVER_ROLLCALLS = frozenset({"rollcall.finished", "drill.finished"})
OVER_INCIDENTS = frozenset({"incident.closed", "incident.cancelled"})


@dataclass(slots=True)
class PumpCounts:
    """What the pump has done since it was made, for health."""

    delivered: int = 0
    unheard: int = 0
    """Of the delivered, those no subscription matched."""
    set_aside: int = 0
    put_off: int = 0
    """Times the broker said "not now"."""
    repeated_start: int = 0
    """Times the pump went back to the oldest entry."""


class Pump:
    """The outbox pump and the keeper of retained state. All on one asyncio loop."""

    def __init__(
        self,
        outbox: Outbox,
        link: Link,
        root: str,
        clock: Clock,
        *,
        window: int = 16,
        backlog_per_s: float | None = BACKLOG_PER_S,
        on_set_aside: Callable[[OutboxRow, str], None] = lambda _row, _reason: None,
        back_off: BackOff | None = None,
        poll_s: float = POLL_S,
    ) -> None:
        self._outbox = outbox
        self._link = link
        self._root = root
        self._clock = clock
        self._window = window
        self._on_set_aside = on_set_aside
        self._back_off = back_off or BackOff()
        self._poll_s = poll_s
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._rate = Rate(backlog_per_s, clock.monotonic_s)
        self._begun: tuple[int, int, int] = (0, 0, 0)
        """The session last begun, how many waited by then, and the position of the newest of them."""
        self._on_their_way: dict[int, str | None] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._acked: list[int] = []
        self._forgetting: asyncio.Task[None] | None = None
        self._setback: str | None = None
        self._states = RetainedStates(link, root)
        self._task: asyncio.Task[None] | None = None
        self.counts = PumpCounts()

    @property
    def in_flight(self) -> int:
        """How many events are on their way to the broker."""
        return len(self._on_their_way)

    @property
    def trouble(self) -> str | None:
        """Why the pump waits although there is a connection; None when it does not."""
        return self._setback

    @property
    def task(self) -> asyncio.Task[None] | None:
        """What must not end while the gateway runs; None before the start and after the stop."""
        return self._task

    def start(self) -> None:
        """Begin pumping; returns at once."""
        self._task = asyncio.create_task(self._run(), name="outbox-pump")

    async def stop(self, settle_s: float = 2.0) -> None:
        """Start no more, give what is on its way `settle_s` seconds to be acknowledged, and end."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        try:
            async with asyncio.timeout(settle_s):
                await self._settle()
        except TimeoutError:
            leftover = self._working()
            for task in leftover:
                task.cancel()
            await asyncio.gather(*leftover, return_exceptions=True)

    def wake(self) -> None:
        """Look into the outbox now: something was committed."""
        self._news.set()
        self._room.set()

    def publish_state(self, suffix: str, document: Mapping[str, Any] | None) -> None:
        """Keep `state/<suffix>` on the broker at this document; None clears it.

        Only the last document counts: it is sent as soon as there is a connection, and again after each
        reconnect, since a broker without persistence forgets.
        """
        if self._states.want(suffix, document):
            if self._link.state.is_connected:
                # At once: the pump itself may be waiting for a store that refuses.
                self._states.start_putting()
            self._news.set()

    def republish_states(self) -> None:
        """Tell the broker every state document again, whatever it was told before."""
        self._states.forget_connection()
        self._news.set()

    async def drained(self, timeout_s: float) -> bool:
        """Wait until nothing waits and nothing is on its way; False when that took too long.

        What was set aside waits for a person and does not count.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not await self._is_dry():
                    self.wake()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            return False
        return True

    async def _is_dry(self) -> bool:
        if self._working() or self._acked or not self._states.is_settled:
            return False
        try:
            return not await self._outbox.next_batch(1)
        except GatewayError:
            return False

    def _working(self) -> set[asyncio.Task[None]]:
        extra = {
            task for task in (self._forgetting, self._states.task) if task is not None and not task.done()
        }
        return self._sending | extra

    async def _run(self) -> None:
        while True:
            await self._link.connected()
            self._states.forget_connection()
            self._states.start_putting()
            try:
                await self._pump_connection(self._link.state.session)
            except GatewayError as error:
                self._setback = str(error)
            except Exception as error:
                # Whatever it is, a pump that stands still until a restart is worse.
                log.exception("the pump failed unexpectedly")
                self._setback = repr(error)
            await self._settle()
            self.counts.repeated_start += 1
            if self._link.state.is_connected:
                log.warning("outbox waits", reason=self._setback)
                await self._pause(self._back_off.next_s())
            self._setback = None

    async def _settle(self) -> None:
        """Let everything on its way end; it does, with a verdict or with the connection."""
        while working := self._working():
            await asyncio.wait(working)
        await self._forget_acked()

    async def _pause(self, delay_s: float) -> None:
        gone = asyncio.ensure_future(self._link.disconnected())
        await asyncio.wait((gone,), timeout=delay_s)
        gone.cancel()

    async def _pump_connection(self, session: int) -> None:
        """Send what waits until something goes wrong or the connection ends."""
        lanes = await self._begin(session)
        while self._may_send(session):
            if self._news.is_set():
                self._news.clear()
                lanes.look_for_live()
            self._states.start_putting()
            turn = await lanes.next()
            if turn is None and self._working():
                await self._something_ends()
            elif turn is None:
                # Nothing is on its way: starting over is free and finds what a person let wait again.
                lanes = await self._begin(session)
                await self._idle()
            elif await self._turn_comes(turn, session):
                self._launch(turn)
            else:
                lanes.put_back(turn)

    async def _begin(self, session: int) -> Lanes:
        """Start over; what is backlog is settled once for each connection."""
        if self._begun[0] != session:
            self._begun = (session, *await self._outbox.waiting())
        _, waited, boundary = self._begun
        return Lanes(self._outbox, boundary, in_order=waited <= SHORT_BACKLOG)

    def _may_send(self, session: int) -> bool:
        state = self._link.state
        return self._setback is None and state.is_connected and state.session == session

    async def _idle(self) -> None:
        news = asyncio.ensure_future(self._news.wait())
        gone = asyncio.ensure_future(self._link.disconnected())
        try:
            await asyncio.wait((news, gone), timeout=self._poll_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
            gone.cancel()

    async def _something_ends(self) -> None:
        """Wait for a send to end or for news, whichever comes first."""
        news = asyncio.ensure_future(self._news.wait())
        try:
            await asyncio.wait({*self._working(), news}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()

    async def _turn_comes(self, turn: Turn, session: int) -> bool:
        """Wait for room in the window and for the same incident's earlier event.

        False when the pump has to start over, or when backlog must let something live pass.
        """
        room = max(1, min(self._window, self._link.receive_maximum - RESERVED_FOR_STATE))
        if turn.is_patient:
            room = max(1, room - room // 4)
        key = turn.row.order_key
        while self._may_send(session):
            if turn.is_patient and self._news.is_set():
                return False
            wait_s = self._rate.wait_s if turn.is_patient else 0.0
            is_barred = key is not None and key in self._on_their_way.values()
            if len(self._on_their_way) < room and not is_barred and wait_s <= 0.0:
                return True
            self._room.clear()
            await self._some_room(wait_s or None)
        return False

    async def _some_room(self, timeout_s: float | None) -> None:
        """Wait until something has ended or was committed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._room.wait()

    def _launch(self, turn: Turn) -> None:
        if turn.is_patient:
            self._rate.take()
        self._on_their_way[turn.row.position] = turn.row.order_key
        task = asyncio.create_task(self._send(turn))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, turn: Turn) -> None:
        row = turn.row
        try:
            payload = self._payload(turn)
            if len(payload) > MAX_EVENT_BYTES:
                await self._give_up_on(row, f"{len(payload)} bytes, more than the {MAX_EVENT_BYTES} allowed")
                return
            verdict = await self._deliver(row, payload)
            if isinstance(verdict, Accepted):
                self._accept(row, verdict)
            elif verdict.retryable:
                self.counts.put_off += 1
                self._setback = f"{row.kind}: the broker cannot take it now: {verdict}"
                await self._outbox.retry_later(row.position, str(verdict))
            else:
                await self._give_up_on(row, str(verdict))
        except LinkDown:
            # Whether the broker has it nobody knows; it stays in the outbox and goes out again.
            pass
        except GatewayError as error:
            self._setback = str(error)
        except (ValueError, KeyError, TypeError) as error:
            # A document we cannot even address is a bug; it must neither stop the others nor vanish.
            await self._give_up_on(row, f"cannot be published: {error!r}")
        finally:
            del self._on_their_way[row.position]
            self._room.set()

    async def _deliver(self, row: OutboxRow, payload: bytes) -> Delivery:
        topic = event_topic(self._root, row.kind)
        verdict = await self._link.publish(topic, payload, content_type=CONTENT_TYPE)
        if isinstance(verdict, Accepted) and row.kind.startswith("incident."):
            await self._show_incident(row)
        if isinstance(verdict, Accepted) and row.kind in OVER_ROLLCALLS and row.order_key is not None:
            # Whoever ended it may have been killed before it could say so.
            suffix = rollcall_suffix(row.order_key)
            self._states.want(suffix, None)
            await self._states.put(suffix)
        return verdict

    def _payload(self, turn: Turn) -> bytes:
        document = turn.row.document
        if not (turn.is_backlog or turn.row.lane == "backlog" or self._has_waited(document)):
            return document.encode()
        if document.count(NOT_REPLAYED) == 1:
            return document.replace(NOT_REPLAYED, REPLAYED).encode()
        tree = json.loads(document)
        tree["data"]["replayed"] = True
        return json_bytes(tree)

    def _has_waited(self, document: str) -> bool:
        """Say whether a live event has waited for its turn; by the clock that never steps."""
        made_ms = json.loads(document)["data"]["clock"]["mono_ms"]
        return self._clock.monotonic_s() * 1000 - float(made_ms) > LATE_AFTER_S * 1000

    async def _show_incident(self, row: OutboxRow) -> None:
        """Put the incident's snapshot on its retained topic, or clear that when the incident is over."""
        document = json.loads(row.document)
        suffix = incident_suffix(document["data"]["incident_id"])
        self._states.want(suffix, None if row.kind in OVER_INCIDENTS else document["data"])
        await self._states.put(suffix)

    def _accept(self, row: OutboxRow, verdict: Accepted) -> None:
        self._back_off.reset()
        self.counts.delivered += 1
        self.counts.unheard += verdict.nobody_listens
        self._acked.append(row.position)
        if self._forgetting is None or self._forgetting.done():
            self._forgetting = asyncio.create_task(self._forget_acked())

    async def _forget_acked(self) -> None:
        """Delete what was acknowledged, all that has come together since the last time at once."""
        while self._acked:
            positions, self._acked = self._acked, []
            passing("puback.before_delete")
            try:
                await self._outbox.delivered(positions)
                passing("delivered.deleted")
            except GatewayError as error:
                self._setback = str(error)
                return

    async def _give_up_on(self, row: OutboxRow, reason: str) -> None:
        await self._outbox.set_aside(row.position, reason)
        self.counts.set_aside += 1
        log.error("event set aside", kind=row.kind, position=row.position, reason=reason)
        self._on_set_aside(row, reason)
