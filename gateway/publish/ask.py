"""Asks a running gateway something over its broker, and hears what happens there meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, Self
from uuid import uuid4

from gateway.errors import Unavailable
from gateway.publish.broker import Broker
from gateway.publish.connection import Connection, connect
from gateway.publish.subscribe import Received, Subscriber

ANSWER_WITHIN_S: Final = 15.0


class Asker:
    """One caller. Use as `async with Asker(...) as asker`, then `ask`, and `async for` what happens.

    `hears` are topics under the root, such as `evt/rollcall/#`; what comes there while an answer is waited
    for is kept.
    """

    def __init__(self, broker: Broker, root: str, hears: Sequence[str] = ()) -> None:
        self._broker = broker
        self._root = root
        self._me = f"ask-{uuid4().hex[:12]}"
        filters = [f"{root}/rsp/{self._me}", *(f"{root}/{topic}" for topic in hears)]
        self._subscriber = Subscriber(broker, f"{self._me}-hears", filters)
        self._incoming = aiter(self._subscriber)
        self._kept: list[Received] = []
        self._connection: Connection | None = None

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            Refused: the broker cannot be reached or does not let us in.
        """
        self._connection = await connect(self._broker, self._me)
        await self._subscriber.__aenter__()
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await self._subscriber.subscribed()
        except TimeoutError:
            await self.__aexit__()
            raise Unavailable(f"{self._broker.address}: does not let us subscribe; check its ACL") from None
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._subscriber.__aexit__()
        if self._connection is not None:
            await self._connection.close()

    async def ask(
        self, name: str, request: Mapping[str, Any], *, within_s: float = ANSWER_WITHIN_S
    ) -> dict[str, Any]:
        """Send a command and return the answer, done or refused.

        Raises:
            Unavailable: nobody answered within `within_s`.
        """
        assert self._connection is not None
        asked = {**request, "id": uuid4().hex, "reply_to": f"rsp/{self._me}"}
        payload = json.dumps(asked, ensure_ascii=False).encode()
        try:
            async with asyncio.timeout(within_s):
                await self._connection.publish(f"{self._root}/cmd/{name}", payload)
                return await self._answer(asked["id"])
        except TimeoutError:
            raise Unavailable(
                f"{self._broker.address}: the gateway does not answer; does it run? radio-gateway status"
            ) from None

    async def _answer(self, request_id: str) -> dict[str, Any]:
        async for received in self._incoming:
            document = received.document
            if document is not None and "/rsp/" in received.topic and document.get("id") == request_id:
                return document
            self._kept.append(received)
        raise Unavailable("the connection is over")

    async def __aiter__(self) -> AsyncIterator[Received]:
        while self._kept:
            yield self._kept.pop(0)
        async for received in self._incoming:
            yield received
