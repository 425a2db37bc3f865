"""Roll-calls and drills as a station's database keeps them: found, reported, reviewed and summed up.

For commands that run for a moment, beside a running daemon or without one, like `station`.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Literal

from gateway.clock import IdSource, SystemClock
from gateway.config import Config, load_config
from gateway.errors import UsageError
from gateway.knowledge import code_names, read_lexicon
from gateway.model import Unit
from gateway.reviewwords import CodeNames
from gateway.rollcall.grades import Weights
from gateway.rollcall.index import IndexLine, district_index
from gateway.rollcall.page import page
from gateway.rollcall.record import Record, entries_of, read_records
from gateway.rollcall.report import Form, register_csv
from gateway.rollcall.review import Finding, review_event, reviewed
from gateway.rollcall.workbook import workbook
from gateway.station import open_logbook
from gateway.store.logbook import Logbook
from gateway.store.spool import spool_path
from gateway.timekeeping import ClockReader

Format = Literal["csv", "xlsx", "html"]
EARLIER = 11
"""Roll-calls before the one reported that its trend shows."""
REVIEWED_LATER = timedelta(days=60)
"""A roll-call's reviews are looked for this long after it."""


def weights_of(config: Config) -> Weights:
    """The station's points."""
    return Weights(**config.rollcall.score.model_dump())


def read_all(config_file: Path, *, drills_only: bool = False) -> list[Record]:
    """Return the roll-calls and drills whose events are still kept, oldest first, without their units."""
    with open_logbook(load_config(config_file)) as logbook:
        records = read_records(logbook.events.of_rollcalls())
    return [record for record in records if record.drill is not None or not drills_only]


def read_form(config_file: Path, record_id: str | None, *, drills_only: bool = False) -> Form:
    """Return one roll-call or drill with all its units; the latest when None, else by how its id begins.

    Raises:
        UsageError: there is none like that, or more than one.
        MissingInput, BadInput: the station's own words cannot be read.
    """
    config = load_config(config_file)
    with open_logbook(config) as logbook:
        return _form(logbook, config, _one(logbook, record_id, drills_only=drills_only), _names(config))


def write_report(
    config_file: Path,
    record_id: str | None,
    form: Format,
    folder: Path,
    *,
    day: date | None = None,
    drills_only: bool = False,
) -> bytes:
    """Return the register as a file's content.

    Args:
        config_file: the station's.
        record_id: which one; see `read_form`.
        form: what kind of file.
        folder: where the file will lie: links to recordings are seen from there.
        day: every roll-call and drill that began on this day instead of one.
        drills_only: leave roll-calls out.

    Raises:
        UsageError: there is nothing to report.
        MissingInput, BadInput: the station's own words cannot be read.
    """
    config = load_config(config_file)
    with open_logbook(config) as logbook:
        if day is None:
            records = [_one(logbook, record_id, drills_only=drills_only)]
        else:
            records = _of_day(logbook, day, drills_only=drills_only)
        names = _names(config)
        forms = [_form(logbook, config, record, names) for record in records]
        every = read_records(logbook.events.of_rollcalls()) if form == "html" else []
    links = {
        entry.transmission_id: _link(spool_path(config.gateway.data_dir, entry.audio), folder)
        for one in forms
        for entry in one.entries
        if entry.audio is not None and entry.transmission_id is not None
    }
    if form == "csv":
        return register_csv(forms).encode()
    if form == "xlsx":
        return workbook(forms, links)
    earlier = {one.record.record_id: _before(one.record, every) for one in forms}
    return page(forms, earlier, links, SystemClock().now()).encode()


def review(config_file: Path, record_id: str, unit: str, finding: Finding) -> None:
    """Store what a person found about one unit's answer, and publish it as a higher revision of its line.

    Raises:
        UsageError: there is no such line, the roll-call still goes on, or the finding says nothing new.
    """
    config = load_config(config_file)
    clock = SystemClock()
    ids, read_clock = IdSource(clock), ClockReader(clock)
    with open_logbook(config) as logbook:
        record = _one(logbook, record_id)
        if record.over is None:
            raise UsageError(f"{record.record_id} still goes on; review it when it is over")
        unit_id = _unit_of(record, logbook.units.all(), unit)
        drafts = []
        for line in (record.items.get(unit_id), record.moves.get(unit_id)):
            if line is None:
                continue
            arrival = finding.arrival if line is record.moves.get(unit_id) else None
            if finding.arrival is not None and unit_id not in record.moves:
                raise UsageError("a roll-call has no arrivals; --arrival is for drills")
            try:
                after = reviewed(line, replace(finding, arrival=arrival), clock.now(), read_clock())
            except ValueError as error:
                if unit_id in record.items and unit_id in record.moves:
                    continue
                raise UsageError(str(error)) from None
            drafts.append(review_event(ids.new(), after, clock.now()))
        if not drafts:
            raise UsageError("that is what the record says already; give another outcome or a --note")
        logbook.commit(None, drafts)


def index_between(
    config_file: Path, since: date, until: date, streets: Sequence[str] = ()
) -> tuple[IndexLine, ...]:
    """Return the response index of the days from `since` to `until`, both included.

    Raises:
        UsageError: the days are the wrong way round, or a street has no unit.
    """
    if until < since:
        raise UsageError(f"--to {until} lies before --from {since}")
    config = load_config(config_file)
    first, end = _midnight(since), _midnight(until + timedelta(days=1))
    with open_logbook(config) as logbook:
        registry = logbook.units.all()
        records = read_records(logbook.events.of_rollcalls_between(first, end + REVIEWED_LATER))
    known = {unit.street for unit in registry}
    if unknown := [street for street in streets if street not in known]:
        raise UsageError(f"no unit belongs to {unknown[0]!r}; there is {', '.join(sorted(known))}")
    units = {unit.unit_id: unit for unit in registry}
    weights = weights_of(config)
    entries = [
        entry
        for record in records
        if first <= record.started_at < end and record.over is not None
        for entry in entries_of(record, units, weights=weights)
    ]
    return district_index(entries, registry, streets)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time()).astimezone()


def _of_day(logbook: Logbook, day: date, *, drills_only: bool) -> list[Record]:
    kept = read_records(logbook.events.of_rollcalls())
    found = [
        record
        for record in kept
        if record.started_at.astimezone().date() == day and (record.drill is not None or not drills_only)
    ]
    if not found:
        raise UsageError(f"no roll-call of {day} is kept here; see radio-gateway rollcall list")
    return [_whole(logbook, record.record_id) for record in found]


def _one(logbook: Logbook, record_id: str | None, *, drills_only: bool = False) -> Record:
    kept = [
        record.record_id
        for record in read_records(logbook.events.of_rollcalls())
        if record.drill is not None or not drills_only
    ]
    fitting = [one for one in kept if one.startswith(record_id)] if record_id else kept[-1:]
    what = "drill" if drills_only else "roll-call"
    if not fitting:
        wanted = f"{what} {record_id}" if record_id else what
        command = "drill" if drills_only else "rollcall"
        raise UsageError(f"no {wanted} is kept here; see radio-gateway {command} list")
    if len(fitting) > 1:
        raise UsageError(f"{record_id} may be {' or '.join(fitting)}; write more of it")
    return _whole(logbook, fitting[0])


def _whole(logbook: Logbook, record_id: str) -> Record:
    (record,) = read_records(logbook.events.of_rollcalls(record_id))
    return record


def _names(config: Config) -> CodeNames:
    return code_names(read_lexicon(config.understand.lexicon))


def _form(logbook: Logbook, config: Config, record: Record, names: CodeNames) -> Form:
    units = {unit.unit_id: unit for unit in logbook.units.all()}
    spoken = [item.transmission_id for item in record.items.values()]
    spoken += [move.transmission_id for move in record.moves.values()]
    audio = logbook.audio_of([one for one in spoken if one is not None])
    entries = entries_of(record, units, weights=weights_of(config), audio=audio)
    return Form(record, entries, config.gateway.command_post, names)


def _before(record: Record, every: Sequence[Record]) -> list[Record]:
    """Those of the same kind on the same radio before it that ended in good order."""
    same = [
        one
        for one in every
        if one.kind == record.kind
        and one.radio == record.radio
        and one.started_at < record.started_at
        and one.over is not None
        and one.over.ended != "cancelled"
    ]
    return sorted(same, key=lambda one: one.started_at)[-EARLIER:]


def _unit_of(record: Record, registry: Sequence[Unit], unit: str) -> str:
    """The unit meant by an id or a name, among those of the record."""
    there = {*record.items, *record.moves}
    if unit in there:
        return unit
    named: Callable[[Unit], bool] = lambda one: unit in {one.name, one.callsign, *one.aliases}  # noqa: E731
    fitting = [one.unit_id for one in registry if one.unit_id in there and named(one)]
    if len(fitting) != 1:
        raise UsageError(f"{unit!r} has no line in {record.record_id}; see radio-gateway rollcall show")
    return fitting[0]


def _link(recording: Path, folder: Path) -> str:
    """Where a recording is, seen from a folder, with forward slashes as links have them."""
    return Path(os.path.relpath(recording.resolve(), folder.resolve())).as_posix()
