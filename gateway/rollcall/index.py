"""The response index of a district over a period: the answering part of 群防群治指数. Pure.

    unit     s(u) = 100 · Σ points / Σ possible      over its graded lines in the period
    street   I(s) = mean of s(u)                     over its units with at least one graded line
    district I    = mean of s(u)                     over all such units

Each unit counts once, however often it was called. Lines that say nothing about a unit (not observed,
excused, cancelled, unreadable and not yet reviewed) are in neither sum; `coverage` tells how many of the
registered active units the index rests on, and `to_review` what may still change it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.model import Unit
from gateway.rollcall.record import ANSWERS, Entry

WHOLE = "全区"


@dataclass(frozen=True, slots=True)
class IndexLine:
    """A street's figures, or the district's. Shares are 0 to 1; None where nothing could be graded."""

    label: str
    index: float | None
    units: int
    active_units: int
    calls: int
    answered_share: float | None
    headcount_share: float | None
    arrival_share: float | None
    to_review: int
    not_observed: int

    @property
    def coverage(self) -> float | None:
        """Graded units among the active ones."""
        return min(1.0, self.units / self.active_units) if self.active_units else None


def district_index(
    entries: Iterable[Entry], registry: Iterable[Unit], streets: Sequence[str] = ()
) -> tuple[IndexLine, ...]:
    """The district's line, then each street's, the lowest first; only these streets when some are given."""
    units = [unit for unit in registry if not streets or unit.street in streets]
    lines = [entry for entry in entries if not streets or entry.street in streets]
    names = dict.fromkeys(
        (*(unit.street for unit in units if unit.state == "active"), *(e.street for e in lines))
    )
    by_street = [
        _line(
            name or "未登记",
            [entry for entry in lines if entry.street == name],
            [unit for unit in units if unit.street == name],
        )
        for name in names
    ]
    by_street.sort(key=lambda line: (line.index is None, line.index or 0.0, line.label))
    return (_line(WHOLE, lines, units), *by_street)


def _line(label: str, entries: Sequence[Entry], units: Sequence[Unit]) -> IndexLine:
    sums: dict[str, tuple[float, float]] = {}
    graded = [entry for entry in entries if entry.score is not None]
    for entry in graded:
        assert entry.score is not None
        points, possible = sums.get(entry.unit_id, (0.0, 0.0))
        sums[entry.unit_id] = (points + entry.score.points, possible + entry.score.possible)
    scores = [100.0 * points / possible for points, possible in sums.values()]
    own = [entry for entry in graded if entry.outcome in ANSWERS]
    counted = [e for e in own if e.expected is not None]
    drilled = [entry for entry in graded if entry.in_time is not None]
    return IndexLine(
        label=label,
        index=round(sum(scores) / len(scores), 1) if scores else None,
        units=len(sums),
        active_units=sum(1 for unit in units if unit.state == "active"),
        calls=len(graded),
        answered_share=_share(len(own), len(graded)),
        headcount_share=_share(
            sum(1 for e in counted if e.present is not None and e.present >= (e.expected or 0)), len(counted)
        ),
        arrival_share=_share(sum(1 for entry in drilled if entry.in_time), len(drilled)),
        to_review=sum(1 for entry in entries if entry.outcome == "unreadable"),
        not_observed=sum(1 for entry in entries if entry.outcome == "not_observed"),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def index_csv_rows(lines: Iterable[IndexLine]) -> list[Mapping[str, str]]:
    """The lines for a table or a file, in words."""

    def percent(share: float | None) -> str:
        return "" if share is None else f"{share:.1%}"

    return [
        {
            "街道": line.label,
            "指数": "" if line.index is None else f"{line.index:.1f}",
            "计分单元": f"{line.units}/{line.active_units}",
            "覆盖率": percent(line.coverage),
            "次数": str(line.calls),
            "应答率": percent(line.answered_share),
            "人数达标率": percent(line.headcount_share),
            "到场达标率": percent(line.arrival_share),
            "待复核": str(line.to_review),
            "未观测": str(line.not_observed),
        }
        for line in lines
    ]
