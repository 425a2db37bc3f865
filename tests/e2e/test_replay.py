"""`radio-gateway replay`: what an integrator sees, and nothing behind it."""

import json
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import soundfile

from gateway.cli.main import main
from gateway.events import EVENT_DATA, CloudEvent

pytestmark = pytest.mark.model
Event = dict[str, Any]
Run = Callable[..., subprocess.CompletedProcess[str]]
DATA = Path(__file__).parents[1] / "data"
UNITS = DATA / "units.csv"


@pytest.fixture(scope="module")
def report(report_wav: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """The events of the founding report."""
    lines = tmp_path_factory.mktemp("replay") / "events.jsonl"
    with pytest.raises(SystemExit) as left:
        main(["replay", str(report_wav), "--units", str(UNITS), "--jsonl", str(lines)])
    assert left.value.code == 0
    return [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]


def of_kind(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event["type"] == f"radiogateway.{kind}"]


def test_every_line_is_a_cloudevent_of_the_contract(report: list[Event]) -> None:
    for event in report:
        sealed = CloudEvent.model_validate(event)
        EVENT_DATA[sealed.kind].model_validate_json(json.dumps(event["data"]))
        assert event["specversion"] == "1.0"
        assert UUID(event["id"]).version == 7
        assert datetime.fromisoformat(event["time"]).utcoffset() is not None
        assert not event["time"].endswith("Z")


def test_sequence_is_contiguous_and_sorts_as_text(report: list[Event]) -> None:
    sequences = [event["sequence"] for event in report]

    assert sequences == sorted(sequences)
    assert [int(one) for one in sequences] == list(range(int(sequences[0]), int(sequences[0]) + len(report)))


def test_radio_is_named_by_the_files_stem(report: list[Event]) -> None:
    assert {event["data"]["radio"] for event in report} == {"ch7"}


def test_four_calls_are_four_transmissions_of_speech(report: list[Event]) -> None:
    heard = of_kind(report, "transmission.received")

    assert [one["data"]["class"] for one in heard] == ["speech"] * 4
    assert all(one["data"]["transcript"]["text"] for one in heard)
    assert all(one["data"]["end"] == "silence" for one in heard)


def test_the_unit_that_calls_is_known(report: list[Event]) -> None:
    first = of_kind(report, "transmission.received")[0]["data"]

    assert first["caller"]["status"] == "matched"
    assert first["caller"]["unit_id"] == "u001"
    assert first["callee"]["kind"] == "command"
    assert "report" in first["acts"]


def test_four_transmissions_make_one_incident_with_revisions(report: list[Event]) -> None:
    incidents = [event for event in report if ".incident." in event["type"]]
    last = incidents[-1]["data"]

    assert len({event["subject"] for event in incidents}) == 1
    assert [event["data"]["revision"] for event in incidents] == list(range(1, len(incidents) + 1))
    assert incidents[0]["type"] == "radiogateway.incident.opened"
    assert last["type"]["code"] == "SUICIDE_JUMP"
    assert "6号楼" in last["location"]["text"]
    assert {need["agency"] for need in last["needs"]} == {"FIRE", "POLICE", "EMS"}
    assert last["stages"]["acknowledged_at"] is not None
    assert last["unit"]["unit_id"] == "u001"
    assert last["status"] == "Actual"
    assert last["phase"] == "open"


def test_events_point_at_what_caused_them(report: list[Event]) -> None:
    ids = {event["id"] for event in of_kind(report, "transmission.received")}

    for event in report:
        if ".incident." in event["type"]:
            assert event["causationid"] in ids
            assert event["correlationid"] == event["subject"]


def test_nothing_said_stands_in_an_attribute(report: list[Event]) -> None:
    for event in report:
        attributes = {key: value for key, value in event.items() if key != "data"}
        assert json.dumps(attributes, ensure_ascii=False).isascii()


def test_noise_silence_and_tones_give_no_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(5)
    quiet = np.zeros(24_000, np.float32)
    noise = (0.1 * rng.standard_normal(64_000)).astype(np.float32)
    tone = (0.3 * np.sin(2 * np.pi * 1000 * np.arange(32_000) / 16_000)).astype(np.float32)
    path = tmp_path / "nobody.wav"
    soundfile.write(path, np.concatenate([quiet, noise, quiet, tone, quiet]), 16_000)

    with pytest.raises(SystemExit) as left:
        main(["replay", str(path), "--units", str(UNITS), "--jsonl", "-"])

    assert left.value.code == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {event["type"] for event in events} == {"radiogateway.transmission.received"}
    assert {event["data"]["class"] for event in events} <= {"noise", "tone", "kerchunk"}
    assert all(event["data"]["transcript"]["text"] == "" for event in events)
    assert "tone" in {event["data"]["class"] for event in events}


def test_any_rate_width_and_channels_say_the_same(
    tmp_path: Path, report_wav: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples, rate_hz = soundfile.read(report_wav, dtype="float32")
    first_call = samples[: 11 * rate_hz]
    upsampled = np.repeat(first_call, 3)
    path = tmp_path / "stereo.flac"
    soundfile.write(path, np.stack([upsampled, np.zeros_like(upsampled)], 1), 48_000, subtype="PCM_24")

    with pytest.raises(SystemExit):
        main(["replay", str(path), "--units", str(UNITS)])

    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    callers = [e["data"]["caller"]["unit_id"] for e in of_kind(events, "transmission.received")]
    assert "u001" in callers
