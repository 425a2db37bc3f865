"""An event's life, written and synced, read, acknowledged, deleted, beside persist-queue's ack queue."""

import asyncio
import json
import subprocess
import time
from pathlib import Path

from bench.backlog import drafts_of
from bench.figure import ROOT, Figure, Options, Report
from bench.station import SOURCE, folder
from gateway.clock import SystemClock
from gateway.store.store import Store

EVENTS = 4_000
THEIRS = 500
TOGETHER = 128
PEER = ROOT / ".venv-tools" / "bin" / "python"
PEER_RUN = """
import json, sys, time
from persistqueue import SQLiteAckQueue
folder, count, document = sys.argv[1], int(sys.argv[2]), sys.argv[3]
queue = SQLiteAckQueue(folder, auto_commit=True)
begun = time.perf_counter()
for _ in range(count):
    queue.put(document)
for _ in range(count):
    queue.ack(queue.get(block=False))
queue.clear_acked_data(max_delete=count, keep_latest=0)
print(json.dumps(count / (time.perf_counter() - begun)))
"""


def event_life(_options: Options) -> Report:
    """Both three times in turn, so that a busy machine slows both; the best of each counts."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(3):
        with folder() as where:
            rate, document = asyncio.run(_ours(where / "data"))
            ours.append(rate)
            peer = _theirs(where / "peer", document)
            theirs += [] if peer is None else [peer]
    figures = [Figure.noted("event_life.ours", max(ours), "/s", "commit FULL, read, acknowledge, delete")]
    if theirs:
        figures += [
            Figure.noted("event_life.persist_queue", max(theirs), "/s", "SQLiteAckQueue: put, get, ack"),
            Figure.at_least("event_life.ratio", max(ours) / max(theirs), "x", 5.0, "side by side"),
        ]
    else:
        figures.append(Figure.noted("event_life.ratio", None, "x", "no persist-queue in .venv-tools"))
    return Report(tuple(figures))


async def _ours(data_dir: Path) -> tuple[float, str]:
    store = await Store.open(data_dir, SOURCE, SystemClock())
    try:
        drafts = drafts_of(EVENTS)
        begun = time.perf_counter()
        emptying = asyncio.create_task(_empty(store))
        for first in range(0, EVENTS, TOGETHER):
            await asyncio.gather(*(store.commit(None, [one]) for one in drafts[first : first + TOGETHER]))
        await emptying
        took_s = time.perf_counter() - begun
        (event,) = await store.events_since(0, 1)
        return EVENTS / took_s, event.to_json()
    finally:
        await store.close()


async def _empty(store: Store) -> None:
    """Read and forget what is there, as the pump does, until all has come and gone."""
    gone = 0
    while gone < EVENTS:
        rows = await store.outbox.next_batch(256)
        if rows:
            await store.outbox.delivered([row.position for row in rows])
            gone += len(rows)
        else:
            await asyncio.sleep(0.001)


def _theirs(where: Path, document: str) -> float | None:
    command = [str(PEER), "-c", PEER_RUN, str(where), str(THEIRS), document]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return float(json.loads(done.stdout))
