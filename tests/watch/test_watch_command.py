"""`radio-gateway watch` as a dispatcher starts it, on a real mosquitto."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.main import main
from tests.support.mosquitto import Mosquitto

pytestmark = pytest.mark.broker
COMMAND = Path(sys.executable).with_name("radio-gateway")
ROOT = "rg/v1/gz/tianhe/shipai"
SOURCE = "urn:radio-gateway:gz:tianhe:shipai"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Any]:
    with Mosquitto(tmp_path / "broker") as running:
        yield running


def event(sequence: int, *, message: str = "gone", source: str = SOURCE) -> str:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": f"{source}-{sequence}",
            "source": source,
            "type": "radiogateway.gateway.fault",
            "subject": "mqtt",
            "time": "2026-05-01T08:00:00+08:00",
            "sequence": f"{sequence:020d}",
            "data": {"what": "mqtt", "message": message, "replayed": False},
        },
        ensure_ascii=False,
    )


def publish(broker: Any, topic: str, payload: str, *more: str) -> None:
    subprocess.run(
        ["mosquitto_pub", "-p", str(broker.port), "-q", "1", "-t", topic, "-m", payload, *more],
        check=True,
        timeout=10,
    )


class Watching:
    def __init__(self, broker: Any, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [str(COMMAND), "watch", "--url", broker.url, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        assert "connected" in self._process.stderr.readline()

    def end(self) -> tuple[list[str], str]:
        try:
            out, err = self._process.communicate(timeout=20)
        finally:
            self._process.kill()
        assert self._process.returncode == 0, err
        return out.splitlines(), err


def test_every_event_is_shown_once_and_gaps_are_told(broker: Any) -> None:
    publish(broker, f"{ROOT}/state/availability", '{"state": "online", "session": 3, "since": "now"}', "-r")
    watching = Watching(broker, "--count", "4")
    for sequence in (1, 1, 4, 4):
        publish(broker, f"{ROOT}/evt/gateway/fault", event(sequence, message=f"number {sequence}"))
    time.sleep(3.0)  # a gap is told when it has lasted for a moment
    for sequence in (2, 3):
        publish(broker, f"{ROOT}/evt/gateway/fault", event(sequence, message=f"number {sequence}"))

    lines, _ = watching.end()

    assert ["shipai", "online", "since", "now"] in [line.split() for line in lines]
    assert [line.split("number ")[1] for line in lines if "number" in line] == ["1", "4", "2", "3"]
    gaps = [line for line in lines if "missing" in line]
    assert len(gaps) == 2
    assert "2 events missing: 2-3" in gaps[0]
    assert gaps[1].endswith("nothing is missing any more")


def test_lines_of_json_are_nothing_but_events(broker: Any) -> None:
    publish(broker, f"{ROOT}/state/availability", '{"state": "online", "session": 3, "since": "now"}', "-r")
    watching = Watching(broker, "--jsonl", "--count", "3")
    publish(broker, f"{ROOT}/cmd/ping", "{}")
    publish(broker, f"{ROOT}/evt/gateway/fault", "not json")
    publish(broker, f"{ROOT}/evt/gateway/fault", '{"specversion": "1.0", "source": [], "id": {}}')
    for sequence in (7, 7, 9):
        publish(broker, f"{ROOT}/evt/gateway/fault", event(sequence, message="断了"))
    publish(broker, "rg/v1/gz/tianhe/other/evt/gateway/fault", event(1, source=f"{SOURCE}2"))

    lines, err = watching.end()

    assert [int(json.loads(line)["sequence"]) for line in lines] == [7, 9, 1]
    assert json.loads(lines[0])["data"]["message"] == "断了"
    assert "1 events missing: 8" in err


def test_a_root_narrows_what_is_followed(broker: Any) -> None:
    watching = Watching(broker, "--jsonl", "--count", "1", "--root", "rg/v1/gz/tianhe/other/#")
    publish(broker, f"{ROOT}/evt/gateway/fault", event(1))
    publish(broker, "rg/v1/gz/tianhe/other/evt/gateway/fault", event(2))

    lines, _ = watching.end()

    assert [int(json.loads(line)["sequence"]) for line in lines] == [2]


def test_a_broker_that_goes_and_comes_back_is_followed_again(broker: Any) -> None:
    watching = Watching(broker, "--count", "2")
    publish(broker, f"{ROOT}/evt/gateway/fault", event(1))
    time.sleep(0.5)
    broker.kill()
    broker.start()
    assert watching._process.stderr is not None
    said = [watching._process.stderr.readline()]
    while "connected" not in said[-1] or "trying again" in said[-1]:
        said.append(watching._process.stderr.readline())
    publish(broker, f"{ROOT}/evt/gateway/fault", event(2))

    lines, _ = watching.end()

    assert len(lines) == 2
    assert "trying again" in said[0]
    assert said[0].count("mqtt://") == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--url", "http://x"), "mqtt://"),
        (("--url", "mqtt://me:secret@x"), "password_file"),
        (("--url", "mqtt://"), "names no host"),
        (("--url", "mqtts://x", "--cert-file", "c"), "together"),
        (("--url", "mqtt://x", "--root", "rg/v2/#"), "begins with rg/v1/"),
        (("--url", "mqtt://x", "--root", "rg/v1/gz"), "rg/v1/gz/#"),
        (("--url", "mqtt://x", "--jsonl", "--csv"), "both want the output"),
        (("--url", "mqtt://x", "--webhook", "ftp://x"), "http://"),
        (("--url", "mqtt://x", "--webhook", "http://me:secret@x/"), "password"),
        (("--url", "mqtt://x", "--webhook-secret-file", "s"), "s: the secret cannot be read"),
        ((), "--url"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    arguments: tuple[str, ...], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["watch", *arguments])

    assert ended.value.code == (66 if "--webhook-secret-file" in arguments else 64)
    said = capsys.readouterr().err
    assert word in said
    assert "me:secret" not in said


def incident(revision: int, msg_type: str) -> dict[str, Any]:
    steps = [{"at": f"2026-05-01T08:00:0{n}+08:00", "what": "x"} for n in range(1, revision + 1)]
    return {
        "incident_id": "i-1", "radio": "ch1", "revision": revision, "msg_type": msg_type, "status": "Actual",
        "phase": "open", "type": {"code": "FIRE", "label": "火灾", "class": "disaster", "event_codes": []},
        "severity": "Severe", "urgency": "Immediate", "certainty": "Observed",
        "unit": {"unit_id": "u1", "name": "华夏A区", "status": "matched"},
        "location": {"text": "6号楼", "parts": {}}, "persons": None, "casualties": None, "needs": [],
        "stages": {"reported_at": None}, "timeline": steps, "evidence": [],
    }  # fmt: skip


def told(sequence: int, verb: str, data: dict[str, Any]) -> str:
    more = {"type": f"radiogateway.incident.{verb}", "subject": "i-1", "time": data["timeline"][-1]["at"]}
    return json.dumps(json.loads(event(sequence)) | more | {"data": data}, ensure_ascii=False)


def alert_of(capsys: pytest.CaptureFixture[str], state: Path, incident_id: str = "i-1") -> tuple[Any, str]:
    with pytest.raises(SystemExit) as ended:
        main(["cap", incident_id, "--state", str(state)])
    out, err = capsys.readouterr()
    return ended.value.code, out or err


def test_an_incident_from_before_the_watch_began_is_written_as_an_alert(
    broker: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, topic = tmp_path / "watch.db", f"{ROOT}/state/incident/i-1"
    publish(broker, topic, json.dumps(incident(2, "Update")), "-r")
    watching = Watching(broker, "--jsonl", "--state", str(state), "--count", "1")
    publish(broker, f"{ROOT}/evt/gateway/fault", event(7))
    watching.end()

    code, alert = alert_of(capsys, state)
    assert (code, "<identifier>i-1.2</identifier>" in alert) == (0, True), alert
    assert "<msgType>Alert</msgType>" in alert
    assert "<sent>2026-05-01T08:00:02+08:00</sent>" in alert
    code, said = alert_of(capsys, state, "i-2")
    assert (code, "open when it began" in said) == (64, True)

    watching = Watching(broker, "--jsonl", "--state", str(state), "--count", "1")
    publish(broker, f"{ROOT}/evt/incident/updated", told(8, "updated", incident(3, "Update")))
    watching.end()
    code, alert = alert_of(capsys, state)
    assert (code, "<identifier>i-1.3</identifier>" in alert) == (0, True), alert


def test_other_systems_are_fed_and_go_on_after_a_restart(broker: Any, tmp_path: Path) -> None:
    opened = told(1, "opened", incident(1, "Alert"))
    state, folder = tmp_path / "watch.db", tmp_path / "cap"
    watching = Watching(broker, "--csv", "--state", str(state), "--cap", str(folder), "--count", "1")
    publish(broker, f"{ROOT}/evt/incident/opened", opened)
    lines, _ = watching.end()
    assert lines[0].startswith("time,gateway,event,")
    assert ",incident.opened,i-1,ch1,u1,华夏A区,FIRE,open,Severe,6号楼," in lines[1]
    assert "火灾" in (folder / "i-1_1.xml").read_text(encoding="utf-8")

    watching = Watching(broker, "--csv", "--state", str(state), "--count", "1")
    publish(broker, f"{ROOT}/evt/incident/opened", opened)
    publish(broker, f"{ROOT}/evt/gateway/fault", event(2))
    lines, _ = watching.end()
    assert [line.split(",")[2] for line in lines[1:]] == ["gateway.fault"]
