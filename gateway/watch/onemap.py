"""All gateways' maps in one, over HTTP: what a 一张图 in a browser or a GIS reads again and again.

`GET /map.geojson` is a FeatureCollection of every gateway's open incidents, `GET /gateways.json` who is
there. Loopback unless told otherwise: whoever can reach it reads it, there is no password.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import urlsplit

from gateway.errors import Unavailable, UsageError
from gateway.watch.document import Event
from gateway.watch.memory import Memory

GEOJSON: Final = "application/geo+json"


def map_of(memory: Memory) -> dict[str, Any]:
    """Merge the maps of all gateways; each feature says whose it is, and whether that gateway is there."""
    online = {key: one.get("state") == "online" for key, one in memory.snapshots("availability").items()}
    features = []
    for key, document in memory.snapshots("map").items():
        listed = document.get("features")
        for feature in listed if isinstance(listed, list) else ():
            if isinstance(feature, dict) and isinstance(feature.get("properties"), dict):
                told = {**feature["properties"], "gateway": key, "gateway_online": online.get(key, False)}
                features.append({**feature, "properties": told})
    return {"type": "FeatureCollection", "features": features}


def gateways_of(memory: Memory) -> list[Event]:
    """Say of each gateway whether it is there, how far its events have come and what is missing of them."""
    there = memory.snapshots("availability")
    told = []
    for source in sorted({*there, *memory.sources}):
        state = memory.sources.get(source)
        told.append({
            "source": source,
            "state": there.get(source, {}).get("state", "unknown"),
            "since": there.get(source, {}).get("since"),
            "newest_sequence": state.newest if state is not None else None,
            "missing": len(state.missing) if state is not None else 0,
            "lost": state.lost if state is not None else 0,
        })  # fmt: skip
    return told


def listen_address(given: str) -> tuple[str, int]:
    """Read `[HOST:]PORT`; without a host only this machine.

    Raises:
        UsageError: it is none.
    """
    try:
        parts = urlsplit(f"//{given}" if not given.isdigit() else f"//127.0.0.1:{given}")
        port = parts.port
    except ValueError:
        port = None
    if port is None or not parts.hostname:
        raise UsageError(f"--http {given}: write a port, or HOST:PORT to be reached from elsewhere")
    return parts.hostname, port


class MapServer:
    """Serves documents made on another thread; `publish` hands over new ones. Use as `with`."""

    def __init__(self, address: tuple[str, int]) -> None:
        """Listen at once.

        Raises:
            Unavailable: the port is taken or not ours to have.
        """
        documents: dict[str, tuple[str, bytes]] = {}
        self._documents = documents

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 10.0

            def do_GET(self) -> None:
                kind, body = documents.get(urlsplit(self.path).path, ("", b""))
                self.send_response(200 if kind else 404)
                self.send_header("Content-Type", kind or "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing: a map is fetched every few seconds."""

        try:
            self._server = ThreadingHTTPServer(address, Handler)
        except OSError as error:
            raise Unavailable(f"--http {address[0]}:{address[1]}: cannot listen: {error.strerror}") from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="map", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def publish(self, path: str, kind: str, document: object) -> None:
        """Serve `document` as JSON at `path` from now on. Any thread may call."""
        self._documents[path] = (kind, json.dumps(document, ensure_ascii=False).encode())


def serve(server: MapServer, memory: Memory) -> None:
    """Hand the memory's map and gateways over to the server. On the memory's thread."""
    server.publish("/map.geojson", GEOJSON, map_of(memory))
    server.publish("/gateways.json", "application/json", gateways_of(memory))
