"""A district's day in simulated time: every unit called, every answer where the crew's script has it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from gateway.clock import ManualClock
from gateway.knowledge import build_knowledge, read_lexicon
from gateway.publish.requests import RollcallStart
from gateway.rollcallsettings import RollcallSettings
from gateway.store.store import Store
from tools.airplay import EIGHT, AirPlay, Answer
from tools.registry import synthetic_units

XIAJIN = 269


def test_a_day_with_269_units(tmp_path: Path) -> None:
    """Who answers, late or not at all, is drawn; the record must say the same of each unit."""
    draw = Random(269)
    active = [replace(unit, state="active") for unit in synthetic_units()]
    units = tuple(draw.sample(active, XIAJIN))
    kinds = {unit.unit_id: draw.choices(("answers", "twice", "silent"), (8, 1, 1))[0] for unit in units}
    delays = {unit.unit_id: round(draw.uniform(0.4, 14.0), 3) for unit in units}
    calls: Counter[str] = Counter()
    by_name = {unit.name: unit for unit in units}

    def crew(said: str) -> Sequence[Answer]:
        name = said.removeprefix("指挥中心呼叫").removesuffix(",听到请回答")
        if name not in by_name:
            return ()
        unit = by_name[name]
        calls[unit.unit_id] += 1
        kind = kinds[unit.unit_id]
        if kind == "silent" or (kind == "twice" and calls[unit.unit_id] == 1):
            return ()
        return [Answer(f"{name}收到,在岗3人,一切正常", delays[unit.unit_id])]

    async def day() -> AirPlay:
        clock = ManualClock(EIGHT)
        store = await Store.open(tmp_path, "urn:radio-gateway:a:b:c", clock)
        try:
            await store.replace_units(units)
            counter = iter(range(1_000_000))
            knowledge = build_knowledge(units, "指挥中心", read_lexicon(), lambda: f"i-{next(counter)}")
            play = AirPlay(store, knowledge, clock, crew=crew, settings=RollcallSettings(last_call_s=0.0))
            await play.office.desk.start_one(RollcallStart())
            await play.run()
            return play
        finally:
            await store.close()

    play = asyncio.run(day())

    told = play.outcomes()
    meant = {unit_id: "no_answer" if kind == "silent" else "answered" for unit_id, kind in kinds.items()}
    assert told == meant
    for unit_id, kind in kinds.items():
        line = play.last(unit_id)
        if kind == "silent":
            assert line["call_count"] == 2
            continue
        assert line["answer_latency_s"] == pytest.approx(delays[unit_id], abs=0.002)
        assert line["call_count"] == (2 if kind == "twice" else 1)
    assert len(play.of("rollcall.finished")) == 1
