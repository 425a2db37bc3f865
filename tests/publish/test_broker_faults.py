"""What a network and a broker can do to a gateway, through a proxy that misbehaves: nothing is lost.

Other broker faults are tried where their parts are: absent, restarted, killed, an ACL's no and a gateway that
starts again in test_delivery.py; a refused login, an untrusted certificate, packets too large, nobody who
listens and brokers without MQTT 5 in test_link.py.
"""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from gateway.clock import SystemClock
from gateway.events import Draft
from gateway.publish.broker import Address, Broker
from gateway.publish.link import BackOff, LinkState, PahoLink
from gateway.publish.pump import Pump
from gateway.store import Store

pytestmark = pytest.mark.broker
SOURCE = "urn:radio-gateway:gz:tianhe:shipai"
ROOT = "rg/v1/gz/tianhe/shipai"
PUBACK = 0x40
MakeBroker = Callable[..., Any]
MakeDraft = Callable[..., Draft]


class Proxy:
    """Stands between gateway and broker. What it does to the bytes may be changed at any time."""

    def __init__(self, port: int) -> None:
        self._broker_port = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_deaf = False
        """True: nothing goes through in either direction, and nobody is told: a half-open connection."""
        self.delay_s = 0.0
        self.swallow: int | None = None
        """A packet type of the broker's that is lost once; the connection breaks with it."""
        self.rewrite: Callable[[bytes], bytes] = bytes
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"mqtt://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._broker_port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy(reader, far_writer, lambda data: data))
                group.create_task(self._copy(far_reader, writer, self._from_broker))
        except* (ConnectionError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            far_writer.close()

    async def _copy(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        change: Callable[[bytes], bytes],
    ) -> None:
        while data := await reader.read(4096):
            if self.is_deaf:
                await asyncio.Event().wait()
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            writer.write(change(data))
            await writer.drain()
        raise EOFError

    def _from_broker(self, data: bytes) -> bytes:
        if self.swallow is not None and any(kind == self.swallow for kind, _ in packets(data)):
            self.swallow = None
            raise ConnectionResetError
        return self.rewrite(data)


def packets(data: bytes) -> list[tuple[int, bytes]]:
    """Cut what the broker sends into packets; short ones, whose length is one byte."""
    found = []
    while data:
        length = 2 + data[1]
        found.append((data[0] & 0xF0, data[:length]))
        data = data[length:]
    return found


@asynccontextmanager
async def sending(
    data_dir: Path, url: str, **link_options: Any
) -> AsyncIterator[tuple[Store, PahoLink, Pump]]:
    clock = SystemClock()
    store = await Store.open(data_dir, SOURCE, clock)
    more = link_options.pop("broker", {})
    broker = Broker(Address.parse(url), keepalive_s=5, connect_timeout_s=2.0, **more)
    link = PahoLink(broker, ROOT, clock, store.next_session, back_off=BackOff(0.05, 0.2), **link_options)
    pump = Pump(store.outbox, link, ROOT, clock, back_off=BackOff(0.05, 0.1))
    link.start()
    pump.start()
    try:
        yield store, link, pump
    finally:
        await pump.stop(0.2)
        await link.stop()
        await store.close()


async def until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - polls a thread's or a process's doing
            await asyncio.sleep(0.02)


async def commit(store: Store, pump: Pump, make_draft: MakeDraft, count: int) -> None:
    await asyncio.gather(*(store.commit(None, [make_draft()]) for _ in range(count)))
    pump.wake()


def test_a_connection_that_is_half_open_is_left_and_nothing_is_lost(
    tmp_path: Path, make_broker: MakeBroker, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        async with (
            Proxy(make_broker().port) as proxy,
            sending(tmp_path / "data", proxy.url, ack_timeout_s=0.5) as (store, link, pump),
        ):
            await asyncio.wait_for(link.connected(), 20)
            await commit(store, pump, make_draft, 20)
            assert await pump.drained(20)
            proxy.is_deaf = True
            await commit(store, pump, make_draft, 20)
            await asyncio.wait_for(link.disconnected(), 20)
            assert "no acknowledgement" in (link.state.trouble or "")
            proxy.is_deaf = False
            assert await pump.drained(30)
            assert pump.counts.delivered >= 40

    asyncio.run(scenario())


def test_an_acknowledgement_that_is_lost_has_the_event_sent_again(
    tmp_path: Path, make_broker: MakeBroker, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        async with (
            Proxy(make_broker().port) as proxy,
            sending(tmp_path / "data", proxy.url) as (
                store,
                link,
                pump,
            ),
        ):
            await asyncio.wait_for(link.connected(), 20)
            await asyncio.sleep(0.2)
            for _ in range(3):
                proxy.swallow = PUBACK
                await commit(store, pump, make_draft, 10)
                await until(lambda: proxy.swallow is None)
            assert await pump.drained(30)
            assert proxy.connections >= 4
            assert pump.counts.delivered >= 30
            assert (await store.outbox.counts()).waiting == 0

    asyncio.run(scenario())


def test_a_slow_broker_is_waited_for_and_live_events_pass_the_backlog(
    tmp_path: Path, make_broker: MakeBroker, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        async with Proxy(make_broker().port) as proxy:
            store = await Store.open(tmp_path / "data", SOURCE, SystemClock())
            await asyncio.gather(*(store.commit(None, [make_draft()]) for _ in range(200)))
            await store.close()
            proxy.delay_s = 0.05
            async with sending(tmp_path / "data", proxy.url) as (store, link, pump):
                await asyncio.wait_for(link.connected(), 20)
                await until(lambda: pump.counts.delivered >= 5)
                (live,) = await store.commit(None, [make_draft()])
                pump.wake()
                while any(  # noqa: ASYNC110 - polls the outbox
                    int(live.sequence) == entry.sequence for entry in await store.outbox.list(500)
                ):
                    await asyncio.sleep(0.02)
                left = (await store.outbox.counts()).waiting
                assert left > 20, "the backlog is not over when the live event is delivered"
                proxy.delay_s = 0.0
                assert await pump.drained(60)
                assert pump.counts.delivered == 201

    asyncio.run(scenario())


def test_a_broker_over_its_quota_is_offered_the_same_again(
    tmp_path: Path, make_broker: MakeBroker, make_draft: MakeDraft
) -> None:
    refused: list[bytes] = []

    def over_quota(data: bytes) -> bytes:
        changed = b""
        for kind, packet in packets(data):
            if kind == PUBACK and len(refused) < 5:
                refused.append(packet)
                changed += bytes((PUBACK, 4)) + packet[2:4] + bytes((0x97, 0))
            else:
                changed += packet
        return changed

    async def scenario() -> None:
        async with (
            Proxy(make_broker().port) as proxy,
            sending(tmp_path / "data", proxy.url) as (
                store,
                link,
                pump,
            ),
        ):
            await asyncio.wait_for(link.connected(), 20)
            await asyncio.sleep(0.2)
            proxy.rewrite = over_quota
            await commit(store, pump, make_draft, 10)
            assert await pump.drained(30)
            assert len(refused) == 5
            assert pump.counts.put_off >= 1
            assert pump.counts.set_aside == 0

    asyncio.run(scenario())


def test_two_gateways_with_one_id_are_told(tmp_path: Path, make_broker: MakeBroker) -> None:
    async def scenario() -> list[LinkState]:
        broker = make_broker()
        states: list[LinkState] = []
        async with (
            sending(tmp_path / "one", broker.url, on_change=states.append) as (_, first, _),
            contextlib.AsyncExitStack() as second,
        ):
            await asyncio.wait_for(first.connected(), 20)
            assert not first.has_rival
            await second.enter_async_context(sending(tmp_path / "two", broker.url))
            await until(lambda: first.has_rival)
        return states

    states = asyncio.run(scenario())
    assert any("does a second gateway run with the same" in (state.trouble or "") for state in states)


def test_a_certificate_that_is_not_yet_valid_names_the_clock_and_nothing_is_lost(
    tmp_path: Path, make_broker: MakeBroker, make_draft: MakeDraft
) -> None:
    """A box that boots without network time takes every certificate for one from the future."""
    make_certificates(tmp_path)

    async def scenario() -> str | None:
        broker = make_broker(*(f"{name}file {tmp_path}/{file}" for name, file in TLS_FILES))
        url = broker.url.replace("mqtt://", "mqtts://")
        options = {"ca_file": tmp_path / "ca.pem"}
        async with sending(tmp_path / "data", url, broker=options) as (store, link, pump):
            await commit(store, pump, make_draft, 3)
            await until(lambda: "not yet valid" in (link.state.trouble or ""))
            assert (await store.outbox.counts()).waiting == 3
            return link.state.trouble

    assert "this machine's clock" in (asyncio.run(scenario()) or "")


TLS_FILES = (("ca", "ca.pem"), ("cert", "server.pem"), ("key", "server.key"))


def make_certificates(folder: Path) -> None:
    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "9999", "-subj", "/CN=ca")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1")
    (folder / "ca.conf").write_text(
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nnew_certs_dir=.\nserial=serial\ndefault_md=sha256\n"
        "policy=p\nx509_extensions=x\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=IP:127.0.0.1\n"
    )
    (folder / "index").touch()
    (folder / "serial").write_text("01\n")
    openssl(
        *("ca", "-batch", "-config", "ca.conf", "-in", "server.csr", "-out", "server.pem"),
        *("-cert", "ca.pem", "-keyfile", "ca.key", "-startdate", "20400101000000Z"),
        *("-enddate", "20450101000000Z"),
    )
