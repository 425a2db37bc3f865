"""Store, pump, link and a real mosquitto together: nothing is lost, whatever the broker does."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.events import Draft
from gateway.publish.broker import Address, Broker
from gateway.publish.link import BackOff, PahoLink
from gateway.publish.pump import Pump
from gateway.publish.subscribe import Sieve, Subscriber
from gateway.store import Store

pytestmark = pytest.mark.broker

SOURCE = "urn:radio-gateway:gz:tianhe:shipai"
ROOT = "rg/v1/gz/tianhe/shipai"
MakeBroker = Callable[..., Any]
MakeDraft = Callable[..., Draft]


@dataclass
class Station:
    """A gateway's sending half."""

    store: Store
    link: PahoLink
    pump: Pump
    aside: list[str] = field(default_factory=list)

    async def say(self, drafts: list[Draft]) -> None:
        for draft in drafts:
            await self.store.commit(None, [draft])
            self.pump.wake()


@asynccontextmanager
async def station(data_dir: Path, url: str) -> AsyncIterator[Station]:
    clock = SystemClock()
    store = await Store.open(data_dir, SOURCE, clock)
    aside: list[str] = []
    link = PahoLink(Broker(Address.parse(url)), ROOT, clock, store.next_session, back_off=BackOff(0.05, 0.2))
    pump = Pump(
        store.outbox,
        link,
        ROOT,
        clock,
        back_off=BackOff(0.05, 0.1),
        on_set_aside=lambda row, reason: aside.append(f"{row.position}: {reason}"),
    )
    link.start()
    pump.start()
    try:
        yield Station(store, link, pump, aside)
    finally:
        await pump.stop()
        await link.stop()
        await store.close()


@dataclass
class Ears:
    """What a dispatcher has: every message as it came, and what the sieve let through."""

    subscriber: Subscriber
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def sequences(self) -> list[int]:
        return [int(event["sequence"]) for event in self.events]

    async def have(self, count: int) -> None:
        async with asyncio.timeout(40):
            while len(self.events) < count:  # noqa: ASYNC110 - polls what the broker sends
                await asyncio.sleep(0.02)


@asynccontextmanager
async def dispatcher(url: str, session_expiry_s: int = 3600) -> AsyncIterator[Ears]:
    subscriber = Subscriber(
        Broker(Address.parse(url)),
        "dispatcher",
        [f"{ROOT}/evt/#"],
        session_expiry_s=session_expiry_s,
        back_off=BackOff(0.02, 0.1),
    )
    async with subscriber:
        ears = Ears(subscriber)

        async def listen() -> None:
            async for received in subscriber:
                assert received.document is not None
                ears.events.append(received.document)

        listening = asyncio.create_task(listen())
        try:
            yield ears
        finally:
            listening.cancel()


def test_500_events_arrive_in_order_once(
    tmp_path: Path, make_broker: MakeBroker, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        broker = make_broker()
        async with dispatcher(broker.url) as ears, station(tmp_path / "data", broker.url) as here:
            await ears.subscriber.subscribed()
            drafts = [make_draft(f"s{n}") for n in range(500)]
            await asyncio.gather(*(here.store.commit(None, [draft]) for draft in drafts))
            here.pump.wake()
            assert await here.pump.drained(30)
            await ears.have(500)
            assert ears.sequences == list(range(1, 501))
            assert {event["id"] for event in ears.events} == {draft.id for draft in drafts}
            assert ears.subscriber.sieve.missing(SOURCE) == []
            assert (await here.store.outbox.counts()).waiting == 0
            assert here.pump.counts.delivered == 500

    asyncio.run(scenario())


def test_a_broker_away_at_start_gets_everything_in_order_once_it_comes(
    tmp_path: Path, make_broker: MakeBroker, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        broker = make_broker(start=False)
        async with station(tmp_path / "data", broker.url) as here:
            await here.say([make_draft() for _ in range(20)])
            assert not await here.pump.drained(0.2)
            await asyncio.to_thread(broker.start)
            async with dispatcher(broker.url) as ears:
                await ears.subscriber.subscribed()
                await here.say([make_draft() for _ in range(20)])
                assert await here.pump.drained(30)
        assert here.pump.counts.delivered == 40

    asyncio.run(scenario())


def test_a_broker_restarted_in_the_middle_loses_nothing(
    tmp_path: Path, make_broker: MakeBroker, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        broker = make_broker()
        async with dispatcher(broker.url) as ears, station(tmp_path / "data", broker.url) as here:
            await ears.subscriber.subscribed()
            talking = asyncio.gather(here.say([make_draft() for _ in range(300)]))
            for _ in range(3):
                seen = here.pump.counts.delivered
                while here.pump.counts.delivered < seen + 40:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
                # Politely, so that the broker keeps what it has acknowledged; that part is its own promise.
                await asyncio.to_thread(broker.stop)
                await asyncio.sleep(0.1)
                await asyncio.to_thread(broker.start)
            await talking
            assert await here.pump.drained(30)
            await ears.have(300)
            assert here.link.state.session >= 4
            # The first copy may come after a later event's, when the broker hands on what it had kept.
            assert sorted(ears.sequences) == list(range(1, 301))
            assert ears.subscriber.sieve.missing(SOURCE) == []

    asyncio.run(scenario())


def test_a_broker_killed_in_the_middle_gets_again_what_it_had_not_acknowledged(
    tmp_path: Path, make_broker: MakeBroker, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        broker = make_broker()
        async with station(tmp_path / "data", broker.url) as here:
            talking = asyncio.gather(here.say([make_draft() for _ in range(200)]))
            while here.pump.counts.delivered < 60:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            broker.kill()
            await here.link.disconnected()
            await asyncio.to_thread(broker.start)
            await talking
            assert await here.pump.drained(30)
            assert here.pump.counts.delivered == 200
            assert (await here.store.outbox.counts()).waiting == 0

    asyncio.run(scenario())


def test_an_event_the_acl_forbids_is_set_aside_and_the_others_arrive(
    tmp_path: Path, make_broker: MakeBroker, make_draft: MakeDraft
) -> None:
    acl = tmp_path / "acl"
    acl.write_text(
        f"topic readwrite {ROOT}/evt/gateway/fault\ntopic readwrite {ROOT}/state/#\n", encoding="utf-8"
    )

    async def scenario() -> None:
        broker = make_broker(f"acl_file {acl}")
        async with dispatcher(broker.url) as ears, station(tmp_path / "data", broker.url) as here:
            await ears.subscriber.subscribed()
            drafts = [make_draft(kind="gateway.recovered" if n == 10 else "gateway.fault") for n in range(20)]
            await here.store.commit(None, drafts)
            here.pump.wake()
            assert await here.pump.drained(30)
            await ears.have(19)
            assert ears.sequences == [n for n in range(1, 21) if n != 11]
            assert ears.subscriber.sieve.missing(SOURCE) == [11]
            assert here.aside == ["11: not authorized (0x87)"]
            (entry,) = await here.store.outbox.list()
            assert (entry.position, entry.state, entry.reason) == (11, "set_aside", "not authorized (0x87)")

    asyncio.run(scenario())


def test_a_gateway_that_ends_and_starts_again_goes_on_where_it_was(
    tmp_path: Path, make_broker: MakeBroker, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        broker = make_broker()
        async with dispatcher(broker.url) as ears:
            await ears.subscriber.subscribed()
            async with station(tmp_path / "data", broker.url) as here:
                await here.say([make_draft() for _ in range(30)])
                assert await here.pump.drained(30)
            store = await Store.open(tmp_path / "data", SOURCE, SystemClock())
            await store.commit(None, [make_draft() for _ in range(5)])
            await store.close()
            async with station(tmp_path / "data", broker.url) as here:
                await here.say([make_draft()])
                assert await here.pump.drained(30)
                assert here.link.state.session == 2
            await ears.have(36)
            assert ears.sequences == list(range(1, 37))
            assert [e["data"]["replayed"] for e in ears.events[30:35]] == [True] * 5

    asyncio.run(scenario())


def test_an_incident_is_retained_while_open(
    tmp_path: Path, make_broker: MakeBroker, make_incident: MakeDraft
) -> None:
    async def retained(url: str) -> dict[str, Any]:
        got: dict[str, Any] = {}
        async with Subscriber(Broker(Address.parse(url)), "late", [f"{ROOT}/state/#"]) as late:

            async def listen() -> None:
                async for received in late:
                    assert received.retained
                    got[received.topic.removeprefix(f"{ROOT}/state/")] = received.document

            listening = asyncio.create_task(listen())
            await late.subscribed()
            await asyncio.sleep(0.2)
            listening.cancel()
        return got

    async def scenario() -> None:
        broker = make_broker()
        async with station(tmp_path / "data", broker.url) as here:
            here.pump.publish_state("radio/ch1", {"state": "idle"})
            await here.say([make_incident("i-1", 1, "opened"), make_incident("i-1", 2)])
            assert await here.pump.drained(30)
            states = await retained(broker.url)
            assert states["incident/i-1"]["revision"] == 2
            assert states["radio/ch1"] == {"state": "idle"}
            assert states["availability"]["state"] == "online"
            await here.say([make_incident("i-1", 3, "closed")])
            assert await here.pump.drained(30)
            assert "incident/i-1" not in await retained(broker.url)

    asyncio.run(scenario())


def event(sequence: int, event_id: str | None = None, source: str = SOURCE) -> dict[str, Any]:
    return {"source": source, "id": event_id or f"e{sequence}", "sequence": f"{sequence:020d}"}


def test_the_sieve_drops_repeats_and_knows_what_is_missing() -> None:
    sieve = Sieve()
    assert [sieve.is_new(event(n)) for n in (5, 6, 6, 9, 5)] == [True, True, False, True, False]
    assert (sieve.missing(SOURCE), sieve.repeats) == ([7, 8], 2)
    assert sieve.is_new(event(7))
    assert sieve.missing(SOURCE) == [8]
    assert sieve.is_new(event(1, source="urn:other"))
    assert sieve.missing("urn:other") == []
    assert sieve.is_new(event(1, "of a new database"))
    assert sieve.missing(SOURCE) == [8]


def test_what_is_no_event_is_counted_and_skipped(make_broker: MakeBroker) -> None:
    async def scenario() -> None:
        broker = make_broker()
        address = Broker(Address.parse(broker.url))

        async def session() -> int:
            return 1

        link = PahoLink(address, ROOT, SystemClock(), session)
        link.start()
        async with Subscriber(address, "reader", [f"{ROOT}/evt/#"]) as reader:
            await reader.subscribed()
            await link.connected()
            for payload in (b"\xff\xfe", b"[1]", b'{"specversion":"1.0"}', json.dumps(event(1)).encode()):
                await link.publish(f"{ROOT}/evt/a/b", payload)
            async for received in reader:
                assert received.document == event(1)
                break
            assert reader.unreadable == 3
        await link.stop()

    begun = time.monotonic()
    asyncio.run(scenario())
    assert time.monotonic() - begun < 30
