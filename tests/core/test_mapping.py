"""One map: a gateway's open incidents as GeoJSON, bounded, as incidents come and go."""

from datetime import UTC, datetime
from typing import Any

from gateway.events import CloudEvent
from gateway.mapping import MOST_FEATURES, MapKeeper
from gateway.model import Unit
from gateway.publish.asyncapi import MAP
from gateway.publish.states import json_bytes

SOURCE = "urn:radio-gateway:gz:tianhe:shipai"
UNITS = {"u1": Unit("u1", "华夏A区", street="石牌街", lat=23.1331, lon=113.348), "u2": Unit("u2", "棠东小学")}


def snapshot(incident_id: str, phase: str = "open", unit_id: str | None = "u1", text: str = "6号楼") -> Any:
    return {
        "incident_id": incident_id, "radio": "ch1", "revision": 2, "status": "Actual", "phase": phase,
        "type": {"code": "FIRE", "label": "火灾"}, "severity": "Severe",
        "unit": {"unit_id": unit_id, "name": "华夏A区", "status": "matched"}, "location": {"text": text},
        "stages": {"reported_at": "2026-05-01T08:00:00+08:00", "acknowledged_at": None},
        "needs": [{"agency": "FIRE", "state": "requested"}, {"agency": "EMS", "state": "released"}],
    }  # fmt: skip


def keeper() -> tuple[MapKeeper, list[Any]]:
    published: list[Any] = []
    return MapKeeper(SOURCE, UNITS.get, lambda suffix, doc: published.append((suffix, doc))), published


def incident(verb: str, data: Any) -> CloudEvent:
    return CloudEvent.model_construct(
        id="e", source=SOURCE, type=f"radiogateway.incident.{verb}", subject="i", sequence="1",
        time=datetime(2026, 5, 1, tzinfo=UTC), dataschema="x", data=data,
    )  # fmt: skip


def test_an_open_incident_stands_where_its_unit_is() -> None:
    keeps, published = keeper()
    keeps.take([incident("opened", snapshot("i1"))])

    ((suffix, document),) = published
    assert suffix == "map"
    assert set(MAP["required"]) <= document.keys()
    (feature,) = document["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [113.348, 23.1331]}
    told = feature["properties"]
    assert (told["code"], told["unit_name"], told["street"], told["location"]) == (
        "FIRE",
        "华夏A区",
        "石牌街",
        "6号楼",
    )
    assert (told["needs"], told["acknowledged"]) == (["FIRE"], False)


def test_what_is_over_leaves_the_map_and_what_has_no_place_stays_without_one() -> None:
    keeps, published = keeper()
    keeps.take([incident("opened", snapshot("i1")), incident("opened", snapshot("i2", unit_id="u2"))])
    keeps.take(
        [incident("closed", snapshot("i1", "resolved")), incident("opened", snapshot("i3", unit_id=None))]
    )

    features = published[-1][1]["features"]
    assert [feature["id"] for feature in features] == ["i2", "i3"]
    assert [feature["geometry"] for feature in features] == [None, None]


def test_other_events_change_nothing() -> None:
    keeps, published = keeper()
    keeps.take([CloudEvent.model_construct(type="radiogateway.gateway.fault", data={})])
    assert published == []


def test_it_fits_into_one_message_however_much_goes_on() -> None:
    keeps, published = keeper()
    keeps.take([incident("opened", snapshot(f"{n:036d}", text="楼" * 5_000)) for n in range(200)])

    document = published[-1][1]
    assert document["left_out"] == 200 - MOST_FEATURES
    assert document["features"][-1]["id"].endswith("199")
    assert len(json_bytes(document)) < 64 * 1024
