"""Who speaks, from all that was heard: each reader's names and where they stand, weighed as log-likelihoods.

Every reader of the audio (the recogniser's text, the phone head) gives mentions (mentions.py), and for each a
stance: how it stands in the call (roles.py). For a unit u

- `name` is the readers' evidence that u was named there, in nats against nobody being named, and
- `role` is what its stances say for its being the one who speaks, in nats.

Among the units named on one stretch the better name decides, among stretches the role: how well a stretch is
heard counts only up to `most_name_nats`. That anybody was told is as probable as the weaker of the two for
the best:

    P(u) = share(u) · σ(−log(e^−name + e^−role)),   share = softmax(softcap(stretch) + name − stretch + role)

so a name heard beyond doubt makes nobody a caller, nor does 我是 before a mumble. What
each kind of evidence is worth (fitted.py) was fitted by maximum likelihood (tools/phonehead/decision.py) on
calls that no figure is reported for.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from gateway.understand.callsigns import is_counting, is_short
from gateway.understand.grounds import Trace
from gateway.understand.mentions import Mention, rivals
from gateway.understand.names import Occurrence
from gateway.understand.pinyin import Syllables
from gateway.understand.roles import Stance
from gateway.understand.weights import ReaderWeights

Times = Callable[[int, int], tuple[float, float]]

_USUAL_SYLLABLES: Final = 4
_CALLEE_NATS: Final = -8.0
_MOST_NATS: Final = 500.0
_MOST_WORDS_NATS: Final = 7.0
_MARKED: Final = frozenset({"self", "calls", "answers"})


@dataclass(frozen=True, slots=True)
class Hearing:
    """One reader's account of a call: the mentions in the order they were said, and how each stands.

    `words` are what all the words around each say for its speaking, in nats.
    """

    source: Literal["text", "phones"]
    text: str
    said: Syllables
    mentions: tuple[Mention, ...]
    stances: tuple[Stance, ...]
    words: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Claims:
    """What one reader says for each unit's being the caller: its best mention's name and role, in nats.

    `places` is which mention that is, `stretches` how it reads there.
    """

    names: Mapping[str, float]
    roles: Mapping[str, float]
    absent_nats: float
    trace: Trace
    stretches: Mapping[str, str]
    places: Mapping[str, int]

    def name(self, owner: str) -> float:
        """The evidence that `owner` was named."""
        return self.names.get(owner, self.absent_nats)

    def role(self, owner: str) -> float:
        """The evidence that `owner` speaks, if it was named."""
        return self.roles.get(owner, 0.0)


def claims(hearing: Hearing, weights: ReaderWeights, forms: int, span_s: Times | None = None) -> Claims:
    """The best of each unit's mentions, but for those that name the command post. `forms` is how many."""
    absent_gain = weights.absent_gain + weights.absent_gain_per_log_form * math.log(forms + 1)
    names: dict[str, float] = {}
    roles: dict[str, float] = {}
    found: dict[str, Occurrence] = {}
    places: dict[str, int] = {}
    for index, stance in enumerate(hearing.stances):
        if stance == "command":
            continue
        counted = is_counting(hearing.mentions[index].best)
        for owner, gain in rivals(hearing.mentions, index).items():
            occurrence = hearing.mentions[index].found[owner]
            role = weights.stance_nats.get(stance, _CALLEE_NATS)
            role += weights.words_share * capped_words(hearing.words[index])
            if (counted or is_short(occurrence)) and stance not in _MARKED:
                role = _CALLEE_NATS
            name = _softly(_name_nats(weights, absent_gain, occurrence, gain), weights.floor_nats)
            if owner not in names or name + role > names[owner] + roles[owner]:
                names[owner], roles[owner], found[owner] = name, role, occurrence
                places[owner] = index
    trace = Trace(
        hearing.source,
        {owner: names[owner] + roles[owner] for owner in names},
        found,
        hearing.text,
        hearing.said,
        partial(_sound_nats, weights, absent_gain),
        span_s,
        weights.floor_nats,
    )
    stretches = {owner: _stretch(hearing, occurrence) for owner, occurrence in found.items()}
    return Claims(names, roles, weights.floor_nats, trace, stretches, places)


def capped_words(nats: float) -> float:
    """What the words around a name say at most, either way."""
    return max(-_MOST_WORDS_NATS, min(_MOST_WORDS_NATS, nats))


def fuse_claims(
    heard: Sequence[Claims],
    base: tuple[float, float],
    priors_nats: Mapping[str, float],
    most_name_nats: float,
) -> tuple[tuple[str, float], ...]:
    """Probability of being the caller per owner, best first; what is left to 1 is that nobody told.

    `base` are the nats that name and role begin with. Empty when nobody was heard.
    """
    owners = {owner for one in heard for owner in one.names}
    if not owners:
        return ()
    names = {o: priors_nats.get(o, 0.0) + sum(one.name(o) for one in heard) for o in owners}
    roles = {o: sum(one.role(o) for one in heard) for o in owners}
    places = {o: max((n, one.places[o]) for n, one in enumerate(heard) if o in one.places) for o in owners}
    stretches: dict[tuple[int, int], float] = {}
    for owner, place in places.items():
        stretches[place] = max(names[owner], stretches.get(place, -math.inf))
    nats = {
        o: -_softly(-stretches[places[o]], -most_name_nats) + names[o] - stretches[places[o]] + roles[o]
        for o in owners
    }
    best = max(owners, key=lambda o: (nats[o], o))
    told = 1 / (
        1
        + sum(
            math.exp(min(_MOST_NATS, -sum(pair))) for pair in ((names[best], base[0]), (roles[best], base[1]))
        )
    )
    weights = {o: math.exp(nats[o] - nats[best]) for o in owners}
    total = sum(weights.values())
    shares = ((o, told * weight / total) for o, weight in weights.items())
    return tuple(sorted(shares, key=lambda share: (-share[1], share[0])))


def _name_nats(weights: ReaderWeights, absent_gain: float, found: Occurrence, gain: float) -> float:
    nats = weights.nats_per_gain * (gain - absent_gain)
    nats += weights.nats_per_syllable * (found.most - _USUAL_SYLLABLES)
    nats += weights.number_nats if found.form.kind == "callsign" else 0.0
    return nats + (weights.short_number_nats if is_short(found) else 0.0)


def _sound_nats(weights: ReaderWeights, absent_gain: float, found: Occurrence) -> float:
    """What the name's sound alone adds: nothing is known of its surroundings."""
    return _softly(_name_nats(weights, absent_gain, found, found.gain), weights.floor_nats)


def _softly(nats: float, floor: float) -> float:
    """`nats`, but never much under `floor`: log(e^nats + e^floor)."""
    return max(nats, floor) + math.log1p(math.exp(-abs(nats - floor)))


def _stretch(hearing: Hearing, found: Occurrence) -> str:
    return hearing.text[hearing.said.spans[found.start][0] : hearing.said.spans[found.end - 1][1]]
