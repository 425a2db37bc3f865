"""Two syllables that are believed for what stands beside them: agencies behind 请派, 楼顶 behind 6号楼.

By themselves they are heard by chance in any call.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from gateway.model import PhoneEvidence
from gateway.understand.askedheard import asked_heard
from gateway.understand.heardpieces import SHORT_PHONES, TOUCH_S, Kept, before, pieces_of, touches
from gateway.understand.phonereading import PhoneReading
from gateway.understand.phonesearch import PhoneHit
from gateway.understand.spokenphrases import AGENCY, PLAIN, SpokenPhrases

_MOST_CALLED: Final = 0.9
_MOST_CALLED_FOR: Final = 1.35
"""After words that can hardly lead to anything but somebody's name."""
_MOST_BESIDE: Final = 0.6
_CALLS_FOR: Final = re.compile(r"(?:请|派|叫|要|和|通知|联系|请求)$")
_CALLS_SURELY: Final = re.compile(r"(?:请派|派|请叫|快叫|请通知|通知|请联系|联系)$")
_BESIDE_S: Final = 0.3
_MOST_SPOT: Final = 0.8
"""What two syllables of a spot may cost right behind a building or a floor."""
_UNIT: Final = "单元"


class HeardBeside:
    """Finds them among the hits of one search. Immutable once built; any thread may ask."""

    def __init__(
        self, phrases: SpokenPhrases, agencies: Mapping[str, frozenset[str]], spots: frozenset[str]
    ) -> None:
        """Know the `phrases` of the search, what `agencies` some of them name, and which are `spots`."""
        self._phrases = phrases
        self._agencies = agencies
        self._spots = spots

    def called(self, hits: Iterable[PhoneHit], kept: Kept, reading: PhoneReading) -> Kept:
        """Two syllables that name somebody to be sent, right after the words that ask for them."""
        called: list[tuple[PhoneHit, str]] = []
        for hit in hits:
            if hit.phones > SHORT_PHONES or "agency" not in self._phrases.groups_of(hit):
                continue
            if touches(hit, (*kept, *called)):
                continue
            if hit.per_phone <= self._most_called(hit, [*kept, *called], reading):
                called.append((hit, self._phrases.text_of(hit)))
        return called

    def with_asked(
        self, evidence: PhoneEvidence, hits: Iterable[PhoneHit], kept: list[tuple[PhoneHit, str]]
    ) -> list[tuple[PhoneHit, str]]:
        """What was kept, with agencies that are asked for together with the words that ask."""
        agencies = [(self._phrases.text_of(hit), hit) for hit in hits if self._may_be_asked(hit, kept)]
        for asked in asked_heard(evidence, agencies, self._same_agency):
            if not self._in_other_words(asked.hit, asked.agency, kept):
                kept = [one for one in kept if not touches(asked.hit, [one])]
                kept.append((asked.hit, asked.text))
        return kept

    def spots(self, hits: Iterable[PhoneHit], kept: Kept) -> Kept:
        """A spot of two syllables right behind a place that was heard: 6号楼 and 楼顶."""
        found: list[tuple[PhoneHit, str]] = []
        for hit in hits:
            text = self._phrases.text_of(hit)
            if text not in self._spots or hit.phones > SHORT_PHONES or hit.per_phone > _MOST_SPOT:
                continue
            if touches(hit, (*kept, *found)):
                continue
            if any(_follows(hit, place) and self._is_place(words) for place, words in kept):
                found.append((hit, text))
        return found

    def _may_be_asked(self, hit: PhoneHit, kept: Kept) -> bool:
        """Whether a hit is an agency; 最小应急单元 is part of who speaks."""
        agency = self._phrases.text_of(hit)
        if self._phrases.groups_of(hit) != AGENCY or agency.endswith(_UNIT):
            return False
        units = [(other, text) for other, text in kept if text.endswith(_UNIT)]
        return not touches(hit, units) and not self._in_other_words(hit, agency, kept)

    def _same_agency(self, one: str, other: str) -> bool:
        return bool(self._agencies[one] & self._agencies[other])

    def _in_other_words(self, hit: PhoneHit, agency: str, kept: Kept) -> bool:
        """Whether words that mean something else were heard where a hit of `agency` lies."""
        groups = self._phrases.groups
        return touches(hit, [one for one in kept if one[1] != agency and groups.get(one[1], AGENCY) != PLAIN])

    def _is_place(self, words: str) -> bool:
        return any(group.startswith("place:") for group in self._phrases.groups.get(words, PLAIN))

    def _most_called(self, hit: PhoneHit, kept: Kept, reading: PhoneReading) -> float:
        """What two syllables of an agency may cost where they stand."""
        said = before(hit, pieces_of(reading, kept))
        if _CALLS_SURELY.search(said):
            return _MOST_CALLED_FOR
        if _CALLS_FOR.search(said):
            return _MOST_CALLED
        groups = self._phrases.groups
        beside = any(_follows(hit, other) and "agency" in groups.get(text, PLAIN) for other, text in kept)
        return _MOST_BESIDE if beside else 0.0


def _follows(hit: PhoneHit, other: PhoneHit) -> bool:
    return 0 <= hit.start_s - other.end_s + TOUCH_S <= _BESIDE_S
