"""The other end: how many events a second a dispatcher takes, and whether cut connections cost any."""

import asyncio
import json
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from bench.figure import Figure, Options, Report
from gateway.log import configure_log
from gateway.publish.link import BackOff
from gateway.watch.memory import Memory
from gateway.watch.watcher import BATCH, Watcher
from tests.support.mosquitto import Mosquitto
from tools.standin import CuttingProxy, Standin

EVENTS = 50_000
REPEATED = 0.2
CUTS = 1_000
TARGET_PER_S = 5_000


def measure(options: Options) -> Report:
    """All figures of this topic."""
    del options
    with tempfile.TemporaryDirectory() as folder:
        per_s, repeats = take_rate(Path(folder) / "watch.db")
    with tempfile.TemporaryDirectory() as folder:
        over_broker = asyncio.run(broker_rate(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        told = asyncio.run(disconnects(Path(folder), CUTS))
    return Report((
        Figure.at_least("dispatcher.events_per_cpu_s", per_s, "events/s", TARGET_PER_S),
        Figure.noted("dispatcher.repeats_dropped", repeats, "events"),
        Figure.at_least("dispatcher.events_per_cpu_s_over_mosquitto", over_broker, "events/s", TARGET_PER_S),
        Figure.noted("dispatcher.disconnects", told["cuts"], "cuts"),
        Figure.noted("dispatcher.events_over_disconnects", told["said"], "events"),
        Figure.at_most("dispatcher.lost_over_disconnects", told["lost"], "events", 0),
        Figure.at_most("dispatcher.doubled_over_disconnects", told["doubled"], "events", 0),
    ))  # fmt: skip


def documents(count: int, seed: int = 1) -> list[bytes]:
    """Incident updates of 21 gateways of about 1.5 KB, one in five of them sent twice."""
    rng = Random(seed)
    made: list[bytes] = []
    numbers = dict.fromkeys((f"urn:radio-gateway:gz:tianhe:g{k:02d}" for k in range(21)), 0)
    for _ in range(count):
        source = rng.choice(list(numbers))
        numbers[source] += 1
        made.append(_incident(source, numbers[source], rng))
        if rng.random() < REPEATED:
            made.append(made[-rng.randint(1, min(len(made), 200))])
    return made


def _incident(source: str, number: int, rng: Random) -> bytes:
    incident = str(UUID(int=rng.randrange(300), version=4))
    text = "指挥中心，我是华夏A区最小应急单元，六号楼发生火灾，请求消防支援" * 3
    event = {
        "specversion": "1.0", "id": f"{source}/{number}", "source": source,
        "type": "radiogateway.incident.updated", "subject": incident,
        "time": "2026-05-01T08:00:00+08:00", "datacontenttype": "application/json",
        "dataschema": "urn:radio-gateway:schema:incident.updated:1", "sequence": f"{number:020d}",
        "data": {
            "incident_id": incident, "revision": number, "phase": "open", "severity": "Severe",
            "evidence": [{"transmission_id": "t", "text": text, "raw": text, "confidence": 0.5}] * 2,
        },
    }  # fmt: skip
    return json.dumps(event, ensure_ascii=False).encode()


def take_rate(path: Path) -> tuple[float, int]:
    """Events a CPU second: read, repeats dropped, committed to SQLite, given to a consumer."""
    batch = documents(EVENTS)
    with Memory(path) as memory:
        began = time.process_time()
        repeats = new = position = seen = 0
        for at in range(0, len(batch), BATCH):
            taken = memory.take(batch[at : at + BATCH])
            new += taken.new
            repeats += taken.repeats
            while rows := memory.after(position):
                position, seen = rows[-1][0], seen + len(rows)
            memory.move_cursor("desk", position)
        spent_s = time.process_time() - began
    assert new == seen == EVENTS
    return round(len(batch) / spent_s), repeats


async def broker_rate(folder: Path, count: int = 20_000) -> float:
    """Events a CPU second of this process when they come from a real mosquitto, MQTT and all."""
    batch = documents(count, seed=2)
    with _mosquitto(folder, "max_queued_messages 0", "max_inflight_messages 0") as broker:
        async with Watcher([broker.url], state=folder / "watch.db", repair=False) as watcher:
            stream = watcher.follow("desk")
            await _until(lambda: watcher.is_connected, 30.0)
            feed = folder / "events.jsonl"
            feed.write_bytes(b"\n".join(batch) + b"\n")
            with feed.open("rb") as lines:
                sender = await asyncio.create_subprocess_exec(
                    "mosquitto_pub", "-p", str(broker.port), "-q", "1", "-l", "-t",
                    "rg/v1/gz/tianhe/g00/evt/incident/updated", stdin=lines,
                )  # fmt: skip
                began = time.process_time()
                for _ in range(count):
                    await anext(stream)
                spent_s = time.process_time() - began
                await sender.wait()
            await stream.aclose()
    return round(len(batch) / spent_s)


async def disconnects(
    folder: Path, cuts: int, *, gateways: int = 3, seed: int = 7, within_s: float = 900.0
) -> dict[str, int]:
    """Cut gateways and dispatcher off at random, and end the dispatcher now and then; count what it lacks."""
    rng = Random(seed)
    configure_log("error")
    with _mosquitto(folder) as broker:
        far, near = CuttingProxy(broker.port), CuttingProxy(broker.port)
        far_url, near_url = await far.start(), await near.start()
        standins = [Standin(f"g{k}", far_url, folder / f"g{k}") for k in range(gateways)]
        for standin in standins:
            await standin.start()
        said: set[tuple[str, str]] = set()
        got: list[tuple[str, str]] = []
        reader = _Reader(near_url, folder / "watch.db", got)
        try:
            await reader.start()
            await _until(lambda: reader.is_connected, 30.0)
            # the first event of each: what was before a dispatcher's first is not its business
            for standin in standins:
                said |= _names(await standin.say("begin"))
            await _until(lambda: len(got) >= gateways, 30.0)
            deadline = time.monotonic() + within_s
            while far.cuts + near.cuts < cuts and time.monotonic() < deadline:
                for standin in standins:
                    if rng.random() < 0.7:
                        said |= _names(await standin.say(*(["word"] * rng.randint(1, 5))))
                await asyncio.sleep(rng.uniform(0.0, 0.15))
                (far if rng.random() < 0.5 else near).cut()
                if rng.random() < 0.02:
                    await reader.stop()
                    await reader.start()
            for standin in standins:
                await standin.drained(60.0)
            await _until(lambda: len(set(got)) >= len(said), 120.0)
        finally:
            await reader.stop()
            for standin in standins:
                await standin.stop()
            await far.stop()
            await near.stop()
    lost = len(said - set(got))
    return {
        "cuts": far.cuts + near.cuts,
        "said": len(said),
        "lost": lost,
        "doubled": len(got) - len(set(got)),
    }


class _Reader:
    """A dispatcher that writes down what it is given, and can be ended and begun again."""

    def __init__(self, url: str, state: Path, got: list[tuple[str, str]]) -> None:
        self._url, self._state, self._got = url, state, got
        self._task: asyncio.Task[None] | None = None
        self._watcher: Watcher | None = None

    @property
    def is_connected(self) -> bool:
        return self._watcher is not None and self._watcher.is_connected

    async def start(self) -> None:
        self._task = asyncio.create_task(self._read())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _read(self) -> None:
        watcher = Watcher(
            [self._url], state=self._state, grace_s=0.05, check_every_s=5.0,
            back_off=lambda: BackOff(0.05, 0.2),
        )  # fmt: skip
        self._watcher = watcher
        async with watcher:
            stream = watcher.follow("desk")
            try:
                async for event in stream:
                    self._got.append((event["source"], event["id"]))
            finally:
                await stream.aclose()


def _names(events: list[Any]) -> set[tuple[str, str]]:
    return {(event.source, event.id) for event in events}


async def _until(holds: Any, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds() and time.monotonic() < deadline:  # noqa: ASYNC110 - whatever `holds` looks at sets no event
        await asyncio.sleep(0.05)


def _mosquitto(folder: Path, *extra: str) -> Any:
    return Mosquitto(folder / "broker", extra)
