"""What a station keeps, reached from a command line: its registry and its outbox, beside a running daemon.

Each function opens the database for a moment. SQLite lets it wait for the daemon's writes and the daemon for
its; a daemon notices a new registry by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from gateway.clock import SystemClock
from gateway.config import Config, load_config
from gateway.errors import MissingInput
from gateway.model import Unit
from gateway.store.logbook import Logbook
from gateway.store.records import OutboxEntry, UnitsStamp
from gateway.understand.registry import parse_units_csv, units_to_csv


def read_units_file(path: Path) -> tuple[tuple[Unit, ...], UnitsStamp]:
    """Read a registry CSV and the stamp that tells this version of the file from others.

    Raises:
        MissingInput: the file is not there or cannot be read.
        BadInput: with every fault as `file:line:column: message`.
    """
    try:
        content = path.read_bytes()
        modified_ns = path.stat().st_mtime_ns
    except OSError as error:
        raise MissingInput(f"{path}: the unit registry cannot be read: {error.strerror}") from error
    units = parse_units_csv(content, str(path))
    return units, UnitsStamp(path=str(path), mtime_ns=modified_ns, sha256=sha256(content).hexdigest())


def import_units(config_file: Path, csv_file: Path) -> int:
    """Replace the registry by `csv_file`, all or nothing; return how many units there are now."""
    config = load_config(config_file)
    units, stamp = read_units_file(csv_file)
    with _logbook(config) as logbook:
        logbook.units.replace(units, stamp)
    return len(units)


def read_units(config_file: Path) -> list[Unit]:
    """Return the registry, in the order of the file it came from."""
    with _logbook(load_config(config_file)) as logbook:
        return logbook.units.all()


def export_units(config_file: Path) -> str:
    """Return the registry as CSV in the contract's format."""
    return units_to_csv(tuple(read_units(config_file)))


def read_outbox(config_file: Path, limit: int) -> list[OutboxEntry]:
    """Return up to `limit` events that are not delivered, oldest first."""
    with _logbook(load_config(config_file)) as logbook:
        return logbook.outbox.list(limit)


@contextmanager
def _logbook(config: Config) -> Iterator[Logbook]:
    with (
        Logbook.open(config.gateway.data_dir, config.gateway.source, SystemClock()) as logbook,
        logbook.group(),
    ):
        yield logbook
