"""The data of `drill.*`: a scramble (拉动), its units and its lines."""

from typing import Literal

from gateway.events.rollcall import Reviewed, RollcallOutcome
from gateway.events.shared import Data, HeadcountData, Model, Review, Timestamp
from gateway.masking import Said

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
