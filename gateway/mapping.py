"""One map (一张图): a gateway's open incidents as GeoJSON, where the units that report them are.

Retained as `state/map`, so that whoever subscribes has the picture at once, and `watch --http` has all
gateways' in one. RFC 7946: positions are longitude, latitude; a unit that was never surveyed has none.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from gateway.events import CloudEvent
from gateway.model import Unit

MAP: Final = "map"
MOST_FEATURES: Final = 60
"""What fits into a message of 64 KiB with room to spare; the newest incidents stay."""
_TEXT_CHARS: Final = 80


class MapKeeper:
    """Keeps the map of one gateway's open incidents and publishes it when it changes. On one asyncio loop."""

    def __init__(
        self,
        source: str,
        unit: Callable[[str], Unit | None],
        publish_state: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        """Start with an empty map; nothing is published before `take` or `publish`."""
        self._source = source
        self._unit = unit
        self._publish_state = publish_state
        self._open: dict[str, Mapping[str, Any]] = {}

    def take(self, events: Iterable[CloudEvent]) -> None:
        """Note what happened to incidents; publish the map when it is another now."""
        changed = False
        for event in events:
            if event.kind.startswith("incident."):
                self.note(event.data)
                changed = True
        if changed:
            self.publish()

    def note(self, snapshot: Mapping[str, Any]) -> None:
        """Note an incident's last state."""
        self._open.pop(snapshot["incident_id"], None)
        if snapshot["phase"] == "open":
            self._open[snapshot["incident_id"]] = snapshot

    def forget(self, incident_id: str) -> None:
        """Take an incident off the map."""
        self._open.pop(incident_id, None)

    def publish(self) -> None:
        """Publish the map as it is."""
        newest = list(self._open.values())[-MOST_FEATURES:]
        features = [incident_feature(one, self._unit(one["unit"]["unit_id"] or "")) for one in newest]
        self._publish_state(
            MAP,
            {
                "type": "FeatureCollection",
                "gateway": self._source,
                "left_out": len(self._open) - len(newest),
                "features": features,
            },
        )


def incident_feature(snapshot: Mapping[str, Any], unit: Unit | None) -> dict[str, Any]:
    """Word an incident as a GeoJSON feature at the unit that reports it."""
    place = None
    if unit is not None and unit.lat is not None and unit.lon is not None:
        place = {"type": "Point", "coordinates": [unit.lon, unit.lat]}
    return {
        "type": "Feature",
        "id": snapshot["incident_id"],
        "geometry": place,
        "properties": {
            "kind": "incident",
            "code": snapshot["type"]["code"],
            "label": snapshot["type"]["label"],
            "severity": snapshot["severity"],
            "status": snapshot["status"],
            "phase": snapshot["phase"],
            "revision": snapshot["revision"],
            "radio": snapshot["radio"],
            "unit_id": snapshot["unit"]["unit_id"],
            "unit_name": snapshot["unit"]["name"],
            "street": unit.street if unit is not None else "",
            "location": (snapshot["location"]["text"] or "")[:_TEXT_CHARS],
            "reported_at": snapshot["stages"]["reported_at"],
            "acknowledged": snapshot["stages"]["acknowledged_at"] is not None,
            "needs": [need["agency"] for need in snapshot["needs"] if need["state"] != "released"],
        },
    }
