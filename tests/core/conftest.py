"""Every event that a test here brings into being is held to the schema that is published for it."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

import gateway.store.eventlog
from gateway.events import CloudEvent, Draft, seal
from gateway.publish.asyncapi import event_schema
from tests.support import jsonschema_check


@cache
def _schema(kind: str) -> dict[str, Any]:
    return event_schema(kind)


@pytest.fixture(autouse=True)
def every_event_keeps_to_its_schema(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    wrong: list[str] = []

    def seal_and_check(draft: Draft, source: str, sequence: int) -> CloudEvent:
        event = seal(draft, source, sequence)
        schema = _schema(draft.kind)
        # Test data uses short sources of its own; everything else is as it would be sent.
        document = json.loads(event.to_json()) | {"source": "urn:radio-gateway:a:b:c"}
        wrong.extend(f"{draft.kind}: {fault}" for fault in jsonschema_check.faults(document, schema, schema))
        return event

    monkeypatch.setattr(gateway.store.eventlog, "seal", seal_and_check)
    yield wrong
    assert wrong == []
