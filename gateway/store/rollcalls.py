"""Roll-calls that the gateway holds, as far as they have come: what a new process takes up."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class RollcallRecord:
    """What changed of a roll-call. `plan` is None once it is stored; `items` holds changed lines only.

    All are JSON. With `is_over` everything is forgotten: what it found is in the events.
    """

    rollcall_id: str
    radio_id: str
    head: str = ""
    plan: str | None = None
    items: Mapping[str, str] = field(default_factory=dict)
    is_over: bool = False
    occasion: str | None = None
    """Which occasion of a schedule is held with it."""


class RollcallTable:
    """The tables behind it. Use inside the logbook's transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def put(self, record: RollcallRecord) -> None:
        """Store what changed."""
        key = record.rollcall_id
        if record.is_over:
            self._db.execute("DELETE FROM rollcall_items WHERE rollcall_id = ?", [key])
            self._db.execute("DELETE FROM rollcalls WHERE rollcall_id = ?", [key])
            return
        if record.occasion is not None:
            self.settle_occasion(record.occasion)
        if record.plan is not None:
            self._db.execute(
                "INSERT OR REPLACE INTO rollcalls VALUES (?, ?, ?, ?)",
                [key, record.radio_id, record.plan, record.head],
            )
        else:
            self._db.execute("UPDATE rollcalls SET head = ? WHERE rollcall_id = ?", [record.head, key])
        for unit_id, item in record.items.items():
            self._db.execute("INSERT OR REPLACE INTO rollcall_items VALUES (?, ?, ?)", [key, unit_id, item])

    def open(self) -> list[RollcallRecord]:
        """Return every roll-call that is not over, with all its lines."""
        return [
            RollcallRecord(
                rollcall_id=row["rollcall_id"],
                radio_id=row["radio_id"],
                head=row["head"],
                plan=row["plan"],
                items={
                    item["unit_id"]: item["item"]
                    for item in self._db.query(
                        "SELECT unit_id, item FROM rollcall_items WHERE rollcall_id = ?", [row["rollcall_id"]]
                    )
                },
            )
            for row in self._db.query("SELECT * FROM rollcalls ORDER BY rollcall_id")
        ]

    def occasions(self) -> frozenset[str]:
        """Return which occasions of schedules were held or given up."""
        return frozenset(row["occasion"] for row in self._db.query("SELECT occasion FROM rollcall_occasions"))

    def settle_occasion(self, occasion: str) -> None:
        """Note that an occasion was held or given up, and forget those that nobody asks for any more."""
        self._db.execute(
            "INSERT OR REPLACE INTO rollcall_occasions VALUES (?, ?)", [occasion, occasion.rpartition("/")[2]]
        )
        self._db.execute(
            "DELETE FROM rollcall_occasions WHERE occasion NOT IN "
            "(SELECT occasion FROM rollcall_occasions ORDER BY day DESC LIMIT 1000)"
        )

    def seed(self, fresh: str) -> str:
        """Return what the station draws its moments from; `fresh` at the first time."""
        self._db.execute("INSERT OR IGNORE INTO meta VALUES ('schedule_seed', ?)", [fresh])
        (value,) = self._db.execute("SELECT value FROM meta WHERE key = 'schedule_seed'").fetchone()
        return str(value)
