"""The daemon killed by SIGKILL again and again, at named steps and at any moment; see tools/crashes.py."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.faultpoints import STEPS
from tools.crashes import Doom, Station, Zygote, draw_doom, run_crashes
from tools.crashjudge import Judge, Verdict

pytestmark = pytest.mark.broker
KILLS = 60


def test_killed_sixty_times_it_loses_nothing_and_says_nothing_wrong(mosquitto: Any, tmp_path: Path) -> None:
    mosquitto.start()
    verdict = run_crashes(
        KILLS, workers=2, seed="ci", folder=tmp_path, port=mosquitto.port, per_station=KILLS // 2
    )

    assert (verdict.lost, verdict.wrong) == ([], []), str(verdict)
    assert verdict.kills >= KILLS
    assert verdict.calls_over > KILLS / 2, "most lives should get to hear something"
    assert verdict.calls_cut > 0, "some lives should end while somebody speaks"


def test_every_step_is_deadly_in_turn() -> None:
    drawn = {draw_doom(random.Random(1), number, 1.0).name for number in range(2 * len(STEPS))}
    assert drawn == {*STEPS, "any moment"}


def test_the_harness_sees_what_is_lost_or_wrong(mosquitto: Any, tmp_path: Path) -> None:
    """A harness that cannot find anything proves nothing."""
    mosquitto.start()
    with Zygote() as zygote:
        station = Station(tmp_path / "good", mosquitto.port, "good", random.Random(1))
        for _ in range(2):
            assert station.live(Doom(), zygote) == 0
    good = station.judge()
    assert (good.lost, good.wrong) == ([], [])
    assert (good.calls_over, good.events) == (6, 12)
    received, retained = station.listener.events(), station.listener.retained()
    incident = next(n for n, event in enumerate(received) if event["type"].endswith("incident.opened"))
    changed = {**received[0], "data": {**received[0]["data"], "radio": "other"}}

    found = {
        name: judged(station, tmp_path / name, spoil, events, states)
        for name, spoil, events, states in (
            ("event", lambda _: None, received[:3] + received[4:], retained),
            ("changed", lambda _: None, [*received, changed], retained),
            ("order", lambda _: None, received[:incident] + received[incident + 1 :], retained),
            ("retained", lambda _: None, received, {}),
            ("audio", lambda data: next(data.glob("spool/*/*.wav")).unlink(), received, retained),
            (
                "note",
                lambda data: next(data.glob("spool/*/*.wav")).with_suffix(".json").touch(),
                received,
                retained,
            ),
            (
                "row",
                lambda data: change(data, "UPDATE transmissions SET state = 'heard'"),
                received,
                retained,
            ),
            ("gone", lambda data: change(data, "DELETE FROM events WHERE position = 1"), received, retained),
        )
    }
    assert [name for name, verdict in found.items() if not verdict.lost + verdict.wrong] == []


def judged(
    station: Station, folder: Path, spoil: Callable[[Path], None], events: list[Any], states: dict[str, bytes]
) -> Verdict:
    shutil.copytree(station.folder, folder)
    spoil(folder / "data")
    judge = Judge(station.name, folder, range(0x10000), Verdict())
    judge.judge(events, states)
    return judge.verdict


def change(data_dir: Path, statement: str) -> None:
    with sqlite3.connect(data_dir / "gateway.db") as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute(statement)
    db.close()
