"""How soon PTT is off when the process that pressed it is killed with SIGKILL: `python -m bench.ptt`.

Of the tries, some are whole daemons that a dispatcher's `say` over a real broker has keyed. The others are
small processes that key a CM108 up as the daemon does it (driver, watchdog, key). Each is killed while keyed
at a moment drawn at random. The chip is a pty whose other end sees every report; a CM108
is the worst case, because unlike a serial port's lines the chip's pins stay as they are when a process dies.
The control run shows that: without the watchdog the key stays pressed.
"""

import contextlib
import json
import os
import random
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from bench.figure import ROOT, Figure, Options, Report
from bench.station import folder
from tests.support.keyeddaemon import KeyedDaemon
from tests.support.mosquitto import Mosquitto

TRIES = 200
DAEMONS = 20
"""So many of them are whole daemons."""
SAY = "rg/v1/gz/tianhe/shipai/cmd/say"
ASKED = json.dumps({"text": "各单位注意，现在进行点名，请听到呼叫后立即回答"})
AT_ONCE = 4
LIMIT_S = 1.0
GIVEN_UP_S = 5.0
RELEASED = bytes((0, 0, 0, 4, 0))
KEYED = bytes((0, 0, 4, 4, 0))
KEYER = """
import sys, time
from pathlib import Path
from drivers.registry import make_control
from gateway.speak.watchdog import Watchdog
control = make_control("cm108", {"device": sys.argv[1]}, Path())
control.open()
watchdog = Watchdog()
if sys.argv[2] == "watched":
    watchdog.arm("ch1", control.release(), 60.0)
control.key()
print("keyed", flush=True)
time.sleep(60)
"""


def killed_while_keyed(seed: int, *, is_watched: bool = True) -> float | None:
    """Return how many seconds after SIGKILL the pin was released, None when it never was."""
    master, slave = os.openpty()
    settings = termios.tcgetattr(slave)
    settings[0] = settings[1] = settings[3] = 0
    termios.tcsetattr(slave, termios.TCSANOW, settings)
    os.set_blocking(master, False)
    command = [sys.executable, "-c", KEYER, os.ttyname(slave), "watched" if is_watched else "alone"]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT) as keyer:
            assert keyer.stdout is not None
            keyer.stdout.readline()
            time.sleep(random.Random(seed).uniform(0.0, 0.1))
            reports = os.read(master, 4096)
            if not reports.endswith(KEYED):
                raise RuntimeError(f"not keyed: {reports!r}")
            keyer.kill()
            killed_s = time.monotonic()
        waits_s = GIVEN_UP_S if is_watched else 2 * LIMIT_S
        while time.monotonic() - killed_s < waits_s:
            with contextlib.suppress(BlockingIOError):
                reports += os.read(master, 4096)
            if reports.endswith(RELEASED):
                return time.monotonic() - killed_s
            time.sleep(0.002)
        return None
    finally:
        os.close(master)
        os.close(slave)


def daemons_killed_while_keyed(kills: int) -> list[float | None]:
    """Have as many whole daemons say something, one after the other, and kill each meanwhile."""
    waits: list[float | None] = []
    with folder() as where:
        broker = Mosquitto(where / "broker")
        broker.start()
        try:
            with KeyedDaemon(where, broker.port) as station:
                for seed in range(kills):
                    station.start()
                    with dispatcher(broker.port):
                        station.wait_until_keyed(60.0)
                        time.sleep(random.Random(seed).uniform(0.0, 1.0))
                        if station.is_released():
                            raise RuntimeError("it had said all before it could be killed")
                        released_s = station.kill()
                    waits.append(None if released_s == float("inf") else released_s)
        finally:
            broker.kill()
    return waits


@contextlib.contextmanager
def dispatcher(port: int) -> Iterator[None]:
    """Somebody who has asked the gateway to say something, and waits for the answer."""
    command = ["mosquitto_rr", "-p", str(port), "-V", "5", "-q", "1", "-t", SAY, "-e", "desk/1", "-m", ASKED]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as asking:
        try:
            yield
        finally:
            asking.kill()


def measure(tries: int = TRIES, daemons: int = DAEMONS) -> list[float | None]:
    """Kill as many processes while they are keyed; return how soon each was released."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waits = list(pool.map(killed_while_keyed, range(tries - daemons)))
    return waits + daemons_killed_while_keyed(daemons)


def ptt(_options: Options) -> Report:
    """Give the benchmark's figures."""
    waits = measure()
    in_time = [wait for wait in waits if wait is not None and wait <= LIMIT_S]
    slowest = max((GIVEN_UP_S if wait is None else wait) for wait in waits)
    alone = killed_while_keyed(0, is_watched=False)
    return Report(
        (
            Figure.at_least(
                "transmit.released_within_1_s_of_sigkill", len(in_time), f"of {TRIES}", TRIES,
                f"PTT of a CM108 on a pty, the process killed while keyed; {DAEMONS} are whole daemons",
            ),
            Figure.at_most("transmit.slowest_release_after_sigkill", slowest, "s", LIMIT_S),
            Figure.noted(
                "transmit.released_without_watchdog", alone, "s", "none: a chip holds its pins",
            ),
        )
    )  # fmt: skip


if __name__ == "__main__":
    for figure in ptt(Options()).figures:
        print(f"{figure.name}: {figure.value} {figure.unit} {figure.target or ''}")
