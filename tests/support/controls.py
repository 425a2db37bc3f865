"""Controls that are not there: a GPIO chip, a sound chip with pins, and a rigctld that is, with no radio."""

import enum
import errno
import os
import socket
import subprocess
import time
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any


class Value(enum.Enum):
    INACTIVE = 0
    ACTIVE = 1


class Direction(enum.Enum):
    INPUT = 2
    OUTPUT = 3


@dataclass
class LineSettings:
    direction: Direction
    active_low: bool = False
    output_value: Value = Value.INACTIVE


@dataclass
class Pins:
    """A chip: the voltage of each pin, true for high, and every voltage a pin was driven to."""

    high: dict[int | str, bool] = field(default_factory=dict)
    driven: list[tuple[int | str, bool]] = field(default_factory=list)
    taken: set[int | str] = field(default_factory=set)
    is_unplugged: bool = False
    fd: int = -1

    def request_lines(self, path: str, consumer: str, config: dict[int | str, LineSettings]) -> "Request":
        if path != "/dev/gpiochip0":
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        if self.taken & set(config):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self.taken |= set(config)
        request = Request(self, config, self.fd)
        for line, settings in config.items():
            if settings.direction is Direction.OUTPUT:
                request.set_value(line, settings.output_value)
        return request


@dataclass
class Request:
    pins: Pins
    config: dict[int | str, LineSettings]
    fd: int = -1

    @property
    def lines(self) -> list[int | str]:
        return list(self.config)

    def set_value(self, line: int | str, value: Value) -> None:
        self._check()
        assert self.config[line].direction is Direction.OUTPUT
        is_high = (value is Value.ACTIVE) != self.config[line].active_low
        self.pins.driven.append((line, is_high))

    def get_value(self, line: int | str) -> Value:
        self._check()
        is_high = self.pins.high.get(line, False)
        return Value.ACTIVE if is_high != self.config[line].active_low else Value.INACTIVE

    def release(self) -> None:
        self.pins.taken -= set(self.config)

    def _check(self) -> None:
        if self.pins.is_unplugged:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))


def gpiod_of(chip: Pins) -> Any:
    """What `import gpiod` gives."""
    double: Any = ModuleType("gpiod")
    double.line = SimpleNamespace(Direction=Direction, Value=Value)
    double.LineSettings, double.request_lines = LineSettings, chip.request_lines
    return double


class Chip:
    """Four pins and four buttons."""

    def __init__(self) -> None:
        self._ends: list[socket.socket] = []
        self.is_plugged = True

    def open_node(self, path: str) -> int:
        if not self.is_plugged:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ends.append(ours)
        theirs.setblocking(False)
        return theirs.detach()

    def reports(self) -> list[bytes]:
        """What was written since the last call."""
        self._ends[-1].setblocking(False)
        found = []
        try:
            while report := self._ends[-1].recv(64):
                found.append(report)
        except BlockingIOError:
            pass
        return found

    def press(self, buttons: int) -> None:
        self._ends[-1].send(bytes((buttons, 0, 0, 0)))

    def unplug(self) -> None:
        self.is_plugged = False
        for end in self._ends:
            end.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Daemon:
    """A rigctld that can be killed and started again on its port."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["rigctld", "-m", "1", "-P", "RIG", "-T", "127.0.0.1", "-t", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10.0
        while time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(0.02)
        raise RuntimeError("rigctld did not start")

    def _answers(self) -> bool:
        """Whether it answers: a connection alone may be the port's own to itself, or be hung up at once."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2.0) as probe:
                probe.sendall(b"\\chk_vfo\n")
                return b"\n" in probe.recv(64)
        except OSError:
            return False

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None
