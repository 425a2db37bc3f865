"""The lexicon, compiled once: every phrase, pattern and rule the slots are read with.

A `Lexicon` is made from the shipped YAML and, where a station has one, its own additions. It is immutable and
any thread may use it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from gateway.understand.gist import Gist
from gateway.understand.lexicon_file import LexiconFile, StationFile, read_yaml
from gateway.understand.lexicon_rules import (
    NUMBER,
    SPOTS,
    UNKNOWN_CODE,
    Agency,
    Cues,
    EvidenceRules,
    IncidentType,
    Negation,
    PlaceGrammar,
    any_of,
)
from gateway.understand.lexicon_words import LexiconFiles, LexiconWords
from gateway.understand.match import PhraseBook
from gateway.understand.numbersearch import NumberSearch
from gateway.understand.phonewords import PhoneWords
from gateway.understand.placechain import PlaceEar
from gateway.understand.searches import Searches

_FOLDED: Final = dict(zip("．，。、！？；： ", ".,.,!?,,,", strict=True))


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Everything the slots are read with. Make one with `Lexicon.parse`."""

    types: Mapping[str, IncidentType]
    agencies: Mapping[str, Agency]
    searches: Searches = field(repr=False)
    type_patterns: tuple[tuple[str, re.Pattern[str]], ...]
    headcounts: tuple[re.Pattern[str], ...]
    duty_words: tuple[str, ...]
    place_like: frozenset[str]
    request_verbs: re.Pattern[str]
    request_nouns: re.Pattern[str]
    done_verbs: re.Pattern[str]
    command_words: re.Pattern[str]
    strong_cancels: frozenset[str]
    found_words: frozenset[str]
    found_types: frozenset[str]
    negation: Negation
    cues: Cues
    places: PlaceGrammar
    evidence: EvidenceRules
    consequences: frozenset[str]
    refines: Mapping[str, frozenset[str]]
    repairs: Mapping[str, str]
    boundary_repairs: frozenset[str]
    _repairable: re.Pattern[str] = field(repr=False)

    @classmethod
    def parse(cls, text: str, filename: str, extra: tuple[str, str] | None = None) -> "Lexicon":
        """Compile the lexicon's YAML `text`; `extra` is a station's own (text, filename).

        Raises:
            BadInput: a fault in either file, as `file:key: message` lines.
        """
        main = read_yaml(LexiconFile, text, filename)
        station = read_yaml(StationFile, *extra) if extra else StationFile()
        return _Compiler(LexiconFiles(main, station, filename, extra[1] if extra else filename)).lexicon()

    def prepare(self) -> None:
        """Make now what is otherwise made when it is first asked for, half a second altogether."""
        self.searches.prepare()

    @property
    def book(self) -> PhraseBook:
        """The phrases as a text is searched for them."""
        return self.searches.book

    @property
    def spoken(self) -> PhoneWords:
        """The phrases as the audio is searched for them."""
        return self.searches.words

    @property
    def place_ear(self) -> PlaceEar:
        """The parts of places as the audio is searched for them."""
        return self.searches.place_ear

    @property
    def counts(self) -> NumberSearch:
        """The counts of people as the audio is searched for them."""
        return self.searches.counts

    @property
    def gist(self) -> Gist:
        """What all the words of a call come to; it knows the shipped kinds, not those of a station."""
        return self.searches.gist

    def fold(self, text: str) -> str:
        """The form that is matched: lower case, half-width stops, known misreadings repaired.

        Of the same length as `text`, so that places in it are places in the transcript.
        """
        lowered = "".join(low if len(low := c.lower()) == 1 else c for c in text)
        stopped = "".join(_FOLDED.get(c, c) for c in lowered)
        return self._repairable.sub(self._repair, stopped)

    def type_of(self, code: str) -> IncidentType:
        """The type of a code; a code that is not in this lexicon (any more) is told by its name only."""
        return self.types.get(code) or IncidentType(code, code, "other", "Unknown", ())

    def related(self, known: str, new: str | None) -> bool:
        """Whether two types can be the same incident told twice, better, or by what it led to."""
        if new is None or UNKNOWN_CODE in {known, new} or known == new:
            return True
        refined = known in self.refines.get(new, ()) or new in self.refines.get(known, ())
        return refined or bool({known, new} & self.consequences)

    def _repair(self, match: re.Match[str]) -> str:
        wrong = match[0]
        if wrong in self.boundary_repairs and not _at_boundary(match):
            return wrong
        return self.repairs[wrong]


_BEFORE_OK = re.compile(
    r"(?:发生(?:了)?(?:1起|一起|起)?|(?:[0-9]+|[一二两三四五六七八九十])(?:人|名|个人)|需要|请求|[是系事])$"
)
_AFTER_OK = re.compile(
    r"(?:$|[,.!?]|请|完毕|正在|马上|明白|支援|欲|[0-9]{1,2}人|事件|一切|我|现场|没有|解除)"
)


def _at_boundary(match: re.Match[str]) -> bool:
    before, after = match.string[: match.start()], match.string[match.end() :]
    return bool(_BEFORE_OK.search(before) or (_AFTER_OK.match(after) and len(match[0]) > 1))


class _Compiler:
    """Turns the two checked files into a lexicon; makes the checks that need more than one entry."""

    def __init__(self, files: LexiconFiles) -> None:
        self._files = files
        self._main = files.main
        self._station = files.station

    def lexicon(self) -> Lexicon:
        main, words = self._main, LexiconWords(self._files)
        repairs = {w: right for right, wrong in main.asr_repairs.items.items() for w in wrong}
        for wrong, right in repairs.items():
            if len(wrong) != len(right):
                self._files.fault(f"asr_repairs.items.{right}", f"{wrong} must be as long as {right}")
        commands = next((a.synonyms for a in main.agencies if a.code == "COMMAND"), [])
        if "present" not in main.acts:
            self._files.fault("acts.present", "this act is needed for head counts")
        present, places = main.acts["present"], self._places()
        return Lexicon(
            types=MappingProxyType(words.types),
            agencies=MappingProxyType(words.agencies),
            searches=self._searches(words, places, tuple(present.duty_words)),
            type_patterns=tuple(words.patterns),
            headcounts=tuple(self._files.pattern("acts.present.patterns", p) for p in present.patterns),
            duty_words=tuple(present.duty_words),
            place_like=frozenset(main.agency_rules.place_like),
            request_verbs=any_of(main.request_verbs),
            request_nouns=any_of(main.request_nouns),
            done_verbs=any_of(main.done_verbs),
            command_words=any_of(commands),
            strong_cancels=frozenset(main.cancel.strong),
            found_words=frozenset(main.resolve.found),
            found_types=frozenset(main.resolve.found_types),
            negation=self._negation(),
            cues=self._cues(),
            places=places,
            evidence=self._evidence(),
            consequences=frozenset(main.relations.consequences),
            refines=MappingProxyType({k: frozenset(v) for k, v in main.relations.refines.items()}),
            repairs=MappingProxyType(repairs),
            boundary_repairs=frozenset(main.asr_repairs.boundary_only),
            _repairable=any_of(repairs),
        )

    def _searches(self, words: LexiconWords, places: PlaceGrammar, duty_words: tuple[str, ...]) -> Searches:
        against, phrases = self._main.evidence, tuple(words.phrases())
        return Searches(
            phrases,
            tuple(phrase for phrase in phrases if words.is_spoken(phrase)),
            tuple(self._plain_words()),
            (*against.past_or_news, *against.advice, *against.small_talk),
            self._told_as(),
            duty_words,
            places,
            tuple(self._like_places(places)),
        )

    def _negation(self) -> Negation:
        words = self._main.negation
        return Negation(
            any_of(words.prefix), any_of(words.not_prefixes), words.scope_max_chars,
            frozenset(words.exceptions),
            any_of(words.hypothetical), any_of(words.questions), tuple(words.question_ends),
        )  # fmt: skip

    def _cues(self) -> Cues:
        cues, who = self._main.severity_cues, self._main.person_cues
        kinds = "|".join(re.escape(w) for w in sorted(_flat(who.sex, who.age), key=len, reverse=True))
        described = rf"(?:{NUMBER}|多|几|有)?(?:名|个|位|群)?(?:{kinds})(?!人行)"
        return Cues(
            extreme=any_of(cues.raise_to_extreme), severe=any_of(cues.raise_to_severe),
            minor=any_of(cues.lower_to_minor), no_casualties=any_of(cues.no_casualties),
            casualties=tuple(
                self._files.pattern("severity_cues.casualty_patterns", p) for p in cues.casualty_patterns
            ),
            trapped=frozenset(cues.trapped_states),
            immediate=any_of(cues.urgency.immediate), expected=any_of(cues.urgency.expected),
            past=any_of(cues.urgency.past),
            hedges=any_of(self._main.hedges.synonyms), confirms=any_of(self._main.confirms.synonyms),
            persons=(
                re.compile(described),
                self._files.pattern("person_cues.clothing_pattern", who.clothing_pattern),
                self._files.pattern("person_cues.direction_pattern", who.direction_pattern),
                any_of(who.state),
            ),
        )  # fmt: skip

    def _places(self) -> PlaceGrammar:
        place = self._main.location
        compiled = {
            n: self._files.pattern(f"location.components.{n}", p) for n, p in place.components.items()
        }
        for name, pattern in compiled.items():
            if name not in pattern.groupindex:
                self._files.fault(f"location.components.{name}", f"needs a group named {name}")
        if self._station.spots and "spot" in compiled:
            own = any_of(self._station.spots).pattern
            compiled["spot"] = re.compile(
                f"(?P<spot>{own}|{compiled['spot'].pattern.replace('?P<spot>', '?:')})"
            )
        alone = {
            n: self._files.pattern(f"location.stands_alone.{n}", p) for n, p in place.stands_alone.items()
        }
        return PlaceGrammar(
            tuple((name, pattern) for name, pattern in compiled.items() if name != "plate"),
            MappingProxyType({k: frozenset(v) for k, v in place.needs_neighbour.items()}),
            any_of(place.name_stops),
            frozenset(place.not_roads),
            compiled.get("plate"),
            MappingProxyType(alone),
            tuple(dict.fromkeys((*self._station.spots, *self._main.word_lists.get(SPOTS, ())))),
        )

    def _like_places(self, places: PlaceGrammar) -> list[str]:
        """Things, people and agencies, which are heard like places and are none."""
        listed = [words for name, words in self._main.word_lists.items() if name != SPOTS]
        listed += [agency.synonyms for agency in self._main.agencies]
        every = {word for words in listed for word in words if len(word) > 1}
        return sorted(every.difference(places.spots))

    def _plain_words(self) -> list[str]:
        main, words = self._main, self._main.evidence
        around = (
            words.own_scene, words.happening, words.report_words, main.request_verbs, main.request_nouns,
        )  # fmt: skip
        return ["刚才", "我是", "这里是", *(word for group in around for word in group)]

    def _told_as(self) -> dict[str, str]:
        """Short ends with the word before them: three syllables are not heard by chance."""
        return {f"是{word}": "cancel" for word in self._main.cancel.strong if len(word) == 2}  # noqa: PLR2004

    def _evidence(self) -> EvidenceRules:
        words = self._main.evidence
        return EvidenceRules(
            words.open_at, words.minor_unattributed_extra, words.by_sound_extra,
            any_of(words.own_scene), any_of(words.happening), any_of(words.report_words),
            any_of(words.past_or_news), any_of(words.advice), any_of(words.small_talk),
        )  # fmt: skip


def _flat(*groups: Mapping[str, list[str]]) -> Iterator[str]:
    for group in groups:
        for words in group.values():
            yield from words
