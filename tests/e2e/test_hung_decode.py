"""A decode that never ends: while the gateway runs, and when it is asked to stop."""

import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from gateway.model import RATE_HZ

LIFE = textwrap.dedent("""
    import sys, threading
    import gateway.app, gateway.decodepool
    from gateway.cli.main import main
    from gateway.ears import Ears
    from gateway.errors import ModelUnavailable
    from gateway.hear.classify import Classification
    from gateway.model import SoundClass, Transcript
    from gateway.listener import Heard

    hangs, fails = [[int(number) for number in given.split(",") if number] for given in sys.argv[2:]]
    begun, loads = [], []

    class Listener:
        class recogniser:
            engine = model = "scripted"

        def __init__(self, pool):
            self._pool = pool

        @classmethod
        def load(cls, pool, *_):
            loads.append(1)
            if len(loads) in fails:
                raise ModelUnavailable("a file of it is missing")
            print("loaded", flush=True)
            return cls(pool)

        def close(self): ...

        async def __call__(self, audio):
            import asyncio
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._listen)

        def _listen(self):
            begun.append(1)
            print("decodes", len(begun), flush=True)
            if len(begun) in hangs:
                threading.Event().wait()
            text = f"call {len(begun)}"
            sound = Classification(SoundClass.SPEECH, 0.5, -12.0, 30.0, 0.0)
            return Heard(sound, Transcript(text, text, "scripted", "scripted", 0.01))

    gateway.app.Listener = Listener
    Ears.__init__.__kwdefaults__["reload_s"] = 1.0
    gateway.app.DRAIN_S = gateway.app.GOODBYE_S = 0.5
    gateway.decodepool.ENDS_WITHIN_S = 0.5
    gateway.decodepool.DecodePool.ends.__defaults__ = (0.5,)
    main(["run", "-c", sys.argv[1]])
""")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A station on whose radio three tones are heard, and no broker."""
    tone = (8000 * np.sin(np.arange(RATE_HZ) * 0.5)).astype(np.int16)
    silence = np.zeros(2 * RATE_HZ, np.int16)
    soundfile.write(tmp_path / "air.wav", np.concatenate([silence, tone] * 3 + [silence]), RATE_HZ)
    units = "unit_id,name,aliases,unit_class,street,lat,lon,duty_headcount,state\nu1,金穗花园,,C,,,,,active\n"
    (tmp_path / "units.csv").write_text(units, encoding="utf-8")
    path = tmp_path / "station.toml"
    path.write_text(
        """
[gateway]
org = "gz"
district = "tianhe"
id = "shipai"
command_post = "指挥中心"
data_dir = "data"
[units]
csv = "units.csv"
[mqtt]
url = "mqtt://127.0.0.1:1"
[recognise]
decode_within_s = 1
[[radio]]
id = "ch1"
source = { kind = "wavefile", path = "air.wav", pace = "fast" }
""",
        encoding="utf-8",
    )
    return path


def start(config: Path, hangs: str, fails: str = "") -> "subprocess.Popen[str]":
    with config.with_name("log").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-c", LIFE, str(config), hangs, fails],
            text=True,
            stdout=subprocess.PIPE,
            stderr=log,
        )


def ask(config: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(config.parent / "data" / "gateway.db")) as db:
        return db.execute(sql).fetchall()


def until(process: "subprocess.Popen[str]", words: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == words:
            return
    raise AssertionError(f"it never said {words!r}")


def test_while_it_runs_the_radio_goes_on_and_the_call_is_set_aside(config: Path) -> None:
    process = start(config, "1,2")
    try:
        until(process, "decodes 4")
        deadline = time.monotonic() + 20
        done = "SELECT state, attempts FROM transmissions ORDER BY rowid"
        while len(rows := ask(config, done)) < 3 or rows[2][0] == "heard":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
    assert [state for state, _ in rows] == ["quarantined", "understood", "understood"]
    assert process.returncode == 0, "what is left behind keeps nobody from stopping"
    told = ask(config, "SELECT kind FROM events WHERE subject = 'recogniser' ORDER BY position")
    assert [kind for (kind,) in told] == ["gateway.fault", "gateway.recovered"]
    heard = ask(
        config, "SELECT document ->> '$.data.transcript.text', document ->> '$.data.audio.ref' FROM events "
        "WHERE kind = 'transmission.received' ORDER BY position",
    )  # fmt: skip
    assert [text for text, _ in heard] == ["", "call 3", "call 4"]
    assert (config.parent / "data" / heard[0][1]).exists()


def test_at_a_stop_the_process_ends_without_it_and_the_attempt_counts(config: Path) -> None:
    config.write_text(config.read_text().replace("decode_within_s = 1", "decode_within_s = 60"))
    process = start(config, "1")
    try:
        until(process, "decodes 1")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=90)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 70
    assert ask(config, "SELECT state, attempts FROM transmissions LIMIT 1") == [("heard", 1)]
    assert ask(config, "SELECT kind FROM events WHERE subject = 'recogniser'") == [("gateway.fault",)]

    again = start(config, "")
    try:
        until(again, "decodes 3")
        again.send_signal(signal.SIGTERM)
        again.communicate(timeout=90)
    finally:
        again.kill()
        again.communicate()
    assert again.returncode == 0
    told = ask(config, "SELECT kind FROM events WHERE subject = 'recogniser' ORDER BY position")
    assert [kind for (kind,) in told] == ["gateway.fault", "gateway.recovered"]


def test_a_model_that_cannot_be_loaded_anew_is_told_at_once_and_tried_again(config: Path) -> None:
    process = start(config, "1", "2")
    faults = "SELECT kind FROM events WHERE subject = 'recogniser/model' ORDER BY position"
    try:
        until(process, "loaded")
        until(process, "loaded")
        assert ask(config, faults)[:1] == [("gateway.fault",)], "before anything else was listened to"
        until(process, "decodes 4")
        deadline = time.monotonic() + 20
        while ask(config, "SELECT count(*) FROM transmissions WHERE state = 'understood'") != [(3,)]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=90)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    assert ask(config, faults) == [("gateway.fault",), ("gateway.recovered",)]
