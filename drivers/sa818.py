"""Radio modules that are set by AT commands over a serial port.

    control = { kind = "sa818", port = "/dev/ttyUSB0", rx_mhz = 409.75, ptt = "rts", carrier = "!cts" }

Which of the two dialects (see drivers/atdialects.py) a module speaks is found by greeting it; what answers
neither greeting is refused. Settings are written each time the port is opened and read back where the module
can. The module's PTT pin hangs on a modem line of the same port or of `ptt_port`; its audio-on pin may hang
on an input line, which is faster than asking the module. A thread asks it for the signal strength all the
while.
"""

import threading
import time
from dataclasses import dataclass

import serial

from drivers.atdialects import DIALECTS, Command, Dialect, Tone, Tuning
from drivers.atreply import Reply, ReplyReader
from drivers.base import Carrier, DeviceError, DeviceLost, DeviceMissing, DeviceMisused, RadioControl
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

BAUD = 9600
GREETINGS = 3
REPLY_S = 0.6
"""How long a module may take to answer."""
ASK_S = 0.1
"""How long to wait between questions about carrier and signal strength."""
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
        found = line_faults("ptt", self.ptt, OUTPUT_LINES, 2)
        found += line_faults("carrier", self.carrier, INPUT_LINES, 1)
        for key, text in (("rx_tone", self.rx_tone), ("tx_tone", self.tx_tone)):
            try:
                Tone.read(text)
            except ValueError as error:
                found.append((key, str(error)))
        limits = (
            ("rx_mhz", self.rx_mhz, 100.0, 520.0),
            ("tx_mhz", self.tx_mhz if self.tx_mhz is not None else self.rx_mhz, 100.0, 520.0),
            ("squelch", self.squelch, 0, 8),
            ("volume", self.volume, 1, 8),
            ("time_out_min", self.time_out_min, 0, 9),
        )
        for key, value, least, most in limits:
            if not least <= value <= most:
                found.append((key, f"is {value}, must be from {least} to {most}"))
        if self.bandwidth_khz not in {12.5, 25.0}:
            found.append(("bandwidth_khz", f"is {self.bandwidth_khz}, must be 12.5 or 25"))
        if self.ptt_port and not self.ptt.strip():
            found.append(("ptt_port", "makes no sense without ptt"))
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


class Sa818Control(RadioControl):
    """One module. `key` and `unkey` never wait for a conversation with it."""

    Options = Sa818Options

    def __init__(self, options: Sa818Options, *, connect: Connect = serial.serial_for_url) -> None:
        self._options = options
        self._tuning = options.tuning()
        self._ptt = parse_lines(options.ptt, OUTPUT_LINES)
        self._carrier_line = parse_lines(options.carrier, INPUT_LINES)
        self._port = SerialPort(options.port, BAUD, connect=connect)
        self._ptt_port = SerialPort(options.ptt_port, connect=connect) if options.ptt_port else self._port
        self._reader = ReplyReader()
        self._dialect: Dialect | None = None
        self._version: str | None = None
        self._is_keyed = False
        self._unanswered = 0
        self._heard: Carrier | None = None
        self._lost: DeviceError | None = None
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Find out what the module is and set it, with PTT at rest.

        Raises:
            DeviceMissing: the port is not there, or nothing on it answers.
            DeviceMisused: what answers is neither kind of module, or refuses a setting.
        """
        self.close()
        self._dialect = self._heard = self._lost = None
        self._unanswered = 0
        self._closed = threading.Event()
        self._port.open(rest_levels(self._ptt if self._ptt_port is self._port else ()))
        try:
            if self._ptt_port is not self._port:
                self._ptt_port.open(rest_levels(self._ptt))
            dialect = self._greet()
            self._set(dialect)
            reply = self._ask(dialect.version)
        except DeviceError:
            self.close()
            raise
        self._version = reply.value if reply is not None and reply.name != "DMOERROR" else None
        self._dialect = dialect
        self._thread = threading.Thread(
            target=self._keep_asking,
            args=(dialect, self._closed),
            name=f"sa818-{self._options.port}",
            daemon=True,
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
            thread.join(2.0 * REPLY_S)

    def key(self) -> None:
        """Start transmitting. Raises DeviceLost; DeviceMisused without a PTT line."""
        if not self._ptt:
            raise DeviceMisused(f"{self._options.port} has no ptt in its configuration")
        self._is_keyed = True
        set_ptt(self._ptt_port, self._ptt, is_keyed=True)

    def unkey(self) -> None:
        """Stop transmitting. Raises DeviceLost."""
        self._is_keyed = False
        set_ptt(self._ptt_port, self._ptt, is_keyed=False)

    def identify(self) -> str | None:
        """Return the module's family and version."""
        if self._dialect is None:
            return None
        return f"{self._dialect.family}, {self._version or 'version unknown'}"

    def carrier(self) -> Carrier | None:
        """Return what the module hears, closed while transmitting. Never waits for the module.

        None when the module has not answered yet. Raises DeviceLost, also when it answers no more.
        """
        if not self._port.is_open:
            raise DeviceLost(f"{self._options.port} is not open")
        if self._lost is not None:
            raise self._lost
        heard = self._heard
        if self._carrier_line:
            line = self._carrier_line[0]
            is_open = self._port.line(line.name) != line.is_inverted
            return Carrier(is_open, heard.rssi_dbm if heard is not None else None)
        return Carrier(is_open=False) if self._is_keyed else heard

    def _keep_asking(self, dialect: Dialect, closed: threading.Event) -> None:
        while not closed.wait(ASK_S):
            # A module takes no commands while it transmits.
            if self._is_keyed:
                continue
            try:
                self._heard = self._listen(dialect)
            except DeviceError as error:
                self._lost = error
                return
            if self._unanswered >= UNANSWERED_MOST:
                self._lost = DeviceLost(f"the module on {self._options.port} answers no more")
                return

    def _listen(self, dialect: Dialect) -> Carrier | None:
        rssi = self._ask(dialect.rssi)
        raw = int(rssi.value) if rssi is not None and rssi.value.isdecimal() else None
        dbm = None if raw is None else dialect.dbm(raw)
        if dbm is None and raw is not None and self._options.rssi_zero_dbm is not None:
            dbm = self._options.rssi_zero_dbm + raw
        question = dialect.listen(self._tuning)
        if question is not None:
            signal = self._ask(question)
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
                f"what is on {self._options.port} is neither a SA818 nor a SunRise module: it says "
                f"{self._reader.strange[:60]!r}"
            )
        raise DeviceMissing(
            f"no module answers on {self._options.port}: check its power, that PD is high, and that RX and "
            "TX are crossed"
        )

    def _set(self, dialect: Dialect) -> None:
        try:
            commands = dialect.settings(self._tuning)
        except ValueError as error:
            raise DeviceMisused(f"{dialect.family} on {self._options.port}: {error}") from error
        for command in commands:
            self._closed.wait(dialect.pause_s)
            reply = self._ask(command) or self._ask(command)
            if reply is None:
                raise DeviceMissing(f"{self._options.port} stopped answering while it was set")
            if not reply.is_ok:
                sent = command.sent.decode("ascii", errors="backslashreplace").strip()
                raise DeviceMisused(f"{dialect.family} on {self._options.port} refuses {sent}")
        reply = self._ask(dialect.read_back) if dialect.read_back is not None else None
        if reply is not None and reply.name != "DMOERROR":
            difference = dialect.differs(reply, self._tuning)
            if difference is not None:
                raise DeviceMissing(f"{self._options.port} was not set as asked: {difference}")

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
