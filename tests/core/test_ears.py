"""A call that is heard while the gateway starts waits until there is something to understand it by."""

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from gateway.alarms import Alarms
from gateway.clock import IdSource, ManualClock
from gateway.decodepool import DecodePool
from gateway.ears import Ears
from gateway.hear.classify import classify
from gateway.interpreter import Knowledge
from gateway.knowledge import build_knowledge, read_lexicon
from gateway.listener import Heard, Listener
from gateway.model import Pcm, Transcript, Unit
from gateway.store.store import Store
from gateway.timekeeping import ClockReader
from gateway.understand.searches import Searches
from gateway.unitindex import UnitIndex

UNITS = "unit_id,name,aliases,unit_class,street,lat,lon,duty_headcount,state\nu1,金穗花园,,C,,,,,active\n"
SEARCHES = {name for name, value in vars(Searches).items() if isinstance(value, cached_property)}


class QuickListener:
    """A model that is there at once."""

    async def __call__(self, audio: Pcm) -> Heard:
        return Heard(classify(audio, None), Transcript("收到", "收到", "scripted", "scripted", 0.0))

    def close(self) -> None:
        """Nothing to let go of."""


def test_a_call_waits_for_the_searches_however_soon_the_model_is_there(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text(UNITS, encoding="utf-8")
    lexicon = read_lexicon()
    may_index = threading.Event()

    def build(units: Sequence[Unit]) -> Knowledge:
        assert may_index.wait(60)
        return build_knowledge(units, "指挥中心", lexicon, lambda: "i")

    async def load() -> Listener:
        return cast("Listener", QuickListener())

    async def scene() -> None:
        clock = ManualClock(datetime(2026, 5, 1, 8, 0, tzinfo=UTC))
        store = await Store.open(tmp_path / "data", "urn:radio-gateway:a:b:c", clock)
        alarms = Alarms(store, IdSource(clock), clock, ClockReader(clock), lambda _events: None)
        units = UnitIndex(store, tmp_path / "units.csv", build, alarms.fault)
        pool = DecodePool(60.0)
        ears = Ears(pool, alarms, load, units.refresh)
        await units.take_over()
        ears.open()
        call: asyncio.Task[Any] = asyncio.create_task(ears(np.zeros(16_000, np.int16)))
        done, _ = await asyncio.wait([call], timeout=0.2)
        assert not done
        assert not SEARCHES & vars(lexicon.searches).keys()

        may_index.set()
        heard = await asyncio.wait_for(call, 60)

        assert heard.transcript.text == "收到"
        assert vars(units.knowledge().lexicon.searches).keys() >= SEARCHES
        ears.close()
        pool.shutdown()
        await alarms.settle()
        await store.close()

    asyncio.run(scene())
