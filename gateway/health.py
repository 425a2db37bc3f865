"""How the gateway is: for `state/health`, and in a file beside the database for `radio-gateway status`."""

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway import __version__
from gateway.errors import MissingInput
from gateway.events import ClockReading
from gateway.faults import OpenFault

HEALTH_NAME = "health.json"
WRITTEN_EVERY_S = 5.0
STALE_AFTER_S = 20.0
ROUNDED_TO_BYTES = 8192
"""The file has room to grow where it lies: a disk that has filled since gives none."""


def health_document(
    *,
    at: datetime,
    started_at: datetime,
    radios: Mapping[str, Mapping[str, Any]],
    mqtt: Mapping[str, Any],
    outbox: Mapping[str, Any],
    recogniser: Mapping[str, Any],
    faults: Iterable[OpenFault],
    free_bytes: int,
    clock: ClockReading,
) -> dict[str, Any]:
    """Word the gateway's health: green, amber (it works, with faults) or red (it hears nothing)."""
    open_faults = [
        {"what": one.what, "since": one.since.isoformat(), "message": one.message, "action": one.action}
        for one in faults
    ]
    deaf = bool(radios) and all(radio["state"] == "fault" for radio in radios.values())
    return {
        "state": "red" if deaf else "amber" if open_faults else "green",
        "at": at.isoformat(),
        "started_at": started_at.isoformat(),
        "version": __version__,
        "pid": os.getpid(),
        "radios": dict(radios),
        "mqtt": dict(mqtt),
        "outbox": dict(outbox),
        "recogniser": dict(recogniser),
        "faults": open_faults,
        "disk": {"free_bytes": free_bytes},
        "clock": clock.model_dump(mode="json"),
    }


def write_health(data_dir: Path, document: Mapping[str, Any]) -> None:
    """Put the document where `status` reads it. A disk that refuses is told elsewhere."""
    content = json.dumps(document, ensure_ascii=False).encode()
    content += b" " * (-len(content) % ROUNDED_TO_BYTES)
    path, draft = data_dir / HEALTH_NAME, data_dir / f"{HEALTH_NAME}.tmp"
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        with contextlib.suppress(OSError), path.open("r+b") as file:
            # A full disk still takes what lies where something lay before.
            file.write(content)
            file.truncate()


def write_stopped(data_dir: Path, at: datetime) -> None:
    """Note beside what was written last that the gateway has stopped in good order."""
    with contextlib.suppress(MissingInput):
        write_health(data_dir, {**read_health(data_dir), "stopped_at": at.isoformat()})


def read_health(data_dir: Path) -> dict[str, Any]:
    """Return what the daemon wrote last.

    Raises:
        MissingInput: no daemon ever ran with this data_dir.
    """
    try:
        document: dict[str, Any] = json.loads((data_dir / HEALTH_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise MissingInput(
            f"{data_dir}: no daemon has run here yet; start it with radio-gateway run -c FILE"
        ) from None
    return document
