"""Radios that Hamlib knows, through its network daemon rigctld.

    control = { kind = "rigctld", host = "127.0.0.1", port = 4532, carrier = "dcd" }

rigctld keeps transmitting when its client dies; the watchdog (gateway/speak/watchdog.py) then tells it to
stop. How it keys its radio is its own matter (`rigctld --ptt-type`). Every command is sent in the extended
form (`+`), whose answer ends with a line `RPRT n`; only that to `chk_vfo` is a single line in some versions.
"""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass
from typing import Literal

from drivers.base import Carrier, DeviceLost, DeviceMissing, DeviceMisused, RadioControl, Release

ANSWER_S = 2.0
"""How long the daemon and the radio behind it may take."""
OPEN_TRIES = 3
OPEN_PAUSE_S = 0.1
"""How often it may hang up before it is taken for something else, and how long it has to settle."""
ASK_S = 0.1
"""How old an answer about the carrier may be."""
_END = "RPRT "
_UNABLE = {-1, -4, -11}
"""Hamlib: invalid parameter, not implemented, not available."""


@dataclass(frozen=True, slots=True)
class RigctldOptions:
    """`carrier` "dcd" asks for the squelch, "strength" compares with `carrier_dbm`, "none" asks nothing.

    Hamlib tells strength in dB over S9; `s9_dbm` is what S9 is: -93 dBm above 30 MHz, -73 below.
    """

    host: str = "127.0.0.1"
    port: int = 4532
    carrier: Literal["dcd", "strength", "none"] = "dcd"
    carrier_dbm: float = -110.0
    s9_dbm: float = -93.0

    def faults(self) -> list[tuple[str, str]]:
        """Return what a type cannot say."""
        if 1 <= self.port <= 65_535:  # noqa: PLR2004 - the ports of TCP
            return []
        return [("port", f"is {self.port}, must be from 1 to 65535")]


class RigctldControl(RadioControl):
    """One radio behind a rigctld. Commands of several threads wait for one another."""

    Options = RigctldOptions

    def __init__(self, options: RigctldOptions) -> None:
        self._options = options
        self._name = f"rigctld at {options.host}:{options.port}"
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_keyed = False
        self._asked_at_s = 0.0
        self._heard: Carrier | None = None

    def open(self) -> None:
        """Connect, keying nothing.

        Raises:
            DeviceMissing: nobody listens there, or the radio behind it does not answer.
            DeviceMisused: what listens is no rigctld, or one whose commands want a VFO.
        """
        for left in reversed(range(OPEN_TRIES)):
            self._connect()
            try:
                self._check()
            except DeviceLost as error:
                # A rigctld lets go of its radio when its last client leaves, and may hang up on the next.
                self.close()
                if not left:
                    raise DeviceMisused(f"{self._name} does not answer as a rigctld does") from error
                time.sleep(OPEN_PAUSE_S)
            except (DeviceMissing, DeviceMisused):
                self.close()
                raise
            else:
                return

    def _connect(self) -> None:
        self.close()
        try:
            connection = socket.create_connection((self._options.host, self._options.port), ANSWER_S)
        except OSError as error:
            raise DeviceMissing(f"{self._name} cannot be reached: {error.strerror or error}") from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._heard, self._asked_at_s, self._is_keyed = None, 0.0, False
        self._socket = connection

    def close(self) -> None:
        """Release the key and hang up."""
        if self._is_keyed:
            with contextlib.suppress(DeviceLost, _Refused):
                self._command("T 0")
        self._is_keyed = False
        connection, self._socket = self._socket, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def key(self) -> None:
        """Start transmitting. Raises DeviceLost, also when the radio refuses."""
        self._is_keyed = True
        self._transmit("T 1")

    def unkey(self) -> None:
        """Stop transmitting. Raises DeviceLost."""
        self._transmit("T 0")
        self._is_keyed = False

    def release(self) -> Release | None:
        """Return the daemon's address and the command that stops transmitting."""
        return Release(data=b"T 0\n", address=(self._options.host, self._options.port))

    def carrier(self) -> Carrier | None:
        """Return what the radio hears, at most 0.1 s old; None when it cannot tell. Raises DeviceLost."""
        if self._socket is None:
            raise DeviceLost(f"{self._name} is not open")
        if self._options.carrier != "none" and time.monotonic() - self._asked_at_s >= ASK_S:
            self._heard = self._listen()
            self._asked_at_s = time.monotonic()
        return self._heard

    def identify(self) -> str | None:
        """Return what the radio says it is."""
        try:
            return _value(self._command("\\get_info")) or None
        except _Refused:
            return None

    def _check(self) -> None:
        vfo = self._exchange("\\chk_vfo", lines=1)[0]
        if vfo.endswith("1"):
            raise DeviceMisused(f"{self._name} wants a VFO with each command: start it without --vfo")
        try:
            self._command("\\get_ptt")
        except _Refused as error:
            if error.code not in _UNABLE:
                raise DeviceMissing(f"{self._name} does not reach its radio ({error})") from error

    def _listen(self) -> Carrier | None:
        dbm: float | None = None
        try:
            dbm = self._options.s9_dbm + float(_value(self._command("l STRENGTH")))
        except (_Refused, ValueError):
            if self._options.carrier == "strength":
                return None
        if self._options.carrier == "strength":
            return None if dbm is None else Carrier(dbm >= self._options.carrier_dbm, dbm)
        try:
            return Carrier(_value(self._command("\\get_dcd")) == "1", dbm)
        except _Refused:
            return None

    def _transmit(self, command: str) -> None:
        try:
            self._command(command)
        except _Refused as error:
            raise DeviceLost(f"the radio behind {self._name} does not obey {command} ({error})") from error

    def _command(self, command: str) -> list[str]:
        """Send a command; return what it answers. Raises _Refused, DeviceLost."""
        lines = self._exchange(command)
        code = int(lines[-1].removeprefix(_END))
        if code:
            raise _Refused(code)
        return lines[1:-1]

    def _exchange(self, command: str, lines: int | None = None) -> list[str]:
        """Send a command; return its answer up to RPRT, or so many lines. Raises DeviceLost."""
        with self._lock:
            connection = self._socket
            if connection is None:
                raise DeviceLost(f"{self._name} is not open")
            try:
                _drop_pending(connection)
                connection.sendall(f"+{command}\n".encode("ascii"))
                return _receive(connection, lines)
            except OSError as error:
                # What comes later would be taken for the answer to the next command.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                raise DeviceLost(f"{self._name} is gone ({error.strerror or error})") from error


class _Refused(Exception):
    """rigctld answered with an error."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Hamlib error {code}")
        self.code = code


def _drop_pending(connection: socket.socket) -> None:
    connection.settimeout(0.0)
    with contextlib.suppress(BlockingIOError):
        while connection.recv(4096):
            pass


def _receive(connection: socket.socket, lines: int | None) -> list[str]:
    """Return whole lines up to the end of an answer. Raises OSError when it does not come in time."""
    deadline_s = time.monotonic() + ANSWER_S
    answer = b""
    while True:
        connection.settimeout(max(deadline_s - time.monotonic(), 0.001))
        piece = connection.recv(4096)
        if not piece:
            raise ConnectionResetError(0, "it hung up")
        answer += piece
        whole = answer.decode("utf-8", errors="replace").split("\n")[:-1]
        if lines is not None and len(whole) >= lines:
            return whole
        if whole and whole[-1].startswith(_END) and whole[-1].removeprefix(_END).lstrip("-").isdigit():
            return whole


def _value(lines: list[str]) -> str:
    """Return the first value of an answer, which has its name in front or not."""
    return lines[0].rpartition(":")[2].strip() if lines else ""
