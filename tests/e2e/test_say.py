"""A dispatcher has the gateway say something: real daemon, mosquitto, espeak-ng and a virtual radio."""

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from gateway.publish.asyncapi import event_schema
from tests.support import jsonschema_check

pytestmark = [pytest.mark.model, pytest.mark.broker]

ROOT = "rg/v1/gz/tianhe/shipai"
SPEAKING = """
import asyncio, json, signal, sys
from pathlib import Path
from drivers.virtual import VirtualRadio
from gateway.app import Daemon
from gateway.cli.run import load_config

async def run():
    daemon = Daemon(load_config(Path(sys.argv[1])))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, daemon.ask_to_stop)
    radio = VirtualRadio.named("v1")
    try:
        await daemon.start()
        await daemon.wait()
    finally:
        await daemon.stop()
        said = [[one.was_keyed, one.duration_s] for one in radio.spoken]
        print(json.dumps({"said": said, "key_ups": len(radio.keyed), "is_keyed": radio.is_keyed}))

asyncio.run(run())
"""


def test_say_goes_on_the_air_and_is_told_and_is_not_heard_back(
    tmp_path: Path, mosquitto: Any, dispatcher: Callable[[], Any], make_station: Callable[..., Path],
    command_path: Path,
) -> None:  # fmt: skip
    mosquitto.start()
    config = make_station(tmp_path, tmp_path / "none.wav", mosquitto.port)
    text = config.read_text(encoding="utf-8")
    radio = 'radio = "v1"'
    before = text[: text.index("source =")]
    before += f'source = {{ kind = "virtual", {radio}, sidetone_db = 0.0, noise_dbfs = -70.0 }}\n'
    before += f'sink = {{ kind = "virtual", {radio} }}\ncontrol = {{ kind = "virtual", {radio} }}\n'
    config.write_text(before + '[speak]\nvoices = ["espeak"]\n', encoding="utf-8")
    ears = dispatcher()
    with subprocess.Popen(
        [str(command_path.with_name("python")), "-c", SPEAKING, str(config)],
        stdout=subprocess.PIPE,
        text=True,
    ) as daemon:
        try:

            def ask(name: str, **request: Any) -> dict[str, Any]:
                done = subprocess.run(
                    ["mosquitto_rr", "-p", str(mosquitto.port), "-V", "5", "-q", "1",
                     "-W", "15" if name == "say" else "4",
                     "-t", f"{ROOT}/cmd/{name}", "-e", "desk/1", "-m", json.dumps(request)],
                    capture_output=True, text=True, timeout=30, check=False,
                )  # fmt: skip
                return json.loads(done.stdout) if done.returncode == 0 else {"ok": False, "code": "no answer"}

            assert any(ask("ping")["ok"] for _ in range(15))
            answer = ask("say", text="收到，119")
            assert answer["ok"], answer
            assert ask("say", text="收到", radio="ch9")["code"] == "not_found"
            ask("ping")
        finally:
            daemon.send_signal(signal.SIGTERM)
            told, _ = daemon.communicate(timeout=40)
    seen = json.loads(told.splitlines()[-1])
    assert [was_keyed for was_keyed, _ in seen["said"]] == [True]
    assert (seen["key_ups"], seen["is_keyed"]) == (1, False)
    events = ears.events()
    assert [event["type"] for event in events] == ["radiogateway.transmission.sent"], events
    (sent,) = events
    schema = event_schema("transmission.sent")
    assert list(jsonschema_check.faults(sent, schema, schema)) == []
    assert sent["data"]["transmission_id"] == answer["result"]["transmission_id"]
    assert sent["data"]["duration_s"] == pytest.approx(seen["said"][0][1], abs=0.5)
    kept, _ = soundfile.read(tmp_path / "data" / sent["data"]["audio"]["ref"])
    assert np.abs(kept).max() > 0.05
    states = [m["payload"] for m in ears.messages() if m["topic"] == f"{ROOT}/state/radio/ch1"]
    assert ["transmitting" in str(state) for state in states][-2:] == [True, False]
