"""Digital radio modules of NiceRF: DMR858M, DMR818, DMR828. They tell who is calling.

    control = { kind = "dmr858", port = "/dev/ttyUSB0", channel = 3, ptt = "rts", carrier = "cts" }

Channels, ids and colour codes are programmed with the maker's tool; here a channel is chosen and the module
is heard: receiving or not, signal strength, and the DMR id of the caller, which the module reports when a
call begins and can be asked for while it lasts. PTT is the module's pin on a modem line; its SPKEN pin
(high while it receives) may hang on an input line.
"""

import time
from dataclasses import dataclass
from typing import Literal

import serial

from drivers.base import Carrier, DeviceLost, DeviceMissing, DeviceMisused
from drivers.dmrframe import ANSWER, REPORT, REQUEST, DmrFrame, DmrFrameReader
from drivers.serialmodule import SerialModule, module_faults, range_faults
from drivers.serialport import Connect

BAUD = 57_600
GREETINGS = 3
ANSWER_S = 0.5
"""How long a module may take to answer."""
UNANSWERED_MOST = 5
"""A module that leaves this many questions in a row unanswered is lost."""

_CHANNEL, _VOLUME, _STATUS, _RSSI, _CALL, _CALLER, _SQUELCH, _VERSION = (
    *(0x01, 0x02, 0x04, 0x05, 0x06),
    *(0x10, 0x12, 0x25),
)
_CALL_BEGINS = 0x60
_CALL_ENDS = 0x6F
_RECEIVING = 1
_ANALOGUE = 0
_CALLER_BYTES = 4
_REASONS = {1: "busy", 2: "no such channel", 7: "disabled over the air", 9: "checksum"}
_ASK = b"\x01"


@dataclass(frozen=True, slots=True)
class Dmr858Options:
    """What is left out stays as the module has it.

    `rssi_zero_dbm` is what signal strength 0 stands for, where somebody has measured it. `id_order` is the
    order of an id's bytes; NiceRF's papers say both, so compare one call with its caller.
    """

    port: str
    channel: int | None = None
    volume: int | None = None
    squelch: int | None = None
    ptt: str = ""
    ptt_port: str = ""
    carrier: str = ""
    rssi_zero_dbm: float | None = None
    id_order: Literal["big", "little"] = "big"

    def faults(self) -> list[tuple[str, str]]:
        """Return what a type cannot say."""
        return module_faults(self) + range_faults(
            ("channel", self.channel, 1, 16), ("volume", self.volume, 1, 9), ("squelch", self.squelch, 0, 9)
        )


class Dmr858Control(SerialModule):
    """One module."""

    Options = Dmr858Options

    def __init__(self, options: Dmr858Options, *, connect: Connect = serial.serial_for_url) -> None:
        super().__init__(options, BAUD, connect=connect)
        self._options = options
        self._reader = DmrFrameReader()
        self._version = ""
        self._unanswered = 0
        self._caller: str | None = None
        self._reported_caller: str | None = None
        self._is_receiving = False

    def identify(self) -> str | None:
        """Return the module's firmware."""
        return f"NiceRF DMR, {self._version}" if self._version else None

    def caller_id(self) -> str | None:
        """Return the id of the caller as `dmr:1234567`, kept until the next call begins."""
        if not self._port.is_open:
            raise DeviceLost(f"{self._name} is not open")
        return self._caller

    def _begin(self) -> None:
        self._reader = DmrFrameReader()
        self._caller = self._reported_caller = None
        self._is_receiving = False
        for _ in range(GREETINGS):
            answer = self._ask(_VERSION)
            if answer is not None:
                break
        else:
            raise DeviceMissing(
                f"no DMR module answers on {self._name}: check its power, that CS is high, and that TXD and "
                "RXD are crossed"
            )
        self._version = answer.data.decode("ascii", errors="ignore").strip("\0 ") or "version unknown"
        settings = (
            ("channel", _CHANNEL, self._options.channel),
            ("volume", _VOLUME, self._options.volume),
            ("squelch", _SQUELCH, self._options.squelch),
        )
        for key, command, value in settings:
            if value is not None:
                self._set(key, command, value)
        self._unanswered = 0

    def _set(self, key: str, command: int, value: int) -> None:
        answer = self._ask(command, bytes((value,))) or self._ask(command, bytes((value,)))
        if answer is None:
            raise DeviceMissing(f"{self._name} stopped answering while it was set")
        if answer.status:
            reason = _REASONS.get(answer.status, f"status {answer.status}")
            message = f"the DMR module on {self._name} refuses {key} {value}: {reason}"
            raise DeviceMissing(message) if answer.status == 1 else DeviceMisused(message)

    def _listen(self) -> Carrier | None:
        for frame in self._reader.feed(self._port.read(0.0)):
            self._note(frame)
        status = self._ask(_STATUS)
        if self._unanswered >= UNANSWERED_MOST:
            raise DeviceLost(f"the DMR module on {self._name} answers no more")
        if status is None or not status.data:
            return self._heard
        is_receiving = status.data[0] == _RECEIVING
        was_receiving, self._is_receiving = self._is_receiving, is_receiving
        if not is_receiving:
            if was_receiving:
                self._reported_caller = None
            return Carrier(is_open=False)
        if not was_receiving:
            # Asked at once, the module may still name the caller before.
            self._caller = self._reported_caller
        elif self._caller is None:
            answer = self._ask(_CALLER)
            self._caller = self._id_in(answer.data) if answer is not None and not answer.status else None
        return Carrier(is_open=True, rssi_dbm=self._strength())

    def _strength(self) -> float | None:
        zero_dbm = self._options.rssi_zero_dbm
        answer = self._ask(_RSSI) if zero_dbm is not None else None
        return (
            zero_dbm + answer.data[0] if answer is not None and answer.data and zero_dbm is not None else None
        )

    def _note(self, frame: DmrFrame) -> None:
        """Take a report that nobody asked for."""
        if frame.command == _CALL and frame.kind == REPORT:
            if frame.status == _CALL_BEGINS:
                self._reported_caller = self._caller = self._id_in(frame.data)
            elif frame.status == _CALL_ENDS:
                self._reported_caller = None

    def _id_in(self, data: bytes) -> str | None:
        if len(data) < _CALLER_BYTES or data[0] == _ANALOGUE:
            return None
        caller = int.from_bytes(data[1:_CALLER_BYTES], self._options.id_order)
        return f"dmr:{caller}" if caller else None

    def _ask(self, command: int, data: bytes = _ASK) -> DmrFrame | None:
        """Send a request; return its answer, None when none came in time. Reports on the way are noted."""
        self._port.write(DmrFrame(command, REQUEST, 1, data).encode())
        deadline_s = time.monotonic() + ANSWER_S
        found: DmrFrame | None = None
        while found is None and (left_s := deadline_s - time.monotonic()) > 0.0:
            for frame in self._reader.feed(self._port.read(left_s)):
                if frame.command == command and frame.kind == ANSWER:
                    found = frame
                else:
                    self._note(frame)
        if found is None:
            # Noise that looks like the head of a long frame must not swallow the answers to come.
            self._reader.forget()
            self._unanswered += 1
        else:
            self._unanswered = 0
        return found
