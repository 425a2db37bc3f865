"""What is late is waited for; what is missing is asked for."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from gateway.watch.memory import Memory
from gateway.watch.repair import Repair

SOURCE = "urn:radio-gateway:gz:tianhe:shipai"
GRACE_S = 0.02


def event(number: int) -> str:
    return json.dumps({
        "specversion": "1.0", "id": str(UUID(int=number)), "source": SOURCE, "subject": "x",
        "type": "radiogateway.gateway.fault", "sequence": f"{number:020d}", "data": {"replayed": True},
    })  # fmt: skip


def asked_for(scene: Callable[[Memory, Repair], Awaitable[None]]) -> list[tuple[int, int]]:
    """Play a scene; return the ranges that were asked for. What is asked for comes."""
    asked: list[tuple[int, int]] = []

    async def run() -> None:
        with Memory(None) as memory:

            async def ask(command: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
                assert command == "resync"
                first, last = fields["from_sequence"], fields["to_sequence"]
                asked.append((first, last))
                memory.take([event(number) for number in range(first, last + 1)])
                return {"ok": True, "result": {"first_sequence": first}}

            repair = Repair(SOURCE, memory, ask, lambda *_: None, grace_s=GRACE_S)
            repair.start()
            memory.take([event(1)])
            await scene(memory, repair)
            async with asyncio.timeout(10):
                while memory.sources[SOURCE].missing:  # noqa: ASYNC110 - the repair says nothing when done
                    await asyncio.sleep(GRACE_S)
            await repair.stop()

    asyncio.run(run())
    return asked


def test_a_backlog_that_flows_in_behind_live_events_is_not_asked_for() -> None:
    async def scene(memory: Memory, repair: Repair) -> None:
        memory.take([event(1000)])
        repair.look()
        for first in range(2, 1000, 40):
            await asyncio.sleep(GRACE_S * 0.7)
            memory.take([event(number) for number in range(first, min(first + 40, 1000))])
            repair.look()

    assert asked_for(scene) == []


def test_what_a_flow_has_left_out_is_asked_for_when_it_has_ended() -> None:
    async def scene(memory: Memory, repair: Repair) -> None:
        memory.take([event(100)])
        repair.look()
        for number in (n for n in range(2, 100) if n not in {50, 51}):
            if number % 10 == 0:
                await asyncio.sleep(GRACE_S * 0.7)
            memory.take([event(number)])
            repair.look()

    assert asked_for(scene) == [(50, 51)]


def test_what_does_not_come_at_all_is_asked_for_at_once() -> None:
    async def scene(memory: Memory, repair: Repair) -> None:
        memory.take([event(9)])
        repair.look()

    assert asked_for(scene) == [(2, 8)]
