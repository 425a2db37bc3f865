"""The register as one printable HTML page with its charts: no script, nothing loaded from elsewhere. Pure.

Everything shown is escaped by the template engine: what was said on the air is anybody's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from gateway.rollcall import charts, report
from gateway.rollcall.record import Record, Share, share_of, shares_by
from gateway.rollcall.report import GRADES, Form

TEMPLATE: Final = "report.html.j2"
_EMPTY_WIDTH: Final = 5.0
_SCORE_WIDTH: Final = 8.0


@dataclass(frozen=True, slots=True)
class Section:
    """One roll-call or drill on the page."""

    form: Form
    whole: Share
    answer_bins: tuple[charts.Column, ...]
    arrival_bins: tuple[charts.Column, ...]
    by_street: charts.Rows
    by_class: charts.Rows
    slowest: charts.Rows
    trend: charts.Trend | None
    grades: tuple[tuple[str, str], ...]


def page(
    forms: Sequence[Form],
    earlier: Mapping[str, Sequence[Record]],
    links: Mapping[str, str],
    made_at: datetime,
) -> str:
    """Write the page.

    Args:
        forms: roll-calls and drills.
        earlier: by the id of each, those of its kind before it, oldest first, with their ends.
        links: where each transmission's recording is, seen from where the page will lie.
        made_at: when it is made.
    """
    sections = [_section(form, earlier.get(form.record.record_id, ())) for form in forms]
    rows = iter(report.rows_of(forms))
    tables = [[(next(rows), entry) for entry in form.entries] for form in forms]
    widths = [_widths([row for row, _ in table]) for table in tables]
    return _template().render(
        sections=list(zip(sections, tables, widths, strict=True)),
        columns=report.COLUMNS,
        links=links,
        made_at=made_at,
        charts=charts,
        report=report,
    )


def _widths(rows: Sequence[Sequence[str]]) -> list[float]:
    """The share of the page's width that each column gets, in percent; one that is empty gets little."""
    shares = [
        width if any(row[number] for row in rows) else _EMPTY_WIDTH
        for number, width in enumerate(report.WIDTHS[name] for name in report.COLUMNS)
    ]
    shares.append(_SCORE_WIDTH)
    return [round(100 * share / sum(shares), 2) for share in shares]


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("gateway.rollcall", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE)


def _section(form: Form, earlier: Sequence[Record]) -> Section:
    entries, over = form.entries, form.record.drill_over
    whole = share_of("全部", entries)
    points = [_point(record) for record in earlier if record.over is not None]
    share = whole.answered_share
    points.append(
        charts.TrendPoint(
            _day(form.record.started_at), None if share is None else 100 * share, whole.median_s, is_this=True
        )
    )
    grades = over.grades_135 if over is not None else {}
    words = {True: "达标", False: "未达标", None: "未判定"}
    return Section(
        form=form,
        whole=whole,
        answer_bins=charts.answer_bins(entries),
        arrival_bins=charts.arrival_bins(entries),
        by_street=charts.share_rows(shares_by(entries, lambda entry: entry.street)),
        by_class=charts.share_rows(shares_by(entries, lambda entry: entry.unit_class)),
        slowest=charts.slowest_rows(entries),
        trend=charts.trend_of(points),
        grades=tuple((name, words[grades.get(key)]) for key, name in GRADES) if over is not None else (),
    )


def _point(record: Record) -> charts.TrendPoint:
    over = record.over
    assert over is not None
    own = sum(over.outcomes.get(outcome, 0) for outcome in ("answered", "answered_late"))
    graded = own + sum(over.outcomes.get(outcome, 0) for outcome in ("no_answer", "answered_by_other"))
    if record.rollcall_over is not None:
        times = [line.answer_latency_s for line in record.rollcall_over.items]
    else:
        times = [unit.ack_latency_s for unit in record.drill_over.items] if record.drill_over else []
    known = sorted(time for time in times if time is not None)
    middle = known[len(known) // 2] if known else None
    return charts.TrendPoint(_day(record.started_at), 100 * own / graded if graded else None, middle)


def _day(at: datetime) -> str:
    return at.strftime("%m-%d %H:%M")
