"""How far a drill has come, in the document that a roll-call has too. Pure."""

from collections import Counter
from datetime import datetime

from gateway.events import ClockReading, RollcallLine, RollcallSnapshot
from gateway.rollcall.grades import BIN_LABELS, bin_of
from gateway.rollcall.muster import Muster

MAX_LINES = 250


def drill_snapshot(
    muster: Muster, at: datetime, clock: ClockReading, *, phase: str, paused: str | None
) -> RollcallSnapshot:
    """Word it; a unit counts as decided once it has answered or been excused."""
    members = tuple(muster.members.values())
    decided = [one for one in members if one.outcome is not None]
    bins = dict.fromkeys(BIN_LABELS, 0)
    for one in members:
        acknowledged = one.steps.get("acknowledged")
        label = bin_of(acknowledged.latency_s) if acknowledged is not None else None
        if label is not None:
            bins[label] += 1
    return RollcallSnapshot(
        clock=clock,
        rollcall_id=muster.drill_id,
        radio=muster.radio,
        kind="drill",
        mode=muster.mode,
        phase=phase,
        paused=paused,
        started_at=muster.started_at,
        at=at,
        units=len(members),
        decided=len(decided),
        outcomes=dict(sorted(Counter(str(one.outcome) for one in decided).items())),
        bins=bins,
        present=sum(one.present or 0 for one in members),
        round=max((len(one.orders) for one in members), default=1) or 1,
        unit_id=None,
        unit_name=None,
        calls=sum(len(one.orders) for one in members),
        lines=tuple(
            RollcallLine(
                unit_id=one.unit_id,
                outcome=one.outcome or "cancelled",
                call_count=len(one.orders),
                answer_latency_s=one.steps["acknowledged"].latency_s if one.has_answered else None,
                present=one.present,
                transmission_id=one.transmission_id,
            )
            for one in decided[-MAX_LINES:]
        ),
    )
