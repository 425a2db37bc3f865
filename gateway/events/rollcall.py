"""The data of `rollcall.*` and of `state/rollcall/<id>`."""

from typing import Literal

from gateway.events.shared import Data, HeadcountData, Model, Review, Timestamp
from gateway.masking import Said

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
