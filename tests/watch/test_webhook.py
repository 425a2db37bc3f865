"""Events posted to a real HTTP server that now and then does not want them."""

import asyncio
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.publish.link import BackOff
from gateway.watch.lines import COLUMNS, csv_header, csv_line
from gateway.watch.memory import Memory
from gateway.watch.watcher import Watcher
from gateway.watch.webhook import Endpoint, Webhook


class Server:
    """Answers with what `answers` says, then 204 for ever; keeps what it took."""

    def __init__(self, answers: list[int]) -> None:
        self.answers = answers
        self.requests: list[tuple[int, bytes, dict[str, str]]] = []
        served = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = served.answers.pop(0) if served.answers else 204
                served.requests.append((status, body, dict(self.headers)))
                if status == 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                if status == 429:
                    self.send_header("Retry-After", "0")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook?key=1"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def taken(self) -> list[int]:
        return [json.loads(body)["n"] for status, body, _ in self.requests if status in range(200, 300)]


@pytest.fixture
def serve() -> Iterator[Any]:
    servers: list[Server] = []

    def start(*answers: int) -> Server:
        servers.append(Server(list(answers)))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def event(n: int) -> dict[str, Any]:
    return {"id": str(n), "type": "radiogateway.gateway.fault", "n": n, "data": {"text": "断了"}}


def hook(server: Server, notes: list[str], secret: bytes | None = None) -> Webhook:
    return Webhook(
        Endpoint.parse(server.url), SystemClock(), secret=secret,
        on_note=lambda _, words: notes.append(words), back_off=BackOff(0.01, 0.05),
    )  # fmt: skip


async def deliver(webhook: Webhook, count: int) -> list[bool]:
    try:
        return [await webhook.deliver(event(n)) for n in range(count)]
    finally:
        webhook.close()


def test_every_event_is_taken_in_order_whatever_the_server_does_meanwhile(serve: Any) -> None:
    server, notes = serve(500, 503, 429, 204, 0, 408, 200, 0), []
    assert asyncio.run(deliver(hook(server, notes), 6)) == [True] * 6
    assert server.taken == list(range(6))
    assert {body for _, body, _ in server.requests} == {
        json.dumps(event(n), ensure_ascii=False, separators=(",", ":")).encode() for n in range(6)
    }
    assert server.requests[0][2]["Content-Type"].startswith("application/cloudevents+json")
    assert [note.partition(";")[0] for note in notes][:2] == ["answers HTTP 500", "answers HTTP 503"]
    assert notes[-1] == "takes events again"


def test_what_is_refused_for_good_is_told_and_does_not_stop_the_rest(serve: Any) -> None:
    server, notes = serve(204, 400, 404), []
    webhook = hook(server, notes)
    assert asyncio.run(deliver(webhook, 4)) == [True, False, False, True]
    assert (webhook.delivered, webhook.refused) == (2, 2)
    assert "refuses radiogateway.gateway.fault 1 (HTTP 400)" in notes


def test_what_is_posted_is_signed(serve: Any) -> None:
    server = serve()
    asyncio.run(deliver(hook(server, [], b"hush"), 1))
    ((_, body, headers),) = server.requests
    signed = headers["X-Radio-Gateway-Timestamp"].encode() + b"." + body
    wanted = hmac.new(b"hush", signed, hashlib.sha256).hexdigest()
    assert headers["X-Radio-Gateway-Signature"] == f"sha256={wanted}"


def test_nobody_listening_is_waited_for(serve: Any) -> None:
    server = serve()
    notes: list[str] = []
    webhook = hook(server, notes)
    server.close()

    async def wait() -> None:
        async with asyncio.timeout(0.3):
            await webhook.deliver(event(1))

    with pytest.raises(TimeoutError):
        asyncio.run(wait())
    assert len(notes) == 1
    assert "cannot be reached" in notes[0]


def test_after_a_crash_the_hook_goes_on_with_what_was_not_taken(tmp_path: Path, serve: Any) -> None:
    path = tmp_path / "watch.db"
    with Memory(path) as memory:
        about = {"source": "urn:s", "type": "radiogateway.x.y", "data": {}}
        memory.take([json.dumps({**about, "id": str(n), "sequence": str(n + 1), "n": n}) for n in range(5)])
    first, second = serve(204, 204, 500, 500, 500), serve()

    async def post(server: Server, stop_after: int) -> None:
        watcher = Watcher(["mqtt://127.0.0.1:1"], state=path)
        webhook = hook(server, [])
        async with watcher:
            stream = watcher.follow("webhook")
            try:
                async with asyncio.timeout(0.5 if stop_after == 5 else 10.0):
                    for _ in range(stop_after):
                        await webhook.deliver(await anext(stream))
            except TimeoutError:
                pass
            finally:
                webhook.close()
                await stream.aclose()

    first.answers[:] = [204, 204, *[500] * 1000]
    asyncio.run(post(first, 5))
    asyncio.run(post(second, 3))
    assert first.taken == [0, 1]
    assert second.taken == [2, 3, 4]


def test_a_line_of_csv_holds_no_formula_and_as_many_cells_as_the_header() -> None:
    document = {
        "time": "t", "source": "urn:radio-gateway:gz:tianhe:shipai", "type": "radiogateway.incident.opened",
        "sequence": "1", "id": "x",
        "data": {"type": {"code": "FIRE"}, "unit": {"unit_id": "u1", "name": "=1+1"},
                 "location": {"text": "6号楼,东门"}, "review": {"reasons": ["a", "b"]}},
    }  # fmt: skip
    line = csv_line(document)
    assert "'=1+1" in line
    assert '"6号楼,东门"' in line
    assert "a|b" in line
    assert csv_header().count(",") == len(COLUMNS) - 1 == line.replace("6号楼,东门", "").count(",")
    assert csv_line({}).count(",") == len(COLUMNS) - 1
