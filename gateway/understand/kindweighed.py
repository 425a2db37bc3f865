"""Which kind of incident a call tells, by all that speaks for each: what was read, what was heard, the gist.

The lexicon's phrases are sure of what they say and know few ways to say it; the gist (gist.py) knows many
and is sure of none. Each kind's evidence, from the recogniser's text and from the phone head's reading, is
added up in nats, and the sums are turned into shares. The weights (kindfitted.py) are those that make the
right kinds of calls with known kinds likeliest, each with a gist that had never seen its sentence.

Whether anything is reported at all is told by polarity.py and kindtold.py. Only where the call is built like
a report and neither knows a word of it may the gist open one, and only where both readings say so.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from gateway.understand.callreading import CallReading
from gateway.understand.gist import NOTHING, Gist
from gateway.understand.kindfitted import BESIDE, TEXT_ALONE
from gateway.understand.kindtold import built_as_report
from gateway.understand.lexicon_rules import UNKNOWN_CODE
from gateway.understand.match import Hit, Kind, Label
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
_OPENS: Final = 0.5
_OPENS_OVER_NOTHING: Final = 2.0
_OPENS_POINTS: Final = 2
_NOBODY_KNOWS: Final = 0.3
"""With a lesser share the best kind is a guess."""
_NOTHING: Final = -3.0
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
    there is nothing but a chance phrase (`nothing_else:`): it opens nothing.
    """
    call, polarity, _ = settled
    if polarity not in {"report", "none"}:
        return settled
    best = weigh_kinds(gist, first.reading, call.chosen, again.words if again is not None else None)[0]
    if polarity == "none":
        return _opened(gist, first, settled, again, best)
    if call.chosen is None or first.context.open_incident:
        return settled
    return _retold(gist, settled, call.chosen, best)


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
    if built is None or built.routine or built.points < _OPENS_POINTS or best.code == UNKNOWN_CODE:
        return settled
    if best.share < _OPENS or sum(best.over_nothing) < _OPENS_OVER_NOTHING:
        return settled
    chosen = Chosen(best.code, _where(gist, first.reading, best.code))
    return replace(settled[0], chosen=chosen), "report", [*settled[2], f"gist:{best.code}"]


def _retold(
    gist: Gist, settled: tuple[CallReading, Polarity, list[str]], chosen: Chosen, best: WeighedKind
) -> tuple[CallReading, Polarity, list[str]]:
    """A report of another kind than its phrase told, or none at all."""
    call, polarity, doubts = settled
    if _by_chance(best, chosen, gist):
        return replace(call, chosen=None), "none", [*doubts, f"nothing_else:{chosen.hit.phrase}"]
    if best.share < _RATHER or best.code in {chosen.code, UNKNOWN_CODE}:
        return settled
    kept = [doubt for doubt in doubts if doubt != "kind_not_understood"]
    return replace(call, chosen=replace(chosen, code=best.code)), polarity, [*kept, f"gist:{best.code}"]


def _by_chance(best: WeighedKind, chosen: Chosen, gist: Gist) -> bool:
    """Whether all else that was said reports nothing, so that the phrase was taken for something else."""
    if chosen.code not in gist.kinds:
        return False
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
    read = gist.tell(reading.masked)
    heard = None if words is None else gist.tell(words.plain)
    kinds = [kind for kind in gist.kinds if kind != NOTHING]
    if chosen is not None and chosen.code not in kinds:
        kinds.append(chosen.code)
    nats = {kind: _nats(kind, weights, read, heard, words) for kind in kinds}
    if chosen is not None:
        nats[chosen.code] += _for_phrase(chosen, weights, reading, words)
    most = max(nats.values())
    parts = {kind: math.exp(value - most) for kind, value in nats.items()}
    total = sum(parts.values())
    readings = [one for one in (read, heard) if one is not None]
    weighed = [
        WeighedKind(kind, part / total, tuple(_of(one, kind) - _of(one, NOTHING) for one in readings))
        for kind, part in parts.items()
    ]
    return tuple(sorted(weighed, key=lambda one: (-one.share, one.code)))


def _of(told: Mapping[str, float], kind: str) -> float:
    return max(told.get(kind, _LEAST_NATS), _LEAST_NATS)


def _nats(
    kind: str,
    weights: KindWeights,
    read: Mapping[str, float],
    heard: Mapping[str, float] | None,
    words: Heard | None,
) -> float:
    nats = weights.text * _of(read, kind)
    if heard is not None and words is not None:
        nats += weights.ear * _of(heard, kind)
        nats += weights.told * max(
            (min(t.score, _MOST_TOLD) for t in words.told if t.code == kind), default=0.0
        )
    return nats


def _for_phrase(chosen: Chosen, weights: KindWeights, reading: Reading, words: Heard | None) -> float:
    """What the phrase that was chosen says for its kind, by who has it."""
    phrase = chosen.hit.phrase
    written = phrase in reading.text
    nats = weights.by_sound if chosen.hit.by_sound else weights.written if written else weights.heard
    if words is not None:
        nats += weights.agreed if phrase in words.agreed else 0.0
        nats += weights.clear if phrase in words.clear else 0.0
    return nats
