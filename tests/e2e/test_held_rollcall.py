"""Roll-calls held by a real daemon on a virtual radio: begun from the command line, heard by a subscriber."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.killed import (
    Process,
    drill_while_killing,
    hold_while_killing,
    write_drill_station,
    write_station,
)

DATA = Path(__file__).parents[1] / "data"
CREW = {
    "瑞华酒店": "test-rollcall_answer-00-0.flac",
    "马场市场": "test-rollcall_answer-01-0.flac",
}
SILENT = "珠村公园"

pytestmark = [pytest.mark.broker]


def test_a_daemon_killed_in_a_roll_call_goes_on_with_it(
    tmp_path: Path, mosquitto: Any, dispatcher: Callable[[], Any], command: Callable[..., Any]
) -> None:
    mosquitto.start()
    ears = dispatcher()
    config, crew = write_station(tmp_path, mosquitto.url, units=5, silent=1)

    def begin() -> None:
        done = command("rollcall", "start", "-c", config, "--no-watch")
        assert done.returncode == 0, done.stderr

    outcome = hold_while_killing(config, crew, ears.events, begin, kills=2, seed=3, most_s=150.0)

    assert outcome.violations == []
    assert outcome.kills == 2
    told = {e["subject"]: e["data"]["outcome"] for e in outcome.events if e["type"].endswith(".answered")}
    assert set(told.values()) == {"answered"}
    assert len(told) == 4
    cleared = [m for m in ears.messages() if "/state/rollcall/" in m["topic"] and not m.get("payload")]
    assert cleared


def test_a_daemon_killed_in_a_drill_goes_on_with_it(
    tmp_path: Path, mosquitto: Any, dispatcher: Callable[[], Any], command: Callable[..., Any]
) -> None:
    mosquitto.start()
    ears = dispatcher()
    config, crew = write_drill_station(tmp_path, mosquitto.url, units=1)

    def begin() -> None:
        asked = ("k000", "--scenario", "gas_leak", "--reach", "point", "--no-watch")
        done = command("drill", "start", *asked, "-c", config)
        assert done.returncode == 0, done.stderr

    outcome = drill_while_killing(config, crew, ears.events, begin, kills=2, seed=1, most_s=150.0, live_s=4.0)

    assert outcome.violations == []
    assert outcome.kills == 2


@pytest.mark.model
def test_a_roll_call_in_real_speech_from_the_command_line(
    tmp_path: Path, mosquitto: Any, dispatcher: Callable[[], Any], command: Callable[..., Any]
) -> None:
    mosquitto.start()
    ears = dispatcher()
    config, crew = write_station(tmp_path, mosquitto.url, units=1)
    text = config.read_text(encoding="utf-8").replace('"units.csv"', json.dumps(str(DATA / "units.csv")))
    config.write_text(text.replace("wait_s = 2.0", "wait_s = 4.0"), encoding="utf-8")
    answers: dict[str, Any] = {
        name: [{"delay_s": 0.7, "file": str(DATA / "calls" / file), "noise_dbfs": -45.0, "lead_s": 0.2}]
        for name, file in CREW.items()
    }
    answers[SILENT] = [None]
    crew.write_text(json.dumps({"prompt_s": 0.3, "answers": answers}), encoding="utf-8")
    process = Process(config, crew)
    process.start()
    try:
        process.listens()
        done = command(
            "rollcall",
            "start",
            "-c",
            config,
            "--unit",
            "u088",
            "--unit",
            "u008",
            "--unit",
            "u012",
            timeout_s=240.0,
        )
        refused = command("rollcall", "start", "-c", config, "--unit", "nobody")
        idle = command("rollcall", "cancel", "-c", config)
    finally:
        process.stop()

    assert done.returncode == 0, done.stderr + process.log_text
    assert "3 units, 0 excused" in done.stdout
    assert "瑞华酒店" in done.stdout
    assert (refused.returncode, idle.returncode) == (64, 64)
    assert "'nobody' is not in the registry" in refused.stderr
    assert "no such roll-call goes on" in idle.stderr
    told = {e["subject"]: e["data"] for e in ears.events() if e["type"].endswith(("l.answered", "l.missed"))}
    assert {unit_id: data["outcome"] for unit_id, data in told.items()} == {
        "u088": "answered", "u008": "answered", "u012": "no_answer",
    }  # fmt: skip
    for unit_id in ("u088", "u008"):
        assert told[unit_id]["answer_latency_s"] == pytest.approx(0.7, abs=0.05)
        assert told[unit_id]["transmission_id"] is not None


def test_nobody_answers_for_a_gateway_that_does_not_run(
    tmp_path: Path, mosquitto: Any, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    config, _ = write_station(tmp_path, mosquitto.url, units=1)

    done = command("rollcall", "start", "-c", config)

    assert done.returncode == 69
    assert "127.0.0.1" in done.stderr
