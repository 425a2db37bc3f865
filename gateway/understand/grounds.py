"""What each piece of evidence added for a candidate, so that every answer can be asked why. Pure.

A reader's evidence for a unit is what its name gained by sound and what it gained by where it stands; priors
are added as they are. The parts add up to the sum in nats that `resolve.fuse` turns into a score.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.model import Ground
from gateway.understand.names import Occurrence
from gateway.understand.pinyin import Syllables

_NO_MORE_THAN_ROUNDING = 0.005


@dataclass(frozen=True, slots=True)
class Trace:
    """How one reader of a call came to its evidence: `nats` per owner, each from an occurrence in `found`.

    `by_sound` is what an occurrence would be worth if nothing were known of its surroundings. `span_s` tells
    when characters of `text` were said, None for a text without times. `absent_nats` is the evidence for whom
    it did not hear, None for the least it has for anybody.
    """

    source: Literal["text", "phones"]
    nats: Mapping[str, float]
    found: Mapping[str, Occurrence]
    text: str
    said: Syllables
    by_sound: Callable[[Occurrence], float]
    span_s: Callable[[int, int], tuple[float, float]] | None = None
    absent_nats: float | None = None

    def grounds(self, owner: str, share: float) -> list[Ground]:
        """What this reader adds for `owner`; `share` is what its word counts beside the other readers."""
        found = self.found.get(owner)
        if found is None or owner not in self.nats:
            absent = min(0.0, *self.nats.values(), 0.0) if self.absent_nats is None else self.absent_nats
            return [Ground(self.source, _rounded(share * absent))]
        first, last = self.said.spans[found.start][0], self.said.spans[found.end - 1][1]
        sound = self.by_sound(found)
        grounds = [
            Ground(
                self.source,
                _rounded(share * sound),
                found.form.kind,
                found.form.text,
                self.text[first:last],
                self.at_s(first, last),
            )
        ]
        stands = share * (self.nats[owner] - sound)
        if abs(stands) > _NO_MORE_THAN_ROUNDING:
            grounds.append(Ground("position", _rounded(stands), self.source))
        return grounds

    def at_s(self, first: int, last: int) -> tuple[float, float] | None:
        """When the characters `first` to `last` (exclusive) were said."""
        if self.span_s is None:
            return None
        start, end = self.span_s(first, last)
        return round(start, 2), round(end, 2)


def prior_grounds(priors_nats: Mapping[str, float]) -> list[Ground]:
    """Each prior that says something, by its name."""
    return [Ground("prior", _rounded(nats), name) for name, nats in priors_nats.items() if nats]


def _rounded(nats: float) -> float:
    return round(nats, 2)
