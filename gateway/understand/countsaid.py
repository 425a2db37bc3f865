"""How many people are there, as it was heard: which number, and whether people are counted at all.

Two questions are asked apart. *Which number* is a matter of the audio: the numbers' gains on the same stretch
(numbersearch.py) and how near each comes to the recogniser's text are weighed into shares, with a small part
left for a head that is fooled outright. *Whether at all* is a matter of the words around it: how much of them
was heard, how well, whether they are words of duty, and what else the call does. A wrong number is graded and
followed; an absent one is asked for again: so both must be likely before a number is told.

The weights are fitted over recordings at 20, 12 and 8 dB with an earlier head; on the shipped one a new fit
(tools/phonehead/counts.py) tells no more.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.understand.numbersearch import NumberHeard
from gateway.understand.pinyin import syllables
from gateway.understand.writtensound import WrittenSound

FOOLED: Final = 0.03
"""How often the head hears another number outright, whatever its gain."""
NUMBERS: Final = 14
"""Among how many numbers that share is spread."""
_MANY: Final = 12
"""A minimum emergency unit has a handful of people: more are seldom said."""
_MOST_WRITTEN: Final = 0.6
_WRITTEN_SYLLABLES: Final = 4
_WITHIN_NATS: Final = 12.0
_MOST_EXPECTED_PER_PHONE: Final = 0.75
_EXPECTED_LEAD_NATS: Final = 2.0

SAID_WEIGHTS: Final = (0.73, 0.47, 1.73, -2.64)
"""Of a number: a nat of gain, a syllable alike in the text, being read there, being many."""
THERE_WEIGHTS: Final = (0.45, -2.02, -4.52, -2.1, 2.32, -1.41, 0.1)
"""Of a count: a nat of gain, a nat a phone, a syllable unlike the text, weak words, bare ones, other acts."""
LEAST_SAID: Final = 0.6
"""Over the splits, by sentences left out, nine in ten are right between 0.6 and 0.7, and half below."""
LEAST_THERE: Final = 0.85


@dataclass(frozen=True, slots=True)
class Candidate:
    """A number, as best heard, and what a syllable of its words costs in the text, 0 to 0.6."""

    heard: NumberHeard
    unlike: float
    syllables: int


@dataclass(frozen=True, slots=True)
class CountSaid:
    """The likeliest `number`; `said` is its share among all numbers, `there` how likely people are counted.

    `shares` of every number that came near, the likeliest first. `expected` is how many there should be, None
    when that was not said.
    """

    number: int
    said: float
    there: float
    shares: tuple[tuple[int, float], ...]
    expected: int | None = None

    @property
    def sure(self) -> bool:
        """Whether it may be told."""
        return self.said >= LEAST_SAID and self.there >= LEAST_THERE

    def share(self, number: int) -> float:
        """The share of any number."""
        return dict(self.shares).get(number, 0.0)


def candidates(
    found: Iterable[NumberHeard], text: str, spoken_s: tuple[float, float], *, asked: bool
) -> list[Candidate]:
    """The numbers worth weighing, best first, each as best heard.

    `text` is the recogniser's, folded; `spoken_s` when the call's words begin and end. A number by itself
    counts only where one was `asked` for.
    """
    written = WrittenSound(text)
    best: dict[int, NumberHeard] = {}
    for one in found:
        if one.meaning == "expected" or (one.meaning == "asked" and not asked):
            continue
        if one.meaning != "bare" or one.number != 1:  # 没有可疑人员，一切正常
            best.setdefault(one.number, one)
    first = max((one.gain for one in best.values()), default=0.0)
    near = [one for one in best.values() if one.gain >= first - _WITHIN_NATS]
    return [_compared(one, written, spoken_s) for one in near]


def _compared(heard: NumberHeard, written: WrittenSound, spoken_s: tuple[float, float]) -> Candidate:
    start_s, end_s = spoken_s
    at = ((heard.start_s + heard.end_s) / 2 - start_s) / max(end_s - start_s, 0.1)
    said = [syllables(heard.before[-2:] + word + heard.after[:4]) for word in _written_as(heard.number)]
    cost, length = min((written.cost(one, at), len(one)) for one in said)
    return Candidate(heard, min(cost, _MOST_WRITTEN), min(length, _WRITTEN_SYLLABLES))


def _written_as(number: int) -> tuple[str, ...]:
    """A number in digits and as it is spoken, for the text may have either: 12 and 十二."""
    tens, ones = divmod(number, 10)
    if not tens:
        return (str(number),)
    digits = "零一二三四五六七八九"
    return str(number), (digits[tens] if tens > 1 else "") + "十" + (digits[ones] if ones else "")


def number_features(one: Candidate, read: int | None) -> tuple[float, ...]:
    """What speaks for one number against another; `read` is what the recogniser's text has."""
    number = one.heard.number
    return one.heard.gain, -one.unlike * one.syllables, float(number == read), float(number > _MANY)


def count_features(best: Candidate, *, busy: bool) -> tuple[float, ...]:
    """What speaks for there being a count at all; a call is `busy` when it does what goes with none."""
    heard = best.heard
    weak, bare = heard.meaning == "weak", heard.meaning in {"bare", "asked"}
    return heard.gain, heard.per_phone, best.unlike, float(weak), float(bare), float(busy), 1.0


def weigh_count(
    found: Iterable[NumberHeard], options: list[Candidate], read: int | None, *, busy: bool
) -> CountSaid | None:
    """The likeliest of `options` and how likely it is; None when nothing came near."""
    if not options:
        return None
    worth = np.array([number_features(one, read) for one in options]) @ np.array(SAID_WEIGHTS)
    shares = np.exp(worth - worth.max())
    shares = (1 - FOOLED) * shares / shares.sum() + FOOLED / NUMBERS
    ranked = sorted(zip(options, shares.tolist(), strict=True), key=lambda pair: -pair[1])
    best, said = ranked[0]
    there = float(np.dot(count_features(best, busy=busy), THERE_WEIGHTS))
    return CountSaid(
        best.heard.number,
        said,
        1 / (1 + math.exp(-there)),
        tuple((one.heard.number, share) for one, share in ranked),
        _expected(found, best.heard),
    )


def _expected(found: Iterable[NumberHeard], present: NumberHeard) -> int | None:
    """How many there should be, where that was said before how many there are: 应到6人实到5人."""
    before = [one for one in found if one.meaning == "expected" and one.end_s <= present.start_s]
    if not before or before[0].per_phone > _MOST_EXPECTED_PER_PHONE or before[0].number < present.number:
        return None
    led = len(before) == 1 or before[0].gain - before[1].gain >= _EXPECTED_LEAD_NATS
    return before[0].number if led else None
