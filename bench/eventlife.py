"""An event's life, written and synced, read, acknowledged, deleted, beside persist-queue's ack queue.

Both keep the same document of some 700 bytes, in WAL mode with synchronous FULL, and every call returns when
what it did is durable. Ours has 128 callers at once, who share a sync, and a pump that reads and deletes
beside them; it also numbers and indexes each event and keeps it for resync. The peer takes one item a call
and commits each put, get and ack under one lock, so that it has no use for more callers. `one_at_a_time` is
ours with a single caller that waits for each event before it writes the next.
"""

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
    alone: list[float] = []
    theirs: list[float] = []
    for _ in range(3):
        with folder() as where:
            rate, document = asyncio.run(_ours(where / "data", EVENTS, TOGETHER))
            ours.append(rate)
            alone.append(asyncio.run(_ours(where / "alone", THEIRS, 1))[0])
            peer = _theirs(where / "peer", document)
            theirs += [] if peer is None else [peer]
    figures = [
        Figure.noted("event_life.ours", max(ours), "/s", f"{TOGETHER} callers: commit, read, ack, delete"),
        Figure.noted("event_life.one_at_a_time", max(alone), "/s", "the same with one caller"),
    ]
    if theirs:
        figures += [
            Figure.noted("event_life.persist_queue", max(theirs), "/s", "SQLiteAckQueue: put, get, ack"),
            Figure.at_least("event_life.ratio", max(ours) / max(theirs), "x", 5.0, "ours with 128 callers"),
        ]
    else:
        figures.append(Figure.noted("event_life.ratio", None, "x", "no persist-queue in .venv-tools"))
    return Report(tuple(figures))


async def _ours(data_dir: Path, count: int, together: int) -> tuple[float, str]:
    store = await Store.open(data_dir, SOURCE, SystemClock())
    try:
        drafts = drafts_of(count)
        begun = time.perf_counter()
        emptying = asyncio.create_task(_empty(store, count))
        for first in range(0, count, together):
            await asyncio.gather(*(store.commit(None, [one]) for one in drafts[first : first + together]))
        await emptying
        took_s = time.perf_counter() - begun
        (event,) = await store.events_since(0, 1)
        return count / took_s, event.to_json()
    finally:
        await store.close()


async def _empty(store: Store, count: int) -> None:
    """Read and forget what is there, as the pump does, until all has come and gone."""
    gone = 0
    while gone < count:
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
