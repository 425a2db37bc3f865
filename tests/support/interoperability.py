"""What a broker supports, found out with the product's own link and subscriber; see docs/integrator.md.

`probe(url)` gives words for each row of the table. Not a test module; loaded with `importlib.util`.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from gateway.errors import GatewayError
from gateway.publish.broker import Address, Broker
from gateway.publish.connection import Connection, Message, Will, connect
from gateway.publish.link import delivery_of

WITHIN_S = 5.0
QUIET_S = 1.5
LARGE_BYTES = 64 * 1024
YES, NO = "yes", "no"


class Probe:
    """One broker; every question uses topics of its own."""

    def __init__(self, url: str) -> None:
        self._broker = Broker(Address.parse(url))
        self._root = f"rg/v1/probe/{uuid4().hex[:8]}"

    async def answers(self) -> dict[str, str]:
        """Every row of the table."""
        asked: dict[str, Callable[[], Awaitable[str]]] = {
            "MQTT": self.version,
            "QoS 1": self.qos_1,
            "64 KiB events": self.large,
            "reason codes in PUBACK": self.reasons,
            "retained, asked for by name": lambda: self.retained("{}/name"),
            "retained, asked for by wildcard": lambda: self.retained("{}/#"),
            "retained, cleared": self.cleared,
            "will": self.will,
            "commands marked as retained": self.marked,
            "session kept while away": self.session,
            "shared subscriptions": self.shared,
        }
        found = {}
        for name, ask in asked.items():
            try:
                found[name] = await ask()
            except GatewayError as error:
                found[name] = f"{NO}: {error}"
        return found

    @contextlib.asynccontextmanager
    async def _open(self, heard: list[Message] | None = None, **more: Any) -> Any:
        name = more.pop("client_id", f"probe-{uuid4().hex[:8]}")
        listen = heard.append if heard is not None else None
        connection = await connect(self._broker, name, on_message=listen, **more)
        try:
            yield connection
        finally:
            await connection.close()

    async def _until(self, holds: Callable[[], bool], within_s: float = WITHIN_S) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not holds():  # noqa: ASYNC110 - it sets no event
                    await asyncio.sleep(0.02)
        return holds()

    async def _put(self, connection: Connection, topic: str, payload: bytes, **more: Any) -> None:
        assert delivery_of(await connection.publish(topic, payload, **more))

    async def version(self) -> str:
        async with self._open() as connection:
            return "5" if connection.is_v5 else "3.1.1"

    async def qos_1(self) -> str:
        return await self._through(b"hello")

    async def large(self) -> str:
        return await self._through(b"x" * LARGE_BYTES)

    async def _through(self, payload: bytes) -> str:
        heard: list[Message] = []
        topic = f"{self._root}/one/{len(payload)}"
        async with self._open(heard) as connection:
            await connection.subscribe(topic)
            await self._put(connection, topic, payload)
            came = await self._until(lambda: bool(heard))
        return YES if came and heard[0].payload == payload else NO

    async def reasons(self) -> str:
        """Whether a publisher learns that nobody listens (0x10), the one reason to be had."""
        async with self._open() as connection:
            code = await connection.publish(f"{self._root}/nobody", b"x", content_type="text/plain")
        return YES if code else NO

    async def retained(self, pattern: str) -> str:
        root = f"{self._root}/kept{len(pattern)}"
        heard: list[Message] = []
        async with self._open() as connection:
            await self._put(connection, f"{root}/name", b"state", retain=True)
        async with self._open(heard) as connection:
            await connection.subscribe(pattern.format(root))
            came = await self._until(lambda: bool(heard))
        return YES if came and heard[0].retained else NO

    async def cleared(self) -> str:
        heard: list[Message] = []
        topic = f"{self._root}/cleared"
        async with self._open() as connection:
            await self._put(connection, topic, b"state", retain=True)
            await self._put(connection, topic, b"", retain=True)
        async with self._open(heard) as connection:
            await connection.subscribe(topic)
            await asyncio.sleep(QUIET_S)
        return NO if any(message.payload for message in heard) else YES

    async def will(self) -> str:
        heard: list[Message] = []
        topic = f"{self._root}/will"
        async with self._open(heard) as listener:
            await listener.subscribe(topic)
            async with self._open(will=Will(topic, b"offline")) as gateway:
                # no goodbye: as when the power fails
                gateway._client.socket().shutdown(socket.SHUT_RDWR)
                came = await self._until(lambda: bool(heard))
        return YES if came else NO

    async def marked(self) -> str:
        """Whether a command published retained can be told from others when it comes at once."""
        heard: list[Message] = []
        async with self._open(heard) as listener, self._open() as other:
            await listener.subscribe(f"{self._root}/cmd/#", as_published=True)
            await self._put(other, f"{self._root}/cmd/ping", b"{}", retain=True)
            came = await self._until(lambda: bool(heard))
            await self._put(other, f"{self._root}/cmd/ping", b"", retain=True)
        return YES if came and heard[0].retained else NO

    async def session(self) -> str:
        heard: list[Message] = []
        topic, name = f"{self._root}/session", f"probe-{uuid4().hex[:8]}"
        async with self._open(client_id=name, session_expiry_s=600) as connection:
            await connection.subscribe(topic)
        async with self._open() as other:
            await self._put(other, topic, b"while you were away")
        async with self._open(heard, client_id=name, session_expiry_s=600) as connection:
            came = await self._until(lambda: bool(heard))
        return YES if came else NO

    async def shared(self) -> str:
        one: list[Message] = []
        two: list[Message] = []
        topic = f"{self._root}/shared"
        async with self._open(one) as first, self._open(two) as second, self._open() as other:
            if not first.is_v5:
                return f"{NO} (3.1.1)"
            for connection in (first, second):
                await connection.subscribe(f"$share/probe/{topic}")
            for number in range(10):
                await self._put(other, topic, str(number).encode())
            await self._until(lambda: len(one) + len(two) >= 10)
            await asyncio.sleep(0.2)
        return YES if len(one) + len(two) == 10 and one and two else NO


def probe(url: str) -> dict[str, str]:
    """Ask a broker everything."""

    async def ask() -> dict[str, str]:
        return await Probe(url).answers()

    return asyncio.run(ask())


def documented(page: str, broker: str) -> dict[str, str]:
    """Read a broker's column of the table in docs/integrator.md."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if "|" in line
    ]
    head = next(row for row in rows if any(cell.startswith("mosquitto 2") for cell in row))
    column = next(at for at, cell in enumerate(head) if cell.startswith(broker))
    body = rows[rows.index(head) + 2 :]
    return {row[0]: row[column] for row in body if len(row) == len(head)}
