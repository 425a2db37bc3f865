"""What is heard while a source stays open, from frames to complete transmissions. Capture thread only."""

import contextlib
import math
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import numpy as np

from drivers.base import AudioFrame, AudioSource, Carrier
from gateway.clock import Clock
from gateway.errors import GatewayError
from gateway.hear.airtime import AirTime
from gateway.hear.audio import Converter
from gateway.hear.captured import CaptureEvent, Completed, Fault, Missed, Opened, Spool, SpoolFile
from gateway.hear.edges import fall, rise
from gateway.hear.ownkeyups import OwnKeyUps
from gateway.hear.segmenter import Audio, Closed, Segmenter, Squelch, SquelchEvent
from gateway.hear.segmenter import Opened as SquelchOpened
from gateway.model import RATE_HZ, End, Pcm, Transmission

LOSSES_KEPT_S = 30.0
"""What was lost longer ago than this is in no transmission that has not begun yet."""


class Keeper:
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
        """Begin to keep a transmission."""
        self.start = opened.start
        self._onset = opened.onset
        self._started_mono_s = started_mono_s
        self._id, self._started_at, self._pieces = self._new_id(), started_at, []
        self._file = None
        with self._disk_may_refuse():
            self._file = self._spool.begin(self._id, self._radio_id, started_at)
        self._on_event(Opened(self._radio_id, self._id, started_at))

    def missed(self, frames: int) -> None:
        """Tell that frames were lost while nobody transmitted."""
        self._on_event(Missed(self._radio_id, frames))

    def append(self, pcm: Pcm) -> None:
        """Keep more samples."""
        self._pieces.append(pcm)
        if self._file is not None:
            with self._disk_may_refuse():
                self._file.append(pcm)

    def complete(self, closed: Closed, dropped_frames: int) -> None:
        """Complete the transmission and tell of it."""
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


class Session:
    """What is known while a source stays open: positions start from 0 with it."""

    def __init__(
        self,
        source: AudioSource,
        squelch: Squelch,
        keeper: Keeper,
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
