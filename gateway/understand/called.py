"""Whom a call is for: what each reader says of the one mention that call order takes for the callee."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.understand.grounds import Trace
from gateway.understand.names import Occurrence


@dataclass(frozen=True, slots=True)
class NameEvidence:
    """One reader's evidence that a unit was named.

    `score` is natural-log odds against nobody being named: 0 says nothing, 3 is 20 to 1. `unit_id` is COMMAND
    for the command post. `span` is where: characters of the text for source "text", seconds for "phones".
    """

    unit_id: str
    score: float
    span: tuple[float, float]
    source: Literal["text", "phones"]


@dataclass(frozen=True, slots=True)
class Part:
    """One party as one reader of the audio has it: each owner's evidence in nats, and the stretch of text."""

    nats: Mapping[str, float]
    span: tuple[float, float]
    stretch: str
    source: Literal["text", "phones"]
    trace: Trace

    def evidence(self, share: float = 1.0) -> list[NameEvidence]:
        """Every owner's evidence, counted by `share`."""
        return [NameEvidence(i, share * nats, self.span, self.source) for i, nats in self.nats.items()]


@dataclass(frozen=True, slots=True)
class Scale:
    """What a gain is worth in nats, and the gain that chance alone reaches."""

    nats_per_gain: float
    absent_gain: float

    def nats(self, gain: float) -> float:
        """The evidence that a gain is."""
        return self.nats_per_gain * (gain - self.absent_gain)

    def by_sound(self, found: Occurrence) -> float:
        """The evidence of a name's sound alone."""
        return self.nats(found.gain)


def fuse(evidence: Iterable[NameEvidence], priors_nats: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Probability per unit id, best first; what they leave to 1 is the probability that nobody was named.

    Per source a unit's best score counts and the sources add up. A unit that a source did not report gets
    that source's lowest score, at most 0: not to be among the best found is no point in its favour.
    """
    by_source: dict[str, dict[str, float]] = {}
    for item in evidence:
        scores = by_source.setdefault(item.source, {})
        scores[item.unit_id] = max(item.score, scores.get(item.unit_id, -math.inf))
    unit_ids = {unit_id for scores in by_source.values() for unit_id in scores}
    nats = {
        unit_id: priors_nats.get(unit_id, 0.0)
        + sum(s.get(unit_id, min(0.0, *s.values(), 0.0)) for s in by_source.values())
        for unit_id in unit_ids
    }
    top = max([0.0, *nats.values()])
    weights = {unit_id: math.exp(value - top) for unit_id, value in nats.items()}
    total = sum(weights.values()) + math.exp(-top)
    shares = ((unit_id, weight / total) for unit_id, weight in weights.items())
    return tuple(sorted(shares, key=lambda share: (-share[1], share[0])))
