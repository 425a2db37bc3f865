"""What `rollcall` and `drill` share: showing records and writing their reports."""

import sys
from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gateway import recordroom
from gateway.errors import BadInput, UsageError
from gateway.rollcall.record import Record
from gateway.rollcall.report import ARRIVALS, KINDS, OUTCOMES, REACHES, Form, grade_of, problems_of


class FileFormat(StrEnum):
    """What a report is written as."""

    XLSX = "xlsx"
    CSV = "csv"
    HTML = "html"


def show_records(records: Sequence[Record], nothing: str) -> None:
    """List roll-calls and drills, oldest first."""
    table = Table(
        "roll-call", "radio", "kind", "began", "ended", "units", "outcomes", box=None, pad_edge=False
    )
    for record in records:
        over = record.over
        outcomes = ", ".join(f"{OUTCOMES[o]} {n}" for o, n in over.outcomes.items()) if over else "goes on"
        drill = record.drill
        what = [KINDS[record.kind]]
        if drill is not None and drill.scenario.label:
            what += [drill.scenario.label, REACHES.get(drill.reach or "", "")]
        table.add_row(
            record.record_id,
            record.radio,
            " ".join(what).strip(),
            f"{record.started_at.astimezone():%Y-%m-%d %H:%M:%S}",
            over.ended.replace("_", " ") if over else "",
            str(over.units) if over else "",
            outcomes,
        )
    console = Console()
    if records:
        console.print(table)
    else:
        console.print(nothing, style="dim")


def show_form(form: Form) -> None:
    """Show what one roll-call or drill found about each unit."""
    drilled = any(entry.role is not None for entry in form.entries)
    more = ("role", "arrival", "after", "1-3-5") if drilled else ()
    table = Table(
        "unit", "outcome", "calls", "answer", *more, "present", "points", "words", "why",
        box=None, pad_edge=False,
    )  # fmt: skip
    for entry in form.entries:
        arrival = (
            (entry.role or "", ARRIVALS[entry.arrival], _seconds(entry.arrive_latency_s), grade_of(entry))
            if drilled
            else ()
        )
        table.add_row(
            entry.name,
            OUTCOMES[entry.outcome],
            str(entry.call_count),
            _seconds(entry.answer_latency_s),
            *arrival,
            "" if entry.present is None else str(entry.present),
            f"{entry.score.points:g}/{entry.score.possible:g}" if entry.score else "",
            entry.text,
            "; ".join(problems_of(entry)),
        )
    console = Console()
    console.print(table)
    over = form.record.drill_over
    if over is not None:
        words = {True: "kept", False: "missed", None: "not known"}
        grades = ", ".join(f"{name} {words[kept]}" for name, kept in over.grades_135.items())
        console.print(f"{grades}; {over.linked_units} other units answered", style="dim")


def write_report(
    config: Path,
    record_id: str | None,
    file_format: FileFormat | None,
    output: Path | None,
    day: datetime | None,
    *,
    drills_only: bool = False,
) -> None:
    """Write a report to a file, or as CSV to standard output."""
    if record_id is not None and day is not None:
        raise UsageError("give the id of one or --date for all of a day, not both")
    form = file_format or _format_of(output)
    if output is None and form is FileFormat.XLSX:
        raise UsageError("a workbook is no text for a terminal; name a file with -o FILE.xlsx")
    on_day: date | None = day.date() if day is not None else None
    folder = output.parent if output is not None else Path()
    content = recordroom.write_report(
        config, record_id, form.value, folder, day=on_day, drills_only=drills_only
    )
    if output is None:
        sys.stdout.buffer.write(content)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise BadInput(f"{output}: cannot be written: {error.strerror}") from None
    print(f"{output} written")


def _format_of(output: Path | None) -> FileFormat:
    suffix = output.suffix.lower().removeprefix(".") if output is not None else "csv"
    if suffix == "htm":
        return FileFormat.HTML
    try:
        return FileFormat(suffix)
    except ValueError:
        return FileFormat.CSV


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"
