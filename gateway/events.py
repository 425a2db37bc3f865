"""Every event the gateway publishes, as the models that make it and that its JSON Schema is made from.

An event is drafted where it happens (`Draft`), gets its sequence number in the transaction that stores it,
and is then a `CloudEvent` (CloudEvents 1.0, structured mode). Field names are the published contract: add
freely, rename or remove none.
"""

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from gateway.masking import Said

TYPE_PREFIX = "radiogateway."
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
SEQUENCE_DIGITS = 20
MAX_EVENT_BYTES = 64 * 1024
"""CloudEvents §size limits: what every intermediary must forward."""


Timestamp = Annotated[
    datetime,
    PlainSerializer(lambda at: at.isoformat(), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""RFC 3339 with a numeric offset, never Z: CAP 1.2 forbids alphabetic time zones."""


class Model(BaseModel):
    """Frozen, strict about names: a misspelt field is a bug, not an extension."""

    # Most of them are built when the first of their kind happens, if ever: pydantic locks while it builds.
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True, defer_build=True
    )


class ClockReading(Model):
    """How far the times in an event can be trusted. Order events by (boot_id, sequence), never by time."""

    synced: bool
    source: Literal["ntp", "gps", "rtc", "manual", "none"]
    est_error_ms: float | None
    boot_id: str
    mono_ms: int


class Data(Model):
    """What every event's data carries."""

    clock: ClockReading
    replayed: bool = False


class AudioRef(Model):
    """Where the sound is. The audio itself never travels in an event."""

    ref: str
    sha256: str
    size_bytes: int = Field(alias="bytes")


class Review(Model):
    """Whether a person should look, and why."""

    required: bool
    reasons: tuple[str, ...] = ()


class TranscriptData(Model):
    """The words, for people."""

    text: Said
    raw: Said
    engine: str
    model: str
    confidence: float | None
    decode_s: float


class HeardSpan(Model):
    """From when to when in the transmission's audio, in seconds from its start."""

    start_s: float
    end_s: float


class TextSpan(Model):
    """From which character to which (exclusive) of the transcript's text."""

    start: int
    end: int


class GroundData(Model):
    """What one piece of evidence added for a candidate, in nats (natural-log odds); above 0 speaks for it.

    `by` is text or phones (how well the registered `form` fits what is written, what is in the audio),
    position (where it stands in the call), prior or signalling. `nats` is null for what decides by itself.
    `detail` is the kind of form (name, alias, callsign, command), the reader a position is from, the prior's
    name or the caller id. `heard` is the stretch taken for the name, null when it was not among the best
    found there; `heard_at` is when in the audio, null where the audio was not searched.
    """

    by: Literal["text", "phones", "position", "prior", "signalling"]
    nats: float | None
    detail: str | None
    form: str | None
    heard: Said | None
    heard_at: HeardSpan | None


class CandidateData(Model):
    """A unit that may have been meant, and what each piece of evidence added for it."""

    unit_id: str
    name: str
    score: float
    evidence: tuple[GroundData, ...] = ()


class PartyData(Model):
    """Who spoke or was spoken to. `unit_id` is set only when `status` is matched.

    `evidence` is what speaks for the best answer, the command post too; `heard_at` is when in the audio it
    was named, null when the audio was not searched.
    """

    status: Literal["matched", "ambiguous", "unknown"]
    kind: Literal["unit", "command"] = "unit"
    unit_id: str | None
    name: str | None
    score: float
    margin: float
    heard: Said | None
    by: tuple[str, ...]
    candidates: tuple[CandidateData, ...]
    evidence: tuple[GroundData, ...] = ()
    heard_at: HeardSpan | None = None


class HeadcountData(Model):
    """People on duty as reported."""

    present: int | None
    expected: int | None


class HeardWordData(Model):
    """A word of the lexicon that was found: what it means, where in the text or when in the audio.

    `by` is text (as written), sound (sounds like what is written) or phones (heard in the audio). `standing`
    is stated, negated, hypothetical or asked. `cost_nats` per phone is 0 for what is heard without a doubt.
    """

    phrase: str
    kinds: tuple[str, ...]
    codes: tuple[str, ...]
    by: Literal["text", "sound", "phones"]
    standing: str | None
    written_at: TextSpan | None
    heard_at: HeardSpan | None
    cost_nats: float | None


class ReportData(Model):
    """Why this is a report or none: what it does, points for and against, how many an incident needs."""

    polarity: Literal["report", "cancel", "resolve", "none"]
    code: str | None
    points: dict[str, int]
    needed: int
    words: tuple[HeardWordData, ...]


class TransmissionReceived(Data):
    """One transmission ended and was understood, or could not be."""

    transmission_id: str
    radio: str
    started_at: Timestamp
    duration_s: float
    end: Literal["carrier", "silence", "max_length", "stopped"]
    dropped_frames: int
    sound_class: Literal["speech", "kerchunk", "tone", "noise"] = Field(alias="class")
    transcript: TranscriptData
    caller: PartyData
    callee: PartyData
    acts: tuple[str, ...]
    headcount: HeadcountData
    exercise: bool
    incident_id: str | None
    rollcall_id: str | None
    drill_id: str | None
    audio: AudioRef | None
    review: Review
    report: ReportData


class TransmissionSent(Data):
    """The gateway keyed up and said something. `duration_s` is from PTT pressed to PTT released.

    `ended` is complete when all of it was said; otherwise the key was released before its end by the time-out
    timer, because a device failed or because the gateway stopped. killed: the gateway was killed, or lost its
    power, and this is told at its next start; the times are those that saying all of it would have taken, the
    most that was on the air. `audio` is what was to be said.
    """

    transmission_id: str
    radio: str
    text: str
    voice: str
    started_at: Timestamp
    ended_at: Timestamp
    duration_s: float
    ended: Literal["complete", "timed_out", "device", "stopped", "killed"]
    audio: AudioRef | None


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


class CheckinReceived(Data):
    """A unit reported for duty outside a roll-call (报备上岗)."""

    transmission_id: str
    radio: str
    unit: PartyData
    headcount: HeadcountData
    normal: bool | None
    review: Review


RollcallOutcome = Literal[
    "answered",
    "answered_late",
    "answered_by_other",
    "unreadable",
    "no_answer",
    "not_observed",
    "excused",
    "cancelled",
]
"""What a roll-call found out about a unit. `not_observed` is never held against it."""


class ReviewChange(Model):
    """One value that a person's review replaced, both as text; None stands for no value."""

    field: str
    old: str | None
    new: str | None


class Reviewed(Model):
    """A person listened to an answer and said what it was: who, when, and what that changed."""

    at: Timestamp
    by: str
    note: str
    changes: tuple[ReviewChange, ...]


class RollcallStarted(Data):
    """A roll-call (点名) or a scramble (拉动) has begun. `units` is how many are planned, None if unknown."""

    rollcall_id: str
    radio: str
    kind: Literal["rollcall", "drill"]
    mode: Literal["conducted", "listened"]
    started_at: Timestamp
    units: int | None
    transmission_id: str | None


class RollcallItem(Data):
    """One unit's line of a roll-call after a change: called, answered or missed.

    `outcome` is None while nothing was heard. Latencies are seconds from the end of the last and of the first
    call to the start of the reply, by the audio; None when the unit was not called before it spoke.
    `reasons` say why it was not observed. A higher `revision` replaces a lower one; `reviewed` tells what
    people have changed since.
    """

    rollcall_id: str
    radio: str
    unit_id: str
    unit_name: str
    revision: int
    outcome: RollcallOutcome | None
    call_count: int
    first_called_at: Timestamp | None
    last_called_at: Timestamp | None
    answered_at: Timestamp | None
    answer_latency_s: float | None
    first_call_to_answer_s: float | None
    headcount: HeadcountData
    all_normal: bool | None
    report_complete: dict[str, bool]
    answered_by: str | None
    transmission_id: str | None
    text: Said
    confidence: float | None
    bin: str | None
    reasons: tuple[str, ...]
    review: Review
    reviewed: tuple[Reviewed, ...] = ()


class RollcallLine(Model):
    """One unit in the summary of a roll-call, in short."""

    unit_id: str
    outcome: RollcallOutcome
    call_count: int
    answer_latency_s: float | None
    present: int | None
    transmission_id: str | None


class RollcallFinished(Data):
    """A roll-call is over: the whole of it. Lines that do not fit are counted; each had its own event.

    `ended` is closed when it was said to be over, superseded when another began, fell_silent when nobody
    went on with it, cancelled when somebody stopped it. `misheard_calls` counts calls whose unit, and
    `stray_replies` answers whose giver could not be told.
    """

    rollcall_id: str
    radio: str
    kind: Literal["rollcall", "drill"]
    mode: Literal["conducted", "listened"]
    started_at: Timestamp
    finished_at: Timestamp
    ended: Literal["closed", "superseded", "fell_silent", "cancelled"]
    units: int
    outcomes: dict[str, int]
    bins: dict[str, int]
    present: int
    pauses: int
    misheard_calls: int
    stray_replies: int
    items: tuple[RollcallLine, ...]
    items_left_out: int
    review: Review


DrillRole = Literal["point", "line", "area"]
"""A unit's part in a drill: on the spot (一点呼叫), beside it (一线响应), reinforcement (一片集结)."""
DrillStep = Literal["acknowledged", "departed", "arrived"]
DrillArrival = Literal[
    "arrived",
    "arrived_late",
    "arrived_ungraded",
    "not_reported",
    "not_observed",
    "unreadable",
    "excused",
    "cancelled",
]
"""What a drill found out about a unit's arrival. `arrived_ungraded` came after an interruption."""


class DrillScenario(Model):
    """What is played, and where. `code` is empty when an officer holds the drill by voice."""

    code: str
    label: str
    text: str
    place: str


class DrillStarted(Data):
    """A scramble (拉动) has begun; everything until it is finished is an exercise.

    `units` is who takes part, by role; `lines` who belongs to whose line. Both are empty when an officer
    holds it by voice, as nobody knows beforehand. `limits_s` are the 1-3-5 minutes in seconds.
    """

    drill_id: str
    radio: str
    status: Literal["Exercise"] = "Exercise"
    mode: Literal["conducted", "listened"]
    scenario: DrillScenario
    reach: str | None
    started_at: Timestamp
    limits_s: dict[str, float]
    units: dict[str, tuple[str, ...]]
    lines: dict[str, tuple[str, ...]]
    by: str | None
    transmission_id: str | None


class DrillItem(Data):
    """One unit's line of a drill after a step: ordered, acknowledged, departed, arrived, or settled.

    Latencies are seconds from the end of its last order (PTT released) to the start of the transmission that
    says so, by the audio; None when it spoke unasked. An arrival is what the unit claims. `outcome` and
    `arrival` are None while nothing was heard; `in_time` is None where that is not known. A higher
    `revision` replaces a lower one.
    """

    drill_id: str
    radio: str
    status: Literal["Exercise"] = "Exercise"
    unit_id: str
    unit_name: str
    role: DrillRole
    line: str
    revision: int
    step: Literal["ordered", "acknowledged", "departed", "arrived", "reported", "settled"]
    outcome: RollcallOutcome | None
    arrival: DrillArrival | None
    limit_s: float
    in_time: bool | None
    grade_135: str
    order_count: int
    first_ordered_at: Timestamp | None
    last_ordered_at: Timestamp | None
    acknowledged_at: Timestamp | None
    ack_latency_s: float | None
    departed_at: Timestamp | None
    depart_latency_s: float | None
    arrived_at: Timestamp | None
    arrive_latency_s: float | None
    first_order_to_arrival_s: float | None
    bin: str | None
    headcount: HeadcountData
    position: str | None
    report_complete: dict[str, bool]
    answered_by: str | None
    transmission_id: str | None
    transmissions: dict[str, str]
    text: Said
    confidence: float | None
    reasons: tuple[str, ...]
    review: Review
    reviewed: tuple[Reviewed, ...] = ()


class DrillLine(Model):
    """How one line (一线) mustered.

    `mustered_s` runs from the end of the first order to the last arrival; None if one unit never said so.
    """

    line: str
    role: DrillRole
    units: int
    answered: int
    arrived: int
    in_time: int
    present: int
    mustered_s: float | None


class DrillUnit(Model):
    """One unit in the summary of a drill, in short."""

    unit_id: str
    role: DrillRole
    outcome: RollcallOutcome
    arrival: DrillArrival
    in_time: bool | None
    ack_latency_s: float | None
    arrive_latency_s: float | None
    present: int | None


class DrillFinished(Data):
    """A drill is over: the whole of it. Lines that do not fit are counted; each had its own event.

    `grades_135` says whether the first of each role was there in its minutes, `first_arrivals_s` after how
    long; None where that is not known. `linked_units` are those beside the point that answered
    (联动应答单元数), `area` all lines together (一片集结).
    """

    drill_id: str
    radio: str
    status: Literal["Exercise"] = "Exercise"
    mode: Literal["conducted", "listened"]
    scenario: DrillScenario
    reach: str | None
    started_at: Timestamp
    finished_at: Timestamp
    ended: Literal["closed", "superseded", "fell_silent", "cancelled"]
    units: int
    outcomes: dict[str, int]
    arrivals: dict[str, int]
    grades_135: dict[str, bool | None]
    first_arrivals_s: dict[str, float | None]
    linked_units: int
    lines: tuple[DrillLine, ...]
    area: DrillLine | None
    present: int
    pauses: int
    stray_replies: int
    items: tuple[DrillUnit, ...]
    items_left_out: int
    review: Review


class Judged(Model):
    """What a person says, or the gateway understood, of one transmission. None: nobody, nothing, not said."""

    text: Said
    unit_id: str | None
    unit_name: str | None
    headcount: int | None
    incident: str | None


class ReviewVerdict(Data):
    """A person has looked at a transmission: accepted it, or corrected what `changed` names.

    `before` is what held until then, the gateway's own understanding or an earlier person's; `reasons` are
    why it was to be looked at. The latest verdict on a transmission holds.
    """

    transmission_id: str
    radio: str
    by: str
    at: Timestamp
    before: Judged
    after: Judged
    changed: tuple[str, ...]
    reasons: tuple[str, ...]
    note: str


class RollcallSnapshot(Data):
    """`state/rollcall/<id>`: how far a roll-call has come; cleared when it is over.

    `phase` is listening where an officer calls by voice. `paused` says why nothing is said now. `decided`
    counts units with an outcome; `lines` are the latest of them. `unit_id` is the unit in turn.
    """

    rollcall_id: str
    radio: str
    kind: Literal["rollcall", "drill"]
    mode: Literal["conducted", "listened"]
    phase: str
    paused: str | None
    started_at: Timestamp
    at: Timestamp
    units: int
    decided: int
    outcomes: dict[str, int]
    bins: dict[str, int]
    present: int
    round: int
    unit_id: str | None
    unit_name: str | None
    calls: int
    lines: tuple[RollcallLine, ...]


class GatewayFault(Data):
    """Something the gateway needs went away, or came back."""

    what: str
    since: Timestamp
    message: str
    action: str


class SequenceRun(Model):
    """Numbers that follow one another, both ends included."""

    first: str
    last: str


class OutboxDropped(Data):
    """Events that had to be given up, so that a gap in the sequence explains itself.

    `runs` are the first and last number of each stretch given up. When it is empty, everything from
    `first_sequence` to `last_sequence` was.
    """

    first_sequence: str
    last_sequence: str
    count: int
    reason: str
    runs: tuple[SequenceRun, ...] = ()


class ClockStepped(Data):
    """The wall clock jumped: events before it can be re-dated by mono_ms."""

    old: Timestamp
    new: Timestamp


EVENT_DATA: dict[str, type[Data]] = {
    "transmission.received": TransmissionReceived,
    "transmission.sent": TransmissionSent,
    "incident.opened": IncidentSnapshot,
    "incident.updated": IncidentSnapshot,
    "incident.closed": IncidentSnapshot,
    "incident.cancelled": IncidentSnapshot,
    "checkin.received": CheckinReceived,
    "rollcall.started": RollcallStarted,
    "rollcall.called": RollcallItem,
    "rollcall.answered": RollcallItem,
    "rollcall.missed": RollcallItem,
    "rollcall.finished": RollcallFinished,
    "drill.started": DrillStarted,
    "drill.arrived": DrillItem,
    "drill.finished": DrillFinished,
    "review.accepted": ReviewVerdict,
    "review.corrected": ReviewVerdict,
    "gateway.fault": GatewayFault,
    "gateway.recovered": GatewayFault,
    "outbox.dropped": OutboxDropped,
    "clock.stepped": ClockStepped,
}
"""`family.verb` of every event and the model of its data."""


class Draft(Model):
    """An event before it is stored: it has no sequence number yet."""

    id: str
    kind: str
    """`family.verb`, a key of EVENT_DATA."""
    subject: str
    time: Timestamp
    data: Data
    correlationid: str | None = None
    causationid: str | None = None


class CloudEvent(Model):
    """An event as stored and published. `data` is the JSON of the model that EVENT_DATA names."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: Timestamp
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    sequence: str
    correlationid: str | None = None
    causationid: str | None = None
    data: dict[str, Any]

    def to_json(self) -> str:
        """Return the CloudEvents JSON document, without the optional attributes that are not set."""
        document = self.model_dump(mode="json")
        for optional in ("correlationid", "causationid"):
            if document[optional] is None:
                del document[optional]
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))

    @property
    def kind(self) -> str:
        """The `family.verb` of this event."""
        return self.type.removeprefix(TYPE_PREFIX)


def seal(draft: Draft, source: str, sequence: int) -> CloudEvent:
    """Turn a draft into the event that will be published under `sequence`."""
    return CloudEvent(
        id=draft.id,
        source=source,
        type=TYPE_PREFIX + draft.kind,
        subject=draft.subject,
        time=draft.time,
        dataschema=f"urn:radio-gateway:schema:{draft.kind}:1",
        sequence=f"{sequence:0{SEQUENCE_DIGITS}d}",
        correlationid=draft.correlationid,
        causationid=draft.causationid,
        data=draft.data.model_dump(mode="json"),
    )
