"""`radio-gateway run`, `check` and `status`."""

import asyncio
import os
import signal
import sys
import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from drivers.registry import SEAMS, check_options
from gateway.app import Daemon
from gateway.cli.options import ConfigFile
from gateway.config import Config, fault_line, load_config
from gateway.errors import BadConfig
from gateway.health import STALE_AFTER_S, read_health
from gateway.log import configure_log
from gateway.publish.broker import Broker

EXIT_HUNG = 70
"""An internal failure, as sysexits.h has it: a decode hung when the gateway stopped."""
STYLES = {"green": "bold green", "amber": "bold yellow", "red": "bold red"}


def run(
    config: Path = ConfigFile,
    exit_when_idle: bool = typer.Option(
        False, "--exit-when-idle", help="End when every source has ended and every event is delivered."
    ),
) -> None:
    """Run the gateway."""
    settings = checked(config)
    configure_log(settings.log.level, json_lines=settings.log.json_lines)
    daemon = Daemon(settings)
    try:
        asyncio.run(_run(daemon, exit_when_idle=exit_when_idle))
    finally:
        if daemon.hangs:
            # The interpreter would wait for the hung decode for ever; everything is stored and closed.
            os._exit(EXIT_HUNG)


async def _run(daemon: Daemon, *, exit_when_idle: bool) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        loop.add_signal_handler(number, daemon.ask_to_stop)
    try:
        await daemon.start()
        await daemon.wait(exit_when_idle=exit_when_idle)
    finally:
        await daemon.stop()


def check(config: Path = ConfigFile) -> None:
    """Read the configuration and name every fault; opens nothing."""
    settings = checked(config)
    csv = settings.units.csv
    if not csv.exists():
        print(f"{config}:units.csv: {csv} is not there yet; the gateway needs it to start", file=sys.stderr)
    print(f"{config}: good")


def checked(path: Path) -> Config:
    """Read the configuration and the drivers' own keys in it.

    Raises:
        BadConfig: with every fault.
    """
    try:
        config = load_config(path)
    except BadConfig as error:
        raise BadConfig([*error.faults, *_driver_faults(path, _radios_as_written(path))]) from None
    faults = []
    try:
        Broker.from_settings(config.mqtt)
    except BadConfig as error:
        faults += [f"{path}:{fault}" for fault in error.faults]
    radios = [radio.model_dump(include={"id", *SEAMS}) for radio in config.radio]
    faults += _driver_faults(path, radios)
    if faults:
        raise BadConfig(faults)
    return config


def _driver_faults(path: Path, radios: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the faults in the drivers' own keys, of each radio's source, sink and control."""
    found = []
    for number, radio in enumerate(radios, start=1):
        for seam in SEAMS:
            device = radio.get(seam)
            if not isinstance(device, dict) or not isinstance(device.get("kind"), str):
                continue
            options = {key: value for key, value in device.items() if key != "kind"}
            found += [
                fault_line(path, f"radio[{radio.get('id', number)}].{seam}.{key}", message)
                for key, message in check_options(seam, device["kind"], options)
            ]
    return found


def _radios_as_written(path: Path) -> list[Mapping[str, Any]]:
    """Return the radios of a file that has faults elsewhere; none when it is not even TOML."""
    try:
        radios = tomllib.loads(path.read_text(encoding="utf-8")).get("radio", [])
    except (OSError, ValueError):
        return []
    return [radio for radio in radios if isinstance(radio, dict)] if isinstance(radios, list) else []


def status(config: Path = ConfigFile) -> None:
    """Show how the gateway is and what to do about it."""
    health = read_health(load_config(config).gateway.data_dir)
    console = Console()
    age_s = (datetime.now(UTC) - datetime.fromisoformat(health["at"])).total_seconds()
    if age_s > STALE_AFTER_S:
        console.print(f"[bold red]red[/]  the gateway does not run; it was last seen {health['at']}")
        console.print("      start it: systemctl start radio-gateway, or radio-gateway run -c FILE")
        raise typer.Exit(69)
    console.print(f"[{STYLES[health['state']]}]{health['state']}[/]  running since {health['started_at']}")
    engine = health["recogniser"]["engine"]
    console.print(f"  speech   {engine} {health['recogniser']['model']}" if engine else "  speech   loading")
    mqtt = health["mqtt"]
    link = f"connected, MQTT {mqtt['protocol']}" if mqtt["connected"] else "not connected"
    console.print(f"  broker   {link} since {mqtt['since']}")
    counts = "{waiting} wait, {set_aside} set aside, {delivered} delivered".format_map(health["outbox"])
    console.print(f"  outbox   {counts}")
    for radio_id, radio in health["radios"].items():
        console.print(
            f"  radio    {radio_id}: {radio['state']} since {radio['since']}, {radio['waiting']} waiting"
        )
    for fault in health["faults"]:
        console.print(f"  [bold red]fault[/]    {fault['what']}: {fault['message']} (since {fault['since']})")
        console.print(f"           do: {fault['action']}")
