"""What a person sees who asks how the gateway is."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.main import main
from gateway.store.lock import FolderLock

CONFIG = """
[gateway]
org = "gz"
district = "tianhe"
id = "shipai"
command_post = "指挥中心"
data_dir = "data"
[units]
csv = "units.csv"
[mqtt]
url = "mqtt://127.0.0.1"
[[radio]]
id = "ch1"
source = { kind = "wavefile", path = "x.wav" }
"""


@pytest.fixture
def told(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("COLUMNS", "110")
    config = tmp_path / "station.toml"
    config.write_text(CONFIG, encoding="utf-8")
    (tmp_path / "data").mkdir()

    def ask(age_s: float = 0.0, *, runs: bool = True, **more: Any) -> tuple[int, str]:
        at = datetime.now(UTC) - timedelta(seconds=age_s)
        document = {
            "state": "green", "at": at.isoformat(), "started_at": (at - timedelta(days=40)).isoformat(),
            "version": "0.1.0", "pid": 1,
            "radios": {
                "ch1": {
                    "state": "idle", "since": at.isoformat(), "waiting": 0,
                    "last_heard": (at - timedelta(minutes=7)).isoformat(),
                },
                "ch2": {"state": "idle", "since": at.isoformat(), "waiting": 3, "last_heard": None},
            },
            "mqtt": {"connected": True, "protocol": "5", "since": at.isoformat()},
            "outbox": {"waiting": 0, "set_aside": 0, "delivered": 12, "unheard": 0, "trouble": None},
            "recogniser": {"engine": "whisper", "model": "small"},
            "faults": [], "disk": {"free_bytes": 12_345_678_901},
            "clock": {"synced": True, "source": "ntp"},
        } | more  # fmt: skip
        (tmp_path / "data" / "health.json").write_text(json.dumps(document), encoding="utf-8")
        lock = FolderLock.take(tmp_path / "data")
        if not runs:
            lock.release()
        with pytest.raises(SystemExit) as ended:
            main(["status", "-c", str(config)])
        lock.release()
        return int(ended.value.code or 0), capsys.readouterr().out

    return ask


def test_all_is_well(told: Any) -> None:
    code, said = told()
    assert code == 0
    assert said.splitlines()[0] == "green  all is well; nothing to do"
    assert "ch1: idle, last heard" in said
    assert "(7 min ago)" in said
    assert "ch2: idle, nothing heard yet, 3 not understood yet" in said
    assert "12.3 GB free" in said
    assert "set by ntp" in said
    assert "(40 d ago)" in said


def test_faults_come_first_with_what_to_do_and_nothing_is_markup(told: Any) -> None:
    since = datetime.now(UTC) - timedelta(hours=5)
    fault = {"what": "mqtt", "since": since.isoformat(), "message": "[red]x\x1b[2J", "action": "check it"}
    _, said = told(state="amber", faults=[fault], clock={"synced": False, "source": "none"})
    first = said.splitlines()
    assert first[0].startswith("amber  ")
    assert first[1].split() == ["fault", "mqtt,", "since", *first[1].split()[3:]]
    assert "(5 h ago): [red]x" in said
    assert "do: check it" in first[2]
    assert "not synchronised" in said
    assert "\x1b" not in said
    assert f"{since.microsecond:06d}" not in said


def test_a_gateway_that_does_not_run_is_red(told: Any) -> None:
    code, said = told(age_s=7200, runs=False)
    assert code == 69
    assert said.startswith("red  it does not run; last seen")
    assert "(2 h ago)" in said
    assert "systemctl start radio-gateway" in said


def test_a_gateway_that_was_stopped_or_killed_is_red_at_once(told: Any) -> None:
    now = datetime.now(UTC).isoformat()
    code, said = told(runs=False, stopped_at=now)
    assert code == 69
    assert said.startswith("red  it does not run; it was stopped ")
    code, said = told(runs=False)
    assert code == 69
    assert said.startswith("red  it does not run; last seen")


def test_a_gateway_that_starts_or_hangs_is_told_apart(told: Any) -> None:
    code, said = told(age_s=7200, stopped_at=datetime.now(UTC).isoformat())
    assert code == 69
    assert said.startswith("amber  it is starting")
    code, said = told(age_s=7200)
    assert code == 69
    assert said.startswith("red  it runs and has said nothing since")
    assert "systemctl restart radio-gateway" in said


def test_asking_whether_it_runs_never_keeps_a_gateway_from_starting(tmp_path: Path) -> None:
    assert FolderLock.is_taken(tmp_path) is False
    FolderLock.take(tmp_path).release()
    stop = threading.Event()

    def ask_again_and_again() -> None:
        while not stop.is_set():
            FolderLock.is_taken(tmp_path)
            time.sleep(0.001)

    asking = threading.Thread(target=ask_again_and_again)
    asking.start()
    try:
        for _ in range(200):
            FolderLock.take(tmp_path).release()
    finally:
        stop.set()
        asking.join()
    lock = FolderLock.take(tmp_path)
    assert FolderLock.is_taken(tmp_path) is True
    lock.release()
