import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from gateway.events import TYPE_PREFIX
from gateway.publish.asyncapi import event_schema
from tests.support import jsonschema_check
from tests.support.mosquitto import Mosquitto
from tools.channel import RATE_HZ, Channel, conversation, transmit

DATA = Path(__file__).parents[1] / "data"
UNITS = DATA / "units.csv"
COMMAND = Path(sys.executable).with_name("radio-gateway")
REPORT = ("scripted-jump-1", "scripted-jump-2", "scripted-jump-3", "scripted-jump-4")

Event = dict[str, Any]


def on_the_air(names: tuple[str, ...], snr_db: float | None = 30.0, seed: int = 0) -> np.ndarray:
    """Join calls into one radio's audio, mono at 16 kHz."""
    calls = [
        transmit(
            soundfile.read(DATA / "calls" / f"{name}.flac", dtype="float32")[0],
            Channel(snr_db=snr_db),
            seed + i,
        )
        for i, name in enumerate(names)
    ]
    return conversation(calls, seed)[0]


def write_station(folder: Path, recording: Path, port: int, extra: str = "") -> Path:
    config = folder / "station.toml"
    config.write_text(
        f"""
[gateway]
org = "gz"
district = "tianhe"
id = "shipai"
command_post = "指挥中心"
data_dir = "{folder / "data"}"
[units]
csv = "{UNITS}"
[mqtt]
url = "mqtt://127.0.0.1:{port}"
[recognise]
engine = "whisper"
[[radio]]
id = "ch1"
source = {{ kind = "wavefile", path = "{recording}", pace = "fast" }}
{extra}
""",
        encoding="utf-8",
    )
    return config


@pytest.fixture(scope="session")
def report_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The four lines of the founding report on one radio."""
    path = tmp_path_factory.mktemp("air") / "ch7.wav"
    soundfile.write(path, on_the_air(REPORT), RATE_HZ)
    return path


@pytest.fixture
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run radio-gateway as a user does."""

    def run(*arguments: object, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(COMMAND), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env={**os.environ, "COLUMNS": "200"},
        )

    return run


class Dispatcher:
    """mosquitto_sub stands in for somebody else's subscriber: not one line of ours is in it."""

    def __init__(self, port: int, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._path = path
        self._process = subprocess.Popen(
            ["mosquitto_sub", "-p", str(port), "-V", "5", "-q", "1", "-i", "dispatcher", "-c", "-x", "3600",
             "-t", "rg/v1/#", "-F", "%j"],
            stdout=self._file,
        )  # fmt: skip

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
        self._file.close()

    def messages(self) -> list[dict[str, Any]]:
        whole, _, _ = self._path.read_bytes().rpartition(b"\n")  # the last line may be half written
        return [json.loads(line) for line in whole.splitlines()]

    def events(self) -> list[Event]:
        """Every event once, in the order of first arrival."""
        seen: dict[str, Event] = {}
        for message in self.messages():
            if "/evt/" in message["topic"]:
                event = json.loads(message["payload"])
                seen.setdefault(event["id"], event)
        for event in seen.values():
            schema = event_schema(event["type"].removeprefix(TYPE_PREFIX))
            assert list(jsonschema_check.faults(event, schema, schema)) == []
        return list(seen.values())


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Any]:
    broker = Mosquitto(tmp_path / "broker")
    yield broker
    broker.kill()


@pytest.fixture
def dispatcher(tmp_path: Path, mosquitto: Any) -> Iterator[Callable[[], Dispatcher]]:
    """Make a subscriber; the broker must run."""
    made: list[Dispatcher] = []

    def make() -> Dispatcher:
        made.append(Dispatcher(mosquitto.port, tmp_path / f"heard-{len(made)}.jsonl"))
        return made[-1]

    yield make
    for one in made:
        if not one._file.closed:
            one.close()


@pytest.fixture
def command_path() -> Path:
    return COMMAND


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def make_station() -> Callable[..., Path]:
    return write_station
