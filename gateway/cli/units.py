"""`radio-gateway units`: the unit registry, into the database, out of it, and on the screen."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from gateway import station
from gateway.cli.options import ConfigFile
from gateway.errors import BadInput, UsageError
from gateway.understand.confusable import ConfusablePair

SHOWN_AT_IMPORT = 0.05
MOST_AT_IMPORT = 10


class State(StrEnum):
    """Whether a unit takes part."""

    ACTIVE = "active"
    HOLIDAY = "holiday"
    DISABLED = "disabled"


STATES_IN_CHINESE = {"启用": State.ACTIVE, "放假": State.HOLIDAY, "停用": State.DISABLED}

app = typer.Typer(name="units", help="The registry of minimum emergency units.", no_args_is_help=True)


@app.command("import")
def import_units(
    file: Path = typer.Argument(help="CSV in the contract's format, UTF-8."), config: Path = ConfigFile
) -> None:
    """Replace the registry by a CSV file; with any fault in the file nothing is changed."""
    count = station.import_units(config, file)
    print(f"{count} units imported from {file}")
    if pairs := station.confusable_units(config, SHOWN_AT_IMPORT):
        console = Console(highlight=False, stderr=True)
        console.print(_pairs_table(pairs[:MOST_AT_IMPORT]))
        more = "; radio-gateway units confusable lists them all" if len(pairs) > MOST_AT_IMPORT else ""
        console.print(_in_words(len(pairs)) + more, style="yellow")


@app.command("export")
def export_units(
    file: Path | None = typer.Argument(None, help="Where to write; standard output when left out."),
    config: Path = ConfigFile,
) -> None:
    """Write the registry as CSV."""
    text = station.export_units(config)
    if file is None:
        print(text, end="")
    else:
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise BadInput(f"{file}: cannot be written: {error.strerror}") from None


@app.command("list")
def list_units(
    contains: str = typer.Argument("", help="Only units whose id, name, alias or street holds this."),
    config: Path = ConfigFile,
) -> None:
    """Show the registry."""
    units = [
        unit
        for unit in station.read_units(config)
        if contains in " ".join((unit.unit_id, unit.name, *unit.aliases, unit.street))
    ]
    table = Table("id", "name", "class", "street", "on duty", "state", "callsign", box=None, pad_edge=False)
    for unit in units:
        table.add_row(
            unit.unit_id,
            unit.name,
            unit.unit_class,
            unit.street,
            "" if unit.duty_headcount is None else str(unit.duty_headcount),
            unit.state,
            unit.callsign,
        )
    console = Console()
    console.print(table)
    console.print(f"{len(units)} units", style="dim")


@app.command("set-state")
def set_state(
    unit_id: str = typer.Argument(help="A unit's id, as `units list` shows it."),
    state: str = typer.Argument(help="active, holiday, disabled; or 启用, 放假, 停用."),
    config: Path = ConfigFile,
) -> None:
    """Put a unit on holiday, disable it, or make it active. A running gateway notices within seconds."""
    wanted = STATES_IN_CHINESE.get(state, state)
    if wanted not in set(State):
        words = ", ".join([*State, *STATES_IN_CHINESE])
        raise UsageError(f"{state!r} is no state of a unit; it is one of {words}")
    station.set_unit_state(config, unit_id, State(wanted).value)
    print(f"{unit_id} is {wanted}")


@app.command("confusable")
def list_confusable(
    config: Path = ConfigFile,
    least: float = typer.Option(
        0.05, min=0.001, max=1.0, help="In which share of noisy calls (12 dB) they are not told apart."
    ),
) -> None:
    """List names taken for one another on a noisy channel, with an alias or callsign to part them."""
    pairs = station.confusable_units(config, least)
    console = Console(highlight=False)
    if pairs:
        console.print(_pairs_table(pairs))
    console.print(_in_words(len(pairs)), style="dim")


def _pairs_table(pairs: Sequence[ConfusablePair]) -> Table:
    table = Table("fails", "id", "name", "id", "name", "what would help", box=None, pad_edge=False)
    for pair in pairs:
        row = (pair.unit_id, pair.name, pair.other_id, pair.other_name, pair.advice)
        table.add_row(f"{pair.fails:.0%}", *row)
    return table


def _in_words(count: int) -> str:
    if not count:
        return "every two names are told apart on a noisy channel (12 dB)"
    return f"{count} {'pair is' if count == 1 else 'pairs are'} not told apart on a noisy channel (12 dB)"
