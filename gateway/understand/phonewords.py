"""The lexicon's phrases heard in the audio, written into the phone head's own reading of the call.

Whisper writes 印机魁人 where 电梯困人 was said; the phone head, asked whether 电梯困人 was said, knows. All
phrases of the lexicon are searched at once (phonesearch.py), the best are kept where they do not overlap, and
their words replace the characters that `read_phones` chose by sound. What comes out is a second transcript of
the same audio, good enough for the rules that read the first one: negation, requests, call order, evidence.

Bounds. A phrase of three syllables or more is kept for its gain, a shorter one only when it is heard almost
without a doubt, since any two syllables are heard by chance somewhere in a call; whoever reads the text must
know that (`Heard.clear`). Where the recogniser's text has the same sounds at the same place, less is asked
(`Heard.agreed`); what lies where a name was heard is not looked at. Where two phrases of different polarity
one stretch (劫持 and 解除, 着火了 and 找到了), neither is written: the stretch is masked and the doubt told.
So it is with counts of people that differ in the number alone (6人在位 and 9人在位).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from gateway.model import PhoneEvidence
from gateway.understand.contrast import IncidentContrast, Other, Told, score_of, share_of
from gateway.understand.heardbeside import HeardBeside
from gateway.understand.heardpieces import SHORT_PHONES, joined, pieces_of, touches
from gateway.understand.location import MASK
from gateway.understand.match import Kind, Phrase
from gateway.understand.phonereading import PhoneReading, read_phones
from gateway.understand.phones import phones_of, pronunciations
from gateway.understand.phonesearch import PhoneHit, PhoneIndex
from gateway.understand.spokenphrases import (
    AGAINST,
    MOST_WRITTEN,
    PLAIN,
    POLARITY_MARGIN_NATS,
    SpokenPhrases,
    means,
)
from gateway.understand.writtensound import WrittenSound

LEAST_GAIN_NATS: Final = 8.0
"""What a phrase of three syllables or more must reach: 1 nat a phone lost in four syllables."""
MOST_PER_SHORT_PHONE: Final = 0.3
_MOST_PER_COUNT_PHONE: Final = 0.75
"""A count is believed up to here; the right ones of the dev split stay below 0.65."""
CERTAIN_PER_PHONE: Final = 0.1
"""Words against a report must be heard this well."""
_WORST_WRITTEN: Final = 0.45
_MOST_TOGETHER: Final = 1.2
"""What a phrase that the text bears out may cost in both, per phone and per syllable."""
TOLD_BEFORE: Final = re.compile(
    r"(?:有[人个名位一辆台架只条][^,.!?]{0,3}|有[^,.!?]{0,4}人|有|个|发生了?|发现|突然|突发|正在|[人生的]在|因为"
    r"|抓[^,.!?]{0,4}|遇到)$"
)
"""What is said before an incident's word."""
_MOST_TOGETHER_SHORT: Final = 0.9
_LONG_PHONES: Final = 6
_LEAST_PHONES: Final = 3
_OCCURRENCES: Final = 2
_MOST_PER_PHONE: Final = 1.5
_KEEP: Final = 160
_MOST_PER_END_PHONE: Final = 1.1
"""To open nothing is cheap: 误报 half swallowed still keeps a false alarm from being one."""
_MOST_PER_SHORT_END_PHONE: Final = 0.55
_ENDS: Final = frozenset({"cancel", "resolve"})


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
    `least` is what each phrase that was so much as hinted at cost per phone, `agreed` those that the text
    bears out. `told` are the kinds of incident that may be told, the likeliest first (contrast.py). `plain`
    is the head's reading before any phrase was written into it, names masked.
    """

    text: str
    clear: Mapping[str, float] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    counts: frozenset[int] = frozenset()
    ends: bool = False
    placed: tuple[Placed, ...] = ()
    least: Mapping[str, float] = field(default_factory=dict)
    told: tuple[Told, ...] = ()
    agreed: frozenset[str] = frozenset()
    pieces: tuple[tuple[float, str], ...] = field(default=(), repr=False)
    plain: str = field(default="", repr=False)

    def telling(self, one: Told) -> "Heard":
        """The same call with a kind's phrase in its place."""
        start_s, end_s = one.hit.start_s, one.hit.end_s
        around = [piece for piece in self.pieces if not start_s <= piece[0] < end_s]
        pieces = sorted([*around, (start_s, one.phrase)], key=lambda piece: piece[0])
        placed = (*self.placed, Placed(one.phrase, start_s, end_s, one.hit.per_phone))
        clear = {phrase: cost for phrase, cost in self.clear.items() if phrase != one.phrase}
        return replace(self, text=joined(pieces), pieces=tuple(pieces), placed=placed, clear=clear)


class PhoneWords:
    """The phrases of one lexicon ready to be heard. Immutable once built; any thread may listen."""

    def __init__(
        self,
        phrases: Iterable[Phrase],
        plain: Iterable[str] = (),
        against: Iterable[str] = (),
        numbered: Mapping[str, str] | None = None,
    ) -> None:
        """Index `phrases` and `plain` words that matter around them.

        Words `against` a report are taken only when they are heard beyond doubt; `numbered` phrases (places,
        counts) come with the group in which no other may be as near.
        """
        phrases = tuple(phrases)
        spots = frozenset(word for word, group in (numbered or {}).items() if group == "plain")
        agencies = {
            p.text: codes
            for p in phrases
            if (codes := frozenset(label.code for label in p.labels if label.kind is Kind.AGENCY))
        }
        alike: dict[frozenset[str], frozenset[str]] = {}
        groups = ((p.text, frozenset(label.polarity for label in p.labels)) for p in phrases)
        meant = {text: alike.setdefault(group, group) for text, group in groups}
        groups = ((word, frozenset({group})) for word, group in (numbered or {}).items())
        grouped = {word: alike.setdefault(group, group) for word, group in groups}
        words = {**grouped, **dict.fromkeys(plain, PLAIN), **dict.fromkeys(against, AGAINST), **meant}
        ways = {
            text: (phones_of(text),) if text in grouped else pronunciations(text)
            for text in words
            if len(text) > 1
        }
        spoken = [
            (text, phones) for text, many in ways.items() for phones in many if len(phones) >= _LEAST_PHONES
        ]
        self._phrases = SpokenPhrases(tuple(text for text, _ in spoken), words)
        self._beside = HeardBeside(self._phrases, agencies, spots)
        self._index = PhoneIndex([phones for _, phones in spoken], keep=_KEEP)
        self._kinds = IncidentContrast(phrases, ways)

    def hear(
        self, evidence: PhoneEvidence, written: str = "", named_s: Iterable[tuple[float, float]] = ()
    ) -> Heard:
        """The phrases in `evidence` and what was said between them.

        `written` is the recogniser's text of the same audio, folded; `named_s` are stretches, in seconds, in
        which somebody was named: they are masked.

        Raises:
            ValueError: the evidence comes from a head with other phones.
        """
        reading = read_phones(evidence)
        names = tuple(named_s)
        hits = [
            hit
            for hit in self._index.search(evidence, _OCCURRENCES, _MOST_PER_PHONE)
            if not any(_within_s(hit, name) for name in names)
        ]
        agreed = self._agreed(hits, written, reading)
        kept = [(PhoneHit(-1, 0.0, 1, *name), MASK) for name in names]
        plain = joined(pieces_of(reading, kept))
        clear: dict[str, float] = {}
        doubts: dict[str, None] = {}
        for hit in sorted(hits, key=self._chancy):
            if not _worth(hit, agreed=hit in agreed) or touches(hit, kept):
                continue
            if self._phrases.groups_of(hit) == AGAINST and hit.per_phone > CERTAIN_PER_PHONE:
                continue
            text = self._phrases.text_of(hit)
            if rival := self._phrases.rival(hit, hits):
                doubts[self._phrases.doubt(hit, rival)] = None
                text = self._phrases.likelier(hit, rival, agreed) or MASK
            if text == MASK:
                kept.append((hit, MASK))
                continue
            kept.append((hit, text))
            if hit.phones > SHORT_PHONES:
                clear[text] = min(hit.per_phone, clear.get(text, hit.per_phone))
        kept += self._beside.called(hits, kept, reading)
        kept = self._beside.with_asked(evidence, hits, kept)
        kept += self._beside.spots(hits, kept)
        agreed_on = frozenset(map(self._phrases.text_of, agreed))
        counts = self._counts(
            text for text, cost in clear.items() if cost <= _MOST_PER_COUNT_PHONE or text in agreed_on
        )
        ends = any(self._may_end(hit, kept) for hit in hits)
        placed = tuple(
            Placed(text, hit.start_s, hit.end_s, hit.per_phone) for hit, text in kept if text != MASK
        )
        pieces = pieces_of(reading, kept)
        return Heard(
            text=joined(pieces),
            clear=clear,
            doubts=tuple(doubts),
            counts=counts,
            ends=ends,
            placed=placed,
            least=self._least(hits),
            agreed=agreed_on,
            told=self._told(evidence, WrittenSound(written), reading, names, hits),
            pieces=tuple(pieces),
            plain=plain,
        )

    def _agreed(self, hits: Iterable[PhoneHit], written: str, reading: PhoneReading) -> dict[PhoneHit, float]:
        """The hits whose phrase the text has there, too, as far as sound goes, and what it costs there."""
        if not written or not reading.times:
            return {}
        text = WrittenSound(written)
        agreed: dict[PhoneHit, float] = {}
        for hit in hits:
            cost, worst = text.costs(self._phrases.said(hit), share_of(hit, reading))
            most = _MOST_TOGETHER if hit.phones > _LONG_PHONES else _MOST_TOGETHER_SHORT
            if max(cost - MOST_WRITTEN, worst - _WORST_WRITTEN) <= 0 and hit.per_phone + cost <= most:
                agreed[hit] = cost
        return agreed

    def _told(
        self,
        evidence: PhoneEvidence,
        written: WrittenSound,
        reading: PhoneReading,
        names: tuple[tuple[float, float], ...],
        hits: Iterable[PhoneHit],
    ) -> tuple[Told, ...]:
        others = []
        for hit in hits:
            if not self._kinds.tells(self._phrases.text_of(hit)):
                groups = self._phrases.groups_of(hit)
                score = score_of(hit, self._phrases.said(hit), written, reading)
                others.append(Other(hit, score, turns=means(groups) and "report" not in groups))
        return self._kinds.weigh(evidence, written, reading, names, others)

    def _counts(self, clear: Iterable[str]) -> frozenset[int]:
        groups = {
            group for text in clear for group in self._phrases.groups[text] if group.startswith("count:")
        }
        return frozenset(int(group.removeprefix("count:")) for group in groups)

    def _least(self, hits: Iterable[PhoneHit]) -> dict[str, float]:
        least: dict[str, float] = {}
        for hit in hits:
            text = self._phrases.text_of(hit)
            least[text] = min(hit.per_phone, least.get(text, hit.per_phone))
        return least

    def _chancy(self, hit: PhoneHit) -> bool:
        """Two syllables that would be an incident stand back for any other word there: 是误报 holds 失物."""
        groups = self._phrases.groups_of(hit)
        return hit.phones <= SHORT_PHONES and ("report" in groups or groups == PLAIN)

    def _may_end(self, hit: PhoneHit, kept: list[tuple[PhoneHit, str]]) -> bool:
        """Whether a word that ends an incident was so much as hinted at, where nothing longer was heard."""
        short = hit.phones <= SHORT_PHONES
        most = _MOST_PER_SHORT_END_PHONE if short else _MOST_PER_END_PHONE
        if hit.per_phone > most or not _ENDS & self._phrases.groups_of(hit):
            return False
        shadow_s = (hit.end_s - hit.start_s) / 2
        return not any(
            other.phones > SHORT_PHONES
            and other.gain - hit.gain >= POLARITY_MARGIN_NATS
            and hit.shared_s(other.start_s, other.end_s) >= shadow_s
            for other, _ in kept
        )


def _worth(hit: PhoneHit, *, agreed: bool) -> bool:
    if agreed:
        return True
    if hit.phones <= SHORT_PHONES:
        return hit.per_phone <= MOST_PER_SHORT_PHONE
    return hit.gain >= LEAST_GAIN_NATS


def _within_s(hit: PhoneHit, stretch_s: tuple[float, float]) -> bool:
    """Whether half of a hit or more lies in a stretch."""
    return 2 * hit.shared_s(*stretch_s) >= hit.end_s - hit.start_s
