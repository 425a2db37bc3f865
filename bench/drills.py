"""Drills (拉动) on a real daemon, against what the crew really did.

`on_the_air`: two drills at once in real speech, the times of every step against the crew's own notes.
`crowded`: the same with a crew that talks over each other.
`killed`: one drill on a daemon that is killed again and again.
"""

import csv
import json
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.airstation import begin, radios_of, squelch_of, subscriber
from bench.crewvoices import CREW, DRILLED, UNITS, Line, spoken
from bench.figure import Figure, Options, Report
from bench.station import folder, mosquitto
from tools.killed import Process, drill_while_killing, write_drill_station, write_station

STEPS = ("acknowledged", "departed", "arrived")
CLIPS = {"acknowledged": "short", "departed": "gone", "arrived": "there"}
LATENCY = {"acknowledged": "ack_latency_s", "departed": "depart_latency_s", "arrived": "arrive_latency_s"}
GATHER_S = 12
"""As shipped; what others say meanwhile is given back."""
FREE_S = 1.2
"""Nobody answers sooner once the channel is free: the hang time of a squelch and a breath."""
KILLS = 30
LIVE_S = 20.0
"""Some lives of the daemon are long enough for somebody to arrive, some are not."""


def on_the_air(_options: Options) -> Report:
    """Times to acknowledgement, departure and arrival, and whether each step was heard for what it is.

    The crew listens before it keys, as people do whose radio shows that the channel is in use.
    """
    told, notes = _held(FREE_S)
    errors_ms: list[float] = []
    by_squelch: dict[str, list[float]] = defaultdict(list)
    wrong = [
        f"{one['unit_name']} was ordered {count} times"
        for one in told.values()
        if (count := one["order_count"]) > 1
    ]
    for note in notes:
        arrived = told.get(note["unit"])
        latency_s = arrived[LATENCY[note["step"]]] if arrived is not None else None
        if arrived is None or latency_s is None:
            wrong.append(f"{note['unit']} {note['step']} was not taken")
            continue
        error_ms = 1000 * (latency_s - note["after_s"])
        if abs(error_ms) > 1000:
            wrong.append(f"{note['unit']} {note['step']} after {note['after_s']} s is {latency_s} s")
            continue
        errors_ms.append(abs(error_ms))
        by_squelch[squelch_of(arrived["radio"])].append(error_ms)
    if not errors_ms:
        raise RuntimeError(f"no step was measured: {wrong}")
    means = {name: round(float(np.mean(of)), 1) for name, of in by_squelch.items()}
    return Report((
        Figure.at_most(
            "drill.latency_error.p95", float(np.percentile(errors_ms, 95)), "ms", 50,
            f"{len(errors_ms)} steps of {len(told)} units in two drills at once",
            worst_ms=round(max(errors_ms), 1), mean_by_squelch_ms=means,
        ),
        Figure.at_least(
            "drill.steps_right", len(errors_ms) / (len(errors_ms) + len(wrong)), "share", 0.98,
            "acknowledged, departed, arrived: each unit says each once", wrong=wrong,
        ),
    ))  # fmt: skip


def crowded(_options: Options) -> Report:
    """The same drills with a crew that never listens: replies run together and cover each other.

    Nobody can take what was covered; but nobody may be told to have been silent.
    """
    told, notes = _held(None)
    taken = [note for note in notes if told[note["unit"]][LATENCY[note["step"]]] is not None]
    silent = [f"{name} is {one['outcome']}" for name, one in told.items() if one["outcome"] == "no_answer"]
    arrivals = dict(Counter(one["arrival"] for one in told.values()))
    return Report((
        Figure.at_most(
            "drill.crowded.no_answer", len(silent), "units", 0,
            f"of {len(told)} that all spoke, many at once", units=silent,
        ),
        Figure.noted(
            "drill.crowded.steps_taken", len(taken) / len(notes), "share",
            "the others were covered or ran together", arrivals=arrivals,
            orders={one["unit_name"]: one["order_count"] for one in told.values()},
        ),
    ))  # fmt: skip


def _held(free_s: float | None) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Hold two drills at once; return the last that was told of each unit by name, and the crew's steps.

    The crew keys once the channel has been free for `free_s`, without a look at it when that is None.
    """
    lines: dict[str, dict[str, Line]] = defaultdict(dict)
    for line in spoken():
        lines[line.unit_id][line.kind] = line
    chosen = [unit_id for unit_id, told in lines.items() if set(CLIPS.values()) <= told.keys()]
    if len(chosen) < DRILLED:
        raise RuntimeError("the crew has not been spoken yet: .venv-tools/bin/python -m bench.crewvoices")
    sides = (chosen[: DRILLED // 2], chosen[DRILLED // 2 : DRILLED])
    with folder() as where, mosquitto(where) as url:
        events, notes = _hold(where, url, lines, sides, free_s)
    told = {e["data"]["unit_name"]: e["data"] for e in events if e["type"].endswith("drill.arrived")}
    return told, [note for note in notes if note.get("step") in STEPS]


def _hold(
    where: Path,
    url: str,
    lines: dict[str, dict[str, Line]],
    sides: Sequence[Sequence[str]],
    free_s: float | None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Hold a drill on each radio, of the units of one side each; return the events and the crew's notes."""
    config, crew = write_station(where, url, 1)
    with UNITS.open(encoding="utf-8", newline="") as rows:
        registered = {row["unit_id"]: row for row in csv.DictReader(rows)}
    story: dict[str, Any] = {"prompt_s": 0.5, "answers": {}, "drill": {}, "gap_s": free_s}
    with (where / "units.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, [*dict.fromkeys([*next(iter(registered.values())), "neighbours"])])
        writer.writeheader()
        for number, side in enumerate(sides):
            for place, unit_id in enumerate(side):
                beside = "|".join(side[1:]) if place == 0 else ""
                writer.writerow(registered[unit_id] | {"street": f"街{number}", "neighbours": beside})
                story["drill"][registered[unit_id]["name"]] = _says(lines[unit_id], place)
    crew.write_text(json.dumps(story), encoding="utf-8")
    text = config.read_text(encoding="utf-8").partition("[[radio]]")[0]
    text += f"[drill]\ngather_s = {GATHER_S}\nnames_per_order = 10\nask_report = false\n"
    text += '[drill.phrases]\nopen = "演练开始"\nclose = "演练结束"\nacknowledge = ""\n'
    config.write_text(text + radios_of(where, [f"街{n}" for n in range(len(sides))]), encoding="utf-8")
    process = Process(config, crew)
    with subscriber(where, url) as heard:
        process.start()
        try:
            process.listens()
            for number, side in enumerate(sides):
                begin(config, "drill", "start", side[0], "--scenario", "gas_leak", "--radio", f"ch{number}")
            until_s = time.monotonic() + 420
            while sum(e["type"].endswith("drill.finished") for e in heard()) < len(sides):
                if time.monotonic() > until_s:
                    raise TimeoutError("the drills did not end")
                time.sleep(0.5)
        finally:
            process.stop()
        return heard(), process.crew()


def _says(lines: dict[str, Line], place: int) -> list[dict[str, Any]]:
    """What one unit says after its order; the unit on the spot is through before its line is ordered."""
    odd_s = 0.013 * place
    delays_s = (1.2, 7.4, 13.8) if place == 0 else (
        0.6 + 3.4 * (place - 1), 26.0 + 4.2 * (place - 1), 53.0 + 5.2 * (place - 1))  # fmt: skip
    return [
        {
            "step": step, "delay_s": round(delay_s + odd_s, 4), "file": str(CREW / lines[CLIPS[step]].file),
            "noise_dbfs": -35.0, "lead_s": 0.15, "tail_s": 0.1,
        }
        for step, delay_s in zip(STEPS, delays_s, strict=True)
    ]  # fmt: skip


def killed(_options: Options) -> Report:
    """One drill at a unit and its line on a daemon that is killed at any moment."""
    with folder() as where, mosquitto(where) as url, subscriber(where, url) as heard:
        config, crew = write_drill_station(where, url, 8, silent=1)
        asked = ("drill", "start", "k000", "--scenario", "gas_leak")
        outcome = drill_while_killing(
            config, crew, heard, lambda: begin(config, *asked), KILLS, 5, 1500.0, LIVE_S
        )
    last = {e["subject"]: e["data"] for e in outcome.events if e["type"].endswith("drill.arrived")}
    return Report((
        Figure.at_most(
            "drill.killed.violations", len(outcome.violations), "", 0,
            f"{outcome.kills} kills in one drill of {outcome.units} units", violations=outcome.violations,
            arrivals=dict(Counter(one["arrival"] for one in last.values())),
            minutes=round(outcome.seconds / 60, 1),
        ),
    ))  # fmt: skip
