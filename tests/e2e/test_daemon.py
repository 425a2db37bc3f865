"""The daemon as systemd starts it, a real mosquitto, and a subscriber that is not ours."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.model, pytest.mark.broker]
Event = dict[str, Any]


@pytest.fixture
def station(tmp_path: Path, report_wav: Path, mosquitto: Any, make_station: Callable[..., Path]) -> Path:
    return make_station(tmp_path, report_wav, mosquitto.port)


class Running:
    """A daemon in its own process, its log in a file."""

    def __init__(self, config: Path, command_path: Path, *extra: str) -> None:
        self._log = config.with_name(f"daemon-{time.monotonic_ns()}.log")
        with self._log.open("w", encoding="utf-8") as file:
            arguments = [str(command_path), "run", "-c", str(config), *extra]
            self._process = subprocess.Popen(arguments, stderr=file)

    def wait_until_listening(self) -> None:
        deadline = time.monotonic() + 30
        while "listening" not in self.log and time.monotonic() < deadline:
            time.sleep(0.05)

    def end(self, number: signal.Signals) -> int:
        self._process.send_signal(number)
        return self.wait(40)

    def wait(self, timeout_s: float) -> int:
        try:
            return self._process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")


def assert_complete(events: list[Event]) -> None:
    assert [int(event["sequence"]) for event in events] == list(range(1, len(events) + 1))
    heard = [e for e in events if e["type"].endswith("transmission.received")]
    assert len({e["data"]["transmission_id"] for e in heard}) == len(heard) == 4
    incidents = [e for e in events if ".incident." in e["type"]]
    assert [e["data"]["revision"] for e in incidents] == list(range(1, len(incidents) + 1))
    assert incidents[-1]["data"]["type"]["code"] == "SUICIDE_JUMP"


def test_a_recording_becomes_events_at_somebody_elses_subscriber(
    station: Path, mosquitto: Any, dispatcher: Callable[[], Any], command: Any
) -> None:
    mosquitto.start()
    ears = dispatcher()

    done = command("run", "-c", station, "--exit-when-idle")
    time.sleep(0.5)
    ears.close()

    assert done.returncode == 0, done.stderr
    assert_complete(ears.events())
    by_topic = {message["topic"]: message for message in ears.messages()}
    root = "rg/v1/gz/tianhe/shipai"
    assert json.loads(by_topic[f"{root}/state/availability"]["payload"])["state"] == "offline"
    opened = by_topic[f"{root}/evt/incident/opened"]
    assert opened["properties"]["content-type"] == "application/cloudevents+json; charset=utf-8"
    snapshots = [m for topic, m in by_topic.items() if "/state/incident/" in topic]
    assert [json.loads(m["payload"])["phase"] for m in snapshots] == ["open"]
    assert "指挥中心" not in done.stderr, "words heard on the air do not belong in the log"


def test_a_broker_that_comes_late_gets_everything_marked_as_late(
    station: Path, mosquitto: Any, dispatcher: Callable[[], Any], command_path: Path
) -> None:
    daemon = Running(station, command_path, "--exit-when-idle")
    time.sleep(18)
    mosquitto.start()
    ears = dispatcher()

    assert daemon.wait(90) == 0, daemon.log
    time.sleep(0.5)
    ears.close()

    events = ears.events()
    faults = [e for e in events if e["type"].endswith("gateway.fault")]
    assert faults[0]["data"]["what"] == "mqtt"
    assert_complete_but_for_faults(events)
    assert events[0]["data"]["replayed"] is True


def assert_complete_but_for_faults(events: list[Event]) -> None:
    assert [int(event["sequence"]) for event in events] == list(range(1, len(events) + 1))
    heard = [e for e in events if e["type"].endswith("transmission.received")]
    assert len(heard) == 4


def test_killed_in_the_middle_it_goes_on_and_says_nothing_twice(
    station: Path, mosquitto: Any, dispatcher: Callable[[], Any], command_path: Path, data_dir: Path
) -> None:
    mosquitto.start()
    ears = dispatcher()
    daemon = Running(station, command_path)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list(data_dir.glob("spool/*/*.wav")):
        time.sleep(0.02)
    daemon.end(signal.SIGKILL)
    kept = {path.stem for path in data_dir.glob("spool/*/*.wav")}
    again = Running(station, command_path, "--exit-when-idle")
    assert again.wait(120) == 0, again.log
    time.sleep(0.5)
    ears.close()

    heard = [
        e["data"]["transmission_id"] for e in ears.events() if e["type"].endswith("transmission.received")
    ]
    assert kept <= set(heard)
    assert len(heard) == len(set(heard))
    sequences = [int(event["sequence"]) for event in ears.events()]
    assert sequences == list(range(1, len(sequences) + 1))


def test_asked_to_stop_it_stops_soon_and_cleanly(station: Path, command_path: Path) -> None:
    daemon = Running(station, command_path)
    daemon.wait_until_listening()

    assert daemon.end(signal.SIGTERM) == 0, daemon.log
    assert "Traceback" not in daemon.log


def test_two_gateways_do_not_share_a_folder(station: Path, command_path: Path, command: Any) -> None:
    first = Running(station, command_path)
    first.wait_until_listening()
    second = command("run", "-c", station)
    first.end(signal.SIGTERM)

    assert second.returncode == 69
    assert "another radio-gateway" in second.stderr
    assert "Traceback" not in second.stderr


def test_status_says_how_it_is(station: Path, mosquitto: Any, command: Any, command_path: Path) -> None:
    assert command("status", "-c", station).returncode == 66
    mosquitto.start()
    daemon = Running(station, command_path)
    daemon.wait_until_listening()
    path = station.parent / "data" / "health.json"
    deadline = time.monotonic() + 20
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    said = command("status", "-c", station)
    health = json.loads(path.read_text(encoding="utf-8"))
    assert said.returncode == 0
    assert said.stdout.startswith(health["state"])
    assert "ch1: " in said.stdout

    assert daemon.end(signal.SIGTERM) == 0, daemon.log
    said = command("status", "-c", station)
    assert said.returncode == 69
    assert said.stdout.startswith("red  it does not run; it was stopped")
    assert "delivered" in said.stdout
