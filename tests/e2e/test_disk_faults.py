"""A whole daemon on a disk that is full, becomes read-only, is slow, or holds a damaged database."""

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.broker
SUPPORT = Path(__file__).parents[1] / "support"
DAEMON = SUPPORT / "gateddaemon.py"
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


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return ballast


def retained_health(ears: Any) -> dict[str, Any]:
    told = [one for one in ears.messages() if one["topic"].endswith("/state/health")]
    return json.loads(told[-1]["payload"]) if told else {"faults": []}


def faults(ears: Any) -> set[str]:
    return {fault["what"] for fault in retained_health(ears)["faults"]}


def unstored(ears: Any) -> dict[str, Any]:
    """What stands on state/incident/# now and was told before it was stored, by the incident's id."""
    shown: dict[str, Any] = {}
    for one in ears.messages():
        _, found, incident_id = one["topic"].partition("/state/incident/")
        if found:
            shown[incident_id] = json.loads(one["payload"]) if one.get("payload") else {}
    return {key: document for key, document in shown.items() if document.get("stored") is False}


def assert_whole(station: Station, ears: Any) -> None:
    """Everything that is stored came, in order and without a hole; the database is sound."""
    events = ears.events()
    assert [int(event["sequence"]) for event in events] == list(range(1, len(events) + 1))
    assert station.ask("PRAGMA integrity_check") == [("ok",)]
    assert station.ask("SELECT count(*) FROM events") == [(len(events),)]
    heard = of(events, "transmission.received")
    assert len(heard) == int(station.calls.read_text())
    assert all(event["data"]["transcript"]["text"] for event in heard)


def test_a_full_disk_keeps_no_incident_from_being_stored_and_sent(
    small_disk: Path, make_station: Callable[[Path], Station], mosquitto: Any, dispatcher: Any, command: Any
) -> None:
    mosquitto.start()
    ears = dispatcher()
    station = make_station(small_disk / "data")
    station.start()
    station.call()
    station.until(lambda: of(ears.events(), "transmission.received"))
    reserve = small_disk / "data" / "reserve"
    station.until(reserve.exists)

    fill(small_disk)
    station.call(3)
    station.until(lambda: len(of(ears.events(), "incident.opened")) == 2)
    station.until(lambda: "disk" in faults(ears))
    assert not reserve.exists()
    told = [event["data"] for event in of(ears.events(), "transmission.received")]
    of_incidents = [one["audio"]["ref"] for one in told if one["incident_id"] and one["audio"]]
    assert of_incidents
    assert all((small_disk / "data" / ref).exists() for ref in of_incidents), "what is fresh is not deleted"
    said = command("status", "-c", station.config)
    assert said.stdout.startswith("amber"), said
    # the sweep and the reserve both tell of it, whichever looks first
    assert "the disk is full" in said.stdout or "MiB are left" in said.stdout

    station.kill()
    fill(small_disk)
    station.start()
    station.call()
    station.until(lambda: len(of(ears.events(), "transmission.received")) == 5)

    (small_disk / "ballast").unlink()
    station.until(lambda: of(ears.events(), "gateway.recovered") and "disk" not in faults(ears))
    station.until(reserve.exists)
    assert station.stop() == 0
    assert_whole(station, ears)


def test_a_gateway_starts_on_a_full_disk(
    small_disk: Path, make_station: Callable[[Path], Station], mosquitto: Any, dispatcher: Any
) -> None:
    mosquitto.start()
    ears = dispatcher()
    station = make_station(small_disk / "data")
    station.start()
    station.until((small_disk / "data" / "reserve").exists)
    assert station.stop() == 0
    fill(small_disk)
    station.start()
    station.call(3)
    station.until(lambda: len(of(ears.events(), "incident.opened")) == 1)
    assert [event["data"]["what"] for event in of(ears.events(), "gateway.fault")][:1] == ["disk"]
    assert station.stop() == 0
    assert_whole(station, ears)


@pytest.fixture
def sick_disk(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder that a preloaded library makes slow or read-only when the test wants it."""
    library = tmp_path / "sickdisk.so"
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to build tests/support/sickdisk.c")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", str(library), str(SUPPORT / "sickdisk.c"), "-ldl"], check=True
    )
    root = tmp_path / "data"
    return root, {"LD_PRELOAD": str(library), "SICKDISK_ROOT": str(root)}


def test_a_disk_that_is_slow_and_then_read_only_costs_no_call(
    sick_disk: tuple[Path, dict[str, str]], make_station: Callable[[Path], Station], mosquitto: Any,
    dispatcher: Any,
) -> None:  # fmt: skip
    root, environment = sick_disk
    mosquitto.start()
    ears = dispatcher()
    station = make_station(root)
    station.start(**environment)
    slow, readonly = Path(f"{root}.slow"), Path(f"{root}.readonly")

    slow.touch()
    station.call(2)
    station.until(lambda: len(of(ears.events(), "transmission.received")) == 2)
    assert {one["data"]["dropped_frames"] for one in of(ears.events(), "transmission.received")} <= {0}
    slow.unlink()

    readonly.touch()
    opened = len(of(ears.events(), "incident.opened"))
    station.call(3)
    station.until(lambda: {"radio/ch1/spool", "radio/ch1/store"} <= faults(ears))
    station.until(lambda: retained_health(ears)["radios"]["ch1"]["waiting"] == 3)
    station.until(lambda: len(unstored(ears)) == 2)
    assert len(of(ears.events(), "transmission.received")) == 2
    early = set(unstored(ears))
    readonly.unlink()
    station.until(lambda: len(of(ears.events(), "transmission.received")) == 5)
    station.call()
    station.until(lambda: not faults(ears))

    later = of(ears.events(), "incident.opened")[opened:]
    assert {event["data"]["incident_id"] for event in later} == early
    station.until(lambda: not unstored(ears))
    told = of(ears.events(), "transmission.received")
    assert [one["data"]["audio"] is not None for one in told] == [True] * 2 + [False] * 3 + [True]
    assert station.stop() == 0
    assert_whole(station, ears)


def test_a_database_locked_from_outside_is_ridden_out_and_told(
    tmp_path: Path, make_station: Callable[[Path], Station], mosquitto: Any, dispatcher: Any
) -> None:
    mosquitto.start()
    ears = dispatcher()
    station = make_station(tmp_path / "data")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        station.start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="6000000")
        with closing(sqlite3.connect(tmp_path / "data" / "gateway.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            station.call()
            station.until(lambda: "store" in faults(ears), within_s=8.0)
            (fault,) = [one for one in retained_health(ears)["faults"] if one["what"] == "store"]
            assert "another program holds it locked" in fault["message"]
            assert json.loads((tmp_path / "data" / "health.json").read_text())["faults"]
            manager.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    manager.recv(4096)
            manager.settimeout(20.0)
            assert [manager.recv(4096) for _ in range(2)] == [b"WATCHDOG=1"] * 2
            assert of(ears.events(), "transmission.received") == []
            other.execute("ROLLBACK")
        station.until(lambda: of(ears.events(), "transmission.received"))
        station.until(lambda: "store" not in faults(ears))
    assert station.stop() == 0
    assert_whole(station, ears)
    told = [event["data"]["what"] for event in (*of(ears.events(), "fault"), *of(ears.events(), "recovered"))]
    assert told.count("store") == 2, "the fault and its end are events, too"


def test_a_damaged_database_is_kept_aside_told_and_nothing_heard_is_touched(
    tmp_path: Path, make_station: Callable[[Path], Station], mosquitto: Any, dispatcher: Any
) -> None:
    mosquitto.start()
    ears = dispatcher()
    station = make_station(tmp_path / "data")
    station.start()
    station.call()
    station.until(lambda: of(ears.events(), "transmission.received"))
    (heard,) = of(ears.events(), "transmission.received")
    assert station.stop() == 0
    database = tmp_path / "data" / "gateway.db"
    content = bytearray(database.read_bytes())
    content[:100] = os.urandom(100)
    database.write_bytes(content)

    station.start()
    station.until(lambda: of(ears.events(), "gateway.fault"))
    (fault,) = of(ears.events(), "gateway.fault")
    assert fault["data"]["what"] == "store"
    assert "was damaged" in fault["data"]["message"]
    (aside,) = (tmp_path / "data").glob("gateway.db.damaged-*")
    assert aside.read_bytes() == bytes(content)
    assert (tmp_path / "data" / heard["data"]["audio"]["ref"]).exists()
    station.call()
    station.until(lambda: len(of(ears.events(), "transmission.received")) == 2)
    adopted = "SELECT origin FROM sent_audio"
    station.until(lambda: station.ask(adopted) == [("found",)])
    assert station.stop() == 0


def test_a_database_that_goes_bad_or_away_while_it_is_used_ends_the_run_and_the_next_is_whole(
    tmp_path: Path, make_station: Callable[[Path], Station], mosquitto: Any, dispatcher: Any
) -> None:
    mosquitto.start()
    ears = dispatcher()
    station = make_station(tmp_path / "data")
    database = tmp_path / "data" / "gateway.db"
    station.start()
    station.call()
    station.until(lambda: len(of(ears.events(), "transmission.received")) == 1)

    database.unlink()
    assert station.process is not None
    assert station.process.wait(timeout=40) == 69
    assert "was removed or replaced while the gateway ran" in station.log
    station.start()
    station.call()
    station.until(lambda: len(of(ears.events(), "transmission.received")) == 2)
    assert_whole(station, ears)

    # What is in the write-ahead log hides the file.
    station.ask("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(pages - 4096))
    assert station.process.wait(timeout=40) == 69
    station.start()
    station.call()
    station.until(lambda: len(of(ears.events(), "transmission.received")) == 3)
    faults_told = [event["data"]["message"] for event in of(ears.events(), "gateway.fault")]
    assert any("a new one was started" in message for message in faults_told)
    assert len(list((tmp_path / "data").glob("gateway.db.damaged-*"))) >= 1
    assert not (tmp_path / "data" / "gateway.db.is-damaged").exists()
    assert station.stop() == 0
