"""The two AT dialects of analogue radio modules. No I/O.

`NiceRf`: SA818, SA868 (NiceRF) and DRA818 (Dorji). `SunRise`: SR105, SR110, SR120. Both run at 9,600 baud and
look alike, but order the frequencies the other way round and write tones differently, so a command of the
wrong dialect would tune the radio somewhere else: nothing is set before a module has answered its greeting.
"""

import re
from dataclasses import dataclass
from typing import Protocol

from drivers.atreply import Reply

CTCSS_HZ = (
    *(67.0, 71.9, 74.4, 77.0, 79.7, 82.5, 85.4, 88.5, 91.5, 94.8, 97.4, 100.0, 103.5, 107.2, 110.9, 114.8),
    *(118.8, 123.0, 127.3, 131.8, 136.5, 141.3, 146.2, 151.4, 156.7, 162.2, 167.9, 173.8, 179.9, 186.2),
    *(192.8, 203.5, 210.7, 218.1, 225.7, 233.6, 241.8, 250.3),
)
_DCS = re.compile(r"D?([0-7]{3})([NI])", re.IGNORECASE)
_SUNRISE_DBM = (
    *((36, -120.0), (46, -110.0), (55, -100.0), (65, -90.0), (75, -80.0), (85, -70.0), (94, -60.0)),
    *((103, -50.0), (115, -40.0), (127, -30.0)),
)


@dataclass(frozen=True, slots=True)
class Tone:
    """A sub-audible tone or code. Exactly one of the two is set, or none for no tone."""

    ctcss_hz: float | None = None
    dcs: str | None = None

    @classmethod
    def read(cls, text: str) -> "Tone":
        """Read "", "88.5" or "D023N" (I for the inverted code). Raises ValueError with a sentence."""
        code = _DCS.fullmatch(text.strip())
        if code is not None:
            return cls(dcs=f"{code[1]}{code[2].upper()}")
        if not text.strip():
            return cls()
        try:
            hz = float(text)
        except ValueError:
            hz = 0.0
        if hz not in CTCSS_HZ:
            raise ValueError(f"is {text!r}, must be a CTCSS tone such as 88.5 or a DCS code such as D023N")
        return cls(ctcss_hz=hz)


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a module is set to. `time_out_min` 0 is no time-out."""

    rx_hz: int
    tx_hz: int
    is_wide: bool = False
    rx_tone: Tone = Tone()
    tx_tone: Tone = Tone()
    squelch: int = 4
    volume: int = 6
    time_out_min: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """Bytes to send and the name of the reply to wait for."""

    sent: bytes
    reply: str


def command(text: str, reply: str) -> Command:
    """Make a command from its text."""
    return Command(text.encode("ascii") + b"\r\n", reply)


class Dialect(Protocol):
    """How one family of modules is spoken to."""

    family: str
    greeting: Command
    version: Command
    rssi: Command
    read_back: Command | None
    pause_s: float
    """How long a module needs between two commands."""

    def settings(self, tuning: Tuning) -> list[Command]:
        """Return the commands that set everything. Raises ValueError for what the module cannot be set to."""

    def listen(self, tuning: Tuning) -> Command | None:
        """Return the command that asks whether anybody transmits, None when there is none."""

    def differs(self, reply: Reply, tuning: Tuning) -> str | None:
        """Return what a module that was read back has set otherwise, None when all is as it was set."""

    def dbm(self, raw: int) -> float | None:
        """Return a signal strength in dBm, None when its scale is not known."""


class NiceRf:
    """SA818, SA868, DRA818."""

    family = "NiceRF SA818"
    greeting = command("AT+DMOCONNECT", "DMOCONNECT")
    version = command("AT+VERSION", "VERSION")
    rssi = command("RSSI?", "RSSI")
    read_back: Command | None = command("AT+DMOREADGROUP", "DMOREADGROUP")
    pause_s = 0.4

    def settings(self, tuning: Tuning) -> list[Command]:
        """Return the commands for group and volume."""
        group = ",".join(self._group(tuning))
        return [
            command(f"AT+DMOSETGROUP={group}", "DMOSETGROUP"),
            command(f"AT+DMOSETVOLUME={tuning.volume}", "DMOSETVOLUME"),
        ]

    def listen(self, tuning: Tuning) -> Command | None:
        """Return the scan of the receive frequency."""
        return command(f"S+{_mhz(tuning.rx_hz, 4)}", "S")

    def differs(self, reply: Reply, tuning: Tuning) -> str | None:
        """Compare a group that was read back, where it is written as a group is."""
        wanted, said = self._group(tuning), reply.value.split(",")
        if len(said) != len(wanted) or all(
            _same(one, other) for one, other in zip(said, wanted, strict=True)
        ):
            return None
        return f"it says {reply.value}, not {','.join(wanted)}"

    def dbm(self, raw: int) -> float | None:
        """Return None: the manual gives no scale."""
        del raw
        return None

    def _group(self, tuning: Tuning) -> list[str]:
        return [
            str(int(tuning.is_wide)),
            _mhz(tuning.tx_hz, 4),
            _mhz(tuning.rx_hz, 4),
            self._tone(tuning.tx_tone),
            str(tuning.squelch),
            self._tone(tuning.rx_tone),
        ]

    def _tone(self, tone: Tone) -> str:
        if tone.dcs is not None:
            return tone.dcs
        return "0000" if tone.ctcss_hz is None else f"{CTCSS_HZ.index(tone.ctcss_hz) + 1:04}"


class SunRise:
    """SR105, SR110, SR120. Tones are two bytes of binary-coded decimal in the middle of the text."""

    family = "SunRise SR"
    greeting = command("AT+DMOCONT", "DMOCONT")
    version = command("AT+DMOVERQ", "DMOVERQ")
    rssi = command("AT+DMORSSI", "DMORSSI")
    read_back: Command | None = None
    pause_s = 0.1

    def settings(self, tuning: Tuning) -> list[Command]:
        """Return the commands for frequencies and tones, squelch and time-out, volume."""
        frequencies = f"{_mhz(tuning.rx_hz, 5)},{_mhz(tuning.tx_hz, 5)}".encode("ascii")
        tones = self._tone(tuning.rx_tone) + b"," + self._tone(tuning.tx_tone)
        narrow = b"0" if tuning.is_wide else b"2"
        group = b"AT+DMOGRP=" + frequencies + b"," + tones + b"," + narrow + b",0\r\n"
        return [
            Command(group, "DMOGRP"),
            command(f"AT+DMOFUN={tuning.squelch},5,{tuning.time_out_min},0,0", "DMOFUN"),
            command(f"AT+DMOVOL={tuning.volume}", "DMOVOL"),
        ]

    def listen(self, tuning: Tuning) -> Command | None:
        """Return None: these modules tell the signal strength only."""
        del tuning
        return None

    def differs(self, reply: Reply, tuning: Tuning) -> str | None:
        """Return None: these modules cannot be read back."""
        del reply, tuning
        return None

    def dbm(self, raw: int) -> float | None:
        """Return the strength by the manual's table, between its points by straight lines."""
        below = [point for point in _SUNRISE_DBM if point[0] <= raw]
        above = [point for point in _SUNRISE_DBM if point[0] > raw]
        if not below or not above:
            return (below[-1] if below else above[0])[1]
        (low, low_dbm), (high, high_dbm) = below[-1], above[0]
        return low_dbm + (high_dbm - low_dbm) * (raw - low) / (high - low)

    def _tone(self, tone: Tone) -> bytes:
        if tone.dcs is not None:
            digits = f"{'8' if tone.dcs[-1] == 'N' else 'C'}{tone.dcs[:3]}"
        elif tone.ctcss_hz is not None:
            digits = f"{round(tone.ctcss_hz * 10):04}"
        else:
            digits = "FFFF"
        return bytes.fromhex(digits)[::-1]


DIALECTS: tuple[Dialect, ...] = (SunRise(), NiceRf())


def _same(said: str, wanted: str) -> bool:
    try:
        return float(said) == float(wanted)
    except ValueError:
        return said.strip().upper() == wanted


def _mhz(hz: int, decimals: int) -> str:
    """Write a frequency. Raises ValueError when the decimals do not suffice."""
    text = f"{hz / 1e6:.{decimals}f}"
    if round(float(text) * 1e6) != hz:
        raise ValueError(f"{hz / 1e6} MHz cannot be set: the module takes {decimals} decimals")
    return text
