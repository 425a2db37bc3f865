"""`radio-gateway cap`: an incident as a CAP 1.2 alert, for systems that speak that."""

import sys
from pathlib import Path
from typing import Final

import typer

from gateway import station
from gateway.errors import BadInput, MissingInput, UsageError
from gateway.watch.cap import cap_alert, with_state
from gateway.watch.document import Event
from gateway.watch.memory import Memory

_NOT_AT_A_STATION: Final = "a station has those of its own radios, as long as keep_events_days says"
_NOT_IN_A_WATCH: Final = (
    "a watch has those that were open when it began and those told while it ran; "
    "-c FILE at the station has them all"
)


def cap(
    incident_id: str = typer.Argument(help="An incident's id, or the beginning of it."),
    config: Path | None = typer.Option(None, "-c", "--config", help="The station's configuration (TOML)."),
    state: Path | None = typer.Option(None, "--state", help="The file of a watch, instead of a station."),
    out: Path | None = typer.Option(None, "--out", help="Where to write; standard output when left out."),
) -> None:
    """Write an incident's last state as a Common Alerting Protocol 1.2 alert, with what it refers to."""
    if (config is None) == (state is None):
        raise UsageError("say where the incident is: -c FILE for a station, or --state FILE for a watch")
    position = None
    if config is not None:
        events, position = station.incident_events(config, incident_id)
    else:
        assert state is not None
        events = _remembered(state, incident_id)
    if not events:
        there = _NOT_AT_A_STATION if config is not None else _NOT_IN_A_WATCH
        raise UsageError(f"no incident {incident_id!r} is kept here; {there}")
    if len({event["subject"] for event in events}) > 1:
        raise UsageError(f"more than one incident begins with {incident_id}; write more of it")
    xml = cap_alert(events, position)
    if out is None:
        sys.stdout.write(xml.decode() + "\n")
        return
    try:
        out.write_bytes(xml)
    except OSError as error:
        raise BadInput(f"{out}: cannot be written: {error.strerror}") from None


def _remembered(state: Path, incident_id: str) -> list[Event]:
    if not state.is_file():
        raise MissingInput(f"{state}: no such file; it is what `radio-gateway watch --state` writes")
    with Memory(state) as memory:
        found = memory.snapshot("incident", incident_id)
        if len(found) > 1:
            raise UsageError(f"more than one incident begins with {incident_id}; write more of it")
        return [event for source, key, last in found for event in with_state(memory.about(key), source, last)]
