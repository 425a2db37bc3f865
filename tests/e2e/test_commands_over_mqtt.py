"""A dispatcher asks a running daemon, with mosquitto's own programs; every event keeps to its schema."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.events import TYPE_PREFIX
from gateway.publish.asyncapi import event_schema
from tests.support import jsonschema_check

pytestmark = [pytest.mark.model, pytest.mark.broker]


ROOT = "rg/v1/gz/tianhe/shipai"
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def daemon(
    tmp_path: Path, report_wav: Path, mosquitto: Any, make_station: Callable[..., Path], command_path: Path
) -> Iterator[Path]:
    """A daemon that listens until the test ends; gives its config file."""
    mosquitto.start()
    config = make_station(tmp_path, report_wav, mosquitto.port)
    with config.with_name("daemon.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen([str(command_path), "run", "-c", str(config)], stderr=log)
        yield config
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=40) == 0
    assert "Traceback" not in config.with_name("daemon.log").read_text(encoding="utf-8")


@pytest.fixture
def ask(mosquitto: Any) -> Ask:
    def ask_it(name: str, /, **request: Any) -> dict[str, Any]:
        done = subprocess.run(
            ["mosquitto_rr", "-p", str(mosquitto.port), "-V", "5", "-q", "1", "-W", "20",
             "-t", f"{ROOT}/cmd/{name}", "-e", "desk/1", "-m", json.dumps(request)],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return ask_it


def wait_for(condition: Callable[[], Any], seconds: float = 90.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


def test_a_dispatcher_acknowledges_closes_changes_a_unit_and_asks_again(
    daemon: Path, dispatcher: Callable[[], Any], ask: Ask, command: Any
) -> None:
    ears = dispatcher()

    def of_kind(kind: str) -> list[dict[str, Any]]:
        return [e for e in ears.events() if e["type"] == TYPE_PREFIX + kind]

    wait_for(lambda: len(of_kind("transmission.received")) == 4)
    incident = of_kind("incident.opened")[0]["subject"]

    pong = ask("ping", id="p-1")
    assert pong["ok"]
    assert pong["result"]["last_sequence"] >= 5
    acknowledged = ask("incident-ack", id="a-1", incident_id=incident, by="值班员")
    assert acknowledged["result"]["acknowledged"]
    assert ask("incident-ack", id="a-1", incident_id=incident)["code"] == "replayed"
    assert ask("incident-close", id="c-1", incident_id=incident)["result"]["phase"] == "resolved"
    closed = wait_for(lambda: of_kind("incident.closed"))
    assert closed[0]["subject"] == incident
    topic = f"{ROOT}/state/incident/{incident}"
    wait_for(lambda: [m for m in ears.messages() if m["topic"] == topic and not m.get("payload")], 10)

    unit_id = command("units", "list", "-c", daemon).stdout.splitlines()[1].split()[0]
    assert ask("unit-set", id="u-1", action="放假", unit_id=unit_id)["result"]["state"] == "holiday"
    listed = command("units", "list", unit_id, "-c", daemon).stdout
    assert "holiday" in listed
    assert ask("unit-set", id="u-2", action="add", unit_id="bad id", name="x", unit_class="A")["ok"] is False

    newest = ask("ping")["result"]["last_sequence"]
    heard_before = len([m for m in ears.messages() if "/evt/" in m["topic"]])
    again = ask("resync", id="s-1", from_sequence=1)
    assert (again["result"]["first_sequence"], again["result"]["last_sequence"]) == (1, newest)

    def repeats() -> list[dict[str, Any]]:
        return [m for m in ears.messages() if "/evt/" in m["topic"]][heard_before:]

    wait_for(lambda: len(repeats()) == newest, 20)
    replayed = [json.loads(message["payload"]) for message in repeats()]
    assert [int(event["sequence"]) for event in replayed] == list(range(1, newest + 1))
    assert all(event["data"]["replayed"] for event in replayed)
    assert len(ears.events()) == newest
    for event in [*ears.events(), *replayed]:
        schema = event_schema(event["type"].removeprefix(TYPE_PREFIX))
        assert list(jsonschema_check.faults(event, schema, schema)) == []
