"""One radio's ear: the thread that reads its source, cuts transmissions and keeps them as they are received.

What comes out is a row of events on the capture thread, in the order of time: Opened and Completed around
each transmission, Fault and Recovered around each failure, Ended at last. A device that goes away is opened
again for ever, a little later each time; only a source that has ended, or can never work, ends the thread.
A fault is told once and is over when audio has come for a second: a plug with a bad contact is one fault.
"""

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import structlog

from drivers.base import (
    AudioDamaged,
    AudioSource,
    Carrier,
    DeviceError,
    DeviceLost,
    DeviceMisused,
    EndOfAudio,
)
from gateway.clock import Clock
from gateway.hear.captured import (
    DEAFENING,
    LINE_TROUBLES,
    CaptureEvent,
    Completed,
    Ended,
    Fault,
    LineTrouble,
    Missed,
    Opened,
    Recovered,
    Spool,
    SpoolFile,
)
from gateway.hear.linewatch import LineLimits, LineWatch
from gateway.hear.ownkeyups import OwnKeyUps
from gateway.hear.segmenter import Squelch
from gateway.hear.session import Keeper, Session

__all__ = [
    "DEAFENING",
    "Capture",
    "CaptureEvent",
    "Completed",
    "Ended",
    "Fault",
    "Missed",
    "Opened",
    "Recovered",
    "Spool",
    "SpoolFile",
]

log = structlog.get_logger()

READ_TIMEOUT_S = 0.25
SILENT_DEVICE_S = 10.0
"""A live device that delivers nothing for this long is taken for lost."""
FIRST_BACK_OFF_S = 0.5
LONGEST_BACK_OFF_S = 3.0
"""A card that is back is heard again within 5 s, and said to be."""
STEADY_S = 1.0
"""A device that failed works again when it has delivered this much."""
_ROOM_POLL_S = 0.25


class Capture:
    """The capture thread of one radio.

    `on_event` is called on the capture thread and must not block for long. `new_id` is called on the capture
    thread only. `earlier_faults` are those that an earlier run told. `carrier`, where the radio has a
    control, is asked once for each frame. What comes while the gateway itself transmits, by `own_key_ups`, is
    not listened to. `wait_for_room` is asked only for sources that are not live: it waits up to the given
    seconds and returns whether another transmission may be taken in; a live source never waits.
    """

    def __init__(
        self,
        radio_id: str,
        source: AudioSource,
        spool: Spool,
        *,
        clock: Clock,
        new_id: Callable[[], str],
        on_event: Callable[[CaptureEvent], None],
        squelch: Squelch | None = None,
        carrier: Callable[[], Carrier | None] = lambda: None,
        own_key_ups: OwnKeyUps | None = None,
        line_limits: LineLimits | None = None,
        earlier_faults: Mapping[str, str] = MappingProxyType({}),
        heard_before_s: Sequence[float] = (),
        wait_for_room: Callable[[float], bool] = lambda _timeout_s: True,
    ) -> None:
        self.radio_id = radio_id
        self._source = source
        self._clock = clock
        self._on_event = on_event
        self._carrier = carrier
        self._wait_for_room = wait_for_room
        self._keeper = Keeper(radio_id, spool, new_id, self._pass_on)
        self._squelch = squelch or Squelch()
        self._own_key_ups = own_key_ups or OwnKeyUps()
        self._told: dict[LineTrouble, str] = {}
        self._line = LineWatch(line_limits, earlier_faults) if source.is_live else None
        for begun_s in heard_before_s:
            if self._line is not None:
                self._line.heard_before(begun_s)
        self._owes_recovery = "source" in earlier_faults
        self._owed: set[LineTrouble] = {what for what in LINE_TROUBLES if what in earlier_faults}
        self._stopping = threading.Event()
        self._back_off_s = FIRST_BACK_OFF_S
        self._is_faulty = False
        self._delivered_s = 0.0
        self._came_round_s = clock.monotonic_s()
        self._thread = threading.Thread(target=self._run, name=f"capture-{radio_id}", daemon=True)

    def start(self) -> None:
        """Begin to listen. Once only."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Stop listening: an open transmission is completed with end "stopped", then the thread ends.

        May be called twice and from any thread but the capture thread. Returns false when the thread did not
        end within `timeout_s`, which means a driver does not return from read.
        """
        self._stopping.set()
        self._source.close()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def is_running(self) -> bool:
        """Whether the capture thread runs."""
        return self._thread.is_alive()

    @property
    def stuck_for_s(self) -> float:
        """How long the thread has been inside one read or one open; 0 when it does not run. Any thread."""
        return self._clock.monotonic_s() - self._came_round_s if self.is_running else 0.0

    def _run(self) -> None:
        message: str | None = None
        is_damaged = False
        try:
            while not self._stopping.is_set():
                try:
                    self._listen()
                except EndOfAudio as end:
                    message = str(end) or None
                    is_damaged = isinstance(end, AudioDamaged)
                    if not is_damaged and self._delivered_s:
                        self._works(STEADY_S)
                    break
                except DeviceMisused as error:
                    self._report(str(error))
                    message, is_damaged = str(error), True
                    break
                except DeviceError as error:
                    self._wait_for_device(str(error))
                except Exception as error:
                    if not self._source.is_live:
                        raise
                    self._stumble(error)
        except Exception as error:  # noqa: BLE001 - a radio that falls silent without a word is the worst fault
            message = f"radio {self.radio_id} is not heard any more: {type(error).__name__}: {error}"
            self._on_event(Fault(self.radio_id, "capture", message))
        finally:
            with contextlib.suppress(Exception):
                self._source.close()
            self._on_event(Ended(self.radio_id, message, is_damaged))

    def _stumble(self, error: Exception) -> None:
        """A driver let out what is no DeviceError: tell where it came from, and try again as after any."""
        if not self._is_faulty:
            log.error("driver failed in a way it should not", radio=self.radio_id, exc_info=error)
        self._wait_for_device(f"the driver failed in a way it should not: {type(error).__name__}: {error}")

    def _listen(self) -> None:
        """Hear one opened source until it ends, is lost, or the capture is stopped."""
        self._source.open()
        self._delivered_s = 0.0
        session = Session(self._source, self._squelch, self._keeper, self._clock, self._own_key_ups)
        try:
            self._read_all(session)
        finally:
            self._source.close()
            session.finish()

    def _read_all(self, session: Session) -> None:
        heard_at_s = self._clock.monotonic_s()
        while not self._stopping.is_set():
            self._came_round_s = self._clock.monotonic_s()
            if not self._source.is_live and not self._wait_for_room(_ROOM_POLL_S):
                continue
            try:
                frame = self._source.read(READ_TIMEOUT_S)
            except DeviceLost:
                if self._stopping.is_set():
                    return
                raise
            if frame is not None:
                heard_at_s = self._clock.monotonic_s()
                session.hear(frame, self._carrier())
                self._tell_line(session)
                self._works(frame.duration_s)
            elif self._source.is_live and self._clock.monotonic_s() - heard_at_s > SILENT_DEVICE_S:
                raise DeviceLost(f"the device delivers no audio any more (for {SILENT_DEVICE_S:.0f} s)")

    def _report(self, message: str) -> None:
        if not self._is_faulty:
            self._is_faulty = True
            self._on_event(Fault(self.radio_id, "source", message))

    def _works(self, seconds: float) -> None:
        """Note that so much audio has come; after a while a failed device is said to work again."""
        self._delivered_s += seconds
        if self._delivered_s < STEADY_S:
            return
        self._back_off_s = FIRST_BACK_OFF_S
        if self._is_faulty or self._owes_recovery:
            self._is_faulty = self._owes_recovery = False
            self._on_event(Recovered(self.radio_id))

    def _pass_on(self, event: CaptureEvent) -> None:
        if isinstance(event, Completed) and self._line is not None:
            self._line.transmission(event.transmission.audio, self._clock.monotonic_s())
        self._on_event(event)

    def _tell_line(self, session: Session) -> None:
        """Tell what begins or ceases to be wrong with the squelch and the sound of the line."""
        troubles: dict[LineTrouble, str] = {}
        if self._line is not None:
            self._line.hear(session.heard, self._clock.monotonic_s(), is_idle=session.is_idle)
            troubles = {what: self._line.troubles[what] for what in self._line.troubles}
        if session.squelch_trouble is not None:
            troubles["squelch"] = session.squelch_trouble
        if troubles == self._told and not self._owed:
            return
        for over in (self._told.keys() | self._owed) - troubles.keys():
            self._on_event(Recovered(self.radio_id, over))
        for begun in troubles.keys() - self._told.keys():
            self._on_event(Fault(self.radio_id, begun, troubles[begun]))
        self._told, self._owed = troubles, set()

    def _wait_for_device(self, message: str) -> None:
        if self._stopping.is_set():
            return
        self._report(message)
        self._came_round_s = self._clock.monotonic_s()
        self._stopping.wait(self._back_off_s)
        self._back_off_s = min(2 * self._back_off_s, LONGEST_BACK_OFF_S)
