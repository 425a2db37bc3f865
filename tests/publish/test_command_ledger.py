"""Who asked for what is written down where it outlives the process."""

import asyncio
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.publish.commandport import CommandPort
from gateway.publish.commands import Gatekeeper, RefusedCommand
from gateway.publish.connection import Message
from gateway.publish.memory import MemoryLink
from gateway.publish.requests import REQUESTS, IncidentAck
from gateway.store.ledger import CommandLedger
from gateway.store.store import Store

ROOT = "rg/v1/gz/tianhe/shipai"
SOURCE = "urn:radio-gateway:gz:tianhe:shipai"


class DeafLink(MemoryLink):
    """Orders are handed to the port by the test itself."""

    def hear(self, topic_filter: str, on_message: Any) -> None:
        pass


async def carry(request: Any) -> Mapping[str, Any]:
    if isinstance(request, IncidentAck) and request.incident_id == "unknown":
        raise RefusedCommand("not_found", "no such incident")
    return {}


async def ask(data_dir: Path, *orders: tuple[str, str], per_minute: int = 100) -> None:
    store = await Store.open(data_dir, SOURCE, SystemClock())
    try:
        link = DeafLink(SystemClock())
        port = CommandPort(
            link, ROOT, SOURCE, SystemClock(),
            Gatekeeper(frozenset(REQUESTS) - {"unit-set"}, per_minute), dict.fromkeys(REQUESTS, carry),
            CommandLedger(store),
        )  # fmt: skip
        port.start()
        for name, payload in orders:
            port.receive(Message(f"{ROOT}/cmd/{name}", payload.encode(), retained=False))
        async with asyncio.timeout(20):
            while len(link.published) < len(orders):  # noqa: ASYNC110 - the link in memory tells nobody
                await asyncio.sleep(0.01)
        await port.stop()
    finally:
        await store.close()


def ledger(data_dir: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(data_dir / "gateway.db")) as db:
        return db.execute("SELECT command, request_id, by, about, code FROM commands").fetchall()


def test_every_command_done_or_refused_is_written_down(tmp_path: Path) -> None:
    asyncio.run(
        ask(
            tmp_path,
            ("incident-ack", '{"id": "a", "by": "王", "incident_id": "i1"}'),
            ("incident-ack", '{"id": "b", "incident_id": "unknown"}'),
            ("unit-set", '{"id": "c", "unit_id": "u1", "action": "disable"}'),
            ("ping", "{{"),
            ("say", '{"id": "d", "text": "请2号楼的张三回电13800138000", "radio": "ch1"}'),
        )
    )
    assert [(row[0], row[1], row[2], row[4]) for row in ledger(tmp_path)] == [
        ("incident-ack", "a", "王", "ok"),
        ("incident-ack", "b", "dispatcher", "not_found"),
        ("unit-set", "c", None, "not_allowed"),
        ("ping", None, None, "malformed"),
        ("say", "d", "dispatcher", "ok"),
    ]
    assert ledger(tmp_path)[0][3] == '{"incident_id": "i1"}'
    assert "13800138000" not in str(ledger(tmp_path))


def test_a_flood_does_not_fill_the_disk(tmp_path: Path) -> None:
    asyncio.run(ask(tmp_path, *[("ping", f'{{"id": "{n}"}}') for n in range(40)], per_minute=5))
    assert len(ledger(tmp_path)) == 5


def test_the_oldest_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.store.ledger.MOST_KEPT", 3)
    asyncio.run(ask(tmp_path, *[("ping", f'{{"id": "{n}"}}') for n in range(6)]))
    assert [row[1] for row in ledger(tmp_path)] == ["3", "4", "5"]
