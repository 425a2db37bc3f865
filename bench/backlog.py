"""A broker that comes back after days: how fast the backlog drains, and how long live events wait."""

import asyncio
import time
from pathlib import Path

from bench.ear import Heard, ear
from bench.figure import Figure, Options, Report
from bench.station import SOURCE, TOPIC_ROOT, folder, mosquitto
from gateway.clock import IdSource, SystemClock
from gateway.drafts import fault_event
from gateway.events import Draft
from gateway.faults import OpenFault
from gateway.publish.broker import Address, Broker
from gateway.publish.link import PahoLink
from gateway.publish.pump import BACKLOG_PER_S, Pump
from gateway.store.store import Store
from gateway.timekeeping import ClockReader

WAITING = 100_000
LIVE_EVERY_S = 0.1
GIVE_UP_S = 600.0
TOGETHER = 256


def backlog(_options: Options) -> Report:
    """100,000 events wait; the broker comes back while the station goes on to work."""
    with folder() as where, mosquitto(where) as url:
        return Report(asyncio.run(measure(where / "data", url)))


async def measure(data_dir: Path, url: str, waiting: int = WAITING) -> tuple[Figure, ...]:
    """Let that many wait, connect, and commit live events until the last of the backlog has arrived."""
    clock = SystemClock()
    store = await Store.open(data_dir, SOURCE, clock)
    try:
        await _fill(store, waiting)
        with ear(url, f"{TOPIC_ROOT}/evt/#") as heard:
            link = PahoLink(Broker(Address.parse(url)), TOPIC_ROOT, clock, store.next_session)
            pump = Pump(store.outbox, link, TOPIC_ROOT, clock, window=16)
            started = time.monotonic()
            link.start()
            pump.start()
            try:
                live = await _work_on(store, pump, heard, waiting)
                await heard.until(max(live, default=waiting))
            finally:
                await pump.stop()
                await link.stop()
    finally:
        await store.close()
    took_s = max(at for number, at in heard.at_s.items() if number <= waiting) - started
    lost = waiting + len(live) - len(heard.at_s)
    delays = sorted(heard.at_s[number] - begun for number, begun in live.items())
    replayed = len(heard.replayed & set(range(1, waiting + 1)))
    return (
        Figure.at_most("backlog.lost", lost + waiting - replayed, "events", 0, "not arrived, or not marked"),
        Figure.at_least(
            "backlog.deliveries", waiting / took_s, "/s", 2000,
            f"{waiting} waiting, at most {BACKLOG_PER_S:.0f}/s are let go, connecting included",
        ),
        Figure.at_most(
            "backlog.live_p95", delays[int(0.95 * (len(delays) - 1))] * 1000, "ms", 1000,
            f"{len(delays)} live events meanwhile, commit to subscriber",
            median_ms=round(delays[len(delays) // 2] * 1000, 2), worst_ms=round(delays[-1] * 1000, 2),
        ),
    )  # fmt: skip


async def _work_on(store: Store, pump: Pump, heard: Heard, waiting: int) -> dict[int, float]:
    """Commit live events until all that waited has come; return when each was, by its number."""
    live: dict[int, float] = {}
    deadline = time.monotonic() + GIVE_UP_S
    await heard.until(1)
    while waiting not in heard.at_s and time.monotonic() < deadline:
        await asyncio.sleep(LIVE_EVERY_S)
        begun = time.monotonic()
        (event,) = await store.commit(None, drafts_of(1))
        pump.wake()
        live[int(event.sequence)] = begun
    return live


async def _fill(store: Store, count: int) -> None:
    for first in range(0, count, TOGETHER * 8):
        drafts = drafts_of(min(TOGETHER * 8, count - first))
        await asyncio.gather(*(store.commit(None, drafts[n : n + 8]) for n in range(0, len(drafts), 8)))


def drafts_of(count: int) -> list[Draft]:
    """Events to commit."""
    clock = SystemClock()
    ids, read_clock = IdSource(clock), ClockReader(clock)
    now = clock.now()
    fault = OpenFault("bench", now, "测量", "nothing")
    return [fault_event(ids.new(), "fault", fault, now, read_clock()) for _ in range(count)]
