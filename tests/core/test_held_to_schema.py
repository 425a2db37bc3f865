from datetime import UTC, datetime
from typing import Any

from gateway.events import CloudEvent


def test_an_event_that_breaks_its_schema_fails_the_test_that_made_it(
    events_are_held_to_their_schemas: Any,
) -> None:
    CloudEvent(
        id="e-1",
        source="urn:radio-gateway:gz:tianhe:shipai",
        type="radiogateway.gateway.fault",
        subject="mqtt",
        time=datetime(2026, 5, 1, tzinfo=UTC),
        dataschema="urn:radio-gateway:schema:gateway.fault:1",
        sequence=f"{1:020d}",
        data={"what": "mqtt"},
    )
    assert events_are_held_to_their_schemas.broken[0].startswith("gateway.fault: $.data: ")
    events_are_held_to_their_schemas.broken.clear()
