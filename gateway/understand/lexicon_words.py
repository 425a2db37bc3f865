"""Which words stand for what: types, agencies and acts of a lexicon's files, checked against each other."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NoReturn

from gateway.errors import BadInput
from gateway.understand.lexicon_file import LexiconFile, StationFile, StationType, TypeEntry
from gateway.understand.lexicon_rules import NUMBER, Agency, IncidentType
from gateway.understand.match import Kind, Label, Phrase
from gateway.understand.wordforms import LONGEST_SPOKEN, not_holding, spelt_out, with_lists


class LexiconFiles:
    """The shipped file and the station's, with what is said of a fault in one of them."""

    def __init__(self, main: LexiconFile, station: StationFile, filename: str, station_name: str) -> None:
        """Name the files as faults do."""
        self.main = main
        self.station = station
        self._filename = filename
        self._station_name = station_name
        # the longest first: what fits first is taken, and 公交站 opens 公交站台
        self._lists = {name: sorted(ws, key=len, reverse=True) for name, ws in main.word_lists.items()}

    def fault(self, key: str, message: str, *, station: bool = False) -> NoReturn:
        """Refuse what stands under a key.

        Raises:
            BadInput: always.
        """
        raise BadInput(f"{self._station_name if station else self._filename}:{key}: {message}")

    def pattern(self, key: str, pattern: str, *, station: bool = False) -> re.Pattern[str]:
        """Compile what stands under a key.

        Raises:
            BadInput: it is no regular expression.
        """
        try:
            return re.compile(with_lists(pattern, self._lists).replace("{num}", NUMBER))
        except (re.error, ValueError) as error:
            self.fault(key, f"not a regular expression: {error}", station=station)


class LexiconWords:
    """Reads them; `types`, `agencies`, `patterns` and the phrases are there afterwards."""

    def __init__(self, files: LexiconFiles) -> None:
        """Read everything.

        Raises:
            BadInput: the first fault.
        """
        self._files = files
        self.types: dict[str, IncidentType] = {}
        self.patterns: list[tuple[str, re.Pattern[str]]] = []
        self._words: list[tuple[str, Label]] = []
        self._spelt: list[tuple[str, Label]] = []
        self._owner: dict[str, str] = {}
        self._unspoken: set[str] = set()
        self._read_types()
        self.agencies = self._read_agencies()
        self._read_acts()
        self._check_codes(self.agencies)

    def phrases(self) -> Iterator[Phrase]:
        """Every phrase: what is written down first, for it wins between equals."""
        alone: dict[Label, tuple[Label, ...]] = {}
        rank = 0
        for words, spelt in ((self._words, False), (self._spelt, True)):
            for word, label in words:
                yield Phrase(word, alone.setdefault(label, (label,)), rank, spelt)
                rank += 1

    def is_spoken(self, phrase: Phrase) -> bool:
        """Whether the audio is searched for a phrase; not for one that is long or holds a shorter one."""
        return not (phrase.spelt and phrase.text in self._unspoken)

    def _add(self, kind: Kind, code: str, words: Iterable[str]) -> None:
        label = Label(kind, code)
        self._words.extend((_lowered(word), label) for word in words)

    def _claim(self, entry: TypeEntry | StationType, *, station: bool) -> None:
        for word in entry.synonyms:
            owner = self._owner.setdefault(word, entry.code)
            if owner != entry.code:
                self._files.fault(
                    f"incident_types.{entry.code}.synonyms", f"{word} is {owner} already", station=station
                )
        self._add(Kind.INCIDENT, entry.code, entry.synonyms)
        key = f"incident_types.{entry.code}.patterns"
        self.patterns += [(entry.code, self._files.pattern(key, p, station=station)) for p in entry.patterns]

    def _claim_forms(self, entry: TypeEntry | StationType, *, station: bool) -> None:
        """Add what a type's forms stand for, but for words that are another's: those were said on purpose.

        The audio is searched for all phrases in every call: there what holds a phrase of the same type adds
        nothing but time, 老太太晕倒了 to 老太太晕倒.
        """
        own: list[str] = []
        for form in entry.forms:
            try:
                words = spelt_out(form, self._files.main.word_lists)
            except ValueError as error:
                self._files.fault(f"incident_types.{entry.code}.forms", str(error), station=station)
            own += [w for w in words if len(w) > 1 and self._owner.setdefault(w, entry.code) == entry.code]
        spoken = {word for word in not_holding(own, entry.synonyms) if len(word) <= LONGEST_SPOKEN}
        label = Label(Kind.INCIDENT, entry.code)
        for word in own:
            phrase = _lowered(word)
            self._spelt.append((phrase, label))
            if word not in spoken:
                self._unspoken.add(phrase)

    def _read_types(self) -> None:
        main = self._files.main
        self._cap = {level.code: level.cap for level in main.severity_levels}
        for entry in main.incident_types:
            if entry.code in self.types:
                self._files.fault(f"incident_types.{entry.code}", "this code is there twice")
            self.types[entry.code] = IncidentType(
                entry.code, entry.zh, entry.alarm_class, self._severity(entry.code, entry.severity),
                tuple(entry.agencies), tuple((c.scheme, c.value) for c in entry.event_codes),
            )  # fmt: skip
            self._claim(entry, station=False)
        generic = main.generic_incident_cues
        self.types[generic.code] = IncidentType(generic.code, generic.zh, "other", "Unknown", ())
        self._add(Kind.GENERIC, generic.code, generic.synonyms)
        for addition in self._files.station.incident_types:
            self._extend_type(addition)
            self._claim(addition, station=True)
        for kind in main.incident_types:
            self._claim_forms(kind, station=False)
        for addition in self._files.station.incident_types:
            self._claim_forms(addition, station=True)

    def _severity(self, code: str, severity: str, *, station: bool = False) -> str:
        if severity not in self._cap:
            known = ", ".join(self._cap)
            self._files.fault(
                f"incident_types.{code}.severity", f"{severity} is none of {known}", station=station
            )
        return self._cap[severity]

    def _extend_type(self, entry: StationType) -> None:
        known = self.types.get(entry.code)
        missing = [key for key, value in (("zh", entry.zh), ("class", entry.alarm_class)) if value is None]
        if known is None and missing:
            self._files.fault(
                f"incident_types.{entry.code}", f"a new type needs {' and '.join(missing)}", station=True
            )
        base = known or IncidentType(entry.code, "", "other", "Unknown", ())
        self.types[entry.code] = IncidentType(
            entry.code,
            entry.zh or base.label,
            entry.alarm_class or base.alarm_class,
            self._severity(entry.code, entry.severity, station=True) if entry.severity else base.severity,
            base.agencies if entry.agencies is None else tuple(entry.agencies),
            base.event_codes + tuple((c.scheme, c.value) for c in entry.event_codes),
        )

    def _read_agencies(self) -> dict[str, Agency]:
        agencies: dict[str, Agency] = {}
        for entry in (*self._files.main.agencies, *self._files.station.agencies):
            known = agencies.get(entry.code)
            agencies[entry.code] = Agency(entry.code, entry.zh or (known.label if known else entry.code))
            self._add(Kind.AGENCY, entry.code, entry.synonyms)
        return agencies

    def _check_codes(self, agencies: Mapping[str, Agency]) -> None:
        classes = {c.code for c in self._files.main.alarm_classes}
        station = {entry.code for entry in self._files.station.incident_types}
        for kind in self.types.values():
            key = f"incident_types.{kind.code}"
            if unknown := [a for a in kind.agencies if a not in agencies]:
                self._files.fault(
                    f"{key}.agencies", f"no such agency: {unknown[0]}", station=kind.code in station
                )
            if kind.alarm_class not in classes:
                self._files.fault(
                    f"{key}.class", f"no such class: {kind.alarm_class}", station=kind.code in station
                )
        for code, replaced in self._files.main.relations.refines.items():
            for one in (code, *replaced):
                if one not in self.types:
                    self._files.fault(f"relations.refines.{code}", f"no such type: {one}")

    def _read_acts(self) -> None:
        main, station = self._files.main, self._files.station
        for act, entry in main.acts.items():
            self._add(Kind.ACT, act, entry.synonyms)
        for act, words in station.acts.items():
            if act not in main.acts:
                self._files.fault(
                    f"acts.{act}", f"no such act; there are {', '.join(main.acts)}", station=True
                )
            self._add(Kind.ACT, act, words)
        for mark in ("open", "marker", "close", "live", "rollcall_open", "rollcall_close"):
            if mark not in main.drill:
                self._files.fault(f"drill.{mark}", "this mark is needed")
            self._add(Kind.DRILL, mark, main.drill[mark].synonyms)
        self._add(Kind.CANCEL, "cancel", [*main.cancel.synonyms, *station.cancel])
        self._add(Kind.RESOLVE, "resolve", [*main.resolve.synonyms, *station.resolve])


def _lowered(word: str) -> str:
    """A word in lower case: itself where that is the same, for twenty thousand twins take two megabytes."""
    lowered = word.lower()
    return word if lowered == word else lowered
