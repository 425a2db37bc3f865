"""One radio's control for two: who listens asks it for the carrier, who speaks keys it."""

import threading

from drivers.base import Carrier, RadioControl, Release


class SharedControl(RadioControl):
    """A control that stays open while one of its users needs it. Any thread may call what the driver allows.

    `open` opens it where nobody has; `close` closes it for all, because who closes has found it broken or is
    the last: whoever needs it next opens it again.
    """

    def __init__(self, control: RadioControl) -> None:
        self._control = control
        self._opening = threading.Lock()
        self._is_open = False

    def open(self) -> None:
        """Open the control unless it is open. Raises as the driver does."""
        with self._opening:
            if not self._is_open:
                self._control.open()
                self._is_open = True

    def close(self) -> None:
        """Release the key and close the control."""
        self._is_open = False
        self._control.close()

    def key(self) -> None:
        """Start transmitting. Raises DeviceLost."""
        self._control.key()

    def unkey(self) -> None:
        """Stop transmitting. Raises DeviceLost."""
        self._control.unkey()

    def carrier(self) -> Carrier | None:
        """Return what the receiver hears. Raises DeviceLost."""
        return self._control.carrier()

    def identify(self) -> str | None:
        """Return what the device says it is."""
        return self._control.identify()

    def caller_id(self) -> str | None:
        """Return who transmits or did last."""
        return self._control.caller_id()

    def release(self) -> Release | None:
        """Return how another process unkeys the radio."""
        return self._control.release()
