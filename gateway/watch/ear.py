"""One broker's ear: a connection that is made again whenever it ends; everything that comes is handed on."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from gateway.errors import GatewayError
from gateway.publish.broker import Broker
from gateway.publish.connection import Connection, LinkDown, Message, Refused, connect
from gateway.publish.link import BackOff


class Ear:
    """Subscribes to `filters` for as long as it runs. All on one asyncio loop.

    `on_trouble` is told in words why there is no connection, None when there is one again.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        filters: Sequence[str],
        *,
        on_message: Callable[[Message], None],
        on_trouble: Callable[[str | None], None],
        back_off: BackOff | None = None,
    ) -> None:
        """Make an ear; it hears nothing before `start`."""
        self.broker = broker
        self._client_id = client_id
        self._filters = tuple(filters)
        self._on_message = on_message
        self._on_trouble = on_trouble
        self._back_off = back_off or BackOff()
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_connected(self) -> bool:
        """True while subscribed."""
        return self._connection is not None

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._task = asyncio.create_task(self._run(), name=f"ear-{self.broker.address}")

    async def stop(self) -> None:
        """Say goodbye. May be called twice."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send at QoS 1 and wait for the broker.

        Raises:
            LinkDown: there is no connection, or it ended first.
        """
        if self._connection is None:
            raise LinkDown(f"{self.broker.address}: not connected")
        await self._connection.publish(topic, payload, retain=retain, content_type="application/json")

    async def _run(self) -> None:
        while True:
            try:
                connection = await connect(self.broker, self._client_id, on_message=self._on_message)
                try:
                    self._can_share(connection)
                    await connection.subscribe(*self._filters)
                    self._back_off.reset()
                    self._connection = connection
                    self._on_trouble(None)
                    self._on_trouble(await connection.ended)
                finally:
                    self._connection = None
                    with contextlib.suppress(GatewayError):
                        await connection.close()
            except GatewayError as error:
                self._on_trouble(str(error))
            await asyncio.sleep(self._back_off.next_s())

    def _can_share(self, connection: Connection) -> None:
        """Without MQTT 5 a shared filter is the name of a topic on which nothing ever comes."""
        if not connection.is_v5 and any(name.startswith("$share/") for name in self._filters):
            raise Refused(
                f"{self.broker.address}: speaks MQTT 3.1.1 only and cannot divide events among workers; "
                "give each worker gateways of its own with --root, or use a broker with MQTT 5"
            )
