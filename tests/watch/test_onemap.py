"""All gateways' maps in one, fetched over HTTP as a browser would."""

import json
from http.client import HTTPConnection
from typing import Any

import pytest

from gateway.errors import Unavailable, UsageError
from gateway.watch.memory import Memory
from gateway.watch.onemap import MapServer, listen_address, serve

ONE, OTHER = "urn:radio-gateway:gz:tianhe:shipai", "urn:radio-gateway:gz:tianhe:tangxia"


def fetch(server: MapServer, path: str) -> tuple[int, str, Any]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=5.0)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, answer.headers["Content-Type"], json.loads(body) if body else None
    finally:
        connection.close()


def feature(name: str) -> dict[str, Any]:
    return {"type": "Feature", "id": name, "geometry": None, "properties": {"code": "FIRE"}}


def test_all_gateways_stand_on_one_map() -> None:
    with Memory() as memory, MapServer(("127.0.0.1", 0)) as server:
        memory.take_state(ONE, "availability", ONE, {"state": "online", "since": "t"})
        memory.take_state(ONE, "map", ONE, {"features": [feature("a"), "nonsense", {"properties": 3}]})
        memory.take_state(OTHER, "map", OTHER, {"features": [feature("b")]})
        memory.take_state(OTHER, "map", OTHER + "x", {"features": "nonsense"})
        serve(server, memory)

        status, kind, document = fetch(server, "/map.geojson?again=1")
        assert (status, kind, document["type"]) == (200, "application/geo+json", "FeatureCollection")
        told = {one["id"]: one["properties"] for one in document["features"]}
        assert told["a"] == {"code": "FIRE", "gateway": ONE, "gateway_online": True}
        assert told["b"]["gateway_online"] is False
        (there,) = fetch(server, "/gateways.json")[2]
        assert (there["source"], there["state"], there["missing"]) == (ONE, "online", 0)
        assert fetch(server, "/etc/passwd")[0] == 404


def test_a_port_is_of_this_machine_unless_a_host_is_named() -> None:
    assert listen_address("8080") == ("127.0.0.1", 8080)
    assert listen_address("0.0.0.0:80") == ("0.0.0.0", 80)
    assert listen_address("[::1]:80") == ("::1", 80)
    for wrong in ("", "x", "host", "1.2.3.4:http", ":80x"):
        with pytest.raises(UsageError, match="--http"):
            listen_address(wrong)


def test_a_port_that_is_taken_is_told() -> None:
    with MapServer(("127.0.0.1", 0)) as server, pytest.raises(Unavailable, match="cannot listen"):
        MapServer(("127.0.0.1", server.port))
