"""One life of the daemon for the crash harness, ended from outside or at a fault point.

    python -m tools.crashlife          scripted lives: reads a JSON line for each from stdin, forks, and
                                       prints the life's process id, then how it ended
    python -m tools.crashlife CONFIG   one life with the real recogniser; RADIO_GATEWAY_DIE_AT counts

A scripted life is the whole daemon but for its ears: a scripted recogniser reads a call's number from the
sound and says the line that belongs to it. Forking spares each life the two seconds that imports and the
lexicon take.
"""

import asyncio
import gc
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import gateway.app
from drivers.registry import SOURCES
from gateway.app import Daemon
from gateway.config import load_config
from gateway.faultpoints import FAULT_POINTS
from gateway.hear.classify import Classification
from gateway.knowledge import build_knowledge, read_lexicon
from gateway.listener import Heard
from gateway.log import configure_log
from gateway.model import Pcm, SoundClass, Transcript, Unit
from tools.crashair import number_of

LINES = (
    "指挥中心,我是华夏A区最小应急单元,3栋楼顶起火,请求消防支援",
    "收到,马上安排消防",
    "千耀酒店3人在岗,一切正常",
    "华夏A区报告,现场有2人受伤,需要120急救",
    "指挥中心,我是碧桂华庭,3栋2单元电梯困人,里面有5个人",
    "收到,马上安排",
    "华夏A区报告,火已扑灭",
    "黄石中学最小应急单元,2人已打卡上岗,情况正常",
    "碧桂华庭报告,人已救出,处置完毕",
)
"""What is said, in turn: incidents open, move and end, and check-ins come between."""


def line_of(number: int) -> str:
    """What call `number` says."""
    return LINES[number % len(LINES)]


class ScriptedRecogniser:
    """Knows what every call says."""

    engine = "scripted"
    model = "scripted"

    def close(self) -> None:
        """Nothing to free."""


class ScriptedListener:
    """Reads the call's number; a rest of a call that is too short for it has no words."""

    recogniser = ScriptedRecogniser()

    def close(self) -> None:
        """Nothing to free."""

    async def __call__(self, audio: Pcm) -> Heard:
        """Listen, as long as a quick machine takes."""
        number = number_of(audio)
        await asyncio.sleep(0.01)
        text = "" if number is None else line_of(number)
        sound = Classification(SoundClass.SPEECH, 0.5, -12.0, 30.0, 0.0)
        return Heard(sound, Transcript(text, text, "scripted", "scripted", 0.01))


class ScriptedDaemon(Daemon):
    """The daemon with scripted ears."""

    async def _load_listener(self) -> Any:
        return ScriptedListener()


async def live(daemon: Daemon) -> None:
    """What `radio-gateway run --exit-when-idle` does."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, daemon.ask_to_stop)
    try:
        await daemon.start()
        await daemon.wait(exit_when_idle=True)
    finally:
        await daemon.stop()


def scripted_life(order: dict[str, Any]) -> None:
    """In the forked child: live, and leave without running the parent's exit handlers."""
    code = 1
    try:
        with Path(order["log"]).open("a", encoding="utf-8", buffering=1) as log:
            os.dup2(log.fileno(), 2)
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
        configure_log("info")
        FAULT_POINTS.arm(order.get("die_at"))
        asyncio.run(live(ScriptedDaemon(load_config(Path(order["config"])))))
        code = 0
    except Exception:  # noqa: BLE001 - whatever it is, a life that fails says why
        traceback.print_exc()
    finally:
        os._exit(code)


def serve() -> None:
    """Fork a life for each line of stdin and tell how it ends. No thread runs here."""
    lexicon = read_lexicon()
    build_knowledge((Unit("u1", "华夏A区"),), "指挥中心", lexicon, str).resolver.resolve("华夏A区", None)
    vars(gateway.app)["read_lexicon"] = lambda _words: lexicon
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            scripted_life(order)
        print(json.dumps({"pid": pid}), flush=True)
        status = _until_dead(pid, order.get("kill_after_s"))
        print(json.dumps({"ended": os.waitstatus_to_exitcode(status)}), flush=True)


def _until_dead(pid: int, kill_after_s: float | None) -> int:
    """Wait for a life's end, or end it; return the status that the kernel gives."""
    if kill_after_s is None:
        return os.waitpid(pid, 0)[1]
    deadline_s = time.monotonic() + kill_after_s
    while (left_s := deadline_s - time.monotonic()) > 0:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        time.sleep(min(left_s, 0.005))
    # Not waited for yet, so the number cannot belong to another process.
    os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


if __name__ == "__main__":
    SOURCES["crashair"] = ("tools.crashair", "CrashAir")
    if len(sys.argv) > 1:
        configure_log("info")
        asyncio.run(live(Daemon(load_config(Path(sys.argv[1])))))
    else:
        serve()
