"""What is woken and called off at the same moment ends: a stop must not wait for ever for it."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path

import pytest

from gateway.alarms import Alarms
from gateway.chores import every
from gateway.clock import IdSource, SystemClock
from gateway.store.store import Store
from gateway.supervise import Pulse, ServiceLink
from gateway.timekeeping import ClockReader

TURNS = range(4)
"""How often the loop comes round between the waking and the calling off."""


async def ends(chore: Coroutine[object, object, None], woken_by: asyncio.Event, turns: int) -> bool:
    task = asyncio.create_task(chore)
    await asyncio.sleep(0.1)
    woken_by.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,), timeout=1)
    return task.done()


@pytest.mark.parametrize("turns", TURNS)
def test_a_chore_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turns: int) -> None:
    monkeypatch.setattr("gateway.chores.SOONEST_S", 0.01)

    async def nothing() -> None: ...

    async def live() -> bool:
        clock = SystemClock()
        store = await Store.open(tmp_path, "urn:radio-gateway:a:b:c", clock)
        alarms = Alarms(store, IdSource(clock), clock, ClockReader(clock), lambda _: None)
        sooner = asyncio.Event()
        try:
            return await ends(every(3600, "health", nothing, alarms, sooner), sooner, turns)
        finally:
            await store.close()

    assert asyncio.run(live())


@pytest.mark.parametrize("turns", TURNS)
def test_the_pulse_ends(turns: int) -> None:
    async def live() -> bool:
        answered = asyncio.Event()

        async def ask() -> None:
            await answered.wait()

        return await ends(Pulse(ServiceLink({}), list, ask).run(), answered, turns)

    assert asyncio.run(live())
