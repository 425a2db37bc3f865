"""A real daemon whose radio is keyed by a CM108 that is a pty: its other end sees every report to the chip.

Nothing is ever heard, so the speech model is not loaded: a daemon starts in a second or two.
"""

import contextlib
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

KEYED, RELEASED = bytes((0, 0, 4, 4, 0)), bytes((0, 0, 0, 4, 0))
COMMAND = Path(sys.executable).with_name("radio-gateway")
ROOT = Path(__file__).parents[2]
DAEMON = """
import asyncio, signal, sys
from pathlib import Path
from gateway.app import Daemon
from gateway.config import load_config

class Deaf(Daemon):
    async def _load_listener(self):
        await asyncio.Event().wait()

async def run():
    daemon = Deaf(load_config(Path(sys.argv[1])))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, daemon.ask_to_stop)
    try:
        await daemon.start()
        await daemon.wait()
    finally:
        await daemon.stop()

asyncio.run(run())
"""


class KeyedDaemon:
    """One station in a folder. `sink` "virtual" plays in real time; use as a context manager."""

    def __init__(self, folder: Path, port: int) -> None:
        self.data = folder / "data"
        self.config = folder / "station.toml"
        self._master, self._slave = os.openpty()
        settings = termios.tcgetattr(self._slave)
        settings[0] = settings[1] = settings[3] = 0
        termios.tcsetattr(self._slave, termios.TCSANOW, settings)
        os.set_blocking(self._master, False)
        self._reports = b""
        self._log = (folder / "daemon.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None
        self.config.write_text(
            f"""
[gateway]
org = "gz"
district = "tianhe"
id = "shipai"
command_post = "指挥中心"
data_dir = "{self.data}"
[units]
csv = "{ROOT / "tests" / "data" / "units.csv"}"
[mqtt]
url = "mqtt://127.0.0.1:{port}"
[speak]
voices = ["espeak"]
[[radio]]
id = "ch1"
source = {{ kind = "virtual" }}
sink = {{ kind = "virtual" }}
control = {{ kind = "cm108", device = "{os.ttyname(self._slave)}" }}
""",
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        os.close(self._master)
        os.close(self._slave)
        self._log.close()

    def start(self) -> None:
        """Start the daemon and wait until it takes commands."""
        before = self._told().count("broker connected")
        self._process = subprocess.Popen(
            [sys.executable, "-c", DAEMON, str(self.config)],
            cwd=ROOT, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.wait_until(lambda: self._told().count("broker connected") > before, 60.0)
        time.sleep(0.3)

    def wait_until_keyed(self, seconds: float) -> None:
        """Wait for PTT."""
        self.wait_until(lambda: self._last() == KEYED, seconds)

    def kill(self) -> float:
        """Kill the daemon with SIGKILL; return after how many seconds PTT was off, infinite for never."""
        assert self._process is not None
        killed_s = time.monotonic()
        self._process.kill()
        try:
            self.wait_until(self.is_released, 5.0)
        except TimeoutError:
            return float("inf")
        finally:
            self._process.wait()
            self._process = None
        return time.monotonic() - killed_s

    def is_released(self) -> bool:
        """Whether the last report released the key."""
        return self._last() == RELEASED

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Raise TimeoutError with the daemon's log when it does not come to be."""
        deadline_s = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline_s:
                raise TimeoutError(self._told()[-3000:])
            time.sleep(0.01)

    def _told(self) -> str:
        return Path(self._log.name).read_text(encoding="utf-8")

    def _last(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            self._reports += os.read(self._master, 4096)
        return self._reports[-5:]
