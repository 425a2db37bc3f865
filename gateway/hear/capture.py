"""One radio's ear: the thread that reads its source, cuts transmissions and keeps them as they are received.

What comes out is a row of events on the capture thread, in the order of time: Opened and Completed around
each transmission, Fault and Recovered around each failure, Ended at last. A device that goes away is opened
again for ever, a little later each time; only a source that has ended, or can never work, ends the thread.
A fault is told once and is over when audio has come for a second: a plug with a bad contact is one fault.
"""

import contextlib
import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal, Protocol, get_args

import numpy as np
import structlog

from drivers.base import (
    AudioDamaged,
    AudioFrame,
    AudioSource,
    Carrier,
    DeviceError,
    DeviceLost,
    DeviceMisused,
    EndOfAudio,
)
from gateway.clock import Clock
from gateway.errors import GatewayError
from gateway.hear.airtime import AirTime
from gateway.hear.audio import Converter
from gateway.hear.edges import fall, rise
from gateway.hear.linewatch import LineLimits, LineWatch
from gateway.hear.ownkeyups import OwnKeyUps
from gateway.hear.segmenter import Audio, Closed, Segmenter, Squelch, SquelchEvent
from gateway.hear.segmenter import Opened as SquelchOpened
from gateway.model import RATE_HZ, End, Pcm, Transmission

log = structlog.get_logger()

READ_TIMEOUT_S = 0.25
SILENT_DEVICE_S = 10.0
"""A live device that delivers nothing for this long is taken for lost."""
FIRST_BACK_OFF_S = 0.5
LONGEST_BACK_OFF_S = 3.0
"""A card that is back is heard again within 5 s, and said to be."""
STEADY_S = 1.0
"""A device that failed works again when it has delivered this much."""
LOSSES_KEPT_S = 30.0
"""What was lost longer ago than this is in no transmission that has not begun yet."""
_ROOM_POLL_S = 0.25


class SpoolFile(Protocol):
    """One transmission on its way to disk. Used by the capture thread only."""

    def append(self, pcm: Pcm) -> None:
        """Keep more samples."""

    def finish(self, end: End, dropped_frames: int = 0) -> object:
        """Complete the file; what it returns travels in Completed.kept."""

    def discard(self) -> None:
        """Forget the file."""


class Spool(Protocol):
    """Where transmissions are kept. Each method raises GatewayError when the disk refuses."""

    def begin(self, transmission_id: str, radio_id: str, started_at: datetime) -> SpoolFile:
        """Start keeping a transmission."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A transmission has begun; it is being received now."""

    radio_id: str
    transmission_id: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Completed:
    """A transmission is over. `kept` is what the spool returned for it, None when it could not be kept."""

    transmission: Transmission
    kept: object | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something failed: `what` says which part, `message` what a person should know."""

    radio_id: str
    what: Literal[
        "source", "control", "spool", "store", "capture", "squelch", "hum", "clipping", "level", "silence"
    ]
    message: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """What had failed works again."""

    radio_id: str
    what: Literal["source", "control", "store", "squelch", "hum", "clipping", "level", "silence"] = "source"


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing more will come from this radio; `is_damaged` when that is a fault, which `message` tells."""

    radio_id: str
    message: str | None = None
    is_damaged: bool = False


@dataclass(frozen=True, slots=True)
class Missed:
    """Audio was lost between transmissions: `frames` of the device did not come through."""

    radio_id: str
    frames: int


DEAFENING = frozenset({"source", "control", "store", "capture", "squelch"})
"""What must not fail for calls to be heard."""
LineTrouble = Literal["squelch", "hum", "clipping", "level", "silence"]

LINE_TROUBLES: tuple[LineTrouble, ...] = get_args(LineTrouble)

CaptureEvent = Opened | Completed | Fault | Recovered | Ended | Missed


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
        self._keeper = _Keeper(radio_id, spool, new_id, self._pass_on)
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
        session = _Session(self._source, self._squelch, self._keeper, self._clock, self._own_key_ups)
        try:
            self._read_all(session)
        finally:
            self._source.close()
            session.finish()

    def _read_all(self, session: "_Session") -> None:
        heard_at_s = self._clock.monotonic_s()
        while not self._stopping.is_set():
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

    def _tell_line(self, session: "_Session") -> None:
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
        self._stopping.wait(self._back_off_s)
        self._back_off_s = min(2 * self._back_off_s, LONGEST_BACK_OFF_S)


class _Session:
    """What is known while a source stays open: positions start from 0 with it."""

    def __init__(
        self,
        source: AudioSource,
        squelch: Squelch,
        keeper: "_Keeper",
        clock: Clock,
        own_key_ups: OwnKeyUps,
    ) -> None:
        self._converter = Converter(source.format)
        self._segmenter = Segmenter(squelch)
        self._squelch = squelch
        self._keeper = keeper
        self._is_live = source.is_live
        self._air_time = AirTime(clock, is_live=source.is_live)
        self._own_key_ups = own_key_ups
        self._next_sequence = 0
        self._converted = 0
        self._losses: deque[tuple[int, int]] = deque()
        self.heard: Pcm = np.empty(0, np.int16)
        """The samples of the last frame."""

    @property
    def is_idle(self) -> bool:
        """Whether nobody transmits, neither others nor the gateway."""
        return not self._segmenter.is_open and not self._own_key_ups.is_keyed

    @property
    def squelch_trouble(self) -> str | None:
        """What is wrong with the squelch, in words; None when nothing is."""
        if self._segmenter.is_stuck:
            return (
                f"the squelch was open for {self._squelch.timeout_s:.0f} s without a break and is shut until "
                "what holds it open is gone"
            )
        if self._segmenter.is_flapping:
            return "the squelch opens and closes all the time; only what lasts longer is believed"
        return None

    def hear(self, frame: AudioFrame, told: Carrier | None) -> None:
        """Take one frame, and what the receiver says of the channel."""
        lost = max(0, frame.sequence - self._next_sequence) or int(frame.overflow)
        self._next_sequence = frame.sequence + 1
        if lost:
            self._lose(lost)
        begun_s = self._converted / frame.format.rate_hz
        self._converted += len(frame.pcm) // frame.format.frame_bytes
        ended_s = self._converted / frame.format.rate_hz
        self._air_time.note(ended_s, frame.captured_ns)
        self._pass_over_own(frame, begun_s, ended_s)
        is_open, rssi_dbm = (None, None) if told is None else (told.is_open, told.rssi_dbm)
        self.heard = self._converter.feed(frame.pcm)
        self._take(self._segmenter.feed(self.heard, is_open, rssi_dbm))

    def _pass_over_own(self, frame: AudioFrame, begun_s: float, ended_s: float) -> None:
        """Deafen the squelch to what of this frame was captured while the gateway transmitted."""
        deaf_s = self._squelch.deaf_s
        if not self._is_live:
            if self._own_key_ups.is_keyed:
                self._deafen(begun_s, ended_s + deaf_s)
            return
        heard_from_s = frame.captured_ns / 1e9 - frame.duration_s
        for keyed_s, released_s in self._own_key_ups.since(heard_from_s - deaf_s):
            start_s = self._air_time.position_s(keyed_s)
            end_s = self._air_time.position_s(released_s + deaf_s)
            if start_s is not None and end_s is not None and start_s < ended_s:
                self._deafen(start_s, min(end_s, ended_s))

    def _deafen(self, start_s: float, end_s: float) -> None:
        self._segmenter.deafen(max(0, math.floor(start_s * RATE_HZ)), math.ceil(end_s * RATE_HZ))

    def _lose(self, lost: int) -> None:
        position, losses = self._segmenter.position, self._losses
        losses.append((position, lost))
        self._air_time.forget()
        if not self._segmenter.is_open:
            self._keeper.missed(lost)
            while losses[0][0] < position - LOSSES_KEPT_S * RATE_HZ:
                losses.popleft()

    def finish(self) -> None:
        """Complete what is open; the source delivers no more."""
        self._take(self._segmenter.feed(self._converter.flush()))
        self._take(self._segmenter.flush())

    def _take(self, events: list[SquelchEvent]) -> None:
        for event in events:
            if isinstance(event, SquelchOpened):
                start_s = event.start / RATE_HZ
                self._keeper.begin(event, self._air_time.at(start_s), self._air_time.mono_s(start_s))
            elif isinstance(event, Audio):
                self._keeper.append(event.pcm)
            elif isinstance(event, Closed):
                self._keeper.complete(event, self._lost_until(event.end))

    def _lost_until(self, end: int) -> int:
        """Return how many frames were lost inside the transmission that ends now, and forget those before."""
        start = self._keeper.start
        inside = sum(lost for position, lost in self._losses if start <= position <= end)
        self._losses = deque((position, lost) for position, lost in self._losses if position > end)
        return inside


class _Keeper:
    """Keeps the open transmission in memory and in the spool. A refusing disk costs the copy only."""

    def __init__(
        self,
        radio_id: str,
        spool: Spool,
        new_id: Callable[[], str],
        on_event: Callable[[CaptureEvent], None],
    ) -> None:
        self.start = 0
        self._onset = 0
        self._radio_id = radio_id
        self._spool = spool
        self._new_id = new_id
        self._on_event = on_event
        self._id = ""
        self._started_at = datetime.min.replace(tzinfo=UTC)
        self._started_mono_s: float | None = None
        self._pieces: list[Pcm] = []
        self._file: SpoolFile | None = None

    def begin(self, opened: SquelchOpened, started_at: datetime, started_mono_s: float | None) -> None:
        self.start = opened.start
        self._onset = opened.onset
        self._started_mono_s = started_mono_s
        self._id, self._started_at, self._pieces = self._new_id(), started_at, []
        self._file = None
        with self._disk_may_refuse():
            self._file = self._spool.begin(self._id, self._radio_id, started_at)
        self._on_event(Opened(self._radio_id, self._id, started_at))

    def missed(self, frames: int) -> None:
        self._on_event(Missed(self._radio_id, frames))

    def append(self, pcm: Pcm) -> None:
        self._pieces.append(pcm)
        if self._file is not None:
            with self._disk_may_refuse():
                self._file.append(pcm)

    def complete(self, closed: Closed, dropped_frames: int) -> None:
        kept: object | None = None
        if self._file is not None:
            with self._disk_may_refuse():
                kept = self._file.finish(closed.reason, dropped_frames)
        audio = np.concatenate([np.empty(0, dtype=np.int16), *self._pieces])
        transmission = Transmission(
            id=self._id,
            radio_id=self._radio_id,
            started_at=self._started_at,
            duration_s=len(audio) / RATE_HZ,
            audio=audio,
            end=closed.reason,
            dropped_frames=dropped_frames,
            signal_s=self._edges(audio, closed),
            started_mono_s=self._started_mono_s,
        )
        self._pieces, self._file = [], None
        self._on_event(Completed(transmission, kept))

    def _edges(self, audio: Pcm, closed: Closed) -> tuple[float, float]:
        """Where in it the signal rose and fell, in seconds; a cut is no edge."""
        opened = max(self._onset, self.start) - self.start
        fell = min(closed.signal_end, closed.end) - self.start
        if closed.reason in {End.CARRIER, End.SILENCE}:
            fell = fall(audio, fell)
        return rise(audio, opened) / RATE_HZ, fell / RATE_HZ

    @contextlib.contextmanager
    def _disk_may_refuse(self) -> Iterator[None]:
        try:
            yield
        except (GatewayError, OSError) as error:
            self._file = None
            self._on_event(Fault(self._radio_id, "spool", str(error)))
