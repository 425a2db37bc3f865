"""`radio-gateway drill`: drills (拉动), started here or by command, and what they found."""

import asyncio
import sys
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console

from gateway import recordroom
from gateway.cli.conduct import result_of, run_asking
from gateway.cli.options import ConfigFile
from gateway.cli.records import FileFormat, show_form, show_records, write_report
from gateway.cli.rollcall import Output, ReportFormat
from gateway.publish.ask import Asker
from gateway.watch.screen import printable
from gateway.watch.view import describe

HEARS: Final = ("evt/drill/#", "evt/transmission/#", "evt/incident/#")


class Reach(StrEnum):
    """How far a drill goes: one unit, its neighbours, or several lines."""

    POINT = "point"
    LINE = "line"
    AREA = "area"


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


@app.command()
def start(
    unit_id: str = typer.Argument(help="The unit it is played at, as `units list` shows it."),
    scenario: str = typer.Option(
        "own",
        "--scenario",
        help="gang_theft, street_robbery, gas_leak, lost_child, suicide_jump, or the station's.",
    ),
    config: Path = ConfigFile,
    text: str | None = typer.Option(None, "--text", help="Play this instead of a scenario's words."),
    place: str | None = typer.Option(None, "--place", help="Where it is played [default: the unit's name]."),
    reach: Reach = typer.Option(Reach.LINE, "--reach", help="The unit, its neighbours, or several lines."),
    line: list[str] = typer.Option(
        [], "--line", help="In an area, a unit whose line joins; may be repeated."
    ),
    radio: str | None = typer.Option(None, "--radio", help="Needed where several radios can speak."),
    watch: bool = typer.Option(True, "--watch/--no-watch", help="Show how it goes on until it is over."),
) -> None:
    """Hold a drill (拉动) on the air now and show how it goes."""
    asked: dict[str, Any] = {
        "unit_id": unit_id, "scenario": scenario, "text": text, "place": place, "reach": reach.value,
        "lines": line, "radio": radio, "by": "drill start",
    }  # fmt: skip
    given = {name: value for name, value in asked.items() if value not in (None, [])}

    async def work(asker: Asker) -> None:
        result = result_of(await asker.ask("drill-start", given))
        units = ", ".join(f"{role} {len(ids)}" for role, ids in result["units"].items() if ids)
        print(f"{result['drill_id']} on {result['radio']}: {units}")
        if watch:
            await _follow(asker, result["drill_id"])

    run_asking(config, HEARS if watch else (), work)


@app.command()
def cancel(
    drill_id: str | None = typer.Argument(None, help="Its id or the beginning of it."),
    config: Path = ConfigFile,
) -> None:
    """End a drill before its time; what was not decided stays undecided."""
    given = {"by": "command line", **({"drill_id": drill_id} if drill_id is not None else {})}

    async def work(asker: Asker) -> None:
        result = result_of(await asker.ask("drill-cancel", given))
        print(f"{result['drill_id']} on {result['radio']}: cancelled")

    run_asking(config, (), work)


async def _follow(asker: Asker, drill_id: str) -> None:
    """Print what happens until the drill is over."""
    console = Console(highlight=False)
    try:
        async for received in asker:
            document = received.document or {}
            if received.is_event and _is_of(document, drill_id):
                console.print(describe(printable(document)), soft_wrap=True)
            if document.get("type") == "radiogateway.drill.finished" and _is_of(document, drill_id):
                break
    except asyncio.CancelledError:
        print("the drill goes on; end it with: radio-gateway drill cancel -c FILE", file=sys.stderr)
        raise
    print(f"register: radio-gateway drill report {drill_id} -c FILE")


def _is_of(document: Mapping[str, Any], drill_id: str) -> bool:
    data = document.get("data")
    told = isinstance(data, dict) and data.get("drill_id") == drill_id
    return told or str(document.get("type")).startswith("radiogateway.incident.")
