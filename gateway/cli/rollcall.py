"""`radio-gateway rollcall`: what roll-calls found."""

import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from gateway import station
from gateway.cli.options import ConfigFile
from gateway.errors import BadInput
from gateway.rollcall.report import KINDS, OUTCOMES

app = typer.Typer(name="rollcall", help="Roll-calls (点名) that this station followed.", no_args_is_help=True)
RollcallId = typer.Argument(
    None, help="As `rollcall list` shows it; its beginning is enough. The latest one when left out."
)


@app.command("list")
def list_rollcalls(config: Path = ConfigFile) -> None:
    """Show the roll-calls whose events are still kept, oldest first."""
    records = station.read_rollcalls(config)
    table = Table(
        "roll-call", "radio", "kind", "began", "ended", "units", "outcomes", box=None, pad_edge=False
    )
    for record in records:
        over = record.finished
        outcomes = ", ".join(f"{OUTCOMES[o]} {n}" for o, n in over.outcomes.items()) if over else "goes on"
        table.add_row(
            record.started.rollcall_id,
            record.started.radio,
            KINDS[record.started.kind],
            f"{record.started.started_at.astimezone():%Y-%m-%d %H:%M:%S}",
            over.ended.replace("_", " ") if over else "",
            str(over.units) if over else "",
            outcomes,
        )
    console = Console()
    if records:
        console.print(table)
    else:
        console.print("no roll-call was followed, or their events are no longer kept", style="dim")


@app.command()
def show(rollcall_id: str | None = RollcallId, config: Path = ConfigFile) -> None:
    """Show what one roll-call found about each unit."""
    record = station.read_rollcall(config, rollcall_id)
    table = Table(
        "unit", "outcome", "calls", "answer", "present", "words", "why", box=None, pad_edge=False
    )  # fmt: skip
    for item in record.items:
        table.add_row(
            item.unit_name or item.unit_id,
            OUTCOMES[item.outcome],
            str(item.call_count),
            "" if item.answer_latency_s is None else f"{item.answer_latency_s:.1f} s",
            "" if item.headcount.present is None else str(item.headcount.present),
            item.text,
            ", ".join((*item.reasons, *item.review.reasons)),
        )
    Console().print(table)


@app.command()
def report(
    rollcall_id: str | None = RollcallId,
    config: Path = ConfigFile,
    output: Path | None = typer.Option(None, "-o", "--output", help="Write here [default: stdout]."),
) -> None:
    """Write the register (登记表) of one roll-call as CSV."""
    text = station.rollcall_register(config, rollcall_id)
    if output is None:
        sys.stdout.buffer.write(text.encode())
        return
    try:
        output.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise BadInput(f"{output}: cannot be written: {error.strerror}") from None
    print(f"{output} written")
