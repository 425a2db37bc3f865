"""The lexicon, compiled once: every phrase, pattern and rule the slots are read with.

A `Lexicon` is made from the shipped YAML and, where a station has one, its own additions. It is immutable and
any thread may use it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NoReturn

from gateway.errors import BadInput
from gateway.understand.lexicon_file import LexiconFile, StationFile, StationType, TypeEntry, read_yaml
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
from gateway.understand.match import Kind, Label, Phrase, PhraseBook
from gateway.understand.numbersearch import NumberSearch
from gateway.understand.phonewords import PhoneWords
from gateway.understand.placechain import PlaceEar
from gateway.understand.searches import Searches
from gateway.understand.wordforms import LONGEST_SPOKEN, not_holding, spelt_out, with_lists

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
        return _Compiler(main, station, filename, extra[1] if extra else filename).lexicon()

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

    def __init__(self, main: LexiconFile, station: StationFile, filename: str, station_name: str) -> None:
        self._main = main
        self._filename = filename
        self._station_name = station_name
        self._station = station
        self._types: dict[str, IncidentType] = {}
        self._words: list[tuple[str, Label]] = []
        self._spelt: list[tuple[str, Label]] = []
        self._patterns: list[tuple[str, re.Pattern[str]]] = []
        self._owner: dict[str, str] = {}
        self._unspoken: set[str] = set()

    def lexicon(self) -> Lexicon:
        main = self._main
        self._read_types()
        agencies = self._read_agencies()
        self._read_acts()
        self._check_codes(agencies)
        repairs = {w: right for right, wrong in main.asr_repairs.items.items() for w in wrong}
        for wrong, right in repairs.items():
            if len(wrong) != len(right):
                self._fault(f"asr_repairs.items.{right}", f"{wrong} must be as long as {right}")
        commands = next((a.synonyms for a in main.agencies if a.code == "COMMAND"), [])
        if "present" not in main.acts:
            self._fault("acts.present", "this act is needed for head counts")
        present, places = main.acts["present"], self._places()
        return Lexicon(
            types=MappingProxyType(self._types),
            agencies=MappingProxyType(agencies),
            searches=self._searches(places, tuple(present.duty_words)),
            type_patterns=tuple(self._patterns),
            headcounts=tuple(self._compile("acts.present.patterns", p) for p in present.patterns),
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

    def _searches(self, places: PlaceGrammar, duty_words: tuple[str, ...]) -> Searches:
        words = self._main.evidence
        phrases = tuple(self._phrases())
        return Searches(
            phrases,
            tuple(phrase for phrase in phrases if not (phrase.spelt and phrase.text in self._unspoken)),
            tuple(self._plain_words()),
            (*words.past_or_news, *words.advice, *words.small_talk),
            self._told_as(),
            duty_words,
            places,
            tuple(self._like_places(places)),
        )

    def _phrases(self) -> Iterator[Phrase]:
        """What is written down first, for it wins between equals."""
        alone: dict[Label, tuple[Label, ...]] = {}
        rank = 0
        for words, spelt in ((self._words, False), (self._spelt, True)):
            for word, label in words:
                yield Phrase(word, alone.setdefault(label, (label,)), rank, spelt)
                rank += 1

    def _fault(self, key: str, message: str, *, station: bool = False) -> NoReturn:
        raise BadInput(f"{self._station_name if station else self._filename}:{key}: {message}")

    def _compile(self, key: str, pattern: str, *, station: bool = False) -> re.Pattern[str]:
        try:
            # the longest first: what fits first is taken, and 公交站 opens 公交站台
            lists = {n: sorted(ws, key=len, reverse=True) for n, ws in self._main.word_lists.items()}
            spelt = with_lists(pattern, lists)
            return re.compile(spelt.replace("{num}", NUMBER))
        except (re.error, ValueError) as error:
            self._fault(key, f"not a regular expression: {error}", station=station)

    def _add(self, kind: Kind, code: str, words: Iterable[str]) -> None:
        label = Label(kind, code)
        self._words.extend((_lowered(word), label) for word in words)

    def _claim(self, entry: TypeEntry | StationType, *, station: bool) -> None:
        for word in entry.synonyms:
            owner = self._owner.setdefault(word, entry.code)
            if owner != entry.code:
                self._fault(
                    f"incident_types.{entry.code}.synonyms", f"{word} is {owner} already", station=station
                )
        self._add(Kind.INCIDENT, entry.code, entry.synonyms)
        key = f"incident_types.{entry.code}.patterns"
        self._patterns += [(entry.code, self._compile(key, p, station=station)) for p in entry.patterns]

    def _claim_forms(self, entry: TypeEntry | StationType, *, station: bool) -> None:
        """Add what a type's forms stand for, but for words that are another's: those were said on purpose.

        The audio is searched for all phrases in every call: there what holds a phrase of the same type adds
        nothing but time, 老太太晕倒了 to 老太太晕倒.
        """
        own: list[str] = []
        for form in entry.forms:
            try:
                words = spelt_out(form, self._main.word_lists)
            except ValueError as error:
                self._fault(f"incident_types.{entry.code}.forms", str(error), station=station)
            own += [w for w in words if len(w) > 1 and self._owner.setdefault(w, entry.code) == entry.code]
        spoken = {word for word in not_holding(own, entry.synonyms) if len(word) <= LONGEST_SPOKEN}
        label = Label(Kind.INCIDENT, entry.code)
        for word in own:
            phrase = _lowered(word)
            self._spelt.append((phrase, label))
            if word not in spoken:
                self._unspoken.add(phrase)

    def _read_types(self) -> None:
        main = self._main
        self._cap = {level.code: level.cap for level in main.severity_levels}
        for entry in main.incident_types:
            if entry.code in self._types:
                self._fault(f"incident_types.{entry.code}", "this code is there twice")
            self._types[entry.code] = IncidentType(
                entry.code, entry.zh, entry.alarm_class, self._severity(entry.code, entry.severity),
                tuple(entry.agencies), tuple((c.scheme, c.value) for c in entry.event_codes),
            )  # fmt: skip
            self._claim(entry, station=False)
        generic = main.generic_incident_cues
        self._types[generic.code] = IncidentType(generic.code, generic.zh, "other", "Unknown", ())
        self._add(Kind.GENERIC, generic.code, generic.synonyms)
        for addition in self._station.incident_types:
            self._extend_type(addition)
            self._claim(addition, station=True)
        for kind in main.incident_types:
            self._claim_forms(kind, station=False)
        for addition in self._station.incident_types:
            self._claim_forms(addition, station=True)

    def _severity(self, code: str, severity: str, *, station: bool = False) -> str:
        if severity not in self._cap:
            known = ", ".join(self._cap)
            self._fault(f"incident_types.{code}.severity", f"{severity} is none of {known}", station=station)
        return self._cap[severity]

    def _extend_type(self, entry: StationType) -> None:
        known = self._types.get(entry.code)
        missing = [key for key, value in (("zh", entry.zh), ("class", entry.alarm_class)) if value is None]
        if known is None and missing:
            self._fault(
                f"incident_types.{entry.code}", f"a new type needs {' and '.join(missing)}", station=True
            )
        base = known or IncidentType(entry.code, "", "other", "Unknown", ())
        self._types[entry.code] = IncidentType(
            entry.code,
            entry.zh or base.label,
            entry.alarm_class or base.alarm_class,
            self._severity(entry.code, entry.severity, station=True) if entry.severity else base.severity,
            base.agencies if entry.agencies is None else tuple(entry.agencies),
            base.event_codes + tuple((c.scheme, c.value) for c in entry.event_codes),
        )

    def _read_agencies(self) -> dict[str, Agency]:
        agencies: dict[str, Agency] = {}
        for entry in (*self._main.agencies, *self._station.agencies):
            known = agencies.get(entry.code)
            agencies[entry.code] = Agency(entry.code, entry.zh or (known.label if known else entry.code))
            self._add(Kind.AGENCY, entry.code, entry.synonyms)
        return agencies

    def _check_codes(self, agencies: Mapping[str, Agency]) -> None:
        classes = {c.code for c in self._main.alarm_classes}
        station = {entry.code for entry in self._station.incident_types}
        for kind in self._types.values():
            key = f"incident_types.{kind.code}"
            if unknown := [a for a in kind.agencies if a not in agencies]:
                self._fault(f"{key}.agencies", f"no such agency: {unknown[0]}", station=kind.code in station)
            if kind.alarm_class not in classes:
                self._fault(
                    f"{key}.class", f"no such class: {kind.alarm_class}", station=kind.code in station
                )
        for code, replaced in self._main.relations.refines.items():
            for one in (code, *replaced):
                if one not in self._types:
                    self._fault(f"relations.refines.{code}", f"no such type: {one}")

    def _read_acts(self) -> None:
        main, station = self._main, self._station
        for act, entry in main.acts.items():
            self._add(Kind.ACT, act, entry.synonyms)
        for act, words in station.acts.items():
            if act not in main.acts:
                self._fault(f"acts.{act}", f"no such act; there are {', '.join(main.acts)}", station=True)
            self._add(Kind.ACT, act, words)
        for mark in ("open", "marker", "close", "live", "rollcall_open", "rollcall_close"):
            if mark not in main.drill:
                self._fault(f"drill.{mark}", "this mark is needed")
            self._add(Kind.DRILL, mark, main.drill[mark].synonyms)
        self._add(Kind.CANCEL, "cancel", [*main.cancel.synonyms, *station.cancel])
        self._add(Kind.RESOLVE, "resolve", [*main.resolve.synonyms, *station.resolve])

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
                self._compile("severity_cues.casualty_patterns", p) for p in cues.casualty_patterns
            ),
            trapped=frozenset(cues.trapped_states),
            immediate=any_of(cues.urgency.immediate), expected=any_of(cues.urgency.expected),
            past=any_of(cues.urgency.past),
            hedges=any_of(self._main.hedges.synonyms), confirms=any_of(self._main.confirms.synonyms),
            persons=(
                re.compile(described),
                self._compile("person_cues.clothing_pattern", who.clothing_pattern),
                self._compile("person_cues.direction_pattern", who.direction_pattern),
                any_of(who.state),
            ),
        )  # fmt: skip

    def _places(self) -> PlaceGrammar:
        place = self._main.location
        compiled = {n: self._compile(f"location.components.{n}", p) for n, p in place.components.items()}
        for name, pattern in compiled.items():
            if name not in pattern.groupindex:
                self._fault(f"location.components.{name}", f"needs a group named {name}")
        if self._station.spots and "spot" in compiled:
            own = any_of(self._station.spots).pattern
            compiled["spot"] = re.compile(
                f"(?P<spot>{own}|{compiled['spot'].pattern.replace('?P<spot>', '?:')})"
            )
        alone = {n: self._compile(f"location.stands_alone.{n}", p) for n, p in place.stands_alone.items()}
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


def _lowered(word: str) -> str:
    """A word in lower case: itself where that is the same, for twenty thousand twins take two megabytes."""
    lowered = word.lower()
    return word if lowered == word else lowered


def _flat(*groups: Mapping[str, list[str]]) -> Iterator[str]:
    for group in groups:
        for words in group.values():
            yield from words
