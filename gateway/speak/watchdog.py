"""The gateway's end of the watchdog: a process that releases the keys when this one cannot.

Before each key-up it is given what it needs (see `drivers.base.Release`), and only when it has confirmed that
is the key pressed; after the release it gives it back. What the kernel does by itself when the gateway dies
differs: a serial port's lines drop when its last descriptor is closed (HUPCL), a GPIO line usually and a
CM108's pin always stay as they are, and rigctld keeps transmitting. See `unkeyer` for when it acts.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import structlog

from drivers.base import Release

log = structlog.get_logger()

PROGRAM = Path(__file__).with_name("unkeyer.py")
ANSWER_S = 2.0
_MOST_BYTES = 8192


class WatchdogAway(Exception):
    """The watchdog cannot be started or does not answer."""


class Watchdog:
    """One process for all radios, started at the first key-up and again when it has died. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The process's id, None while there is none."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the process so that the first key-up need not wait. Raises WatchdogAway."""
        with self._lock:
            self._connected()

    def arm(self, radio_id: str, release: Release, limit_s: float) -> None:
        """Have this radio's key released when this process dies, or after `limit_s` seconds.

        Raises:
            WatchdogAway: nobody watches; the key must not be pressed.
        """
        message = {
            "do": "arm",
            "radio": radio_id,
            "limit_s": limit_s,
            "ioctls": [(request, argument.hex()) for request, argument in release.ioctls],
            "data": release.data.hex(),
            "address": release.address,
        }
        with self._lock:
            try:
                self._ask(message, release.fd)
            except WatchdogAway:
                # It may have been killed since the last key-up; a new one will do.
                self._ask(message, release.fd)

    def disarm(self, radio_id: str) -> bool:
        """Say that the key is released; return whether the watchdog had to do that.

        Never raises: a watchdog that is away holds nothing.
        """
        return self._tell("disarm", radio_id)

    def cut(self, radio_id: str) -> None:
        """Have the key released now, because this process could not. Never raises."""
        self._tell("cut", radio_id)

    def close(self) -> None:
        """Let the process end. May be called twice."""
        with self._lock:
            process, self._process = self._process, None
            self._hang_up()
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(ANSWER_S)

    def _tell(self, what: str, radio_id: str) -> bool:
        with self._lock:
            if self._socket is None:
                return False
            try:
                return self._ask({"do": what, "radio": radio_id})
            except WatchdogAway as error:
                log.warning("watchdog away", why=str(error))
                return False

    def _ask(self, message: dict[str, object], descriptor: int | None = None) -> bool:
        connection = self._connected()
        descriptors = [] if descriptor is None else [descriptor]
        try:
            socket.send_fds(connection, [json.dumps(message).encode()], descriptors)
            answer = connection.recv(_MOST_BYTES)
        except OSError as error:
            self._hang_up()
            raise WatchdogAway(f"the watchdog process does not answer ({error})") from error
        if not answer:
            self._hang_up()
            raise WatchdogAway("the watchdog process has ended")
        return bool(json.loads(answer)["released"])

    def _connected(self) -> socket.socket:
        if self._socket is not None and self._process is not None and self._process.poll() is None:
            return self._socket
        self._hang_up()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [sys.executable, "-I", "-S", str(PROGRAM), str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise WatchdogAway(f"the watchdog process cannot be started ({error})") from error
        finally:
            theirs.close()
        ours.settimeout(ANSWER_S)
        self._socket = ours
        return ours

    def _hang_up(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()
