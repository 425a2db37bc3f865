"""`radio-gateway run` and `check`."""

import asyncio
import os
import signal
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import typer

from drivers.registry import SEAMS, check_options
from gateway.app import Daemon
from gateway.cli.options import ConfigFile
from gateway.config import Config, load_config
from gateway.configfaults import fault_line
from gateway.errors import BadConfig
from gateway.knowledge import read_lexicon
from gateway.log import configure_log
from gateway.publish.broker import Broker

EXIT_HUNG = 70
"""An internal failure, as sysexits.h has it: a decode hung when the gateway stopped."""


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
    """Read the configuration and the station's own words and name every fault; opens nothing."""
    settings = checked(config)
    read_lexicon(settings.understand.lexicon)
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
