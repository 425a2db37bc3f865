"""The crash harness: kill the daemon again and again, and hold what was said against what came out.

A station is one gateway with a data folder of its own. It lives many short lives; each hears a few calls on
a virtual radio and is ended by SIGKILL, at a moment drawn or at a named step, and at last one that ends in
good order. Then everything is compared: the calls that were read from the air, the files and the database
left behind, and what a subscriber at a real mosquitto received.

    python -m tools.crashes --kills 200 --workers 2 [--real 5]
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import paho.mqtt.client as mqtt
import soundfile
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from gateway.faultpoints import ENVIRONMENT, STEPS
from gateway.model import RATE_HZ
from tools.crashair import numbered
from tools.crashjudge import Judge, Verdict

ROOT = Path(__file__).parents[1]
CALLS_PER_LIFE = 3
KILLS_PER_STATION = 40
REAL_PER_STATION = 10
GAP_S = 0.6
FIRST_AT_S = 1.1
"""The segmenter holds the first second back until it knows the noise floor."""
LIFE_WITHIN_S = 60.0
REAL_LIFE_WITHIN_S = 900.0
"""On a machine that is busy with other things a decode may take a minute."""
QUIET_S = 0.4
OFTEN = {"frame.appended": 25, "published.before_puback": 8, "commit.before": 12, "commit.after": 12}
"""Steps that are passed many times in a life: the fatal time is drawn from 1 to this."""
Keep = Callable[[str, Verdict], None]


class Listener:
    """A subscriber that is not ours: plain paho, every message kept as it came."""

    def __init__(self, port: int, topics: str) -> None:
        self.messages: list[tuple[str, bytes, bool]] = []
        self.last_at_s = time.monotonic()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id="ears-" + topics.rpartition("/")[2],
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        subscribed = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe(f"{topics}/#", qos=1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not subscribed.wait(10):
            raise RuntimeError("the subscriber was not let in")

    def _hear(self, _client: object, _user: object, message: mqtt.MQTTMessage) -> None:
        self.messages.append((message.topic, bytes(message.payload), message.retain))
        self.last_at_s = time.monotonic()

    def events(self) -> list[dict[str, Any]]:
        """Every event as it came, repeats too."""
        return [json.loads(payload) for topic, payload, _ in list(self.messages) if "/evt/" in topic]

    def retained(self) -> dict[str, bytes]:
        """The last state told on each topic, those cleared left out."""
        states = {topic: payload for topic, payload, _ in list(self.messages) if "/state/" in topic}
        return {topic: payload for topic, payload in states.items() if payload}

    def until_quiet(self, quiet_s: float = QUIET_S) -> None:
        """Wait until nothing has come for a while."""
        while time.monotonic() - self.last_at_s < quiet_s:
            time.sleep(0.02)

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()


class Zygote:
    """A process that has imported everything and forks scripted lives."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools.crashlife"], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    def live(self, order: dict[str, Any]) -> int:
        """Let one life be lived; return how it ended: an exit code, or minus a signal's number."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        pid = int(json.loads(stdout.readline())["pid"])
        # A life that hangs is a finding, and must not stop the harness.
        watch = threading.Timer(LIFE_WITHIN_S, lambda: os.kill(pid, signal.SIGABRT))
        watch.start()
        try:
            return int(json.loads(stdout.readline())["ended"])
        finally:
            watch.cancel()

    def close(self) -> None:
        """End the process; no life is under way."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.close()
        self._process.wait(timeout=10)
        stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class Doom:
    """How a life is to end: after a time, or at a step, or not at all."""

    after_s: float | None = None
    at: str | None = None

    @property
    def name(self) -> str:
        """What it counts as."""
        return self.at.partition(":")[0] if self.at else "any moment" if self.after_s is not None else "none"


def draw_doom(chance: random.Random, number: int, longest_s: float) -> Doom:
    """Every third life ends at a moment drawn, the others step by step through the list."""
    if number % 3 == 0:
        return Doom(after_s=chance.uniform(0.0, longest_s))
    step = STEPS[(number - number // 3 - 1) % len(STEPS)]
    once = step.startswith(("st", "link")) and step != "state.published"
    return Doom(at=f"{step}:{1 if once else chance.randint(1, OFTEN.get(step, 3))}")


class Station:
    """One gateway, its folder, its calls and its subscriber."""

    def __init__(
        self, folder: Path, port: int, name: str, chance: random.Random, speech: list[Path] | None = None
    ) -> None:
        self.folder = folder
        self.name = name
        self._chance = chance
        self._speech = speech
        self._next_call = chance.randrange(0x1000)
        self._first_call = self._next_call
        (folder / "calls").mkdir(parents=True)
        self.config = folder / "station.toml"
        self.config.write_text(
            f"""
[gateway]
org = "gz"
district = "tianhe"
id = "{name}"
command_post = "指挥中心"
data_dir = "data"
[units]
csv = "{folder / "units.csv"}"
[mqtt]
url = "mqtt://127.0.0.1:{port}"
[recognise]
engine = "whisper"
[[radio]]
id = "ch1"
[radio.source]
kind = "crashair"
radio = "{name}"
script = "air.toml"
pace = "fast"
chunk_s = 0.02
said = "said"
[radio.control]
kind = "virtual"
radio = "{name}"
[radio.squelch]
kind = "carrier"
""",
            encoding="utf-8",
        )
        units = (ROOT / "tests" / "data" / "units.csv").read_text(encoding="utf-8").splitlines()
        (folder / "units.csv").write_text("\n".join(units[:13]) + "\n", encoding="utf-8")
        self.listener = Listener(port, f"rg/v1/gz/tianhe/{name}")
        self.verdict = Verdict()

    def put_on_air(self, calls: int) -> None:
        """Write the script of the next life, with calls nobody has heard yet."""
        script, at_s = ["noise_dbfs = -80.0"], FIRST_AT_S
        for number in range(self._next_call, self._next_call + calls):
            sound = self._sound(number)
            soundfile.write(self.folder / "calls" / f"{number}.wav", sound, RATE_HZ, subtype="PCM_16")
            script += [
                "[[call]]",
                f"at_s = {at_s}",
                f'file = "calls/{number}.wav"',
                "lead_s = 0.06",
                "tail_s = 0.06",
            ]
            at_s += round(len(sound) / RATE_HZ + 0.12 + GAP_S, 2)
        self._next_call += calls
        (self.folder / "air.toml").write_text("\n".join(script) + "\n", encoding="utf-8")

    def _sound(self, number: int) -> np.ndarray:
        if self._speech is None:
            return numbered(number)
        speech, _ = soundfile.read(self._speech[number % len(self._speech)], dtype="int16")
        return np.concatenate([numbered(number, 2), speech])

    def live(self, doom: Doom, zygote: Zygote | None, calls: int = CALLS_PER_LIFE) -> int:
        """Live one life and note how it ended."""
        self.put_on_air(calls)
        self.verdict.lives += 1
        ended = self._fork(doom, zygote) if zygote is not None else self._spawn(doom)
        if ended == -signal.SIGKILL:
            self.verdict.kills += 1
            self.verdict.real_kills += zygote is None
            self.verdict.killed_at[doom.name] += 1
        elif ended != 0:
            self.verdict.wrong.append(f"{self.name}: a life ended with {ended}: {self._log_end()}")
        return ended

    def _fork(self, doom: Doom, zygote: Zygote) -> int:
        order = {"config": str(self.config), "log": str(self.folder / "log"), "die_at": doom.at}
        return zygote.live({**order, "kill_after_s": doom.after_s})

    def _spawn(self, doom: Doom) -> int:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)} | ({ENVIRONMENT: doom.at} if doom.at else {})
        with (self.folder / "log").open("a", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tools.crashlife", str(self.config)],
                cwd=ROOT,
                stderr=log,
                env=environment,
            )
            try:
                return process.wait(doom.after_s if doom.after_s is not None else REAL_LIFE_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL if doom.after_s is not None else signal.SIGABRT)
                return process.wait()

    def _log_end(self) -> str:
        return " | ".join((self.folder / "log").read_text(encoding="utf-8").splitlines()[-6:])

    def judge(self) -> Verdict:
        """Compare everything, after a life that ended in good order."""
        self.listener.until_quiet()
        self.listener.close()
        aired = range(self._first_call, self._next_call)
        Judge(self.name, self.folder, aired, self.verdict, is_scripted=self._speech is None).judge(
            self.listener.events(), self.listener.retained()
        )
        return self.verdict


def run_station(folder: Path, port: int, name: str, kills: int, seed: str, zygote: Zygote | None) -> Verdict:
    """Live until a number of kills is reached, then once in good order, and judge."""
    chance = random.Random(seed)
    speech = sorted((ROOT / "tests" / "data" / "calls").glob("scripted-*.flac")) if zygote is None else None
    station = Station(folder, port, name, chance, speech)
    drawn = chance.randrange(1000)
    longest_s = 0.35 if zygote is not None else 12.0
    calls = CALLS_PER_LIFE if zygote is not None else 2
    while station.verdict.kills < kills and station.verdict.lives < 3 * kills + 10:
        drawn += 1
        ended = station.live(draw_doom(chance, drawn, longest_s), zygote, calls)
        if ended not in {0, -signal.SIGKILL}:
            break
    station.live(Doom(), zygote, calls=1)
    return station.judge()


def run_crashes(
    kills: int, *, workers: int = 1, real: int = 0, seed: str = "crash", folder: Path, port: int,
    tell: Callable[[str], None] = lambda _: None, per_station: int = KILLS_PER_STATION,
    done: Mapping[str, Verdict] = MappingProxyType({}), keep: Keep = lambda _name, _verdict: None,
) -> Verdict:  # fmt: skip
    """Kill a number of lives, `real` of them with the real recogniser, against the broker on `port`.

    Stations that are in `done` are not lived again; `keep` is given each other one as it ends.
    """
    whole = Verdict()
    for verdict in done.values():
        whole.add(verdict)
    adding = threading.Lock()

    def take(names: list[tuple[str, int]], zygote: Zygote | None) -> None:
        for name, share in names:
            one = run_station(folder / name, port, name, share, f"{seed}-{name}", zygote)
            with adding:
                whole.add(one)
                keep(name, one)
                tell(f"{name}: {whole}")
                for sentence in (*one.lost, *one.wrong):
                    tell(f"  FOUND {sentence}")
            if not one.lost and not one.wrong:
                shutil.rmtree(folder / name)

    def take_scripted(names: list[tuple[str, int]]) -> None:
        with Zygote() as zygote:
            take(names, zygote)

    jobs = [job for job in _shares("crash", kills, per_station) if job[0] not in done]
    with ThreadPoolExecutor(workers) as pool:
        for worker in [pool.submit(take_scripted, jobs[one::workers]) for one in range(workers)]:
            worker.result()
    take([job for job in _shares("crash-real", real, REAL_PER_STATION) if job[0] not in done], None)
    return whole


def _shares(name: str, kills: int, each: int) -> list[tuple[str, int]]:
    """Stations that together take so many kills, the last one what is left over."""
    shares = [each] * (kills // each) + [kills % each] * bool(kills % each)
    return [(f"{name}-{number}", share) for number, share in enumerate(shares)]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--real", type=int, default=0, help="that many more with the real recogniser")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", default=str(time.time_ns()))
    parser.add_argument("--folder", type=Path, help="kept; a temporary one otherwise")
    asked = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from bench.station import mosquitto  # noqa: PLC0415 - the broker that tests and benchmarks use

    folder = asked.folder or Path(tempfile.mkdtemp(prefix="crashes-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"seed {asked.seed}, in {folder}", flush=True)
    with mosquitto(folder) as url:
        verdict = run_crashes(
            asked.kills, workers=asked.workers, real=asked.real, seed=asked.seed, folder=folder,
            port=int(url.rpartition(":")[2]), tell=lambda line: print(line, flush=True),
        )  # fmt: skip
    print(verdict)
    for step, count in sorted(verdict.killed_at.items()):
        print(f"  {count:5d} {step}")
    return 1 if verdict.lost or verdict.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
