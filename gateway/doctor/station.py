"""Tries what a station needs besides its radios: registry, disk, model, broker, clock."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gateway.clock import read_sync_state
from gateway.config import Config
from gateway.doctor.finding import Finding
from gateway.errors import GatewayError
from gateway.publish.broker import Broker
from gateway.publish.connection import connect
from gateway.recognise import models
from gateway.recognise.catalogue import CATALOGUE
from gateway.recognise.engines import choose
from gateway.recognise.phonehead import PhoneHead
from gateway.station import read_units_file

LOW_DISK_BYTES = 2_000_000_000
FULL_DISK_BYTES = 200_000_000
_GIGABYTE = 1e9


def examine_station(config: Config) -> Iterator[Finding]:
    """Try everything but the radios, one after the other."""
    yield _units(config.units.csv)
    yield from _disk(config.gateway.data_dir)
    yield from _model(config)
    yield _broker(config)
    yield _clock()


def _units(csv: Path) -> Finding:
    try:
        units, _ = read_units_file(csv)
    except GatewayError as error:
        return Finding("units", "bad", str(error), "correct the file, or [units] csv in the configuration")
    if not units:
        return Finding("units", "bad", f"{csv} holds no unit", "export the registry into it")
    return Finding("units", "good", f"{len(units)} units in {csv}")


def _disk(data_dir: Path) -> Iterator[Finding]:
    # A folder that is not there yet is made by the daemon, below the nearest one that is.
    there = next(folder for folder in (data_dir, *data_dir.parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding(
            "disk", "bad", f"{there} cannot be written by this user",
            f"install -d -o radio-gateway {data_dir}, or run doctor as the user of the service",
        )  # fmt: skip
        return
    try:
        with tempfile.NamedTemporaryFile(dir=there) as draft:
            draft.write(bytes(4096))
            draft.flush()
            os.fsync(draft.fileno())
        free = shutil.disk_usage(there).free
    except OSError as error:
        yield Finding("disk", "bad", f"{there}: {error.strerror}", "mend or free the disk")
        return
    said = f"{free / _GIGABYTE:.1f} GB free in {there}"
    if free < FULL_DISK_BYTES:
        yield Finding("disk", "bad", said, "free disk space: what is heard cannot be kept")
    elif free < LOW_DISK_BYTES:
        yield Finding("disk", "doubtful", said, "free disk space soon")
    else:
        yield Finding("disk", "good", said)


def _model(config: Config) -> Iterator[Finding]:
    settings = config.recognise
    where = models.places(first=settings.models_dir)
    for model in CATALOGUE:
        folder = models.find(model.name, where)
        if folder is None or model.language != settings.language:
            continue
        faults = models.faults_of(model, folder)
        if faults:
            yield Finding(f"model {model.name}", "bad", "; ".join(faults), models.install_command(model.name))
    try:
        recogniser = choose(
            settings.engine, settings.language, settings.models_dir, settings.threads, PhoneHead()
        )
    except GatewayError as error:
        yield Finding("speech model", "bad", str(error), "install it; radio-gateway models list shows which")
        return
    message = f"{recogniser.engine} {recogniser.model} loads"
    recogniser.close()
    yield Finding("speech model", "good", message)


def _broker(config: Config) -> Finding:
    async def visit(broker: Broker) -> str:
        connection = await connect(broker, f"{config.gateway.id}-doctor-{os.getpid()}")
        protocol = "5" if connection.is_v5 else "3.1.1"
        await connection.close()
        return protocol

    try:
        broker = Broker.from_settings(config.mqtt)
        protocol = asyncio.run(visit(broker))
    except GatewayError as error:
        return Finding("broker", "bad", str(error), "start it, or correct [mqtt]; events wait in the outbox")
    return Finding("broker", "good", f"{broker.address} takes the connection, MQTT {protocol}")


def _clock() -> Finding:
    state = read_sync_state()
    if state.synced:
        return Finding("clock", "good", "follows a time source")
    return Finding(
        "clock", "doubtful", "follows no time source, so events may carry wrong times",
        "systemctl enable --now systemd-timesyncd, or an NTP server of the police network",
    )  # fmt: skip
