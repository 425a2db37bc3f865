"""The unit registry as last imported. Called on the owner thread only."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Literal

from pydantic import TypeAdapter
from sqlite_utils import Database

from gateway.model import Unit
from gateway.store.records import UnitsStamp

UnitState = Literal["active", "holiday", "disabled"]
_UNIT = TypeAdapter(Unit)


class UnitTable:
    """Units in the order of their file. The state column may be changed between imports."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def replace(self, units: Sequence[Unit], imported_from: UnitsStamp | None) -> None:
        """Replace the whole registry, all or nothing.

        Raises:
            ValueError: two units share an id.
        """
        seen: set[str] = set()
        for unit in units:
            if unit.unit_id in seen:
                raise ValueError(f"two units have the id {unit.unit_id!r}; nothing was imported")
            seen.add(unit.unit_id)
        with self._db.atomic():
            self._db.execute("DELETE FROM units")
            for place, unit in enumerate(units):
                self._db.execute(
                    "INSERT INTO units VALUES (?, ?, ?, ?, ?)",
                    [
                        place,
                        unit.unit_id,
                        unit.name,
                        unit.state,
                        _UNIT.dump_json(unit).decode(),
                    ],
                )
            self._db.execute("DELETE FROM meta WHERE key = 'units_from'")
            if imported_from is not None:
                self._db.execute(
                    "INSERT INTO meta VALUES ('units_from', ?)", [json.dumps(asdict(imported_from))]
                )
            self._count_change()

    def put(self, unit: Unit) -> None:
        """Store one unit in place of the one with its id, or after all others when there is none."""
        with self._db.atomic():
            record = _UNIT.dump_json(unit).decode()
            known = self._db.execute(
                "UPDATE units SET name = ?, state = ?, record = ? WHERE unit_id = ?",
                [unit.name, unit.state, record, unit.unit_id],
            )
            if known.rowcount == 0:
                self._db.execute(
                    "INSERT INTO units SELECT coalesce(max(place), -1) + 1, ?, ?, ?, ? FROM units",
                    [unit.unit_id, unit.name, unit.state, record],
                )
            self._count_change()

    def all(self) -> list[Unit]:
        """Return every unit, in the order of the file it came from."""
        return [
            replace(_UNIT.validate_json(row["record"]), state=row["state"])
            for row in self._db.query("SELECT record, state FROM units ORDER BY place")
        ]

    def set_state(self, unit_id: str, state: UnitState) -> bool:
        """Change a unit's state; return False when there is no such unit."""
        changed = self._db.execute("UPDATE units SET state = ? WHERE unit_id = ?", [state, unit_id])
        if changed.rowcount:
            self._count_change()
        return changed.rowcount > 0

    def revision(self) -> int:
        """Return how often the registry was changed, by whatever process."""
        row = self._db.execute("SELECT value FROM meta WHERE key = 'units_revision'").fetchone()
        return int(row[0]) if row is not None else 0

    def _count_change(self) -> None:
        self._db.execute(
            "INSERT INTO meta VALUES ('units_revision', '1') ON CONFLICT (key) "
            "DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)"
        )

    def imported_from(self) -> UnitsStamp | None:
        """Return which file the registry came from, None when it never came from one."""
        row = self._db.execute("SELECT value FROM meta WHERE key = 'units_from'").fetchone()
        return UnitsStamp(**json.loads(row[0])) if row is not None else None
