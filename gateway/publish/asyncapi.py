"""The published contract as a document: AsyncAPI 3.0 with every event's JSON Schema. Pure.

Made from what makes the events themselves (EVENT_DATA, REQUESTS, the topics), so that it cannot say anything
else than what is sent. Schemas of what we send leave room for fields to come; those of what we take do not,
because an unknown field of a command is refused.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from pydantic_core.core_schema import DataclassField, ModelField, TypedDictField

from gateway.events import (
    CONTENT_TYPE,
    EVENT_DATA,
    SEQUENCE_DIGITS,
    TYPE_PREFIX,
    CloudEvent,
    IncidentShown,
    RollcallSnapshot,
)
from gateway.publish.requests import ANSWER_CONTENT_TYPE, REQUESTS, Answer
from gateway.publish.topics import event_topic

JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
ASYNCAPI_VERSION = "3.0.0"
MQTT_BINDING = "0.2.0"
ROOT = "rg/v1/{org}/{district}/{gateway}"
LEVELS = {
    "org": "The organisation, e.g. gz.",
    "district": "The district, e.g. tianhe.",
    "gateway": "The gateway, e.g. shipai.",
    "radio": "A radio's id in the gateway's configuration.",
    "incident": "An incident's id.",
    "rollcall": "A roll-call's id.",
    "name": "What reply_to names; without it, the command's own name.",
}
COMPONENTS = "#/components/schemas/{model}"
DEFS = "#/$defs/{model}"

Schema = dict[str, Any]

AVAILABILITY: Schema = {
    "type": "object",
    "description": "Whether the gateway is there; also its last will. One of an earlier session is old.",
    "required": ["state", "session", "since"],
    "properties": {
        "state": {"enum": ["online", "offline"]},
        "session": {"type": "integer"},
        "since": {"type": "string", "format": "date-time"},
    },
}
HEALTH: Schema = {
    "type": "object",
    "description": "Counters, depth of the outbox, each device's state and the faults that are open.",
    "required": ["state", "at", "started_at", "radios", "mqtt", "outbox", "recogniser", "faults"],
    "properties": {
        "state": {"enum": ["green", "amber", "red"]},
        "at": {"type": "string", "format": "date-time"},
        "started_at": {"type": "string", "format": "date-time"},
        "radios": {"type": "object", "additionalProperties": {"type": "object"}},
        "mqtt": {"type": "object"},
        "outbox": {"type": "object"},
        "recogniser": {"type": "object"},
        "faults": {"type": "array", "items": {"type": "object"}},
    },
}
MAP: Schema = {
    "type": "object",
    "description": "GeoJSON (RFC 7946): a feature for each open incident, where its unit is.",
    "required": ["type", "gateway", "left_out", "features"],
    "properties": {
        "type": {"const": "FeatureCollection"},
        "gateway": {"type": "string"},
        "left_out": {"type": "integer"},
        "features": {"type": "array", "items": {"type": "object"}},
    },
}
RADIO: Schema = {
    "type": "object",
    "description": "What a radio is doing.",
    "required": ["state", "since"],
    "properties": {
        "state": {"enum": ["idle", "receiving", "transmitting", "fault"]},
        "since": {"type": "string", "format": "date-time"},
    },
}


class _AsSent(GenerateJsonSchema):
    """Every field is there in what we send, also one that has a default; titles would only repeat names."""

    def field_is_required(self, field: ModelField | DataclassField | TypedDictField, total: bool) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def event_schema(kind: str) -> Schema:
    """Return the JSON Schema of one event, complete in itself.

    Raises:
        KeyError: there is no such event.
    """
    data = EVENT_DATA[kind]
    definitions = _definitions({data}, "serialization", DEFS)
    schema = _event(kind, DEFS)
    return {"$schema": JSON_SCHEMA, "$id": dataschema(kind), **schema, "$defs": definitions}


def dataschema(kind: str) -> str:
    """Return the name of an event's schema, which the event carries as `dataschema`."""
    return f"urn:radio-gateway:schema:{kind}:1"


def document(version: str) -> dict[str, Any]:
    """Return the AsyncAPI document for this version of the gateway."""
    schemas = _definitions(
        {*EVENT_DATA.values(), Answer, IncidentShown, RollcallSnapshot}, "serialization", COMPONENTS
    )
    schemas |= _definitions(REQUESTS.values(), "validation", COMPONENTS)
    schemas |= {"Availability": AVAILABILITY, "Health": HEALTH, "RadioState": RADIO, "Map": MAP}
    schemas |= {f"event.{kind}": _event(kind, COMPONENTS) for kind in EVENT_DATA}
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for kind, data in EVENT_DATA.items():
        name = f"evt.{kind}"
        messages[name] = _message(kind, _summary(data), f"event.{kind}", CONTENT_TYPE)
        channels[name] = _channel(event_topic("r", kind).removeprefix("r/"), name, _summary(data))
        operations[f"send.{name}"] = _operation("send", name, retain=False)
    for suffix, schema, summary in _states():
        name = "state." + suffix.partition("/")[0]
        messages[name] = _message(name, summary, schema, ANSWER_CONTENT_TYPE)
        channels[name] = _channel(f"state/{suffix}", name, summary)
        operations[f"send.{name}"] = _operation("send", name, retain=True)
    messages["rsp"] = _message("answer", _summary(Answer), "Answer", ANSWER_CONTENT_TYPE, asks=True)
    channels["rsp"] = _channel("rsp/{name}", "rsp", _summary(Answer))
    for name, request in REQUESTS.items():
        command = f"cmd.{name}"
        messages[command] = _message(name, _summary(request), request.__name__, "application/json", asks=True)
        channels[command] = _channel(f"cmd/{name}", command, _summary(request))
        operations[f"receive.{command}"] = _operation("receive", command, retain=False) | {"reply": _reply()}
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "id": "urn:radio-gateway:contract:v1",
        "info": _info(version),
        "defaultContentType": CONTENT_TYPE,
        "servers": {"broker": _server()},
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": schemas,
            "parameters": {name: {"description": text} for name, text in LEVELS.items()},
            "correlationIds": {
                "correlationData": {
                    "description": "The request's Correlation Data, returned as it came (MQTT 5).",
                    "location": "$message.header#/correlationData",
                }
            },
        },
    }


def _info(version: str) -> dict[str, Any]:
    return {
        "title": "radio-gateway",
        "version": version,
        "description": (
            "Events are CloudEvents 1.0 in structured mode, delivered at least once and in order of "
            "`sequence` for each `source`: drop a repeated (`source`, `id`), watch `sequence`, ask for what "
            "is missing with `cmd/resync`. Fields may be added at any time; none is renamed or removed."
        ),
        "license": {"name": "Apache-2.0"},
    }


def _server() -> dict[str, Any]:
    return {
        "host": "localhost:1883",
        "protocol": "mqtt",
        "protocolVersion": "5.0",
        "description": "The broker that the gateway's configuration names; MQTT 3.1.1 where 5 is not known.",
        "bindings": {
            "mqtt": {
                "cleanSession": True,
                "sessionExpiryInterval": 0,
                "lastWill": {
                    "topic": f"{ROOT}/state/availability",
                    "qos": 1,
                    "message": "state offline, with the session it ends",
                    "retain": True,
                },
                "bindingVersion": MQTT_BINDING,
            }
        },
    }


def _states() -> Iterable[tuple[str, str, str]]:
    """Topic below state/, schema and summary of each retained document."""
    yield "availability", "Availability", "Whether the gateway is there."
    yield "health", "Health", "How the gateway is."
    yield "radio/{radio}", "RadioState", "What a radio is doing."
    yield "map", "Map", "The open incidents on a map, as GeoJSON."
    yield (
        "incident/{incident}",
        IncidentShown.__name__,
        "An open incident's last snapshot; empty once over.",
    )
    yield (
        "rollcall/{rollcall}",
        RollcallSnapshot.__name__,
        "How far a roll-call has come; empty once over.",
    )


def _channel(path: str, message: str, summary: str) -> dict[str, Any]:
    address = f"{ROOT}/{path}"
    parameters = re.findall(r"{(\w+)}", address)
    return {
        "address": address,
        "summary": summary,
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in parameters},
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
    }


def _operation(action: str, channel: str, *, retain: bool) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{channel}"}],
        "bindings": {"mqtt": {"qos": 1, "retain": retain, "bindingVersion": MQTT_BINDING}},
    }


def _reply() -> dict[str, Any]:
    return {
        "address": {
            "description": "The Response Topic; with 3.1.1 what reply_to names, else rsp/<command>.",
            "location": "$message.header#/responseTopic",
        },
        "channel": {"$ref": "#/channels/rsp"},
        "messages": [{"$ref": "#/channels/rsp/messages/rsp"}],
    }


def _message(
    name: str, summary: str, schema: str, content_type: str, *, asks: bool = False
) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": name,
        "summary": summary,
        "contentType": content_type,
        "payload": {"$ref": COMPONENTS.format(model=schema)},
        "bindings": {"mqtt": {"contentType": content_type, "bindingVersion": MQTT_BINDING}},
    }
    if asks:
        message["correlationId"] = {"$ref": "#/components/correlationIds/correlationData"}
    return message


def _event(kind: str, template: str) -> Schema:
    """Return the schema of the whole CloudEvent around one kind of data."""
    envelope = _definitions({CloudEvent}, "serialization", template)[CloudEvent.__name__]
    properties = dict(envelope["properties"])
    for optional in ("correlationid", "causationid"):
        properties[optional] = {"type": "string"}
    properties |= {
        "source": {"type": "string", "pattern": "^urn:radio-gateway:[a-z0-9-]+:[a-z0-9-]+:[a-z0-9-]+$"},
        "type": {"const": TYPE_PREFIX + kind},
        "dataschema": {"const": dataschema(kind)},
        "sequence": {"type": "string", "pattern": f"^[0-9]{{{SEQUENCE_DIGITS}}}$"},
        "data": {"$ref": template.format(model=EVENT_DATA[kind].__name__)},
    }
    required = [name for name in envelope["required"] if name not in {"correlationid", "causationid"}]
    return {
        "type": "object",
        "description": _summary(EVENT_DATA[kind]),
        "required": required,
        "properties": properties,
    }


def _definitions(models: Iterable[type[BaseModel]], mode: JsonSchemaMode, template: str) -> dict[str, Schema]:
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = sorted(
        ((model, mode) for model in set(models)), key=lambda pair: pair[0].__name__
    )
    _, schema = models_json_schema(wanted, ref_template=template, schema_generator=_AsSent)
    definitions: dict[str, Schema] = schema["$defs"]
    return {name: _open(one) if mode == "serialization" else one for name, one in definitions.items()}


def _open(schema: Mapping[str, Any]) -> Schema:
    """Leave room for fields to come."""
    return {
        name: value for name, value in schema.items() if not (name == "additionalProperties" and not value)
    }


def _summary(model: type[BaseModel]) -> str:
    return (model.__doc__ or model.__name__).partition("\n")[0]
