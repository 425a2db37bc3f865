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
from gateway.understand.askedheard import asked_heard
from gateway.understand.contrast import IncidentContrast, Other, Told, score_of, share_of
from gateway.understand.digits import digits_from_speech
from gateway.understand.location import MASK
from gateway.understand.match import TURNING, Kind, Phrase
from gateway.understand.phonereading import PhoneReading, read_phones
from gateway.understand.phones import phones_of, pronunciations
from gateway.understand.phonesearch import PhoneHit, PhoneIndex
from gateway.understand.pinyin import Syllables, syllables
from gateway.understand.writtensound import WrittenSound

LEAST_GAIN_NATS: Final = 8.0
"""What a phrase of three syllables or more must reach: 1 nat a phone lost in four syllables."""
MOST_PER_SHORT_PHONE: Final = 0.3
_MOST_PER_COUNT_PHONE: Final = 0.75
"""A count is believed up to here; the right ones of the dev split stay below 0.65."""
POLARITY_MARGIN_NATS: Final = 3.0
"""How much more a phrase must gain than any of another polarity group on the same stretch."""
CERTAIN_PER_PHONE: Final = 0.1
"""Words against a report must be heard this well."""
_NUMBER_MARGIN_NATS: Final = 1.5
"""How much more one of two numbers must be worth, text and audio together, to be taken."""
_NATS_PER_WRITTEN_SYLLABLE: Final = 4.0
_MOST_WRITTEN: Final = 0.3
"""What a phrase may differ from the text in sound, per syllable, to be borne out by it."""
_WORST_WRITTEN: Final = 0.45
_MOST_TOGETHER: Final = 1.2
"""What a phrase that the text bears out may cost in both, per phone and per syllable."""
_MOST_CALLED: Final = 0.9
_MOST_CALLED_FOR: Final = 1.35
"""After words that can hardly lead to anything but somebody's name."""
_MOST_BESIDE: Final = 0.6
_CALLS_FOR: Final = re.compile(r"(?:请|派|叫|要|和|通知|联系|请求)$")
_CALLS_SURELY: Final = re.compile(r"(?:请派|派|请叫|快叫|请通知|通知|请联系|联系)$")
_BESIDE_S: Final = 0.3
_MOST_SPOT: Final = 0.8
"""What two syllables of a spot may cost right behind a building or a floor."""
_BEFORE_S: Final = 1.2
TOLD_BEFORE: Final = re.compile(
    r"(?:有[人个名位一辆台架只条][^,.!?]{0,3}|有[^,.!?]{0,4}人|有|个|发生了?|发现|突然|突发|正在|[人生的]在|因为"
    r"|抓[^,.!?]{0,4}|遇到)$"
)
"""What is said before an incident's word."""
_MOST_TOGETHER_SHORT: Final = 0.9
_LONG_PHONES: Final = 6
_SHORT_PHONES: Final = 5
_LEAST_PHONES: Final = 3
_OCCURRENCES: Final = 2
_MOST_PER_PHONE: Final = 1.5
_KEEP: Final = 160
_TOUCH_S: Final = 0.03
_MOST_PER_END_PHONE: Final = 1.1
"""To open nothing is cheap: 误报 half swallowed still keeps a false alarm from being one."""
_MOST_PER_SHORT_END_PHONE: Final = 0.55
_ENDS: Final = frozenset({"cancel", "resolve"})
_PLAIN: Final = frozenset({"plain"})
_AGAINST: Final = frozenset({"against"})
_AGENCY: Final = frozenset({"agency"})
_UNIT: Final = "单元"
_PLACES: Final = frozenset({"place"})
_RATHER: Final = str.maketrans({"情": "请", "误": "五", "哥": "个", "德": "的"})
"""By themselves these sounds are said as these words, between phrases of the lexicon."""


_SPOKEN_DIGITS: Final = frozenset("0123456789零一二两三四五六七八九洞幺要拐怪乖勾钩沟邹")
_NUMBERS: Final = ("count:", "expected:", "place:")
"""Groups whose members differ in a number or a side alone: none is taken for another."""


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
    bears out. `told` are the kinds of incident that may be told, the likeliest first (contrast.py).
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

    def telling(self, one: Told) -> "Heard":
        """The same call with a kind's phrase in its place."""
        start_s, end_s = one.hit.start_s, one.hit.end_s
        around = [piece for piece in self.pieces if not start_s <= piece[0] < end_s]
        pieces = sorted([*around, (start_s, one.phrase)], key=lambda piece: piece[0])
        placed = (*self.placed, Placed(one.phrase, start_s, end_s, one.hit.per_phone))
        clear = {phrase: cost for phrase, cost in self.clear.items() if phrase != one.phrase}
        return replace(self, text=_joined(pieces), pieces=tuple(pieces), placed=placed, clear=clear)


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str
    polarities: frozenset[str]

    @property
    def said(self) -> Syllables:
        """Spelt when asked for: a call asks for a hundred of fifteen thousand."""
        return syllables(self.text)


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
        self._spots = frozenset(word for word, group in (numbered or {}).items() if group == "plain")
        self._agencies = {
            p.text: codes
            for p in phrases
            if (codes := frozenset(label.code for label in p.labels if label.kind is Kind.AGENCY))
        }
        alike: dict[frozenset[str], frozenset[str]] = {}
        groups = ((p.text, frozenset(label.polarity for label in p.labels)) for p in phrases)
        meant = {text: alike.setdefault(group, group) for text, group in groups}
        groups = ((word, frozenset({group})) for word, group in (numbered or {}).items())
        grouped = {word: alike.setdefault(group, group) for word, group in groups}
        words = {**grouped, **dict.fromkeys(plain, _PLAIN), **dict.fromkeys(against, _AGAINST), **meant}
        ways = {
            text: (phones_of(text),) if text in grouped else pronunciations(text)
            for text in words
            if len(text) > 1
        }
        spoken = [
            (text, phones) for text, many in ways.items() for phones in many if len(phones) >= _LEAST_PHONES
        ]
        self._meant = words
        self._texts = tuple(text for text, _ in spoken)
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
        clear: dict[str, float] = {}
        doubts: dict[str, None] = {}
        for hit in sorted(hits, key=self._chancy):
            entry = self._entry(hit)
            if not _worth(hit, agreed=hit in agreed):
                continue
            if entry.polarities == _AGAINST and hit.per_phone > CERTAIN_PER_PHONE:
                continue
            if any(hit.shared_s(other.start_s, other.end_s) > _TOUCH_S for other, _ in kept):
                continue
            text = entry.text
            if rival := self._rival(hit, hits):
                other = self._entry(rival).text
                doubts[f"{_doubt_of(entry.polarities)}:{'|'.join(sorted((text, other)))}"] = None
                text = self._likelier(hit, rival, agreed) or MASK
            if text == MASK:
                kept.append((hit, MASK))
                continue
            kept.append((hit, text))
            if hit.phones > _SHORT_PHONES:
                clear[text] = min(hit.per_phone, clear.get(text, hit.per_phone))
        kept += self._called(hits, kept, reading)
        kept = self._asked_for(evidence, hits, kept)
        kept += self._spots_beside(hits, kept)
        agreed_on = frozenset(self._entry(hit).text for hit in agreed)
        counts = self._counts(
            text for text, cost in clear.items() if cost <= _MOST_PER_COUNT_PHONE or text in agreed_on
        )
        ends = any(self._may_end(hit, kept) for hit in hits)
        placed = tuple(
            Placed(text, hit.start_s, hit.end_s, hit.per_phone) for hit, text in kept if text != MASK
        )
        pieces = _pieces(reading, kept)
        return Heard(
            text=_joined(pieces),
            clear=clear,
            doubts=tuple(doubts),
            counts=counts,
            ends=ends,
            placed=placed,
            least=self._least(hits),
            agreed=agreed_on,
            told=self._told(evidence, WrittenSound(written), reading, names, hits),
            pieces=tuple(pieces),
        )

    def _entry(self, hit: PhoneHit) -> _Entry:
        text = self._texts[hit.entry]
        return _Entry(text, self._meant[text])

    def _agreed(self, hits: Iterable[PhoneHit], written: str, reading: PhoneReading) -> dict[PhoneHit, float]:
        """The hits whose phrase the text has there, too, as far as sound goes, and what it costs there."""
        if not written or not reading.times:
            return {}
        text = WrittenSound(written)
        agreed: dict[PhoneHit, float] = {}
        for hit in hits:
            cost, worst = text.costs(self._entry(hit).said, share_of(hit, reading))
            most = _MOST_TOGETHER if hit.phones > _LONG_PHONES else _MOST_TOGETHER_SHORT
            if max(cost - _MOST_WRITTEN, worst - _WORST_WRITTEN) <= 0 and hit.per_phone + cost <= most:
                agreed[hit] = cost
        return agreed

    def _called(
        self, hits: Iterable[PhoneHit], kept: list[tuple[PhoneHit, str]], reading: PhoneReading
    ) -> list[tuple[PhoneHit, str]]:
        """Two syllables that name somebody to be sent, right after the words that ask for them."""
        called: list[tuple[PhoneHit, str]] = []
        for hit in hits:
            entry = self._entry(hit)
            if hit.phones > _SHORT_PHONES or "agency" not in entry.polarities:
                continue
            if any(hit.shared_s(other.start_s, other.end_s) > _TOUCH_S for other, _ in (*kept, *called)):
                continue
            if hit.per_phone <= self._most_called(hit, [*kept, *called], reading):
                called.append((hit, entry.text))
        return called

    def _asked_for(
        self, evidence: PhoneEvidence, hits: Iterable[PhoneHit], kept: list[tuple[PhoneHit, str]]
    ) -> list[tuple[PhoneHit, str]]:
        """What was kept, with agencies that are asked for together with the words that ask."""
        agencies = [(self._entry(hit).text, hit) for hit in hits if self._may_be_asked(hit, kept)]
        for asked in asked_heard(evidence, agencies, self._same_agency):
            if not self._in_other_words(asked.hit, asked.agency, kept):
                kept = [
                    one for one in kept if one[0].shared_s(asked.hit.start_s, asked.hit.end_s) <= _TOUCH_S
                ]
                kept.append((asked.hit, asked.text))
        return kept

    def _may_be_asked(self, hit: PhoneHit, kept: list[tuple[PhoneHit, str]]) -> bool:
        """Whether a hit is an agency; 最小应急单元 is part of who speaks."""
        entry = self._entry(hit)
        named = entry.text.endswith(_UNIT) or any(
            text.endswith(_UNIT) and hit.shared_s(other.start_s, other.end_s) > _TOUCH_S
            for other, text in kept
        )
        return entry.polarities == _AGENCY and not named and not self._in_other_words(hit, entry.text, kept)

    def _same_agency(self, one: str, other: str) -> bool:
        return bool(self._agencies[one] & self._agencies[other])

    def _in_other_words(self, hit: PhoneHit, agency: str, kept: list[tuple[PhoneHit, str]]) -> bool:
        """Whether words that mean something else were heard where a hit of `agency` lies."""
        return any(
            hit.shared_s(other.start_s, other.end_s) > _TOUCH_S
            and text != agency
            and self._meant.get(text, _AGENCY) != _PLAIN
            for other, text in kept
        )

    def _spots_beside(
        self, hits: Iterable[PhoneHit], kept: list[tuple[PhoneHit, str]]
    ) -> list[tuple[PhoneHit, str]]:
        """A spot of two syllables right behind a place that was heard: 6号楼 and 楼顶."""
        found: list[tuple[PhoneHit, str]] = []
        for hit in hits:
            text = self._entry(hit).text
            if text not in self._spots or hit.phones > _SHORT_PHONES or hit.per_phone > _MOST_SPOT:
                continue
            if any(hit.shared_s(other.start_s, other.end_s) > _TOUCH_S for other, _ in (*kept, *found)):
                continue
            if any(
                0 <= hit.start_s - place.end_s + _TOUCH_S <= _BESIDE_S and self._is_place(words)
                for place, words in kept
            ):
                found.append((hit, text))
        return found

    def _is_place(self, words: str) -> bool:
        return any(group.startswith("place:") for group in self._meant.get(words, _PLAIN))

    def _most_called(self, hit: PhoneHit, kept: list[tuple[PhoneHit, str]], reading: PhoneReading) -> float:
        """What two syllables of an agency may cost where they stand."""
        before = _before(hit, _pieces(reading, kept))
        if _CALLS_SURELY.search(before):
            return _MOST_CALLED_FOR
        if _CALLS_FOR.search(before):
            return _MOST_CALLED
        beside = any(
            0 <= hit.start_s - other.end_s + _TOUCH_S <= _BESIDE_S
            and "agency" in self._meant.get(text, _PLAIN)
            for other, text in kept
        )
        return _MOST_BESIDE if beside else 0.0

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
            entry = self._entry(hit)
            if not self._kinds.tells(entry.text):
                score = score_of(hit, entry.said, written, reading)
                others.append(
                    Other(hit, score, _means(entry.polarities) and "report" not in entry.polarities)
                )
        return self._kinds.weigh(evidence, written, reading, names, others)

    def _counts(self, clear: Iterable[str]) -> frozenset[int]:
        groups = {group for text in clear for group in self._meant[text] if group.startswith("count:")}
        return frozenset(int(group.removeprefix("count:")) for group in groups)

    def _likelier(self, hit: PhoneHit, rival: PhoneHit, agreed: Mapping[PhoneHit, float]) -> str | None:
        """Which of two numbers was said, when the text helps to tell; None when nobody can, or need not."""
        if _family(self._entry(hit).polarities) is None:
            return None
        best, second = sorted((hit, rival), key=lambda one: self._worth_of(one, agreed), reverse=True)
        if self._worth_of(best, agreed) - self._worth_of(second, agreed) < _NUMBER_MARGIN_NATS:
            return None
        return self._entry(best).text

    def _worth_of(self, hit: PhoneHit, agreed: Mapping[PhoneHit, float]) -> float:
        written = min(agreed.get(hit, _MOST_WRITTEN), _MOST_WRITTEN)
        return hit.gain - _NATS_PER_WRITTEN_SYLLABLE * len(self._entry(hit).said) * written

    def _least(self, hits: Iterable[PhoneHit]) -> dict[str, float]:
        least: dict[str, float] = {}
        for hit in hits:
            text = self._entry(hit).text
            least[text] = min(hit.per_phone, least.get(text, hit.per_phone))
        return least

    def _chancy(self, hit: PhoneHit) -> bool:
        """Two syllables that would be an incident stand back for any other word there: 是误报 holds 失物."""
        groups = self._entry(hit).polarities
        return hit.phones <= _SHORT_PHONES and ("report" in groups or groups == _PLAIN)

    def _may_end(self, hit: PhoneHit, kept: list[tuple[PhoneHit, str]]) -> bool:
        """Whether a word that ends an incident was so much as hinted at, where nothing longer was heard."""
        short = hit.phones <= _SHORT_PHONES
        most = _MOST_PER_SHORT_END_PHONE if short else _MOST_PER_END_PHONE
        if hit.per_phone > most or not _ENDS & self._entry(hit).polarities:
            return False
        shadow_s = (hit.end_s - hit.start_s) / 2
        return not any(
            other.phones > _SHORT_PHONES
            and other.gain - hit.gain >= POLARITY_MARGIN_NATS
            and hit.shared_s(other.start_s, other.end_s) >= shadow_s
            for other, _ in kept
        )

    def _rival(self, hit: PhoneHit, hits: Iterable[PhoneHit]) -> PhoneHit | None:
        mine = self._entry(hit).polarities
        for other in hits:
            theirs = self._entry(other).polarities
            family = _family(mine)
            alike = family is not None and family == _family(theirs)
            turns = (mine | theirs) & TURNING and _means(mine) and _means(theirs)
            if mine & theirs or not (turns or alike):
                continue
            shorter = min(hit.end_s - hit.start_s, other.end_s - other.start_s)
            if (
                hit.gain - other.gain < POLARITY_MARGIN_NATS
                and 2 * hit.shared_s(other.start_s, other.end_s) >= shorter
            ):
                return other
        return None


def _doubt_of(groups: frozenset[str]) -> str:
    family = _family(groups)
    if family is None:
        return "sounds_like"
    return "place_unclear" if family == "place:" else "headcount_unclear"


def _means(groups: frozenset[str]) -> bool:
    """Whether a phrase has a polarity at all; a place or a word between has none to be crossed."""
    return groups not in {_PLAIN, _AGAINST, _AGENCY, _PLACES} and _family(groups) is None


def _is_other(groups: frozenset[str]) -> bool:
    """Whether a phrase means something that is no report: an act, an end, a count of people."""
    counts = any(group.startswith(("count:", "expected:")) for group in groups)
    return counts or (_means(groups) and "report" not in groups)


def _family(groups: frozenset[str]) -> str | None:
    return next((kind for kind in _NUMBERS if any(group.startswith(kind) for group in groups)), None)


def _worth(hit: PhoneHit, *, agreed: bool) -> bool:
    if agreed:
        return True
    if hit.phones <= _SHORT_PHONES:
        return hit.per_phone <= MOST_PER_SHORT_PHONE
    return hit.gain >= LEAST_GAIN_NATS


def _within_s(hit: PhoneHit, stretch_s: tuple[float, float]) -> bool:
    """Whether half of a hit or more lies in a stretch."""
    return 2 * hit.shared_s(*stretch_s) >= hit.end_s - hit.start_s


def _before(hit: PhoneHit, pieces: list[tuple[float, str]]) -> str:
    """What was said right before a hit."""
    return "".join(words for at, words in pieces if hit.start_s - _BEFORE_S <= at < hit.start_s)


def _joined(pieces: Iterable[tuple[float, str]]) -> str:
    """The pieces as text; a count that follows a callsign's digits begins anew: 1855, 2人在岗."""
    text = ""
    for _, words in pieces:
        apart = len(words) > 1 and words[0].isdigit() and text[-1:] in _SPOKEN_DIGITS
        text += f",{words}" if apart and text else words
    return digits_from_speech(text)


def _pieces(reading: PhoneReading, kept: list[tuple[PhoneHit, str]]) -> list[tuple[float, str]]:
    """What was said piece by piece, each with its time."""
    pieces = [(hit.start_s, words) for hit, words in kept]
    for character, (start, end) in zip(reading.text, reading.times, strict=True):
        middle = (start + end) / 2
        if not any(hit.start_s <= middle < hit.end_s for hit, _ in kept):
            pieces.append((middle, character.translate(_RATHER)))
    return sorted(pieces, key=lambda piece: piece[0])
