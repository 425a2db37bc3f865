"""A roll-call of a whole district in simulated time, every answer where the crew's script has it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from gateway.clock import ManualClock
from gateway.knowledge import build_knowledge, read_lexicon
from gateway.publish.requests import RollcallStart
from gateway.rollcallsettings import RollcallSettings
from gateway.store.store import Store
from tools.airplay import EIGHT, AirPlay, Answer
from tools.registry import synthetic_units

KINDS = ("answers", "short", "twice", "silent", "by_other", "double")
SHARES = (70, 8, 6, 8, 4, 4)
OUTCOMES = {"silent": "no_answer", "by_other": "answered_by_other"}
CALLS = {"twice": 2, "silent": 2, "by_other": 2}


@dataclass
class Day:
    """The script of `count` units drawn from the synthetic district, and what came of it."""

    count: int
    calls: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        draw = Random(self.count)
        active = [replace(unit, state="active") for unit in synthetic_units()]
        self.units = tuple(draw.sample(active, self.count))
        kinds = draw.choices(KINDS, SHARES, k=self.count)
        self.kinds = {unit.unit_id: kind for unit, kind in zip(self.units, kinds, strict=True)}
        self.delays_s = {unit.unit_id: round(draw.uniform(0.4, 14.0), 3) for unit in self.units}
        self._by_name = {unit.name: unit for unit in self.units}
        self._beside = dict(zip(self._by_name, (*list(self._by_name)[1:], self.units[0].name), strict=True))

    def crew(self, said: str) -> Sequence[Answer]:
        """Answer as the script has it."""
        if "请报告在岗人数" in said:
            return [Answer("在岗3人", 1.0)]
        name = said.removeprefix("指挥中心呼叫").removesuffix(",听到请回答")
        if name not in self._by_name:
            return ()
        unit_id = self._by_name[name].unit_id
        self.calls[unit_id] += 1
        kind, delay_s = self.kinds[unit_id], self.delays_s[unit_id]
        again = self.calls[unit_id] > 1
        if kind == "silent" or (kind == "twice" and not again) or (kind == "by_other" and again):
            return ()
        if kind == "by_other":
            return [Answer(f"我是{self._beside[name]},替{name}回答,他们在岗3人", delay_s, 5.0)]
        if kind == "short":
            return [Answer(f"{name}收到", delay_s)]
        own = Answer(f"{name}收到,在岗3人,一切正常", delay_s)
        return [own, replace(own, after_s=delay_s + 9.0)] if kind == "double" else [own]

    async def hold(self, folder: Path) -> AirPlay:
        """Hold it from the command to the last event."""
        clock = ManualClock(EIGHT)
        store = await Store.open(folder, "urn:radio-gateway:a:b:c", clock)
        try:
            await store.replace_units(self.units)
            counter = iter(range(1_000_000))
            knowledge = build_knowledge(self.units, "指挥中心", read_lexicon(), lambda: f"i-{next(counter)}")
            settings = RollcallSettings(last_call_s=0.0)
            play = AirPlay(store, knowledge, clock, crew=self.crew, settings=settings)
            await play.office.desk.start_one(RollcallStart())
            await play.run()
        finally:
            await store.close()
        return play

    def wrong(self, play: AirPlay) -> list[str]:
        """Say which lines do not tell what happened."""
        told = play.outcomes()
        found = [] if told.keys() == self.kinds.keys() else [f"{len(told)} of {self.count} units have a line"]
        for unit_id, kind in self.kinds.items():
            line, meant = play.last(unit_id), OUTCOMES.get(kind, "answered")
            if told.get(unit_id) != meant:
                found.append(f"{unit_id} ({kind}) is {told.get(unit_id)}: {line['text']}")
                continue
            if line["call_count"] != CALLS.get(kind, 1):
                found.append(f"{unit_id} ({kind}) was called {line['call_count']} times")
            latency_s = line["answer_latency_s"]
            if kind != "silent" and abs(latency_s - self.delays_s[unit_id]) > 0.002:
                found.append(f"{unit_id} ({kind}) after {self.delays_s[unit_id]} s is {latency_s} s")
        if len(play.of("rollcall.finished")) != 1:
            found.append("it was not finished once")
        return found
