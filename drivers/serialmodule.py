"""What radio modules on a serial port share: a PTT line, a carrier line, and a thread that keeps asking."""

import threading
from abc import abstractmethod
from typing import Protocol

import serial

from drivers.base import Carrier, DeviceError, DeviceLost, DeviceMisused, RadioControl, Release
from drivers.serialline import release, set_ptt
from drivers.serialport import (
    INPUT_LINES,
    OUTPUT_LINES,
    Connect,
    SerialPort,
    line_faults,
    parse_lines,
    rest_levels,
)

ASK_S = 0.1
"""How long to wait between questions about carrier and signal strength."""


class ModuleOptions(Protocol):
    """The keys that every module has."""

    @property
    def port(self) -> str:
        """Where the module is."""

    @property
    def ptt(self) -> str:
        """The output lines its PTT pin hangs on."""

    @property
    def ptt_port(self) -> str:
        """The port of those lines, empty when it is the same."""

    @property
    def carrier(self) -> str:
        """The input line its carrier pin hangs on."""


def module_faults(options: ModuleOptions) -> list[tuple[str, str]]:
    """Return what is wrong with the keys that every module has."""
    found = line_faults("ptt", options.ptt, OUTPUT_LINES, 2)
    found += line_faults("carrier", options.carrier, INPUT_LINES, 1)
    if options.ptt_port and not options.ptt.strip():
        found.append(("ptt_port", "makes no sense without ptt"))
    return found


def range_faults(*limits: tuple[str, float | None, float, float]) -> list[tuple[str, str]]:
    """Return which of the (key, value, least, most) are out of range; None is not set, which is good."""
    return [
        (key, f"is {value}, must be from {least:g} to {most:g}")
        for key, value, least, most in limits
        if value is not None and not least <= value <= most
    ]


class SerialModule(RadioControl):
    """One module. `key`, `unkey` and `carrier` never wait for a conversation with it.

    A driver writes `_begin`, which finds out what the module is and sets it, and `_listen`, which asks what
    it hears and is called on the asking thread.
    """

    def __init__(
        self, options: ModuleOptions, baud: int, *, connect: Connect = serial.serial_for_url
    ) -> None:
        self._name = options.port
        self._ptt = parse_lines(options.ptt, OUTPUT_LINES)
        self._carrier_line = parse_lines(options.carrier, INPUT_LINES)
        self._port = SerialPort(options.port, baud, connect=connect)
        self._ptt_port = SerialPort(options.ptt_port, connect=connect) if options.ptt_port else self._port
        self._is_keyed = False
        self._heard: Carrier | None = None
        self._lost: DeviceError | None = None
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    @abstractmethod
    def _begin(self) -> None: ...

    @abstractmethod
    def _listen(self) -> Carrier | None: ...

    def open(self) -> None:
        """Find out what the module is and set it, with PTT at rest.

        Raises:
            DeviceMissing: the port is not there, or nothing on it answers.
            DeviceMisused: what answers is not this kind of module, or refuses a setting.
        """
        self.close()
        self._heard = self._lost = None
        self._closed = threading.Event()
        self._port.open(rest_levels(self._ptt if self._ptt_port is self._port else ()))
        try:
            if self._ptt_port is not self._port:
                self._ptt_port.open(rest_levels(self._ptt))
            self._begin()
        except DeviceError:
            self.close()
            raise
        self._thread = threading.Thread(
            target=self._keep_asking, args=(self._closed,), name=f"module-{self._name}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Release the key and close the ports."""
        self._closed.set()
        if self._ptt_port.is_open:
            release(self._ptt_port, self._ptt)
        self._is_keyed = False
        self._ptt_port.close()
        self._port.close()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def key(self) -> None:
        """Start transmitting. Raises DeviceLost; DeviceMisused without a PTT line."""
        if not self._ptt:
            raise DeviceMisused(f"{self._name} has no ptt in its configuration")
        self._is_keyed = True
        set_ptt(self._ptt_port, self._ptt, is_keyed=True)

    def unkey(self) -> None:
        """Stop transmitting. Raises DeviceLost."""
        self._is_keyed = False
        set_ptt(self._ptt_port, self._ptt, is_keyed=False)

    def release(self) -> Release | None:
        """Return how another process puts the PTT lines at rest."""
        return self._ptt_port.release(self._ptt)

    def let_go(self) -> None:
        """Put the PTT lines at rest, without a word to the module, which would take seconds."""
        if self._ptt:
            self._ptt_port.open(rest_levels(self._ptt))
            self._ptt_port.close()

    def carrier(self) -> Carrier | None:
        """Return what the module hears, closed while transmitting. Never waits for the module.

        None when the module has not answered yet. Raises DeviceLost, also when it answers no more.
        """
        if not self._port.is_open:
            raise DeviceLost(f"{self._name} is not open")
        if self._lost is not None:
            raise self._lost
        heard = self._heard
        if self._carrier_line:
            line = self._carrier_line[0]
            is_open = self._port.line(line.name) != line.is_inverted
            return Carrier(is_open, heard.rssi_dbm if heard is not None else None)
        return Carrier(is_open=False) if self._is_keyed else heard

    def _keep_asking(self, closed: threading.Event) -> None:
        while not closed.wait(ASK_S):
            # A module takes no commands while it transmits.
            if self._is_keyed:
                continue
            try:
                self._heard = self._listen()
            except DeviceError as error:
                self._lost = error
                return
