"""What stands on `state/incident/<id>` and on the map besides what events put there. On one asyncio loop."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from gateway.events import ClockReading
from gateway.mapping import MapKeeper
from gateway.publish.topics import incident_suffix
from gateway.understand.conversation import to_snapshot
from gateway.understand.incident import IncidentState

log = structlog.get_logger()


class IncidentBoard:
    """Shows incidents that no event is on its way for: those of an earlier run, those not yet stored."""

    def __init__(
        self,
        on_map: MapKeeper,
        publish_state: Callable[[str, Mapping[str, Any] | None], None],
        read_clock: Callable[[], ClockReading],
    ) -> None:
        self._on_map = on_map
        self._publish_state = publish_state
        self._read_clock = read_clock

    def show(self, incident: IncidentState, *, stored: bool = True) -> None:
        """Put an incident where everybody finds it; the map shows it from the next time it is published."""
        snapshot = to_snapshot(incident, self._read_clock())
        # an event numbers what is stored; a number given now could be given again after a crash
        document = snapshot.model_dump(mode="json") | ({} if stored else {"stored": False})
        self._publish_state(incident_suffix(incident.incident_id), document)
        self._on_map.note(document)

    def foretell(self, incidents: Sequence[IncidentState], unfulfilled: frozenset[str]) -> None:
        """Show incidents that the store does not take yet, and no longer those that did not come to be."""
        for incident in incidents:
            log.warning("incident told before it is stored", incident=incident.incident_id)
            self.show(incident, stored=False)
        for incident_id in unfulfilled:
            self._publish_state(incident_suffix(incident_id), None)
            self._on_map.forget(incident_id)
        if incidents or unfulfilled:
            self._on_map.publish()
