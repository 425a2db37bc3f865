"""The example in the README, run as it stands there."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.mosquitto import Mosquitto
from tools.standin import Standin

pytestmark = pytest.mark.broker
ROOT = Path(__file__).parents[2]


def test_the_twenty_lines_of_the_readme_do_what_they_say(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    example = tmp_path / "example.py"
    example.write_text(code, encoding="utf-8")

    async def life(url: str) -> str:
        gateway = Standin("g1", url, tmp_path / "g1")
        await gateway.start()
        program = await asyncio.create_subprocess_exec(
            sys.executable, example, url, tmp_path / "desk.db", stdout=subprocess.PIPE, cwd=ROOT
        )
        assert program.stdout is not None
        try:
            async with asyncio.timeout(60.0):
                # the program needs its time to start; what is said before is before its first event
                line = asyncio.create_task(program.stdout.readline())
                while not line.done():
                    await gateway.say("squelch")
                    await asyncio.wait({line}, timeout=0.5)
            return line.result().decode()
        finally:
            program.terminate()
            await program.communicate()
            await gateway.stop()

    with Mosquitto(tmp_path / "broker") as broker:
        assert asyncio.run(life(broker.url)).split() == [
            "urn:radio-gateway:gz:tianhe:g1", "squelch", "squelch",
        ]  # fmt: skip
