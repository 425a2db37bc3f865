"""The published contract: a sound AsyncAPI document that says what is really sent."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.cli.main import main
from gateway.events import EVENT_DATA, Draft, seal
from gateway.publish import asyncapi
from gateway.publish.commands import Gatekeeper, Order
from gateway.publish.requests import REQUESTS, CommandRequest
from tests.support import jsonschema_check

SOURCE = "urn:radio-gateway:gz:tianhe:shipai"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
KEY = re.compile(r"[A-Za-z0-9.\-_]+")
MakeDraft = Callable[..., Draft]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi.document("1.2.3")


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_document_is_json_of_asyncapi_3(document: dict[str, Any]) -> None:
    assert json.loads(json.dumps(document)) == document
    assert document["asyncapi"] == "3.0.0"
    assert set(document) == {
        "asyncapi", "id", "info", "defaultContentType", "servers", "channels", "operations", "components",
    }  # fmt: skip
    assert document["info"]["version"] == "1.2.3"
    assert document["servers"]["broker"].keys() >= {"host", "protocol"}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = set(references(document))

    assert len(found) > 50
    for reference in found:
        jsonschema_check.resolve(reference, document)


def test_every_key_is_one_asyncapi_takes(document: dict[str, Any]) -> None:
    keys = [*document["channels"], *document["operations"], *document["components"]["parameters"]]
    for kind in ("messages", "schemas", "correlationIds"):
        keys += document["components"][kind]
    assert [key for key in keys if not KEY.fullmatch(key)] == []


def test_channels_declare_the_parameters_of_their_address(document: dict[str, Any]) -> None:
    for channel in document["channels"].values():
        assert set(re.findall(r"{(\w+)}", channel["address"])) == set(channel["parameters"])
        assert channel["address"].startswith("rg/v1/{org}/{district}/{gateway}/")
        assert channel["messages"]


def test_operations_name_messages_of_their_channel(document: dict[str, Any]) -> None:
    for operation in document["operations"].values():
        assert operation["action"] in {"send", "receive"}
        for part in (operation, *([operation["reply"]] if "reply" in operation else [])):
            prefix = part["channel"]["$ref"] + "/messages/"
            assert part["messages"]
            assert all(one["$ref"].startswith(prefix) for one in part["messages"])


def test_bindings_hold_only_what_the_mqtt_binding_defines(document: dict[str, Any]) -> None:
    allowed = {
        "servers": {"clientId", "cleanSession", "lastWill", "keepAlive", "sessionExpiryInterval",
                    "maximumPacketSize", "bindingVersion"},
        "operations": {"qos", "retain", "messageExpiryInterval", "bindingVersion"},
        "messages": {"payloadFormatIndicator", "correlationData", "contentType", "responseTopic",
                     "bindingVersion"},
    }  # fmt: skip
    for kind, properties in allowed.items():
        of_kind = document["components"]["messages"] if kind == "messages" else document[kind]
        for one in of_kind.values():
            assert one["bindings"].keys() == {"mqtt"}
            assert one["bindings"]["mqtt"].keys() <= properties


def test_every_event_and_every_command_has_its_topic(document: dict[str, Any]) -> None:
    addresses = {channel["address"].split("}/", 3)[-1] for channel in document["channels"].values()}

    assert {f"evt/{kind.replace('.', '/')}" for kind in EVENT_DATA} < addresses
    assert {f"cmd/{name}" for name in REQUESTS} < addresses
    assert {
        "state/availability",
        "state/health",
        "state/radio/{radio}",
        "state/incident/{incident}",
    } < addresses
    retained = {
        operation["channel"]["$ref"]
        for operation in document["operations"].values()
        if operation["bindings"]["mqtt"]["retain"]
    }
    assert retained == {f"#/channels/{name}" for name in document["channels"] if name.startswith("state.")}


def test_an_event_keeps_to_its_schema(
    document: dict[str, Any], make_draft: MakeDraft, make_incident: MakeDraft
) -> None:
    for draft in (make_draft(), make_incident("i-1", 3), make_incident("i-1", 4, "closed")):
        event = json.loads(seal(draft, SOURCE, 17).to_json())
        alone = asyncapi.event_schema(draft.kind)
        shared = document["components"]["schemas"][f"event.{draft.kind}"]

        assert alone["$id"] == event["dataschema"]
        assert list(jsonschema_check.faults(event, alone, alone)) == []
        assert list(jsonschema_check.faults(event, shared, document)) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda event: event.pop("sequence"),
        lambda event: event.update(sequence="17"),
        lambda event: event.update(type="radiogateway.incident.closed"),
        lambda event: event.update(time="2026-05-01T08:00:00"),
        lambda event: event["data"].pop("replayed"),
        lambda event: event["data"].pop("evidence"),
        lambda event: event["data"].update(severity="Bad"),
        lambda event: event["data"]["clock"].update(mono_ms="5"),
        lambda event: event["data"]["type"].pop("class"),
    ],
)
def test_what_is_not_the_contract_is_seen(
    spoil: Callable[[dict[str, Any]], object], make_incident: MakeDraft
) -> None:
    event = json.loads(seal(make_incident("i-1", 1), SOURCE, 1).to_json())
    schema = asyncapi.event_schema("incident.updated")
    assert not any(jsonschema_check.faults(event, schema, schema))

    spoil(event)

    assert any(jsonschema_check.faults(event, schema, schema))


def test_a_field_added_later_breaks_nobody(make_incident: MakeDraft) -> None:
    event = json.loads(seal(make_incident("i-1", 1), SOURCE, 1).to_json())
    event["data"]["news"] = event["data"]["type"]["news"] = event["news"] = 1
    schema = asyncapi.event_schema("incident.updated")

    assert list(jsonschema_check.faults(event, schema, schema)) == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(REQUESTS)),
    given_=st.fixed_dictionaries(
        {},
        optional={
            "incident_id": st.text(max_size=3) | st.integers(),
            "unit_id": st.text(max_size=3),
            "action": st.sampled_from(["add", "停用", "nonsense"]),
            "from_sequence": st.integers(-2, 5) | st.sampled_from(["007", "x", ""]),
            "cancelled": st.booleans() | st.none(),
            "lat": st.floats(-90, 90) | st.text(max_size=2),
            "aliases": st.lists(st.text(max_size=3), max_size=3),
            "surprise": st.just(1),
        },
    ),
)
def test_a_request_is_taken_when_its_schema_says_so(
    document: dict[str, Any], name: str, given_: dict[str, Any]
) -> None:
    schema = document["components"]["schemas"][REQUESTS[name].__name__]
    verdict = Gatekeeper(frozenset(REQUESTS)).judge(Order(name, json.dumps(given_).encode()), NOW, 0.0)

    assert isinstance(verdict, CommandRequest) == (not any(jsonschema_check.faults(given_, schema, document)))


def test_the_command_prints_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["schema"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["asyncapi"] == "3.0.0"

    with pytest.raises(SystemExit) as ended:
        main(["schema", "incident.opened"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["$id"] == "urn:radio-gateway:schema:incident.opened:1"

    with pytest.raises(SystemExit) as ended:
        main(["schema", "incident.exploded"])
    assert ended.value.code == 64
    assert "incident.opened" in capsys.readouterr().err
