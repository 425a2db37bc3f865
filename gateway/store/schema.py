"""The database file: its tables, how it is opened, and what its failures mean in words."""

import contextlib
import sqlite3
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from gateway.errors import StoreDamaged, StoreUnavailable
from gateway.store.damage import mark_damaged, marked, unmark
from gateway.store.records import Notice
from gateway.store.reserve import Reserve, is_full

DATABASE_NAME = "gateway.db"
BUSY_TIMEOUT_S = 10.0
"""For so long another program's lock is waited for while the gateway opens the file, and"""
BUSY_LOOK_MS = 500
"""in steps of this length afterwards, so that what is waited for can be told meanwhile."""
BUSY_TRIES = 20
ON_RESERVE = Notice(
    "disk", "the disk is full; the gateway lives on the space that it kept for that", "free disk space now"
)
_DAMAGED = ("SQLITE_NOTADB", "SQLITE_CORRUPT")

_IN_WORDS = {
    ("SQLITE_FULL",): "the disk is full; free some space, nothing more is stored until then",
    ("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH"): (
        "cannot be written; check who owns the folder and whether it is read-only"
    ),
    ("SQLITE_CANTOPEN",): "cannot be opened; check that the folder is there and may be written",
    ("SQLITE_BUSY", "SQLITE_LOCKED"): "another program holds it locked; end that program or wait",
    ("SQLITE_IOERR",): "reading or writing failed; check the disk",
    _DAMAGED: "is damaged; the next start keeps it aside and begins a new one",
}

migrations = Migrations("radio-gateway")


@migrations(name="0001-first-tables")
def _first_tables(db: Database) -> None:
    db.executescript("""
        CREATE TABLE meta (
            key TEXT PRIMARY KEY,
            value TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE sources (
            source TEXT PRIMARY KEY,
            last_sequence INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE transmissions (
            id TEXT PRIMARY KEY,
            radio_id TEXT NOT NULL,
            started_at TEXT NOT NULL,
            duration_s REAL NOT NULL,
            end TEXT NOT NULL,
            dropped_frames INTEGER NOT NULL,
            sound_class TEXT,
            audio TEXT,
            signalling TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('heard', 'understood', 'quarantined')),
            attempts INTEGER NOT NULL DEFAULT 0,
            heard_at TEXT NOT NULL
        ) STRICT;
        CREATE INDEX transmissions_unfinished ON transmissions (state) WHERE state = 'heard';
        CREATE TABLE events (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            source TEXT NOT NULL,
            sequence INTEGER NOT NULL,
            id TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            subject TEXT NOT NULL,
            order_key TEXT,
            transmission_id TEXT REFERENCES transmissions (id),
            document TEXT NOT NULL,
            stored_at TEXT NOT NULL,
            UNIQUE (source, sequence)
        ) STRICT;
        CREATE INDEX events_of_transmission ON events (transmission_id) WHERE transmission_id IS NOT NULL;
        CREATE INDEX events_by_age ON events (stored_at);
        CREATE TABLE outbox (
            position INTEGER PRIMARY KEY REFERENCES events (position),
            lane TEXT NOT NULL CHECK (lane IN ('live', 'backlog')),
            state TEXT NOT NULL CHECK (state IN ('waiting', 'set_aside')),
            attempts INTEGER NOT NULL DEFAULT 0,
            reason TEXT,
            last_error TEXT,
            enqueued_at TEXT NOT NULL
        ) STRICT;
        CREATE TABLE conversations (
            radio_id TEXT PRIMARY KEY,
            state TEXT NOT NULL,
            changed_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE units (
            place INTEGER PRIMARY KEY,
            unit_id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('active', 'holiday', 'disabled')),
            record TEXT NOT NULL
        ) STRICT;
    """)


@migrations(name="0002-followed-rollcalls")
def _followed_rollcalls(db: Database) -> None:
    db.execute("""
        CREATE TABLE followers (
            radio_id TEXT PRIMARY KEY,
            state TEXT NOT NULL,
            changed_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
    """)


@migrations(name="0003-reviews")
def _reviews(db: Database) -> None:
    db.executescript("""
        CREATE INDEX events_to_review ON events (position)
            WHERE kind = 'transmission.received' AND json_extract(document, '$.data.review.required') = 1;
        CREATE INDEX events_reviewed ON events (subject)
            WHERE kind IN ('review.accepted', 'review.corrected');
    """)


@migrations(name="0004-conducted-rollcalls")
def _conducted_rollcalls(db: Database) -> None:
    db.executescript("""
        CREATE TABLE rollcalls (
            rollcall_id TEXT PRIMARY KEY,
            radio_id TEXT NOT NULL,
            plan TEXT NOT NULL,
            head TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE rollcall_items (
            rollcall_id TEXT NOT NULL,
            unit_id TEXT NOT NULL,
            item TEXT NOT NULL,
            PRIMARY KEY (rollcall_id, unit_id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE rollcall_occasions (
            occasion TEXT PRIMARY KEY,
            day TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
    """)


@migrations(name="0005-order-within-an-incident")
def _order_within_an_incident(db: Database) -> None:
    db.execute("CREATE INDEX events_by_order_key ON events (order_key, position) WHERE order_key IS NOT NULL")


@migrations(name="0006-retention")
def _retention(db: Database) -> None:
    db.executescript("""
        ALTER TABLE transmissions ADD COLUMN incident_id TEXT;
        UPDATE transmissions SET incident_id = (
            SELECT json_extract(e.document, '$.data.incident_id') FROM events e
            WHERE e.transmission_id = transmissions.id AND e.kind = 'transmission.received'
        );
        CREATE INDEX transmissions_by_age ON transmissions (heard_at);
        CREATE INDEX transmissions_of_incident ON transmissions (incident_id) WHERE incident_id IS NOT NULL;
        CREATE TABLE holds (
            incident_id TEXT PRIMARY KEY,
            reason TEXT NOT NULL,
            by TEXT NOT NULL,
            since TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE deletions (
            at TEXT NOT NULL,
            transmission_id TEXT NOT NULL,
            ref TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            size_bytes INTEGER NOT NULL,
            reason TEXT NOT NULL
        ) STRICT;
    """)


@migrations(name="0007-commands")
def _commands(db: Database) -> None:
    db.execute("""
        CREATE TABLE commands (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            command TEXT NOT NULL,
            request_id TEXT,
            by TEXT,
            about TEXT NOT NULL,
            code TEXT NOT NULL,
            reason TEXT
        ) STRICT
    """)


@migrations(name="0008-sent-audio")
def _sent_audio(db: Database) -> None:
    db.executescript("""
        CREATE TABLE sent_audio (
            transmission_id TEXT PRIMARY KEY,
            ref TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            size_bytes INTEGER NOT NULL,
            kept_at TEXT NOT NULL,
            order_key TEXT,
            origin TEXT NOT NULL CHECK (origin IN ('sent', 'found'))
        ) STRICT, WITHOUT ROWID;
        INSERT INTO sent_audio
            SELECT subject, document ->> '$.data.audio.ref', document ->> '$.data.audio.sha256',
                document ->> '$.data.audio.size_bytes', stored_at, order_key, 'sent'
            FROM events WHERE kind = 'transmission.sent' AND document ->> '$.data.audio.ref' IS NOT NULL
            ON CONFLICT DO NOTHING;
        ALTER TABLE transmissions ADD COLUMN rollcall_id TEXT;
        UPDATE transmissions SET rollcall_id = (
            SELECT coalesce(document ->> '$.data.rollcall_id', document ->> '$.data.drill_id') FROM events e
            WHERE e.transmission_id = transmissions.id AND e.kind = 'transmission.received'
        );
        CREATE INDEX transmissions_of_rollcall ON transmissions (rollcall_id) WHERE rollcall_id IS NOT NULL;
    """)


def open_database(path: Path, now: datetime) -> tuple[Database, tuple[Notice, ...]]:
    """Open the database, creating it or bringing its tables up to date.

    A file that is damaged or no database at all is kept under another name and a new one is started; the
    notice returned says so. The calling thread owns the connection.

    Raises:
        StoreUnavailable: the file cannot be opened or written, or a newer version has written it.
    """
    damage = marked(path) if path.exists() else None
    if damage is None:
        try:
            return _open_sound(path), ()
        except sqlite3.Error as error:
            if not _is_damage(error):
                return _open_on_reserve(path, error), (ON_RESERVE,)
            damage = str(error)
    try:
        last_sequences = _salvage_sequences(path)
        kept_as = _keep_aside(path, now)
        unmark(path)
        db = _open_sound(path)
        with db.atomic():
            for source, last in last_sequences.items():
                db.execute("INSERT INTO sources VALUES (?, ?)", (source, last))
    except (OSError, sqlite3.Error) as error:
        raise StoreUnavailable(
            f"{path}: is damaged ({damage}) and cannot be replaced: {error}; move it away by hand"
        ) from error
    carried = "" if last_sequences else "; sequence numbers start again at 1"
    return db, (
        Notice(
            what="store",
            message=f"{path.name} was damaged ({damage}); it is kept as {kept_as.name}, a new one was started"
            + carried,
            action=f"check the disk; undelivered events may be read from {kept_as} with `sqlite3 … .recover`",
        ),
    )


def _open_on_reserve(path: Path, error: sqlite3.Error) -> Database:
    """Open what a full disk refuses, in the space that was kept for that."""
    try:
        full = is_full(path.parent)
        if full and Reserve(path.parent).give_up():
            return _open_sound(path)
    except (OSError, sqlite3.Error) as again:
        raise StoreUnavailable(f"{path}: cannot be opened ({again}); free space or mend the disk") from again
    if full:
        raise StoreUnavailable(f"{path}: the disk is full ({error}); free some space") from error
    raise StoreUnavailable(in_words(error, path)) from error


def _open_sound(path: Path) -> Database:
    """Open and check; raises sqlite3.Error, with the connection closed, when anything is wrong."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)
    try:
        db = Database(connection, execute_plugins=False)
        db.enable_wal()
        # FULL, not NORMAL: in WAL mode NORMAL may take back the last commits when the power goes.
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        _refuse_unsound(db, path)
        migrations.apply(db)
        db.execute(f"PRAGMA busy_timeout = {BUSY_LOOK_MS}")
    except BaseException:
        connection.close()
        raise
    return db


def _refuse_unsound(db: Database, path: Path) -> None:
    verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise _damaged(verdict)
    newer = sorted({migration.name for migration in migrations.applied(db)} - _names_of_this_version())
    if newer:
        raise StoreUnavailable(
            f"{path}: was written by a newer radio-gateway (it knows {', '.join(newer)}); "
            "install that version again, or move the file away"
        )


def _names_of_this_version() -> frozenset[str]:
    empty = Database(memory=True)
    try:
        return frozenset(migration.name for migration in migrations.pending(empty))
    finally:
        empty.close()


def _damaged(verdict: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(verdict)
    error.sqlite_errorname = "SQLITE_CORRUPT"
    return error


def _is_damage(error: sqlite3.Error) -> bool:
    return str(getattr(error, "sqlite_errorname", "")).startswith(_DAMAGED)


def _salvage_sequences(path: Path) -> dict[str, int]:
    """Read the sequence counters if that page still reads, so that numbers go on rather than start again."""
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as damaged,
    ):
        return {
            str(source): int(last)
            for source, last in damaged.execute("SELECT source, last_sequence FROM sources")
        }
    return {}


def _keep_aside(path: Path, now: datetime) -> Path:
    stamp = now.strftime("%Y%m%dT%H%M%S")
    kept_as = path.with_name(f"{path.name}.damaged-{stamp}")
    copy = 1
    while kept_as.exists():
        copy += 1
        kept_as = path.with_name(f"{path.name}.damaged-{stamp}-{copy}")
    # The write-ahead log goes first: left behind, it would be replayed into the new database.
    for suffix in ("-wal", "-shm"):
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.rename(kept_as.with_name(kept_as.name + suffix))
    path.rename(kept_as)
    return kept_as


def failure(error: sqlite3.Error, path: Path) -> StoreUnavailable:
    """Return what to raise for a database error in a running gateway; damage is marked for the next start."""
    if _is_damage(error):
        mark_damaged(path, str(error))
        return StoreDamaged(in_words(error, path))
    return StoreUnavailable(in_words(error, path))


def is_locked(error: sqlite3.Error) -> bool:
    """Say whether another program's lock is all that is wrong."""
    return str(getattr(error, "sqlite_errorname", "")).startswith("SQLITE_BUSY")


def in_words(error: sqlite3.Error, path: Path) -> str:
    """Say what a database error means to the person at the station and what to do about it."""
    name = str(getattr(error, "sqlite_errorname", ""))
    for beginnings, words in _IN_WORDS.items():
        if name.startswith(beginnings):
            return f"{path}: {words} ({error})"
    return f"{path}: {error}"
