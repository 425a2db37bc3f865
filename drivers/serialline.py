"""Push-to-talk and carrier on the modem lines of a serial port.

    control = { kind = "serialline", port = "/dev/serial/by-id/usb-…", ptt = "rts & !dtr", carrier = "!cts" }

`ptt` names one output line or both: "rts", "dtr", "!rts", "rts & dtr", "rts & !dtr"; both change together.
A single inverted line ("!rts") keys the radio whenever the port is closed, unplugged or the computer off: use
it only where the hardware cannot be turned round. See drivers/serialport.py for the pairs that are safe while
the port is being opened.
"""

from dataclasses import dataclass

import serial

from drivers.base import Carrier, DeviceError, DeviceMisused, RadioControl, Release
from drivers.serialport import (
    INPUT_LINES,
    OUTPUT_LINES,
    Connect,
    Line,
    SerialPort,
    line_faults,
    parse_lines,
    rest_levels,
)


@dataclass(frozen=True, slots=True)
class SerialLineOptions:
    """`port` is a device or a pyserial URL (rfc2217://, socket://, loop://, hwgrep://…).

    `ptt` is one output line or a pair (rts, dtr, `!` inverts, `&` joins), `carrier` one of cts, dcd, dsr, ri.
    `hold` names output lines kept at one level while the port is open, for an interface that draws its power
    from one.
    """

    port: str
    ptt: str = ""
    carrier: str = ""
    hold: str = ""

    def faults(self) -> list[tuple[str, str]]:
        """Return what a type cannot say."""
        found = line_faults("ptt", self.ptt, OUTPUT_LINES, 2)
        found += line_faults("carrier", self.carrier, INPUT_LINES, 1)
        found += line_faults("hold", self.hold, OUTPUT_LINES, 2)
        if not found:
            keyed = {line.name for line in parse_lines(self.ptt, OUTPUT_LINES)}
            both = keyed & {line.name for line in parse_lines(self.hold, OUTPUT_LINES)}
            found += [("hold", f"names {line}, which ptt uses") for line in sorted(both)]
        if not self.ptt.strip() and not self.carrier.strip():
            found.append(("ptt", "is missing, and so is carrier: one of them makes a control"))
        return found


class SerialLineControl(RadioControl):
    """A radio on the modem lines of a port. `key` and `unkey` from one thread, `carrier` from any."""

    Options = SerialLineOptions

    def __init__(self, options: SerialLineOptions, *, connect: Connect = serial.serial_for_url) -> None:
        self._options = options
        self._ptt = parse_lines(options.ptt, OUTPUT_LINES)
        self._hold = parse_lines(options.hold, OUTPUT_LINES)
        self._carrier = parse_lines(options.carrier, INPUT_LINES)
        self._port = SerialPort(options.port, connect=connect)

    def open(self) -> None:
        """Open the port with every PTT line at rest.

        Raises:
            DeviceMissing: the port is not there or not free.
            DeviceMisused: what `port` names is no port.
        """
        self._port.open(rest_levels(self._ptt, self._hold))

    def close(self) -> None:
        """Release the key and close the port."""
        if self._port.is_open:
            release(self._port, self._ptt)
        self._port.close()

    def key(self) -> None:
        """Start transmitting. Raises DeviceLost; DeviceMisused without a PTT line."""
        if not self._ptt:
            raise DeviceMisused(f"{self._options.port} has no ptt in its configuration")
        set_ptt(self._port, self._ptt, is_keyed=True)

    def unkey(self) -> None:
        """Stop transmitting. Raises DeviceLost."""
        set_ptt(self._port, self._ptt, is_keyed=False)

    def release(self) -> Release | None:
        """Return how another process puts the PTT lines at rest."""
        return self._port.release(self._ptt)

    def carrier(self) -> Carrier | None:
        """Return what the carrier line says, None when none is configured. Raises DeviceLost."""
        for line in self._carrier:
            return Carrier(self._port.line(line.name) != line.is_inverted)
        return None


def set_ptt(port: SerialPort, ptt: tuple[Line, ...], *, is_keyed: bool) -> None:
    """Set every PTT line. Raises what the first line that failed raised, after trying them all."""
    failed: DeviceError | None = None
    for line in ptt:
        try:
            port.set_line(line.name, is_high=line.level(is_active=is_keyed))
        except DeviceError as error:
            failed = failed or error
    if failed is not None:
        raise failed


def release(port: SerialPort, ptt: tuple[Line, ...]) -> None:
    """Unkey a port that is about to be closed; a port that is gone keys nothing any more."""
    try:
        set_ptt(port, ptt, is_keyed=False)
    except DeviceError:
        return
