"""Posts events to somebody's HTTP endpoint, one after the other, until each is taken: at least once.

What waits is in the dispatcher's memory, which is bounded; nothing queues up here. An endpoint drops repeats
by (`source`, `id`), as every subscriber does. With a secret each request is signed: HMAC-SHA256, in hex, over
the time in `X-Radio-Gateway-Timestamp`, a full stop and the body, in `X-Radio-Gateway-Signature`.
"""

import asyncio
import hashlib
import hmac
import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from gateway.clock import Clock
from gateway.errors import UsageError
from gateway.events import CONTENT_TYPE
from gateway.publish.link import BackOff
from gateway.watch.document import Event

TIMEOUT_S: Final = 10.0
LONGEST_WAIT_S: Final = 300.0
_OK: Final = range(200, 300)
_TRY_AGAIN: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to post to; `path` with the query."""

    scheme: str
    host: str
    port: int | None
    path: str

    @classmethod
    def parse(cls, url: str) -> "Endpoint":
        """Read http://… or https://….

        Raises:
            UsageError: it is none, or it holds a password.
        """
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            raise UsageError(f"--webhook {url}: the port is no number") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError(f"--webhook {url}: write http://HOST/PATH or https://HOST/PATH")
        if parts.username is not None or parts.password is not None:
            raise UsageError("--webhook: the URL holds a password; sign with --webhook-secret-file instead")
        query = f"?{parts.query}" if parts.query else ""
        return cls(parts.scheme, parts.hostname, port, (parts.path or "/") + query)

    def __str__(self) -> str:
        port = f":{self.port}" if self.port is not None else ""
        return f"{self.scheme}://{self.host}{port}{self.path}"


class Webhook:
    """One endpoint. `deliver` from one asyncio loop, one event at a time; `refused` counts the others."""

    def __init__(
        self,
        endpoint: Endpoint,
        clock: Clock,
        *,
        secret: bytes | None = None,
        on_note: Callable[[str, str], None] = lambda *_: None,
        back_off: BackOff | None = None,
    ) -> None:
        """Make it; nothing is connected yet."""
        self._endpoint = endpoint
        self._clock = clock
        self._secret = secret
        self._on_note = on_note
        self._back_off = back_off or BackOff(1.0, 60.0)
        self._connection: http.client.HTTPConnection | None = None
        self._trouble: str | None = None
        self.delivered = self.refused = 0

    def close(self) -> None:
        """Hang up. May be called twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def deliver(self, event: Event) -> bool:
        """Post an event until it is taken, however long that takes; False when it is refused for good.

        A refusal is any answer but 2xx, 408, 425, 429 and 5xx: asking again would not change it.
        """
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        while True:
            wait_s: float | None = None
            try:
                status, retry_after = await asyncio.to_thread(self._post, body)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                self._tell(f"cannot be reached ({error or type(error).__name__})")
            else:
                if status in _OK:
                    self.delivered += 1
                    self._back_off.reset()
                    self._tell(None)
                    return True
                if status not in _TRY_AGAIN and status < _SERVER_ERROR:
                    self.refused += 1
                    self._on_note(
                        str(self._endpoint), f"refuses {event['type']} {event['id']} (HTTP {status})"
                    )
                    return False
                self._tell(f"answers HTTP {status}")
                wait_s = retry_after
            await asyncio.sleep(self._back_off.next_s() if wait_s is None else min(wait_s, LONGEST_WAIT_S))

    def _tell(self, trouble: str | None) -> None:
        """Say what is wrong, and that it no longer is, each once."""
        if trouble == self._trouble:
            return
        self._trouble = trouble
        words = f"{trouble}; events wait and are tried again" if trouble else "takes events again"
        self._on_note(str(self._endpoint), words)

    def _post(self, body: bytes) -> tuple[int, float | None]:
        """On a thread: post and read the answer over a connection that is kept. Raises OSError."""
        if self._connection is None:
            kind = (
                http.client.HTTPSConnection
                if self._endpoint.scheme == "https"
                else http.client.HTTPConnection
            )
            self._connection = kind(self._endpoint.host, self._endpoint.port, timeout=TIMEOUT_S)
        self._connection.request("POST", self._endpoint.path, body, self._headers(body))
        answer = self._connection.getresponse()
        answer.read(65_536)
        after = answer.headers.get("Retry-After", "")
        if answer.will_close or not answer.isclosed():
            self.close()
        return answer.status, float(after) if after.isdigit() else None

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": CONTENT_TYPE, "User-Agent": "radio-gateway-watch"}
        if self._secret is not None:
            stamp = str(int(self._clock.now().timestamp()))
            signed = hmac.new(self._secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
            headers |= {"X-Radio-Gateway-Timestamp": stamp, "X-Radio-Gateway-Signature": f"sha256={signed}"}
        return headers
