"""Stands in for gateways towards a broker: the real store, pump, link and command desk, without any radio.

For tests and measurements of the other end: it says numbered events when told to, delivers them at least once
and answers ping and resync, as a gateway does.
"""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

from gateway import __version__
from gateway.clock import IdSource, SystemClock
from gateway.desk import Desk
from gateway.drafts import fault_event
from gateway.events import CloudEvent, Draft
from gateway.faults import OpenFault
from gateway.publish.broker import Address, Broker
from gateway.publish.commandport import CommandPort
from gateway.publish.commands import Gatekeeper
from gateway.publish.link import BackOff, PahoLink
from gateway.publish.pump import Pump
from gateway.publish.resync import Replay
from gateway.store.store import Store
from gateway.timekeeping import ClockReader


class Standin:
    """One gateway's MQTT side. Use from one asyncio loop: `start`, `say`, `stop`."""

    def __init__(
        self, name: str, url: str, folder: Path, *, district: str = "tianhe", back_off_s: float = 0.05
    ) -> None:
        """Make it; `folder` is its data_dir."""
        self.source = f"urn:radio-gateway:gz:{district}:{name}"
        self.root = f"rg/v1/gz/{district}/{name}"
        self._url = url
        self._folder = folder
        self._back_off_s = back_off_s
        self._clock = SystemClock()
        self._ids = IdSource(self._clock)
        self._read_clock = ClockReader(self._clock)

    async def start(self, *, resync_per_s: float = 2_000.0) -> None:
        """Open the store and connect."""
        self.store = await Store.open(self._folder, self.source, self._clock)
        broker = Broker(Address.parse(self._url))
        self._link = PahoLink(
            broker, self.root, self._clock, self.store.next_session,
            back_off=BackOff(self._back_off_s, 4 * self._back_off_s, Random(1)),
            ack_timeout_s=5.0,
        )  # fmt: skip
        self._pump = Pump(
            self.store.outbox, self._link, self.root, self._clock, window=64,
            back_off=BackOff(self._back_off_s, 4 * self._back_off_s, Random(2)),
        )  # fmt: skip
        self._replay = Replay(self.store.events_since, self._link, self.root, per_s=resync_per_s)
        desk = Desk(
            self.store, {}, self._replay, self._clock, __version__,
            reindex=_nothing, on_events=lambda _: None, republish_states=self._pump.republish_states,
        )  # fmt: skip
        known = {name: desk.carriers[name] for name in ("ping", "resync")}
        gatekeeper = Gatekeeper(frozenset(known), per_minute=6_000)
        self._port = CommandPort(self._link, self.root, self.source, self._clock, gatekeeper, known)
        self._link.start()
        self._pump.start()
        self._port.start()

    async def say(self, *words: str) -> list[CloudEvent]:
        """Make a `gateway.fault` event of each word, in one transaction, and have them delivered."""
        now = self._clock.now()
        drafts = [
            fault_event(
                self._ids.new(), "fault", OpenFault(what=word, since=now, message=word, action="none"), now,
                self._read_clock(),
            )
            for word in words
        ]  # fmt: skip
        return await self.commit(drafts)

    async def commit(self, drafts: list[Draft]) -> list[CloudEvent]:
        """Store events of any kind and have them delivered."""
        events = await self.store.commit(None, drafts)
        self._pump.wake()
        return events

    def publish_state(self, suffix: str, document: dict[str, Any] | None) -> None:
        """Tell the broker a retained state document."""
        self._pump.publish_state(suffix, document)

    async def drained(self, timeout_s: float) -> bool:
        """Wait until everything said is delivered."""
        return await self._pump.drained(timeout_s)

    async def stop(self) -> None:
        """Say goodbye."""
        await self._port.stop()
        await self._replay.stop()
        await self._pump.stop()
        await self._link.stop()
        await self.store.close()


async def _nothing() -> None:
    return None


class CuttingProxy:
    """A TCP proxy that cuts every connection through it when told to; `cuts` counts those it cut."""

    def __init__(self, port: int) -> None:
        """Make a proxy to `port` on this machine."""
        self._to = port
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.cuts = 0

    async def start(self) -> str:
        """Listen on a free port and return the address to use instead."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"mqtt://127.0.0.1:{port}"

    def cut(self) -> int:
        """Cut everything that is connected, without a goodbye; return how many connections that were."""
        pairs = len(self._open) // 2
        for writer in list(self._open):
            writer.transport.abort()
        self._open.clear()
        self.cuts += pairs
        return pairs

    async def stop(self) -> None:
        """Listen no more and cut what is left."""
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, far_writer}
        both = [
            asyncio.create_task(self._pass(reader, far_writer)),
            asyncio.create_task(self._pass(far_reader, writer)),
        ]
        self._tasks.update(both)
        for task in both:
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()
