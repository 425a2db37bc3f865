"""One incident as it grows: its state, what each transmission adds, and its published snapshot."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Literal, TypeVar

from gateway.events import (
    AudioRef,
    ClockReading,
    EventCode,
    EvidenceData,
    IncidentSnapshot,
    IncidentTypeData,
    IncidentUnitData,
    LocationData,
    Model,
    NeedData,
    Review,
    StagesData,
    TimelineEntry,
)
from gateway.model import IncidentHint
from gateway.understand.lexicon import Lexicon
from gateway.understand.lexicon_rules import SEVERITIES, UNKNOWN_CODE

Severity = Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
Urgency = Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
Certainty = Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]
Status = Literal["Actual", "Exercise", "Test"]
Phase = Literal["open", "resolved", "cancelled"]
NeedState = Literal["requested", "promised", "arrived", "released"]

GRADES_135: Final = (
    ("self_rescue_60s", "self_rescue_at", 60.0),
    ("mutual_aid_180s", "mutual_aid_at", 180.0),
    ("reinforcement_300s", "reinforcement_at", 300.0),
)
MAX_SNAPSHOT_BYTES: Final = 48 * 1024
"""Leaves room for the envelope within the 64 KiB of an event."""
FEWEST_KEPT: Final = 4
MAX_TEXT_CHARS: Final = 600
MAX_KEPT: Final = 300
_Item = TypeVar("_Item")
_URGENCIES: Final = ("Unknown", "Past", "Future", "Expected", "Immediate")
_CERTAINTIES: Final = ("Unknown", "Unlikely", "Possible", "Likely", "Observed")
_NEED_ORDER: Final = {"requested": 0, "promised": 1, "arrived": 2, "released": 3}


class IncidentState(Model):
    """Everything known of one incident after a change. `last_heard_at` is when it was last spoken of.

    `participants` are unit ids that took part besides the reporting unit.
    """

    incident_id: str
    radio: str
    revision: int
    msg_type: Literal["Alert", "Update", "Cancel"]
    status: Status
    phase: Phase
    type: IncidentTypeData
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    unit: IncidentUnitData
    location: LocationData
    persons: str | None = None
    casualties: int | None = None
    needs: tuple[NeedData, ...] = ()
    stages: StagesData
    timeline: tuple[TimelineEntry, ...] = ()
    evidence: tuple[EvidenceData, ...] = ()
    review_reasons: tuple[str, ...] = ()
    participants: tuple[str, ...] = ()
    last_heard_at: datetime

    @property
    def code(self) -> str:
        """The lexicon's code of the type."""
        return self.type.code

    def with_(self, **changes: object) -> "IncidentState":
        """A copy with fields replaced."""
        return self.model_copy(update=changes)

    def noted(self, at: datetime, what: str, transmission_id: str | None) -> "IncidentState":
        """With one more step on the timeline."""
        entry = TimelineEntry(at=at, what=what, transmission_id=transmission_id)
        return self.with_(timeline=_bounded((*self.timeline, entry)))

    def heard(self, evidence: EvidenceData, at: datetime) -> "IncidentState":
        """With one more transmission as evidence."""
        return self.with_(
            evidence=_bounded((*self.evidence, evidence)), last_heard_at=max(at, self.last_heard_at)
        )

    def doubted(self, reasons: Iterable[str]) -> "IncidentState":
        """With more reasons for a person to look."""
        return self.with_(review_reasons=tuple(dict.fromkeys((*self.review_reasons, *reasons))))

    def staged(self, stage: str, at: datetime) -> "IncidentState":
        """With a stage's time set, when it was not reached before."""
        if getattr(self.stages, stage) is not None:
            return self
        return self.with_(stages=self.stages.model_copy(update={stage: at}))

    def needing(self, agencies: Iterable[str], state: NeedState, at: datetime) -> "IncidentState":
        """With each agency's request at least as far as `state`; unknown ones are added."""
        needs = {need.agency: need for need in self.needs}
        for agency in agencies:
            known = needs.get(agency)
            if known is None or _NEED_ORDER[known.state] < _NEED_ORDER[state]:
                needs[agency] = NeedData(agency=agency, state=state, at=at)
        return self.with_(needs=tuple(needs.values()))

    def pending(self, *states: NeedState) -> tuple[str, ...]:
        """Agencies whose request is in one of `states`."""
        return tuple(need.agency for need in self.needs if need.state in states)

    def grades_135(self) -> dict[str, bool | None]:
        """Whether each of the 1-3-5 minutes was kept; None while the stage was not heard of."""
        return {
            grade: None if reached is None else (reached - self.stages.reported_at).total_seconds() <= limit_s
            for grade, stage, limit_s in GRADES_135
            if self.stages.reported_at is not None
            for reached in (getattr(self.stages, stage),)
        }


def _bounded(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
    """The first and the newest, when there are too many to keep."""
    return items if len(items) <= MAX_KEPT else (*items[:20], *items[-(MAX_KEPT - 20) :])


def type_data(code: str, lexicon: Lexicon) -> IncidentTypeData:
    """A type as it is published."""
    kind = lexicon.type_of(code)
    codes = tuple(EventCode(scheme=scheme, value=value) for scheme, value in kind.event_codes)
    return IncidentTypeData(code=kind.code, label=kind.label, alarm_class=kind.alarm_class, event_codes=codes)


def evidence_of(
    transmission_id: str, text: str, raw: str, confidence: float | None, audio: AudioRef | None
) -> EvidenceData:
    """A transmission as evidence; very long words are cut."""
    return EvidenceData(
        transmission_id=transmission_id,
        text=text[:MAX_TEXT_CHARS],
        raw=raw[:MAX_TEXT_CHARS],
        confidence=confidence,
        audio=audio,
    )


def merge_report(
    incident: IncidentState, hint: IncidentHint, at: datetime, lexicon: Lexicon, *, correction: bool
) -> tuple[IncidentState, list[str]]:
    """What a further report adds, with words for the timeline. Nothing known is lost unless corrected."""
    changed: list[str] = []
    code = _merged_code(incident.code, hint.code, lexicon, correction=correction)
    if code != incident.code:
        incident = incident.with_(type=type_data(code, lexicon))
        changed.append(f"type {code}")
    elif hint.code not in {None, UNKNOWN_CODE, incident.code}:
        changed.append(f"also {hint.code}")
    incident = incident.with_(**_merged_words(incident, hint, correction=correction))
    location, conflict = _merged_place(incident.location, hint, correction=correction)
    if location != incident.location:
        incident = incident.with_(location=location)
        changed.append(f"location {location.text}")
    if conflict:
        incident = incident.doubted(["location_conflict"])
    new = [a for a in hint.agencies if a not in {n.agency for n in incident.needs}]
    if new:
        incident = incident.needing(new, "requested", at)
        changed.append("requested " + ",".join(new))
    return incident, changed


def _merged_code(known: str, new: str | None, lexicon: Lexicon, *, correction: bool) -> str:
    if new is None or new in {UNKNOWN_CODE, known}:
        return known
    better = known == UNKNOWN_CODE or correction or known in lexicon.refines.get(new, frozenset())
    causes = known in lexicon.consequences and new not in lexicon.consequences
    return new if better or causes else known


def _merged_words(incident: IncidentState, hint: IncidentHint, *, correction: bool) -> dict[str, object]:
    severity = max(incident.severity, hint.severity, key=SEVERITIES.index)
    if correction and hint.severity != "Unknown":
        severity = hint.severity
    return {
        "severity": severity,
        "urgency": max(incident.urgency, hint.urgency, key=_URGENCIES.index),
        "certainty": max(incident.certainty, hint.certainty, key=_CERTAINTIES.index),
        "persons": _joined(incident.persons, hint.persons),
        "casualties": incident.casualties if hint.casualties is None else hint.casualties,
    }


def _joined(known: str | None, new: str | None) -> str | None:
    if not known or not new:
        return known or new
    return ",".join(dict.fromkeys([*known.split(","), *new.split(",")]))[:240]


def _merged_place(known: LocationData, hint: IncidentHint, *, correction: bool) -> tuple[LocationData, bool]:
    """The place after a report, and whether the report contradicts what was known."""
    if not hint.location_text:
        return known, False
    parts = dict(hint.location_parts)
    if known.text is None:
        return LocationData(text=hint.location_text, parts=parts), False
    clash = [k for k, v in parts.items() if known.parts.get(k, v) != v]
    if correction:
        kept = {} if clash else known.parts
        return LocationData(text=hint.location_text, parts={**kept, **parts}), False
    if clash or parts.items() <= known.parts.items():
        return known, bool(clash)
    if hint.location_text in known.text:
        return known, False
    text = hint.location_text if known.text in hint.location_text else known.text + hint.location_text
    return LocationData(text=text, parts={**known.parts, **parts}), False


def to_snapshot(incident: IncidentState, clock: ClockReading, *, replayed: bool = False) -> IncidentSnapshot:
    """The published form. Of an incident too long for an event the middle of its evidence is left out."""
    timeline, evidence = incident.timeline, incident.evidence
    while True:
        snapshot = IncidentSnapshot(
            clock=clock,
            replayed=replayed,
            incident_id=incident.incident_id,
            radio=incident.radio,
            revision=incident.revision,
            msg_type=incident.msg_type,
            status=incident.status,
            phase=incident.phase,
            type=incident.type,
            severity=incident.severity,
            urgency=incident.urgency,
            certainty=incident.certainty,
            unit=incident.unit,
            location=incident.location,
            persons=incident.persons,
            casualties=incident.casualties,
            needs=incident.needs,
            stages=incident.stages,
            grades_135=incident.grades_135(),
            timeline=timeline,
            evidence=evidence,
            review=Review(required=bool(incident.review_reasons), reasons=incident.review_reasons),
        )
        if (
            len(snapshot.model_dump_json().encode()) <= MAX_SNAPSHOT_BYTES
            or len(evidence) + len(timeline) < FEWEST_KEPT
        ):
            return snapshot
        evidence, timeline = _thinner(evidence), _thinner(timeline)


def _thinner(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
    """Without a quarter, taken after the first: how it began and how it stands now stay."""
    return items if len(items) < 3 else (items[0], *items[1 + max(1, len(items) // 4) :])  # noqa: PLR2004


def is_warm(incident: IncidentState, at: datetime, warm_s: float) -> bool:
    """Whether the incident was spoken of within `warm_s` seconds of `at`."""
    return abs(at - incident.last_heard_at) <= timedelta(seconds=warm_s)
