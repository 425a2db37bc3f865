"""PTT and carrier on the pins of a single-board computer, through libgpiod's Python binding (version 2).

    control = { kind = "gpio", chip = "/dev/gpiochip0", ptt = "17", carrier = "!27" }

A line is a number or the name the kernel shows; `!` means active low. The kernel leaves a pin as it is when
the process dies; the watchdog (gateway/speak/watchdog.py), then the unit's ExecStopPost, release it.
"""

import contextlib
import errno
import importlib
import struct
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from drivers.base import Carrier, DeviceLost, DeviceMissing, DeviceMisused, Found, RadioControl, Release

_CONSUMER = "radio-gateway"
_SET_VALUES = 0xC010B40F
"""GPIO_V2_LINE_SET_VALUES_IOCTL of linux/gpio.h: bits and mask of a request's lines, logical values."""


@dataclass(frozen=True, slots=True)
class GpioOptions:
    """At least one of `ptt` and `carrier`."""

    chip: str = "/dev/gpiochip0"
    ptt: str = ""
    carrier: str = ""

    def faults(self) -> list[tuple[str, str]]:
        """Return what a type cannot say."""
        found = [
            (key, f"is {text!r}, must be a line's number or name, with ! in front when it is active low")
            for key, text in (("ptt", self.ptt), ("carrier", self.carrier))
            if text and not text.removeprefix("!").strip()
        ]
        if not self.ptt and not self.carrier:
            found.append(("ptt", "is missing, and so is carrier: one of them makes a control"))
        if self.ptt and self.ptt.removeprefix("!").strip() == self.carrier.removeprefix("!").strip():
            found.append(("carrier", f"is {self.carrier!r}, the line that ptt uses"))
        return found


class GpioControl(RadioControl):
    """One or two lines of a chip. Any thread may call."""

    Options = GpioOptions

    def __init__(self, options: GpioOptions) -> None:
        self._options = options
        self._gpiod: ModuleType | None = None
        self._request: Any = None

    def open(self) -> None:
        """Take the lines, PTT driven inactive from the first moment.

        Raises:
            DeviceMissing: no such chip or line, or another program has it.
            DeviceMisused: libgpiod's binding is not installed.
        """
        self.close()
        self._gpiod = gpiod = _import_gpiod()
        options = self._options
        config: dict[Any, Any] = {}
        if options.ptt:
            config[_line(options.ptt)] = gpiod.LineSettings(
                direction=gpiod.line.Direction.OUTPUT,
                output_value=gpiod.line.Value.INACTIVE,
                active_low=options.ptt.startswith("!"),
            )
        if options.carrier:
            config[_line(options.carrier)] = gpiod.LineSettings(
                direction=gpiod.line.Direction.INPUT, active_low=options.carrier.startswith("!")
            )
        try:
            self._request = gpiod.request_lines(options.chip, consumer=_CONSUMER, config=config)
        except (OSError, ValueError) as error:
            raise DeviceMissing(f"{options.chip}: {_reason(error)}") from error

    def close(self) -> None:
        """Release the key and the lines."""
        request = self._request
        if request is None:
            return
        with contextlib.suppress(DeviceLost):
            self.unkey()
        self._request = None
        with contextlib.suppress(OSError):
            request.release()

    def key(self) -> None:
        """Start transmitting. Raises DeviceLost; DeviceMisused without a PTT line."""
        if not self._options.ptt:
            raise DeviceMisused(f"{self._options.chip} has no ptt in its configuration")
        self._set(is_active=True)

    def unkey(self) -> None:
        """Stop transmitting. Raises DeviceLost."""
        self._set(is_active=False)

    def release(self) -> Release | None:
        """Return the request's descriptor and the kernel's call that makes the PTT line inactive."""
        request, _ = self._opened()
        if not self._options.ptt:
            return None
        mask = 1 << list(request.lines).index(_line(self._options.ptt))
        return Release(fd=request.fd, ioctls=((_SET_VALUES, struct.pack("=QQ", 0, mask)),))

    def carrier(self) -> Carrier | None:
        """Return what the carrier line says, None when none is configured. Raises DeviceLost."""
        request, gpiod = self._opened()
        if not self._options.carrier:
            return None
        try:
            value = request.get_value(_line(self._options.carrier))
        except OSError as error:
            raise DeviceLost(f"{self._options.chip} is gone ({_reason(error)})") from error
        return Carrier(value == gpiod.line.Value.ACTIVE)

    def _set(self, *, is_active: bool) -> None:
        request, gpiod = self._opened()
        if not self._options.ptt:
            return
        value = gpiod.line.Value.ACTIVE if is_active else gpiod.line.Value.INACTIVE
        try:
            request.set_value(_line(self._options.ptt), value)
        except OSError as error:
            raise DeviceLost(f"{self._options.chip} is gone ({_reason(error)})") from error

    def _opened(self) -> tuple[Any, Any]:
        if self._request is None:
            raise DeviceLost(f"{self._options.chip} is not open")
        return self._request, self._gpiod


def available() -> list[Found]:
    """Return the GPIO chips there are."""
    return [
        Found(str(chip), _label(chip))
        for chip in sorted(Path("/dev").glob("gpiochip*"), key=lambda p: p.name)
    ]


def _label(chip: Path) -> str:
    with contextlib.suppress(OSError, DeviceMisused), _import_gpiod().Chip(str(chip)) as opened:
        info = opened.get_info()
        return f"{info.label}, {info.num_lines} lines"
    return "GPIO chip"


def _line(text: str) -> int | str:
    name = text.removeprefix("!").strip()
    return int(name) if name.isdecimal() else name


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EBUSY:
        return "another program has one of the lines"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)


def _import_gpiod() -> Any:
    try:
        gpiod = importlib.import_module("gpiod")
        importlib.import_module("gpiod.line")
    except ImportError as error:
        raise DeviceMisused(
            "GPIO lines need libgpiod's Python binding, which is not installed: "
            "pip install 'radio-gateway[gpio]'"
        ) from error
    return gpiod
