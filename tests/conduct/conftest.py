import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import ManualClock
from gateway.interpreter import Knowledge
from gateway.knowledge import build_knowledge, read_lexicon
from gateway.model import Unit
from gateway.store.store import Store
from tools.airplay import EIGHT, AirPlay

UNITS = (
    Unit("u1", "金穗花园", unit_class="C", street="石牌街"),
    Unit("u2", "棠东小学", unit_class="A", street="石牌街"),
    Unit("u3", "五山市场", unit_class="D", street="五山街"),
    Unit("u4", "千耀酒店", unit_class="B", street="五山街", state="holiday"),
)
Scene = Callable[[AirPlay], Awaitable[None]]


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    counter = iter(range(100_000))
    return build_knowledge(UNITS, "指挥中心", read_lexicon(), lambda: f"incident-{next(counter)}")


@pytest.fixture
def on_air(tmp_path: Path, knowledge: Knowledge) -> Callable[..., None]:
    def run(scene: Scene, **given: Any) -> None:
        async def with_store() -> None:
            clock = ManualClock(EIGHT)
            store = await Store.open(tmp_path, "urn:radio-gateway:a:b:c", clock)
            try:
                await store.replace_units(UNITS)
                await scene(AirPlay(store, knowledge, clock, **given))
            finally:
                await store.close()

        asyncio.run(with_store())

    return run
