"""Fetches what is missing of one gateway's events: asks how far it is, has sent again what did not come."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from gateway.publish.connection import LinkDown
from gateway.publish.link import BackOff
from gateway.watch.memory import Memory
from gateway.watch.numbers import ranges_in_words

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""(command, fields) to the gateway's answer; raises TimeoutError or LinkDown when none comes."""

GRACE_S: Final = 0.5
"""What is on its way gets this long before it counts as missing."""
PAUSES: Final = 4
"""A flow may pause for so many times that before what it has left out is asked for."""
FLOWS_AT_MOST_S: Final = 120.0
"""100,000 events that have waited come in less; what is missing for longer is asked for, flow or not."""
MOST_AT_ONCE: Final = 5_000
RESYNC_PER_S: Final = 200.0
"""What the gateway sends again in a second; see gateway.publish.resync."""
PATIENCE: Final = 3.0
TRIES: Final = 5
_BACKS_OFF: Final = frozenset({"busy", "too_many", "unavailable", "failed", "replayed"})


class Repair:
    """One gateway's. `check` asks how far it is, `look` fetches what is missing. On one asyncio loop."""

    def __init__(
        self,
        source: str,
        memory: Memory,
        ask: Ask,
        on_note: Callable[[str, str], None],
        *,
        grace_s: float = GRACE_S,
        first_back_off_s: float = 1.0,
    ) -> None:
        """Make it for one source; nothing is asked yet."""
        self._source = source
        self._memory = memory
        self._ask = ask
        self._on_note = on_note
        self._grace_s = grace_s
        self._back_off = BackOff(first_back_off_s, 60.0)
        self._changed = asyncio.Event()
        self._wants_check = False
        self._task: asyncio.Task[None] | None = None
        self._refused: str | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._task = asyncio.create_task(self._run(), name=f"repair-{self._source}")

    async def stop(self) -> None:
        """End. May be called twice."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def check(self) -> None:
        """Ask the gateway how far it is: there is a connection again, or the gateway is."""
        self._wants_check = True
        self._changed.set()

    def look(self) -> None:
        """Look whether something is missing: an event came."""
        self._changed.set()

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                if self._wants_check:
                    self._wants_check = False
                    await self._compare()
                await self._fetch()
            except (TimeoutError, LinkDown):
                # Nobody there: the next connection, availability or event begins again.
                continue

    async def _compare(self) -> None:
        answer = await self._ask("ping", {})
        result = answer.get("result")
        newest = result.get("last_sequence") if isinstance(result, Mapping) else None
        if isinstance(newest, int):
            await asyncio.sleep(self._grace_s)
            self._memory.note_newest(self._source, newest)

    async def _fetch(self) -> None:
        tries = 0
        while (state := self._memory.sources.get(self._source)) and state.missing:
            ranges = await self._still_missing()
            if not ranges:
                return
            first = ranges[0][0]
            last = min(ranges[-1][1], first + MOST_AT_ONCE - 1)
            before = len(state.missing)
            answer = await self._ask("resync", {"from_sequence": first, "to_sequence": last})
            if answer.get("ok") is not True:
                if not await self._refusal(answer):
                    return
                continue
            self._refused = None
            self._no_longer_kept(first, last, answer)
            await self._come(last, last - first + 1)
            state = self._memory.sources[self._source]
            if len(state.missing) < before:
                tries = 0
                self._back_off.reset()
                continue
            tries += 1
            if tries >= TRIES:
                lost = self._memory.note_lost(self._source, first, last)
                self._on_note(self._source, f"{lost} events were sent again and never came: {first}-{last}")
                tries = 0

    async def _still_missing(self) -> list[tuple[int, int]]:
        """Return what has not come by itself: a backlog that flows in is late, and not missing.

        Asked for too early, all of it would come twice.
        """
        loop = asyncio.get_running_loop()
        deadline, pauses_left, flows = loop.time() + FLOWS_AT_MOST_S, 1, False
        left = len(self._memory.sources[self._source].missing)
        while left and pauses_left and loop.time() < deadline:
            await asyncio.sleep(self._grace_s)
            now = len(self._memory.sources[self._source].missing)
            flows = flows or now < left
            pauses_left = PAUSES if flows and now < left else pauses_left - 1
            left = min(left, now)
        return list(self._memory.sources[self._source].missing)

    async def _refusal(self, answer: Mapping[str, Any]) -> bool:
        """Wait before asking again; return False when asking again is of no use."""
        code, reason = str(answer.get("code")), str(answer.get("reason"))
        if code in _BACKS_OFF:
            await asyncio.sleep(self._back_off.next_s())
            return True
        if self._refused != code:
            self._refused = code
            missing = self._memory.sources[self._source].missing
            self._on_note(
                self._source, f"{ranges_in_words(list(missing))} missing, and resync is refused: {reason}"
            )
        return False

    def _no_longer_kept(self, first: int, last: int, answer: Mapping[str, Any]) -> None:
        result = answer.get("result")
        oldest = result.get("first_sequence") if isinstance(result, Mapping) else None
        until = oldest - 1 if isinstance(oldest, int) else last
        if until < first:
            return
        if lost := self._memory.note_lost(self._source, first, until):
            self._on_note(self._source, f"{lost} events are no longer kept there: {first}-{until}")

    async def _come(self, last: int, count: int) -> None:
        """Wait for what was asked for, as long as the gateway may take for it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._grace_s * 4 + PATIENCE * count / RESYNC_PER_S
        while loop.time() < deadline:
            ranges = list(self._memory.sources[self._source].missing)
            if not ranges or ranges[0][0] > last:
                return
            await asyncio.sleep(min(0.1, self._grace_s))


def read_answer(payload: bytes) -> Mapping[str, Any] | None:
    """Read what a gateway answered, None when it is no answer."""
    try:
        answer = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) and isinstance(answer.get("id"), str) else None
