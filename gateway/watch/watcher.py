"""The dispatcher's library: every event of many gateways once, in order of arrival, across restarts.

    async with Watcher(["mqtt://broker"], state=Path("watch.db")) as watcher:
        async for event in watcher.follow("desk"):
            ...

What comes is committed to `Memory` in batches and only then handed on; what is missing is asked for again
(`Repair`). A consumer is known by its name and goes on where it was: an event counts as handled when the next
one is asked for. Everything runs on one asyncio loop.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self
from uuid import uuid4

from gateway.publish.broker import Address, Broker
from gateway.publish.connection import LinkDown, Message
from gateway.publish.link import BackOff
from gateway.watch.document import Event
from gateway.watch.ear import Ear
from gateway.watch.memory import Memory, MemoryUnavailable
from gateway.watch.numbers import ranges_in_words
from gateway.watch.repair import GRACE_S, Repair, read_answer
from gateway.watch.scope import root_of, scope_of, shared, source_of
from gateway.watch.worklist import PATIENCE_S, Work, WorkList

BATCH: Final = 512
MOST_WAITING: Final = 100_000
"""More messages than this unread are dropped; what they were is missing then, and asked for again."""
ANSWER_WITHIN_S: Final = 10.0
CHECK_EVERY_S: Final = 60.0
CURSOR_EVERY: Final = 64
LOOK_EVERY_S: Final = 0.1
"""How often an idle worker looks at what the others of its group have taken."""
RETRY_S: Final = 1.0
WORKING: Final = "worker"

OnState = Callable[[str, Mapping[str, Any] | None, bool], None]
"""Is told (topic, document or None when cleared, whether it was retained)."""
OnNote = Callable[[str, str], None]
"""Is told (source or broker, words) of what the dispatcher's own end has to say."""


class Watcher:
    """Follows the gateways of one or many brokers. Use as `async with`, then `follow`."""

    def __init__(
        self,
        brokers: Sequence[Broker | str],
        *,
        state: Path | None = None,
        root: str = "rg/v1/#",
        share: str | None = None,
        keep_events: int = 200_000,
        repair: bool = True,
        on_state: OnState = lambda *_: None,
        on_note: OnNote = lambda *_: None,
        back_off: Callable[[], BackOff] = BackOff,
        grace_s: float = GRACE_S,
        check_every_s: float = CHECK_EVERY_S,
    ) -> None:
        """Open the memory; nothing is connected yet.

        Args:
            brokers: each an address such as mqtt://host:1883, or a `Broker` with credentials.
            state: the dispatcher's file; None remembers nothing after the process ends.
            root: what to follow; see `scope_of`.
            share: the name of a group of workers on this machine, each a watcher with the same `state`, among
                whom the broker divides the events; then `work` instead of `follow`. MQTT 5 brokers only.
            keep_events: how many of the newest events are kept for consumers and to know repeats by.
            repair: whether to ask gateways for what is missing; needs leave to publish to cmd/resync.
            on_state: is told state documents as they come.
            on_note: is told of gaps, losses and connections.
            back_off: makes the waiting times between connections.
            grace_s: how long what is on its way is waited for before it is asked for.
            check_every_s: how often each gateway is asked how far it is, should all else fail.

        Raises:
            UsageError: nothing can come on `root`. ValueError: an address makes no sense.
            MemoryUnavailable: the file cannot be used.
        """
        self._scope = scope_of(root)
        self._memory = Memory(state, keep_events=keep_events)
        self._repairs_on = repair and self._scope.is_whole
        self._on_state, self._on_note = on_state, on_note
        self._grace_s, self._check_every_s = grace_s, check_every_s
        self._inbox: deque[tuple[Ear, Message]] = deque()
        self._came = asyncio.Event()
        self._news = asyncio.Event()
        self._answers: dict[str, asyncio.Future[Mapping[str, Any]]] = {}
        self._repairs: dict[str, Repair] = {}
        self._given: dict[str, int] = {}
        self._handled: dict[str, int] = {}
        self._ear_of: dict[str, Ear] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._failure: MemoryUnavailable | None = None
        self._share = share
        self._reply = f"watch-{uuid4().hex[:12]}"
        if share is None:
            self._reply = self._memory.meta("client_id", self._reply)
        filters = [*self._scope.filters] if share is None else list(shared(self._scope.filters, share))
        if self._repairs_on:
            filters += [f"{base}/rsp/{self._reply}" for base in self._scope.roots]
        self._ears = [
            self._ear(
                broker if isinstance(broker, Broker) else Broker(Address.parse(broker)), filters, back_off()
            )
            for broker in brokers
        ]
        self.repeats = self.unreadable = self.dropped = 0

    @property
    def is_connected(self) -> bool:
        """True while every broker's subscription stands."""
        return all(ear.is_connected for ear in self._ears)

    @property
    def is_worker(self) -> bool:
        """True when events are divided with others: `work` gives them, not `follow`."""
        return self._share is not None

    @property
    def memory(self) -> Memory:
        """What is remembered: the last state of each incident, roll-call and gateway."""
        return self._memory

    def _ear(self, broker: Broker, filters: Sequence[str], back_off: BackOff) -> Ear:
        ear: Ear

        def hear(message: Message) -> None:
            if len(self._inbox) >= MOST_WAITING:
                self.dropped += 1
                return
            self._inbox.append((ear, message))
            self._came.set()

        def trouble(words: str | None) -> None:
            address = str(broker.address)
            told = (words or "connected").removeprefix(f"{address}: ")
            self._on_note(address, told if words is None else f"{told}; trying again")
            if words is None:
                for source, repair in self._repairs.items():
                    if self._ear_of.get(source) is ear:
                        repair.check()

        ear = Ear(broker, self._reply, filters, on_message=hear, on_trouble=trouble, back_off=back_off)
        return ear

    async def __aenter__(self) -> Self:
        for source in self._memory.sources:
            self._ear_of[source] = self._ears[0]
            self._look_after(source)
        for ear in self._ears:
            ear.start()
        self._tasks = [
            asyncio.create_task(self._drain(), name="watch-drain"),
            asyncio.create_task(self._check_all(), name="watch-check"),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        for ear in self._ears:
            await ear.stop()
        for repair in self._repairs.values():
            await repair.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(MemoryUnavailable):
            self._take_waiting()
        self._memory.close()

    async def __aiter__(self) -> AsyncIterator[Event]:
        async for event in self.follow("default"):
            yield event

    async def follow(self, consumer: str, *, from_now: bool = False) -> AsyncGenerator[Event, None]:
        """Give every event once, going on where this consumer was when it stopped.

        A new consumer begins with the oldest event kept, or with what comes `from_now` on. When a consumer
        was away so long that events were forgotten, `on_note` is told how many.

        Raises:
            MemoryUnavailable: the file failed; what was not handed on yet comes after a restart.
        """
        position = self._memory.cursor(consumer)
        if position is None:
            oldest, newest = self._memory.span()
            position = newest if from_now else oldest - 1
            self._memory.move_cursor(consumer, position)
        handled = position
        try:
            while True:
                self._news.clear()
                events = self._memory.after(position)
                if not events:
                    if handled != position:
                        handled = position
                        self._memory.move_cursor(consumer, position)
                    if self._failure is not None:
                        raise self._failure
                    await self._news.wait()
                    continue
                self._tell_skipped(consumer, position, events[0][0])
                for at, event in events:
                    self._given[consumer] = at
                    yield event
                    position = at
                    if position - handled >= CURSOR_EVERY:
                        handled = position
                        self._memory.move_cursor(consumer, position)
        finally:
            position = max(position, self._handled.pop(consumer, 0))
            if handled != position:
                with contextlib.suppress(MemoryUnavailable):
                    self._memory.move_cursor(consumer, position)

    async def work(self, *, patience_s: float = PATIENCE_S) -> AsyncGenerator[Event, None]:
        """Give this worker its part of the group's events; each goes to one worker of the group.

        Those of one incident, roll-call or (all others) gateway are given one after the other in the order
        of their numbers, the next when the one before is handled: when its worker asks for another. What a
        dead worker had in hand another one gets within a minute, so an event may come twice then. What is
        missing before an event is waited for `patience_s`.

        Raises:
            MemoryUnavailable: the file failed.
        """
        assert self._share is not None, "work() is for watchers with a `share`"
        todo = WorkList(self._memory, self._share, self._reply, patience_s=patience_s)
        hand: deque[Work] = deque()
        try:
            while True:
                hand.extend(todo.claim())
                if not hand:
                    self._news.clear()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_EVERY_S):
                            await self._news.wait()
                while hand:
                    yield hand[0].event
                    todo.done([hand.popleft().position])
        finally:
            if hand and self._handled.pop(WORKING, None) is not None:
                todo.done([hand.popleft().position])
            todo.release([one.position for one in hand])

    def handled(self, consumer: str = WORKING) -> None:
        """Say that the last event given is handled too, though no next one is asked for before the end."""
        if consumer == WORKING:
            self._handled[WORKING] = 1
        elif (position := self._given.get(consumer)) is not None:
            self._handled[consumer] = position

    def _tell_skipped(self, consumer: str, position: int, next_position: int) -> None:
        oldest, _ = self._memory.span()
        if position + 1 < oldest == next_position:
            self._on_note(consumer, f"was away too long: {oldest - position - 1} events are forgotten")

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish something on the first broker.

        Raises:
            LinkDown: there is no connection.
        """
        await self._ears[0].publish(topic, payload, retain=retain)

    async def ask(self, source: str, command: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send a command to a gateway and return its answer.

        Raises:
            TimeoutError: no answer came. LinkDown: there is no connection to its broker.
        """
        root, ear = root_of(source), self._ear_of.get(source, self._ears[0])
        if root is None:
            raise LinkDown(f"{source} is no gateway of ours")
        name = uuid4().hex
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[name] = answer
        try:
            request = {"id": name, "reply_to": self._reply, "by": "watch", **fields}
            await ear.publish(f"{root}/cmd/{command}", json.dumps(request).encode())
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await answer
        finally:
            self._answers.pop(name, None)

    async def _drain(self) -> None:
        """Take what came, batch by batch; a file that fails is tried again, since what is unread waits."""
        while True:
            await self._came.wait()
            self._came.clear()
            try:
                while self._inbox:
                    self._take_waiting()
                    # between two batches the loop serves consumers and keep-alives
                    await asyncio.sleep(0)
                self._failure = None
            except MemoryUnavailable as error:
                self._failure = error
                self._news.set()
                self._came.set()
                await asyncio.sleep(RETRY_S)

    def _take_waiting(self) -> None:
        batch = [self._inbox[at] for at in range(min(BATCH, len(self._inbox)))]
        documents = []
        for ear, message in batch:
            source = source_of(message.topic)
            if "/evt/" in message.topic:
                documents.append(message.payload)
                if source is not None:
                    self._ear_of[source] = ear
        gaps = {source: len(state.missing) for source, state in self._memory.sources.items()}
        taken = self._memory.take(documents)
        for _ in batch:
            self._inbox.popleft()
        self.repeats += taken.repeats
        self.unreadable += taken.unreadable
        for source in taken.anew:
            self._on_note(source, "numbers its events anew; its database was replaced")
        for source in taken.touched:
            self._tell_gap(source, gaps.get(source, 0))
            self._look_after(source).look()
        for ear, message in batch:
            if "/evt/" not in message.topic:
                self._hear_other(ear, message)
        if taken.new:
            self._news.set()

    def _tell_gap(self, source: str, before: int) -> None:
        if self._share is not None:
            return  # what is not here yet is in another worker's hands; `Repair` tells what stays away
        missing = self._memory.sources[source].missing
        now = len(missing)
        if now > before:
            self._on_note(source, f"{now} events missing: {ranges_in_words(list(missing))}")
        elif before and not now:
            self._on_note(source, "nothing is missing any more")

    def _hear_other(self, ear: Ear, message: Message) -> None:
        source = source_of(message.topic)
        if source is None:
            return
        if "/rsp/" in message.topic:
            answer = read_answer(message.payload)
            waiting = self._answers.get(answer["id"]) if answer is not None else None
            if waiting is not None and answer is not None and not waiting.done():
                waiting.set_result(answer)
            return
        document = _read_state(message.payload)
        if document is None and message.payload:
            self.unreadable += 1
            return
        suffix = message.topic.partition("/state/")[2]
        kind, _, key = suffix.partition("/")
        # ids of incidents and roll-calls are unique; what else gateways tell of, each tells of its own
        named = key if kind in {"incident", "rollcall", "drill"} else f"{source} {key}".strip()
        self._memory.take_state(source, kind, named, document)
        if kind == "availability" and document is not None and document.get("state") == "online":
            self._ear_of[source] = ear
            self._look_after(source).check()
        self._on_state(message.topic, document, message.retained)

    def _look_after(self, source: str) -> Repair:
        repair = self._repairs.get(source)
        if repair is None:

            async def ask(command: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
                return await self.ask(source, command, fields)

            first_s = min(1.0, 2 * self._grace_s)
            repair = Repair(
                source, self._memory, ask, self._on_note, grace_s=self._grace_s, first_back_off_s=first_s
            )
            self._repairs[source] = repair
            if self._repairs_on:
                repair.start()
        return repair

    async def _check_all(self) -> None:
        while True:
            await asyncio.sleep(self._check_every_s)
            for repair in self._repairs.values():
                repair.check()


def _read_state(payload: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(payload) if payload else None
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
