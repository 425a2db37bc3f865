"""`radio-gateway drill`: drills (拉动), started here or by command, and what they found."""

from datetime import datetime
from pathlib import Path

import typer

from gateway import recordroom
from gateway.cli.options import ConfigFile
from gateway.cli.records import FileFormat, show_form, show_records, write_report
from gateway.cli.rollcall import Output, ReportFormat

app = typer.Typer(name="drill", help="Drills (拉动): point, line and area.", no_args_is_help=True)
DrillId = typer.Argument(
    None, help="As `drill list` shows it; its beginning is enough. The latest one when left out."
)


@app.command("list")
def list_drills(config: Path = ConfigFile) -> None:
    """Show the drills whose events are still kept, oldest first."""
    show_records(
        recordroom.read_all(config, drills_only=True),
        "no drill was held, or their events are no longer kept",
    )


@app.command()
def show(drill_id: str | None = DrillId, config: Path = ConfigFile) -> None:
    """Show what one drill found about each unit, and its 1-3-5 minutes."""
    show_form(recordroom.read_form(config, drill_id, drills_only=True))


@app.command()
def report(
    drill_id: str | None = DrillId,
    config: Path = ConfigFile,
    file_format: FileFormat | None = ReportFormat,
    output: Path | None = Output,
    day: datetime | None = typer.Option(
        None, "--date", formats=["%Y-%m-%d"], help="All drills of this day in one file."
    ),
) -> None:
    """Write the register (登记表): csv, xlsx, or a page to print with charts."""
    write_report(config, drill_id, file_format, output, day, drills_only=True)
