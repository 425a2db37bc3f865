"""What the phrases that the audio is searched for mean, and which must not be taken for one another.

Each phrase is in one or more groups: polarities (match.py), or "plain" words, words "against" a report,
"place:6号楼", "count:6", "expected:6". Groups of one family differ in a number or a side alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.understand.match import TURNING
from gateway.understand.phonesearch import PhoneHit
from gateway.understand.pinyin import Syllables, syllables

POLARITY_MARGIN_NATS: Final = 3.0
"""How much more a phrase must gain than any of another polarity group on the same stretch."""
MOST_WRITTEN: Final = 0.3
"""What a phrase may differ from the text in sound, per syllable, to be borne out by it."""
_NUMBER_MARGIN_NATS: Final = 1.5
"""How much more one of two numbers must be worth, text and audio together, to be taken."""
_NATS_PER_WRITTEN_SYLLABLE: Final = 4.0

PLAIN: Final = frozenset({"plain"})
AGAINST: Final = frozenset({"against"})
AGENCY: Final = frozenset({"agency"})
_PLACES: Final = frozenset({"place"})
_NUMBERS: Final = ("count:", "expected:", "place:")
"""Groups whose members differ in a number or a side alone: none is taken for another."""


Groups = frozenset[str]


@dataclass(frozen=True, slots=True)
class SpokenPhrases:
    """The phrases of one search: `texts` by the number of a hit's entry, `groups` by text."""

    texts: tuple[str, ...]
    groups: Mapping[str, Groups]

    def text_of(self, hit: PhoneHit) -> str:
        """The phrase that was hit."""
        return self.texts[hit.entry]

    def groups_of(self, hit: PhoneHit) -> Groups:
        """The groups of the phrase that was hit."""
        return self.groups[self.texts[hit.entry]]

    def said(self, hit: PhoneHit) -> Syllables:
        """The phrase that was hit, spelt when asked for: a call asks for a hundred of fifteen thousand."""
        return syllables(self.texts[hit.entry])

    def rival(self, hit: PhoneHit, hits: Iterable[PhoneHit]) -> PhoneHit | None:
        """Another of `hits` that opposes this one on the same stretch and is heard about as well."""
        mine = self.groups_of(hit)
        for other in hits:
            if not _opposed(mine, self.groups_of(other)):
                continue
            shorter = min(hit.end_s - hit.start_s, other.end_s - other.start_s)
            if (
                hit.gain - other.gain < POLARITY_MARGIN_NATS
                and 2 * hit.shared_s(other.start_s, other.end_s) >= shorter
            ):
                return other
        return None

    def doubt(self, hit: PhoneHit, rival: PhoneHit) -> str:
        """The reason for a review where one of two may have been said."""
        family = _family(self.groups_of(hit))
        number = "place_unclear" if family == "place:" else "headcount_unclear"
        both = "|".join(sorted((self.text_of(hit), self.text_of(rival))))
        return f"{number if family else 'sounds_like'}:{both}"

    def likelier(self, hit: PhoneHit, rival: PhoneHit, agreed: Mapping[PhoneHit, float]) -> str | None:
        """Which of two numbers was said, when the text helps to tell; None when nobody can, or need not.

        `agreed` is what each hit that the text bears out costs there.
        """
        if _family(self.groups_of(hit)) is None:
            return None
        best, second = sorted((hit, rival), key=lambda one: self._worth(one, agreed), reverse=True)
        if self._worth(best, agreed) - self._worth(second, agreed) < _NUMBER_MARGIN_NATS:
            return None
        return self.text_of(best)

    def _worth(self, hit: PhoneHit, agreed: Mapping[PhoneHit, float]) -> float:
        written = min(agreed.get(hit, MOST_WRITTEN), MOST_WRITTEN)
        return hit.gain - _NATS_PER_WRITTEN_SYLLABLE * len(self.said(hit)) * written


def means(groups: Groups) -> bool:
    """Whether a phrase has a polarity at all; a place or a word between has none to be crossed."""
    return groups not in {PLAIN, AGAINST, AGENCY, _PLACES} and _family(groups) is None


def _opposed(mine: Groups, theirs: Groups) -> bool:
    """Whether to take one phrase for the other would turn the meaning, or tell another number."""
    family = _family(mine)
    alike = family is not None and family == _family(theirs)
    turns = (mine | theirs) & TURNING and means(mine) and means(theirs)
    return not mine & theirs and bool(turns or alike)


def _family(groups: Groups) -> str | None:
    return next((kind for kind in _NUMBERS if any(group.startswith(kind) for group in groups)), None)
