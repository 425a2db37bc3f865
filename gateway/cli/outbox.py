"""`radio-gateway outbox`: what waits to be delivered."""

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from gateway import station
from gateway.cli.options import ConfigFile

app = typer.Typer(name="outbox", help="Events that are not delivered yet.", no_args_is_help=True)


@app.command("list")
def list_outbox(
    config: Path = ConfigFile, limit: int = typer.Option(50, min=1, help="At most this many, oldest first.")
) -> None:
    """Show what waits for the broker, and what was set aside and why."""
    entries = station.read_outbox(config, limit)
    table = Table("sequence", "event", "subject", "since", "state", "tries", "why", box=None, pad_edge=False)
    for entry in entries:
        table.add_row(
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
