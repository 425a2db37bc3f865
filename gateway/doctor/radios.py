"""Tries a radio's source, sink and control without keying it."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from drivers.base import (
    AudioSource,
    Device,
    DeviceError,
    DeviceLost,
    DeviceMissing,
    EndOfAudio,
    RadioControl,
)
from drivers.registry import make_control, make_sink, make_source
from gateway.config import DeviceSettings, RadioSettings
from gateway.doctor.finding import Finding
from gateway.squelchkind import SquelchKind

LISTENED_S = 1.0
LONGEST_WAIT_S = 6.0
_ACTIONS: dict[type[DeviceError], str] = {
    DeviceMissing: "plug it in, or take a name that radio-gateway devices shows; a device that the running "
    "gateway holds cannot be opened twice: stop the gateway first",
    DeviceLost: "check the cable and the power of its hub, then try again",
}
_FILES: Final = frozenset({"wavefile", "virtual"})
"""Kinds of device that are files and nothing that is plugged in."""
_FILE_MISSING = "correct the path in the configuration; it is taken from the configuration's folder"
_MISUSED = "correct the configuration, or install what it names"


def examine_radio(settings: RadioSettings, folder: Path) -> Iterator[Finding]:
    """Try the three plugs of one radio. Opening asserts no control line."""
    name = f"radio {settings.id}"
    source, sink, control = settings.source, settings.sink, settings.control
    yield _tried(f"{name} source", source.kind, lambda: _listen(make_source(*_of(source), folder)))
    if sink.kind != "none":
        yield _tried(f"{name} sink", sink.kind, lambda: _open(make_sink(*_of(sink), folder)))
    if control.kind != "none":
        senses = SquelchKind.parse(settings.squelch.kind).senses
        made = partial(make_control, *_of(control), folder)
        yield _tried(f"{name} control", control.kind, lambda: _ask(made(), senses))


def _of(device: DeviceSettings) -> tuple[str, dict[str, Any]]:
    return device.kind, device.options


def _tried(what: str, kind: str, attempt: Callable[[], Finding | str]) -> Finding:
    try:
        found = attempt()
    except DeviceError as error:
        is_file = kind in _FILES and isinstance(error, DeviceMissing)
        action = _FILE_MISSING if is_file else _ACTIONS.get(type(error), _MISUSED)
        return Finding(what, "bad", str(error), action)
    except Exception as error:  # noqa: BLE001 - a third party's driver may let out anything
        return Finding(what, "bad", f"its driver failed: {type(error).__name__}: {error}", "tell its maker")
    return Finding(what, "good", found) if isinstance(found, str) else replace(found, what=what)


def _listen(source: AudioSource) -> Finding | str:
    """Hear a second of it."""
    heard_s = 0.0
    deadline_s = time.monotonic() + LONGEST_WAIT_S
    with source:
        with contextlib.suppress(EndOfAudio):
            while heard_s < LISTENED_S and time.monotonic() < deadline_s:
                frame = source.read(0.5)
                heard_s += frame.duration_s if frame is not None else 0.0
        rate_hz = source.format.rate_hz
    if heard_s == 0.0:
        return Finding(
            "source", "bad", f"opens, but delivers no sound within {LONGEST_WAIT_S:.0f} s",
            "check the cable and that no other program holds the device",
        )  # fmt: skip
    return f"delivers sound at {rate_hz} Hz"


def _open(device: Device) -> str:
    with device:
        return "opens"


def _ask(control: RadioControl, senses: frozenset[str]) -> Finding | str:
    with control:
        identity = control.identify()
        carrier = control.carrier()
        deadline_s = time.monotonic() + LONGEST_WAIT_S
        while carrier is None and senses != {"vox"} and time.monotonic() < deadline_s:
            # A module is asked on a thread of its own; its first answer takes a moment.
            time.sleep(0.1)
            carrier = control.carrier()
    missing: frozenset[str] = frozenset()
    if carrier is None:
        missing = senses - {"vox"}
    elif carrier.rssi_dbm is None:
        missing = senses & {"rssi"}
    if missing:
        return Finding(
            "control", "bad", f"cannot tell {' or '.join(sorted(missing))}, which the squelch goes by",
            "give the control its carrier line, or take another squelch kind",
        )  # fmt: skip
    told = (
        "cannot tell the carrier" if carrier is None else "carrier open" if carrier.is_open else "no carrier"
    )
    strength = "" if carrier is None or carrier.rssi_dbm is None else f", {carrier.rssi_dbm:.0f} dBm"
    return f"{identity or 'opens'}: {told}{strength}"
