"""`radio-gateway status`: how the gateway is, for a person: green, amber or red, and what to do."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from gateway.cli.options import ConfigFile
from gateway.config import load_config
from gateway.health import STALE_AFTER_S, read_health
from gateway.store.lock import FolderLock
from gateway.watch.screen import printable

STYLES = {"green": "bold green", "amber": "bold yellow", "red": "bold red"}
MEANING = {
    "green": "all is well; nothing to do",
    "amber": "it works, with faults: do what is said below",
    "red": "it hears nothing: do what is said below",
}
EXIT_DOES_NOT_RUN = 69
NAME_WIDTH = 10
START = "systemctl start radio-gateway, or radio-gateway run -c FILE"
RESTART = "systemctl restart radio-gateway; journalctl -u radio-gateway tells why"


def status(config: Path = ConfigFile) -> None:
    """Show how the gateway is and what to do about it."""
    data_dir = load_config(config).gateway.data_dir
    health = printable(read_health(data_dir))
    now = datetime.now(UTC)
    console = Console(highlight=False)
    absence = absent(health, FolderLock.is_taken(data_dir), now)
    if absence is not None:
        state, words, remedy = absence
        console.print(Text(state, STYLES[state]).append(f"  {words}", ""))
        console.print(f"     do: {remedy}", soft_wrap=True)
        show(((name, words) for name, words in lines(health, now) if name == "events"), console)
        raise typer.Exit(EXIT_DOES_NOT_RUN)
    state = health["state"]
    console.print(Text(state, STYLES[state]).append(f"  {meaning(health)}", "not bold"))
    for fault in health["faults"]:
        since = when(datetime.fromisoformat(fault["since"]), now)
        line = Text("fault".ljust(NAME_WIDTH), "bold red").append(
            f"{fault['what']}, since {since}: {fault['message']}", "not bold default"
        )
        console.print(Padding(line, (0, 0, 0, 2)))
        console.print(Padding(Text(f"do: {fault['action']}"), (0, 0, 0, 2 + NAME_WIDTH)))
    show(lines(health, now), console)


def meaning(health: Mapping[str, Any]) -> str:
    """Return what the state means for a person."""
    state = health["state"]
    if state == "green" and not health["mqtt"]["connected"]:
        return "it hears; the broker is not connected yet, events wait for it"
    if state == "green" and not health["clock"]["synced"]:
        return "it works; only its clock is set by nobody"
    return MEANING[state]


def show(told: Iterable[tuple[str, str]], console: Console) -> None:
    """Print names and what there is to say of each."""
    for name, words in told:
        console.print(Padding(Text(name.ljust(NAME_WIDTH), "dim").append(words, "not dim"), (0, 0, 0, 2)))


def absent(health: Mapping[str, Any], is_taken: bool | None, now: datetime) -> tuple[str, str, str] | None:
    """Return state, words and remedy when the gateway is not there to be asked; None when it is.

    `is_taken` says whether a process works in the folder, None when that cannot be told.
    """
    seen, stopped = datetime.fromisoformat(health["at"]), health.get("stopped_at")
    is_stale = (now - seen).total_seconds() > STALE_AFTER_S
    if is_taken and stopped is not None:
        return "amber", "it is starting", "wait a few seconds and ask again"
    if is_taken and is_stale:
        return "red", f"it runs and has said nothing since {when(seen, now)}", RESTART
    if stopped is not None:
        return "red", f"it does not run; it was stopped {when(datetime.fromisoformat(stopped), now)}", START
    if is_taken is False or is_stale:
        return "red", f"it does not run; last seen {when(seen, now)}", START
    return None


def lines(health: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, str]]:
    """Yield what is told besides the state: a name, and what there is to say of it."""
    yield "running", f"since {when(datetime.fromisoformat(health['started_at']), now)}, {health['version']}"
    for radio_id, radio in health["radios"].items():
        heard = radio.get("last_heard")
        last = f"last heard {when(datetime.fromisoformat(heard), now)}" if heard else "nothing heard yet"
        waiting = f", {radio['waiting']} not understood yet" if radio["waiting"] else ""
        yield "radio", f"{radio_id}: {radio['state']}, {last}{waiting}"
    engine = health["recogniser"]["engine"]
    yield "speech", f"{engine} {health['recogniser']['model']}" if engine else "the model is loading"
    mqtt = health["mqtt"]
    link = f"connected, MQTT {mqtt['protocol']}" if mqtt["connected"] else "not connected"
    yield "broker", f"{link}, since {when(datetime.fromisoformat(mqtt['since']), now)}"
    outbox = health["outbox"]
    aside = f", {outbox['set_aside']} refused (radio-gateway outbox list)" if outbox["set_aside"] else ""
    yield "events", f"{outbox['delivered']} delivered, {outbox['waiting']} wait{aside}"
    if "disk" in health:
        yield "disk", f"{health['disk']['free_bytes'] / 1e9:.1f} GB free"
    if "clock" in health:
        clock = health["clock"]
        yield (
            "clock",
            (
                f"set by {clock['source']}"
                if clock["synced"]
                else "not synchronised; check the network time (NTP)"
            ),
        )


def when(at: datetime, now: datetime) -> str:
    """Word a time for a person, in local time: the hour today, else the day too; and how long ago."""
    local, today = at.astimezone(), now.astimezone().date()
    shown = f"{local:%H:%M:%S}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"
    ago_s = int((now - at).total_seconds())
    for unit, length_s in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if ago_s >= 2 * length_s:
            return f"{shown} ({ago_s // length_s} {unit} ago)"
    return f"{shown} ({max(0, ago_s)} s ago)"
