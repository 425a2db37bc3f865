"""`radio-gateway hold`: incidents, roll-calls and drills of which nothing must be deleted."""

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from gateway import station
from gateway.cli.options import ConfigFile

app = typer.Typer(
    name="hold", help="Incidents, roll-calls and drills that are kept until released.", no_args_is_help=True
)


@app.command("set")
def set_hold(
    incident_id: str = typer.Argument(help="The incident, roll-call or drill, as its events name it."),
    reason: str = typer.Option(..., "--reason", help="Why, and who asked for it."),
    by: str = typer.Option("station", "--by", help="Who orders it."),
    config: Path = ConfigFile,
) -> None:
    """Keep everything of an incident, roll-call or drill, whatever its age and however full the disk."""
    done = station.hold_incident(config, incident_id, reason, by)
    print(f"{incident_id} is on hold" if done else f"{incident_id} was on hold already")


@app.command()
def release(
    incident_id: str = typer.Argument(help="The incident, as `hold list` shows it."),
    config: Path = ConfigFile,
) -> None:
    """Let it go when its time comes."""
    station.release_incident(config, incident_id)
    print(f"{incident_id} is released")


@app.command("list")
def list_holds(config: Path = ConfigFile) -> None:
    """Show what is on hold."""
    holds = station.read_holds(config)
    table = Table("incident", "since", "by", "reason", box=None, pad_edge=False)
    for hold in holds:
        table.add_row(hold.incident_id, f"{hold.since.astimezone():%Y-%m-%d %H:%M}", hold.by, hold.reason)
    console = Console()
    if holds:
        console.print(table)
    else:
        console.print("nothing is on hold", style="dim")


@app.command()
def deletions(
    config: Path = ConfigFile, limit: int = typer.Option(50, min=1, help="At most this many, newest first.")
) -> None:
    """Show which audio was deleted, when and why."""
    gone = station.read_deletions(config, limit)
    table = Table("deleted at", "transmission", "bytes", "sha-256", "why", box=None, pad_edge=False)
    for one in gone:
        table.add_row(
            f"{one.at.astimezone():%Y-%m-%d %H:%M:%S}",
            one.transmission_id,
            str(one.size_bytes),
            one.sha256[:12],
            one.reason,
        )
    console = Console()
    if gone:
        console.print(table)
    else:
        console.print("nothing was deleted", style="dim")
