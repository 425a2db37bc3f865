"""Which kind of incident a call tells, by all that speaks for each: what was read, what was heard, the gist.

The lexicon's phrases are sure of what they say and know few ways to say it; the gist (gist.py) knows many
and is sure of none. Each kind's evidence, from the recogniser's text and from the phone head's reading, is
added up in nats, and the sums are turned into shares. The weights (kindfitted.py) are those that make the
right kinds of calls with known kinds likeliest, each with a gist that had never seen its sentence.

Whether anything is reported at all is told by polarity.py and kindtold.py. Only where the call is built like
a report and neither knows a word of it may the gist open one, and only where both readings say so.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import mul
from typing import Final

from gateway.understand.callreading import CallReading
from gateway.understand.gist import NOTHING, Gist
from gateway.understand.kindfitted import BESIDE, TEXT_ALONE
from gateway.understand.kindtold import built_as_report
from gateway.understand.lexicon_rules import UNKNOWN_CODE
from gateway.understand.match import SHORTEST_BY_SOUND, Hit, Kind, Label
from gateway.understand.phonewords import Heard
from gateway.understand.polarity import Polarity
from gateway.understand.reading import Reading
from gateway.understand.secondreading import SecondReading
from gateway.understand.slots import Chosen
from gateway.understand.weights import KindWeights

_LEAST_NATS: Final = -9.0
"""However little the gist thinks of a kind: it may be wrong."""
_MOST_TOLD: Final = 12.0
_RATHER: Final = 0.5
"""The share from which a kind stands in place of what a phrase told, or of an emergency without a kind."""
_OPENS: Final = 0.4
_OPENS_NATS: Final = 4.5
_NATS_PER_POINT: Final = 0.5
"""A share, and how many nats over nothing with the points for a report, from which the gist opens one."""
_NOTHING_NEW: Final = ("spoken_of_again:", "told_in_order:", "ends:", "not_heard:")
_NOBODY_KNOWS: Final = 0.3
"""With a lesser share the best kind is a guess."""
_NOTHING: Final = -2.5
"""Nats over nothing from which down a reading says that nothing is reported."""


@dataclass(frozen=True, slots=True)
class WeighedKind:
    """A kind's share of all kinds, given that one was told, and by how many nats it beats nothing at all.

    `over_nothing` is told by each reading.
    """

    code: str
    share: float
    over_nothing: tuple[float, ...]


def kind_by_gist(
    gist: Gist,
    first: CallReading,
    settled: tuple[CallReading, Polarity, list[str]],
    again: SecondReading | None,
) -> tuple[CallReading, Polarity, list[str]]:
    """What a call comes to when all its words are weighed, after what its phrases came to (`settled`).

    A kind that is told otherwise than by phrases goes to a person (`gist:`), and so does a report in which
    there is nothing but a chance phrase (`nothing_else:`): it opens nothing. In an exercise people say what
    nobody says in earnest, so there phrases decide.
    """
    call, polarity, _ = settled
    if polarity not in {"report", "none"}:
        return settled
    words = again.words if again is not None else None
    best = weigh_kinds(gist, first.reading, call.chosen, words)[0]
    played = "drill" in first.points or first.context.exercise_open
    if polarity == "none":
        return settled if played else _opened(gist, first, settled, again, best)
    if call.chosen is None or first.context.open_incident or played:
        return settled
    return _retold(gist, first, settled, call.chosen, best, words)


def _opened(
    gist: Gist,
    first: CallReading,
    settled: tuple[CallReading, Polarity, list[str]],
    again: SecondReading | None,
    best: WeighedKind,
) -> tuple[CallReading, Polarity, list[str]]:
    """A report where no phrase makes one, if it is built like it and its gist is beyond doubt."""
    second, words = (again.call, again.words) if again is not None else (first, None)
    built = built_as_report(first, second, words)
    if built is None or built.routine or best.code == UNKNOWN_CODE or best.share < _OPENS:
        return settled
    if _said_otherwise(first.reading, settled[2]):
        return settled
    if sum(best.over_nothing) + _NATS_PER_POINT * built.points < _OPENS_NATS:
        return settled
    chosen = Chosen(best.code, _where(gist, first.reading, best.code))
    return replace(settled[0], chosen=chosen), "report", [*settled[2], f"gist:{best.code}"]


def _said_otherwise(reading: Reading, doubts: list[str]) -> bool:
    """Whether a phrase says that nothing happened, or nothing new: the gist does not hear a 没有."""
    denied = any(hit.codes(Kind.INCIDENT) and standing != "stated" for hit, standing in reading.hits)
    return denied or any(doubt.startswith(_NOTHING_NEW) for doubt in doubts)


def _retold(
    gist: Gist,
    first: CallReading,
    settled: tuple[CallReading, Polarity, list[str]],
    chosen: Chosen,
    best: WeighedKind,
    words: Heard | None,
) -> tuple[CallReading, Polarity, list[str]]:
    """A report of another kind than its phrase told, or none at all."""
    call, polarity, doubts = settled
    asked = first.context.asked == "situation"
    if not asked and chosen.code in gist.kinds and not _sure(chosen, first, words) and _by_chance(best):
        return replace(call, chosen=None), "none", [*doubts, f"nothing_else:{chosen.hit.phrase}"]
    if best.share < _RATHER or best.code in {chosen.code, UNKNOWN_CODE}:
        return settled
    kept = [doubt for doubt in doubts if doubt != "kind_not_understood"]
    return replace(call, chosen=replace(chosen, code=best.code)), polarity, [*kept, f"gist:{best.code}"]


def _sure(chosen: Chosen, first: CallReading, words: Heard | None) -> bool:
    """Whether a phrase was said, whatever else was.

    So is an emergency that is announced as such, and somebody who is called for; three syllables that are
    written as such, and heard where anything was; and two where nothing was.
    """
    hit = chosen.hit
    if chosen.code == UNKNOWN_CODE and (hit.codes(Kind.GENERIC) or not hit.by_sound):
        return True
    if hit.by_sound or words is None:
        return not hit.by_sound
    read = hit.phrase in words.agreed and hit.phrase in first.reading.text
    return read and len(hit.phrase) >= SHORTEST_BY_SOUND


def _by_chance(best: WeighedKind) -> bool:
    """Whether all that was said reports nothing, so that a phrase was taken for something else."""
    guessed = best.share < _NOBODY_KNOWS and sum(best.over_nothing) <= _NOTHING
    return guessed or max(best.over_nothing) <= _NOTHING


def _where(gist: Gist, reading: Reading, code: str) -> Hit:
    """The stretch of the text that speaks most for a kind, as a hit of it."""
    start, end = gist.span(reading.masked, code)
    return Hit(start, end, reading.text[start:end], (Label(Kind.INCIDENT, code),), by_sound=True)


def weigh_kinds(
    gist: Gist, reading: Reading, chosen: Chosen | None, words: Heard | None
) -> tuple[WeighedKind, ...]:
    """Every kind, the likeliest first; `chosen` is what the phrases came to, `words` what the audio has."""
    weights = TEXT_ALONE if words is None else BESIDE
    readings = [gist.tell(reading.masked), *([gist.tell(words.plain)] if words is not None else [])]
    traits = kind_traits(readings, reading, chosen, words)
    nats = {kind: sum(map(mul, weights, values)) for kind, values in traits.items()}
    most = max(nats.values())
    parts = {kind: math.exp(value - most) for kind, value in nats.items()}
    total = sum(parts.values())
    weighed = [
        WeighedKind(kind, part / total, tuple(_of(one, kind) - _of(one, NOTHING) for one in readings))
        for kind, part in parts.items()
    ]
    return tuple(sorted(weighed, key=lambda one: (-one.share, one.code)))


def kind_traits(
    told: Sequence[Mapping[str, float]], reading: Reading, chosen: Chosen | None, words: Heard | None
) -> dict[str, KindWeights]:
    """What there is of each weight's evidence for each kind; `told` is the gist of the readings."""
    kinds = [kind for kind in told[0] if kind != NOTHING]
    if chosen is not None and chosen.code not in kinds:
        kinds.append(chosen.code)
    likeliest = {one.code: min(one.score, _MOST_TOLD) for one in words.told} if words is not None else {}
    traits = {}
    for kind in kinds:
        gists = [_of(one, kind) for one in told]
        traits[kind] = KindWeights(
            text=gists[0], ear=gists[1] if len(gists) > 1 else 0.0, told=likeliest.get(kind, 0.0)
        )
    if chosen is not None:
        phrase, by_sound = chosen.hit.phrase, chosen.hit.by_sound
        written = phrase in reading.text and not by_sound
        traits[chosen.code] = traits[chosen.code]._replace(
            written=float(written),
            by_sound=float(by_sound),
            heard=float(not written and not by_sound),
            agreed=float(words is not None and phrase in words.agreed),
            clear=float(words is not None and phrase in words.clear),
        )
    return traits


def _of(told: Mapping[str, float], kind: str) -> float:
    return max(told.get(kind, _LEAST_NATS), _LEAST_NATS)
