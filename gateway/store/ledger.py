"""The commands that came in, what they were about and what became of them: the audit, kept on the disk."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlite_utils import Database

from gateway.store.rows import stamp

if TYPE_CHECKING:
    from gateway.store.logbook import Logbook
    from gateway.store.store import Store

MOST_KEPT: Final = 100_000
"""The oldest beyond that are forgotten, so that whoever floods the gateway does not fill its disk."""


@dataclass(frozen=True, slots=True)
class AuditedCommand:
    """One command. `code` is "ok", a refusal's code, or "begun" when the gateway died over it."""

    number: int
    at: datetime
    command: str
    request_id: str | None
    by: str | None
    about: Mapping[str, Any]
    code: str
    reason: str | None


class LedgerTable:
    """The table of commands; on the store's thread, inside a group."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def note(
        self, at: datetime, command: str, about: Mapping[str, Any], code: str, reason: str | None = None
    ) -> int:
        """Write a command down; return its number, for `end`. `about` may hold `id` and `by`."""
        rest = {name: value for name, value in about.items() if name not in {"id", "by"}}
        written = self._db.execute(
            "INSERT INTO commands (at, command, request_id, by, about, code, reason) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                stamp(at), command, about.get("id"), about.get("by"),
                json.dumps(rest, ensure_ascii=False), code, reason,
            ],
        )  # fmt: skip
        number = int(written.lastrowid or 0)
        self._db.execute("DELETE FROM commands WHERE number <= ?", [number - MOST_KEPT])
        return number

    def end(self, number: int, code: str, reason: str | None = None) -> None:
        """Write down what became of a command."""
        self._db.execute("UPDATE commands SET code = ?, reason = ? WHERE number = ?", [code, reason, number])

    def newest(self, limit: int = 100) -> list[AuditedCommand]:
        """Return what came in last, newest first."""
        return [
            AuditedCommand(
                row["number"], datetime.fromisoformat(row["at"]), row["command"], row["request_id"],
                row["by"], json.loads(row["about"]), row["code"], row["reason"],
            )
            for row in self._db.query("SELECT * FROM commands ORDER BY number DESC LIMIT ?", [limit])
        ]  # fmt: skip


class CommandLedger:
    """The audit as the command port wants it; on the loop. Both raise StoreUnavailable."""

    def __init__(self, store: "Store") -> None:
        self._store = store

    async def note(
        self, at: datetime, command: str, about: Mapping[str, Any], code: str, reason: str | None = None
    ) -> int:
        """Write a command down, durably."""
        return await self._store.do(lambda logbook: logbook.ledger.note(at, command, about, code, reason))

    async def end(self, number: int, code: str, reason: str | None = None) -> None:
        """Write down what became of it, durably."""
        await self._store.do(partial(_end, number=number, code=code, reason=reason))


def _end(logbook: "Logbook", *, number: int, code: str, reason: str | None) -> None:
    logbook.ledger.end(number, code, reason)
