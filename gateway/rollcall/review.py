"""A person listened to an answer and says what it was: the line as it then is, with the trace of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.events import (
    ClockReading,
    Draft,
    DrillArrival,
    DrillItem,
    HeadcountData,
    Review,
    ReviewChange,
    Reviewed,
    RollcallItem,
    RollcallOutcome,
)

REVIEW_OUTCOMES: Final[tuple[RollcallOutcome, ...]] = (
    "answered", "answered_late", "answered_by_other", "no_answer", "not_observed", "excused",
)  # fmt: skip
REVIEW_ARRIVALS: Final[tuple[DrillArrival, ...]] = (
    "arrived", "arrived_late", "arrived_ungraded", "not_reported", "not_observed",
)  # fmt: skip
_UNANSWERED: Final = frozenset({"no_answer", "not_observed", "excused"})
_IN_TIME: Final[dict[str, bool]] = {"arrived": True, "arrived_late": False, "not_reported": False}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a person found. None leaves a value as it is; `arrival` is for drills only."""

    by: str
    outcome: RollcallOutcome | None = None
    present: int | None = None
    arrival: DrillArrival | None = None
    note: str = ""


def reviewed(
    item: RollcallItem | DrillItem, finding: Finding, at: datetime, clock: ClockReading
) -> RollcallItem | DrillItem:
    """Return the line after a review: a higher revision that needs no further look.

    Raises:
        ValueError: the finding says nothing, or something that this line does not have.
    """
    update = _update(item, finding)
    before = {**_told(item), "review": "; ".join(item.review.reasons) or None}
    after_item = item.model_copy(update=update)
    after = {**_told(after_item), "review": None}
    changes = tuple(
        ReviewChange(field=name, old=before[name], new=after[name])
        for name in before
        if before[name] != after[name]
    )
    if not changes and not finding.note:
        raise ValueError("that is what the record says already; give another outcome or a --note")
    trace = Reviewed(at=at, by=finding.by, note=finding.note, changes=changes)
    return after_item.model_copy(
        update={
            "clock": clock,
            "replayed": False,
            "revision": item.revision + 1,
            "review": Review(required=False),
            "reviewed": (*item.reviewed, trace),
        }
    )


def review_event(event_id: str, item: RollcallItem | DrillItem, at: datetime) -> Draft:
    """Draft the event that tells a reviewed line."""
    if isinstance(item, DrillItem):
        kind, record_id = "drill.arrived", item.drill_id
    else:
        missed = item.outcome in _UNANSWERED | {"cancelled"}
        kind, record_id = f"rollcall.{'missed' if missed else 'answered'}", item.rollcall_id
    return Draft(id=event_id, kind=kind, subject=item.unit_id, time=at, data=item, correlationid=record_id)


def _update(item: RollcallItem | DrillItem, finding: Finding) -> dict[str, object]:
    update: dict[str, object] = {}
    if finding.outcome is not None:
        update["outcome"] = finding.outcome
        if finding.outcome in _UNANSWERED:
            gone: tuple[str, ...] = ("answered_at", "answer_latency_s", "first_call_to_answer_s")
            if isinstance(item, DrillItem):
                gone = ("acknowledged_at", "ack_latency_s", "departed_at", "depart_latency_s")
            update |= dict.fromkeys((*gone, "bin"))
    if finding.present is not None:
        expected = item.headcount.expected
        update["headcount"] = HeadcountData(present=finding.present, expected=expected)
        update["report_complete"] = {**item.report_complete, "headcount": True}
    if finding.arrival is not None:
        if not isinstance(item, DrillItem):
            raise ValueError("a roll-call has no arrivals; --arrival is for drills")
        update["arrival"] = finding.arrival
        update["in_time"] = _IN_TIME.get(finding.arrival)
    if not update and not finding.note:
        raise ValueError("say what was found: --outcome, --headcount or --note")
    return update


def _told(item: RollcallItem | DrillItem) -> Mapping[str, str | None]:
    """The values a review may change, as text."""
    latency = item.ack_latency_s if isinstance(item, DrillItem) else item.answer_latency_s
    values: dict[str, object] = {
        "outcome": item.outcome,
        "present": item.headcount.present,
        "answer_latency_s": latency,
    }
    if isinstance(item, DrillItem):
        values |= {"arrival": item.arrival}
    return {name: None if value is None else str(value) for name, value in values.items()}
