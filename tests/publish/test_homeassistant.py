import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.publish.broker import Address, Broker
from gateway.publish.homeassistant import Discovery, discovery_documents
from gateway.publish.link import BackOff, LinkState, PahoLink
from gateway.publish.subscribe import Subscriber

ROOT = "rg/v1/gz/tianhe/shipai"
SOURCE = "urn:radio-gateway:gz:tianhe:shipai"


def documents() -> dict[str, dict[str, Any]]:
    return discovery_documents("homeassistant", ROOT, SOURCE, "0.1.0", ["ch1", "ch2"])


def test_each_entity_points_at_a_state_the_gateway_retains() -> None:
    found = documents()

    assert {topic.split("/")[3] for topic in found} == {"problem", "outbox", "radio_ch1", "radio_ch2"}
    assert all(topic.split("/")[2] == "gz_tianhe_shipai" for topic in found)
    assert {one["state_topic"] for one in found.values()} == {
        f"{ROOT}/state/health", f"{ROOT}/state/radio/ch1", f"{ROOT}/state/radio/ch2"
    }  # fmt: skip
    assert {one["availability_topic"] for one in found.values()} == {f"{ROOT}/state/availability"}
    assert len({one["unique_id"] for one in found.values()}) == len(found)
    assert len({str(one["device"]) for one in found.values()}) == 1


@pytest.mark.broker
def test_it_is_told_at_each_connection_and_kept_by_the_broker(make_broker: Callable[..., Any]) -> None:
    async def next_session() -> int:
        return 1

    async def scenario(url: str) -> dict[str, Any]:
        discovery: Discovery | None = None

        def changed(state: LinkState) -> None:
            if state.is_connected and discovery is not None:
                discovery.connected()

        broker = Broker(Address.parse(url))
        link = PahoLink(
            broker, ROOT, SystemClock(), next_session, on_change=changed, back_off=BackOff(0.05, 0.2)
        )
        discovery = Discovery(link, documents())
        link.start()
        async with asyncio.timeout(20):
            await link.connected()
            await asyncio.sleep(0.5)
        await discovery.stop()
        await link.stop()
        got: dict[str, Any] = {}
        async with Subscriber(broker, "home", ["homeassistant/#"]) as home, asyncio.timeout(20):
            async for received in home:
                got[received.topic] = received.document
                if len(got) == len(documents()):
                    break
        return got

    assert asyncio.run(scenario(make_broker().url)) == documents()
