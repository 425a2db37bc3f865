"""When the store refuses for a while, a decode hangs, or a radio is gone from the configuration."""

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from gateway.alarms import Alarms
from gateway.clock import IdSource, ManualClock
from gateway.decodepool import DecodeHung, DecodePool
from gateway.errors import StoreUnavailable
from gateway.events import CloudEvent
from gateway.leftovers import FormerSource, left_over
from gateway.model import End
from gateway.store.records import HeardTransmission, Notice
from gateway.store.spool import Spool
from gateway.store.store import Store
from gateway.timekeeping import ClockReader
from gateway.understand.conversation import Conversation

START = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)


def test_alarms_that_the_store_refuses_are_said_later_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> list[CloudEvent]:
        clock, told = ManualClock(START), list[CloudEvent]()
        store = await Store.open(tmp_path, "urn:radio-gateway:a:b:c", clock)
        alarms = Alarms(store, IdSource(clock), clock, ClockReader(clock), told.extend, retry_s=0.01)
        real, refusals = store.commit, [3]

        async def refuse(*arguments: object, **options: object) -> list[CloudEvent]:
            if refusals[0]:
                refusals[0] -= 1
                raise StoreUnavailable("disk full")
            return await real(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(store, "commit", refuse)
        alarms.fault("disk", "full", "free some")
        await asyncio.sleep(0)
        alarms.recovered("disk")
        async with asyncio.timeout(10):
            while len(told) < 2:  # noqa: ASYNC110 - polls the store's thread
                await asyncio.sleep(0.01)
        await alarms.settle()
        await store.close()
        return told

    assert [event.kind for event in asyncio.run(run())] == ["gateway.fault", "gateway.recovered"]


def test_a_decode_that_hangs_is_noticed_and_one_that_is_slow_is_waited_for() -> None:
    async def run() -> tuple[bool, bool]:
        pool, gate = DecodePool(180), threading.Event()
        loop = asyncio.get_running_loop()
        hung = loop.run_in_executor(pool, gate.wait)
        first = await pool.ends(0.05)
        loop.call_later(0.05, gate.set)
        second = await pool.ends(10.0)
        await hung
        pool.shutdown()
        return first, second

    assert asyncio.run(run()) == (False, True)


def test_a_decode_that_never_ends_costs_its_call_and_not_the_others() -> None:
    async def run() -> list[object]:
        pool, gate = DecodePool(0.2), threading.Event()
        loop = asyncio.get_running_loop()

        async def hang() -> None:
            await loop.run_in_executor(pool, gate.wait)

        async def quick() -> str:
            return await loop.run_in_executor(pool, lambda: "heard")

        outcomes = await asyncio.gather(
            pool.decode(hang), pool.decode(quick), pool.decode(quick), return_exceptions=True
        )
        assert await pool.ends(5.0), "what is left behind is not waited for"
        gate.set()
        pool.shutdown()
        return [pool.left_behind, *outcomes]

    left_behind, hung, *others = asyncio.run(run())
    assert left_behind == 1
    assert isinstance(hung, DecodeHung)
    assert others == ["heard", "heard"]


def test_a_decode_that_fails_by_itself_is_no_hung_one() -> None:
    async def run() -> None:
        pool = DecodePool(5.0)

        async def fail() -> None:
            raise TimeoutError("of its own")

        with pytest.raises(TimeoutError, match="of its own"):
            await pool.decode(fail)
        assert pool.left_behind == 0
        pool.shutdown()

    asyncio.run(run())


def test_what_a_former_radio_left_keeps_its_radio(tmp_path: Path) -> None:
    async def run() -> list[tuple[str, str]]:
        clock = ManualClock(START)
        store = await Store.open(tmp_path, "urn:radio-gateway:a:b:c", clock)
        await store.heard(HeardTransmission("t1", "former", START, 1.0, End.CARRIER))
        spool = Spool(tmp_path)
        file = spool.begin("t2", "ch1", START)
        file.append(np.zeros(1600, np.int16))
        file._close()
        notices: list[Notice] = []
        left = await left_over(store, spool, notices.append)
        await store.close()
        assert notices == []
        return [(transmission.id, transmission.radio_id) for transmission, _ in left]

    assert sorted(asyncio.run(run())) == [("t1", "former"), ("t2", "ch1")]
    assert not FormerSource().is_live


def test_what_is_counted_from_goes_along_when_the_clock_is_set() -> None:
    from datetime import timedelta  # noqa: PLC0415 - this test only

    talk = Conversation(radio_id="ch1", asked_at=START, drill_opened_at=START - timedelta(days=1))
    day = timedelta(days=1)
    moved = talk.shifted(day, since=START - timedelta(hours=1))
    assert moved.asked_at == START + day
    assert moved.drill_opened_at == START - day, "from before this run: its clock was another"
