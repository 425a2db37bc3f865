"""Radio modules that are not there: they answer on a pty as the real ones do on their serial port."""

import os
import re
import select
import threading
import tty
from collections.abc import Callable
from dataclasses import dataclass, field

Answer = Callable[[bytes], bytes]
Take = Callable[[bytearray], bytes | None]


@dataclass
class NiceRfModule:
    """SA818, SA868 or DRA818: answers whole lines."""

    version: str = "SA818_V4.0"
    group: str = "0,400.0000,400.0000,0000,4,0000"
    volume: str = ""
    rssi: str = "RSSI=128"
    is_receiving: bool = False
    reads_back: bool = True
    refuses: str = "nothing"
    asked: list[bytes] = field(default_factory=list)

    def answer(self, line: bytes) -> bytes:  # noqa: PLR0911 - one for each command
        self.asked.append(line)
        text = line.decode("ascii", errors="replace")
        if self.refuses in text:
            return b"+" + text.removeprefix("AT+").split("=")[0].encode() + b":1\r\n"
        if text == "AT+DMOCONNECT":
            return b"+DMOCONNECT:0\r\n"
        if match := re.fullmatch(r"AT\+DMOSETGROUP=([01],\d{3}\.\d{4},\d{3}\.\d{4},\w{4},[0-8],\w{4})", text):
            self.group = match[1]
            return b"+DMOSETGROUP:0\r\n"
        if match := re.fullmatch(r"AT\+DMOSETVOLUME=([1-8])", text):
            self.volume = match[1]
            return b"+DMOSETVOLUME:0\r\n"
        if text == "AT+DMOREADGROUP" and self.reads_back:
            return f"+DMOREADGROUP:{self.group}\r\n".encode()
        if text == "AT+VERSION":
            return f"+VERSION:{self.version}\r\n".encode()
        if re.fullmatch(r"S\+\d{3}\.\d{4}", text):
            return b"S=0\r\n" if self.is_receiving else b"S=1\r\n"
        if text == "RSSI?":
            return self.rssi.encode() + b"\r\n"
        return b"+DMOERROR\r\n"


@dataclass
class SunRiseModule:
    """SR110: answers between two line ends; tones are raw bytes."""

    group: bytes = b""
    function: bytes = b""
    volume: bytes = b""
    rssi: int = 25
    asked: list[bytes] = field(default_factory=list)

    def answer(self, line: bytes) -> bytes:  # noqa: PLR0911 - one for each command
        self.asked.append(line)
        if line == b"AT+DMOCONT":
            return b"\r\n+DMOCONT:0\r\n"
        if match := re.fullmatch(rb"AT\+DMOGRP=(\d{3}\.\d{5},\d{3}\.\d{5},..,..,[0-3],0)", line, re.DOTALL):
            self.group = match[1]
            return b"\r\n+DMOGRP:0\r\n"
        if match := re.fullmatch(rb"AT\+DMOFUN=([0-8],[0-8],[0-9],[0-7],[01])", line):
            self.function = match[1]
            return b"\r\n+DMOFUN:0\r\n"
        if match := re.fullmatch(rb"AT\+DMOVOL=([1-9])", line):
            self.volume = match[1]
            return b"\r\n+DMOVOL:0\r\n"
        if line == b"AT+DMOVERQ":
            return b"\r\n+DMOVERQ:110U-V223\r\n"
        if line == b"AT+DMORSSI":
            # One that was made to order also reports DTMF, whenever it hears some.
            return f"\r\n+DMODTF:09\r\n\r\n+ DMORSSI:{self.rssi:03}\r\n".encode()
        return b""


@dataclass
class DmrModule:
    """DMR858M: frames from 0x68 to 0x10, with the checksum that the maker's own tool computes."""

    version: bytes = b"DMR858M_V1.2"
    status: int = 3
    caller: int = 0
    call_type: int = 2
    rssi: int = 90
    refuses: int = -1
    set_to: dict[int, int] = field(default_factory=dict)

    def answer(self, frame: bytes) -> bytes:
        command, data = frame[1], frame[8:-1]
        assert frame[2:4] == b"\x01\x01"
        if command == self.refuses:
            return dmr_frame(command, 0, 2)
        values = {
            0x04: bytes((self.status,)),
            0x05: bytes((self.rssi,)),
            0x10: bytes((self.call_type,)) + self.caller.to_bytes(3, "big"),
            0x25: self.version,
        }
        if command in values:
            return dmr_frame(command, 0, 0, values[command])
        self.set_to[command] = data[0]
        return dmr_frame(command, 0, 0)

    def report(self, caller: int, status: int = 0x60) -> bytes:
        """What the module says unasked when a call begins or ends."""
        data = bytes((self.call_type,)) + caller.to_bytes(3, "big") if status == 0x60 else b""
        return dmr_frame(0x06, 2, status, data)


def dmr_frame(command: int, kind: int, status: int, data: bytes = b"") -> bytes:
    frame = bytearray((0x68, command, kind, status, 0, 0, 0, len(data), *data, 0x10))
    words = bytes(frame) + b"\0" * (len(frame) % 2)
    total = sum(words[0::2]) * 256 + sum(words[1::2])
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    frame[4:6] = (total ^ 0xFFFF).to_bytes(2, "big")
    return bytes(frame)


def take_line(held: bytearray) -> bytes | None:
    """Take one line off what was received."""
    line, end, rest = held.partition(b"\r\n")
    if not end:
        return None
    held[:] = rest
    return bytes(line)


def take_dmr_frame(held: bytearray) -> bytes | None:
    """Take one frame off what was received."""
    size = 9 + held[7] if len(held) >= 9 else 9
    if len(held) < size:
        return None
    frame = bytes(held[:size])
    del held[:size]
    assert (frame[0], frame[-1]) == (0x68, 0x10)
    return frame


class PtyModule:
    """Runs a module on a pty. `answer` gets each message that `take` finds; what it returns is sent back.

    `drip` sends one byte at a time, `noise` comes before each answer.
    """

    def __init__(
        self, answer: Answer, *, take: Take = take_line, drip: bool = False, noise: bytes = b""
    ) -> None:
        self._answer = answer
        self._take = take
        self._drip = drip
        self._noise = noise
        self.is_mute = False
        self._master, slave = os.openpty()
        tty.setraw(slave)
        # Kept open, so that the pty does not hang up between two owners.
        self._slave = slave
        self.path = os.ttyname(slave)
        self._stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name="pty-module")
        self._thread.start()

    def send(self, data: bytes) -> None:
        """Say something unasked."""
        os.write(self._master, data)

    def unplug(self) -> None:
        """Go away. May be called twice."""
        if self._master < 0:
            return
        os.write(self._stop_write, b"!")
        self._thread.join()
        for end in (self._master, self._slave, self._stop_read, self._stop_write):
            os.close(end)
        self._master = -1

    def _run(self) -> None:
        held = bytearray()
        while True:
            ready = select.select([self._master, self._stop_read], [], [])[0]
            if self._stop_read in ready:
                return
            held += os.read(self._master, 1024)
            while (message := self._take(held)) is not None:
                said = self._answer(message)
                if said and not self.is_mute:
                    self._say(self._noise + said)

    def _say(self, data: bytes) -> None:
        pieces = [data[at : at + 1] for at in range(len(data))] if self._drip else [data]
        for piece in pieces:
            os.write(self._master, piece)
