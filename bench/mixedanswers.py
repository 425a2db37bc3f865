"""A roll-call in which little goes as it should, in speech at 20 dB, against what the crew really did.

In the turn of one unit another answers for it, answers for itself before it was called, checks in without
being in the roll-call at all, or answers late; some answer twice. Every line must still be right.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bench.crewvoices import FIFTH, Line
from bench.figure import Figure, Options, Report
from bench.rollcallhall import SNR_DB, Answering, Hall, whole_crew
from bench.station import folder
from tools.airplay import Answer

ROUNDS = 5
PER_ROUND = 24


@dataclass
class Mixed(Answering):
    """`early` is whose answer comes in the turn of another, `guests` who checks in there."""

    early: dict[str, str] = field(default_factory=dict)
    guests: dict[str, str] = field(default_factory=dict)
    everybody: dict[str, dict[str, Line]] = field(default_factory=dict)

    def called(self, unit_id: str) -> list[Answer]:
        """What is heard after a call of this unit."""
        self.calls[unit_id] += 1
        lines, kind = self.lines[unit_id], self.kinds[unit_id]
        after_s = Random(f"{self.seed}/{unit_id}").uniform(0.5, 3.0)
        if kind == "for":
            return [self.sound(lines["for"], after_s, unit_id)] if self.calls[unit_id] == 1 else []
        own = self.sound(lines["full"], after_s, unit_id)
        if kind == "double":
            return [own, self.sound(lines["full"], after_s + own.length_s + 7.0, f"{unit_id} again")]
        guest = self.early.get(unit_id) or self.guests.get(unit_id)
        if guest is None or self.calls[unit_id] > 1:
            return [own]
        said = self.everybody[guest]["duty" if unit_id in self.guests else "full"]
        first = self.sound(said, after_s, guest)
        return [first, self.sound(lines["full"], after_s + first.length_s + 3.0, unit_id)]


def mixed(options: Options) -> Report:
    """Share of lines, and of check-ins, that say what really happened."""
    whole, counts = whole_crew()
    with_stand_in = [unit_id for unit_id, told in whole.items() if "for" in told]
    if len(with_stand_in) < len(whole) // (FIFTH + 1):
        raise RuntimeError("the crew has not been spoken yet: .venv-tools/bin/python -m bench.crewvoices")
    with folder() as where:
        results = asyncio.run(_hold(where, whole, counts, max(1, ROUNDS // options.every)))
    wrong = [f"{who}: {kind} told as {told}" for who, kind, is_right, told in results if not is_right]
    asked = Counter(kind for _, kind, _, _ in results)
    right = Counter(kind for _, kind, is_right, _ in results if is_right)
    return Report((
        Figure.at_least(
            "rollcall.mixed_right", right.total() / len(results), "share", 0.98,
            f"{len(results)} answers at {SNR_DB:.0f} dB that came otherwise than asked for",
            wrong=wrong, right_of={kind: f"{right[kind]} of {count}" for kind, count in asked.items()},
        ),
    ))  # fmt: skip


async def _hold(
    where: Path, whole: dict[str, dict[str, Line]], counts: dict[int, Line], rounds: int
) -> list[tuple[str, str, bool, str]]:
    """(unit, what it did, whether it was told right, what was told) of each answer."""
    results: list[tuple[str, str, bool, str]] = []
    async with Hall(where, whole) as hall:
        for number in range(rounds):
            draw = Random(f"mixed/{number}")
            crew, chosen = _crew(draw, whole, counts, number)
            play = await hall.hold(chosen, crew, number)
            told = play.outcomes()
            arrived = {event.data["unit"]["unit_id"] for event in play.of("checkin.received")}
            for unit_id in chosen:
                kind, outcome = crew.kinds[unit_id], told.get(unit_id, "")
                if kind == "for":
                    by = play.last(unit_id)["answered_by"]
                    meant = whole[unit_id]["for"].by
                    results.append(
                        (unit_id, kind, outcome == "answered_by_other" and by == meant, f"{outcome} {by}")
                    )
                else:
                    results.append((unit_id, kind, outcome == "answered", outcome))
            results += [(guest, "checkin", guest in arrived, "nothing") for guest in crew.guests.values()]
    return results


def _crew(
    draw: Random, whole: dict[str, dict[str, Line]], counts: dict[int, Line], number: int
) -> tuple[Mixed, Sequence[str]]:
    stood_in = draw.sample(sorted(u for u, told in whole.items() if "for" in told), 7)
    neighbours = {whole[unit_id]["for"].by for unit_id in stood_in}
    guests = sorted(u for u, told in whole.items() if "duty" in told and u not in {*stood_in, *neighbours})
    guests = draw.sample(guests, 5)
    rest = sorted(set(whole) - {*stood_in, *neighbours, *guests})
    others = draw.sample(rest, PER_ROUND - len(stood_in))
    kinds = dict.fromkeys(stood_in, "for")
    kinds |= dict(zip(others, ("early",) * 4 + ("duty",) * 5 + ("double",) * 4 + ("full",) * 4, strict=True))
    chosen = [*stood_in, *others]
    draw.shuffle(chosen)
    # Who jumps in is called after the one in whose turn it does.
    full = [u for u in chosen if kinds[u] == "full"]
    chosen = [u for u in chosen if kinds[u] != "full"] + full
    early = dict(zip([u for u in chosen if kinds[u] == "early"], full, strict=True))
    visits = dict(zip([u for u in chosen if kinds[u] == "duty"], guests, strict=True))
    crew = Mixed(
        {unit_id: whole[unit_id] for unit_id in chosen}, counts, kinds, number,
        early=early, guests=visits, everybody=whole,
    )  # fmt: skip
    return crew, chosen
