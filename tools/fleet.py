"""A district of gateways against one broker: a roll-call of every unit and many incidents at once.

All gateways live in one process and one asyncio loop: 21 daemons would each load a speech model and then do
the same. Of each gateway everything behind the recogniser is the product's own: pipeline, conversation,
conductor, store, pump, link and command desk; the words are given, and the air goes by in simulated time.
"""

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Self

from gateway.clock import ManualClock
from gateway.knowledge import build_knowledge, read_lexicon
from gateway.model import Unit
from gateway.publish.requests import RollcallResume, RollcallStart
from gateway.rollcallsettings import RollcallSettings
from tools.airplay import EIGHT, AirPlay, Answer
from tools.registry import STREETS, synthetic_units
from tools.standin import Standin

SLICE_S = 30.0
SILENT = 0.05
"""Share of the units that do not answer the roll-call."""
CONVERSATION = (
    (0.0, "指挥中心，我是{unit}，三号楼发生火灾，有浓烟，请求消防支援。"),
    (12.0, "{unit}，收到，马上安排。"),
    (25.0, "指挥中心，{unit}报告，三楼有两人被困，需要急救支援。"),
    (45.0, "指挥中心，{unit}报告，明火已扑灭，没有人受伤。"),
)


@dataclass
class _Play(AirPlay):
    """One radio whose states and events also go out."""

    standin: Standin | None = None

    def _keep(self, suffix: str, document: Mapping[str, Any] | None) -> None:
        super()._keep(suffix, document)
        if self.standin is not None:
            self.standin.publish_state(suffix, None if document is None else dict(document))


class VirtualGateway:
    """One street's gateway. `start`, `hold`, `stop`."""

    def __init__(self, number: int, url: str, folder: Path, units: Sequence[Unit]) -> None:
        """Make it; `folder` is its data_dir."""
        self.units = [unit for unit in units if unit.state == "active"]
        self._all = units
        self._rng = Random(number)
        self.silent = {unit.unit_id for unit in self.units if self._rng.random() < SILENT}
        self._by_name = {unit.name: unit for unit in units}
        self.standin = Standin(f"street-{number:02d}", url, folder, back_off_s=0.2)

    async def start(self) -> None:
        """Open the store, learn the units, connect."""
        await self.standin.start()
        await self.standin.store.replace_units(list(self._all))
        count = itertools.count(1)
        knowledge = build_knowledge(
            self._all, "指挥中心", read_lexicon(), lambda: f"{self.standin.source[-9:]}-i{next(count)}"
        )
        self.play = _Play(
            self.standin.store, knowledge, ManualClock(EIGHT), crew=self._crew,
            settings=RollcallSettings(wait_s=6.0, last_call_s=0.0, rounds=1), standin=self.standin,
        )  # fmt: skip

    def _crew(self, said: str) -> Sequence[Answer]:
        """The unit that is called answers, unless it is one of the silent."""
        _, called, rest = said.partition("呼叫")
        name = rest.partition(",")[0]
        unit = next((u for u in self.units if u.name.startswith(name)), None) if called and name else None
        if unit is None or unit.unit_id in self.silent:
            return ()
        return [Answer(f"{name}收到，在岗3人，一切正常。", after_s=self._rng.uniform(0.5, 3.0))]

    async def hold(self, incidents: int) -> None:
        """Hold the roll-call; the incidents begin early in it, and it goes on after each."""
        play = self.play
        await play.office.desk.start_one(RollcallStart(radio="ch1"))
        callers = self._rng.sample(self.units, incidents)
        for number, unit in enumerate(callers):
            name = unit.name.removesuffix("最小应急单元")
            for after_s, words in CONVERSATION:
                play.answer(Answer(words.format(unit=name), after_s=20.0 + number * 90.0 + after_s))
        while play._queue:  # noqa: SLF001 - the play's own tool
            await play.run(most_s=max(SLICE_S, play._queue[0][0] - play.clock.mono_s))  # noqa: SLF001
            self.standin._pump.wake()  # noqa: SLF001 - as the daemon does after each transmission
            state = play.conductor.state
            if state is not None and state.paused is not None:
                await play.office.desk.resume(RollcallResume())
                await play.settle()
        self.standin._pump.wake()  # noqa: SLF001

    async def stop(self) -> None:
        """Say goodbye."""
        await self.standin.stop()


@dataclass
class Fleet:
    """All gateways of the district. Use as `async with`; `hold` plays everything."""

    url: Callable[[int], str]
    """The broker of each gateway by its number."""
    folder: Path
    gateways: int = len(STREETS)
    units_each: int | None = None
    """None for all 2,702 units by street."""
    made: list[VirtualGateway] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        by_street: dict[str, list[Unit]] = defaultdict(list)
        for unit in synthetic_units():
            by_street[unit.street].append(unit)
        for number, street in enumerate(STREETS[: self.gateways]):
            units = by_street[street][: self.units_each]
            gateway = VirtualGateway(number, self.url(number), self.folder / f"g{number}", units)
            await gateway.start()
            self.made.append(gateway)
        return self

    async def __aexit__(self, *_: object) -> None:
        for gateway in self.made:
            await gateway.stop()

    async def hold(self, incidents: int, drained_within_s: float = 300.0) -> list[tuple[str, str]]:
        """Play roll-calls and incidents of all gateways at once; return (source, id) of what they stored."""
        shares = [incidents // len(self.made)] * len(self.made)
        for number in range(incidents % len(self.made)):
            shares[number] += 1
        await asyncio.gather(*(g.hold(share) for g, share in zip(self.made, shares, strict=True)))
        for gateway in self.made:
            if not await gateway.standin.drained(drained_within_s):
                raise TimeoutError(f"{gateway.standin.source} has events left that the broker did not take")
        return [name for gateway in self.made for name in await stored(gateway.standin)]


async def stored(standin: Standin) -> list[tuple[str, str]]:
    """(source, id) of everything a gateway has ever stored for sending."""
    rows = await standin.store.do(
        lambda book: book._db.execute("SELECT id FROM events").fetchall()  # noqa: SLF001
    )
    return [(standin.source, row[0]) for row in rows]


@dataclass
class Judgement:
    """What is wrong with the events a dispatcher got; all 0 when nothing is."""

    events: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    """Events of a source that came after one with a higher number."""
    incidents: int = 0
    revisions_out_of_order: int = 0
    called: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def wrong(self) -> int:
        """How many faults there are."""
        return self.lost + self.doubled + self.out_of_order + self.revisions_out_of_order


def judge(
    got: Iterable[Mapping[str, Any]], said: Iterable[tuple[str, str]], *, by_source: bool = True
) -> Judgement:
    """Compare what a dispatcher got, in its order, with what was stored; workers keep no order by source."""
    verdict = Judgement()
    seen: set[tuple[str, str]] = set()
    newest: dict[str, int] = {}
    revisions: dict[str, int] = {}
    for event in got:
        name = (event["source"], event["id"])
        if name in seen:
            verdict.doubled += 1
            continue
        seen.add(name)
        verdict.events += 1
        verdict.kinds[event["type"]] += 1
        number = int(event["sequence"])
        verdict.out_of_order += by_source and number < newest.get(event["source"], 0)
        newest[event["source"]] = max(number, newest.get(event["source"], 0))
        if event["type"].startswith("radiogateway.incident."):
            key, revision = event["data"]["incident_id"], event["data"]["revision"]
            verdict.revisions_out_of_order += revision != revisions.get(key, 0) + 1
            revisions[key] = revision
        verdict.called += event["type"] == "radiogateway.rollcall.finished"
    verdict.incidents = len(revisions)
    verdict.lost = len(set(said) - seen)
    return verdict
