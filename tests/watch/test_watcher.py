"""The dispatcher's library against real gateways' MQTT sides on a real mosquitto, cut off at random."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.dispatcher import disconnects
from gateway.publish.link import BackOff
from gateway.watch.watcher import Watcher
from tests.support.mosquitto import Mosquitto
from tools.standin import Standin

pytestmark = pytest.mark.broker


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Any]:
    with Mosquitto(tmp_path / "broker") as running:
        yield running


def watcher(url: str, state: Path | None, notes: list[str] | None = None, **more: Any) -> Watcher:
    told = notes if notes is not None else []
    return Watcher(
        [url], state=state, grace_s=0.05, back_off=lambda: BackOff(0.05, 0.2),
        on_note=lambda about, words: told.append(f"{about} {words}"), **more,
    )  # fmt: skip


async def until(holds: Callable[[], object], within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - what it looks at sets no event
            await asyncio.sleep(0.01)


async def take(stream: Any, count: int, within_s: float = 20.0) -> list[int]:
    async with asyncio.timeout(within_s):
        return [int((await anext(stream))["sequence"]) for _ in range(count)]


def test_no_event_is_lost_or_doubled_when_either_side_is_cut_off(tmp_path: Path) -> None:
    told = asyncio.run(disconnects(tmp_path, 24, gateways=2))
    assert told["cuts"] >= 24
    assert told["said"] > 50
    assert (told["lost"], told["doubled"]) == (0, 0)


def test_what_was_said_while_the_dispatcher_was_away_is_fetched_and_it_goes_on_where_it_was(
    broker: Any, tmp_path: Path
) -> None:
    async def life() -> tuple[list[int], list[int], list[str]]:
        gateway = Standin("g1", broker.url, tmp_path / "g1")
        await gateway.start()
        notes: list[str] = []
        try:
            async with watcher(broker.url, tmp_path / "watch.db") as first:
                stream = first.follow("desk")
                before = asyncio.create_task(take(stream, 2))
                await until(lambda: first.is_connected)
                await gateway.say("one", "two")
                had = await before
                first.handled("desk")
                await stream.aclose()
            await gateway.say("three", "four")
            await gateway.drained(10.0)
            async with watcher(broker.url, tmp_path / "watch.db", notes) as second:
                stream = second.follow("desk")
                got = await take(stream, 2)
                await stream.aclose()
        finally:
            await gateway.stop()
        return had, got, notes

    had, got, _ = asyncio.run(life())
    assert had == [1, 2]
    assert got == [3, 4]


def test_what_a_gateway_no_longer_keeps_is_told_and_not_asked_for_again(broker: Any, tmp_path: Path) -> None:
    async def life() -> tuple[list[int], list[str], int]:
        gateway = Standin("g1", broker.url, tmp_path / "g1")
        await gateway.start()
        notes: list[str] = []
        try:
            async with watcher(broker.url, tmp_path / "watch.db") as first:
                stream = first.follow("desk")
                got = asyncio.create_task(take(stream, 1))
                await until(lambda: first.is_connected)
                await gateway.say("one")
                await got
                first.handled("desk")
                await stream.aclose()
            await gateway.say("two", "three")
            await gateway.drained(10.0)
            await gateway.store.do(lambda book: book._db.execute("DELETE FROM events WHERE sequence <= 2"))
            async with watcher(broker.url, tmp_path / "watch.db", notes) as second:
                stream = second.follow("desk")
                had = await take(stream, 1)
                await stream.aclose()
                state = second.memory.sources[gateway.source]
                await until(lambda: not state.missing)
        finally:
            await gateway.stop()
        return had, notes, state.lost

    had, notes, lost = asyncio.run(life())
    assert had == [3]
    assert lost == 1
    assert any("1 events are no longer kept there: 2-2" in note for note in notes)


def test_an_event_that_was_not_handled_is_given_again(broker: Any, tmp_path: Path) -> None:
    async def life() -> tuple[list[int], list[int]]:
        gateway = Standin("g1", broker.url, tmp_path / "g1")
        await gateway.start()
        try:
            async with watcher(broker.url, tmp_path / "watch.db") as first:
                stream = first.follow("desk")
                got = asyncio.create_task(take(stream, 2))
                await until(lambda: first.is_connected)
                await gateway.say("one", "two")
                had = await got
                await stream.aclose()
        finally:
            await gateway.stop()
        async with watcher(broker.url, tmp_path / "watch.db") as second:
            stream = second.follow("desk")
            again = await take(stream, 1)
            await stream.aclose()
        return had, again

    assert asyncio.run(life()) == ([1, 2], [2])


def test_two_brokers_are_followed_as_one(broker: Any, tmp_path: Path) -> None:
    async def life(other: Any) -> set[str]:
        gateways = [
            Standin("g1", broker.url, tmp_path / "g1"),
            Standin("g2", other.url, tmp_path / "g2"),
        ]
        both = Watcher([broker.url, other.url], grace_s=0.05)
        async with both:
            for gateway in gateways:
                await gateway.start()
            try:
                await until(lambda: both.is_connected)
                for gateway in gateways:
                    await gateway.say("hello")
                stream = both.follow("desk")
                async with asyncio.timeout(20.0):
                    sources = {(await anext(stream))["source"] for _ in gateways}
                answers = [await both.ask(gateway.source, "ping", {}) for gateway in gateways]
                assert [answer["gateway"] for answer in answers] == [g.source for g in gateways]
                await stream.aclose()
            finally:
                for gateway in gateways:
                    await gateway.stop()
        return sources

    with Mosquitto(tmp_path / "other") as other:
        assert len(asyncio.run(life(other))) == 2
