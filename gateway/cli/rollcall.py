"""`radio-gateway rollcall`: what roll-calls found, their reports, and a person's review of an answer."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import cast

import typer
from rich.console import Console
from rich.table import Table

from gateway import recordroom
from gateway.cli import conduct
from gateway.cli.options import ConfigFile
from gateway.cli.records import FileFormat, show_form, show_records, write_report
from gateway.errors import UsageError
from gateway.events import DrillArrival, RollcallOutcome
from gateway.rollcall.index import index_csv_rows
from gateway.rollcall.review import REVIEW_ARRIVALS, REVIEW_OUTCOMES, Finding

app = typer.Typer(
    name="rollcall", help="Roll-calls (点名): hold one, and see what they found.", no_args_is_help=True
)
for command in (conduct.start, conduct.cancel, conduct.pause, conduct.resume):
    app.command()(command)
RollcallId = typer.Argument(
    None, help="As `rollcall list` shows it; its beginning is enough. The latest one when left out."
)
Output = typer.Option(None, "-o", "--output", help="Write here [default: stdout].")
ReportFormat = typer.Option(None, "--format", help="[default: by the file's name; csv on stdout]")
Outcome = StrEnum("Outcome", {name: name for name in REVIEW_OUTCOMES})  # type: ignore[misc]
Arrival = StrEnum("Arrival", {name: name for name in REVIEW_ARRIVALS})  # type: ignore[misc]


@app.command("list")
def list_rollcalls(config: Path = ConfigFile) -> None:
    """Show the roll-calls and drills whose events are still kept, oldest first."""
    show_records(
        recordroom.read_all(config), "no roll-call was held or followed, or their events are no longer kept"
    )


@app.command()
def show(rollcall_id: str | None = RollcallId, config: Path = ConfigFile) -> None:
    """Show what one roll-call found about each unit."""
    show_form(recordroom.read_form(config, rollcall_id))


@app.command()
def report(
    rollcall_id: str | None = RollcallId,
    config: Path = ConfigFile,
    file_format: FileFormat | None = ReportFormat,
    output: Path | None = Output,
    day: datetime | None = typer.Option(
        None, "--date", formats=["%Y-%m-%d"], help="All of this day in one file."
    ),
) -> None:
    """Write the register (登记表): csv, xlsx, or a page to print with charts."""
    write_report(config, rollcall_id, file_format, output, day)


@app.command()
def review(
    rollcall_id: str = typer.Argument(help="As `rollcall list` shows it; its beginning is enough."),
    unit: str = typer.Argument(help="The unit's id or name."),
    config: Path = ConfigFile,
    by: str = typer.Option(..., "--by", help="Who listened to it."),
    outcome: Outcome | None = typer.Option(None, "--outcome", help="What it was."),
    headcount: int | None = typer.Option(None, "--headcount", min=0, max=9999, help="How many it reported."),
    arrival: Arrival | None = typer.Option(None, "--arrival", help="In a drill, whether it was there."),
    note: str = typer.Option("", "--note", help="Anything more, for the record."),
) -> None:
    """Say what an answer was after listening to it; published as a higher revision, with the trace."""
    if not by.strip():
        raise UsageError("--by is empty; say who reviewed it")
    finding = Finding(
        by=by.strip()[:40],
        outcome=cast("RollcallOutcome | None", outcome and outcome.value),
        present=headcount,
        arrival=cast("DrillArrival | None", arrival and arrival.value),
        note=note.strip()[:200],
    )
    recordroom.review(config, rollcall_id, unit, finding)
    print(f"{unit} reviewed; see radio-gateway rollcall show {rollcall_id}")


@app.command()
def index(
    config: Path = ConfigFile,
    since: datetime = typer.Option(..., "--from", formats=["%Y-%m-%d"], help="First day."),
    until: datetime = typer.Option(..., "--to", formats=["%Y-%m-%d"], help="Last day, included."),
    street: list[str] | None = typer.Option(
        None, "--street", help="Only this sub-district; may be repeated."
    ),
) -> None:
    """Show the response index (群防群治指数's answering part) by street over some days."""
    rows = index_csv_rows(recordroom.index_between(config, since.date(), until.date(), tuple(street or ())))
    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    Console().print(table)
