"""A radio's carrier line, asked by its capture thread for every frame."""

from collections.abc import Callable

from drivers.base import DeviceError, RadioControl
from gateway.clock import Clock

RETRY_S = 5.0


class CarrierLine:
    """Asks the control whether a carrier is up; None while the control is away or cannot tell.

    The control is opened at the first question and again a while after each failure. `on_trouble` is told
    what is wrong, and None when it works again. Called on one capture thread; `close` from any.
    """

    def __init__(self, control: RadioControl, clock: Clock, on_trouble: Callable[[str | None], None]) -> None:
        self._control = control
        self._clock = clock
        self._on_trouble = on_trouble
        self._is_open = False
        self._closed = False
        self._retry_at_s = 0.0
        self._in_trouble = False

    def __call__(self) -> bool | None:
        """Return whether a carrier is up now."""
        if self._closed or (not self._is_open and self._clock.monotonic_s() < self._retry_at_s):
            return None
        try:
            if not self._is_open:
                self._control.open()
                self._is_open = True
            carrier = self._control.carrier()
        except DeviceError as error:
            self._fail(str(error))
            return None
        if self._in_trouble:
            self._in_trouble = False
            self._on_trouble(None)
        return None if carrier is None else carrier.is_open

    def close(self) -> None:
        """Let go of the control. May be called twice."""
        self._closed = True
        self._control.close()

    def _fail(self, message: str) -> None:
        self._control.close()
        self._is_open = False
        self._retry_at_s = self._clock.monotonic_s() + RETRY_S
        if not self._in_trouble:
            self._in_trouble = True
            self._on_trouble(message)
