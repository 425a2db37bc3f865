"""A crew that answers roll-calls in synthetic speech, and where they are held in simulated time."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Self

import numpy as np
import soundfile

from bench.crewvoices import CREW, Line, spoken
from bench.recordings import write_registry
from gateway.clock import ManualClock
from gateway.knowledge import build_knowledge, read_lexicon
from gateway.listener import Listener
from gateway.model import RATE_HZ
from gateway.publish.requests import RollcallStart
from gateway.rollcallsettings import RollcallSettings
from gateway.station import read_units_file
from gateway.store.store import Store
from tools.airplay import EIGHT, AirPlay, Answer, Crew
from tools.channel import Channel, transmit

SNR_DB = 20.0
WAIT_S = 15.0


@dataclass
class Answering:
    """Answers one roll-call as drawn; `kinds` is what each unit does."""

    lines: dict[str, dict[str, Line]]
    counts: dict[int, Line]
    kinds: dict[str, str]
    seed: int
    calls: Counter[str] = field(default_factory=Counter)
    late: list[str] = field(default_factory=list)

    def __call__(self, said: str) -> Sequence[Answer]:
        """Answer what the gateway has said."""
        for unit_id, lines in self.lines.items():
            if f"呼叫{lines['name'].text}," in said:
                return self.called(unit_id)
            if f"{lines['name'].text},请报告" in said:
                return [self.sound(self.counts[lines["full"].present or 3], 1.2, unit_id)]
        return ()

    def called(self, unit_id: str) -> list[Answer]:
        """What is heard after a call of this unit."""
        self.calls[unit_id] += 1
        late = [self.sound(self.lines[other]["full"], 1.0, other) for other in self.late]
        self.late.clear()
        kind = self.kinds[unit_id]
        if kind == "late":
            if self.calls[unit_id] == 2:
                self.late.append(unit_id)
            return late
        if kind == "silent" or (kind == "twice" and self.calls[unit_id] == 1):
            return late
        after_s = Random(f"{self.seed}/{unit_id}").uniform(0.5, 6.0) + (8.0 if late else 0.0)
        return [
            *late,
            self.sound(self.lines[unit_id]["short" if kind == "short" else "full"], after_s, unit_id),
        ]

    def sound(self, line: Line, after_s: float, of: str) -> Answer:
        """A line as it comes out of a radio."""
        speech = soundfile.read(CREW / line.file, dtype="float32")[0]
        seed = self.seed * 1000 + sum(map(ord, of)) + self.calls[of]
        heard = transmit(speech, Channel(snr_db=SNR_DB), seed)
        pcm = (np.concatenate([np.zeros(4800, np.float32), heard]) * 32767).astype(np.int16)
        return Answer(line.text, after_s, len(heard) / RATE_HZ, audio=pcm)


def whole_crew() -> tuple[dict[str, dict[str, Line]], dict[int, Line]]:
    """What each unit says, by kind, of those that can answer; and head counts that name nobody."""
    lines = spoken()
    counts = {line.present: line for line in lines if not line.unit_id and line.present}
    of_units: dict[str, dict[str, Line]] = {}
    for line in lines:
        if line.unit_id:
            of_units.setdefault(line.unit_id, {})[line.kind] = line
    whole = {unit_id: told for unit_id, told in of_units.items() if {"full", "short"} <= told.keys()}
    if not whole:
        raise RuntimeError("the crew has not been spoken yet: .venv-tools/bin/python -m bench.crewvoices")
    return whole, counts


@dataclass
class Hall:
    """Where roll-calls are held in simulated time, by the product's own recogniser."""

    where: Path
    lines: dict[str, dict[str, Line]]

    async def __aenter__(self) -> Self:
        self._units, _ = read_units_file(write_registry(self.where / "units.csv"))
        names = {unit.unit_id: unit.name for unit in self._units}
        for unit_id, told in self.lines.items():
            told["name"] = Line("", names[unit_id], unit_id, None, "", 1.0)
        self._pool = ThreadPoolExecutor(1)
        load = partial(Listener.load, self._pool, "auto")
        self._listener = await asyncio.get_running_loop().run_in_executor(self._pool, load)
        ids = iter(range(10_000_000))
        self._knowledge = build_knowledge(self._units, "指挥中心", read_lexicon(), lambda: f"i-{next(ids)}")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        self._pool.shutdown()

    async def hold(self, chosen: Sequence[str], crew: Crew, number: int) -> AirPlay:
        """Hold one roll-call of these units to its end."""
        clock = ManualClock(EIGHT)
        store = await Store.open(self.where / f"data-{number}", "urn:radio-gateway:a:b:c", clock)
        try:
            await store.replace_units(self._units)
            settings = RollcallSettings(wait_s=WAIT_S, last_call_s=0.0)
            play = AirPlay(
                store, self._knowledge, clock, crew=crew, settings=settings, listener=self._listener
            )
            await play.office.desk.start_one(RollcallStart(units=tuple(chosen), radio="ch1"))
            await play.run()
        finally:
            await store.close()
        return play
