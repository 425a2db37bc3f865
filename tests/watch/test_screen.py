from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.watch.screen import Screen, printable

ROOT = "rg/v1/gz/tianhe/shipai"
FAULT = {
    "specversion": "1.0",
    "type": "radiogateway.gateway.fault",
    "source": "urn:radio-gateway:gz:tianhe:shipai",
    "time": "2026-05-01T08:00:00+08:00",
    "subject": "mqtt",
    "data": {"what": "mqtt", "message": "gone", "replayed": False},
}


def test_an_event_is_told_with_its_gateway() -> None:
    line = Screen().event(FAULT).plain

    assert line.startswith("shipai ")
    assert "08:00:00  fault mqtt: gone" in line


def test_what_comes_over_the_network_does_not_drive_the_terminal() -> None:
    line = Screen().event({**FAULT, "data": {"what": "\x1b[2J", "message": "a\x9bb\x07"}}).plain

    assert "\x1b" not in line
    assert "\x9b" not in line
    assert "�[2J" in line


def test_availability_is_told_when_it_changes_and_late_wills_are_not() -> None:
    screen = Screen()

    def told(word: str, session: int) -> str | None:
        document = {"state": word, "session": session, "since": "s"}
        line = screen.state(f"{ROOT}/state/availability", document, retained=False)
        return line.plain if line is not None else None

    assert told("online", 4) == "shipai     online since s"
    assert told("online", 4) is None
    assert told("offline", 3) is None
    assert told("offline", 4) == "shipai     offline since s"


def test_only_incidents_found_open_are_told() -> None:
    incident: dict[str, Any] = {
        "phase": "open",
        "status": "Actual",
        "type": {"label": "火灾", "code": "FIRE"},
        "unit": {"name": "金穗花园"},
        "location": {"text": "2号楼"},
        "revision": 1,
        "severity": "Severe",
        "urgency": "Immediate",
        "needs": [],
        "stages": {"acknowledged_at": None, "reported_at": "2026-05-01T08:00:00+08:00"},
    }
    topic = f"{ROOT}/state/incident/i-1"

    found = Screen().state(topic, incident, retained=True)

    assert found is not None
    assert "火灾" in found.plain
    assert found.plain.startswith("shipai ")
    assert Screen().state(topic, incident, retained=False) is None
    assert Screen().state(topic, None, retained=False) is None
    assert Screen().state(f"{ROOT}/state/health", {"state": "green"}, retained=True) is None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)
KINDS = ["transmission.received", "incident.opened", "checkin.received", "gateway.fault", "rollcall.answered",
         "rollcall.finished", "x"]  # fmt: skip


@given(
    event=st.fixed_dictionaries(
        {"type": st.sampled_from(KINDS).map("radiogateway.".__add__) | values, "data": values},
        optional={"time": values, "source": values, "subject": values},
    ),
    topic=st.sampled_from(["availability", "incident/x", "health", ""]).map(f"{ROOT}/state/".__add__),
)
def test_nobody_elses_message_ends_the_view(event: dict[str, Any], topic: str) -> None:
    screen = Screen()

    line = screen.event(event).plain
    screen.state(topic, event, retained=True)

    assert not set(line) & {chr(code) for code in (*range(10), *range(11, 32), *range(0x7F, 0xA0))}
    assert printable(printable(event)) == printable(event)
