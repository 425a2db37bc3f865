"""Roll-calls that the gateway holds, against what the crew really did.

`outcomes`: a crew answers in synthetic speech at 20 dB, through recogniser, resolver and conductor, in
simulated time. `on_the_air`: the daemon on virtual radios in real time, answer times and gaps against the
crew's own notes. `killed`: one roll-call on a daemon that is killed again and again.
"""

import asyncio
import contextlib
import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Self

import numpy as np
import soundfile

from bench.crewvoices import CREW, Line, spoken
from bench.figure import ROOT, Figure, Options, Report
from bench.recordings import write_registry
from bench.station import folder, mosquitto
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
from tools.killed import Process, hold_while_killing, write_station
from tools.rollcallday import Day

UNITS = 500
SNR_DB = 20.0
KINDS = ("full", "short", "twice", "late", "silent")
SHARES = (60, 16, 8, 6, 10)
RIGHT = {
    "full": "answered",
    "short": "answered",
    "twice": "answered",
    "late": "answered_late",
    "silent": "no_answer",
}
WAIT_S = 15.0
MOST_MINUTES = 28.0
RADIOS = 4
"""Half of them cut by level, half by the carrier's flag."""
ON_AIR_UNITS = 12
DAYS_OF = (269, 2702)


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


def outcomes(options: Options) -> Report:
    """Outcomes of 500 simulated units at 20 dB."""
    whole, counts = whole_crew()
    wanted = max(20, UNITS // options.every)
    with folder() as where:
        results = asyncio.run(_outcomes(where, whole, counts, wanted))
    right = sum(RIGHT[kind] == told for _, kind, told, _ in results)
    unheard = [one for one in results if one[1] != "silent" and one[2] == "no_answer"]
    wrong = Counter(f"{kind} told as {told}" for _, kind, told, _ in results if RIGHT[kind] != told)
    kinds = dict(Counter(kind for _, kind, _, _ in results))
    counted = [present for *_, present in results if present is not None]
    return Report(
        (
            Figure.at_least(
                "rollcall.outcome_right",
                right / len(results),
                "share",
                0.98,
                f"{len(results)} units at {SNR_DB:.0f} dB",
                wrong=dict(wrong),
                kinds=kinds,
            ),
            Figure.at_most(
                "rollcall.answered_but_no_answer", len(unheard), "units", 0, units=[one[0] for one in unheard]
            ),
            Figure.noted(
                "rollcall.headcount_right", float(np.mean(counted)), "share", "of those who answered"
            ),
        )
    )


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


async def _outcomes(
    where: Path, lines: dict[str, dict[str, Line]], counts: dict[int, Line], wanted: int
) -> list[tuple[str, str, str | None, bool | None]]:
    """(unit, what it did, what was told, whether its head count is right or None) of each simulated unit."""
    results: list[tuple[str, str, str | None, bool | None]] = []
    started = time.monotonic()
    number = 0
    async with Hall(where, lines) as hall:
        while len(results) < wanted and time.monotonic() - started < MOST_MINUTES * 60:
            number += 1
            draw = Random(number)
            chosen = draw.sample(sorted(lines), min(50, wanted - len(results)))
            kinds = dict(zip(chosen, draw.choices(KINDS, SHARES, k=len(chosen)), strict=True))
            kinds[chosen[-1]] = "full"
            crew = Answering({unit_id: lines[unit_id] for unit_id in chosen}, counts, kinds, number)
            play = await hall.hold(chosen, crew, number)
            told = play.outcomes()
            for unit_id in chosen:
                present = play.last(unit_id)["headcount"]["present"]
                meant = lines[unit_id]["full"].present
                answered = told.get(unit_id) in {"answered", "answered_late"}
                results.append(
                    (unit_id, kinds[unit_id], told.get(unit_id), present == meant if answered else None)
                )
    return results


def on_the_air(_options: Options) -> Report:
    """Answer times and gaps of the daemon in real time, against the crew's notes."""
    with folder() as where, mosquitto(where) as url:
        events, notes = _hold_on_air(where, url)
    errors_ms: list[float] = []
    by_squelch: dict[str, list[float]] = {"vox": [], "carrier": []}
    for event in events:
        if not event["type"].endswith("rollcall.answered"):
            continue
        data = event["data"]
        mine = next(one for one in notes if one.get("unit") == data["unit_name"])
        error_ms = 1000 * (data["answer_latency_s"] - mine["after_s"])
        errors_ms.append(abs(error_ms))
        by_squelch[squelch_of(data["radio"])].append(error_ms)
    gaps_s = list(_gaps(notes))
    if not errors_ms or not gaps_s:
        raise RuntimeError(f"{len(errors_ms)} answers and {len(gaps_s)} gaps were measured")
    means = {name: round(float(np.mean(e)), 1) for name, e in by_squelch.items() if e}
    return Report((
        Figure.at_most(
            "rollcall.latency_error.p95", float(np.percentile(errors_ms, 95)), "ms", 50,
            f"{len(errors_ms)} answers, speech at 20 dB on {RADIOS} radios at once",
            worst_ms=round(max(errors_ms), 1), mean_by_squelch_ms=means,
        ),
        Figure.at_most(
            "rollcall.gap.p95", float(np.percentile(gaps_s, 95)), "s", 1.5,
            "a reply's end to the next key-up, recognition left out",
            worst_s=round(max(gaps_s), 2), median_s=round(float(np.median(gaps_s)), 2),
        ),
    ))  # fmt: skip


def _gaps(notes: Sequence[dict[str, Any]]) -> Iterator[float]:
    """From each answer's end to the key-up that comes next on its radio."""
    for number, note in enumerate(notes):
        if "unit" not in note:
            continue
        after = (one for one in notes[number + 1 :] if "keyed_s" in one and one["radio"] == note["radio"])
        following = next(after, None)
        if following is not None:
            yield following["keyed_s"] - note["ended_s"]


def _hold_on_air(where: Path, url: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Hold a roll-call on every radio at once; return the events and the crew's notes."""
    clips = [CREW / line.file for line in spoken() if line.file.endswith("-short.flac")]
    draw = Random(5)
    config, crew = write_station(where, url, RADIOS * ON_AIR_UNITS)
    story = json.loads(crew.read_text(encoding="utf-8"))
    for told in story["answers"].values():
        told[0] |= {
            "delay_s": round(draw.uniform(0.3, 4.0), 4), "file": str(draw.choice(clips)),
            "noise_dbfs": -35.0, "lead_s": round(draw.uniform(0.05, 0.3), 3), "tail_s": 0.1,
        }  # fmt: skip
    crew.write_text(json.dumps(story), encoding="utf-8")
    units = where / "units.csv"
    rows = units.read_text(encoding="utf-8").splitlines()
    streets = [row.replace("石牌街", f"街{number % RADIOS}") for number, row in enumerate(rows[1:])]
    units.write_text("\n".join([rows[0], *streets]) + "\n", encoding="utf-8")
    text = (
        config.read_text(encoding="utf-8").partition("[[radio]]")[0].replace("wait_s = 2.0", "wait_s = 8.0")
    )
    text += radios_of(where, [f"街{number}" for number in range(RADIOS)])
    config.write_text(text, encoding="utf-8")
    process = Process(config, crew)
    with subscriber(where, url) as heard:
        process.start()
        try:
            process.listens()
            begin(config)
            until_s = time.monotonic() + 600
            while sum(e["type"].endswith("rollcall.finished") for e in heard()) < RADIOS:
                if time.monotonic() > until_s:
                    raise TimeoutError("the roll-calls did not end")
                time.sleep(0.5)
        finally:
            process.stop()
        return heard(), process.crew()


def radios_of(where: Path, streets: Sequence[str]) -> str:
    """The configuration of a virtual radio for each street, cut by level and by the carrier in turn."""
    text = ""
    for number, street in enumerate(streets):
        kind = squelch_of(f"ch{number}")
        radio = f'radio = "{where}/{number}"'
        text += (
            f'[[radio]]\nid = "ch{number}"\nstreets = ["{street}"]\n'
            f'source = {{ kind = "virtual", {radio}, noise_dbfs = -70.0 }}\n'
            f'sink = {{ kind = "virtual", {radio} }}\ncontrol = {{ kind = "virtual", {radio} }}\n'
            f'squelch = {{ kind = "{kind}" }}\ntransmit = {{ lead_s = 0.1, tail_s = 0.0 }}\n'
        )
    return text


def squelch_of(radio: str) -> str:
    """What cuts the transmissions of a radio made by `radios_of`."""
    return "vox" if int(radio.removeprefix("ch")) % 2 else "carrier"


def begin(config: Path, *asked: str) -> None:
    """Start a roll-call, or what else is `asked`, as a person does.

    Raises:
        RuntimeError: it was refused.
    """
    run = "from gateway.cli.main import main; main()"
    words = asked or ("rollcall", "start")
    command = [".venv/bin/python", "-c", run, *words, "-c", str(config), "--no-watch"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr}")


@contextlib.contextmanager
def subscriber(where: Path, url: str) -> Iterator[Any]:
    """Somebody else's subscriber; gives what returns the events so far, each once."""
    path = where / "heard.jsonl"
    port = url.rpartition(":")[2]
    command = ["mosquitto_sub", "-p", port, "-V", "5", "-q", "1", "-i", "dispatcher", "-c", "-x", "3600",
               "-t", "rg/v1/+/+/+/evt/#", "-F", "%p"]  # fmt: skip

    def heard() -> list[dict[str, Any]]:
        seen: dict[str, dict[str, Any]] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            seen.setdefault(event["id"], event)
        return list(seen.values())

    with path.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(command, stdout=out)
        try:
            yield heard
        finally:
            process.terminate()
            process.wait(timeout=10)


def days(_options: Options) -> Report:
    """A county's and a district's roll-call in simulated time, words given, lines against the script."""
    figures = []
    for count in DAYS_OF:
        day = Day(count)
        began = time.monotonic()
        with folder() as where:
            play = asyncio.run(day.hold(where))
        wrong = day.wrong(play)
        figures.append(
            Figure.at_most(
                f"rollcall.day.{count}.wrong_lines", len(wrong), "", 0,
                f"{play.clock.mono_s / 3600:.1f} h on the air in {time.monotonic() - began:.0f} s",
                wrong=wrong[:20],
            )
        )  # fmt: skip
    return Report(tuple(figures))


def killed(_options: Options) -> Report:
    """One roll-call of 100 units on a daemon that is killed 50 times."""
    with folder() as where, mosquitto(where) as url, subscriber(where, url) as heard:
        config, crew = write_station(where, url, 100, silent=10)
        outcome = hold_while_killing(config, crew, heard, lambda: begin(config), 50, 11, 2400.0)
    told = Counter(
        e["data"]["outcome"] for e in outcome.events if e["type"].endswith((".answered", ".missed"))
    )
    return Report((
        Figure.at_most(
            "rollcall.killed.violations", len(outcome.violations), "", 0,
            f"{outcome.kills} kills in one roll-call of {outcome.units} units",
            violations=outcome.violations, outcomes=dict(told), minutes=round(outcome.seconds / 60, 1),
        ),
    ))  # fmt: skip
