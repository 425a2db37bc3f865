"""From what moved in a roll-call to the event that says so. Pure: ids and the clock's reading come in."""

from datetime import datetime

from gateway.events import (
    ClockReading,
    Draft,
    HeadcountData,
    Review,
    RollcallFinished,
    RollcallItem,
    RollcallLine,
    RollcallSnapshot,
    RollcallStarted,
)
from gateway.rollcall.drillevents import drill_event
from gateway.rollcall.grades import bin_of, tally
from gateway.rollcall.happenings import TellDrill
from gateway.rollcall.overheard import RollcallChange
from gateway.rollcall.sheet import Item, Sheet
from gateway.understand.incident import MAX_TEXT_CHARS

MAX_ROLLCALL_LINES = 250
"""What fits into one event with room to spare; a longer roll-call counts what it leaves out."""


def rollcall_event(
    event_id: str, change: RollcallChange | TellDrill, at: datetime, clock: ClockReading, cause: str | None
) -> Draft:
    """Draft what moved in a roll-call or a drill; `cause` is the event that moved it."""
    if isinstance(change, TellDrill):
        return drill_event(event_id, change, at, clock, cause)
    data: RollcallStarted | RollcallItem | RollcallFinished
    if change.item is not None:
        data = _rollcall_item(change.sheet, change.item, clock)
    elif change.verb == "started":
        data = _rollcall_started(change.sheet, clock)
    else:
        data = _rollcall_finished(change.sheet, clock)
    return Draft(
        id=event_id,
        kind=f"rollcall.{change.verb}",
        subject=change.item.unit_id if change.item is not None else change.sheet.rollcall_id,
        time=at,
        data=data,
        correlationid=change.sheet.rollcall_id,
        causationid=cause,
    )


def _rollcall_started(sheet: Sheet, clock: ClockReading) -> RollcallStarted:
    return RollcallStarted(
        clock=clock,
        rollcall_id=sheet.rollcall_id,
        radio=sheet.radio,
        kind=sheet.kind,
        mode=sheet.mode,
        started_at=sheet.started_at,
        units=len(sheet.items) if sheet.mode == "conducted" else None,
        transmission_id=sheet.opened_by,
    )


def _rollcall_item(sheet: Sheet, item: Item, clock: ClockReading) -> RollcallItem:
    return RollcallItem(
        clock=clock,
        rollcall_id=sheet.rollcall_id,
        radio=sheet.radio,
        unit_id=item.unit_id,
        unit_name=item.name,
        revision=item.revision,
        outcome=item.outcome,
        call_count=item.call_count,
        first_called_at=item.calls[0].began_at if item.calls else None,
        last_called_at=item.calls[-1].began_at if item.calls else None,
        answered_at=item.answered_at,
        answer_latency_s=item.answer_latency_s,
        first_call_to_answer_s=item.first_call_to_answer_s,
        headcount=HeadcountData(present=item.present, expected=item.expected),
        all_normal=item.all_normal,
        report_complete=item.report_complete,
        answered_by=item.answered_by,
        transmission_id=item.transmission_id,
        text=item.text[:MAX_TEXT_CHARS],
        confidence=None if item.confidence is None else round(item.confidence, 4),
        bin=bin_of(item.answer_latency_s),
        reasons=item.reasons,
        review=Review.because(item.review_reasons),
    )


def _rollcall_finished(sheet: Sheet, clock: ClockReading) -> RollcallFinished:
    items = tuple(sheet.items.values())
    told = tally(items)
    lines = tuple(_rollcall_line(item) for item in items[:MAX_ROLLCALL_LINES])
    reasons = [name for name, count in (
        ("misheard_calls", sheet.misheard_calls), ("stray_replies", sheet.stray_replies),
        ("unreadable_answers", told.outcomes.get("unreadable", 0)),
    ) if count]  # fmt: skip
    return RollcallFinished(
        clock=clock,
        rollcall_id=sheet.rollcall_id,
        radio=sheet.radio,
        kind=sheet.kind,
        mode=sheet.mode,
        started_at=sheet.started_at,
        finished_at=sheet.finished_at or sheet.started_at,
        ended=sheet.ended or "closed",
        units=len(items),
        outcomes=told.outcomes,
        bins=told.bins,
        present=told.present,
        pauses=sheet.pauses,
        misheard_calls=sheet.misheard_calls,
        stray_replies=sheet.stray_replies,
        items=lines,
        items_left_out=len(items) - len(lines),
        review=Review.because(reasons),
    )


def _rollcall_line(item: Item) -> RollcallLine:
    return RollcallLine(
        unit_id=item.unit_id,
        outcome=item.outcome or "cancelled",
        call_count=item.call_count,
        answer_latency_s=item.answer_latency_s,
        present=item.present,
        transmission_id=item.transmission_id,
    )


def rollcall_snapshot(
    sheet: Sheet,
    at: datetime,
    clock: ClockReading,
    *,
    phase: str = "listening",
    paused: str | None = None,
    in_turn: str | None = None,
    calls: int = 0,
    round_: int = 1,
) -> RollcallSnapshot:
    """Word how far a roll-call has come, for its retained topic."""
    told = tally(sheet.items.values())
    decided = [item for item in sheet.items.values() if item.outcome is not None]
    latest = sorted(decided, key=lambda item: item.answered_at.timestamp() if item.answered_at else 0.0)
    item = sheet.items.get(in_turn) if in_turn is not None else None
    return RollcallSnapshot(
        clock=clock,
        rollcall_id=sheet.rollcall_id,
        radio=sheet.radio,
        kind=sheet.kind,
        mode=sheet.mode,
        phase=phase,
        paused=paused,
        started_at=sheet.started_at,
        at=at,
        units=len(sheet.items),
        decided=len(decided),
        outcomes=told.outcomes,
        bins=told.bins,
        present=told.present,
        round=round_,
        unit_id=in_turn,
        unit_name=item.name if item is not None else None,
        calls=calls,
        lines=tuple(_rollcall_line(one) for one in latest[-MAX_ROLLCALL_LINES:]),
    )
