"""`radio-gateway outbox`: what waits to be delivered."""

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from gateway import station
from gateway.cli.options import ConfigFile
from gateway.errors import UsageError

app = typer.Typer(name="outbox", help="Events that are not delivered yet.", no_args_is_help=True)


@app.command("list")
def list_outbox(
    config: Path = ConfigFile, limit: int = typer.Option(50, min=1, help="At most this many, oldest first.")
) -> None:
    """Show what waits for the broker, and what was set aside and why."""
    entries = station.read_outbox(config, limit)
    table = Table(
        "position", "sequence", "event", "subject", "since", "state", "tries", "why", box=None, pad_edge=False
    )
    for entry in entries:
        table.add_row(
            str(entry.position),
            str(entry.sequence),
            entry.kind,
            entry.subject,
            f"{entry.enqueued_at.astimezone():%Y-%m-%d %H:%M:%S}",
            entry.state.replace("_", " "),
            str(entry.attempts),
            entry.reason or entry.last_error or "",
        )
    console = Console()
    if entries:
        console.print(table)
    console.print(f"{len(entries)} events wait" if entries else "nothing waits", style="dim")


@app.command()
def retry(
    positions: list[int] | None = typer.Argument(
        None, help="Positions as `outbox list` shows them; all that were set aside when left out."
    ),
    config: Path = ConfigFile,
) -> None:
    """Send events again that were set aside. A running gateway takes them up within seconds."""
    count = station.retry_outbox(config, positions or [])
    print(f"{count} events wait again" if count else "nothing was set aside")


@app.command()
def drop(
    positions: list[int] = typer.Argument(help="Positions as `outbox list` shows them."),
    reason: str = typer.Option(..., "--reason", help="Why; it is published with what was dropped."),
    config: Path = ConfigFile,
) -> None:
    """Give events up for good. An outbox.dropped event tells everybody which numbers will never come."""
    if not reason.strip():
        raise UsageError("--reason is empty; say why these events are given up")
    count = station.drop_from_outbox(config, positions, reason.strip())
    print(f"{count} events dropped")
