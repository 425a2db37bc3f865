"""From what moved in a drill to the event that says so. Pure: ids and the clock's reading come in."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from gateway.events import (
    ClockReading,
    Draft,
    DrillFinished,
    DrillItem,
    DrillLine,
    DrillRole,
    DrillScenario,
    DrillStarted,
    DrillUnit,
    HeadcountData,
    Review,
)
from gateway.rollcall.grades import bin_of
from gateway.rollcall.happenings import DrillMoved, TellDrill
from gateway.rollcall.muster import LIMITS_S, ROLE_GRADES, Member, Muster, StepReport
from gateway.understand.incident import MAX_TEXT_CHARS

MAX_DRILL_UNITS = 150
"""What fits into one event with room to spare; a larger drill counts what it leaves out."""


def drill_event(
    event_id: str, told: TellDrill, at: datetime, clock: ClockReading, cause: str | None = None
) -> Draft:
    """Draft what moved in a drill; `cause` is the event that moved it."""
    muster = told.muster
    data: DrillStarted | DrillItem | DrillFinished
    if told.member is not None:
        data = drill_item(muster, told.member, told.moved or "reported", clock)
    elif told.verb == "started":
        data = _started(muster, clock)
    else:
        data = _finished(muster, clock)
    return Draft(
        id=event_id,
        kind=f"drill.{told.verb}",
        subject=told.member.unit_id if told.member is not None else muster.drill_id,
        time=at,
        data=data,
        correlationid=muster.drill_id,
        causationid=cause,
    )


def _scenario(muster: Muster) -> DrillScenario:
    return DrillScenario(
        code=muster.scenario_code,
        label=muster.scenario_label,
        text=muster.scenario_text[:MAX_TEXT_CHARS],
        place=muster.place[:MAX_TEXT_CHARS],
    )


def _started(muster: Muster, clock: ClockReading) -> DrillStarted:
    roles: dict[str, tuple[str, ...]] = {}
    lines: dict[str, tuple[str, ...]] = {}
    for one in muster.members.values():
        roles[one.role] = (*roles.get(one.role, ()), one.unit_id)
        lines[one.line] = (*lines.get(one.line, ()), one.unit_id)
    return DrillStarted(
        clock=clock,
        drill_id=muster.drill_id,
        radio=muster.radio,
        mode=muster.mode,
        scenario=_scenario(muster),
        reach=muster.reach,
        started_at=muster.started_at,
        limits_s={**LIMITS_S, **{one.role: one.limit_s for one in muster.members.values()}},
        units=roles,
        lines=lines,
        by=muster.by,
        transmission_id=muster.opened_by,
    )


def drill_item(muster: Muster, member: Member, moved: DrillMoved, clock: ClockReading) -> DrillItem:
    """One unit's line as it is published."""
    acked, gone, there = (member.steps.get(step) for step in ("acknowledged", "departed", "arrived"))
    return DrillItem(
        clock=clock,
        drill_id=muster.drill_id,
        radio=muster.radio,
        unit_id=member.unit_id,
        unit_name=member.name,
        role=member.role,
        line=member.line,
        revision=member.revision,
        step=moved,
        outcome=member.outcome,
        arrival=member.arrival,
        limit_s=member.limit_s,
        in_time=member.in_time,
        grade_135=ROLE_GRADES[member.role],
        order_count=len(member.orders),
        first_ordered_at=member.orders[0].began_at if member.orders else None,
        last_ordered_at=member.orders[-1].began_at if member.orders else None,
        acknowledged_at=_at(acked),
        ack_latency_s=_latency(acked),
        departed_at=_at(gone),
        depart_latency_s=_latency(gone),
        arrived_at=_at(there),
        arrive_latency_s=_latency(there),
        first_order_to_arrival_s=there.first_latency_s if there else None,
        bin=bin_of(_latency(acked)),
        headcount=HeadcountData(present=member.present, expected=member.expected),
        position=member.position,
        report_complete=member.report_complete,
        answered_by=member.answered_by,
        transmission_id=member.transmission_id,
        transmissions={
            step: told.transmission_id for step, told in member.steps.items() if told.transmission_id
        },
        text=member.text[:MAX_TEXT_CHARS],
        confidence=None if member.confidence is None else round(member.confidence, 4),
        reasons=member.reasons,
        review=Review(required=bool(member.review_reasons), reasons=member.review_reasons),
    )


def _finished(muster: Muster, clock: ClockReading) -> DrillFinished:
    members = tuple(muster.members.values())
    reasons = ["stray_replies"] if muster.stray_replies else []
    reasons += ["unreadable_answers"] if any(one.outcome == "unreadable" for one in members) else []
    shown = members[:MAX_DRILL_UNITS]
    return DrillFinished(
        clock=clock,
        drill_id=muster.drill_id,
        radio=muster.radio,
        mode=muster.mode,
        scenario=_scenario(muster),
        reach=muster.reach,
        started_at=muster.started_at,
        finished_at=muster.finished_at or muster.started_at,
        ended=muster.ended or "closed",
        units=len(members),
        outcomes=dict(sorted(Counter(str(one.outcome) for one in members if one.outcome).items())),
        arrivals=dict(sorted(Counter(str(one.arrival) for one in members if one.arrival).items())),
        grades_135=muster.grades_135(),
        first_arrivals_s=muster.first_arrivals_s(),
        linked_units=sum(1 for one in members if one.role != "point" and one.has_answered),
        lines=lines_of(muster),
        area=_line_of(muster.drill_id, "area", members) if muster.reach == "area" else None,
        present=sum(one.present or 0 for one in members),
        pauses=muster.pauses,
        stray_replies=muster.stray_replies,
        items=tuple(
            DrillUnit(
                unit_id=one.unit_id,
                role=one.role,
                outcome=one.outcome or "cancelled",
                arrival=one.arrival or "cancelled",
                in_time=one.in_time,
                ack_latency_s=_latency(one.steps.get("acknowledged")),
                arrive_latency_s=_latency(one.steps.get("arrived")),
                present=one.present,
            )
            for one in shown
        ),
        items_left_out=len(members) - len(shown),
        review=Review(required=bool(reasons), reasons=tuple(reasons)),
    )


def lines_of(muster: Muster) -> tuple[DrillLine, ...]:
    """How each line (一线) mustered; the unit the drill is played at belongs to its own."""
    by_line: dict[str, list[Member]] = {}
    for one in muster.members.values():
        by_line.setdefault(one.line, []).append(one)
    return tuple(
        _line_of(line, "area" if all(one.role == "area" for one in members) else "line", members)
        for line, members in by_line.items()
    )


def _line_of(line: str, role: DrillRole, members: Sequence[Member]) -> DrillLine:
    meant = [one for one in members if one.outcome != "excused"]
    there = [one.steps["arrived"].at for one in meant if one.is_there]
    ordered = [order.ended_at for one in meant for order in one.orders[:1]]
    is_complete = bool(there and ordered) and len(there) == len(meant)
    return DrillLine(
        line=line,
        role=role,
        units=len(meant),
        answered=sum(1 for one in meant if one.has_answered),
        arrived=sum(1 for one in meant if one.is_there),
        in_time=sum(1 for one in meant if one.in_time),
        present=sum(one.present or 0 for one in meant),
        mustered_s=round((max(there) - min(ordered)).total_seconds(), 3) if is_complete else None,
    )


def _at(step: StepReport | None) -> datetime | None:
    return None if step is None else step.at


def _latency(step: StepReport | None) -> float | None:
    return None if step is None else step.latency_s
