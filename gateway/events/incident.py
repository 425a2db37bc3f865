"""The data of `incident.*`: the whole incident after each change."""

from typing import Literal

from pydantic import Field

from gateway.events.shared import AudioRef, Data, Model, Review, Timestamp
from gateway.masking import Said


class EventCode(Model):
    """The incident type in somebody's code scheme, filled in by the station."""

    scheme: str
    value: str


class IncidentTypeData(Model):
    """What kind of incident. `code` is the lexicon's, UNKNOWN while only an emergency is announced."""

    code: str
    label: str
    alarm_class: str = Field(alias="class")
    event_codes: tuple[EventCode, ...] = ()


class IncidentUnitData(Model):
    """The unit that reports."""

    unit_id: str | None
    name: str | None
    status: Literal["matched", "ambiguous", "unknown"]


class LocationData(Model):
    """Where, as said."""

    text: Said | None
    parts: dict[str, Said]


class NeedData(Model):
    """An agency asked for and how far the request has come (states after EDXL-RM)."""

    agency: str
    state: Literal["requested", "promised", "arrived", "released"]
    at: Timestamp


class StagesData(Model):
    """When the steps of the 1-3-5 minutes were reached; None while they are not."""

    reported_at: Timestamp | None = None
    acknowledged_at: Timestamp | None = None
    self_rescue_at: Timestamp | None = None
    mutual_aid_at: Timestamp | None = None
    reinforcement_at: Timestamp | None = None
    closed_at: Timestamp | None = None


class TimelineEntry(Model):
    """One step of an incident."""

    at: Timestamp
    what: Said
    transmission_id: str | None


class EvidenceData(Model):
    """What was said and where its sound is."""

    transmission_id: str
    text: Said
    raw: Said
    confidence: float | None
    audio: AudioRef | None


class IncidentSnapshot(Data):
    """The whole incident after a change, so that a lost update heals itself with the next one."""

    incident_id: str
    radio: str
    revision: int
    msg_type: Literal["Alert", "Update", "Cancel"]
    status: Literal["Actual", "Exercise", "Test"]
    phase: Literal["open", "resolved", "cancelled"]
    type: IncidentTypeData
    severity: Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
    urgency: Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
    certainty: Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]
    unit: IncidentUnitData
    location: LocationData
    persons: Said | None
    casualties: int | None
    needs: tuple[NeedData, ...]
    stages: StagesData
    grades_135: dict[str, bool | None]
    timeline: tuple[TimelineEntry, ...]
    evidence: tuple[EvidenceData, ...]
    review: Review


class IncidentShown(IncidentSnapshot):
    """What stands on state/incident.

    `stored` is false while the gateway's disk refuses it: its event comes later and has the same incident_id,
    unless the gateway is killed before.
    """

    stored: bool = True
