"""Every command and every event of docs/integrator.md, against a real broker and a gateway's MQTT side."""

import asyncio
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.station import mosquitto
from gateway.cli.main import main
from gateway.publish.asyncapi import event_schema
from tests.support import jsonschema_check
from tools.standin import Standin

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "integrator.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE)
EVENTS = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
RUN = [sys.executable, "-c", "from gateway.cli.main import main; main()"]


@pytest.mark.parametrize("event", EVENTS, ids=[event["type"] for event in EVENTS])
def test_the_events_shown_keep_the_contract(event: dict[str, Any]) -> None:
    schema = event_schema(event["type"].removeprefix("radiogateway."))
    assert list(jsonschema_check.faults(event, schema, schema)) == []


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.startswith("radio-gateway schema")])
def test_the_schema_is_printed(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(command)[1:])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)


@pytest.mark.broker
def test_watching_and_asking_work_as_shown(tmp_path: Path) -> None:
    watches = [one for one in COMMANDS if one.startswith("radio-gateway watch")]
    asks = [one for one in COMMANDS if one.startswith("mosquitto_rr")]
    assert len(watches) == 4
    assert len(asks) == 1
    assert len(COMMANDS) == len(watches) + len(asks) + 2

    async def start(command: str, port: str) -> asyncio.subprocess.Process:
        words = shlex.split(command.replace("1883", port))
        if words[0] == "radio-gateway":
            words = [*RUN, *words[1:], "--count", "1"]
        return await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, cwd=tmp_path)

    async def life(url: str) -> list[str]:
        gateway = Standin("shipai", url, tmp_path / "gateway")
        await gateway.start()
        programs: list[asyncio.subprocess.Process] = []
        ended: list[asyncio.Future[tuple[bytes, bytes]]] = []
        try:
            async with asyncio.timeout(60.0):
                # It subscribes before it sends; an order to a gateway that is not there is lost.
                await gateway.say("hello")
                assert await gateway.drained(20.0)
                programs = [await start(one, url.rpartition(":")[2]) for one in [*watches, *asks]]
                ended = [asyncio.ensure_future(one.communicate()) for one in programs]
                while not all(one.done() for one in ended):
                    await gateway.say("hello")
                    await asyncio.wait(ended, timeout=0.3)
                assert [one.returncode for one in programs] == [0] * len(programs)
        finally:
            for one in programs:
                if one.returncode is None:
                    one.kill()
            await asyncio.gather(*ended, return_exceptions=True)
            await gateway.stop()
        return [one.result()[0].decode() for one in ended]

    with mosquitto(tmp_path) as url:
        terminal, lines, sheet, worker, answer = asyncio.run(life(url))
    assert "hello" in terminal
    assert json.loads(lines.splitlines()[0])["type"] == "radiogateway.gateway.fault"
    assert ",gateway.fault,hello," in sheet
    assert json.loads(worker)["specversion"] == "1.0"
    told = json.loads(answer)
    assert (told["id"], told["ok"]) == ("a-17", True)
