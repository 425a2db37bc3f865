"""A dispatcher in a process of its own, as it is at a station: `python -m bench.ear URL TOPICS`.

Prints `ready`, then a line for each event that comes: its number, when by the monotonic clock, which all
processes share, and 1 when it was marked as sent late.
"""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.figure import ROOT
from gateway.publish.broker import Address, Broker
from gateway.publish.subscribe import Subscriber


@dataclass(slots=True)
class Heard:
    """When each event came, by its number, in the seconds of time.monotonic; and which were marked late."""

    at_s: dict[int, float] = field(default_factory=dict)
    replayed: set[int] = field(default_factory=set)

    async def until(self, sequence: int, timeout_s: float = 60.0) -> None:
        """Wait for an event. Raises TimeoutError when it does not come."""
        async with asyncio.timeout(timeout_s):
            while sequence not in self.at_s:  # noqa: ASYNC110 - another thread fills it
                await asyncio.sleep(0.005)


@contextmanager
def ear(url: str, topics: str) -> Iterator[Heard]:
    """Run the process while the block lasts."""
    heard = Heard()
    command = [sys.executable, "-m", "bench.ear", url, topics]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the dispatcher's process did not subscribe")

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                number, at_s, late = line.split()
                heard.at_s.setdefault(int(number), float(at_s))
                if late == "1":
                    heard.replayed.add(int(number))

        reading = threading.Thread(target=read, name="ear")
        reading.start()
        try:
            yield heard
        finally:
            process.terminate()
            reading.join()


async def main(url: str, topics: str) -> None:
    """Tell what comes until killed."""
    async with Subscriber(Broker(Address.parse(url)), "dispatcher", [topics]) as subscriber:
        await asyncio.wait_for(subscriber.subscribed(), 20)
        print("ready", flush=True)
        async for received in subscriber:
            assert received.document is not None
            late = int(received.document["data"]["replayed"])
            print(int(received.document["sequence"]), time.monotonic(), late, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
