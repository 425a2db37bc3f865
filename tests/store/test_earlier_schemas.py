"""A station is upgraded from whatever version it has: nothing that was stored may be lost or changed."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlite_utils import Database

from gateway.clock import ManualClock
from gateway.errors import StoreUnavailable
from gateway.model import Unit
from gateway.store import HeardTransmission
from gateway.store.logbook import Logbook
from gateway.store.retention import Hold
from gateway.store.schema import DATABASE_NAME, migrations

SOURCE = "urn:radio-gateway:gz:tianhe:shipai"
VERSIONS = [migration.name for migration in migrations.pending(Database(memory=True))]
KEPT_COLUMNS = (
    ("transmissions", "id, radio_id, started_at, duration_s, audio, state"),
    ("events", "position, source, sequence, id, kind, document"),
    ("outbox", "position, lane, state, attempts"),
    ("units", "place, unit_id, name, state, record"),
    ("conversations", "radio_id, state"),
    ("sources", "source, last_sequence"),
    ("meta", "key, value"),
)


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(path) as db:
        read = {
            table: db.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall()
            for table, columns in KEPT_COLUMNS
        }
    db.close()
    return read


def fill(data_dir: Path, clock: ManualClock, make_draft: Callable, make_heard: Callable) -> None:
    """Store a little of everything with today's tables."""
    with Logbook.open(data_dir, SOURCE, clock) as logbook:
        heard: list[HeardTransmission] = [make_heard() for _ in range(3)]
        with logbook.group():
            for one in heard:
                logbook.heard(one)
            logbook.units.replace([Unit("u1", "金穗花园"), Unit("u2", "棠东小学")], None)
            for one in heard[:2]:
                logbook.commit(one.id, [make_draft(), make_draft()], ("ch1", '{"v":1}'))
            logbook.next_session()


def age(path: Path, version: str) -> None:
    """Turn today's database into one that `version` was the last migration of, rows and all."""
    whole = sqlite3.connect(path)
    old = Database(path.with_name("old.db"))
    old.execute("PRAGMA foreign_keys = OFF")
    migrations.apply(old, stop_before=_after(version))
    for table in [name for name in old.table_names() if not name.startswith(("_", "sqlite_"))]:
        columns = ", ".join(column.name for column in old[table].columns)
        taken = whole.execute(f"SELECT {columns} FROM {table}").fetchall()
        marks = ", ".join("?" * len(old[table].columns))
        old.conn.executemany(f"INSERT INTO {table} VALUES ({marks})", taken)
    old.conn.commit()
    old.close()
    whole.close()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.with_name("old.db").replace(path)


def _after(version: str) -> str | None:
    place = VERSIONS.index(version) + 1
    return VERSIONS[place] if place < len(VERSIONS) else None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_database_of_an_earlier_version_is_carried_forward(
    version: str, data_dir: Path, clock: ManualClock, make_draft: Callable, make_heard: Callable
) -> None:
    fill(data_dir, clock, make_draft, make_heard)
    path = data_dir / DATABASE_NAME
    age(path, version)
    old = Database(path)
    assert [one.name for one in migrations.applied(old)] == VERSIONS[: VERSIONS.index(version) + 1]
    old.close()
    before = rows(path)
    assert all(before.values()), "an empty table proves nothing"

    with Logbook.open(data_dir, SOURCE, clock) as logbook:
        assert logbook.notices == ()
        with logbook.group():
            assert [unit.name for unit in logbook.units.all()] == ["金穗花园", "棠东小学"]
            assert len(logbook.events.since(0)) == 4
            assert len(logbook.unfinished()) == 1
            assert logbook.outbox.counts().waiting == 4
            assert logbook.conversations() == {"ch1": '{"v":1}'}
            assert logbook.retention.audio_bytes() == 3 * 80_044
            assert logbook.ledger.newest() == []
            logbook.commit(None, [make_draft()])
            assert logbook.events.last_sequence() == 5
    after = rows(path)
    after["events"] = after["events"][:4]
    after["outbox"] = after["outbox"][:4]
    assert {**after, "sources": before["sources"]} == before


def test_a_database_of_a_later_version_is_refused_and_not_touched(
    data_dir: Path, clock: ManualClock, make_draft: Callable, make_heard: Callable
) -> None:
    fill(data_dir, clock, make_draft, make_heard)
    path = data_dir / DATABASE_NAME
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE holograms (id TEXT)")
    db.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
        "VALUES ('radio-gateway', '0099-holograms', '2030-01-01')"
    )
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match=r"newer radio-gateway .*0099-holograms.*install that version"):
        Logbook.open(data_dir, SOURCE, clock)
    assert path.read_bytes() == before
    assert sorted(p.name for p in data_dir.iterdir() if "damaged" in p.name) == []


def test_what_an_earlier_version_sent_and_heard_in_a_roll_call_is_known_to_retention(
    data_dir: Path, clock: ManualClock, make_heard: Callable
) -> None:
    heard = make_heard(id="t1")
    with Logbook.open(data_dir, SOURCE, clock) as logbook, logbook.group():
        logbook.heard(heard)
        logbook.commit("t1", [])
    path = data_dir / DATABASE_NAME
    age(path, "0007-commands")
    documents = {
        "transmission.received": '{"data": {"rollcall_id": null, "drill_id": "d-1"}}',
        "transmission.sent": '{"data": {"audio": {"ref": "x/t2.wav", "sha256": "ab", "size_bytes": 9}}}',
    }
    db = sqlite3.connect(path)
    for number, (kind, document) in enumerate(documents.items()):
        db.execute(
            "INSERT INTO events (source, sequence, id, kind, subject, order_key, transmission_id, document, "
            "stored_at) VALUES ('s', ?, ?, ?, ?, 'd-1', ?, ?, '2025-01-01T00:00:00.000000+00:00')",
            [number, f"e{number}", kind, f"t{number + 1}", None if number else "t1", document],
        )
    db.commit()
    db.close()
    far = clock.now().replace(year=2100)
    with Logbook.open(data_dir, SOURCE, clock) as logbook, logbook.group():
        kept = logbook.retention.disposable(9, far, far)
        assert [(one.transmission_id, one.origin) for one in kept] == [("t2", "sent"), ("t1", "heard")]
        logbook.retention.hold(Hold("d-1", "court", "station", clock.now()))
        assert logbook.retention.disposable(9, far, far) == []
