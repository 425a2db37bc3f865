"""Phrases found in a text: exactly by the longest match, and by sound within a bound.

Exact: every phrase at every position is collected and taken greedily, longest first, earlier rank first, so
that 电动车着火 beats 着火 and 没有收到 beats 收到 whatever lists they come from.

By sound: a phrase of three syllables or more may also be heard where the text spells it otherwise (染气泄漏).
The text is laid under every phrase syllable by syllable with the costs of `pinyin`; nothing is inserted or
left out. What a recogniser does to 劫持/解除 or 着火了/找到了 would turn an alarm into an all-clear, so a
phrase heard by sound never wins against the exact words of another polarity. Where phrases of two polarities
are about as near, neither is taken and the doubt is reported.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.understand.digits import digits_from_speech
from gateway.understand.pinyin import Syllables, syllables, symbol_costs

SHORTEST_BY_SOUND: Final = 3
POLARITY_MARGIN: Final = 0.35
"""How much nearer a phrase must be than any phrase of another polarity; in syllables wholly unlike."""
_BUDGET: Final = {3: 0.2, 4: 0.5, 5: 0.75}
_LONG_BUDGET: Final = 1.0
_SPELT_BUDGET: Final = 0.3
_SHORTEST_SPELT: Final = 5
_THREE_AND_PARTICLE_BUDGET: Final = 0.4
_PARTICLE_BUDGET: Final = 0.05
"""For phrases such as 着火了, whose particle says nothing: same sounds only."""
_PARTICLES: Final = frozenset("了的着吗吧呢")
_NUMERALS: Final = frozenset("0123456789零一二两三四五六七八九洞幺拐勾")
"""幺两洞 (120) and 12栋 are the same sounds: numbers are taken as written only."""
_NEVER: Final = -1.0
_ENDING: Final = frozenset({"cancel", "resolve", "live"})
"""What ends an alarm is taken by sound only from four syllables on: 转移支付 is no 已制服."""
_WORST_SYLLABLE: Final = 0.5
"""However long a phrase, none of its syllables may be wholly another: 车烧起来了 is not in 球场烧起来了."""
_SLOT_BUDGET: Final = 0.1


class Kind(StrEnum):
    """What a phrase does."""

    INCIDENT = "incident"
    GENERIC = "generic"
    AGENCY = "agency"
    ACT = "act"
    CANCEL = "cancel"
    RESOLVE = "resolve"
    DRILL = "drill"


_CALM_ACTS: Final = frozenset({"all_normal", "present", "ready", "equipment"})
TURNING: Final = frozenset({"report", "cancel", "resolve", "live"})
"""Polarities that must not be taken for one another, nor for anything else."""


@dataclass(frozen=True, slots=True)
class Label:
    """A phrase's meaning: `code` is a type, an agency, an act or a drill mark."""

    kind: Kind
    code: str

    @property
    def polarity(self) -> str:
        """The group that a match by sound must not leave."""
        if self.kind in {Kind.INCIDENT, Kind.GENERIC}:
            return "report"
        if self.kind in {Kind.CANCEL, Kind.RESOLVE, Kind.AGENCY}:
            return self.kind.value
        if self.kind is Kind.DRILL:
            return "live" if self.code == "live" else "drill"
        return "calm" if self.code in _CALM_ACTS else "traffic"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A spoken form with everything it may mean; lower `rank` wins between equals.

    `spelt` when it was spelt out of a form and not written down as itself: there are thousands of those, and
    something sounds like one of them in any text.
    """

    text: str
    labels: tuple[Label, ...]
    rank: int
    spelt: bool = False

    def joined(self, other: "Phrase") -> "Phrase":
        """The same text with the meanings of both."""
        labels = tuple(dict.fromkeys(self.labels + other.labels))
        return Phrase(self.text, labels, self.rank, self.spelt and other.spelt)


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase found at [start, end) of the text. `cost` is the distance in sound, 0 for exact hits."""

    start: int
    end: int
    phrase: str
    labels: tuple[Label, ...]
    cost: float = 0.0
    by_sound: bool = False

    def codes(self, kind: Kind) -> tuple[str, ...]:
        """The codes this hit has of one kind."""
        return tuple(label.code for label in self.labels if label.kind is kind)

    def overlaps(self, other: "Hit") -> bool:
        """Whether the two share a character."""
        return self.start < other.end and other.start < self.end

    def holds(self, other: "Hit") -> bool:
        """Whether `other` lies wholly inside."""
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class Found:
    """All hits in order, and the doubts that kept others out (`sounds_like:A|B`)."""

    hits: tuple[Hit, ...]
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sounds:
    phrases: tuple[Phrase, ...]
    codes: npt.NDArray[np.int16]
    budgets: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PhraseBook:
    """All phrases of a lexicon, ready to be looked for. Build with `PhraseBook.of`; any thread may search."""

    _by_text: dict[str, Phrase] = field(repr=False)
    _by_digits: dict[str, Phrase] = field(repr=False)
    _lengths: tuple[int, ...]
    _sounds: dict[int, _Sounds] = field(repr=False)

    @classmethod
    def of(cls, phrases: Iterable[Phrase]) -> "PhraseBook":
        """Index `phrases`; the same text given twice keeps all labels and the lower rank."""
        by_text: dict[str, Phrase] = {}
        for phrase in phrases:
            known = by_text.get(phrase.text)
            by_text[phrase.text] = known.joined(phrase) if known else phrase
        # what is looked through has 两个男的 as 2个男的
        by_digits = {digits_from_speech(text): phrase for text, phrase in by_text.items()}
        by_digits = {text: phrase for text, phrase in by_digits.items() if text not in by_text}
        lengths = sorted({len(text) for text in (*by_text, *by_digits)}, reverse=True)
        return cls(by_text, by_digits, tuple(lengths), _index_sounds(by_text.values()))

    def phrases(self) -> Iterable[Phrase]:
        """Every phrase, in the order of the lexicon."""
        return self._by_text.values()

    def codes(self, phrase: str, kind: Kind) -> tuple[str, ...]:
        """The codes of one kind that `phrase`, given whole, stands for."""
        known = self._by_text.get(phrase)
        return tuple(label.code for label in known.labels if label.kind is kind) if known else ()

    def find(self, text: str) -> Found:
        """Everything in `text`, which must be folded as the lexicon folds it."""
        exact = self.exact(text)
        by_sound, doubts = self._by_sound(text, exact)
        kept = [e for e in exact if not any(s.overlaps(e) for s in by_sound)]
        return Found(tuple(sorted([*kept, *by_sound], key=lambda h: h.start)), tuple(doubts))

    def exact(self, text: str) -> tuple[Hit, ...]:
        """The exact hits, longest first where they overlap, in the order of the text."""
        every = [
            Hit(start, start + length, phrase.text, phrase.labels)
            for length in self._lengths
            for start in range(len(text) - length + 1)
            if (phrase := self._written(text[start : start + length])) is not None
        ]
        every.sort(key=lambda h: (h.start - h.end, self._by_text[h.phrase].rank, h.start))
        return tuple(sorted(_without_overlap(every), key=lambda h: h.start))

    def _written(self, words: str) -> Phrase | None:
        return self._by_text.get(words) or self._by_digits.get(words)

    def homophone(self, text: str, kind: Kind) -> Hit | None:
        """The two-syllable phrase of `kind` that the start of `text` sounds like, when only one code does.

        Two syllables say too little to search for; this is for slots whose kind the words before announce.
        """
        spoken = syllables(text[:2])
        two = self._sounds.get(2)
        if two is None or len(spoken) != 2 or spoken.spans[-1][1] != 2:  # noqa: PLR2004
            return None
        costs = symbol_costs()[spoken.codes[:, None], two.codes.T].sum(axis=0)
        near = [
            (float(costs[i]), two.phrases[i])
            for i in np.flatnonzero(costs <= _SLOT_BUDGET)
            if any(label.kind is kind for label in two.phrases[i].labels)
        ]
        if len({label for _, phrase in near for label in phrase.labels if label.kind is kind}) != 1:
            return None
        cost, phrase = min(near, key=lambda n: n[0])
        return Hit(0, 2, phrase.text, phrase.labels, cost, by_sound=True)

    def _by_sound(self, text: str, exact: tuple[Hit, ...]) -> tuple[list[Hit], list[str]]:
        near = self._near(text)
        taken: list[Hit] = []
        doubts: list[str] = []
        for hit, budget in sorted(near, key=lambda n: (n[0].cost - 0.1 * len(n[0].phrase), n[0].start)):
            if hit.cost > budget or any(hit.overlaps(t) for t in taken):
                continue
            if any(hit.overlaps(e) and not _may_replace(hit, e) for e in exact):
                continue
            if rival := _rival(hit, near):
                doubts.append(f"sounds_like:{'|'.join(sorted((hit.phrase, rival.phrase)))}")
                continue
            taken.append(hit)
        return taken, list(dict.fromkeys(doubts))

    def _near(self, text: str) -> list[tuple[Hit, float]]:
        """Every phrase within its budget plus the polarity margin, with that budget."""
        spoken = syllables(text)
        if len(spoken) < SHORTEST_BY_SOUND:
            return []
        rows = symbol_costs()[spoken.codes]
        near: list[tuple[Hit, float]] = []
        for length, sounds in self._sounds.items():
            windows = len(spoken) - length + 1
            if length < SHORTEST_BY_SOUND or windows < 1:
                continue
            costs = np.zeros((windows, len(sounds.phrases)), dtype=np.float32)
            worst = np.zeros_like(costs)
            for k in range(length):
                step = rows[k : k + windows][:, sounds.codes[:, k]]
                costs += step
                np.maximum(worst, step, out=worst)
            for at, which in np.argwhere(costs <= sounds.budgets + POLARITY_MARGIN):
                span = _contiguous(spoken, int(at), length)
                phrase = sounds.phrases[which]
                written = self._written(text[span[0] : span[1]]) if span is not None else None
                if span is None or (written is not None and written.text == phrase.text):
                    continue
                cost = round(float(costs[at, which]), 4)
                hit = Hit(*span, phrase.text, phrase.labels, cost, by_sound=True)
                fits = worst[at, which] <= _WORST_SYLLABLE
                near.append((hit, float(sounds.budgets[which]) if fits else _NEVER))
        return near


def _index_sounds(phrases: Iterable[Phrase]) -> dict[int, _Sounds]:
    by_length: dict[int, list[tuple[Phrase, Syllables]]] = {}
    for phrase in phrases:
        if phrase.spelt and len(phrase.text) < _SHORTEST_SPELT:
            continue
        spoken = syllables(phrase.text)
        if len(spoken) > 1 and _contiguous(spoken, 0, len(spoken)) == (0, len(phrase.text)):
            by_length.setdefault(len(spoken), []).append((phrase, spoken))
    return {
        length: _Sounds(
            tuple(phrase for phrase, _ in group),
            np.concatenate([spoken.codes for _, spoken in group]).reshape(-1, length),
            np.array([_budget(phrase, length) for phrase, _ in group], dtype=np.float32),
        )
        for length, group in sorted(by_length.items())
    }


def _budget(phrase: Phrase, length: int) -> float:
    ends = any(label.polarity in _ENDING for label in phrase.labels)
    if (ends and length == SHORTEST_BY_SOUND) or set(phrase.text) <= _NUMERALS:
        return _NEVER
    telling = length - sum(c in _PARTICLES for c in phrase.text)
    if phrase.spelt:
        return _SPELT_BUDGET if telling >= _SHORTEST_SPELT else _NEVER
    if telling < SHORTEST_BY_SOUND:
        return _PARTICLE_BUDGET
    if telling == SHORTEST_BY_SOUND and length > telling:
        return _THREE_AND_PARTICLE_BUDGET
    return _BUDGET.get(length, _LONG_BUDGET)


def _contiguous(spoken: Syllables, at: int, length: int) -> tuple[int, int] | None:
    """The stretch of text under `length` syllables, or None when punctuation stands among them."""
    spans = spoken.spans[at : at + length]
    if any(b[0] > a[1] for a, b in pairwise(spans)):
        return None
    return spans[0][0], spans[-1][1]


def _may_replace(hit: Hit, exact: Hit) -> bool:
    """Whether a hit by sound may swallow an exact one: a longer phrase that holds the same word."""
    if not hit.holds(exact) or exact.phrase not in hit.phrase:
        return False
    polarities = {label.polarity for label in exact.labels} - {"agency"}
    return polarities <= {label.polarity for label in hit.labels}


def _rival(hit: Hit, near: list[tuple[Hit, float]]) -> Hit | None:
    mine = {label.polarity for label in hit.labels}
    for other, _ in near:
        theirs = {label.polarity for label in other.labels}
        shared = min(hit.end, other.end) - max(hit.start, other.start)
        if shared * 2 < min(hit.end - hit.start, other.end - other.start) or mine & theirs:
            continue
        if theirs == {"agency"}:
            continue
        if (mine | theirs) & TURNING and other.cost - hit.cost < POLARITY_MARGIN:
            return other
    return None


def _without_overlap(hits: list[Hit]) -> list[Hit]:
    taken: list[Hit] = []
    for hit in hits:
        if not any(hit.overlaps(t) for t in taken):
            taken.append(hit)
    return taken
