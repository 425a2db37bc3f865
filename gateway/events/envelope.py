"""What surrounds the data: the draft, the CloudEvent it becomes, and which model each kind of event has."""

from typing import Any, Literal

from pydantic_core import to_json

from gateway.events.drill import DrillFinished, DrillItem, DrillStarted
from gateway.events.incident import IncidentSnapshot
from gateway.events.rollcall import RollcallFinished, RollcallItem, RollcallStarted
from gateway.events.shared import Data, Model, Timestamp
from gateway.events.station import ClockStepped, GatewayFault, OutboxDropped
from gateway.events.transmission import CheckinReceived, TransmissionReceived, TransmissionSent
from gateway.events.verdict import ReviewVerdict

TYPE_PREFIX = "radiogateway."
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
SEQUENCE_DIGITS = 20
MAX_EVENT_BYTES = 64 * 1024
"""CloudEvents §size limits: what every intermediary must forward."""
EVENT_DATA: dict[str, type[Data]] = {
    "transmission.received": TransmissionReceived,
    "transmission.sent": TransmissionSent,
    "incident.opened": IncidentSnapshot,
    "incident.updated": IncidentSnapshot,
    "incident.closed": IncidentSnapshot,
    "incident.cancelled": IncidentSnapshot,
    "checkin.received": CheckinReceived,
    "rollcall.started": RollcallStarted,
    "rollcall.called": RollcallItem,
    "rollcall.answered": RollcallItem,
    "rollcall.missed": RollcallItem,
    "rollcall.finished": RollcallFinished,
    "drill.started": DrillStarted,
    "drill.arrived": DrillItem,
    "drill.finished": DrillFinished,
    "review.accepted": ReviewVerdict,
    "review.corrected": ReviewVerdict,
    "gateway.fault": GatewayFault,
    "gateway.recovered": GatewayFault,
    "outbox.dropped": OutboxDropped,
    "clock.stepped": ClockStepped,
}
"""`family.verb` of every event and the model of its data."""


class Draft(Model):
    """An event before it is stored: it has no sequence number yet."""

    id: str
    kind: str
    """`family.verb`, a key of EVENT_DATA."""
    subject: str
    time: Timestamp
    data: Data
    correlationid: str | None = None
    causationid: str | None = None


class CloudEvent(Model):
    """An event as stored and published. `data` is the JSON of the model that EVENT_DATA names."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: Timestamp
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    sequence: str
    correlationid: str | None = None
    causationid: str | None = None
    data: dict[str, Any]

    def to_json(self) -> str:
        """Return the CloudEvents JSON document, without the optional attributes that are not set."""
        document = {**self.__dict__, "time": self.time.isoformat()}
        for optional in ("correlationid", "causationid"):
            if document[optional] is None:
                del document[optional]
        return to_json(document).decode()

    @property
    def kind(self) -> str:
        """The `family.verb` of this event."""
        return self.type.removeprefix(TYPE_PREFIX)


def seal(draft: Draft, source: str, sequence: int) -> CloudEvent:
    """Turn a draft into the event that will be published under `sequence`."""
    return CloudEvent(
        id=draft.id,
        source=source,
        type=TYPE_PREFIX + draft.kind,
        subject=draft.subject,
        time=draft.time,
        dataschema=f"urn:radio-gateway:schema:{draft.kind}:1",
        sequence=f"{sequence:0{SEQUENCE_DIGITS}d}",
        correlationid=draft.correlationid,
        causationid=draft.causationid,
        data=draft.data.model_dump(mode="json"),
    )
