"""A district: 21 gateways with 2,702 units, one broker or a cluster, one dispatcher or several workers."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.figure import ROOT, Figure, Options, Report
from bench.station import folder, mosquitto
from gateway.log import configure_log
from gateway.watch.watcher import Watcher
from tests.support import interoperability
from tests.support.brokers import CLUSTERS
from tools.fleet import Fleet, Judgement, judge

INCIDENTS = 30
WORKERS = 3


def measure(options: Options) -> Report:
    """The whole district against mosquitto, by a dispatcher and by a group of workers."""
    configure_log("error")
    each = None if options.every == 1 else max(2, 130 // options.every)
    with folder() as where, mosquitto(where) as url:
        one, many, took_s = asyncio.run(hold(where, lambda _: url, [url], units_each=each, workers=WORKERS))
    assert many is not None
    return Report((
        Figure.at_most("fleet.lost_doubled_or_disordered", one.wrong, "events", 0, **_told(one)),
        Figure.at_most("fleet.workers_lost_doubled_or_disordered", many.wrong, "events", 0, **_told(many)),
        Figure.at_least("fleet.incidents", one.incidents, "incidents", INCIDENTS),
        Figure.noted("fleet.events", one.events, "events", f"of 21 gateways in one process, {took_s:.0f} s"),
    ))  # fmt: skip


def measure_clusters(options: Options) -> Report:
    """The same district against the broker clusters that Debian has; one that is not installed is noted."""
    configure_log("error")
    each = max(2, 20 // options.every)
    figures = []
    for kind in CLUSTERS:
        name = f"fleet.{kind.name.lower()}.lost_doubled_or_disordered"
        if (why := kind.missing()) is not None:
            figures.append(Figure.noted(name, None, "events", why))
            continue
        with folder() as where, kind(where / "cluster", 3) as cluster:
            urls = cluster.urls
            wrong = _not_as_documented(kind.name, urls[0])
            # the dispatcher hears of one node what gateways say on all
            one, _, took_s = asyncio.run(
                hold(where, lambda n, urls=urls: urls[n % len(urls)], urls[:1], units_each=each)  # type: ignore[misc]
            )
        figures += [
            Figure.at_most(name, one.wrong, "events", 0, f"3 nodes, {took_s:.0f} s", **_told(one)),
            Figure.at_most(f"fleet.{kind.name.lower()}.not_as_documented", len(wrong), "rows", 0, **wrong),
        ]
    return Report(tuple(figures))


def _not_as_documented(broker: str, url: str) -> dict[str, str]:
    """Rows of the table in docs/integrator.md that the product's own link finds otherwise."""
    told = interoperability.documented((ROOT / "docs" / "integrator.md").read_text(encoding="utf-8"), broker)
    return {row: found for row, found in interoperability.probe(url).items() if told.get(row) != found}


def _told(judged: Judgement) -> dict[str, Any]:
    return {
        "events": judged.events, "lost": judged.lost, "doubled": judged.doubled,
        "out_of_order": judged.out_of_order, "revisions_out_of_order": judged.revisions_out_of_order,
        "incidents": judged.incidents, "rollcalls_finished": judged.called, "kinds": dict(judged.kinds),
    }  # fmt: skip


async def hold(
    where: Path,
    url: Callable[[int], str],
    dispatcher: Sequence[str],
    *,
    gateways: int = 21,
    units_each: int | None = None,
    incidents: int = INCIDENTS,
    workers: int = 0,
    within_s: float = 300.0,
) -> tuple[Judgement, Judgement | None, float]:
    """Hold it; return what a dispatcher got, what `workers` processes got together (if any), and how long."""
    began = time.monotonic()
    got: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        worked = stack.enter_context(working(where, dispatcher[0], workers)) if workers else None
        async with (
            following(dispatcher, where / "desk.db", got),
            Fleet(url, where, gateways, units_each) as fleet,
        ):
            said = await fleet.hold(incidents)
            deadline = time.monotonic() + within_s
            while time.monotonic() < deadline:
                had = len({one["id"] for one in worked()}) if worked is not None else len(said)
                if len(got) >= len(said) and had >= len(said):
                    break
                await asyncio.sleep(0.5)
        many = judge(worked(), said, by_source=False) if worked is not None else None
    return judge(got, said), many, time.monotonic() - began


@contextlib.asynccontextmanager
async def following(urls: Sequence[str], state: Path, got: list[dict[str, Any]]) -> AsyncIterator[None]:
    """A dispatcher with the product's library that writes down what it is given."""

    async def read(watcher: Watcher) -> None:
        async for event in watcher.follow("desk"):
            got.append(event)  # noqa: PERF401 - what has come is looked at while more comes

    async with Watcher(list(urls), state=state) as watcher:
        reader = asyncio.create_task(read(watcher))
        while not watcher.is_connected:  # noqa: ASYNC110 - it sets no event
            await asyncio.sleep(0.05)
        try:
            yield
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)


@contextlib.contextmanager
def working(where: Path, url: str, count: int) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Workers of one group in processes of their own; gives what they handled, in the order they did."""
    log = where / "worked.jsonl"
    command = [sys.executable, "-m", "tools.worker", url, str(where / "workers.db"), "desk", str(log)]
    with contextlib.ExitStack() as stack:
        log.touch()
        processes = []
        for number in range(count):
            aside = stack.enter_context((where / f"worker{number}").open("wb"))
            processes.append(subprocess.Popen(command, stderr=aside, cwd=ROOT))
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and not all(
                "connected" in (where / f"worker{n}").read_text("utf-8") for n in range(count)
            ):
                time.sleep(0.1)
            yield lambda: [json.loads(line) for line in log.read_text("utf-8").splitlines(keepends=True)
                           if line.endswith("\n")]  # fmt: skip
        finally:
            for process in processes:
                process.send_signal(signal.SIGINT)
            for process in processes:
                process.wait(timeout=30)
