"""What a daemon that has not loaded its model yet may not carry: each of these costs memory for years.

Checked in a process of its own that starts the whole daemon, because what is imported matters, not by whom.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SPEECH = {"ctranslate2", "faster_whisper", "vosk", "onnxruntime", "av", "huggingface_hub", "misaki", "jieba"}
SCREENS = {"rich", "openpyxl", "jinja2", "gateway.watch", "gateway.rollcall.workbook", "gateway.doctor"}
OTHERS = {"pypinyin", "numpy.ma", "prometheus_client", "http.server", "pandas", "scipy", "gateway.metrics"}
RUN = """
import asyncio, json, sys
from pathlib import Path
import gateway.cli.main
import typer.main
typer.main.get_command(gateway.cli.main.app).get_command(None, "run")
from gateway.app import Daemon
from gateway.config import load_config
from gateway.log import configure_log

class Deaf(Daemon):
    async def _load_listener(self):
        await asyncio.Event().wait()

async def run():
    daemon = Deaf(load_config(Path(sys.argv[1])))
    await daemon.start()
    while not daemon._units.is_ready:
        await asyncio.sleep(0.01)
    await daemon._being.tell()
    await daemon.stop()

configure_log("error")
asyncio.run(run())
print(json.dumps(sorted(sys.modules)))
"""


def modules_after(config: Path) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(config)], capture_output=True, text=True, check=True, timeout=120
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "units.csv").write_text(
        "unit_id,name,aliases,unit_class,street,lat,lon,duty_headcount,state\nu1,金穗花园,,C,,,,,active\n",
        encoding="utf-8",
    )
    path = tmp_path / "station.toml"
    path.write_text(
        """
        [gateway]
        org = "gz"
        district = "tianhe"
        id = "lean"
        command_post = "指挥中心"
        data_dir = "data"
        [units]
        csv = "units.csv"
        [mqtt]
        url = "mqtt://127.0.0.1:9"
        [[radio]]
        id = "ch1"
        source = { kind = "virtual", radio = "lean" }
        """,
        encoding="utf-8",
    )
    return path


def test_the_daemon_carries_no_speech_engine_and_nobodys_screen(config: Path) -> None:
    loaded = modules_after(config)
    assert "gateway.pipeline" in loaded
    assert loaded & (SPEECH | SCREENS | OTHERS) == set()


def test_metrics_are_there_where_they_are_asked_for(config: Path, tmp_path: Path) -> None:
    with config.open("a", encoding="utf-8") as file:
        file.write('\n[metrics]\nfile = "gateway.prom"\n')
    assert "prometheus_client" in modules_after(config)
    assert "radio_gateway_faults_open" in (tmp_path / "gateway.prom").read_text(encoding="utf-8")
