"""An incident as CAP 1.2: held to the rules of the standard, whatever people said."""

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadInput
from gateway.watch.cap import NAMESPACE, alert_file_name, cap_alert, cap_time, identifier, with_state

SOURCE = "urn:radio-gateway:gz:tianhe:shipai"
ALERT = ["identifier", "sender", "sent", "status", "msgType", "source", "scope", "restriction", "addresses",
         "code", "note", "references", "incidents", "info"]  # fmt: skip
INFO = ["language", "category", "event", "responseType", "urgency", "severity", "certainty", "audience",
        "eventCode", "effective", "onset", "expires", "senderName", "headline", "description", "instruction",
        "web", "contact", "parameter", "resource", "area"]  # fmt: skip
AREA = ["areaDesc", "polygon", "circle", "geocode", "altitude", "ceiling"]
WORDS = {
    "status": {"Actual", "Exercise", "System", "Test", "Draft"},
    "msgType": {"Alert", "Update", "Cancel", "Ack", "Error"},
    "scope": {"Public", "Restricted", "Private"},
    "category": {"Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra",
                 "CBRNE", "Other"},
    "responseType": {"Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear",
                     "None"},
    "urgency": {"Immediate", "Expected", "Future", "Past", "Unknown"},
    "severity": {"Extreme", "Severe", "Moderate", "Minor", "Unknown"},
    "certainty": {"Observed", "Likely", "Possible", "Unlikely", "Unknown"},
}  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")


def names(element: ET.Element) -> list[str]:
    return [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in element]


def hold_to_the_rules(xml: bytes) -> ET.Element:
    """The rules of CAP 1.2 §3.2 that a schema and the text state."""
    alert = ET.fromstring(xml)
    assert alert.tag == f"{{{NAMESPACE}}}alert"
    info = alert.find(f"{{{NAMESPACE}}}info")
    assert info is not None
    area = info.find(f"{{{NAMESPACE}}}area")
    assert area is not None
    for element, order, required in (
        (alert, ALERT, {"identifier", "sender", "sent", "status", "msgType", "scope"}),
        (info, INFO, {"category", "event", "urgency", "severity", "certainty"}),
        (area, AREA, {"areaDesc"}),
    ):
        found = names(element)
        assert found == sorted(found, key=order.index)
        assert required <= set(found)
    for element in alert.iter():
        name = element.tag.removeprefix(f"{{{NAMESPACE}}}")
        assert len(element) or (element.text or "").strip()
        if name in WORDS:
            assert element.text in WORDS[name]
        if name in {"sent", "onset"}:
            assert TIME.fullmatch(element.text or "")
            assert not (element.text or "").endswith("+00:00")
        if name in {"identifier", "sender"}:
            assert not re.search(r"[\s,<&]", element.text or "")
        if name in {"eventCode", "parameter", "geocode"}:
            assert names(element) == ["valueName", "value"]
    said = {name: text(alert, name) for name in names(alert)}
    if said["scope"] == "Restricted":
        assert said["restriction"]
    if said["msgType"] in {"Update", "Cancel"}:
        for reference in said["references"].split(" "):
            sender, name, sent = reference.split(",")
            assert (sender, bool(name), bool(TIME.fullmatch(sent))) == (said["sender"], True, True)
    return alert


def text(element: ET.Element, name: str) -> str:
    found = element.find(f".//{{{NAMESPACE}}}{name}")
    return "" if found is None else found.text or ""


def snapshot(revision: int, msg_type: str = "Update", phase: str = "open", **changed: Any) -> dict[str, Any]:
    data = {
        "incident_id": "0196-i", "radio": "ch1", "revision": revision, "msg_type": msg_type,
        "status": "Actual", "phase": phase, "type": {"code": "FIRE", "label": "火灾", "class": "disaster",
                                 "event_codes": [{"scheme": "GA/T", "value": "1"}]},
        "severity": "Severe", "urgency": "Immediate", "certainty": "Observed",
        "unit": {"unit_id": "u1", "name": "华夏A区", "status": "matched"},
        "location": {"text": "6号楼", "parts": {}}, "persons": None, "casualties": 2,
        "needs": [{"agency": "FIRE", "state": "requested", "at": "2026-05-01T08:00:00+08:00"}],
        "stages": {"reported_at": "2026-05-01T08:00:00.25+08:00"}, "timeline": [{"what": "误报", "at": "x"}],
        "evidence": [{"text": "六号楼着火 <& 快来"}], **changed,
    }  # fmt: skip
    return {
        "source": SOURCE, "id": str(revision), "type": "radiogateway.incident.updated",
        "time": f"2026-05-01T00:00:{revision:02d}+00:00", "data": data,
    }  # fmt: skip


def test_a_report_is_an_alert() -> None:
    alert = hold_to_the_rules(cap_alert([snapshot(1, "Alert")], (23.1331, 113.348)))

    assert text(alert, "identifier") == "0196-i.1"
    assert text(alert, "sent") == "2026-05-01T00:00:01-00:00"
    assert (text(alert, "msgType"), text(alert, "category"), text(alert, "event")) == (
        "Alert",
        "Fire",
        "火灾",
    )
    assert text(alert, "references") == ""
    assert text(alert, "description") == "六号楼着火 <& 快来"
    assert text(alert, "circle") == "23.133100,113.348000 0"
    assert text(alert, "onset") == "2026-05-01T08:00:00+08:00"
    values = [e.text for e in alert.iter(f"{{{NAMESPACE}}}value")]
    assert values == ["FIRE", "1", "requested", "2", "u1"]


def test_what_follows_refers_to_what_was_before() -> None:
    events = [snapshot(1, "Alert"), snapshot(2), snapshot(3, "Cancel", "cancelled")]
    alert = hold_to_the_rules(cap_alert(events))

    assert text(alert, "msgType") == "Cancel"
    assert text(alert, "note") == "误报"
    assert text(alert, "responseType") == "AllClear"
    first, second = text(alert, "references").split(" ")
    assert first == f"{SOURCE},0196-i.1,2026-05-01T00:00:01-00:00"
    assert second.split(",")[1] == identifier(events[1])


def test_an_update_whose_beginning_was_never_heard_is_an_alert_of_its_own() -> None:
    alert = hold_to_the_rules(cap_alert([snapshot(4)]))
    assert text(alert, "msgType") == "Alert"


def test_a_state_newer_than_every_event_is_told_as_its_event_would_be() -> None:
    step = {"what": "误报", "at": "2026-05-01T00:00:03+00:00"}
    events = [snapshot(1, "Alert"), snapshot(2), snapshot(3, timeline=[step])]
    told = with_state(events[:2], SOURCE, events[2]["data"])
    assert cap_alert(told) == cap_alert(events)
    assert with_state(events, SOURCE, events[2]["data"]) == events
    assert text(ET.fromstring(cap_alert(with_state([], SOURCE, events[2]["data"]))), "msgType") == "Alert"


@pytest.mark.parametrize(
    "state", [{}, {"revision": 2}, {"revision": "x"}, {"revision": 2, "incident_id": "i", "timeline": []}]
)
def test_a_state_of_something_else_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="last state"):
        with_state([snapshot(1, "Alert")], SOURCE, state)


def test_what_is_over_is_past() -> None:
    alert = hold_to_the_rules(cap_alert([snapshot(1, "Alert"), snapshot(2, "Update", "resolved")]))
    assert text(alert, "urgency") == "Past"


@given(st.text(max_size=40), st.text(max_size=20), st.one_of(st.none(), st.text(max_size=10)))
def test_whatever_was_said_it_is_well_formed(said: str, place: str, name: str | None) -> None:
    event = snapshot(
        1, "Alert", evidence=[{"text": said}], location={"text": place, "parts": {}},
        unit={"unit_id": None, "name": name, "status": "unknown"},
    )  # fmt: skip
    hold_to_the_rules(cap_alert([event]))


@pytest.mark.parametrize("events", [[], [{}], [{"data": {}}], [snapshot(1, phase="eaten")]])
def test_what_is_no_incident_is_refused(events: list[dict[str, Any]]) -> None:
    with pytest.raises(BadInput):
        cap_alert(events)


def test_a_time_without_an_offset_is_no_time() -> None:
    with pytest.raises(ValueError, match="offset"):
        cap_time("2026-05-01T00:00:00")


def test_a_file_name_leads_nowhere_else() -> None:
    assert alert_file_name(snapshot(2)) == "0196-i_2.xml"
    assert alert_file_name(snapshot(2, incident_id="../../etc/passwd")) == "_etc_passwd_2.xml"
