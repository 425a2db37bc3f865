"""The pump against a broker in memory: order, verdicts, retained state, what a crash repeats."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.clock import SystemClock
from gateway.errors import StoreUnavailable
from gateway.events import CONTENT_TYPE, Draft, seal
from gateway.publish.link import BackOff
from gateway.publish.memory import MemoryLink, Published
from gateway.publish.pump import Pump
from gateway.rollcall.overheard import RollcallChange
from gateway.rollcall.rollcallevents import rollcall_event
from gateway.rollcall.sheet import Sheet
from gateway.timekeeping import ClockReader

ROOT = "rg/v1/gz/tianhe/shipai"
MakeDraft = Callable[..., Draft]


@dataclass(frozen=True)
class Row:
    position: int
    kind: str
    order_key: str | None
    document: str
    enqueued_at: datetime
    lane: str = "live"


@dataclass
class FakeOutbox:
    """The outbox table as a dict: a store of its own room is not needed to try the pump."""

    rows: dict[int, Row] = field(default_factory=dict)
    aside: dict[int, str] = field(default_factory=dict)
    put_off: list[int] = field(default_factory=list)
    broken: str | None = None
    highest: int = 0

    def put(self, draft: Draft, **more: Any) -> None:
        self.highest += 1
        event = seal(draft, "urn:radio-gateway:gz:tianhe:x", self.highest)
        now = datetime.now().astimezone()
        row = Row(self.highest, draft.kind, draft.correlationid, event.to_json(), now)
        self.rows[self.highest] = replace(row, **more)

    async def next_batch(self, limit: int, after: int = 0, up_to: int | None = None) -> list[Row]:
        await asyncio.sleep(0)
        self._refuse_when_broken()
        last = self.highest if up_to is None else up_to
        return [r for p, r in sorted(self.rows.items()) if after < p <= last and p not in self.aside][:limit]

    async def of_key(self, order_key: str, after: int, up_to: int, limit: int) -> list[Row]:
        rows = await self.next_batch(self.highest, after, up_to)
        return [row for row in rows if row.order_key == order_key][:limit]

    async def waiting(self) -> tuple[int, int]:
        rows = await self.next_batch(self.highest)
        return len(rows), rows[-1].position if rows else 0

    async def delivered(self, positions: Any) -> None:
        self._refuse_when_broken()
        for position in positions:
            self.rows.pop(position, None)

    async def retry_later(self, position: int, error: str) -> None:
        self.put_off.append(position)

    async def set_aside(self, position: int, reason: str) -> None:
        self.aside[position] = reason

    def _refuse_when_broken(self) -> None:
        if self.broken is not None:
            raise StoreUnavailable(self.broken)


@asynccontextmanager
async def pumping(outbox: FakeOutbox, link: MemoryLink, **more: Any) -> AsyncIterator[Pump]:
    options: dict[str, Any] = {"back_off": BackOff(0.01, 0.02), "poll_s": 0.05, **more}
    pump = Pump(outbox, link, ROOT, SystemClock(), **options)
    pump.start()
    try:
        yield pump
    finally:
        await pump.stop(settle_s=0.2)


def events(published: list[Published]) -> list[dict[str, Any]]:
    return [json.loads(m.payload) for m in published if "/evt/" in m.topic]


def sequences(published: list[Published]) -> list[int]:
    return [int(event["sequence"]) for event in events(published)]


def test_events_go_out_in_order_on_their_topics_and_leave_the_outbox(
    clock: SystemClock, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        outbox, link = FakeOutbox(), MemoryLink(clock)
        for _ in range(300):
            outbox.put(make_draft())
        async with pumping(outbox, link, window=8) as pump:
            assert await pump.drained(5)
            assert pump.counts.delivered == 300
        assert sequences(link.published) == list(range(1, 301))
        assert {(m.topic, m.content_type, m.retain) for m in link.published} == {
            (f"{ROOT}/evt/gateway/fault", CONTENT_TYPE, False)
        }
        assert outbox.rows == {}

    asyncio.run(scenario())


def test_no_more_than_the_window_is_on_its_way_and_rows_leave_only_when_acknowledged(
    clock: SystemClock, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        outbox, link = FakeOutbox(), MemoryLink(clock)
        link.hold()
        for _ in range(100):
            outbox.put(make_draft())
        async with pumping(outbox, link, window=16) as pump:
            await asyncio.sleep(0.1)
            # A quarter of the window is kept for what happens now.
            assert (len(link.published), pump.in_flight, len(outbox.rows)) == (12, 12, 100)
            for _ in range(10):
                outbox.put(make_draft())
            pump.wake()
            await asyncio.sleep(0.1)
            assert (len(link.published), pump.in_flight, len(outbox.rows)) == (16, 16, 110)
            assert not await pump.drained(0.05)
            link.release()
            assert await pump.drained(5)

    asyncio.run(scenario())


def test_the_brokers_receive_maximum_narrows_the_window(clock: SystemClock, make_draft: MakeDraft) -> None:
    async def scenario() -> None:
        outbox, link = FakeOutbox(), MemoryLink(clock)
        link.receive_maximum = 10
        link.hold()
        for _ in range(100):
            outbox.put(make_draft())
        async with pumping(outbox, link, window=16) as pump:
            await asyncio.sleep(0.1)
            assert pump.in_flight == 5
            outbox.put(make_draft())
            outbox.put(make_draft())
            pump.wake()
            await asyncio.sleep(0.1)
            assert pump.in_flight == 6

    asyncio.run(scenario())


@pytest.mark.parametrize("code", [0x87, 0x90, 0x99, 0x95])
def test_what_the_broker_will_never_take_is_set_aside_and_reported(
    clock: SystemClock, make_draft: MakeDraft, code: int
) -> None:
    async def scenario() -> None:
        outbox = FakeOutbox()
        link = MemoryLink(clock, lambda m: code if b'"subject":"bad"' in m.payload else 0)
        reported: list[tuple[int, str]] = []
        for subject in ("good", "bad", "good"):
            outbox.put(make_draft(subject))
        async with pumping(
            outbox, link, on_set_aside=lambda row, reason: reported.append((row.position, reason))
        ) as pump:
            assert await pump.drained(5)
            assert (pump.counts.delivered, pump.counts.set_aside) == (2, 1)
        assert list(outbox.rows) == [2]
        assert reported == [(2, outbox.aside[2])]
        assert f"0x{code:02x}" in outbox.aside[2]

    asyncio.run(scenario())


@pytest.mark.parametrize("code", [0x80, 0x83, 0x97])
def test_what_the_broker_cannot_take_now_is_offered_again(
    clock: SystemClock, make_draft: MakeDraft, code: int
) -> None:
    async def scenario() -> None:
        outbox, refusals = FakeOutbox(), [3]

        def verdict(message: Published) -> int:
            if b'"subject":"later"' in message.payload and refusals[0]:
                refusals[0] -= 1
                return code
            return 0

        link = MemoryLink(clock, verdict)
        for subject in ("a", "later", "b", "c"):
            outbox.put(make_draft(subject))
        async with pumping(outbox, link) as pump:
            assert await pump.drained(5)
            assert pump.counts.put_off == 3
        assert outbox.put_off == [2, 2, 2]
        assert (outbox.rows, outbox.aside) == ({}, {})

    asyncio.run(scenario())


def test_a_message_nobody_listens_to_is_delivered_and_counted(
    clock: SystemClock, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        outbox, link = FakeOutbox(), MemoryLink(clock, lambda _: 0x10)
        outbox.put(make_draft())
        async with pumping(outbox, link) as pump:
            assert await pump.drained(5)
            assert (pump.counts.delivered, pump.counts.unheard) == (1, 1)

    asyncio.run(scenario())


def test_an_event_over_64_kib_is_set_aside_and_never_sent(clock: SystemClock, make_draft: MakeDraft) -> None:
    async def scenario() -> None:
        outbox, link = FakeOutbox(), MemoryLink(clock)
        outbox.put(make_draft(message="长" * 22_000))
        outbox.put(make_draft())
        async with pumping(outbox, link) as pump:
            assert await pump.drained(5)
        assert sequences(link.published) == [2]
        assert "more than the 65536 allowed" in outbox.aside[1]

    asyncio.run(scenario())


def test_a_document_that_cannot_be_addressed_is_set_aside(clock: SystemClock, make_draft: MakeDraft) -> None:
    async def scenario() -> None:
        outbox, link = FakeOutbox(), MemoryLink(clock)
        outbox.put(make_draft(), kind="Wrong.Kind")
        outbox.put(make_draft())
        async with pumping(outbox, link) as pump:
            assert await pump.drained(5)
        assert sequences(link.published) == [2]
        assert "cannot be published" in outbox.aside[1]

    asyncio.run(scenario())


def test_only_what_waited_is_marked_replayed(clock: SystemClock, make_draft: MakeDraft) -> None:
    async def scenario() -> None:
        outbox, link = FakeOutbox(), MemoryLink(clock)
        outbox.put(make_draft("from an earlier run"), lane="backlog")
        outbox.put(make_draft("old"), enqueued_at=clock.now() - timedelta(seconds=6))
        async with pumping(outbox, link) as pump:
            assert await pump.drained(5)
            outbox.put(make_draft("fresh"))
            assert await pump.drained(5)
            link.go_down()
            outbox.put(make_draft("while away"))
            await asyncio.sleep(0.02)
            link.come_up()
            assert await pump.drained(5)
        assert {e["subject"]: e["data"]["replayed"] for e in events(link.published)} == {
            "from an earlier run": True,
            "old": True,
            "fresh": False,
            "while away": True,
        }

    asyncio.run(scenario())


def test_a_connection_lost_before_the_answer_sends_again_in_order(
    clock: SystemClock, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        outbox, link = FakeOutbox(), MemoryLink(clock)
        link.hold()
        for _ in range(5):
            outbox.put(make_draft())
        async with pumping(outbox, link, window=3) as pump:
            await asyncio.sleep(0.05)
            assert sequences(link.published) == [1, 2, 3]
            link.go_down()
            await asyncio.sleep(0.02)
            link.release()
            link.come_up()
            assert await pump.drained(5)
        assert sequences(link.published) == [1, 2, 3, 1, 2, 3, 4, 5]

    asyncio.run(scenario())


def test_a_crash_between_acknowledgement_and_forgetting_sends_again(
    clock: SystemClock, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        outbox, link = FakeOutbox(), MemoryLink(clock)
        outbox.put(make_draft())
        outbox.broken = None
        first = Pump(outbox, link, ROOT, clock, back_off=BackOff(5, 5))
        forgetting = asyncio.Event()

        async def die(positions: Any) -> None:
            forgetting.set()
            await asyncio.sleep(60)

        outbox.delivered = die  # type: ignore[method-assign]
        first.start()
        await forgetting.wait()
        await first.stop(settle_s=0)
        del outbox.delivered
        assert list(outbox.rows) == [1]
        async with pumping(outbox, link) as second:
            assert await second.drained(5)
        ids = [event["id"] for event in events(link.published)]
        assert len(ids) == 2
        assert len(set(ids)) == 1

    asyncio.run(scenario())


def test_a_store_that_fails_for_a_while_is_waited_for(clock: SystemClock, make_draft: MakeDraft) -> None:
    async def scenario() -> None:
        outbox, link = FakeOutbox(), MemoryLink(clock)
        outbox.put(make_draft())
        outbox.broken = "gateway.db: the disk is full"
        async with pumping(outbox, link, back_off=BackOff(0.2, 0.2)) as pump:
            await asyncio.sleep(0.05)
            assert pump.trouble == "gateway.db: the disk is full"
            outbox.broken = None
            assert await pump.drained(5)
            assert pump.trouble is None
        assert outbox.rows == {}

    asyncio.run(scenario())


def test_a_rollcall_that_a_killed_process_left_on_the_broker_is_cleared_with_its_end(
    clock: SystemClock,
) -> None:
    sheet = Sheet(
        rollcall_id="r-1",
        radio="ch1",
        kind="rollcall",
        mode="conducted",
        started_at=clock.now(),
        ended="closed",
    )
    over = rollcall_event("e-1", RollcallChange("finished", sheet), clock.now(), ClockReader(clock)(), None)

    async def scenario() -> None:
        outbox, link = FakeOutbox(), MemoryLink(clock)
        topic = f"{ROOT}/state/rollcall/r-1"
        async with pumping(outbox, link) as pump:
            link.retained[topic] = b"{}"
            outbox.put(over)
            assert await pump.drained(5)
            assert topic not in link.retained

    asyncio.run(scenario())


def test_an_incident_is_retained_while_open_and_cleared_when_over(
    clock: SystemClock, make_incident: MakeDraft
) -> None:
    async def scenario() -> None:
        outbox, link = FakeOutbox(), MemoryLink(clock)
        topic = f"{ROOT}/state/incident/i-1"
        async with pumping(outbox, link) as pump:
            outbox.put(make_incident("i-1", 1, "opened"))
            outbox.put(make_incident("i-1", 2))
            outbox.put(make_incident("i-2", 1, "opened"))
            assert await pump.drained(5)
            assert json.loads(link.retained[topic])["revision"] == 2
            link.retained.clear()  # a broker without persistence starts again
            link.go_down()
            await asyncio.sleep(0.01)
            link.come_up()
            await asyncio.sleep(0.1)
            assert json.loads(link.retained[topic])["revision"] == 2
            outbox.put(make_incident("i-1", 3, "closed"))
            outbox.put(make_incident("i-2", 2, "cancelled"))
            assert await pump.drained(5)
        assert link.retained == {}

    asyncio.run(scenario())


def test_a_state_document_is_sent_once_per_change_and_again_after_reconnecting(clock: SystemClock) -> None:
    async def scenario() -> None:
        outbox, link = FakeOutbox(), MemoryLink(clock)
        link.go_down()
        async with pumping(outbox, link) as pump:
            pump.publish_state("health", {"n": 1})
            pump.publish_state("health", {"n": 2})
            pump.publish_state("radio/ch1", {"state": "idle"})
            link.come_up()
            assert await pump.drained(5)
            pump.publish_state("health", {"n": 2})
            assert await pump.drained(5)
            assert [m.topic.removeprefix(f"{ROOT}/state/") for m in link.published] == ["health", "radio/ch1"]
            assert all(m.retain for m in link.published)
            link.go_down()
            await asyncio.sleep(0.01)
            link.come_up()
            pump.publish_state("radio/ch1", None)
            await asyncio.sleep(0.05)
            assert await pump.drained(5)
            assert link.retained == {f"{ROOT}/state/health": b'{"n":2}'}
            with pytest.raises(ValueError, match="may only hold"):
                pump.publish_state("radio/台", {})

    asyncio.run(scenario())


def test_states_are_told_again_when_somebody_asks(clock: SystemClock) -> None:
    async def scenario() -> None:
        outbox, link = FakeOutbox(), MemoryLink(clock)
        async with pumping(outbox, link) as pump:
            pump.publish_state("health", {"n": 1})
            assert await pump.drained(5)
            pump.republish_states()
            assert await pump.drained(5)
            assert [m.payload for m in link.published] == [b'{"n":1}'] * 2

    asyncio.run(scenario())


def test_what_another_process_put_into_the_outbox_is_found_without_a_wake(
    clock: SystemClock, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        outbox, link = FakeOutbox(), MemoryLink(clock)
        async with pumping(outbox, link):
            await asyncio.sleep(0.02)
            outbox.put(make_draft())
            await asyncio.sleep(0.3)
            assert outbox.rows == {}

    asyncio.run(scenario())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.lists(st.sampled_from([None, "i-1", "i-2", "i-3"]), min_size=1, max_size=40),
    window=st.integers(1, 8),
    fate=st.lists(st.sampled_from([0, 0, 0, 0x10, 0x97, 0x80, 0x87, "down"]), max_size=60),
)
def test_whatever_the_broker_does_everything_arrives_and_incidents_keep_their_order(
    clock: SystemClock,
    make_draft: MakeDraft,
    keys: list[str | None],
    window: int,
    fate: list[int | str],
) -> None:
    async def scenario() -> tuple[FakeOutbox, list[dict[str, Any]]]:
        outbox, script, accepted = FakeOutbox(), list(fate), list[dict[str, Any]]()
        for key in keys:
            outbox.put(make_draft(correlationid=key))
        loop = asyncio.get_running_loop()

        def verdict(message: Published) -> int:
            what = script.pop(0) if script else 0
            if what == "down":
                # The broker has it, and the connection breaks with answers still owed.
                loop.call_soon(link.go_down)
                loop.call_later(0.002, link.come_up)
                what = 0
            assert isinstance(what, int)
            if what < 0x80:
                accepted.append(json.loads(message.payload))
            return what

        link = MemoryLink(clock, verdict)
        async with pumping(outbox, link, window=window, back_off=BackOff(0.001, 0.001)) as pump:
            assert await pump.drained(20)
        return outbox, accepted

    outbox, accepted = asyncio.run(scenario())
    first_time = list(dict.fromkeys(int(event["sequence"]) for event in accepted))
    assert sorted(first_time) == [n for n in range(1, len(keys) + 1) if n not in outbox.aside]
    assert set(outbox.rows) == set(outbox.aside)
    for key in {key for key in keys if key is not None}:
        of_key = [n for n in first_time if keys[n - 1] == key]
        assert of_key == sorted(of_key)
    if not any(isinstance(what, str) or what >= 0x80 for what in fate):
        assert first_time == sorted(first_time)
