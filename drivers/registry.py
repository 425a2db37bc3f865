"""Which drivers there are, and how one is made from a line of the configuration.

The tables name modules instead of importing them, so that a machine without a sound library can still read
files. Somebody else's package adds a driver through an entry point of the group `radio_gateway.drivers` named
`source.KIND`, `sink.KIND` or `control.KIND` that leads to a class.

A driver class has an attribute `Options`, a frozen dataclass whose fields are the configuration's keys: their
types and defaults are what is checked here, before any device is touched. It may have a method `faults() ->
list[tuple[key, message]]` for what a type cannot say. The class is made with an Options object as its only
argument.
"""

import dataclasses
import difflib
import importlib
import types
import typing
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal, cast

from drivers.base import AudioSink, AudioSource, Device, DeviceMisused, RadioControl

Seam = Literal["source", "sink", "control"]

SOURCES = {
    "soundcard": ("drivers.soundcard", "SoundcardSource"),
    "udp": ("drivers.udp", "UdpSource"),
    "wavefile": ("drivers.wavefile", "WavefileSource"),
    "virtual": ("drivers.virtual", "VirtualSource"),
}
SINKS = {
    "soundcard": ("drivers.soundcard", "SoundcardSink"),
    "none": ("drivers.none", "NoneSink"),
    "wavefile": ("drivers.wavefile", "WavefileSink"),
    "virtual": ("drivers.virtual", "VirtualSink"),
}
CONTROLS = {
    "cm108": ("drivers.cm108", "Cm108Control"),
    "dmr858": ("drivers.dmr858", "Dmr858Control"),
    "gpio": ("drivers.gpio", "GpioControl"),
    "none": ("drivers.none", "NoneControl"),
    "rigctld": ("drivers.rigctld", "RigctldControl"),
    "sa818": ("drivers.sa818", "Sa818Control"),
    "serialline": ("drivers.serialline", "SerialLineControl"),
    "virtual": ("drivers.virtual", "VirtualControl"),
}
SEAMS: dict[Seam, dict[str, tuple[str, str]]] = {"source": SOURCES, "sink": SINKS, "control": CONTROLS}

ENTRY_POINT_GROUP = "radio_gateway.drivers"

Fault = tuple[str, str]
"""The key at fault and a sentence about it."""

_TYPE_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}


def kinds(seam: Seam) -> tuple[str, ...]:
    """Return the names of the drivers for one seam, shipped and installed, sorted."""
    return tuple(sorted({*SEAMS[seam], *_installed(seam)}))


def check_options(seam: Seam, kind: str, options: Mapping[str, Any]) -> list[Fault]:
    """Return every fault of one device's configuration, none when it is good. Opens no device, no file."""
    try:
        device = _find(seam, kind)
    except DeviceMisused as error:
        return [("kind", str(error))]
    return _read(device, options, Path())[1]


def make_source(kind: str, options: Mapping[str, Any], base_dir: Path) -> AudioSource:
    """Make a source, not yet open. Relative paths in `options` are taken from `base_dir`.

    Raises DeviceMisused, naming every fault that `check_options` finds.
    """
    return cast("AudioSource", _make("source", kind, options, base_dir))


def make_sink(kind: str, options: Mapping[str, Any], base_dir: Path) -> AudioSink:
    """Make a sink, as make_source does."""
    return cast("AudioSink", _make("sink", kind, options, base_dir))


def make_control(kind: str, options: Mapping[str, Any], base_dir: Path) -> RadioControl:
    """Make a control, as make_source does."""
    return cast("RadioControl", _make("control", kind, options, base_dir))


def _make(seam: Seam, kind: str, options: Mapping[str, Any], base_dir: Path) -> Device:
    device = _find(seam, kind)
    values, faults = _read(device, options, base_dir)
    if faults:
        raise DeviceMisused(f"{seam} {kind}: " + "; ".join(f"{key}: {message}" for key, message in faults))
    return cast("Device", device(device.Options(**values)))


def _installed(seam: Seam) -> dict[str, EntryPoint]:
    prefix = f"{seam}."
    found = entry_points(group=ENTRY_POINT_GROUP)
    return {point.name.removeprefix(prefix): point for point in found if point.name.startswith(prefix)}


def _find(seam: Seam, kind: str) -> Any:
    """Return the driver's class. Raises DeviceMisused when there is none, or its library is not installed."""
    shipped = SEAMS[seam].get(kind)
    point = None if shipped else _installed(seam).get(kind)
    if shipped is None and point is None:
        raise DeviceMisused(f"there is no {seam} {kind!r}{_did_you_mean(kind, kinds(seam), 'the kinds are')}")
    try:
        if shipped is not None:
            return getattr(importlib.import_module(shipped[0]), shipped[1])
        return cast("EntryPoint", point).load()
    except (ImportError, AttributeError, OSError) as error:
        raise DeviceMisused(f"the driver of {seam} {kind!r} cannot be loaded: {error}") from error


def _read(device: Any, options: Mapping[str, Any], base_dir: Path) -> tuple[dict[str, Any], list[Fault]]:
    """Turn configuration values into those of the driver's Options; also return every fault."""
    fields = {field.name: field for field in dataclasses.fields(device.Options)}
    hints = typing.get_type_hints(device.Options)
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for key, value in options.items():
        if key not in fields:
            faults.append((key, f"is not a key of this driver{_did_you_mean(key, fields, 'it has')}"))
            continue
        try:
            values[key] = _convert(value, hints[key], base_dir)
        except ValueError as error:
            faults.append((key, str(error)))
    for name, field in fields.items():
        is_required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if is_required and name not in options:
            faults.append((name, "is missing"))
    if not faults and hasattr(device.Options, "faults"):
        faults += device.Options(**values).faults()
    return values, faults


def _convert(value: Any, wanted: Any, base_dir: Path) -> Any:
    """Check one value against a field's type. Raises ValueError with a sentence for people."""
    choices = typing.get_args(wanted)
    if typing.get_origin(wanted) is Literal:
        if value not in choices:
            raise ValueError(f"is {value!r}, must be {' or '.join(repr(choice) for choice in choices)}")
        return value
    if isinstance(wanted, types.UnionType):
        (wanted,) = (choice for choice in choices if choice is not types.NoneType)
        return _convert(value, wanted, base_dir)
    if wanted is Path and isinstance(value, str | Path) and str(value):
        return base_dir / value
    # TOML's true is no number, and a whole number is good where a fraction is wanted.
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise ValueError(f"is {value!r}, must be {_TYPE_NAMES.get(wanted, wanted)}")
    return value


def _did_you_mean(word: str, known: typing.Iterable[str], introduction: str) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    guess = f"; did you mean {close[0]!r}?" if close else ";"
    return f"{guess} {introduction} {', '.join(names) or 'none'}"
