"""The pieces of a compiled lexicon: small frozen records of patterns and words, one per subject."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

NUMBER: Final = "(?:[0-9]{1,4}|[零一二两俩三四五六七八九十百]{1,5})"
"""A count in digits or in characters; stands for `{num}` in the lexicon's patterns."""

SEVERITIES: Final = ("Unknown", "Minor", "Moderate", "Severe", "Extreme")
"""CAP's words in rising order."""

UNKNOWN_CODE: Final = "UNKNOWN"

SPOTS: Final = "spot"
"""The lexicon's word list of spots: what a place may end in."""


@dataclass(frozen=True, slots=True)
class IncidentType:
    """A kind of incident. `severity` is a CAP word, `event_codes` are (scheme, value) pairs."""

    code: str
    label: str
    alarm_class: str
    severity: str
    agencies: tuple[str, ...]
    event_codes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Agency:
    """Somebody who can be asked to come."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Negation:
    """What turns a hit round."""

    prefixes: re.Pattern[str]
    not_prefixes: re.Pattern[str]
    scope_chars: int
    exceptions: frozenset[str]
    hypothetical: re.Pattern[str]
    questions: re.Pattern[str]
    question_ends: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cues:
    """Words that move severity, urgency and certainty, and patterns for the people concerned."""

    extreme: re.Pattern[str]
    severe: re.Pattern[str]
    minor: re.Pattern[str]
    no_casualties: re.Pattern[str]
    casualties: tuple[re.Pattern[str], ...]
    trapped: frozenset[str]
    immediate: re.Pattern[str]
    expected: re.Pattern[str]
    past: re.Pattern[str]
    hedges: re.Pattern[str]
    confirms: re.Pattern[str]
    persons: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, slots=True)
class PlaceGrammar:
    """Components of a place from general to specific, and which count only next to which.

    What matches `stands_alone` counts all the same; `spots` are the words of the component `spot`.
    """

    components: tuple[tuple[str, re.Pattern[str]], ...]
    needs_neighbour: Mapping[str, frozenset[str]]
    name_stops: re.Pattern[str]
    not_roads: frozenset[str]
    plate: re.Pattern[str] | None
    stands_alone: Mapping[str, re.Pattern[str]]
    spots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EvidenceRules:
    """Words for and against a transmission being a report, and how many points open an incident."""

    open_at: int
    minor_extra: int
    by_sound_extra: int
    own_scene: re.Pattern[str]
    happening: re.Pattern[str]
    report_words: re.Pattern[str]
    past_or_news: re.Pattern[str]
    advice: re.Pattern[str]
    small_talk: re.Pattern[str]


def any_of(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern for any of `words`, the longest first; one that never matches for none."""
    ordered = sorted(set(words), key=lambda w: (-len(w), w))
    return re.compile("|".join(map(re.escape, ordered)) or r"(?!)")
