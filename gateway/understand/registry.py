"""The unit registry: its CSV form (CONTRACT section 2) and the in-memory index the other rooms ask."""

import csv
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from typing import Literal, cast

from gateway.errors import BadInput
from gateway.model import Unit
from gateway.spreadsheet import as_meant, harmless
from gateway.understand.normalise import normalise

REQUIRED_COLUMNS = (
    "unit_id",
    "name",
    "aliases",
    "unit_class",
    "street",
    "lat",
    "lon",
    "duty_headcount",
    "state",
)
OPTIONAL_COLUMNS = ("callsign", "radio_id", "neighbours", "phone", "leader")
UNIT_CLASSES = ("A", "B", "C", "D")
UNIT_STATES = ("active", "holiday", "disabled")
SIGNALLING_SYSTEMS = ("dmr", "mdc1200", "fivetone", "dtmf")

_MOST_FAULTS = 20
_EARTH_RADIUS_M = 6_371_000.0
_RADIO_ID = re.compile(f"(?:{'|'.join(SIGNALLING_SYSTEMS)}):[0-9A-Za-z*#]+")
_UNIT_ID = re.compile(r"[^\s|/+#]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADCOUNT = re.compile(r"[0-9]{1,4}")


@dataclass(slots=True)
class _Sheet:
    """One file being read: its faults are collected so that a person mends them all at once."""

    filename: str
    faults: list[tuple[int, str]] = field(default_factory=list)

    def fault(self, line: int, column: str, message: str) -> None:
        self.faults.append((line, f"{self.filename}:{line}:{column}: {message}"))

    def raise_if_faulty(self) -> None:
        if not self.faults:
            return
        shown = [text for _, text in sorted(self.faults, key=itemgetter(0))][:_MOST_FAULTS]
        if len(self.faults) > _MOST_FAULTS:
            shown.append(f"and {len(self.faults) - _MOST_FAULTS} more")
        raise BadInput("\n".join(shown))


def parse_units_csv(data: bytes, filename: str) -> tuple[Unit, ...]:
    """Read a registry file.

    Raises:
        BadInput: with every fault as a `file:line:column_name: message` line (the first 20, then "and N
            more"). Nothing of a faulty file is kept.
    """
    sheet = _Sheet(filename)
    rows = _rows(data, sheet)
    header_line, header = next(rows, (1, None))
    if header is None:
        sheet.fault(1, "unit_id", f"the file is empty; the first line must be {','.join(REQUIRED_COLUMNS)}")
        sheet.raise_if_faulty()
        return ()
    columns = [name.strip() for name in header]
    _check_header(columns, header_line, sheet)
    sheet.raise_if_faulty()
    units: list[tuple[int, Unit]] = []
    for line, row in rows:
        if len(row) != len(columns):
            column = columns[min(len(row), len(columns) - 1)]
            sheet.fault(line, column, f"the row has {len(row)} fields, the header has {len(columns)}")
            continue
        cells = {name: as_meant(value.strip()) for name, value in zip(columns, row, strict=True)}
        units.append((line, _unit(cells, partial(sheet.fault, line))))
    _check_across(units, sheet)
    sheet.raise_if_faulty()
    return tuple(unit for _, unit in units)


def units_to_csv(units: tuple[Unit, ...]) -> str:
    """The CSV text for `units` with every column and no formulas; `parse_units_csv` reads it back equal."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS))
    for u in units:
        writer.writerow(
            (
                harmless(u.unit_id),
                harmless(u.name),
                harmless("|".join(u.aliases)),
                u.unit_class,
                harmless(u.street),
                "" if u.lat is None else repr(u.lat),
                "" if u.lon is None else repr(u.lon),
                "" if u.duty_headcount is None else u.duty_headcount,
                u.state,
                *map(
                    harmless,
                    (u.callsign, "|".join(u.radio_ids), "|".join(u.neighbours), u.phone, u.leader),
                ),
            )
        )
    return out.getvalue()


def _rows(data: bytes, sheet: _Sheet) -> Iterator[tuple[int, list[str]]]:
    """Yield (line where the row starts, fields) without blank lines; stops at a row CSV cannot read."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        sheet.fault(1, "unit_id", "the file is UTF-16; save it as CSV UTF-8")
        sheet.raise_if_faulty()
    text = data.decode("utf-8", errors="surrogateescape").removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            sheet.fault(line, "unit_id", f"not readable as CSV: {error}")
            return
        if any(cell.strip() for cell in row):
            yield line, row
        line = reader.line_num + 1


def _check_header(columns: list[str], line: int, sheet: _Sheet) -> None:
    known = (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS)
    if len(columns) == 1 and any(mark in columns[0] for mark in ";\t"):
        sheet.fault(line, "unit_id", "the fields are not separated by commas; save it as CSV with commas")
        return
    for i, name in enumerate(columns):
        if not _is_utf8(name):
            sheet.fault(line, f"column {i + 1}", "is not UTF-8; save the file as CSV UTF-8")
        elif name not in known:
            what = f"unknown column; known are {', '.join(known)}" if name else "the column has no name"
            sheet.fault(line, name or f"column {i + 1}", what)
        elif name in columns[:i]:
            sheet.fault(line, name, "the column is there twice")
    for name in REQUIRED_COLUMNS:
        if name not in columns:
            sheet.fault(line, name, "the column is missing from the header")


def _unit(cells: dict[str, str], fault: partial[None]) -> Unit:
    for name, value in cells.items():
        if not _is_utf8(value):
            fault(name, "is not UTF-8; save the file as CSV UTF-8")
        elif _CONTROL.search(value):
            fault(name, "holds a control character or a line break")
    unit_id, name = cells["unit_id"], cells["name"]
    if not unit_id:
        fault("unit_id", "is empty")
    elif not _UNIT_ID.fullmatch(unit_id):
        fault("unit_id", f"{_shown(unit_id)} must have 1 to 64 characters, no space and none of | / + #")
    if not name:
        fault("name", "is empty")
    _check_word(cells["unit_class"], UNIT_CLASSES, "unit_class", fault)
    _check_word(cells["state"], UNIT_STATES, "state", fault)
    lat = _degrees(cells["lat"], 90.0, "lat", fault)
    lon = _degrees(cells["lon"], 180.0, "lon", fault)
    if bool(cells["lat"]) != bool(cells["lon"]):
        fault("lon" if cells["lat"] else "lat", "is empty; give both lat and lon or neither")
    return Unit(
        unit_id=unit_id,
        name=name,
        aliases=_listed(cells["aliases"]),
        unit_class=cells["unit_class"],
        street=cells["street"],
        lat=lat,
        lon=lon,
        duty_headcount=_headcount(cells["duty_headcount"], fault),
        state=cast("Literal['active', 'holiday', 'disabled']", cells["state"]),
        callsign=cells.get("callsign", ""),
        radio_ids=_radio_ids(cells.get("radio_id", ""), fault),
        neighbours=_listed(cells.get("neighbours", "")),
        phone=cells.get("phone", ""),
        leader=cells.get("leader", ""),
    )


def _is_utf8(value: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in value)


def _shown(value: str) -> str:
    return repr(value.encode("utf-8", errors="replace").decode()[:40])


def _listed(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in (p.strip() for p in value.split("|")) if part))


def _check_word(value: str, allowed: tuple[str, ...], column: str, fault: partial[None]) -> None:
    if value not in allowed:
        fault(column, f"{_shown(value)} must be one of {', '.join(allowed)}")


def _degrees(value: str, most: float, column: str, fault: partial[None]) -> float | None:
    if not value:
        return None
    try:
        degrees = float(value)
    except ValueError:
        fault(column, f"{_shown(value)} is not a number of degrees")
        return None
    if not -most <= degrees <= most:
        fault(column, f"{_shown(value)} must lie between -{most:g} and {most:g} degrees")
        return None
    return degrees


def _headcount(value: str, fault: partial[None]) -> int | None:
    if not value:
        return None
    if not (value.isascii() and _HEADCOUNT.fullmatch(value)):
        fault("duty_headcount", f"{_shown(value)} must be a whole number of people, 0 to 9999")
        return None
    return int(value)


def _radio_ids(value: str, fault: partial[None]) -> tuple[str, ...]:
    ids = _listed(value)
    for radio_id in ids:
        if not _RADIO_ID.fullmatch(radio_id):
            fault(
                "radio_id", f"{_shown(radio_id)} must be {', '.join(f'{s}:ID' for s in SIGNALLING_SYSTEMS)}"
            )
    return ids


def _check_across(units: list[tuple[int, Unit]], sheet: _Sheet) -> None:
    first_line: dict[str, int] = {}
    radio_owner: dict[str, int] = {}
    for line, unit in units:
        if unit.unit_id and unit.unit_id in first_line:
            message = f"{_shown(unit.unit_id)} is already on line {first_line[unit.unit_id]}"
            sheet.fault(line, "unit_id", message)
        first_line.setdefault(unit.unit_id, line)
        for radio_id in unit.radio_ids:
            if radio_id in radio_owner:
                sheet.fault(
                    line, "radio_id", f"{_shown(radio_id)} is already on line {radio_owner[radio_id]}"
                )
            radio_owner.setdefault(radio_id, line)
    for line, unit in units:
        for neighbour in unit.neighbours:
            if neighbour == unit.unit_id:
                sheet.fault(line, "neighbours", "the unit is listed as its own neighbour")
            elif neighbour not in first_line:
                sheet.fault(line, "neighbours", f"there is no unit {_shown(neighbour)} in this file")


@dataclass(frozen=True, slots=True)
class Registry:
    """All registered units, in file order, with the look-ups that need no guessing. Unit ids are unique."""

    units: tuple[Unit, ...] = ()
    _by_id: dict[str, Unit] = field(init=False, repr=False, compare=False)
    _by_name: dict[str, tuple[Unit, ...]] = field(init=False, repr=False, compare=False)
    _by_radio_id: dict[str, Unit] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_id = {unit.unit_id: unit for unit in self.units}
        if len(by_id) != len(self.units):
            raise ValueError("two units share a unit_id")
        by_name: dict[str, tuple[Unit, ...]] = {}
        for unit in self.units:
            for name in {_key(n) for n in (unit.name, *unit.aliases, unit.callsign) if n}:
                by_name[name] = (*by_name.get(name, ()), unit)
        object.__setattr__(self, "_by_id", by_id)
        object.__setattr__(self, "_by_name", by_name)
        object.__setattr__(self, "_by_radio_id", {r: u for u in self.units for r in u.radio_ids})

    def __len__(self) -> int:
        return len(self.units)

    def __iter__(self) -> Iterator[Unit]:
        return iter(self.units)

    def __contains__(self, unit_id: object) -> bool:
        return unit_id in self._by_id

    def get(self, unit_id: str) -> Unit | None:
        """The unit with this id, or None."""
        return self._by_id.get(unit_id)

    def named(self, name: str) -> tuple[Unit, ...]:
        """Units whose normalised name, alias or callsign is exactly this one; two may share one."""
        return self._by_name.get(_key(name), ())

    def with_radio_id(self, radio_id: str) -> Unit | None:
        """The unit that registered this `system:id` caller id, or None."""
        return self._by_radio_id.get(radio_id)

    def active(self) -> tuple[Unit, ...]:
        """Units that are neither on holiday nor disabled, in file order."""
        return tuple(unit for unit in self.units if unit.state == "active")

    def neighbours(self, unit_id: str, n: int = 10) -> tuple[Unit, ...]:
        """The active units to call when `unit_id` needs help: those it lists, else the `n` nearest.

        Nearest first; empty when the unit lists none and has no position. KeyError for an unregistered id.
        """
        unit = self._by_id[unit_id]
        if unit.neighbours:
            listed = (self._by_id.get(neighbour) for neighbour in unit.neighbours)
            return tuple(other for other in listed if other is not None and other.state == "active")
        if unit.lat is None or unit.lon is None:
            return ()
        near = [
            (distance_m(unit.lat, unit.lon, other.lat, other.lon), i, other)
            for i, other in enumerate(self.units)
            if other.unit_id != unit_id
            and other.state == "active"
            and other.lat is not None
            and other.lon is not None
        ]
        return tuple(other for _, _, other in sorted(near)[:n])


def _key(name: str) -> str:
    return normalise(name).upper().removesuffix("最小应急单元")


def distance_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Great-circle distance in metres between two points in degrees (haversine on a sphere)."""
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    half_dphi, half_dlon = (phi_b - phi_a) / 2, math.radians(lon_b - lon_a) / 2
    h = math.sin(half_dphi) ** 2 + math.cos(phi_a) * math.cos(phi_b) * math.sin(half_dlon) ** 2
    return 2 * _EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, h)))
