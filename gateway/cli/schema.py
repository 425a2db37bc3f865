"""`radio-gateway schema`: the published contract, for people and for code generators."""

import json

import typer

from gateway import __version__
from gateway.errors import UsageError
from gateway.events import EVENT_DATA, TYPE_PREFIX
from gateway.publish import asyncapi


def schema(
    event: str | None = typer.Argument(
        None, help="Only the JSON Schema of this event, such as incident.opened.", show_default=False
    ),
) -> None:
    """Print the AsyncAPI 3.0 document with every event's JSON Schema."""
    event = event.removeprefix(TYPE_PREFIX) if event is not None else None
    if event is None:
        document = asyncapi.document(__version__)
    elif event in EVENT_DATA:
        document = asyncapi.event_schema(event)
    else:
        raise UsageError(f"there is no event {event!r}; there are {', '.join(EVENT_DATA)}")
    print(json.dumps(document, ensure_ascii=False, indent=2))
