"""Roll-calls that the gateway holds, against what the crew really did.

`outcomes`: a crew answers in synthetic speech at 20 dB, through recogniser, resolver and conductor, in
simulated time. `days`: whole districts with the words given. `killed`: one roll-call on a daemon that is
killed again and again. In real time: `rollcallair`.
"""

import asyncio
import time
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np

from bench.airstation import begin, subscriber
from bench.crewvoices import Line
from bench.figure import Figure, Options, Report
from bench.rollcallhall import SNR_DB, Answering, Hall, whole_crew
from bench.station import folder, mosquitto
from tools.killed import hold_while_killing, write_station
from tools.rollcallday import Day

UNITS = 500
KINDS = ("full", "short", "twice", "late", "silent")
SHARES = (60, 16, 8, 6, 10)
RIGHT = {
    "full": "answered",
    "short": "answered",
    "twice": "answered",
    "late": "answered_late",
    "silent": "no_answer",
}
MOST_MINUTES = 28.0
DAYS_OF = (269, 2702)


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
