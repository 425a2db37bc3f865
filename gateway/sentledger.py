"""What the gateway sends becomes an event, whatever happens: a kill, a power cut, a store that refuses.

begun ─► note on disk ─► PTT … released ─► told: event stored, note gone
                          └─ killed ─► the next start finds the note: event with ended "killed"
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.alarms import Alarms
from gateway.clock import IdSource
from gateway.drafts import sent_event
from gateway.errors import GatewayError
from gateway.events import ClockReading, CloudEvent
from gateway.speak.transmitter import Sent
from gateway.store.logbook import Logbook
from gateway.store.sendings import SendingNotes
from gateway.store.store import Store

log = structlog.get_logger()

RETRY_S: Final = 5.0
_ACTION: Final = "free disk space in data_dir"


class _Note(BaseModel):
    """What is needed to make the event later. `event_id` tells whether that was done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: str
    radio_id: str
    sent: Sent


class SentLedger:
    """Makes `transmission.sent` durable. Use from the asyncio loop: `take_up` once, `stop` last."""

    def __init__(
        self,
        store: Store,
        notes: SendingNotes,
        alarms: Alarms,
        ids: IdSource,
        read_clock: Callable[[], ClockReading],
        on_events: Callable[[list[CloudEvent]], None],
        *,
        retry_s: float = RETRY_S,
    ) -> None:
        self._store = store
        self._notes = notes
        self._alarms = alarms
        self._ids = ids
        self._read_clock = read_clock
        self._on_events = on_events
        self._retry_s = retry_s
        self._event_ids: dict[str, str] = {}
        self._waiting: set[asyncio.Task[None]] = set()

    async def take_up(self) -> None:
        """Tell what an earlier run sent and could not tell."""
        try:
            left = await asyncio.to_thread(self._notes.left)
        except GatewayError as error:
            self._alarms.fault("sending", str(error), _ACTION)
            return
        damaged: list[str] = []
        for transmission_id, content in left.items():
            try:
                note = _Note.model_validate_json(content)
            except ValidationError:
                damaged.append(str(await asyncio.to_thread(self._notes.set_aside, transmission_id)))
                continue
            log.warning("sent in an earlier run, told now", id=transmission_id, ended=note.sent.ended)
            await self._tell(note)
        if damaged:
            message = f"notes of what was sent cannot be read: {', '.join(damaged)}"
            self._alarms.fault("sending", message, "listen to the spool of that time; delete the files")
        else:
            self._alarms.recovered("sending")

    async def begun(self, radio_id: str, sent: Sent) -> None:
        """Note what is about to be sent; when the disk refuses, that is told and it is sent all the same."""
        note = _Note(event_id=self._ids.new(), radio_id=radio_id, sent=sent)
        self._event_ids[sent.transmission_id] = note.event_id
        await self._keep(note)

    async def unsaid(self, transmission_id: str) -> None:
        """Forget what was begun: nothing was keyed."""
        self._event_ids.pop(transmission_id, None)
        await self._forget(transmission_id)

    async def told(self, radio_id: str, sent: Sent) -> None:
        """Store the event; while the store refuses, keep trying beside what is said next."""
        event_id = self._event_ids.pop(sent.transmission_id, None) or self._ids.new()
        await self._tell(_Note(event_id=event_id, radio_id=radio_id, sent=sent))

    async def stop(self) -> None:
        """Give what waits a last moment; what is not stored then is on disk for the next start."""
        if self._waiting:
            await asyncio.wait(self._waiting, timeout=self._retry_s)
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    async def _tell(self, note: _Note) -> None:
        try:
            await self._commit(note)
        except GatewayError as error:
            self._alarms.fault("store", str(error), _ACTION)
            await self._keep(note)
            task = asyncio.create_task(self._until_stored(note), name="sent-waits")
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    async def _until_stored(self, note: _Note) -> None:
        while True:
            await asyncio.sleep(self._retry_s)
            try:
                await self._commit(note)
            except GatewayError as error:
                log.debug("transmission.sent waits", why=str(error))
            else:
                return

    async def _commit(self, note: _Note) -> None:
        draft = sent_event(note.event_id, note.radio_id, note.sent, self._read_clock())

        def once(logbook: Logbook) -> list[CloudEvent]:
            # Killed between storing the event and removing the note.
            return [] if logbook.events.has(note.event_id) else logbook.commit(None, [draft])

        self._on_events(await self._store.do(once))
        await self._forget(note.sent.transmission_id)

    async def _keep(self, note: _Note) -> None:
        content = note.model_dump_json().encode()
        try:
            await asyncio.to_thread(self._notes.write, note.sent.transmission_id, content)
        except GatewayError as error:
            self._alarms.fault("sending", str(error), _ACTION)
        else:
            self._alarms.recovered("sending")

    async def _forget(self, transmission_id: str) -> None:
        try:
            await asyncio.to_thread(self._notes.forget, transmission_id)
        except GatewayError as error:
            # The next start sees that the event is stored.
            log.warning("note stays", id=transmission_id, why=str(error))
