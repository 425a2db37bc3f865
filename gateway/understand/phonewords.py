"""The lexicon's phrases heard in the audio, written into the phone head's own reading of the call.

Whisper writes 印机魁人 where 电梯困人 was said; the phone head, asked whether 电梯困人 was said, knows. All
phrases of the lexicon are searched at once (phonesearch.py), the best are kept where they do not overlap, and
their words replace the characters that `read_phones` chose by sound. What comes out is a second transcript of
the same audio, good enough for the rules that read the first one: negation, requests, call order, evidence.

Bounds. A phrase of three syllables or more is kept for its gain, a shorter one only when it is heard almost
without a doubt, since any two syllables are heard by chance somewhere in a call; whoever reads the text must
know that (`Heard.clear`). Where two phrases of different polarity groups are within reach of each other on
one stretch (劫持 and 解除, 着火了 and 找到了), neither is written: the stretch is masked and the doubt told.
So it is with counts of people that differ in the number alone (6人在位 and 9人在位).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.model import PhoneEvidence
from gateway.understand.location import MASK
from gateway.understand.match import TURNING, Phrase
from gateway.understand.phonereading import PhoneReading, read_phones
from gateway.understand.phones import pronunciations
from gateway.understand.phonesearch import PhoneHit, PhoneIndex

LEAST_GAIN_NATS: Final = 8.0
"""What a phrase of three syllables or more must reach: 1 nat a phone lost in four syllables."""
MOST_PER_SHORT_PHONE: Final = 0.3
_MOST_PER_COUNT_PHONE: Final = 0.75
"""A count is believed up to here; the right ones of the dev split stay below 0.65."""
POLARITY_MARGIN_NATS: Final = 3.0
"""How much more a phrase must gain than any of another polarity group on the same stretch."""
CERTAIN_PER_PHONE: Final = 0.1
"""A long phrase heard this well needs no second look."""
_SHORT_PHONES: Final = 5
_LEAST_PHONES: Final = 3
_OCCURRENCES: Final = 2
_MOST_PER_PHONE: Final = 1.5
_KEEP: Final = 96
_TOUCH_S: Final = 0.03
_MOST_PER_END_PHONE: Final = 1.1
"""To open nothing is cheap: 误报 half swallowed still keeps a false alarm from being one."""
_ENDS: Final = frozenset({"cancel", "resolve"})
_PLAIN: Final = frozenset({"plain"})
_COUNTS: Final = range(1, 13)
_RATHER: Final = str.maketrans({"情": "请", "误": "五"})
"""By themselves these sounds are said as these words, between phrases of the lexicon."""


_NUMBERED: Final = frozenset(f"count:{n}" for n in _COUNTS)


@dataclass(frozen=True, slots=True)
class Placed:
    """A phrase heard from `start_s` to `end_s`, at a cost of so many nats a phone."""

    phrase: str
    start_s: float
    end_s: float
    per_phone: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What the phone head heard as text, with the lexicon's phrases in it; `doubts` as in `Found`.

    `clear` holds the phrases of three syllables or more that were heard and what each cost per phone,
    `counts` the numbers of people on duty among them. `ends` when any word that takes a report back or says
    that it is over may have been said, however short. `placed` is every phrase kept and when it was said.
    """

    text: str
    clear: Mapping[str, float] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    counts: frozenset[int] = frozenset()
    ends: bool = False
    placed: tuple[Placed, ...] = ()

    def certain(self, phrase: str) -> bool:
        """Whether `phrase` was heard so well that nobody need look."""
        return self.clear.get(phrase, 1.0) <= CERTAIN_PER_PHONE


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str
    polarities: frozenset[str]


class PhoneWords:
    """The phrases of one lexicon ready to be heard. Immutable once built; any thread may listen."""

    def __init__(
        self, phrases: Iterable[Phrase], plain: Iterable[str] = (), duty_words: Iterable[str] = ()
    ) -> None:
        """Index `phrases`, `plain` words that matter around them, and counts beside `duty_words`."""
        meant = {p.text: frozenset(label.polarity for label in p.labels) for p in phrases}
        words = {**dict.fromkeys(plain, _PLAIN), **_counts(duty_words), **meant}
        spoken = [
            (_Entry(text, groups), phones)
            for text, groups in words.items()
            if len(text) > 1
            for phones in pronunciations(text)
            if len(phones) >= _LEAST_PHONES
        ]
        self._meant = words
        self._entries = tuple(entry for entry, _ in spoken)
        self._index = PhoneIndex([phones for _, phones in spoken], keep=_KEEP)

    def hear(self, evidence: PhoneEvidence) -> Heard:
        """The phrases in `evidence` and what was said between them.

        Raises:
            ValueError: the evidence comes from a head with other phones.
        """
        hits = self._index.search(evidence, _OCCURRENCES, _MOST_PER_PHONE)
        kept: list[tuple[PhoneHit, str]] = []
        clear: dict[str, float] = {}
        doubts: dict[str, None] = {}
        for hit in sorted(hits, key=self._chancy):
            if not _worth(hit) or any(_overlap_s(hit, other) > _TOUCH_S for other, _ in kept):
                continue
            entry = self._entries[hit.entry]
            if rival := self._rival(hit, hits):
                what = "headcount_unclear" if entry.polarities <= _NUMBERED else "sounds_like"
                doubts[f"{what}:{'|'.join(sorted((entry.text, rival)))}"] = None
                kept.append((hit, MASK))
                continue
            kept.append((hit, entry.text))
            if hit.phones > _SHORT_PHONES:
                clear[entry.text] = min(hit.per_phone, clear.get(entry.text, hit.per_phone))
        said = [self._meant[text] for text, cost in clear.items() if cost <= _MOST_PER_COUNT_PHONE]
        counts = frozenset(n for n in _COUNTS if any(f"count:{n}" in group for group in said))
        ends = any(self._may_end(hit, kept) for hit in hits)
        placed = tuple(
            Placed(text, hit.start_s, hit.end_s, hit.per_phone) for hit, text in kept if text != MASK
        )
        return Heard(_written(read_phones(evidence), kept), clear, tuple(doubts), counts, ends, placed)

    def _chancy(self, hit: PhoneHit) -> bool:
        """Two syllables that would be an incident stand back for any other word there: 是误报 holds 失物."""
        return hit.phones <= _SHORT_PHONES and "report" in self._entries[hit.entry].polarities

    def _may_end(self, hit: PhoneHit, kept: list[tuple[PhoneHit, str]]) -> bool:
        """Whether a word that ends an incident was so much as hinted at, where nothing longer was heard."""
        if hit.per_phone > _MOST_PER_END_PHONE or not _ENDS & self._entries[hit.entry].polarities:
            return False
        shadow_s = (hit.end_s - hit.start_s) / 2
        return not any(
            other.phones > _SHORT_PHONES
            and other.gain - hit.gain >= POLARITY_MARGIN_NATS
            and _overlap_s(hit, other) >= shadow_s
            for other, _ in kept
        )

    def _rival(self, hit: PhoneHit, hits: Iterable[PhoneHit]) -> str | None:
        mine = self._entries[hit.entry].polarities
        for other in hits:
            theirs = self._entries[other.entry].polarities
            if mine & theirs or not ((mine | theirs) & TURNING or (mine | theirs) <= _NUMBERED):
                continue
            shorter = min(hit.end_s - hit.start_s, other.end_s - other.start_s)
            if hit.gain - other.gain < POLARITY_MARGIN_NATS and 2 * _overlap_s(hit, other) >= shorter:
                return self._entries[other.entry].text
        return None


def _counts(duty_words: Iterable[str]) -> dict[str, frozenset[str]]:
    """What a count of people is said as; each number is a group of its own, so that 4 and 10 never mix."""
    said: dict[str, frozenset[str]] = {}
    for n in _COUNTS:
        group = frozenset({f"count:{n}"})
        for word in duty_words:
            said |= dict.fromkeys((f"{n}人{word}", f"{word}{n}人", f"{n}名队员{word}"), group)
        said |= dict.fromkeys((f"{n}人已打卡", f"实到{n}人"), group)
    return said


def _worth(hit: PhoneHit) -> bool:
    if hit.phones <= _SHORT_PHONES:
        return hit.per_phone <= MOST_PER_SHORT_PHONE
    return hit.gain >= LEAST_GAIN_NATS


def _overlap_s(one: PhoneHit, other: PhoneHit) -> float:
    return min(one.end_s, other.end_s) - max(one.start_s, other.start_s)


def _written(reading: PhoneReading, kept: list[tuple[PhoneHit, str]]) -> str:
    """The reading's characters, each stretch of `kept` replaced by its words."""
    pieces = [(hit.start_s, words) for hit, words in kept]
    for character, (start, end) in zip(reading.text, reading.times, strict=True):
        middle = (start + end) / 2
        if not any(hit.start_s <= middle < hit.end_s for hit, _ in kept):
            pieces.append((middle, character.translate(_RATHER)))
    return "".join(words for _, words in sorted(pieces, key=lambda piece: piece[0]))
