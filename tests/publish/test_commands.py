"""Orders judged: what is let through, what is refused and why. No broker."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import CommandName
from gateway.publish.commands import (
    MAX_AGE_S,
    MAX_REQUEST_BYTES,
    Envelope,
    Gatekeeper,
    Order,
    Refusal,
    answer_topic,
    read_envelope,
)
from gateway.publish.requests import REQUESTS, CommandRequest, IncidentAck, Ping, Resync, UnitSet

NOW = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
ROOT = "rg/v1/gz/tianhe/shipai"
EVERYTHING = frozenset(REQUESTS)


def judge(
    order: Order, gatekeeper: Gatekeeper | None = None, monotonic_s: float = 0.0
) -> CommandRequest | Refusal:
    return (gatekeeper or Gatekeeper(EVERYTHING)).judge(order, NOW, monotonic_s)


def asked(name: str, **document: Any) -> Order:
    return Order(name, json.dumps(document).encode())


def refusal_of(order: Order, gatekeeper: Gatekeeper | None = None) -> Refusal:
    refusal = judge(order, gatekeeper)
    assert isinstance(refusal, Refusal)
    return refusal


def test_an_empty_ping_is_a_ping() -> None:
    assert judge(Order("ping", b"")) == Ping()
    assert judge(Order("ping", b"{}")) == Ping()


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (asked("incident-ack", incident_id="i1", by="张警官"), IncidentAck(incident_id="i1", by="张警官")),
        (asked("resync", from_sequence=7), Resync(from_sequence=7)),
        (asked("resync", from_sequence="00000000000000000007"), Resync(from_sequence="0" * 19 + "7")),
        (asked("unit-set", action="放假", unit_id="u1"), UnitSet(action="放假", unit_id="u1")),
        (
            asked("unit-set", action="edit", unit_id="u1", aliases=["金穗"], lat=23),
            UnitSet(action="edit", unit_id="u1", aliases=("金穗",), lat=23.0),
        ),
    ],
)
def test_requests_are_read(order: Order, expected: CommandRequest) -> None:
    assert judge(order) == expected


@pytest.mark.parametrize(
    ("order", "code", "word"),
    [
        (Order("ping", b"{}", retained=True), "retained", "retain flag"),
        (Order("reboot", b"{}"), "unknown", "'reboot'"),
        (Order("ping", b"{"), "malformed", "EOF"),
        (Order("ping", b"\xff\xfe"), "malformed", "ping"),
        (Order("ping", b"[]"), "malformed", "object"),
        (Order("ping", b"{}" + b" " * MAX_REQUEST_BYTES), "malformed", "bytes"),
        (asked("ping", shell="rm"), "malformed", "shell: unknown field"),
        (asked("incident-ack"), "malformed", "incident_id"),
        (asked("incident-ack", incident_id=5), "malformed", "incident_id"),
        (asked("resync", from_sequence=-1), "malformed", "from_sequence"),
        (asked("unit-set", action="explode", unit_id="u1"), "malformed", "action"),
        (asked("ping", expires_at="2026-05-01T08:00:00+00:00"), "expired", "good until"),
        (asked("ping", expires_at="2026-05-01T12:00:00"), "malformed", "expires_at"),
        (asked("ping", sent_at="2026-05-01T07:54:59+00:00"), "expired", "sent at"),
        (asked("ping", sent_at="2026-05-01T08:05:01+00:00"), "expired", "check both clocks"),
        (Order("ping", b"{}", expiry_s=0), "expired", "interval"),
    ],
)
def test_refusals_say_why(order: Order, code: str, word: str) -> None:
    refusal = refusal_of(order)

    assert refusal.code == code
    assert word in refusal.reason


def test_every_command_of_the_contract_is_known() -> None:
    contract = {
        "rollcall-start", "rollcall-cancel", "drill-start", "say", "incident-ack", "incident-close",
        "unit-set", "resync", "ping",
    }  # fmt: skip
    own = {"rollcall-pause", "rollcall-resume", "rollcall-list", "drill-cancel"}
    assert contract | own == EVERYTHING
    assert set(get_args(CommandName)) == EVERYTHING


def test_what_the_station_does_not_allow_is_refused() -> None:
    refusal = refusal_of(asked("unit-set", action="停用", unit_id="u1"), Gatekeeper(frozenset({"ping"})))

    assert refusal.code == "not_allowed"


def test_a_request_with_an_id_is_taken_once() -> None:
    gatekeeper = Gatekeeper(EVERYTHING)
    order = asked("incident-ack", id="r-1", incident_id="i1")

    assert isinstance(judge(order, gatekeeper), IncidentAck)
    assert refusal_of(order, gatekeeper).code == "replayed"
    assert refusal_of(asked("ping", id="r-1"), gatekeeper).code == "replayed"
    assert isinstance(judge(asked("incident-ack", id="r-2", incident_id="i1"), gatekeeper), IncidentAck)


def test_without_an_id_the_same_bytes_under_the_same_correlation_are_a_repeat() -> None:
    gatekeeper = Gatekeeper(EVERYTHING)
    payload = b'{"incident_id": "i1"}'

    assert isinstance(judge(Order("incident-ack", payload, correlation=b"1"), gatekeeper), IncidentAck)
    assert refusal_of(Order("incident-ack", payload, correlation=b"1"), gatekeeper).code == "replayed"
    assert isinstance(judge(Order("incident-ack", payload, correlation=b"2"), gatekeeper), IncidentAck)
    for _ in range(2):
        assert judge(Order("ping", b"", correlation=b"1"), gatekeeper) == Ping()


def test_a_refused_request_may_come_again_mended() -> None:
    gatekeeper = Gatekeeper(EVERYTHING)

    assert refusal_of(asked("incident-ack", id="r-1"), gatekeeper).code == "malformed"
    assert isinstance(judge(asked("incident-ack", id="r-1", incident_id="i1"), gatekeeper), IncidentAck)


def test_a_request_that_could_not_be_done_may_come_again() -> None:
    gatekeeper = Gatekeeper(EVERYTHING)
    order = asked("ping", id="r-1")
    request = judge(order, gatekeeper)
    assert isinstance(request, Ping)

    gatekeeper.forget(order, request)

    assert judge(order, gatekeeper) == request


def test_too_many_are_refused_until_time_has_passed() -> None:
    gatekeeper = Gatekeeper(EVERYTHING, per_minute=3)
    order = Order("ping", b"")

    codes = [getattr(judge(order, gatekeeper, 10.0), "code", None) for _ in range(5)]

    assert codes == [None, None, None, "too_many", "too_many"]
    assert judge(order, gatekeeper, 30.5) == Ping()
    assert isinstance(judge(order, gatekeeper, 31.0), Refusal)


@given(st.lists(st.floats(0, 30), max_size=60))
def test_never_more_in_any_stretch_than_the_limit_allows(pauses: list[float]) -> None:
    gatekeeper = Gatekeeper(EVERYTHING, per_minute=6)
    at_s = 0.0
    taken: list[float] = []
    for pause in pauses:
        at_s += pause
        if judge(Order("ping", b""), gatekeeper, at_s) == Ping():
            taken.append(at_s)
    for i, first in enumerate(taken):
        for j in range(i, len(taken)):
            assert j - i + 1 <= 6 + (taken[j] - first) / 10 + 1e-6


# Arbitrary payloads ----------------------------------------------------------------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(str),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELDS = sorted({name for model in REQUESTS.values() for name in model.model_fields})
near_misses = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), values, max_size=6)
payloads = st.binary(max_size=200) | st.one_of(values, near_misses).map(lambda v: json.dumps(v).encode())
topics = st.none() | st.text(max_size=300)


@given(
    name=st.sampled_from(sorted(EVERYTHING)) | st.text(max_size=20),
    payload=payloads,
    retained=st.booleans(),
    response_topic=topics,
    correlation=st.none() | st.binary(max_size=20),
    expiry_s=st.none() | st.integers(0, 2**32 - 1),
)
def test_nothing_that_comes_in_raises(name: str, payload: bytes, **more: Any) -> None:
    order = Order(name, payload, **more)
    envelope = read_envelope(payload)

    verdict = judge(order)
    topic, _ = answer_topic(ROOT, order, envelope)

    assert isinstance(verdict, CommandRequest | Refusal)
    if isinstance(verdict, Refusal):
        assert verdict.reason
        assert len(verdict.reason) < 1500
    if topic is not None:
        assert not {"+", "#", "\0"} & set(topic)
        assert not topic.startswith((f"{ROOT}/cmd", f"{ROOT}/evt", f"{ROOT}/state", "$"))


@pytest.mark.parametrize("deep", [b"[" * MAX_REQUEST_BYTES, b'{"a":' * 3000, b"[" * 500 + b"]" * 500])
def test_deep_nesting_is_malformed_and_no_more(deep: bytes) -> None:
    assert refusal_of(Order("ping", deep)).code == "malformed"
    assert read_envelope(deep) == Envelope()


@given(st.datetimes(timezones=st.timezones()))
def test_any_time_is_judged(at: datetime) -> None:
    order = asked("ping", sent_at=at.isoformat(), expires_at=at.isoformat())

    verdict = judge(order)

    if abs(at - NOW) > timedelta(seconds=MAX_AGE_S):
        assert isinstance(verdict, Refusal)


# Where answers go ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response_topic", "payload", "expected"),
    [
        (None, b"", f"{ROOT}/rsp/ping"),
        (None, b"not json", f"{ROOT}/rsp/ping"),
        (None, b'{"reply_to": "desk-1"}', f"{ROOT}/rsp/desk-1"),
        (None, b'{"reply_to": "rsp/desk-1"}', f"{ROOT}/rsp/desk-1"),
        (None, b'{"reply_to": "dispatch/1/answers"}', "dispatch/1/answers"),
        ("dispatch/1", b'{"reply_to": "desk-1"}', "dispatch/1"),
        ("desk", b"", "desk"),
    ],
)
def test_answers_go_where_they_are_wanted(response_topic: str | None, payload: bytes, expected: str) -> None:
    order = Order("ping", payload, response_topic=response_topic)

    assert answer_topic(ROOT, order, read_envelope(payload)) == (expected, None)


@pytest.mark.parametrize(
    "wanted",
    [
        f"{ROOT}/evt/incident/opened",
        f"{ROOT}/cmd/unit-set",
        "rg/v1/gz/tianhe/other/state/availability",
        f"{ROOT}/state",
        "$SYS/x",
        "a/#",
        "a/+/b",
        "x" * 257,
        "",
    ],
)
def test_an_answer_cannot_be_made_an_event_or_a_command(wanted: str) -> None:
    topic, refusal = answer_topic(ROOT, Order("ping", b"", response_topic=wanted), Envelope())

    assert topic == f"{ROOT}/rsp/ping"
    assert refusal is not None
    assert refusal.code == "malformed"
