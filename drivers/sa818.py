"""Radio modules that are set by AT commands over a serial port.

    control = { kind = "sa818", port = "/dev/ttyUSB0", rx_mhz = 409.75, ptt = "rts", carrier = "!cts" }

Which of the two dialects (see drivers/atdialects.py) a module speaks is found by greeting it; what answers
neither greeting is refused. Settings are written each time the port is opened and read back where the module
can. The module's PTT pin hangs on a modem line of the same port or of `ptt_port`; its audio-on pin may hang
on an input line, which is faster than asking the module. A thread asks it for the signal strength all the
while.
"""

import time
from dataclasses import dataclass

import serial

from drivers.atdialects import DIALECTS, Command, Dialect, Tone, Tuning
from drivers.atreply import Reply, ReplyReader
from drivers.base import Carrier, DeviceLost, DeviceMissing, DeviceMisused
from drivers.serialmodule import SerialModule, module_faults, range_faults
from drivers.serialport import Connect

BAUD = 9600
GREETINGS = 3
REPLY_S = 0.6
"""How long a module may take to answer."""
UNANSWERED_MOST = 5
"""A module that leaves this many questions in a row unanswered is lost."""


@dataclass(frozen=True, slots=True)
class Sa818Options:
    """`tx_mhz` is `rx_mhz` when left out; tones are "", a CTCSS tone ("88.5") or a DCS code ("D023N").

    `squelch` 0 is open. `carrier` is an input line with the module's audio-on pin (`!cts` for its low level);
    without it a NiceRF module is asked, and a SunRise module's carrier is a signal of `carrier_dbm` or more.
    `rssi_zero_dbm` is what a NiceRF module's signal strength 0 stands for, where somebody has measured it.
    `time_out_min` is the time-out timer inside a SunRise module; NiceRF modules have none.
    """

    port: str
    rx_mhz: float
    tx_mhz: float | None = None
    bandwidth_khz: float = 12.5
    rx_tone: str = ""
    tx_tone: str = ""
    squelch: int = 4
    volume: int = 6
    time_out_min: int = 3
    ptt: str = ""
    ptt_port: str = ""
    carrier: str = ""
    carrier_dbm: float = -110.0
    rssi_zero_dbm: float | None = None

    def faults(self) -> list[tuple[str, str]]:
        """Return what a type cannot say."""
        found = module_faults(self)
        for key, text in (("rx_tone", self.rx_tone), ("tx_tone", self.tx_tone)):
            try:
                Tone.read(text)
            except ValueError as error:
                found.append((key, str(error)))
        found += range_faults(
            ("rx_mhz", self.rx_mhz, 100, 520),
            ("tx_mhz", self.tx_mhz, 100, 520),
            ("squelch", self.squelch, 0, 8),
            ("volume", self.volume, 1, 8),
            ("time_out_min", self.time_out_min, 0, 9),
        )
        if self.bandwidth_khz not in {12.5, 25.0}:
            found.append(("bandwidth_khz", f"is {self.bandwidth_khz}, must be 12.5 or 25"))
        return found

    def tuning(self) -> Tuning:
        """Return what the module is to be set to."""
        tx_mhz = self.rx_mhz if self.tx_mhz is None else self.tx_mhz
        return Tuning(
            rx_hz=round(self.rx_mhz * 1e6),
            tx_hz=round(tx_mhz * 1e6),
            is_wide=self.bandwidth_khz == 25.0,  # noqa: PLR2004 - kHz, one of two
            rx_tone=Tone.read(self.rx_tone),
            tx_tone=Tone.read(self.tx_tone),
            squelch=self.squelch,
            volume=self.volume,
            time_out_min=self.time_out_min,
        )


class Sa818Control(SerialModule):
    """One module of either dialect."""

    Options = Sa818Options

    def __init__(self, options: Sa818Options, *, connect: Connect = serial.serial_for_url) -> None:
        super().__init__(options, BAUD, connect=connect)
        self._options = options
        self._tuning = options.tuning()
        self._reader = ReplyReader()
        self._dialect: Dialect | None = None
        self._version: str | None = None
        self._unanswered = 0

    def identify(self) -> str | None:
        """Return the module's family and version."""
        if self._dialect is None:
            return None
        return f"{self._dialect.family}, {self._version or 'version unknown'}"

    def _begin(self) -> None:
        self._reader = ReplyReader()
        self._dialect = dialect = self._greet()
        self._set(dialect)
        reply = self._ask(dialect.version)
        self._version = reply.value if reply is not None and reply.name != "DMOERROR" else None
        self._unanswered = 0

    def _listen(self) -> Carrier | None:
        dialect = self._dialect
        assert dialect is not None
        rssi = self._ask(dialect.rssi)
        raw = int(rssi.value) if rssi is not None and rssi.value.isdecimal() else None
        dbm = None if raw is None else dialect.dbm(raw)
        if dbm is None and raw is not None and self._options.rssi_zero_dbm is not None:
            dbm = self._options.rssi_zero_dbm + raw
        question = dialect.listen(self._tuning)
        signal = self._ask(question) if question is not None else None
        if self._unanswered >= UNANSWERED_MOST:
            raise DeviceLost(f"the module on {self._name} answers no more")
        if question is not None:
            # NiceRF says 0 when there is a signal.
            return None if signal is None else Carrier(signal.is_ok, dbm)
        return None if dbm is None else Carrier(dbm >= self._options.carrier_dbm, dbm)

    def _greet(self) -> Dialect:
        for _ in range(GREETINGS):
            for dialect in DIALECTS:
                reply = self._ask(dialect.greeting)
                if reply is not None and reply.is_ok:
                    return dialect
        if self._reader.strange:
            raise DeviceMisused(
                f"what is on {self._name} is neither a SA818 nor a SunRise module: it says "
                f"{self._reader.strange[:60]!r}"
            )
        raise DeviceMissing(
            f"no module answers on {self._name}: check its power, that PD is high, and that RX and "
            "TX are crossed"
        )

    def _set(self, dialect: Dialect) -> None:
        try:
            commands = dialect.settings(self._tuning)
        except ValueError as error:
            raise DeviceMisused(f"{dialect.family} on {self._name}: {error}") from error
        for command in commands:
            self._closed.wait(dialect.pause_s)
            reply = self._ask(command) or self._ask(command)
            if reply is None:
                raise DeviceMissing(f"{self._name} stopped answering while it was set")
            if not reply.is_ok:
                sent = command.sent.decode("ascii", errors="backslashreplace").strip()
                raise DeviceMisused(f"{dialect.family} on {self._name} refuses {sent}")
        reply = self._ask(dialect.read_back) if dialect.read_back is not None else None
        if reply is not None and reply.name != "DMOERROR":
            difference = dialect.differs(reply, self._tuning)
            if difference is not None:
                raise DeviceMissing(f"{self._name} was not set as asked: {difference}")

    def _ask(self, command: Command) -> Reply | None:
        """Send a command; return its reply or DMOERROR, None when neither came in time."""
        while self._port.read(0.0):
            pass
        self._reader.forget()
        self._port.write(command.sent)
        deadline_s = time.monotonic() + REPLY_S
        while (left_s := deadline_s - time.monotonic()) > 0.0:
            for reply in self._reader.feed(self._port.read(left_s)):
                if reply.name in {command.reply, "DMOERROR"}:
                    self._unanswered = 0
                    return reply
        self._unanswered += 1
        return None
