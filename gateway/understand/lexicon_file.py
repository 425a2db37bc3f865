"""What a lexicon file must look like, checked before anything is made of it.

Two kinds of file: the full lexicon (`LexiconFile`) and a station's own additions (`StationFile`), which may
extend incident types, agencies, acts, cancelling and resolving words and places, and nothing else.
"""

from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.errors import BadInput

Words = list[str]


class Part(BaseModel):
    """A piece of a lexicon file: unknown keys are faults, and text is never made from numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Coded(Part):
    """A site's own code for an incident type."""

    scheme: str
    value: str


class TypeEntry(Part):
    """An incident type of the full lexicon."""

    code: str = Field(pattern=r"^[A-Z][A-Z_0-9]*$")
    zh: str
    en: str = ""
    alarm_class: str = Field(alias="class")
    cap_category: str
    severity: str
    agencies: Words
    synonyms: Words = []
    forms: Words = []
    patterns: Words = []
    event_codes: list[Coded] = []


class StationType(Part):
    """A type in a station's file: only `code` is needed when the type is known already."""

    code: str = Field(pattern=r"^[A-Z][A-Z_0-9]*$")
    zh: str | None = None
    en: str = ""
    alarm_class: str | None = Field(alias="class", default=None)
    cap_category: str = "Other"
    severity: str | None = None
    agencies: Words | None = None
    synonyms: Words = []
    forms: Words = []
    patterns: Words = []
    event_codes: list[Coded] = []


class AgencyEntry(Part):
    """Somebody who can be asked to come."""

    code: str = Field(pattern=r"^[A-Z][A-Z_0-9]*$")
    zh: str = ""
    tel: str | None = None
    synonyms: Words


class ActEntry(Part):
    """A dialogue act and how it is said."""

    synonyms: Words = []
    forms: Words = []
    patterns: Words = []
    duty_words: Words = []


class Synonyms(Part):
    """A bare list of words."""

    synonyms: Words


class Generic(Part):
    """Words that announce an emergency without its kind."""

    code: str
    zh: str
    synonyms: Words


class Severity(Part):
    """A severity level and the CAP word for it."""

    code: str
    cap: str
    zh: str


class AlarmClass(Part):
    """A class as the alarm bulletins tabulate them."""

    code: str
    zh: str


class AgencyRules(Part):
    """When an agency's name is a need and when it is a place."""

    notes: Words = []
    place_like: Words


class Cancel(Part):
    """Words that take a report back."""

    synonyms: Words
    strong: Words


class Resolve(Part):
    """Words that say it is over."""

    synonyms: Words
    found: Words
    found_types: Words


class Negation(Part):
    """What turns a hit into its opposite, into a fear or into a question."""

    prefix: Words
    not_prefixes: Words
    scope_max_chars: int = Field(ge=1, le=20)
    exceptions: Words
    hypothetical: Words
    questions: Words
    question_ends: Words


class Urgency(Part):
    """Words for CAP's urgency."""

    immediate: Words
    expected: Words
    past: Words


class SeverityCues(Part):
    """What moves the severity, and who is hurt."""

    raise_to_extreme: Words
    raise_to_severe: Words
    lower_to_minor: Words
    no_casualties: Words
    casualty_patterns: Words
    trapped_states: Words
    urgency: Urgency


class Location(Part):
    """The place grammar: one regex per component, each with one named group of the component's name."""

    order_note: str = ""
    components: dict[str, str]
    needs_neighbour: dict[str, Words]
    stands_alone: dict[str, str] = {}
    name_stops: Words
    not_roads: Words
    examples: list[dict[str, Any]] = []


class PersonCues(Part):
    """How people are described."""

    sex: dict[str, Words]
    age: dict[str, Words]
    state: Words
    clothing_pattern: str
    direction_pattern: str


class Repairs(Part):
    """What recognisers print instead of a phrase, and which of these are real words too."""

    predicted: bool = True
    note: str = ""
    items: dict[str, Words]
    boundary_only: Words


class Relations(Part):
    """How incident types relate within one conversation."""

    consequences: Words
    refines: dict[str, Words]


class EvidenceWords(Part):
    """Words for and against a transmission being a report."""

    open_at: int
    minor_unattributed_extra: int
    by_sound_extra: int
    own_scene: Words
    happening: Words
    report_words: Words
    past_or_news: Words
    advice: Words
    small_talk: Words


class LexiconFile(Part):
    """The full lexicon. The sections typed `Any` belong to other rooms and are only carried."""

    schema_name: str = Field(alias="schema")
    version: int
    language: str
    severity_levels: list[Severity]
    alarm_classes: list[AlarmClass]
    word_lists: dict[str, Words] = {}
    incident_types: list[TypeEntry]
    generic_incident_cues: Generic
    agencies: list[AgencyEntry]
    agency_rules: AgencyRules
    request_verbs: Words
    request_nouns: Words
    done_verbs: Words
    acts: dict[str, ActEntry]
    drill: dict[str, Synonyms]
    rollcall: Any = None
    standard_135: Any = None
    cancel: Cancel
    resolve: Resolve
    negation: Negation
    hedges: Synonyms
    confirms: Synonyms
    severity_cues: SeverityCues
    digits: Any = None
    callsign: Any = None
    location: Location
    person_cues: PersonCues
    asr_repairs: Repairs
    confusables: Any = None
    relations: Relations
    evidence: EvidenceWords


class StationFile(Part):
    """What a station may add of its own."""

    incident_types: list[StationType] = []
    agencies: list[AgencyEntry] = []
    acts: dict[str, Words] = {}
    cancel: Words = []
    resolve: Words = []
    spots: Words = []


_SHIPPED: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Eight times as fast where PyYAML has it. Deep nesting crashes it: not for what a station writes."""
_Shape = TypeVar("_Shape", LexiconFile, StationFile)


def read_yaml(shape: type[_Shape], text: str, filename: str) -> _Shape:
    """Read YAML `text` as `shape`.

    Raises:
        BadInput: not YAML, a key missing or unknown, or a value of the wrong kind; `file:key: message` lines.
    """
    try:
        document = _parsed(text, _SHIPPED if shape is LexiconFile else yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"{mark.line + 1}" if mark else "?"
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise BadInput(f"{filename}:{line}: not valid YAML: {problem}") from error
    except RecursionError:
        raise BadInput(f"{filename}:1: is nested too deep; no entry needs more than a few levels") from None
    try:
        return shape.model_validate({} if document is None else document)
    except ValidationError as error:
        raise BadInput("\n".join(_faults(error, document, filename))) from error


def _parsed(text: str, kind: "type[yaml.SafeLoader | yaml.CSafeLoader]") -> Any:
    loader = kind(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _faults(error: ValidationError, document: object, filename: str) -> list[str]:
    lines = []
    for fault in error.errors():
        key = ".".join(_named(document, fault["loc"])) or "(top)"
        hint = " (put numbers in quotes)" if fault["type"] == "string_type" else ""
        lines.append(f"{filename}:{key}: {fault['msg']}{hint}")
    return lines


def _named(document: object, location: tuple[int | str, ...]) -> list[str]:
    """The path to a fault, with list entries named by their `code` where they have one."""
    path: list[str] = []
    at = document
    for step in location:
        try:
            at = at[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            at = None
        code = at.get("code") if isinstance(at, dict) else None
        path.append(str(code) if isinstance(step, int) and code else str(step))
    return path
