"""One worker of a group, for tests and measurements: appends each event it handles to a file all share.

`python -m tools.worker URL STATE GROUP FILE` until it gets SIGINT or SIGTERM.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from gateway.watch.lines import json_line
from gateway.watch.watcher import Watcher


async def work(url: str, state: Path, group: str, file: Path) -> None:
    """Handle events until cancelled; one write for a line, so that lines of several workers never mix."""
    lines = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    note = lambda _about, words: print(words, file=sys.stderr, flush=True)  # noqa: E731
    async with Watcher([url], state=state, share=group, on_note=note) as watcher:
        async for event in watcher.work():
            os.write(lines, json_line(event).encode() + b"\n")


async def _until_told() -> None:
    task = asyncio.ensure_future(work(sys.argv[1], Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await asyncio.gather(task, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(_until_told())
