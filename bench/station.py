"""A gateway in a folder of its own and a real mosquitto, for the benchmarks of the daemon."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from bench import recordings as sound
from bench.figure import WORK
from gateway.model import RATE_HZ
from gateway.publish.broker import Address, Broker
from gateway.publish.link import BackOff
from gateway.publish.subscribe import Subscriber
from tests.support.mosquitto import Mosquitto

TOPIC_ROOT = "rg/v1/gz/tianhe/bench"
SOURCE = "urn:radio-gateway:gz:tianhe:bench"


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is gone afterwards, on the disk of the checkout."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix="station-", dir=WORK))
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextmanager
def mosquitto(path: Path) -> Iterator[str]:
    """Start the broker the tests use, on a free loopback port; gives its url."""
    with Mosquitto(path / "broker") as broker:
        yield broker.url


def write_config(path: Path, broker_url: str, recordings: Sequence[Path] = ()) -> Path:
    """Write a station of 2,822 units, a radio `silent` that ends at once and a `call-N` per recording."""
    soundfile.write(path / "silence.wav", np.zeros(RATE_HZ, np.int16), RATE_HZ)
    radios = {"silent": path / "silence.wav"} | {f"call-{n}": file for n, file in enumerate(recordings)}
    sound.write_registry(path / "units.csv")
    file = path / "station.toml"
    file.write_text(
        f"""
[gateway]
org = "gz"
district = "tianhe"
id = "bench"
command_post = "指挥中心"
data_dir = "data"
[units]
csv = "units.csv"
[mqtt]
url = "{broker_url}"
"""
        + "".join(
            f'[[radio]]\nid = "{radio}"\n'
            f'source = {{ kind = "wavefile", path = "{file.resolve()}", pace = "fast" }}\n'
            for radio, file in radios.items()
        ),
        encoding="utf-8",
    )
    return file


@dataclass(slots=True)
class Arrivals:
    """When each event arrived at the subscriber, by its sequence number, and the event itself."""

    at_s: dict[int, float] = field(default_factory=dict)
    events: dict[int, dict[str, Any]] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def have(self, sequence: int, timeout_s: float = 60.0) -> float:
        """Wait for an event; return when it came, by time.perf_counter.

        Raises:
            TimeoutError: it did not come.
        """
        await self._until(lambda: sequence in self.at_s, f"event {sequence}", timeout_s)
        return self.at_s[sequence]

    async def from_radio(self, radio: str, quiet_s: float, timeout_s: float = 60.0) -> list[int]:
        """Wait until a radio's events have come and none more for `quiet_s`; return their numbers.

        Raises:
            TimeoutError: none came.
        """
        await self._until(lambda: bool(self._numbers(radio)), f"an event of {radio}", timeout_s)
        while (left_s := self.at_s[self._numbers(radio)[-1]] + quiet_s - time.perf_counter()) > 0:  # noqa: ASYNC110 - news is no sign of quiet
            await asyncio.sleep(left_s)
        return self._numbers(radio)

    def _numbers(self, radio: str) -> list[int]:
        return [n for n in sorted(self.events) if self.events[n]["data"].get("radio") == radio]

    async def _until(self, is_there: Callable[[], bool], what: str, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not is_there():
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            last = max(self.at_s, default=None)
            raise TimeoutError(f"{what} did not come in {timeout_s:.0f} s; the last was {last}") from None


@asynccontextmanager
async def dispatcher(broker_url: str) -> AsyncIterator[Arrivals]:
    """Subscribe to all events of the station, as a dispatcher does."""
    arrivals = Arrivals()
    subscriber = Subscriber(
        Broker(Address.parse(broker_url)), "dispatcher", [f"{TOPIC_ROOT}/evt/#"], back_off=BackOff(0.05, 0.2)
    )

    async def hear() -> None:
        async for received in subscriber:
            assert received.document is not None
            sequence = int(received.document["sequence"])
            arrivals.at_s[sequence] = time.perf_counter()
            arrivals.events[sequence] = received.document
            arrivals.news.set()

    async with subscriber:
        await asyncio.wait_for(subscriber.subscribed(), 20)
        hearing = asyncio.create_task(hear())
        try:
            yield arrivals
        finally:
            hearing.cancel()
