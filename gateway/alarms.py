"""Tells what is wrong: one `gateway.fault` when it begins, one `gateway.recovered` when it is over."""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Literal

import structlog

from gateway.clock import Clock, IdSource
from gateway.drafts import fault_event
from gateway.errors import GatewayError
from gateway.events import ClockReading, CloudEvent
from gateway.faults import FaultBook, OpenFault
from gateway.store.store import Store

log = structlog.get_logger()


class Alarms:
    """Raises and ends alarms, on the loop. A fault is logged once as an error, its repeats at debug."""

    def __init__(
        self,
        store: Store,
        ids: IdSource,
        clock: Clock,
        read_clock: Callable[[], ClockReading],
        on_events: Callable[[list[CloudEvent]], None],
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._read_clock = read_clock
        self._on_events = on_events
        self._book = FaultBook()
        self._saying: set[asyncio.Task[None]] = set()
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

    async def settle(self) -> None:
        """Wait until everything said is stored."""
        await asyncio.gather(*self._saying, return_exceptions=True)

    def _say(self, verb: Literal["fault", "recovered"], fault: OpenFault) -> None:
        draft = fault_event(self._ids.new(), verb, fault, self._clock.now(), self._read_clock())

        async def say() -> None:
            try:
                self._on_events(await self._store.commit(None, [draft]))
            except GatewayError as error:
                log.error("alarm could not be stored", what=fault.what, why=str(error))  # noqa: TRY400

        task = asyncio.create_task(say())
        self._saying.add(task)
        task.add_done_callback(self._saying.discard)
