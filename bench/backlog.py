"""A broker that comes back after days: how fast the backlog drains, and how long live events wait."""

import asyncio
import time
from pathlib import Path

from bench.figure import Figure, Options, Report
from bench.station import SOURCE, TOPIC_ROOT, dispatcher, folder, mosquitto
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
        async with dispatcher(url) as arrivals:
            link = PahoLink(Broker(Address.parse(url)), TOPIC_ROOT, clock, store.next_session)
            pump = Pump(store.outbox, link, TOPIC_ROOT, clock, window=16)
            started = time.perf_counter()
            link.start()
            pump.start()
            try:
                await link.connected()
                await arrivals.have(1)
                live: dict[int, float] = {}
                while waiting not in arrivals.at_s:
                    await asyncio.sleep(LIVE_EVERY_S)
                    begun = time.perf_counter()
                    (event,) = await store.commit(None, drafts_of(1))
                    pump.wake()
                    live[int(event.sequence)] = begun
                    if begun - started > 600:
                        break
                took_s = max(at for number, at in arrivals.at_s.items() if number <= waiting) - started
                for number in live:
                    await arrivals.have(number)
            finally:
                await pump.stop()
                await link.stop()
    finally:
        await store.close()
    lost = waiting + len(live) - len(arrivals.at_s)
    delays = sorted(arrivals.at_s[number] - begun for number, begun in live.items())
    replayed = sum(arrivals.events[n]["data"]["replayed"] for n in range(1, waiting + 1))
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
