"""What must stay secret stays so: the broker's password, and at level info the words heard on the air."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from tools.crashes import Doom, Station, Zygote
from tools.crashlife import LINES

SECRET = "Geheim-4711-Wort"
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
{mqtt}
[[radio]]
id = "ch1"
source = {{ kind = "wavefile", path = "x.wav" }}
"""


@pytest.mark.parametrize(
    "mqtt",
    [
        f'url = "mqtt://joe:{SECRET}@127.0.0.1"',
        f'url = "http://joe:{SECRET}@127.0.0.1"',
        f'url = "mqtt://127.0.0.1"\npassword = "{SECRET}"',
        'url = "mqtt://127.0.0.1"\nusername = "joe"\npassword_file = "secret.txt"',
        'url = "mqtts://127.0.0.1"\nusername = "joe"\npassword_file = "secret.txt"\nca_file = "secret.txt"',
    ],
)
def test_check_never_prints_a_secret(mqtt: str, tmp_path: Path, command: Any) -> None:
    (tmp_path / "secret.txt").write_text(SECRET, encoding="utf-8")
    config = tmp_path / "station.toml"
    config.write_text(CONFIG.format(mqtt=mqtt), encoding="utf-8")
    said = command("check", "-c", config)
    assert said.returncode in {0, 66, 78}, said.stderr
    assert SECRET not in said.stdout + said.stderr
    assert said.stdout + said.stderr


@pytest.mark.broker
def test_what_is_said_is_in_no_log_and_no_topic(mosquitto: Any, tmp_path: Path) -> None:
    mosquitto.start()
    with Zygote() as zygote:
        station = Station(tmp_path / "quiet", mosquitto.port, "quiet", random.Random(2))
        assert station.live(Doom(), zygote, calls=len(LINES)) == 0
    verdict = station.judge()
    assert (verdict.lost, verdict.wrong) == ([], [])
    log = (tmp_path / "quiet" / "log").read_text(encoding="utf-8")
    topics = " ".join(topic for topic, _, _ in station.listener.messages)
    told = json.dumps([json.loads(p) for _, p, _ in station.listener.messages if p], ensure_ascii=False)
    pieces = {piece for line in LINES for piece in re.split("[,，]", line) if len(piece) >= 4}
    assert len(re.findall("info|warning", log)) > 5, "an empty log proves nothing"
    assert sum(piece in told for piece in pieces) > len(pieces) / 2, "the words should be in the events"
    assert [piece for piece in pieces if piece in log or piece in topics] == []
    assert topics.isascii()
