"""PTT and carrier on the pins of a USB sound chip: CM108 and its relatives, through hidraw.

    control = { kind = "cm108", device = "radio1", ptt = 3, carrier = "vol_down" }

`device` is a hidraw node, or the ALSA id of the sound card that the chip is part of. The chip's outputs are
set by a report of five bytes (with four the kernel answers EPIPE); its buttons, one of which is wired to
the radio's carrier, come as input reports when they change. A udev rule must let the gateway's user open
the node.
"""

import contextlib
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from drivers.base import (
    Carrier,
    DeviceError,
    DeviceLost,
    DeviceMissing,
    DeviceMisused,
    Found,
    RadioControl,
    Release,
)

BUTTONS = {"vol_up": 0x01, "vol_down": 0x02, "mute_play": 0x04, "mute_rec": 0x08}
_CHIPS = {
    "0D8C": {f"{product:04X}" for product in (*range(0x08, 0x10), 0x12, 0x13, 0x139, 0x13A, 0x13C)},
    "0C76": {"1605", "1607", "160B"},
    "1209": {"7388"},
}
_SYSFS = Path("/sys")
_MOST_PIN = 8
_WRONG_KIND = {errno.ENOTTY, errno.EINVAL, errno.EPIPE}


@dataclass(frozen=True, slots=True)
class Cm108Options:
    """`ptt` is the number of the GPIO pin, 1 to 8. `carrier` is the button wired to it, `!` inverts."""

    device: str
    ptt: int = 3
    ptt_inverted: bool = False
    carrier: Literal[
        "", "vol_up", "vol_down", "mute_play", "mute_rec", "!vol_up", "!vol_down", "!mute_play", "!mute_rec"
    ] = ""

    def faults(self) -> list[tuple[str, str]]:
        """Return what a type cannot say."""
        if 1 <= self.ptt <= _MOST_PIN:
            return []
        return [("ptt", f"is {self.ptt}, must be from 1 to {_MOST_PIN}")]


def open_node(path: str) -> int:
    """Open a hidraw node for reading and writing without waiting."""
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


class Cm108Control(RadioControl):
    """The pins of one chip. `key` and `unkey` from one thread, `carrier` from one thread."""

    Options = Cm108Options

    def __init__(self, options: Cm108Options, *, open_node: Callable[[str], int] = open_node) -> None:
        self._options = options
        self._open_node = open_node
        self._node: int | None = None
        self._buttons = 0

    def open(self) -> None:
        """Open the node with PTT released.

        Raises:
            DeviceMissing: the node or the card is not there, or may not be opened.
            DeviceMisused: the node is not that of such a chip.
        """
        self.close()
        path = self._path()
        try:
            self._node = self._open_node(path)
        except OSError as error:
            hint = "; a udev rule must allow it" if error.errno == errno.EACCES else ""
            raise DeviceMissing(f"{path} cannot be opened: {error.strerror}{hint}") from error
        self._buttons = 0
        try:
            self._set(is_keyed=False)
        except DeviceLost as error:
            self.close()
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno in _WRONG_KIND:
                raise DeviceMisused(
                    f"{path} is no CM108: it refuses its report ({cause.strerror})"
                ) from error
            raise

    def close(self) -> None:
        """Release the key and close the node."""
        if self._node is None:
            return
        with contextlib.suppress(DeviceError):
            self._set(is_keyed=False)
        node, self._node = self._node, None
        os.close(node)

    def key(self) -> None:
        """Start transmitting. Raises DeviceLost."""
        self._set(is_keyed=True)

    def unkey(self) -> None:
        """Stop transmitting. Raises DeviceLost."""
        self._set(is_keyed=False)

    def release(self) -> Release | None:
        """Return the report that releases the pin; the chip itself holds it when the process dies."""
        return Release(fd=self._opened(), data=self._report(is_keyed=False))

    def carrier(self) -> Carrier | None:
        """Return whether the button is pressed, None when none is configured. Raises DeviceLost."""
        node = self._opened()
        # Also without a button: reading is how an unplugged chip is noticed.
        with contextlib.suppress(BlockingIOError):
            while True:
                report = self._read(node)
                self._buttons = report[0]
        if not self._options.carrier:
            return None
        is_pressed = bool(self._buttons & BUTTONS[self._options.carrier.removeprefix("!")])
        return Carrier(is_pressed != self._options.carrier.startswith("!"))

    def _read(self, node: int) -> bytes:
        try:
            report = os.read(node, 16)
        except BlockingIOError:
            raise
        except OSError as error:
            raise DeviceLost(f"{self._options.device} is gone ({error.strerror})") from error
        if not report:
            raise DeviceLost(f"{self._options.device} is gone")
        return report

    def _set(self, *, is_keyed: bool) -> None:
        try:
            os.write(self._opened(), self._report(is_keyed=is_keyed))
        except OSError as error:
            raise DeviceLost(f"{self._options.device} is gone ({error.strerror})") from error

    def _report(self, *, is_keyed: bool) -> bytes:
        mask = 1 << (self._options.ptt - 1)
        level = mask if is_keyed != self._options.ptt_inverted else 0
        return bytes((0, 0, level, mask, 0))

    def _opened(self) -> int:
        if self._node is None:
            raise DeviceLost(f"{self._options.device} is not open")
        return self._node

    def _path(self) -> str:
        if self._options.device.startswith("/"):
            return self._options.device
        card = node_of_card(self._options.device)
        if card is None:
            names = ", ".join(found.name for found in available()) or "none"
            raise DeviceMissing(f"no sound card {self._options.device!r} has a CM108; the chips are: {names}")
        return card


def node_of_card(card_id: str, sysfs: Path = _SYSFS) -> str | None:
    """Return the hidraw node of the chip that a sound card is part of, None when there is none."""
    for card in sorted(sysfs.glob("class/sound/card*")):
        with contextlib.suppress(OSError):
            if (card / "id").read_text(encoding="ascii").strip() != card_id:
                continue
            # The card hangs on one interface of the USB device, the pins on another.
            usb_device = (card / "device").resolve().parent
            nodes = sorted(usb_device.glob("*/*/hidraw/hidraw*"))
            if nodes:
                return f"/dev/{nodes[0].name}"
    return None


def available(sysfs: Path = _SYSFS) -> list[Found]:
    """Return the chips that are plugged in."""
    found = []
    for node in sorted(sysfs.glob("class/hidraw/hidraw*")):
        with contextlib.suppress(OSError):
            lines = (node / "device" / "uevent").read_text(encoding="utf-8", errors="replace").splitlines()
            facts = dict(line.split("=", 1) for line in lines if "=" in line)
            _, vendor, product = (part[-4:].upper() for part in facts.get("HID_ID", "::").split(":"))
            if product in _CHIPS.get(vendor, ()):
                found.append(Found(f"/dev/{node.name}", facts.get("HID_NAME", "USB sound chip")))
    return found
