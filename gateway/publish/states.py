"""Retained state documents: the last value of each, kept on the broker across reconnects."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import structlog

from gateway.faultpoints import passing
from gateway.publish.connection import LinkDown
from gateway.publish.link import Link, Rejected
from gateway.publish.topics import state_topic

log = structlog.get_logger()


class RetainedStates:
    """What `state/<suffix>` should hold, and which of it the broker has yet to be told."""

    def __init__(self, link: Link, root: str) -> None:
        self._link = link
        self._root = root
        self._wanted: dict[str, bytes] = {}
        self._stale: dict[str, None] = {}
        self._putting: asyncio.Task[None] | None = None

    @property
    def is_settled(self) -> bool:
        """True when the broker has been told everything."""
        return not self._stale and self.task is None

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The task that is telling the broker now, None when none is."""
        return self._putting if self._putting is not None and not self._putting.done() else None

    def want(self, suffix: str, document: Mapping[str, Any] | None) -> bool:
        """Set what a topic should hold, None for nothing; return whether that is news."""
        state_topic(self._root, suffix)
        payload = b"" if document is None else json_bytes(document)
        if self._wanted.get(suffix) == payload:
            return False
        self._wanted[suffix] = payload
        self._stale[suffix] = None
        return True

    def forget_connection(self) -> None:
        """Count everything as untold: a broker without persistence comes back empty."""
        self._stale.update(dict.fromkeys(self._wanted))

    def start_putting(self) -> None:
        """Begin to tell the broker what it has not been told."""
        if self._stale and self.task is None:
            self._putting = asyncio.create_task(self._put_stale())

    async def _put_stale(self) -> None:
        try:
            while self._stale:
                await self.put(next(iter(self._stale)))
        except LinkDown:
            pass  # all of it is stale again on the next connection

    async def put(self, suffix: str) -> None:
        """Tell the broker one topic's document now. Raises LinkDown; a refusal is logged."""
        self._stale.pop(suffix, None)
        payload = self._wanted.get(suffix)
        if payload is None:
            return
        topic = state_topic(self._root, suffix)
        verdict = await self._link.publish(topic, payload, retain=True)
        passing("state.published")
        if isinstance(verdict, Rejected):
            log.warning("state refused", topic=topic, reason=str(verdict))
        if not payload and self._wanted.get(suffix) == b"":
            del self._wanted[suffix]


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """Write JSON compactly, in UTF-8."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
