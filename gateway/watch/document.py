"""A CloudEvent as a subscriber reads it: is it one, what is the last state of things by it. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

MAX_SEQUENCE: Final = 1 << 62
Event = dict[str, Any]


def read_event(document: str | bytes) -> Event | None:
    """Read a CloudEvent as far as a subscriber relies on it; None when it is none."""
    try:
        event = json.loads(document)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        return None
    if not all(isinstance(event.get(name), str) for name in ("source", "id", "type", "sequence")):
        return None
    digits = event["sequence"]
    if not (digits.isascii() and digits.isdigit()) or not 0 <= int(digits[:40]) <= MAX_SEQUENCE:
        return None
    return event


def snapshots_of(event: Event) -> Iterator[tuple[tuple[str, str], tuple[str, int, str]]]:
    """What an event says of the last state of incidents, roll-calls, drills and gateways."""
    family, _, verb = event["type"].removeprefix("radiogateway.").partition(".")
    data, source = event["data"], event["source"]
    if family == "incident" and isinstance(data.get("incident_id"), str):
        yield ("incident", data["incident_id"]), (source, _whole(data.get("revision")), compact(data))
    elif family in {"rollcall", "drill"} and isinstance(data.get(f"{family}_id"), str):
        key, number = data[f"{family}_id"], _whole(event["sequence"])
        if verb in {"started", "finished"}:
            yield (family, key), (source, number, compact({"verb": verb, **data}))
        elif isinstance(data.get("unit_id"), str):
            yield (f"{family}_line", f"{key}/{data['unit_id']}"), (source, number, compact(data))
    elif family == "gateway" and isinstance(data.get("what"), str):
        told = compact({"verb": verb, **data})
        yield ("fault", f"{source} {data['what']}"), (source, _whole(event["sequence"]), told)


def _whole(value: object) -> int:
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        return 0


def compact(document: Mapping[str, Any]) -> str:
    """Write a document as it is kept, in one line without spaces."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
