"""An incident as an OASIS Common Alerting Protocol 1.2 alert. Pure: its events in, XML out.

CAP's own words are what the events carry already (severity, urgency, certainty, status, message type), so
this only puts them where the standard wants them. Scope is Restricted: names and places are for those who
answer.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from xml.etree import ElementTree as ET

from gateway.errors import BadInput
from gateway.watch.document import Event

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
RESTRICTION: Final = "for the police and the agencies called"
_FORBIDDEN: Final = re.compile(r"[\s,<&]")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_CATEGORIES: Final = {
    **dict.fromkeys(("FIRE", "EBIKE_FIRE", "VEHICLE_FIRE", "SMOKE", "EXPLOSION"), "Fire"),
    **dict.fromkeys(("MEDICAL", "CARDIAC_ARREST", "UNCONSCIOUS", "FOOD_POISONING"), "Health"),
    **dict.fromkeys(("ELECTRIC_SHOCK", "FALL_FROM_HEIGHT"), "Health"),
    **dict.fromkeys(("TRAFFIC_ACCIDENT", "TRAFFIC_BLOCK"), "Transport"),
    **dict.fromkeys(("GAS_LEAK", "HAZMAT", "BOMB_THREAT"), "CBRNE"),
    **dict.fromkeys(("DROWNING", "ELEVATOR_TRAP", "TRAPPED", "COLLAPSE", "SUICIDE_JUMP"), "Rescue"),
    **dict.fromkeys(("MISSING_CHILD", "MISSING_PERSON"), "Rescue"),
    **dict.fromkeys(("WATER_FAULT", "POWER_FAULT"), "Infra"),
    "TREE_WEATHER": "Met",
}
"""CAP's categories for the lexicon's codes; the others go by their class."""
_BY_CLASS: Final = {"criminal": "Security", "security": "Security", "disaster": "Safety", "fire": "Fire"}
_RESPONSES: Final = {"open": "Assess", "resolved": "AllClear", "cancelled": "AllClear"}
_NO_RADIUS_KM: Final = "0"


def cap_alert(events: Sequence[Mapping[str, Any]], position: tuple[float, float] | None = None) -> bytes:
    """Write the last of an incident's `events` (one incident's, in order) as a CAP alert.

    The others are what it refers to. `position` is degrees of latitude and longitude, None when unknown.

    Raises:
        BadInput: there is no event, or the last one is no incident's.
    """
    try:
        return _alert(events, position)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"the incident's events cannot be written as CAP: {error!r}") from None


def with_state(events: Sequence[Event], source: str, state: Mapping[str, Any]) -> list[Event]:
    """An incident's `events`, and behind them its last known `state` where no event of it is kept.

    Of an incident that was open before a watch began only the state is known, which brokers keep for
    newcomers. It has no time of its own: the last step's is that of the event that told it.

    Raises:
        BadInput: the state is none of an incident, or says of no step when it was.
    """
    try:
        if any(one["data"]["revision"] >= state["revision"] for one in events):
            return [*events]
        subject, at = state["incident_id"], state["timeline"][-1]["at"]
    except (LookupError, TypeError) as error:
        raise BadInput(f"the incident's last state cannot be written as CAP: {error!r}") from None
    return [*events, {"source": source, "subject": subject, "time": at, "data": state}]


def identifier(event: Mapping[str, Any]) -> str:
    """The CAP identifier of an incident's event: its id and revision."""
    data = event["data"]
    return _FORBIDDEN.sub("_", f"{data['incident_id']}.{data['revision']}")


def alert_file_name(event: Mapping[str, Any]) -> str:
    """A file name for an incident's event that leads nowhere else, whatever its id."""
    return re.sub(r"[^A-Za-z0-9-]+", "_", identifier(event)) + ".xml"


def cap_time(stamp: str) -> str:
    """A time as CAP wants it: whole seconds, and -00:00 for UTC."""
    at = datetime.fromisoformat(stamp)
    if at.tzinfo is None:
        raise ValueError(f"{stamp} has no offset")
    text = at.isoformat(timespec="seconds")
    return text[:-6] + "-00:00" if at.utcoffset() == UTC.utcoffset(None) else text


def _alert(events: Sequence[Mapping[str, Any]], position: tuple[float, float] | None) -> bytes:
    event, data = events[-1], events[-1]["data"]
    alert = ET.Element("alert", xmlns=NAMESPACE)
    sender = _FORBIDDEN.sub("_", event["source"])
    earlier = [one for one in events[:-1] if one["data"]["revision"] < data["revision"]]
    references = " ".join(f"{sender},{identifier(one)},{cap_time(one['time'])}" for one in earlier)
    kind = data["msg_type"] if references or data["msg_type"] == "Alert" else "Alert"
    _add(alert, "identifier", identifier(event))
    _add(alert, "sender", sender)
    _add(alert, "sent", cap_time(event["time"]))
    _add(alert, "status", data["status"])
    _add(alert, "msgType", kind)
    _add(alert, "source", data["radio"])
    _add(alert, "scope", "Restricted")
    _add(alert, "restriction", RESTRICTION)
    if kind == "Cancel":
        _add(alert, "note", "; ".join(step["what"] for step in data["timeline"][-1:]))
    _add(alert, "references", references)
    _add(alert, "incidents", _FORBIDDEN.sub("_", data["incident_id"]))
    _info(alert, event, position)
    xml: bytes = ET.tostring(alert, encoding="utf-8", xml_declaration=True)
    return xml


def _info(alert: ET.Element, event: Mapping[str, Any], position: tuple[float, float] | None) -> None:
    data = event["data"]
    kind, unit, place = data["type"], data["unit"], data["location"]
    info = ET.SubElement(alert, "info")
    _add(info, "language", "zh-CN")
    _add(info, "category", _CATEGORIES.get(kind["code"]) or _BY_CLASS.get(kind["class"], "Other"))
    _add(info, "event", kind["label"] or kind["code"])
    _add(info, "responseType", _RESPONSES[data["phase"]])
    _add(info, "urgency", "Past" if data["phase"] == "resolved" else data["urgency"])
    _add(info, "severity", data["severity"])
    _add(info, "certainty", data["certainty"])
    _value(info, "eventCode", "urn:radio-gateway:lexicon", kind["code"])
    for code in kind["event_codes"]:
        _value(info, "eventCode", code["scheme"], code["value"])
    if reported := data["stages"]["reported_at"]:
        _add(info, "onset", cap_time(reported))
    _add(info, "senderName", event["source"].rpartition(":")[2])
    _add(info, "headline", " ".join(filter(None, (unit["name"], place["text"], kind["label"]))))
    _add(info, "description", "\n".join(said["text"] for said in data["evidence"] if said["text"]))
    for need in data["needs"]:
        _value(info, "parameter", f"need:{need['agency']}", need["state"])
    for name, value in (("casualties", data["casualties"]), ("persons", data["persons"])):
        if value is not None:
            _value(info, "parameter", name, str(value))
    area = ET.SubElement(info, "area")
    _add(area, "areaDesc", " ".join(filter(None, (unit["name"], place["text"]))).strip() or "unknown")
    if position is not None:
        _add(area, "circle", f"{position[0]:.6f},{position[1]:.6f} {_NO_RADIUS_KM}")
    if unit["unit_id"]:
        _value(area, "geocode", "urn:radio-gateway:unit", unit["unit_id"])


def _add(parent: ET.Element, name: str, text: str | None) -> None:
    """Add an element; one without content is left out, as CAP wants."""
    clean = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text or "").strip()
    if clean:
        ET.SubElement(parent, name).text = clean


def _value(parent: ET.Element, name: str, value_name: str, value: str) -> None:
    pair = ET.SubElement(parent, name)
    _add(pair, "valueName", value_name)
    _add(pair, "value", value)
