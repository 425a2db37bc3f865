"""What the service manager is told: ready, alive, stopping. Alive means radios listen and the store answers.

Protocol: sd_notify(3), one datagram of `KEY=value` lines to the socket in NOTIFY_SOCKET. Without that
variable, as when a person starts the gateway in a terminal, nothing is sent.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress

import structlog

from gateway.errors import GatewayError

log = structlog.get_logger()

BEATS_IN_WATCHDOG = 3
"""How often the gateway says that it is alive within the time the service manager allows."""
ALONE_BEAT_S = 10.0
ANSWER_WITHIN_S = 8.0
"""A store that takes longer hangs: a slow disk takes seconds at the worst."""


class ServiceLink:
    """Says how the service is. Any thread may call; nothing here raises or blocks."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_s = self._read_watchdog(environment)
        """Within how many seconds the manager wants to hear of us; None when it does not."""

    @staticmethod
    def _read_watchdog(environment: Mapping[str, str]) -> float | None:
        if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
            return None
        with suppress(ValueError):
            return int(environment.get("WATCHDOG_USEC", "")) / 1e6 or None
        return None

    def ready(self, status: str) -> None:
        """Say that the gateway listens."""
        self._send("READY=1", f"STATUS={status}")

    def alive(self) -> None:
        """Say that the gateway still listens."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the gateway is about to end."""
        self._send("STOPPING=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.setblocking(False)
            out.sendto("\n".join(lines).encode(), self._address)


class Pulse:
    """Tells the service manager that the gateway is alive for as long as that is true.

    Args:
        service: where to say so.
        deaf_radios: names the radios whose capture thread has not come round for too long.
        ask_store: returns once the store has answered; one that refuses answers too.
    """

    def __init__(
        self,
        service: ServiceLink,
        deaf_radios: Callable[[], Iterable[str]],
        ask_store: Callable[[], Awaitable[object]],
    ) -> None:
        self._service = service
        self._deaf_radios = deaf_radios
        self._ask_store = ask_store
        self._complained = False
        watchdog_s = service.watchdog_s
        self._every_s = watchdog_s / BEATS_IN_WATCHDOG if watchdog_s else ALONE_BEAT_S
        self._answer_within_s = min(ANSWER_WITHIN_S, self._every_s)

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            await self.beat()
            await asyncio.sleep(self._every_s)

    async def beat(self) -> bool:
        """Look once, tell the manager if all is well, and return whether it is."""
        trouble = [f"radio {radio_id} does not come round" for radio_id in self._deaf_radios()]
        try:
            async with asyncio.timeout(self._answer_within_s):
                await self._ask_store()
        except TimeoutError:
            trouble.append("the store does not answer")
        except GatewayError:
            pass
        if not trouble:
            self._complained = False
            self._service.alive()
            return True
        if not self._complained:
            self._complained = True
            log.error("the service manager will restart the gateway", why="; ".join(trouble))
        return False
