"""What a roll-call (点名) or a drill (拉动) found, put together again from its events. Pure.

The newest revision of each unit's line counts. A drill that an officer held by voice has events of both
families under one id; its lines are those of the roll-call with the arrivals of the drill.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from statistics import median
from typing import Final, TypeVar

from gateway.events import (
    CloudEvent,
    DrillArrival,
    DrillFinished,
    DrillItem,
    DrillRole,
    DrillStarted,
    Reviewed,
    RollcallFinished,
    RollcallItem,
    RollcallOutcome,
    RollcallStarted,
)
from gateway.model import Unit
from gateway.rollcall.grades import NOT_GRADED, Score, Weights, score
from gateway.rollcall.sheet import Kind, Mode

ANSWERS: Final = frozenset({"answered", "answered_late"})
Line = TypeVar("Line", RollcallItem, DrillItem)


@dataclass(frozen=True, slots=True)
class Record:
    """One roll-call or drill. The finished events are None while it goes on or when nobody ended it.

    `items` and `moves` hold each unit's newest line by its id; either may be empty.
    """

    rollcall: RollcallStarted | None = None
    rollcall_over: RollcallFinished | None = None
    items: Mapping[str, RollcallItem] = field(default_factory=dict)
    drill: DrillStarted | None = None
    drill_over: DrillFinished | None = None
    moves: Mapping[str, DrillItem] = field(default_factory=dict)

    @property
    def record_id(self) -> str:
        """The roll-call's or drill's id."""
        return self.rollcall.rollcall_id if self.rollcall is not None else self._drill.drill_id

    @property
    def kind(self) -> Kind:
        """Whether it is a roll-call or a drill."""
        return "drill" if self.rollcall is None else self.rollcall.kind

    @property
    def mode(self) -> Mode:
        """Who held it: the gateway, or an officer by voice."""
        return self.rollcall.mode if self.rollcall is not None else self._drill.mode

    @property
    def radio(self) -> str:
        """The radio it was held on."""
        return self.rollcall.radio if self.rollcall is not None else self._drill.radio

    @property
    def started_at(self) -> datetime:
        """When it began."""
        return self.rollcall.started_at if self.rollcall is not None else self._drill.started_at

    @property
    def over(self) -> RollcallFinished | DrillFinished | None:
        """How it ended, None while it goes on."""
        return self.rollcall_over or self.drill_over

    @property
    def _drill(self) -> DrillStarted:
        assert self.drill is not None
        return self.drill


def read_records(events: Iterable[CloudEvent]) -> list[Record]:
    """Put roll-calls and drills together from their events, which come in order, by when they began.

    One whose beginning was pruned is not shown in half: its figures would be wrong.
    """
    records: dict[str, Record] = {}
    items: dict[str, dict[str, RollcallItem]] = {}
    moves: dict[str, dict[str, DrillItem]] = {}
    for event in events:
        key = event.correlationid or event.subject
        known = records.get(key, Record())
        match event.kind:
            case "rollcall.started":
                records[key] = replace(known, rollcall=RollcallStarted.model_validate(event.data))
            case "rollcall.finished":
                records[key] = replace(known, rollcall_over=RollcallFinished.model_validate(event.data))
            case "drill.started":
                records[key] = replace(known, drill=DrillStarted.model_validate(event.data))
            case "drill.finished":
                records[key] = replace(known, drill_over=DrillFinished.model_validate(event.data))
            case "drill.arrived":
                _newest(moves.setdefault(key, {}), DrillItem.model_validate(event.data))
            case kind if kind.startswith("rollcall."):
                _newest(items.setdefault(key, {}), RollcallItem.model_validate(event.data))
    return [
        replace(record, items=items.get(key, {}), moves=moves.get(key, {}))
        for key, record in records.items()
        if record.rollcall is not None or record.drill is not None
    ]


def _newest(known: dict[str, Line], item: Line) -> None:
    before = known.get(item.unit_id)
    if before is None or item.revision >= before.revision:
        known[item.unit_id] = item


@dataclass(frozen=True, slots=True)
class Entry:
    """One unit's line as reports show it. `audio` is the reference of its recording in the spool.

    `role` and what follows it, down to `grade_135`, are a drill's and None in a roll-call. `linked_units` are
    the others of its line that answered, known for the unit the line belongs to. `hindrances` are why silence
    proves nothing, `problems` why a person should look; `answered_by` names the unit that answered for it.
    """

    unit_id: str
    name: str
    unit: Unit | None
    outcome: RollcallOutcome | None
    call_count: int
    first_called_at: datetime | None
    answered_at: datetime | None
    answer_latency_s: float | None
    text: str
    present: int | None
    expected: int | None
    all_normal: bool | None
    report_complete: Mapping[str, bool]
    hindrances: tuple[str, ...]
    problems: tuple[str, ...]
    answered_by: str | None
    needs_review: bool
    transmission_id: str | None
    confidence: float | None
    reviewed: tuple[Reviewed, ...]
    role: DrillRole | None = None
    line: str | None = None
    arrival: DrillArrival | None = None
    arrived_at: datetime | None = None
    arrive_latency_s: float | None = None
    limit_s: float | None = None
    in_time: bool | None = None
    position: str | None = None
    linked_units: int | None = None
    score: Score | None = None
    audio: str | None = None

    @property
    def street(self) -> str:
        """The sub-district it belongs to, empty when it is not registered any more."""
        return self.unit.street if self.unit is not None else ""

    @property
    def unit_class(self) -> str:
        """A to D, empty when not known."""
        return self.unit.unit_class if self.unit is not None else ""

    @property
    def is_graded(self) -> bool:
        """Whether its outcome says anything about it."""
        return self.outcome not in NOT_GRADED


def entries_of(
    record: Record,
    units: Mapping[str, Unit],
    *,
    weights: Weights | None = None,
    audio: Mapping[str, str] | None = None,
) -> tuple[Entry, ...]:
    """Every unit's line, in the order in which the units first appeared.

    Args:
        record: the roll-call or drill.
        units: the registry by unit id.
        weights: the station's points, the proposal of the domain reference when None.
        audio: spool references by transmission id.
    """
    linked: dict[str, int] = {}
    for one in record.moves.values():
        if one.outcome in ANSWERS and one.unit_id != one.line:
            linked[one.line] = linked.get(one.line, 0) + 1
    entries = []
    for unit_id in dict.fromkeys((*record.items, *record.moves)):
        item, move = record.items.get(unit_id), record.moves.get(unit_id)
        entry = _rollcall_entry(item) if item is not None else _drill_entry(record.moves[unit_id])
        if move is not None:
            entry = _with_arrival(entry, move)
            if unit_id == move.line:
                entry = replace(entry, linked_units=linked.get(unit_id, 0))
        unit = units.get(unit_id)
        stand_in = units.get(entry.answered_by or "")
        required = entry.expected
        if unit is not None and unit.duty_headcount is not None:
            required = unit.duty_headcount
        entries.append(
            replace(
                entry,
                name=entry.name or (unit.name if unit is not None else unit_id),
                unit=unit,
                answered_by=stand_in.name if stand_in is not None else entry.answered_by,
                expected=entry.expected if entry.expected is not None else required,
                score=score(entry, weights, required_headcount=required, arrived_in_time=entry.in_time),
                audio=(audio or {}).get(entry.transmission_id or ""),
            )
        )
    return tuple(entries)


def _rollcall_entry(item: RollcallItem) -> Entry:
    return _entry(
        item,
        call_count=item.call_count,
        first_called_at=item.first_called_at,
        answered_at=item.answered_at,
        answer_latency_s=item.answer_latency_s,
        all_normal=item.all_normal,
    )


def _drill_entry(move: DrillItem) -> Entry:
    return _entry(
        move,
        call_count=move.order_count,
        first_called_at=move.first_ordered_at,
        answered_at=move.acknowledged_at,
        answer_latency_s=move.ack_latency_s,
        all_normal=None,
    )


def _entry(
    line: RollcallItem | DrillItem,
    *,
    call_count: int,
    first_called_at: datetime | None,
    answered_at: datetime | None,
    answer_latency_s: float | None,
    all_normal: bool | None,
) -> Entry:
    """What the lines of both families have in common, and how each says when it was called and answered."""
    return Entry(
        unit_id=line.unit_id,
        name=line.unit_name,
        unit=None,
        outcome=line.outcome,
        call_count=call_count,
        first_called_at=first_called_at,
        answered_at=answered_at,
        answer_latency_s=answer_latency_s,
        text=line.text,
        present=line.headcount.present,
        expected=line.headcount.expected,
        all_normal=all_normal,
        report_complete=line.report_complete,
        hindrances=line.reasons,
        problems=line.review.reasons,
        answered_by=line.answered_by,
        needs_review=line.review.required,
        transmission_id=line.transmission_id,
        confidence=line.confidence,
        reviewed=line.reviewed,
    )


def _with_arrival(entry: Entry, move: DrillItem) -> Entry:
    report = {
        name: entry.report_complete.get(name, False) or told for name, told in move.report_complete.items()
    }
    return replace(
        entry,
        present=entry.present if entry.present is not None else move.headcount.present,
        report_complete={**entry.report_complete, **report},
        role=move.role,
        line=move.line,
        arrival=move.arrival,
        arrived_at=move.arrived_at,
        arrive_latency_s=move.arrive_latency_s,
        limit_s=move.limit_s,
        in_time=move.in_time,
        position=move.position,
    )


@dataclass(frozen=True, slots=True)
class Share:
    """How a group of units did. `answered_share` is None where nobody could be graded.

    `median_s` is the median time of those that answered, None when nobody did.
    """

    label: str
    units: int
    graded: int
    answered: int
    median_s: float | None
    percent: float | None

    @property
    def answered_share(self) -> float | None:
        """Own answers among the graded, 0 to 1."""
        return self.answered / self.graded if self.graded else None


def share_of(label: str, entries: Sequence[Entry]) -> Share:
    """Sum up a group of lines. `percent` is the mean of the units' scores out of 100."""
    graded = [entry for entry in entries if entry.is_graded]
    times = [e.answer_latency_s for e in graded if e.outcome in ANSWERS and e.answer_latency_s is not None]
    scores = [entry.score.percent for entry in graded if entry.score is not None]
    return Share(
        label=label,
        units=len(entries),
        graded=len(graded),
        answered=sum(1 for entry in graded if entry.outcome in ANSWERS),
        median_s=round(median(times), 1) if times else None,
        percent=round(sum(scores) / len(scores), 1) if scores else None,
    )


def shares_by(entries: Iterable[Entry], key: Callable[[Entry], str]) -> tuple[Share, ...]:
    """Sum up by street or class, the least answering first."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(key(entry), []).append(entry)
    shares = [share_of(label, group) for label, group in groups.items()]
    return tuple(sorted(shares, key=lambda s: (s.answered_share is None, s.answered_share or 0.0, s.label)))
