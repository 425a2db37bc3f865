"""The store when the world is not as it should be: killed, damaged, full, locked, not ours."""

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import ManualClock
from gateway.errors import StoreLocked, StoreUnavailable
from gateway.events import Draft
from gateway.store import Logbook, Store

MakeDraft = Callable[..., Draft]
SOURCE = "urn:radio-gateway:gz:tianhe:shipai"

WRITER = textwrap.dedent("""
    import asyncio, sys
    from pathlib import Path
    from gateway.clock import IdSource, SystemClock
    from gateway.events import ClockReading, Draft, GatewayFault
    from gateway.model import End
    from gateway.store import HeardTransmission, Store

    clock = SystemClock()
    ids = IdSource(clock)

    def draft(subject):
        data = GatewayFault(
            clock=ClockReading(synced=True, source="ntp", est_error_ms=None, boot_id="b", mono_ms=0),
            what="w", since=clock.now(), message="m", action="a")
        return Draft(id=ids.new(), kind="gateway.fault", subject=subject, time=clock.now(), data=data)

    async def one(store):
        heard = HeardTransmission(ids.new(), "ch1", clock.now(), 1.0, End.CARRIER)
        await store.heard(heard)
        print("heard", heard.id, flush=True)
        events = await store.commit(heard.id, [draft(heard.id), draft(heard.id)], ("ch1", heard.id))
        print("committed", heard.id, flush=True)

    async def main():
        store = await Store.open(Path(sys.argv[1]), sys.argv[2], clock)
        while True:
            await asyncio.gather(*(one(store) for _ in range(8)))

    asyncio.run(main())
""")


def start_writer(data_dir: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, data_dir, SOURCE], stdout=subprocess.PIPE, text=True
    )


def test_nothing_acknowledged_is_lost_when_the_process_is_killed_in_the_middle(
    data_dir: Path, clock: ManualClock
) -> None:
    chance = random.Random(7)
    said: list[str] = []
    for _ in range(4):
        writer = start_writer(data_dir)
        assert writer.stdout is not None
        said.append(writer.stdout.readline())
        time.sleep(chance.uniform(0.01, 0.15))
        os.kill(writer.pid, signal.SIGKILL)
        said += writer.stdout.readlines()
        writer.wait()
        writer.stdout.close()
    # A line cut short by the kill acknowledges nothing.
    words = [line.split() for line in said if line.endswith("\n")]
    heard = {word[1] for word in words if word[0] == "heard"}
    committed = {word[1] for word in words if word[0] == "committed"}
    assert committed

    async def look() -> Any:
        store = await Store.open(data_dir, SOURCE, clock)
        events = await store.events_since(0, limit=-1)
        unfinished = {transmission.id for transmission in await store.unfinished()}
        waiting = (await store.outbox.counts()).waiting
        conversation = (await store.conversations())["ch1"]
        await store.close()
        return events, unfinished, waiting, conversation

    events, unfinished, waiting, conversation = asyncio.run(look())
    assert [int(event.sequence) for event in events] == list(range(1, len(events) + 1))
    assert waiting == len(events)
    subjects = [event.subject for event in events]
    assert all(subjects.count(subject) == 2 for subject in set(subjects))
    assert committed <= set(subjects)
    assert heard <= set(subjects) | unfinished
    assert not unfinished & set(subjects)
    assert conversation == subjects[-1]


def test_a_second_gateway_is_told_who_works_in_the_folder_and_a_command_may_still_look(
    data_dir: Path, clock: ManualClock, make_draft: MakeDraft
) -> None:
    writer = start_writer(data_dir)
    assert writer.stdout is not None
    try:
        while not writer.stdout.readline().startswith("committed"):
            pass
        with pytest.raises(StoreUnavailable, match=rf"process {writer.pid}.*data_dir of its own"):
            asyncio.run(Store.open(data_dir, SOURCE, clock))
        with Logbook.open(data_dir, SOURCE, clock) as logbook, logbook.group():
            before = logbook.events.last_sequence()
            (event,) = logbook.commit(None, [make_draft()])
            assert int(event.sequence) == before + 1
    finally:
        writer.kill()
        writer.communicate()


def test_a_file_that_is_no_database_is_kept_aside_and_a_new_one_started(
    data_dir: Path, clock: ManualClock, make_draft: MakeDraft
) -> None:
    data_dir.mkdir()
    (data_dir / "gateway.db").write_bytes(b"not a database at all, sorry " * 100)

    async def scenario() -> Any:
        store = await Store.open(data_dir, SOURCE, clock)
        (notice,) = store.notices
        await store.commit(None, [make_draft()])
        await store.close()
        again = await Store.open(data_dir, SOURCE, clock)
        assert again.notices == ()
        await again.close()
        return notice

    notice = asyncio.run(scenario())
    kept = data_dir / "gateway.db.damaged-20250301T083000"
    assert kept.read_bytes().startswith(b"not a database")
    assert "kept as gateway.db.damaged-20250301T083000" in notice.message
    assert "start again at 1" in notice.message
    assert notice.action


def test_damage_inside_the_file_is_found_at_start_and_numbers_go_on_where_they_can_be_read(
    data_dir: Path, clock: ManualClock, make_draft: MakeDraft
) -> None:
    async def fill() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        await store.commit(None, [make_draft(subject=f"s{n}") for n in range(300)])
        await store.close()

    asyncio.run(fill())
    path = data_dir / "gateway.db"
    with sqlite3.connect(path) as raw:
        (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events'").fetchone()
        (page_bytes,) = raw.execute("PRAGMA page_size").fetchone()
    raw.close()
    content = bytearray(path.read_bytes())
    content[(root - 1) * page_bytes : (root - 1) * page_bytes + 200] = b"\xa5" * 200
    path.write_bytes(content)

    async def reopen() -> Any:
        store = await Store.open(data_dir, SOURCE, clock)
        (notice,) = store.notices
        (event,) = await store.commit(None, [make_draft()])
        await store.close()
        return notice, event

    notice, event = asyncio.run(reopen())
    assert "was damaged" in notice.message
    assert int(event.sequence) == 301
    assert bytes(content) == (data_dir / "gateway.db.damaged-20250301T083000").read_bytes()


def test_a_full_disk_is_said_in_words_stores_nothing_and_heals(
    data_dir: Path, clock: ManualClock, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        await store.commit(None, [make_draft()])
        pages = await store.do(lambda logbook: logbook._db.execute("PRAGMA page_count").fetchone()[0])
        await store.do(lambda logbook: logbook._db.execute(f"PRAGMA max_page_count = {pages}").fetchone())
        big = [make_draft(subject="x" * 3000) for _ in range(20)]
        outcomes = await asyncio.gather(
            store.next_session(), store.commit(None, big), store.outbox.counts(), return_exceptions=True
        )
        assert outcomes[0] == 1
        assert isinstance(outcomes[1], StoreUnavailable)
        assert "the disk is full; free some space" in str(outcomes[1])
        assert await store.last_sequence() == 1
        await store.do(lambda logbook: logbook._db.execute("PRAGMA max_page_count = 100000").fetchone())
        events = await store.commit(None, big)
        assert [int(event.sequence) for event in events] == list(range(2, 22))
        await store.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("below", "words"),
    [
        ("a-file/data", "cannot be made"),
        ("/proc/radio-gateway", "cannot be made"),
        ("/proc", "cannot be written"),
    ],
)
def test_a_folder_that_cannot_be_used_is_named_with_what_to_do(
    tmp_path: Path, clock: ManualClock, below: str, words: str
) -> None:
    (tmp_path / "a-file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match=words) as refusal:
        asyncio.run(Store.open(tmp_path / below, SOURCE, clock))
    assert "\n" not in str(refusal.value)


def test_a_database_that_cannot_be_written_is_said_in_words(
    data_dir: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        # Root may write anything, so the file's own switch stands in for a read-only disk.
        await store.do(lambda logbook: logbook._db.execute("PRAGMA query_only = ON"))
        with pytest.raises(StoreUnavailable, match="cannot be written; check who owns the folder"):
            await store.commit(None, [make_draft()])
        await store.close()

    asyncio.run(scenario())


def test_a_newer_versions_database_is_left_alone(data_dir: Path, clock: ManualClock) -> None:
    async def scenario() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        await store.do(
            lambda logbook: logbook._db.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, ?, ?)",
                ["radio-gateway", "0099-from-the-future", "2030-01-01"],
            )
        )
        await store.close()
        with pytest.raises(StoreUnavailable, match=r"newer radio-gateway .*0099-from-the-future"):
            await Store.open(data_dir, SOURCE, clock)

    asyncio.run(scenario())
    assert list(data_dir.glob("*.damaged*")) == []


def test_a_closed_store_refuses_in_words_and_closing_twice_is_fine(
    data_dir: Path, clock: ManualClock
) -> None:
    async def scenario() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.last_sequence()

    asyncio.run(scenario())


def test_closing_finishes_what_is_queued(data_dir: Path, clock: ManualClock, make_draft: MakeDraft) -> None:
    async def scenario() -> Any:
        store = await Store.open(data_dir, SOURCE, clock)
        queued = [asyncio.ensure_future(store.commit(None, [make_draft()])) for _ in range(50)]
        await asyncio.sleep(0)
        await store.close()
        return [int(event.sequence) for (event,) in await asyncio.gather(*queued)]

    assert asyncio.run(scenario()) == list(range(1, 51))


def test_durability_settings_are_what_the_readme_promises(data_dir: Path, clock: ManualClock) -> None:
    async def scenario() -> Any:
        store = await Store.open(data_dir, SOURCE, clock)
        found = await store.do(
            lambda logbook: [
                logbook._db.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
        )
        await store.close()
        return found

    assert asyncio.run(scenario()) == ["wal", 2, 1]


@contextmanager
def locked_elsewhere(data_dir: Path) -> Iterator[None]:
    """Another program works with the database."""
    with closing(sqlite3.connect(data_dir / "gateway.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_lock_from_outside_is_told_and_waited_out(
    data_dir: Path, clock: ManualClock, make_draft: MakeDraft
) -> None:
    async def scenario() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        with locked_elsewhere(data_dir):
            waiting = asyncio.ensure_future(store.commit(None, [make_draft()]))
            with pytest.raises(StoreLocked, match="another program holds it locked"):
                await store.answers()
            assert not waiting.done()
        ((event,),) = await asyncio.gather(waiting)
        await store.answers()
        assert int(event.sequence) == 1
        await store.close()

    asyncio.run(scenario())


def test_a_lock_that_stays_refuses_all_who_wait_at_once(
    data_dir: Path, clock: ManualClock, make_draft: MakeDraft, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.logbook.BUSY_TRIES", 2)

    async def scenario() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        with locked_elsewhere(data_dir):
            begun_s = time.monotonic()
            outcomes = await asyncio.gather(
                *(store.commit(None, [make_draft()]) for _ in range(40)), return_exceptions=True
            )
            took_s = time.monotonic() - begun_s
        assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
        assert "another program holds it locked" in str(outcomes[0])
        assert took_s < 4
        (event,) = await store.commit(None, [make_draft()])
        assert int(event.sequence) == 1
        await store.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("bad", [[0], [39], [7, 8, 30], range(40)])
def test_steps_that_fail_fail_alone_wherever_they_stand_in_their_group(
    data_dir: Path, clock: ManualClock, make_draft: MakeDraft, bad: Sequence[int]
) -> None:
    async def scenario() -> None:
        store = await Store.open(data_dir, SOURCE, clock)
        steps = [store.commit("never-heard" if n in bad else None, [make_draft()]) for n in range(40)]
        outcomes = await asyncio.gather(*steps, return_exceptions=True)
        assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, ValueError)] == list(bad)
        kept = [int(outcome[0].sequence) for outcome in outcomes if isinstance(outcome, list)]
        assert kept == list(range(1, 41 - len(bad)))
        assert (await store.outbox.counts()).waiting == len(kept) == await store.last_sequence()
        await store.close()

    asyncio.run(scenario())
