"""A group of workers: each event to one of them, an incident's in order, whoever the broker gave them to."""

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from gateway.errors import UsageError
from gateway.publish.broker import Address, Broker
from gateway.watch.ear import Ear
from gateway.watch.memory import Memory
from gateway.watch.scope import shared
from gateway.watch.worklist import LEASE_S, PATIENCE_S, WorkList

SOURCES = ("urn:radio-gateway:gz:tianhe:g1", "urn:radio-gateway:gz:tianhe:g2")


def event(source: str, number: int, key: str | None) -> bytes:
    document = {
        "source": source, "id": f"{source}/{number}", "type": "radiogateway.incident.updated", "data": {},
        "sequence": f"{number:020d}",
    }  # fmt: skip
    return json.dumps(document | ({} if key is None else {"correlationid": key})).encode()


@pytest.mark.parametrize("seed", range(8))
def test_each_event_goes_to_one_worker_and_those_of_an_incident_in_order(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    sent: list[tuple[str, int, str | None]] = [
        (source, number, rng.choice([None, f"{source}-i1", f"{source}-i2", f"{source}-i3"]))
        for source in SOURCES
        for number in range(1, 61)
    ]
    # the first of each comes first: what is before a dispatcher's first event is not its business
    arriving = [one for one in sent if one[1] == 1]
    later = [one for one in sent if one[1] > 1] + rng.sample(sent, 20)
    rng.shuffle(later)
    arriving += later
    got: list[tuple[str, int, str | None]] = []
    with contextlib.ExitStack() as stack:
        memories = [stack.enter_context(Memory(tmp_path / "desk.db")) for _ in range(3)]
        lists = [WorkList(memory, "desk", f"w{n}") for n, memory in enumerate(memories)]
        hands: list[list[Any]] = [[], [], []]
        while len(got) < len(sent):
            at = rng.randrange(3)
            if arriving and rng.random() < 0.6:
                memories[at].take([event(*arriving.pop(0))])
            if not hands[at]:
                hands[at] = lists[at].claim(rng.randint(1, 4))
            elif rng.random() < 0.8:
                work = hands[at].pop(0)
                told = work.event
                got.append((told["source"], int(told["sequence"]), told.get("correlationid")))
                lists[at].done([work.position])
        assert not arriving or lists[0].waiting() == 0
    assert sorted(got, key=str) == sorted(sent, key=str)
    by_key: dict[str, list[int]] = defaultdict(list)
    for source, number, key in got:
        by_key[key or source].append(number)
    assert all(numbers == sorted(numbers) for numbers in by_key.values())


def test_what_a_dead_worker_had_in_hand_another_one_gets(tmp_path: Path) -> None:
    now = [1000.0]
    with Memory(tmp_path / "desk.db") as one, Memory(tmp_path / "desk.db") as other:
        dead = WorkList(one, "desk", "a", monotonic_s=lambda: now[0])
        alive = WorkList(other, "desk", "b", monotonic_s=lambda: now[0])
        one.take([event(SOURCES[0], 1, "i"), event(SOURCES[0], 2, "i")])
        assert [work.event["id"][-1] for work in dead.claim()] == ["1"]
        assert alive.claim() == []
        now[0] += LEASE_S + 1
        (work,) = alive.claim()
        assert work.event["id"][-1] == "1"
        alive.done([work.position])
        assert [work.event["id"][-1] for work in alive.claim()] == ["2"]
        # the machine was started anew: its clock begins again, and what was leased before is nobody's
        now[0] = 5.0
        assert [work.event["id"][-1] for work in dead.claim()] == ["2"]


def test_what_another_leased_while_this_one_waited_for_the_file_is_not_stolen(tmp_path: Path) -> None:
    now = [1000.0]
    with Memory(tmp_path / "desk.db") as one, Memory(tmp_path / "desk.db") as other:
        first = WorkList(one, "desk", "a", monotonic_s=lambda: now[0])
        slow = WorkList(other, "desk", "b", monotonic_s=lambda: now[0])
        one.take([event(SOURCES[0], 1, "i")])
        begin = other.transaction

        @contextlib.contextmanager
        def waits() -> Iterator[Any]:
            now[0] += 3.0
            assert len(first.claim()) == 1
            with begin() as connection:
                yield connection

        with patch.object(other, "transaction", waits):
            assert slow.claim() == []


def test_an_event_waits_for_what_is_missing_before_it_but_not_for_ever(tmp_path: Path) -> None:
    now = [0.0]
    with Memory(tmp_path / "desk.db") as memory:
        todo = WorkList(memory, "desk", "a", monotonic_s=lambda: now[0])
        memory.take([event(SOURCES[0], 1, "i"), event(SOURCES[0], 3, "i")])
        (work,) = todo.claim()
        todo.done([work.position])
        assert todo.claim() == []
        now[0] = PATIENCE_S + 0.1
        (work,) = todo.claim()
        assert work.event["id"][-1] == "3"
        todo.release([work.position])
        memory.take([event(SOURCES[0], 2, "i")])
        assert [work.event["id"][-1] for work in todo.claim()] == ["2"]


def test_two_groups_have_every_event_each(tmp_path: Path) -> None:
    with Memory(tmp_path / "desk.db") as memory:
        memory.take([event(SOURCES[0], 1, None)])
        assert len(WorkList(memory, "desk", "a").claim()) == 1
        assert len(WorkList(memory, "archive", "b").claim()) == 1


def test_only_events_are_shared() -> None:
    assert shared(("rg/v1/+/+/+/evt/#", "rg/v1/+/+/+/state/#"), "desk") == (
        "$share/desk/rg/v1/+/+/+/evt/#", "rg/v1/+/+/+/state/#",
    )  # fmt: skip
    with pytest.raises(UsageError, match="cannot name a group"):
        shared((), "a/b")


async def old_broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as a broker that knows MQTT 3.1.1 only: return code 1 to any other protocol level."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        kind, length = await reader.readexactly(2)
        assert kind == 0x10
        packet = await reader.readexactly(length)
        writer.write(bytes([0x20, 2, 0, 0 if packet[6] == 4 else 1]))
        await reader.read()
    writer.close()


def test_a_broker_that_cannot_share_is_told_in_words() -> None:
    async def life() -> str:
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def trouble(words: str | None) -> None:
            if words is not None and not told.done():
                told.set_result(words)

        server = await asyncio.start_server(old_broker, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        ear = Ear(
            Broker(Address.parse(f"mqtt://127.0.0.1:{port}")), "w", ["$share/desk/rg/v1/+/+/+/evt/#"],
            on_message=lambda _: None, on_trouble=trouble,
        )  # fmt: skip
        ear.start()
        try:
            async with asyncio.timeout(20.0):
                return await told
        finally:
            await ear.stop()
            server.close()

    assert "cannot divide events among workers" in asyncio.run(life())
