"""What a radio's control tells while it receives: the carrier, and who was calling."""

import contextlib
from collections.abc import Callable

from drivers.base import Carrier, DeviceError, RadioControl
from gateway.clock import Clock
from gateway.model import Signalling

RETRY_S = 2.0
"""A control that is back is used again within 5 s, its opening included."""


class CarrierLine:
    """Asks the control what the receiver hears; None while the control is away or cannot tell.

    The control is opened at the first question and again a while after each failure. `on_trouble` is told
    what is wrong, and None when it works again. Called on one capture thread; `close` from any.
    """

    def __init__(
        self,
        control: RadioControl,
        clock: Clock,
        on_trouble: Callable[[str | None], None],
        *,
        was_in_trouble: bool = False,
    ) -> None:
        """Wire it up. `was_in_trouble`: an earlier run told a failure, so that its end has to be told."""
        self._control = control
        self._clock = clock
        self._on_trouble = on_trouble
        self._is_open = False
        self._closed = False
        self._retry_at_s = 0.0
        self._in_trouble = False
        self.is_up = False
        """Whether the receiver said so when it was last asked."""
        self._owes_return = was_in_trouble

    def __call__(self) -> Carrier | None:
        """Return what the receiver says of its channel now."""
        if self._closed or (not self._is_open and self._clock.monotonic_s() < self._retry_at_s):
            return None
        try:
            if not self._is_open:
                self._control.open()
                self._is_open = True
            carrier = self._control.carrier()
        except Exception as error:  # noqa: BLE001 - a driver that leaks an error must not end the listening
            self._fail(_worded(error))
            return None
        if self._in_trouble or self._owes_return:
            self._in_trouble = self._owes_return = False
            self._on_trouble(None)
        self.is_up = carrier is not None and carrier.is_open
        return carrier

    def caller_id(self) -> Signalling | None:
        """Return the id that the radio received with the transmission just over, None when it has none."""
        if not self._is_open or self._closed:
            return None
        try:
            told = self._control.caller_id()
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(_worded(error))
            return None
        if told is None:
            return None
        system, _, caller = told.partition(":")
        return Signalling(system, caller, 0.0)

    def close(self) -> None:
        """Let go of the control. May be called twice."""
        self._closed = True
        self._control.close()

    def _fail(self, message: str) -> None:
        with contextlib.suppress(Exception):
            self._control.close()
        self._is_open = self.is_up = False
        self._retry_at_s = self._clock.monotonic_s() + RETRY_S
        if not self._in_trouble:
            self._in_trouble = True
            self._on_trouble(message)


def _worded(error: Exception) -> str:
    if isinstance(error, DeviceError):
        return str(error)
    return f"the control's driver failed in a way it should not: {type(error).__name__}: {error}"
