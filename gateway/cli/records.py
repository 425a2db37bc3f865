"""What `rollcall` and `drill` share: showing records and writing their reports."""

import sys
from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from gateway import recordroom
from gateway.errors import BadInput, UsageError
from gateway.reviewwords import CodeNames
from gateway.rollcall.record import Entry, Record
from gateway.rollcall.report import (
    ARRIVALS,
    ENDS,
    GRADES,
    KINDS,
    OUTCOMES,
    REACHES,
    ROLES,
    Form,
    grade_of,
    problems_of,
)


class FileFormat(StrEnum):
    """What a report is written as."""

    XLSX = "xlsx"
    CSV = "csv"
    HTML = "html"


def show_records(records: Sequence[Record], nothing: str) -> None:
    """List roll-calls and drills, oldest first, in the words of the register."""
    console = Console()
    # its beginning names it as well, and leaves a narrow terminal room for the rest
    shown = 13 if console.is_terminal and console.width < _WIDE else None
    table = _table("编号", "电台", "类型", "开始", "结束", "单元数", "结果")
    for record in records:
        over = record.over
        counts = over.outcomes.items() if over else ()
        outcomes = ", ".join(f"{OUTCOMES[outcome]} {number}" for outcome, number in counts)
        drill = record.drill
        what = [KINDS[record.kind]]
        if drill is not None and drill.scenario.label:
            what += [drill.scenario.label, REACHES.get(drill.reach or "", "")]
        table.add_row(
            record.record_id[:shown],
            record.radio,
            " ".join(what).strip(),
            f"{record.started_at.astimezone():%Y-%m-%d %H:%M:%S}",
            ENDS[over.ended] if over else "",
            str(over.units) if over else "",
            outcomes if over else OUTCOMES[None],
        )
    if records:
        console.print(table)
    else:
        console.print(nothing, style="dim")


def show_form(form: Form) -> None:
    """Show what one roll-call or drill found about each unit, in the words of the register.

    Columns in which nothing stands are left out, so that the others have room.
    """
    cells = [_cells(entry, form.names) for entry in form.entries]
    names = [name for name in _CELLS if any(one[name] for one in cells)]
    table = _table(*names)
    for one in cells:
        table.add_row(*(one[name] for name in names))
    console = Console()
    console.print(table)
    over = form.record.drill_over
    if over is not None:
        words = {True: "达标", False: "未达标", None: "未判定"}
        grades = "  ".join(f"{name} {words[over.grades_135.get(key)]}" for key, name in GRADES)
        console.print(f"{grades}  联动应答单元 {over.linked_units}", style="dim")


_WIDE: Final = 120
_CELLS: Final = (
    "单元", "结果", "呼叫", "应答用时", "角色", "到场", "到场用时", "1-3-5", "在岗",
    "得分", "原话", "存在问题",
)  # fmt: skip


def _cells(entry: Entry, names: CodeNames) -> dict[str, str]:
    drilled = entry.role is not None
    return dict(
        zip(
            _CELLS,
            (
                entry.name,
                OUTCOMES[entry.outcome],
                str(entry.call_count),
                _seconds(entry.answer_latency_s),
                ROLES[entry.role] if entry.role is not None else "",
                ARRIVALS[entry.arrival] if drilled else "",
                _seconds(entry.arrive_latency_s) if drilled else "",
                grade_of(entry) if drilled else "",
                "" if entry.present is None else str(entry.present),
                f"{entry.score.points:g}/{entry.score.possible:g}" if entry.score else "",
                entry.text,
                "; ".join(problems_of(entry, names)),
            ),
            strict=True,
        )
    )


def _table(*names: str) -> Table:
    """Columns that fold where the terminal is narrow; nothing is cut off."""
    table = Table(box=None, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name == names[0])
    return table


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
    """Return what the file's name asks for. Raises UsageError when that is none of the formats."""
    suffix = output.suffix.lower().removeprefix(".") if output is not None else "csv"
    if suffix == "htm":
        return FileFormat.HTML
    try:
        return FileFormat(suffix)
    except ValueError:
        formats = ", ".join(FileFormat)
        raise UsageError(f"{output}: a report is one of {formats}; say which with --format") from None


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"
