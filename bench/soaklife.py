"""One long life of the daemon for `bench.soak`: `python -m bench.soaklife station.toml WITHIN_S`.

Prints a line of JSON every few seconds: how many calls it has heard, and what it holds; and a last one when
the daemon has stopped in good order.
"""

import asyncio
import gc
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from bench.idle import resident_kib
from gateway.app import Daemon
from gateway.config import load_config
from gateway.hear.classify import Classification
from gateway.listener import Heard
from gateway.log import configure_log
from gateway.model import Pcm, SoundClass, Transcript
from tools.crashair import number_of
from tools.crashlife import ScriptedRecogniser

SAMPLED_EVERY_S = 5.0
LINES = (
    "指挥中心,我是华夏A区最小应急单元,3栋楼顶起火,请求消防支援",
    "收到,马上安排消防",
    "千耀酒店3人在岗,一切正常",
    "华夏A区报告,现场有2人受伤,需要120急救",
    "华夏A区报告,火已扑灭,处置完毕",
    "各单元注意,现在开始点名",
    "指挥中心呼叫华夏A区,听到请回答",
    "华夏A区收到,在岗3人,一切正常,装备齐全",
    "指挥中心呼叫千耀酒店,听到请回答",
    "千耀酒店收到,在岗3人,一切正常",
    "指挥中心呼叫黄石中学,听到请回答",
    "黄石中学收到,在岗2人,一切正常",
    "点名结束",
    "指挥中心,我是碧桂华庭,3栋2单元电梯困人,里面有5个人",
    "碧桂华庭报告,人已救出,处置完毕",
    "云山小学门口有人打架,请派人过来",
    "收到,马上派人",
    "云山小学报告,打架的人已经离开,处置完毕",
)
"""A shift's talk, said again and again: incidents open, move and end, and a roll-call is held between."""


class SoakListener:
    """Reads the call's number from its sound and says the line that belongs to it."""

    recogniser = ScriptedRecogniser()

    def __init__(self) -> None:
        self.heard = 0

    def close(self) -> None:
        """Nothing to free."""

    async def __call__(self, audio: Pcm) -> Heard:
        """Listen, in no time."""
        number = number_of(audio)
        self.heard += 1
        text = "" if number is None else LINES[number % len(LINES)]
        sound = Classification(SoundClass.SPEECH, 0.5, -12.0, 30.0, 0.0)
        return Heard(sound, Transcript(text, text, "scripted", "scripted", 0.01))


class SoakDaemon(Daemon):
    """The daemon with scripted ears."""

    ears = SoakListener()

    async def _load_listener(self) -> Any:
        return self.ears


def held(heard: int, began_s: float) -> dict[str, Any]:
    """What the process holds now."""
    gc.collect()
    return {
        "at_s": round(time.monotonic() - began_s, 1),
        "heard": heard,
        "resident_kib": resident_kib(),
        # The loop starts its pool's workers on demand, up to a bound: more of them is no leak.
        "threads": sum(not thread.name.startswith("asyncio_") for thread in threading.enumerate()),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "tasks": len(asyncio.all_tasks()),
        "objects": len(gc.get_objects()),
    }


def _tell(word: str, what: dict[str, Any]) -> None:
    print(json.dumps({"is": word} | what), flush=True)


async def live(config: Path, within_s: float) -> None:
    """Live until all calls are heard and sent, or the time is over."""
    began_s = time.monotonic()
    _tell("before", held(0, began_s))
    daemon = SoakDaemon(load_config(config))

    async def sample() -> None:
        while True:
            await asyncio.sleep(SAMPLED_EVERY_S)
            _tell("sample", held(daemon.ears.heard, began_s))

    sampling = asyncio.create_task(sample(), name="sampling")
    try:
        await daemon.start()
        _tell("listening", held(0, began_s))
        try:
            await asyncio.wait_for(daemon.wait(exit_when_idle=True), within_s)
        except TimeoutError:
            daemon.ask_to_stop()
    finally:
        await daemon.stop()
        sampling.cancel()
        await asyncio.gather(sampling, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_default_executor()
    _tell("after", held(daemon.ears.heard, began_s))


if __name__ == "__main__":
    configure_log("error")
    asyncio.run(live(Path(sys.argv[1]), float(sys.argv[2])))
