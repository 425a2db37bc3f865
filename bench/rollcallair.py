"""Roll-calls of the daemon on virtual radios in real time: answer times and gaps against the crew's notes."""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from bench.airstation import begin, radios_of, squelch_of, subscriber
from bench.crewvoices import CREW, spoken
from bench.figure import Figure, Options, Report
from bench.station import folder, mosquitto
from tools.killed import Process, write_station

RADIOS = 4
"""Half of them cut by level, half by the carrier's flag."""
ON_AIR_UNITS = 12


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
