"""Everything that reads what others wrote, as functions of bytes that may raise nothing.

Each target hands the bytes to a parser and lets through only what that parser says it raises. For
tools.fuzz and the tests.
"""

import contextlib
import io
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from drivers.atreply import ReplyReader
from drivers.base import AudioDamaged, DeviceMisused, EndOfAudio
from drivers.dmrframe import DmrFrame, DmrFrameReader
from drivers.wavefile import WavefileOptions, WavefileSource
from gateway.config import load_config
from gateway.errors import BadConfig, BadInput
from gateway.publish.commands import Gatekeeper, Order, answer_topic, read_envelope
from gateway.publish.requests import REQUESTS
from gateway.understand.lexicon_file import StationFile, read_yaml
from gateway.understand.registry import parse_units_csv, units_to_csv
from gateway.watch.memory import Memory

MOST_FRAMES = 20_000
_NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
_FOLDER = Path(tempfile.gettempdir())


def at_replies(data: bytes) -> None:
    """What a module on a serial line answers."""
    ReplyReader().feed(data)


def dmr_frames(data: bytes) -> None:
    """Frames of a DMR module; those that were read can be written again."""
    for frame in DmrFrameReader().feed(data):
        assert DmrFrameReader().feed(frame.encode()) == [frame]


def registry_csv(data: bytes) -> None:
    """A registry; one that is good comes back the same from what is exported of it."""
    with contextlib.suppress(BadInput):
        units = parse_units_csv(data, "units.csv")
        assert parse_units_csv(units_to_csv(units).encode(), "again") == units


def config_toml(data: bytes) -> None:
    """A configuration."""
    with tempfile.NamedTemporaryFile(dir=_FOLDER, suffix=".toml") as file:
        file.write(data)
        file.flush()
        with contextlib.suppress(BadConfig):
            load_config(Path(file.name))


def commands(data: bytes) -> None:
    """The payload of each command, and where its answer would go."""
    for name in REQUESTS:
        order = Order(name, data)
        Gatekeeper(frozenset(REQUESTS)).judge(order, _NOW, 0.0)
        answer_topic("rg/v1/a/b/c", order, read_envelope(data))


def recordings(data: bytes) -> None:
    """A WAV or FLAC file, read to its end as a radio reads it."""
    with tempfile.NamedTemporaryFile(dir=_FOLDER, suffix=".wav") as file:
        file.write(data)
        file.flush()
        source = WavefileSource(WavefileOptions(Path(file.name), pace="fast"))
        try:
            source.open()
            for _ in range(MOST_FRAMES):
                source.read(1.0)
        except (DeviceMisused, EndOfAudio, AudioDamaged):
            return
        finally:
            source.close()
        raise AssertionError(f"{len(data)} bytes gave more than {MOST_FRAMES} frames")


def watched_events(data: bytes) -> None:
    """Messages that a dispatcher's memory gets."""
    with Memory() as memory:
        memory.take([data])


def lexicon_yaml(data: bytes) -> None:
    """A station's own words."""
    with contextlib.suppress(BadInput):
        read_yaml(StationFile, data.decode("utf-8", "replace"), "words.yaml")


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        at_replies, dmr_frames, registry_csv, config_toml, commands, recordings, watched_events, lexicon_yaml,
    )
}  # fmt: skip


@cache
def seeds(name: str) -> tuple[bytes, ...]:
    """Good inputs of a target, and some that are nested too deep for a parser that calls itself."""
    return _SEEDS[name]()


def _recordings() -> tuple[bytes, ...]:
    sound = (np.sin(np.arange(1600) / 5) * 8000).astype(np.int16)
    files = []
    for form, subtype in (("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "IMA_ADPCM"), ("FLAC", "PCM_16"),
                          ("OGG", "VORBIS"), ("AIFF", "PCM_16")):  # fmt: skip
        file = io.BytesIO()
        soundfile.write(file, sound, 16_000, format=form, subtype=subtype)
        files.append(file.getvalue())
    return tuple(files)


_UNIT = (
    "unit_id,name,aliases,unit_class,street,lat,lon,duty_headcount,state\n"
    "u1,金穗花园,金穗|花园,C,石牌街道,23.1,113.2,4,active\n"
)
_CONFIG = """
[gateway]
org = "gz"
district = "tianhe"
id = "shipai"
command_post = "指挥中心"
[units]
csv = "units.csv"
[mqtt]
url = "mqtt://127.0.0.1"
[[radio]]
id = "ch1"
source = { kind = "wavefile", path = "x.wav" }
"""
_EVENT = (
    '{"id": "01936c8e-0000-7000-8000-000000000000", "source": "urn:radio-gateway:gz:tianhe:shipai", '
    '"type": "radiogateway.gateway.fault", "sequence": "00000000000000000007", "subject": "x", "data": {}}'
)
_DEEP = 1_500
_SEEDS: Mapping[str, Callable[[], tuple[bytes, ...]]] = {
    "at_replies": lambda: (b"+DMOSETGROUP:0\r\n", b"S=0\r\n", b"RSSI=087\r\n", b"+VERSION:SA818_V4.2\r\n"),
    "dmr_frames": lambda: (DmrFrame(0x01, 0x01, 0x00, b"\x01").encode() * 2,),
    "registry_csv": lambda: (_UNIT.encode(), ("\ufeff" + _UNIT).encode()),
    "config_toml": lambda: (_CONFIG.encode(), b"a = " + b"[" * _DEEP, b"a." * _DEEP + b"b = 1"),
    "commands": lambda: (
        b'{"id": "a", "incident_id": "i", "by": "x", "reply_to": "desk"}',
        b'{"action": "edit", "unit_id": "u1", "lat": 1e999, "sent_at": "2026-11-22T09:00:00Z"}',
        b'{"from_sequence": 1}', b'{"a":' * _DEEP, b"[" * _DEEP,
    ),
    "recordings": _recordings,
    "watched_events": lambda: (_EVENT.encode(), b'{"a":' * _DEEP, b"[" * _DEEP),
    "lexicon_yaml": lambda: (
        b"aliases:\n  - a: [b, c]\n", b"[" * _DEEP, b"&a [*a, *a]",
        b"a: !!python/object x"),
}  # fmt: skip
