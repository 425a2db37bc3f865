"""A lexicon's words made ready to be found: in texts, by their sound, and in the audio.

To read a lexicon and name its faults takes a quarter of a second, to make these searches of its twenty
thousand phrases twice as long. So each is made when it is first asked for, and all of them by `prepare`,
which the gateway calls where it indexes units, while the speech model loads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from gateway.understand.gist import Gist, shipped_gist
from gateway.understand.heardcounts import count_phrases, count_search
from gateway.understand.heardplaces import place_phrases
from gateway.understand.lexicon_rules import PlaceGrammar
from gateway.understand.match import Phrase, PhraseBook
from gateway.understand.mentions import OPENING_POSTS
from gateway.understand.numbersearch import NumberSearch
from gateway.understand.phonewords import PhoneWords
from gateway.understand.placechain import PlaceEar


@dataclass(frozen=True)
class Searches:
    """What is searched for, and the searches. Any thread may ask; the first to ask makes them.

    `phrases` are all that a text may hold, `spoken` those that the audio is searched for, `plain` words that
    matter around them and `against` words that speak against a report; `ends` are spoken with their polarity.
    `duty_words` count people, `like_places` are words that are heard like places and are none.
    """

    phrases: tuple[Phrase, ...]
    spoken: tuple[Phrase, ...]
    plain: tuple[str, ...]
    against: tuple[str, ...]
    ends: Mapping[str, str]
    duty_words: tuple[str, ...]
    places: PlaceGrammar
    like_places: tuple[str, ...]

    def prepare(self) -> None:
        """Make all of them now."""
        _ = self.book, self.words, self.place_ear, self.counts, self.gist

    @cached_property
    def book(self) -> PhraseBook:
        """The phrases in a text."""
        return PhraseBook.of(self.phrases)

    @cached_property
    def words(self) -> PhoneWords:
        """The phrases, places and counts in the audio."""
        numbered = {**place_phrases(self.places), **count_phrases(self.duty_words), **self.ends}
        return PhoneWords(self.spoken, self.plain, self.against, numbered)

    @cached_property
    def place_ear(self) -> PlaceEar:
        """The parts of places in the audio."""
        return PlaceEar(self.places, OPENING_POSTS, self.like_places)

    @cached_property
    def counts(self) -> NumberSearch:
        """The counts of people in the audio."""
        return count_search(self.duty_words)

    @cached_property
    def gist(self) -> Gist:
        """What all the words of a call come to."""
        return shipped_gist()
