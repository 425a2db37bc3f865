"""Store, publishing, start and memory of the daemon."""

import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.figure import ROOT, Figure, Options, Report
from bench.idle import resident_kib
from bench.station import SOURCE, TOPIC_ROOT, dispatcher, folder, mosquitto, write_config
from gateway.clock import IdSource, SystemClock
from gateway.drafts import fault_event
from gateway.events import Draft
from gateway.faults import OpenFault
from gateway.publish.broker import Address, Broker
from gateway.publish.link import PahoLink
from gateway.publish.pump import Pump
from gateway.store.store import Store
from gateway.timekeeping import ClockReader

COMMITS = 300
GROUPED = 3_000
SIDE_BY_SIDE = 64
DELIVERIES = 2_000
MODEL_WITHIN_S = 120.0
RUN = "from gateway.cli.main import main; main()"
"""What the `radio-gateway` command does, of this checkout whatever is installed."""


def store_and_publish(_options: Options) -> Report:
    """Durable commits of one event each, and the outbox emptied to mosquitto and a subscriber."""
    with folder() as where, mosquitto(where) as url:
        return Report(asyncio.run(_store_and_publish(where / "data", url)))


async def _store_and_publish(data_dir: Path, url: str) -> tuple[Figure, ...]:
    clock = SystemClock()
    store = await Store.open(data_dir, SOURCE, clock)
    try:
        drafts = _drafts(COMMITS + GROUPED)
        started = time.perf_counter()
        for draft in drafts[:COMMITS]:
            await store.commit(None, [draft])
        alone_s = time.perf_counter() - started
        started = time.perf_counter()
        for first in range(COMMITS, len(drafts), SIDE_BY_SIDE):
            await asyncio.gather(*(store.commit(None, [d]) for d in drafts[first : first + SIDE_BY_SIDE]))
        grouped_s = time.perf_counter() - started
        delivered_s, count = await _deliver(store, clock, url)
        live_ms = await _live(store, clock, url)
    finally:
        await store.close()
    return (
        Figure.noted("store.commits", COMMITS / alone_s, "/s", "one after the other, each on the disk"),
        Figure.noted(
            "store.commits_side_by_side", GROUPED / grouped_s, "/s", f"{SIDE_BY_SIDE} wait together"
        ),
        Figure.noted(
            "publish.deliveries", count / delivered_s, "/s",
            f"{count} events from the outbox to a subscriber, window 16, connecting included",
        ),
        Figure.noted(
            "publish.commit_to_subscriber.median", live_ms, "ms", "a single event, store to subscriber"
        ),
    )  # fmt: skip


async def _deliver(store: Store, clock: SystemClock, url: str) -> tuple[float, int]:
    last = await store.last_sequence()
    async with dispatcher(url) as arrivals:
        link, pump = _sender(store, clock, url)
        started = time.perf_counter()
        link.start()
        pump.start()
        try:
            arrived = await arrivals.have(last, 120)
            missing = last - len(arrivals.at_s)
            if missing:
                raise RuntimeError(f"{missing} of {last} events did not arrive")
        finally:
            await pump.stop()
            await link.stop()
    return arrived - started, last


async def _live(store: Store, clock: SystemClock, url: str) -> float:
    """Milliseconds from the call of commit to the subscriber, median."""
    took_ms: list[float] = []
    async with dispatcher(url) as arrivals:
        link, pump = _sender(store, clock, url)
        link.start()
        pump.start()
        try:
            for draft in _drafts(51):
                started = time.perf_counter()
                (event,) = await store.commit(None, [draft])
                pump.wake()
                took_ms.append((await arrivals.have(int(event.sequence)) - started) * 1000)
        finally:
            await pump.stop()
            await link.stop()
    return sorted(took_ms)[len(took_ms) // 2]


def _sender(store: Store, clock: SystemClock, url: str) -> tuple[PahoLink, Pump]:
    link = PahoLink(Broker(Address.parse(url)), TOPIC_ROOT, clock, store.next_session)
    return link, Pump(store.outbox, link, TOPIC_ROOT, clock, window=16)


def _drafts(count: int) -> list[Draft]:
    clock = SystemClock()
    ids, read_clock = IdSource(clock), ClockReader(clock)
    now = clock.now()
    return [
        fault_event(ids.new(), "fault", OpenFault(f"bench/{n}", now, "测量", "nothing"), now, read_clock())
        for n in range(count)
    ]


def start_and_memory(_options: Options) -> Report:
    """How soon the daemon listens after its process began, and how much memory it holds."""
    with folder() as where, mosquitto(where) as url:
        config = write_config(where, url)
        first = _idle(config)
        idle = _idle(config)
        listening_s, ready_s, loaded_kib = _with_model(config)
    return Report((
        Figure.noted(
            "start.listening_first", first.listening_s, "s", "without the model; imports 2,822 units"
        ),
        Figure.at_most(
            "start.listening", idle.listening_s, "s", 2, "without the model; the registry is known"
        ),
        Figure.noted("start.indexed", idle.indexed_s, "s", "until 2,822 units can be told apart"),
        Figure.noted("start.listening_while_loading", listening_s, "s", "`run`, model loads meanwhile"),
        Figure.noted("start.model_ready", ready_s, "s", "`run` until words can be read"),
        Figure.at_most(
            "memory.without_model", idle.settled_kib / 1024, "MiB", 90, "resident, 2,822 units",
            when_listening_mib=round(idle.listening_kib / 1024, 1),
        ),
        Figure.noted("memory.with_model", loaded_kib / 1024, "MiB", "resident, before the first decode"),
    ))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Idle:
    """How soon and how big a daemon without a model was."""

    listening_s: float
    indexed_s: float
    listening_kib: int
    settled_kib: int


def _idle(config: Path) -> _Idle:
    started = time.perf_counter()
    command = [sys.executable, "-m", "bench.idle", str(config)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline().split()
        listening_s = time.perf_counter() - started
        indexed = process.stdout.readline()
        indexed_s = time.perf_counter() - started
        last = process.stdout.readline().split()
    if not first or not indexed or not last:
        raise RuntimeError(f"the daemon did not start: exit {process.returncode}")
    return _Idle(listening_s, indexed_s, int(first[1]), int(last[1]))


def _with_model(config: Path) -> tuple[float, float, int]:
    started = time.perf_counter()
    command = [sys.executable, "-c", RUN, "run", "-c", str(config)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            seen = _wait_for(process.stderr, ("listening", "speech model ready"), started)
            memory_kib = resident_kib(process.pid)
        finally:
            process.terminate()
            process.communicate(timeout=30)
    return seen["listening"], seen["speech model ready"], memory_kib


def _wait_for(lines: IO[str], words: tuple[str, ...], started: float) -> dict[str, float]:
    """When each of the words was first logged, in seconds since `started`."""
    seen: dict[str, float] = {}
    for line in lines:
        at_s = time.perf_counter() - started
        for word in words:
            if f" {word} " in f"{line.rstrip()} ":
                seen.setdefault(word, at_s)
        if len(seen) == len(words):
            return seen
        if at_s > MODEL_WITHIN_S:
            break
    raise RuntimeError(f"the daemon logged only {sorted(seen)} of {words}")
