"""Tells what is wrong: one `gateway.fault` when it begins, one `gateway.recovered` when it is over."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Literal

import structlog

from gateway.clock import Clock, IdSource
from gateway.drafts import fault_event
from gateway.errors import GatewayError
from gateway.events import ClockReading, CloudEvent, Draft
from gateway.faults import FaultBook, OpenFault
from gateway.store.store import Store

log = structlog.get_logger()

RETRY_S = 5.0
SETTLE_S = 5.0
MOST_UNSAID = 1000
"""Alarms kept while the store refuses; beyond that the oldest are lost, and that is said."""


class Alarms:
    """Raises and ends alarms, on the loop. A fault is logged once as an error, its repeats at debug."""

    def __init__(
        self,
        store: Store,
        ids: IdSource,
        clock: Clock,
        read_clock: Callable[[], ClockReading],
        on_events: Callable[[list[CloudEvent]], None],
        *,
        retry_s: float = RETRY_S,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """Wire them up. `on_events` is told what was stored, `on_change` that a fault began or ended."""
        self._store = store
        self._ids = ids
        self._clock = clock
        self._read_clock = read_clock
        self._on_events = on_events
        self._on_change = on_change
        self._book = FaultBook()
        self._retry_s = retry_s
        self._unsaid: deque[Draft] = deque()
        self._lost = 0
        self._saying: asyncio.Task[None] | None = None
        self._refused = asyncio.Event()
        self._earlier: set[str] = set()

    async def take_up(self) -> None:
        """Go on with the faults that were open when the gateway stopped. Before any other method."""
        for event in await self._store.open_faults():
            told = event.data
            since = datetime.fromisoformat(told["since"])
            self._book.begin(told["what"], told["message"], told["action"], since)
            log.warning("fault of an earlier run goes on", what=told["what"], message=told["message"])
        self._earlier = set(self._book.open)

    def of_radio(self, radio_id: str) -> dict[str, str]:
        """Return what of a radio is at fault, with the message."""
        prefix = f"radio/{radio_id}/"
        return {
            what.removeprefix(prefix): fault.message
            for what, fault in self._book.open.items()
            if what.startswith(prefix)
        }

    def end_earlier(self, is_watched: Callable[[str], bool]) -> None:
        """End the faults of an earlier run that this one has not met and that nobody will tell the end of."""
        for what in sorted(self._earlier):
            if not is_watched(what):
                self.recovered(what)
        self._earlier = set()

    @property
    def open(self) -> Collection[OpenFault]:
        """The faults of this moment."""
        return self._book.open.values()

    def fault(self, what: str, message: str, action: str) -> None:
        """Say that `what` is away and what a person should do; nothing when that was said."""
        fault = self._book.begin(what, message, action, self._clock.now())
        self._earlier.discard(what)
        if fault is None:
            log.debug("fault goes on", what=what, message=message)
            return
        log.error("fault", what=what, message=message, action=action)
        self._say("fault", fault)

    def recovered(self, what: str) -> None:
        """Say that `what` is back; nothing when it was never away."""
        fault = self._book.end(what)
        if fault is not None:
            log.info("recovered", what=what, after=str(self._clock.now() - fault.since))
            over = OpenFault(what, fault.since, f"works again; it was: {fault.message}", "none")
            self._say("recovered", over)

    async def settle(self, within_s: float = SETTLE_S) -> None:
        """Wait until everything said is stored; what a refusing store has not taken by then is in the log."""
        if self._saying is None:
            return
        refused = asyncio.create_task(self._refused.wait())
        await asyncio.wait((self._saying, refused), timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        for task in (self._saying, refused):
            task.cancel()
        await asyncio.gather(self._saying, refused, return_exceptions=True)

    def _say(self, verb: Literal["fault", "recovered"], fault: OpenFault) -> None:
        draft = fault_event(self._ids.new(), verb, fault, self._clock.now(), self._read_clock())

        self.say(draft)
        self._on_change()

    def say(self, draft: Draft) -> None:
        """Store an event as soon as the store takes it; on the loop."""
        self._keep(draft)
        if self._saying is None or self._saying.done():
            self._saying = asyncio.create_task(self._say_all(), name="alarms")

    def _keep(self, draft: Draft) -> None:
        if len(self._unsaid) >= MOST_UNSAID:
            self._unsaid.popleft()
            self._lost += 1
        self._unsaid.append(draft)

    async def _say_all(self) -> None:
        """Store what is to be said, in order; while the store refuses, keep it and try again."""
        while self._unsaid:
            draft = self._unsaid[0]
            try:
                self._on_events(await self._store.commit(None, [draft]))
            except GatewayError as error:
                say = log.debug if self._refused.is_set() else log.warning
                say("alarms wait: they could not be stored", what=draft.subject, why=str(error))
                self._refused.set()
                await asyncio.sleep(self._retry_s)
                continue
            self._refused.clear()
            # While the store was busy the oldest may have been given up.
            if self._unsaid and self._unsaid[0] is draft:
                self._unsaid.popleft()
            if self._lost and not self._unsaid:
                self._tell_losses()

    def _tell_losses(self) -> None:
        message = f"{self._lost} alarms were lost while the store refused; the log has them"
        self._lost = 0
        now = self._clock.now()
        lost = OpenFault("alarms", now, message, "see the log of that time")
        self._keep(fault_event(self._ids.new(), "fault", lost, now, self._read_clock()))
