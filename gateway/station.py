"""What a station keeps, reached from a command line: its registry and its outbox, beside a running daemon.

Each function opens the database for a moment. SQLite lets it wait for the daemon's writes and the daemon for
its; a daemon notices a new registry by itself.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from gateway.clock import IdSource, SystemClock
from gateway.config import Config, load_config
from gateway.drafts import dropped_event
from gateway.errors import MissingInput, UsageError
from gateway.model import Unit
from gateway.shipped import shipped_text
from gateway.store.logbook import Logbook
from gateway.store.records import OutboxEntry, UnitsStamp
from gateway.store.registry import UnitState
from gateway.store.retention import Deletion, Hold
from gateway.timekeeping import ClockReader
from gateway.understand.confusable import Confusable, ConfusablePair, PhoneConfusions
from gateway.understand.registry import Registry, parse_units_csv, units_to_csv


def read_units_file(path: Path) -> tuple[tuple[Unit, ...], UnitsStamp]:
    """Read a registry CSV and the stamp that tells this version of the file from others.

    Raises:
        MissingInput: the file is not there or cannot be read.
        BadInput: with every fault as `file:line:column: message`.
    """
    content, stamp = _read(path)
    return parse_units_csv(content, str(path)), stamp


def newer_units_file(path: Path, known: UnitsStamp | None) -> tuple[tuple[Unit, ...], UnitsStamp] | None:
    """Do as `read_units_file`, but return None for the very file that `known` was made of, unread."""
    content, stamp = _read(path)
    if known is not None and (known.sha256, known.path) == (stamp.sha256, stamp.path):
        return None
    return parse_units_csv(content, str(path)), stamp


def _read(path: Path) -> tuple[bytes, UnitsStamp]:
    try:
        content = path.read_bytes()
        modified_ns = path.stat().st_mtime_ns
    except OSError as error:
        raise MissingInput(f"{path}: the unit registry cannot be read: {error.strerror}") from error
    return content, UnitsStamp(path=str(path), mtime_ns=modified_ns, sha256=sha256(content).hexdigest())


def import_units(config_file: Path, csv_file: Path) -> int:
    """Replace the registry by `csv_file`, all or nothing; return how many units there are now."""
    config = load_config(config_file)
    units, stamp = read_units_file(csv_file)
    with open_logbook(config) as logbook:
        logbook.units.replace(units, stamp)
    return len(units)


def read_units(config_file: Path) -> list[Unit]:
    """Return the registry, in the order of the file it came from."""
    with open_logbook(load_config(config_file)) as logbook:
        return logbook.units.all()


def export_units(config_file: Path) -> str:
    """Return the registry as CSV in the contract's format."""
    return units_to_csv(tuple(read_units(config_file)))


def read_outbox(config_file: Path, limit: int) -> list[OutboxEntry]:
    """Return up to `limit` events that are not delivered, oldest first."""
    with open_logbook(load_config(config_file)) as logbook:
        return logbook.outbox.list(limit)


def set_unit_state(config_file: Path, unit_id: str, state: UnitState) -> None:
    """Put a unit on holiday (放假), disable it (停用) or make it active again.

    Raises:
        UsageError: there is no such unit.
    """
    with open_logbook(load_config(config_file)) as logbook:
        if not logbook.units.set_state(unit_id, state):
            raise UsageError(f"there is no unit {unit_id!r}; see radio-gateway units list")


def confusable_units(config_file: Path, least: float) -> tuple[ConfusablePair, ...]:
    """Return pairs of units not told apart in at least this share of noisy calls, worst first."""
    confusions = PhoneConfusions.parse(shipped_text("phone-confusions.json"))
    return Confusable(confusions).pairs(Registry(tuple(read_units(config_file))), least)


def incident_events(
    config_file: Path, beginning: str
) -> tuple[list[dict[str, Any]], tuple[float, float] | None]:
    """Return the kept events of the incidents whose id begins like this, and where the last one's unit is."""
    with open_logbook(load_config(config_file)) as logbook:
        events = logbook.events.of_incidents(beginning) if beginning else []
        units = {unit.unit_id: unit for unit in logbook.units.all()}
    unit = units.get(events[-1].data["unit"]["unit_id"] or "") if events else None
    position = None
    if unit is not None and unit.lat is not None and unit.lon is not None:
        position = unit.lat, unit.lon
    return [event.model_dump(mode="json") for event in events], position


def retry_outbox(config_file: Path, positions: Sequence[int]) -> int:
    """Let events that were set aside wait again, all of them when no position is named; return how many.

    Raises:
        UsageError: a position is not in the outbox, or was not set aside. Nothing is changed then.
    """
    with open_logbook(load_config(config_file)) as logbook:
        for entry in _entries(logbook, positions):
            if entry.state != "set_aside":
                raise UsageError(f"the event at {entry.position} was not set aside; it waits for its turn")
        return logbook.outbox.retry(positions or None)


def drop_from_outbox(config_file: Path, positions: Sequence[int], reason: str) -> int:
    """Give events up for good and store `outbox.dropped` events that say so; return how many were given up.

    Raises:
        UsageError: a position is not in the outbox. Nothing is dropped then.
    """
    clock = SystemClock()
    ids, read_clock = IdSource(clock), ClockReader(clock)
    with open_logbook(load_config(config_file)) as logbook:
        entries = _entries(logbook, positions)
        # Each event names a range without holes, so that it explains exactly the numbers that are missing.
        for run in _runs(entries):
            sequences = range(run[0].sequence, run[-1].sequence + 1)
            draft = dropped_event(ids.new(), sequences, reason, clock.now(), read_clock())
            logbook.drop([entry.position for entry in run], draft)
    return len(entries)


def _entries(logbook: Logbook, positions: Sequence[int]) -> Sequence[OutboxEntry]:
    entries = logbook.outbox.at(positions)
    lacking = sorted(set(positions) - {entry.position for entry in entries})
    if lacking:
        raise UsageError(
            f"no event at {', '.join(map(str, lacking))}: delivered, dropped, or never there; "
            "see radio-gateway outbox list"
        )
    return entries


def _runs(entries: Sequence[OutboxEntry]) -> list[list[OutboxEntry]]:
    runs: list[list[OutboxEntry]] = []
    for entry in entries:
        before = runs[-1][-1] if runs else None
        if before and before.source == entry.source and before.sequence + 1 == entry.sequence:
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return runs


def hold_incident(config_file: Path, incident_id: str, reason: str, by: str) -> bool:
    """Put an incident on hold; False when it was.

    Raises:
        UsageError: nothing of that incident is kept here, or no reason is given.
    """
    if not reason.strip():
        raise UsageError("--reason is empty; say why this incident must be kept")
    with open_logbook(load_config(config_file)) as logbook:
        if not logbook.retention.knows_incident(incident_id):
            raise UsageError(f"nothing of an incident {incident_id!r} is kept here; is the id complete?")
        return logbook.retention.hold(Hold(incident_id, reason.strip(), by, SystemClock().now()))


def release_incident(config_file: Path, incident_id: str) -> None:
    """Release an incident.

    Raises:
        UsageError: it is not on hold.
    """
    with open_logbook(load_config(config_file)) as logbook:
        if not logbook.retention.release(incident_id):
            raise UsageError(f"{incident_id} is not on hold; see radio-gateway hold list")


def read_holds(config_file: Path) -> list[Hold]:
    """Return what is on hold, oldest first."""
    with open_logbook(load_config(config_file)) as logbook:
        return logbook.retention.holds()


def read_deletions(config_file: Path, limit: int) -> list[Deletion]:
    """Return the last audio files deleted, newest first."""
    with open_logbook(load_config(config_file)) as logbook:
        return logbook.retention.deletions(limit)


@contextmanager
def open_logbook(config: Config) -> Iterator[Logbook]:
    """Open a station's memory for one transaction, beside a running daemon or without one.

    Raises:
        StoreUnavailable: it cannot be opened or written.
    """
    with (
        Logbook.open(config.gateway.data_dir, config.gateway.source, SystemClock()) as logbook,
        logbook.group(),
    ):
        yield logbook
