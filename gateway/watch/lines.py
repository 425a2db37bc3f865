"""Events as lines for other programs: JSON, or CSV for a spreadsheet. Pure."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any, Final

from gateway.spreadsheet import harmless

COLUMNS: Final = (
    "time", "gateway", "event", "subject", "radio", "unit_id", "unit_name", "incident", "phase", "severity",
    "location", "present", "outcome", "text", "review", "replayed", "sequence", "id",
)  # fmt: skip


def json_line(event: Mapping[str, Any]) -> str:
    """Write an event as one line of JSON."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def csv_header() -> str:
    """Name the columns."""
    return _line(COLUMNS)


def csv_line(event: Mapping[str, Any]) -> str:
    """Write what most events have in common as one line of CSV; what an event has not stays empty."""
    data = _mapping(event.get("data"))
    party = _mapping(data.get("caller") or data.get("unit"))
    values = {
        "time": event.get("time"),
        "gateway": str(event.get("source", "")).rpartition(":")[2],
        "event": str(event.get("type", "")).removeprefix("radiogateway."),
        "subject": event.get("subject"),
        "radio": data.get("radio"),
        "unit_id": data.get("unit_id") or party.get("unit_id"),
        "unit_name": data.get("unit_name") or party.get("name"),
        "incident": _mapping(data.get("type")).get("code"),
        "phase": data.get("phase"),
        "severity": data.get("severity"),
        "location": _mapping(data.get("location")).get("text"),
        "present": _mapping(data.get("headcount")).get("present"),
        "outcome": data.get("outcome"),
        "text": _mapping(data.get("transcript")).get("text") or data.get("text") or data.get("message"),
        "review": "|".join(map(str, _mapping(data.get("review")).get("reasons") or ())),
        "replayed": data.get("replayed"),
        "sequence": event.get("sequence"),
        "id": event.get("id"),
    }
    return _line(_cell(values[name]) for name in COLUMNS)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _cell(value: object) -> str:
    """A value as text that no spreadsheet takes for a formula."""
    return "" if value is None else harmless(str(value))


def _line(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()
