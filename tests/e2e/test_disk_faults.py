"""A whole daemon on a disk that is full, becomes read-only, is slow, or holds a damaged database."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tools.crashlife import line_of

pytestmark = pytest.mark.broker
DAEMON = Path(__file__).parents[1] / "support" / "gateddaemon.py"
UNITS = Path(__file__).parents[1] / "data" / "units.csv"
Event = dict[str, Any]


def mounted(folder: Path, mebibytes: int) -> bool:
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)],
        capture_output=True, check=False,
    )  # fmt: skip
    return made.returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MiB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mounted(folder, 24):
        pytest.skip("this user may not mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


class Station:
    """A daemon with scripted ears whose radio says what the test makes it say."""

    def __init__(self, folder: Path, data_dir: Path, port: int) -> None:
        self.folder, self.data_dir = folder, data_dir
        self.calls = folder / "calls"
        self.config = folder / "station.toml"
        self.process: subprocess.Popen[bytes] | None = None
        self.config.write_text(
            f"""
[gateway]
org = "gz"
district = "tianhe"
id = "disk"
command_post = "指挥中心"
data_dir = "{data_dir}"
[units]
csv = "{UNITS}"
[mqtt]
url = "mqtt://127.0.0.1:{port}"
[store]
min_free_bytes = 2000000
[[radio]]
id = "ch1"
source = {{ kind = "gated", calls = "{self.calls}" }}
control = {{ kind = "gated", calls = "{self.calls}" }}
squelch = {{ kind = "carrier" }}
""",
            encoding="utf-8",
        )

    def start(self, **environment: str) -> None:
        with (self.folder / "log").open("a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(DAEMON), str(self.config)], stderr=log, env={**os.environ, **environment}
            )
        begun = self.log.count("listening")
        self.until(lambda: self.log.count("listening") > begun)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def call(self, count: int = 1) -> None:
        made = int(self.calls.read_text()) if self.calls.exists() else 0
        self.calls.with_suffix(".tmp").write_text(str(made + count))
        self.calls.with_suffix(".tmp").replace(self.calls)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def until(self, is_so: Callable[[], object], within_s: float = 40.0) -> None:
        deadline = time.monotonic() + within_s
        while not is_so():
            assert time.monotonic() < deadline, self.log[-3000:]
            assert self.process is None or self.process.poll() is None, self.log[-3000:]
            time.sleep(0.05)

    def ask(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.data_dir / "gateway.db")) as db:
            return db.execute(sql).fetchall()

    def health(self) -> dict[str, Any]:
        return json.loads((self.data_dir / "health.json").read_text(encoding="utf-8"))


@pytest.fixture
def make_station(tmp_path: Path, mosquitto: Any) -> Iterator[Callable[[Path], Station]]:
    made: list[Station] = []

    def make(data_dir: Path) -> Station:
        made.append(Station(tmp_path, data_dir, mosquitto.port))
        return made[-1]

    yield make
    for station in made:
        station.kill()


def of(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event["type"].endswith(kind)]



def retained(ears):
    last = {}
    for m in ears.messages():
        if "/state/" in m["topic"]: last[m["topic"].split("disk/")[1]] = m.get("payload")
    return last


def fill(disk):
    ballast = disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return ballast

def test_full(small_disk: Path, make_station, mosquitto, dispatcher):
    mosquitto.start()
    ears = dispatcher()
    station = make_station(small_disk / "data")
    station.start()
    station.call()
    station.until(lambda: of(ears.events(), "transmission.received"))
    station.stop()
    fill(small_disk)
    print(os.listdir(small_disk/"data"))
    try:
        station.start()
        station.call(3)
        time.sleep(4)
        print("HEALTH", str(retained(ears).get("state/health"))[:3000])
    except AssertionError as e: print("RESTART", str(e)[-2500:])
    assert False
