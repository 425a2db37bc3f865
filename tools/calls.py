"""What one recorded call says: the row of `manifest.csv` that sits beside every set of recordings."""

import csv
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One transmission with what is to be understood from it. Lists are joined with `|`, unknown is empty.

    `caller` is a unit's name as registered, `callee` a unit's name or `command`. `code` and `agencies` are
    the lexicon's; `code` is UNKNOWN when an emergency comes without its kind. `acts` must all be found,
    others may be. `exercise` is 1 when the words themselves mark an exercise.
    """

    text: str
    kind: str
    template: str
    caller_id: str = ""
    caller: str = ""
    callee: str = ""
    code: str = ""
    agencies: str = ""
    location: str = ""
    headcount: str = ""
    expected: str = ""
    acts: str = ""
    polarity: str = "none"
    exercise: int = 0
    voice: str = ""
    speed: float = 1.0
    split: str = "dev"
    file: str = ""
    seconds: float = 0.0


COLUMNS = ("file", "seconds", *(f.name for f in fields(Call) if f.name not in {"file", "seconds"}))


def write_manifest(path: Path, calls: list[Call]) -> None:
    """Write the calls, sorted by file, as CSV with a header."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(call) for call in sorted(calls, key=lambda c: c.file))


def read_manifest(path: Path) -> list[Call]:
    """The calls of a manifest, in its order."""
    with path.open(encoding="utf-8", newline="") as rows:
        return [_call_of(row) for row in csv.DictReader(rows)]


def _call_of(row: dict[str, Any]) -> Call:
    numbers = {"seconds": float(row["seconds"]), "speed": float(row["speed"])}
    return Call(**row | numbers | {"exercise": int(row["exercise"])})
