"""One serial port: bytes, modem lines, and what its failures mean.

A line is *high* when its RS-232 signal is asserted, which a TTL adapter shows as a low voltage. Opening sets
both output lines before the port is used, but Linux itself raises DTR and RTS for an instant at every open,
before any program can say otherwise. A radio that must not be keyed even for that instant is wired to a pair
such as "rts & !dtr", which neither both lines high nor both low can key. HUPCL stays set, so the kernel drops
both lines when the process dies, however it dies.
"""

import contextlib
import errno
import os
import struct
import termios
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import serial
from serial import rfc2217
from serial.tools import list_ports

from drivers.base import DeviceError, DeviceLost, DeviceMissing, DeviceMisused, Found, Release

OUTPUT_LINES = ("rts", "dtr")
INPUT_LINES = ("cts", "dcd", "dsr", "ri")
_BY_ID = Path("/dev/serial/by-id")
_WRITE_TIMEOUT_S = 2.0
_ATTRIBUTES = {"dcd": "cd"}
_MODEM_BITS = {"rts": termios.TIOCM_RTS, "dtr": termios.TIOCM_DTR}
_RFC2217_VALUES = {("rts", True): 11, ("rts", False): 12, ("dtr", True): 8, ("dtr", False): 9}
"""RFC 2217, SET-CONTROL: the values that raise and lower a line."""
_RFC2217_COMMAND = b"\xff\xfa\x2c\x05%c\xff\xf0"
_NO_LINES = {errno.ENOTTY, errno.EINVAL, errno.EOPNOTSUPP}
_REFUSED = {errno.EACCES: "may not be opened: add the gateway's user to the group dialout"}
_REFUSED |= dict.fromkeys((errno.EBUSY, errno.EAGAIN), "is in use by another program")

Connect = Callable[..., Any]
"""Makes a port that is not yet open, as serial.serial_for_url does."""


@dataclass(frozen=True, slots=True)
class Line:
    """One modem line as the configuration names it; `!` in front means the opposite level."""

    name: str
    is_inverted: bool = False

    def level(self, *, is_active: bool) -> bool:
        """Return the level of the line, true for high, when what it says is true or not."""
        return is_active != self.is_inverted


def parse_lines(text: str, known: Iterable[str]) -> tuple[Line, ...]:
    """Read "rts", "!dtr" or "rts & !dtr"; an empty text names no line.

    Raises ValueError with a sentence about what is wrong.
    """
    lines: list[Line] = []
    for word in text.lower().split("&") if text.strip() else []:
        name = word.strip()
        line = Line(name.removeprefix("!").strip(), name.startswith("!"))
        if line.name not in known:
            raise ValueError(f"is {text!r}: there is no line {line.name!r}, the lines are {', '.join(known)}")
        if any(other.name == line.name for other in lines):
            raise ValueError(f"is {text!r}, which names {line.name} twice")
        lines.append(line)
    return tuple(lines)


def line_faults(key: str, text: str, known: Iterable[str], most: int) -> list[tuple[str, str]]:
    """Return what is wrong with the lines a configuration names, at most `most` of them."""
    try:
        lines = parse_lines(text, known)
    except ValueError as error:
        return [(key, str(error))]
    return [(key, f"is {text!r}, must be at most {most} line")] if len(lines) > most else []


def rest_levels(ptt: tuple[Line, ...], hold: tuple[Line, ...] = ()) -> dict[str, bool]:
    """Return the levels of both output lines while nothing is keyed."""
    levels = dict.fromkeys(OUTPUT_LINES, False)
    levels |= {line.name: line.level(is_active=True) for line in hold}
    return levels | {line.name: line.level(is_active=False) for line in ptt}


class SerialPort:
    """A port that is opened by one owner and may be closed by any thread. Only one thread reads."""

    def __init__(self, url: str, baud: int = 9600, *, connect: Connect = serial.serial_for_url) -> None:
        self._url = url
        self._baud = baud
        self._connect = connect
        self._port: Any = None
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether the port is open."""
        return self._port is not None

    def open(self, levels: Mapping[str, bool]) -> None:
        """Open the port with its output lines at `levels`, for nobody else to open.

        Raises:
            DeviceMissing: there is no such port now, or it is in use.
            DeviceMisused: the URL is not one, or what it names is no serial port.
        """
        self.close()
        try:
            port = self._connect(self._url, do_not_open=True, baudrate=self._baud)
            port.rts, port.dtr = levels["rts"], levels["dtr"]
            port.rtscts = port.dsrdtr = port.xonxoff = False
            is_local = isinstance(port, serial.Serial)
            if is_local:
                port.exclusive = True
                # The network's ports know no time-out for writing.
                port.write_timeout = _WRITE_TIMEOUT_S
            port.open()
        except ValueError as error:
            raise DeviceMisused(f"{self._url} is not a port: {error}") from error
        except (OSError, termios.error) as error:
            raise self._cannot_open(error) from error
        if is_local:
            _drop_lines_at_close(port)
        with self._lock:
            self._port = port

    def close(self) -> None:
        """Close the port; a read in another thread returns. May be called twice, from any thread."""
        with self._lock:
            port, self._port = self._port, None
        if port is None:
            return
        # What cannot be closed because it is gone is closed.
        with contextlib.suppress(OSError, termios.error, AttributeError):
            port.cancel_read()
        with contextlib.suppress(OSError, termios.error):
            port.close()

    def set_line(self, name: str, *, is_high: bool) -> None:
        """Set an output line. Raises DeviceLost, or DeviceMisused when the port has no lines."""
        with self._in_use() as port:
            setattr(port, name, is_high)

    def line(self, name: str) -> bool:
        """Return whether an input line is high. Raises as set_line does."""
        with self._in_use() as port:
            return bool(getattr(port, _ATTRIBUTES.get(name, name)))

    def release(self, ptt: Iterable[Line]) -> Release | None:
        """Return how another process puts these lines at rest, None when it has none. Raises DeviceLost."""
        levels = {line.name: line.level(is_active=False) for line in ptt}
        with self._in_use() as port:
            if isinstance(port, serial.Serial):
                ioctls = tuple(
                    (
                        termios.TIOCMBIS if is_high else termios.TIOCMBIC,
                        struct.pack("I", _MODEM_BITS[name]),
                    )
                    for name, is_high in levels.items()
                )
                return Release(fd=port.fileno(), ioctls=ioctls) if ioctls else None
            if isinstance(port, rfc2217.Serial) and levels:
                commands = (_RFC2217_COMMAND % _RFC2217_VALUES[level] for level in levels.items())
                # pyserial shows its connection to nobody.
                connection: Any = vars(port)["_socket"]
                return Release(fd=connection.fileno(), data=b"".join(commands))
        return None

    def write(self, data: bytes) -> None:
        """Send bytes. Raises DeviceLost, also when they are not taken within two seconds."""
        with self._in_use() as port:
            port.write(data)
            port.flush()

    def read(self, timeout_s: float, most: int = 256) -> bytes:
        """Return what has arrived, waiting up to `timeout_s` for a first byte; empty when none came.

        Raises DeviceLost.
        """
        with self._in_use() as port:
            port.timeout = timeout_s
            first = bytes(port.read(1))
            waiting = min(port.in_waiting, most - 1) if first else 0
            return first + bytes(port.read(waiting)) if waiting else first

    @contextlib.contextmanager
    def _in_use(self) -> Iterator[Any]:
        """Give the open port and tell what went wrong with it."""
        port = self._port
        if port is None:
            raise DeviceLost(f"{self._url} is not open")
        try:
            yield port
        # pyserial's select and ioctl meet None where another thread has just closed the port.
        except (OSError, termios.error, TypeError, AttributeError) as error:
            if self._port is not port:
                raise DeviceLost(f"{self._url} was closed and is not open") from error
            if isinstance(error, TypeError | AttributeError):
                raise
            if _number(error) in _NO_LINES:
                raise DeviceMisused(f"{self._url} has no modem lines ({_reason(error)})") from error
            raise DeviceLost(f"{self._url} is gone ({_reason(error)})") from error

    def _cannot_open(self, error: Exception) -> DeviceError:
        number = _number(error)
        if number in _REFUSED:
            return DeviceMissing(f"{self._url} {_REFUSED[number]}")
        if number == errno.ENOTTY:
            return DeviceMisused(f"{self._url} is not a serial port")
        if "://" in self._url:
            return DeviceMissing(f"{self._url} cannot be reached: {_reason(error)}")
        names = ", ".join(found.name for found in available()) or "none"
        return DeviceMissing(f"{self._url} cannot be opened: {_reason(error)}; the ports are: {names}")


def available() -> list[Found]:
    """Return the serial ports that are plugged in, by the name that stays the same when they are moved."""
    links = {}
    if _BY_ID.is_dir():
        links = {str(link.resolve()): str(link) for link in sorted(_BY_ID.iterdir())}
    return [
        Found(
            links.get(port.device, port.device),
            port.description if port.description not in {None, "", "n/a"} else "serial port",
        )
        for port in sorted(list_ports.comports(), key=lambda port: port.device)
    ]


def _drop_lines_at_close(port: Any) -> None:
    """Make the kernel lower DTR and RTS when the port is closed, also by the death of the process."""
    with contextlib.suppress(OSError, termios.error):
        settings = termios.tcgetattr(port.fileno())
        settings[2] |= termios.HUPCL
        termios.tcsetattr(port.fileno(), termios.TCSANOW, settings)


def _number(error: Exception) -> int | None:
    """Return the errno of an error; pyserial often keeps it only in the error it started from."""
    for one in (error, error.__cause__, error.__context__):
        number = getattr(one, "errno", None) or (one.args[0] if one is not None and one.args else None)
        if isinstance(number, int):
            return number
    return None


def _reason(error: Exception) -> str:
    number = _number(error)
    return str(error) if number is None else os.strerror(number)
