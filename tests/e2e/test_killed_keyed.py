"""A whole daemon killed with SIGKILL while it keys a CM108: the key is released, and what it said is told."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import keyeddaemon

pytestmark = pytest.mark.broker


def test_a_daemon_killed_while_keyed_is_unkeyed_within_a_second_and_tells_it_at_its_next_start(
    tmp_path: Path, mosquitto: Any, dispatcher: Callable[[], Any], command: Callable[..., Any]
) -> None:
    mosquitto.start()
    ears = dispatcher()
    with keyeddaemon.KeyedDaemon(tmp_path, mosquitto.port) as station:
        station.start()
        said = subprocess.Popen(
            [str(keyeddaemon.COMMAND), "say", "一二三四五六七八九十", "-c", str(station.config)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            station.wait_until_keyed(40.0)
            assert station.kill() < 1.0
            notes = list((station.data / "sending").glob("*.json"))
            assert len(notes) == 1
        finally:
            said.kill()
            said.communicate()
        assert [event["type"] for event in ears.events() if "sent" in event["type"]] == []

        station.start()
        station.wait_until(lambda: any("/evt/transmission/sent" in m["topic"] for m in ears.messages()), 40.0)
        (sent,) = [event for event in ears.events() if "sent" in event["type"]]
        assert (sent["data"]["ended"], sent["data"]["text"]) == ("killed", "一二三四五六七八九十")
        assert sent["data"]["transmission_id"] == notes[0].stem
        assert (station.data / sent["data"]["audio"]["ref"]).exists()
        assert not list((station.data / "sending").iterdir())

        done = command("say", "收到", "-c", station.config, "--urgent")
        assert done.returncode == 0, done.stderr
        assert "said on ch1 in " in done.stdout
        assert "by espeak-ng cmn: 收到" in done.stdout
        assert station.is_released()
