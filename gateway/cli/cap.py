"""`radio-gateway cap`: an incident as a CAP 1.2 alert, for systems that speak that."""

import sys
from pathlib import Path

import typer

from gateway import station
from gateway.errors import BadInput, MissingInput, UsageError
from gateway.watch.cap import cap_alert
from gateway.watch.document import Event
from gateway.watch.memory import Memory


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
        raise UsageError(f"no incident {incident_id!r} is kept here")
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
        return [event for _, key, _ in found for event in memory.about(key)]
