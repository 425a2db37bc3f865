"""Publishes stored events once more, in order, at a pace that leaves the link to live events."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence

import structlog

from gateway.errors import GatewayError
from gateway.events import CONTENT_TYPE, MAX_EVENT_BYTES, CloudEvent
from gateway.publish.commands import RefusedCommand
from gateway.publish.link import Link, Rejected
from gateway.publish.states import json_bytes
from gateway.publish.topics import event_topic

log = structlog.get_logger()

BATCH = 100
PER_S = 200.0

EventsSince = Callable[[int, int], Awaitable[Sequence[CloudEvent]]]
"""(sequence, limit) to the events numbered above it, oldest first."""


class Replay:
    """Sends events again, each marked `replayed`, one replay at a time. All on one asyncio loop.

    An event goes out only after the broker has answered for the one before. When the connection ends, the
    replay ends with it: whoever asked sees the gap in the sequence and asks again.
    """

    def __init__(self, events_since: EventsSince, link: Link, root: str, *, per_s: float = PER_S) -> None:
        self._events_since = events_since
        self._link = link
        self._root = root
        self._pause_s = 1.0 / per_s
        self._task: asyncio.Task[None] | None = None
        self.sent = 0

    @property
    def is_running(self) -> bool:
        """True while a replay is under way."""
        return self._task is not None and not self._task.done()

    async def begin(self, first: int, last: int) -> int | None:
        """Start to send the events numbered `first` to `last`.

        Returns:
            The number of the first event that is still kept and will be sent, None when there is none.

        Raises:
            RefusedCommand: another replay is under way.
            StoreUnavailable: the events cannot be read.
        """
        if self.is_running:
            raise RefusedCommand("busy", "a resync is under way; ask again when it is over")
        oldest = await self._events_since(first - 1, 1)
        if not oldest or int(oldest[0].sequence) > last:
            return None
        self._task = asyncio.create_task(self._send_all(first, last), name="resync")
        return int(oldest[0].sequence)

    async def stop(self) -> None:
        """End a replay that is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _send_all(self, first: int, last: int) -> None:
        sent = 0
        loop = asyncio.get_running_loop()
        try:
            after = first - 1
            while after < last and (events := await self._events_since(after, BATCH)):
                for event in events:
                    after = int(event.sequence)
                    if after > last:
                        break
                    due_s = loop.time() + self._pause_s
                    sent += await self._send(event)
                    await asyncio.sleep(max(0.0, due_s - loop.time()))
        except GatewayError as error:
            log.warning("resync broken off", sent=sent, reason=str(error))
            return
        finally:
            self.sent += sent
        log.info("resync done", first=first, last=last, sent=sent)

    async def _send(self, event: CloudEvent) -> bool:
        document = json.loads(event.to_json())
        document["data"]["replayed"] = True
        payload = json_bytes(document)
        if len(payload) > MAX_EVENT_BYTES:
            log.warning("event too large to send again", sequence=event.sequence, size_bytes=len(payload))
            return False
        verdict = await self._link.publish(
            event_topic(self._root, event.kind), payload, content_type=CONTENT_TYPE
        )
        if isinstance(verdict, Rejected):
            log.warning("event refused again", sequence=event.sequence, reason=str(verdict))
            return False
        return True
