"""Which kind of incident a call tells of, when its words are half drowned: all kinds against each other.

phonewords.py asks whether a phrase was heard and believes only what stands alone. Where a call is built
like a report the question is another: *something* happened, and one of some two thousand phrases says what.
They are searched by themselves and measured against each other: what the audio gives a phrase, less what the
recogniser's text speaks against it. What the other words of the lexicon explain better (挥刀 in 请回答,
人挤倒 in 已到达, 失物 in 是误报) stands back, and so does what might be an end instead (劫持 and 解除).

The measure has no bar of its own; `secondreading` asks the more of it, the less the call is like a report.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.model import PhoneEvidence
from gateway.understand.lexicon_rules import UNKNOWN_CODE
from gateway.understand.match import Kind, Phrase
from gateway.understand.phonereading import PhoneReading
from gateway.understand.phones import pronunciations
from gateway.understand.phonesearch import PhoneHit, PhoneIndex
from gateway.understand.pinyin import Syllables, syllables
from gateway.understand.writtensound import WrittenSound

_KEEP: Final = 120
_MOST_PER_PHONE: Final = 1.8
_LEAST_PHONES: Final = 3
_OCCURRENCES: Final = 2
_SHORT_PHONES: Final = 5
_TOUCH_S: Final = 0.03
_LONG_GENERIC_CHARS: Final = 4
_NATS_PER_WRITTEN_SYLLABLE: Final = 2.0
_NO_KIND: Final = (UNKNOWN_CODE,)
_MOST_WRITTEN: Final = 0.6
"""A text that has something else there speaks no louder than this: it may be all wrong."""
_TURNING_MARGIN_NATS: Final = 3.0

Spoken = Sequence[tuple[str, ...]]
"""The ways a phrase may be said, in phones."""


@dataclass(frozen=True, slots=True)
class Told:
    """One kind and the phrase that tells it best. `score` is in nats, 4 a syllable at best."""

    code: str
    phrase: str
    score: float
    hit: PhoneHit


@dataclass(frozen=True, slots=True)
class Other:
    """A phrase that is no incident and may explain the same stretch. `turns` when it means something else."""

    hit: PhoneHit
    score: float
    turns: bool


class IncidentContrast:
    """The incident phrases of one lexicon. Immutable once built; any thread may ask."""

    def __init__(self, phrases: Iterable[Phrase], known: Mapping[str, Spoken]) -> None:
        """Index those of `phrases` that name a kind of incident; `known` is how some of them are said."""
        self._codes: dict[str, tuple[str, ...]] = {}
        alike: dict[tuple[str, ...], tuple[str, ...]] = {}
        for one in phrases:
            codes = tuple(dict.fromkeys((*self._codes.get(one.text, ()), *_kinds(one))))
            if codes:
                self._codes[one.text] = alike.setdefault(codes, codes)
        spoken = [
            (text, phones)
            for text in self._codes
            for phones in known.get(text) or pronunciations(text)
            if len(phones) >= _LEAST_PHONES
        ]
        self._texts = tuple(text for text, _ in spoken)
        self._index = PhoneIndex([phones for _, phones in spoken], keep=_KEEP)

    def tells(self, phrase: str) -> bool:
        """Whether a phrase is among them and tells what kind it is."""
        return self._codes.get(phrase, _NO_KIND) != _NO_KIND

    def weigh(
        self,
        evidence: PhoneEvidence,
        written: WrittenSound,
        reading: PhoneReading,
        named_s: Sequence[tuple[float, float]],
        others: Sequence[Other],
    ) -> tuple[Told, ...]:
        """Every kind that may be told, the likeliest first; `named_s` are the stretches of names.

        Raises:
            ValueError: the evidence comes from a head with other phones.
        """
        best: dict[str, tuple[float, PhoneHit]] = {}
        for hit in self._index.search(evidence, _OCCURRENCES, _MOST_PER_PHONE):
            text = self._texts[hit.entry]
            if any(_within(hit, name) for name in named_s):
                continue
            score = score_of(hit, syllables(text), written, reading)
            if score <= 0 or (self.tells(text) and _explained(hit, score, others)):
                continue
            for code in self._codes[text]:
                if code not in best or score > best[code][0]:
                    best[code] = (score, hit)
        told = [Told(code, self._texts[hit.entry], score, hit) for code, (score, hit) in best.items()]
        return tuple(sorted(told, key=lambda one: (-one.score, one.code)))


def _kinds(phrase: Phrase) -> tuple[str, ...]:
    """The kinds a phrase tells; an emergency without a kind only by a phrase too long to be chance."""
    kinds = tuple(label.code for label in phrase.labels if label.kind is Kind.INCIDENT)
    generic = any(label.kind is Kind.GENERIC for label in phrase.labels)
    return kinds or (_NO_KIND if generic and len(phrase.text) >= _LONG_GENERIC_CHARS else ())


def score_of(hit: PhoneHit, said: Syllables, written: WrittenSound, reading: PhoneReading) -> float:
    """What both readers give a phrase, in nats: what was heard, less what was written instead."""
    against = min(written.cost(said, share_of(hit, reading)), _MOST_WRITTEN)
    return hit.gain - _NATS_PER_WRITTEN_SYLLABLE * len(said) * against


def share_of(hit: PhoneHit, reading: PhoneReading) -> float:
    """Where in what was said a hit stands, from 0 to 1."""
    if not reading.times:
        return 0.5
    start_s, end_s = reading.times[0][0], reading.times[-1][1]
    return ((hit.start_s + hit.end_s) / 2 - start_s) / max(end_s - start_s, 0.1)


def _within(hit: PhoneHit, name_s: tuple[float, float]) -> bool:
    """Whether a hit lies in a name; two syllables must not so much as touch it."""
    shared_s = hit.shared_s(*name_s)
    return 2 * shared_s >= hit.end_s - hit.start_s or (hit.phones <= _SHORT_PHONES and shared_s > _TOUCH_S)


def _explained(hit: PhoneHit, score: float, others: Sequence[Other]) -> bool:
    """Whether other words stand there rather, or words of another meaning about as well."""
    for other in others:
        margin = _TURNING_MARGIN_NATS if other.turns else 0.0
        shared_s = hit.shared_s(other.hit.start_s, other.hit.end_s)
        if other.score + margin > score and 2 * shared_s >= hit.end_s - hit.start_s:
            return True
    return False
