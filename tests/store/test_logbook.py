import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.clock import ManualClock
from gateway.events import Draft
from gateway.model import End, Signalling, SoundClass, Unit
from gateway.store import MAX_ATTEMPTS, HeardTransmission, Store, UnitsStamp

MakeDraft = Callable[..., Draft]
MakeHeard = Callable[..., HeardTransmission]
SOURCE = "urn:radio-gateway:gz:tianhe:shipai"


def test_what_was_heard_is_unfinished_until_it_is_understood(
    data_dir: Path, clock: ManualClock, make_heard: MakeHeard, make_draft: MakeDraft
) -> None:
    heard = make_heard(
        started_at=clock.now().astimezone(timezone(timedelta(hours=8))),
        sound_class=SoundClass.SPEECH,
        dropped_frames=3,
        end=End.MAX_LENGTH,
        signalling=(Signalling("mdc1200", "1A2B", 0.12),),
    )

    async def first_life() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        assert await store.heard(heard)
        assert not await store.heard(heard)
        assert await store.attempt(heard.id) == 1
        await store.close()

    async def second_life() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        assert await store.unfinished() == [replace(heard, attempts=1)]
        assert (await store.unfinished())[0].started_at.utcoffset() == timedelta(hours=8)
        await store.commit(heard.id, [make_draft()])
        assert await store.unfinished() == []
        await store.close()

    asyncio.run(first_life())
    asyncio.run(second_life())


def test_a_transmission_that_crashes_recognition_twice_is_poisonous(
    data_dir: Path, clock: ManualClock, make_heard: MakeHeard, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        heard = make_heard()
        await store.heard(heard)
        for _ in range(MAX_ATTEMPTS):
            assert not (await store.unfinished())[0].is_poisonous
            await store.attempt(heard.id)
        assert (await store.unfinished())[0].is_poisonous
        await store.commit(heard.id, [make_draft()], quarantined=True)
        assert await store.unfinished() == []
        await store.close()

    asyncio.run(scenario())


def test_committing_a_transmission_again_stores_nothing_and_returns_the_first_events(
    data_dir: Path, clock: ManualClock, make_heard: MakeHeard, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        heard = make_heard()
        await store.heard(heard)
        events = await store.commit(heard.id, [make_draft(), make_draft()], ("ch1", '{"n":1}'))
        again = await store.commit(heard.id, [make_draft()], ("ch1", '{"n":2}'))
        assert again == events
        assert [event.sequence for event in events] == [f"{n:020d}" for n in (1, 2)]
        assert await store.conversations() == {"ch1": '{"n":1}'}
        assert (await store.outbox.counts()).waiting == 2
        await store.close()

    asyncio.run(scenario())


def test_a_failed_step_takes_nothing_else_of_its_group_with_it(
    data_dir: Path, clock: ManualClock, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        twice = make_draft()
        steps = [
            store.commit(None, [make_draft()]),
            store.commit(None, [twice]),
            store.commit(None, [make_draft(), twice]),  # the second draft's id is taken: neither is stored
            store.commit("never-heard", [make_draft()]),
            store.commit(None, [make_draft()]),
        ]
        outcomes = await asyncio.gather(*steps, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [list, list, ValueError, ValueError, list]
        assert [int(event.sequence) for event in await store.events_since(0)] == [1, 2, 3]
        await store.close()

    asyncio.run(scenario())


def test_sequences_go_on_after_everything_was_delivered_and_pruned(
    data_dir: Path, clock: ManualClock, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        await store.commit(None, [make_draft() for _ in range(3)])
        await store.outbox.delivered([1, 2])
        clock.advance(3600)
        assert await store.prune(clock.now()) == 2
        assert [int(e.sequence) for e in await store.events_since(0)] == [3]
        await store.outbox.delivered([3])
        assert await store.prune(clock.now()) == 1
        (event,) = await store.commit(None, [make_draft()])
        assert int(event.sequence) == 4 == await store.last_sequence()
        await store.close()

    asyncio.run(scenario())


def test_a_renamed_gateway_numbers_from_one_and_still_delivers_what_waited(
    data_dir: Path, clock: ManualClock, make_draft: MakeDraft
) -> None:
    async def life(source: str) -> Any:
        store = await Store.open(data_dir, source, clock)
        await store.commit(None, [make_draft()])
        entries = await store.outbox.next_batch(10)
        await store.close()
        return [(e.position, e.source, e.sequence) for e in entries]

    asyncio.run(life(SOURCE))
    assert asyncio.run(life("urn:radio-gateway:gz:tianhe:new")) == [
        (1, SOURCE, 1),
        (2, "urn:radio-gateway:gz:tianhe:new", 1),
    ]


def test_outbox_rows_leave_only_when_delivered_or_dropped(
    data_dir: Path, clock: ManualClock, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        await store.commit(None, [make_draft(subject=f"s{n}") for n in range(5)])
        outbox = store.outbox
        await outbox.retry_later(1, "quota")
        await outbox.set_aside(2, "not authorised")
        await outbox.delivered([3])
        first = (await outbox.next_batch(10))[0]
        assert (first.position, first.attempts, first.last_error) == (1, 1, "quota")
        assert [e.position for e in await outbox.next_batch(10, after=1)] == [4, 5]
        counts = await outbox.counts()
        assert (counts.waiting, counts.set_aside, counts.oldest_at) == (3, 1, clock.now())

        assert await outbox.retry() == 1
        assert [e.position for e in await outbox.next_batch(2)] == [1, 2]
        await outbox.set_aside(2, "again")
        assert await outbox.retry([2, 4]) == 1

        dropped = await store.drop([1, 2], make_draft())
        assert dropped is not None
        assert int(dropped.sequence) == 6
        assert await store.drop([1, 2], make_draft()) is None
        assert [e.position for e in await outbox.list()] == [4, 5, 6]
        await store.close()

        reopened = await Store.open(data_dir, SOURCE, clock)
        assert {e.lane for e in await reopened.outbox.list()} == {"backlog"}
        await reopened.commit(None, [make_draft()])
        assert (await reopened.outbox.list())[-1].lane == "live"
        await reopened.close()

    asyncio.run(scenario())


def test_units_are_replaced_as_a_whole_and_keep_every_field(data_dir: Path, clock: ManualClock) -> None:
    full = Unit(
        unit_id="u1",
        name="华夏A区",
        aliases=("华夏", "A区"),
        unit_class="A",
        street="石牌",
        lat=23.1,
        lon=113.3,
        duty_headcount=3,
        state="holiday",
        callsign="洞幺",
        radio_ids=("dmr:1234",),
        neighbours=("u2",),
        phone="1",
        leader="李",
    )
    stamp = UnitsStamp("units.csv", 123_456_789, "cd" * 32)

    async def scenario() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        assert await store.units_from() is None
        await store.replace_units([full, Unit("u2", "师大")], stamp)
        assert await store.units() == [full, Unit("u2", "师大")]
        assert await store.set_state("u2", "disabled")
        assert not await store.set_state("u3", "active")
        assert (await store.units())[1].state == "disabled"
        with pytest.raises(ValueError, match="two units have the id 'u9'"):
            await store.replace_units([Unit("u9", "x"), Unit("u9", "y")])
        assert len(await store.units()) == 2
        assert await store.units_from() == stamp
        await store.close()

    asyncio.run(scenario())


def test_sessions_count_up_across_runs(data_dir: Path, clock: ManualClock) -> None:
    async def life() -> Any:
        store = await Store.open(data_dir, SOURCE, clock)
        session = await store.next_session()
        await store.close()
        return session

    assert [asyncio.run(life()) for _ in range(3)] == [1, 2, 3]


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(0, 4)),
        st.tuples(st.just("deliver"), st.integers(0, 40)),
        st.tuples(st.just("set_aside"), st.integers(0, 40)),
        st.tuples(st.just("retry_later"), st.integers(0, 40)),
        st.tuples(st.just("retry"), st.just(0)),
        st.tuples(st.just("reopen"), st.just(0)),
        st.tuples(st.just("prune"), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS)
def test_whatever_happens_sequences_are_contiguous_and_the_outbox_is_in_order(
    operations: list[tuple[str, int]],
    tmp_path_factory: pytest.TempPathFactory,
    clock: ManualClock,
    make_draft: MakeDraft,
) -> None:
    data_dir = tmp_path_factory.mktemp("ops")

    async def scenario() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        stored, waiting, aside = 0, [], []
        for name, n in operations:
            match name:
                case "commit":
                    events = await store.commit(None, [make_draft() for _ in range(n)])
                    assert [int(e.sequence) for e in events] == list(range(stored + 1, stored + n + 1))
                    waiting += range(stored + 1, stored + n + 1)
                    stored += n
                case "deliver":
                    await store.outbox.delivered([n])
                    waiting, aside = [p for p in waiting if p != n], [p for p in aside if p != n]
                case "set_aside":
                    await store.outbox.set_aside(n, "why")
                    aside += [p for p in waiting if p == n]
                    waiting = [p for p in waiting if p != n]
                case "retry_later":
                    await store.outbox.retry_later(n, "later")
                case "retry":
                    assert await store.outbox.retry() == len(aside)
                    waiting, aside = sorted(waiting + aside), []
                case "prune":
                    clock.advance(1)
                    await store.prune(clock.now())
                case _:
                    await store.close()
                    store = await Store.open(data_dir, SOURCE, clock)
            assert [e.position for e in await store.outbox.next_batch(1000)] == waiting
            counts = await store.outbox.counts()
            assert (counts.waiting, counts.set_aside) == (len(waiting), len(aside))
        assert await store.last_sequence() == stored
        for entry in await store.outbox.list():
            document = json.loads(entry.document)
            assert (int(document["sequence"]), document["id"]) == (entry.sequence, entry.event_id)
        await store.close()

    asyncio.run(scenario())
