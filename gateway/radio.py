"""One radio while the gateway runs: its capture thread, what waits to be understood, and its pipeline."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import structlog

from drivers.base import AudioSource, RadioControl
from gateway.clock import Clock, IdSource
from gateway.errors import BadInput, GatewayError, MissingInput, StoreUnavailable
from gateway.events import CloudEvent
from gateway.hear.capture import (
    Capture,
    CaptureEvent,
    Completed,
    Ended,
    Fault,
    Opened,
    Recovered,
    Spool,
)
from gateway.hear.carrier import CarrierLine
from gateway.hear.linewatch import LineLimits
from gateway.hear.ownkeyups import OwnKeyUps
from gateway.hear.segmenter import Squelch
from gateway.model import RATE_HZ, Pcm, Transmission
from gateway.pipeline import RadioPipeline
from gateway.store.records import SpooledAudio
from gateway.understand.incident import IncidentState

log = structlog.get_logger()

FILE_LEAD = 4
"""Transmissions cut from a recording before the first of them is understood."""
KEPT_IN_MEMORY = 8
"""Beyond this many waiting, a transmission's samples are read from the spool again when its turn comes."""

UNKEPT_IN_MEMORY_S = 600.0
"""While the disk refuses, so much audio waits in memory, 19 MB; what comes then is told without its sound."""
MOST_UNKEPT = 5000
"""Calls without their sound that wait for a store that refuses; beyond that the newest are lost, and told."""

ReadAudio = Callable[[str], Pcm]
Settled = Callable[[str, str], None]
Report = Callable[[CaptureEvent], None]
Publish = Callable[[list[CloudEvent]], None]
Foretell = Callable[[Sequence[IncidentState], frozenset[str]], None]
"""Is told what incidents will be when the store takes them, and the ids of those that did not come to be."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A transmission whose turn has not come."""

    transmission: Transmission
    kept: SpooledAudio | None


class Radio:
    """Listens on one source and carries what it hears through its pipeline, in order."""

    def __init__(
        self,
        radio_id: str,
        source: AudioSource,
        pipeline: RadioPipeline,
        *,
        control: RadioControl | None = None,
        spool: Spool,
        settled: Settled | None = None,
        read_audio: ReadAudio,
        squelch: Squelch,
        line_limits: LineLimits | None = None,
        earlier_faults: Mapping[str, str] = MappingProxyType({}),
        heard_before_s: Sequence[float] = (),
        clock: Clock,
        retry_s: float | None = None,
        on_report: Report,
        on_events: Publish,
        on_foretold: Foretell = lambda _incidents, _unfulfilled: None,
    ) -> None:
        """Wire the radio up; nothing is opened before `start`. `on_report` hears of device and channel.

        `control` is asked for the carrier and for who was calling; None where the radio has none.

        `settled` is told (transmission id, audio ref) once a transmission is understood. When the store
        refuses, the radio holds what it has and tries again each `retry_s` seconds; None raises instead.
        Meanwhile `on_foretold` is told of the incidents in what it holds.

        `earlier_faults` (what and message) were told by an earlier run, so their end is told by this one.
        `heard_before_s` is when transmissions of the last days began, on the monotonic clock, in order.
        """
        self.radio_id = radio_id
        self.own_key_ups = OwnKeyUps()
        """Who transmits on this radio says so here, so that the gateway does not listen to itself."""
        self._clock = clock
        self._pipeline = pipeline
        self._settled = settled
        self._retry_s = retry_s
        self._read_audio = read_audio
        self._on_report = on_report
        self._on_events = on_events
        self._on_foretold = on_foretold
        self._ahead: deque[Waiting | None] = deque()
        """Looked at while the store refused what is before it."""
        self._queue: asyncio.Queue[Waiting | None] = asyncio.Queue()
        self._is_open = False
        self._in_hand = 0
        self._unkept_s = 0.0
        self._unkept = 0
        self._lost = 0
        self._room = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._carrier = (
            CarrierLine(control, clock, self._control_changed, was_in_trouble="control" in earlier_faults)
            if control is not None
            else None
        )
        self._capture = Capture(
            radio_id,
            source,
            spool,
            clock=clock,
            new_id=IdSource(clock).new,
            on_event=self._hand_over,
            squelch=squelch,
            carrier=self._carrier or (lambda: None),
            own_key_ups=self.own_key_ups,
            line_limits=line_limits,
            earlier_faults=earlier_faults,
            heard_before_s=heard_before_s,
            wait_for_room=self._wait_for_room,
        )

    @property
    def is_receiving(self) -> bool:
        """Whether somebody else is on the channel now: the squelch is open, or a carrier up. Any thread."""
        return self._is_open or (self._carrier is not None and self._carrier.is_up)

    @property
    def waiting(self) -> int:
        """How many transmissions have not had their turn, the one in hand included. Any thread."""
        return self._in_hand

    @property
    def stuck_for_s(self) -> float:
        """How long the capture thread has hung in its device; about 0 when all is well. Any thread."""
        return self._capture.stuck_for_s

    def take_later(self, transmission: Transmission, kept: SpooledAudio | None) -> None:
        """Queue a transmission left over from an earlier run. Before `start`, on the loop."""
        self._count(1)
        self._enqueue(transmission, kept)

    def start(self) -> None:
        """Begin to listen. On the loop, once."""
        self._loop = asyncio.get_running_loop()
        self._capture.start()

    def stop_listening(self) -> bool:
        """Complete an open transmission and end the capture thread. Blocks; call from another thread."""
        stopped = self._capture.stop()
        if self._carrier is not None:
            self._carrier.close()
        return stopped

    async def run(self) -> None:
        """Carry what is heard through the pipeline until the source has ended and everything had its turn.

        Cancelling loses nothing: what had no turn is in the spool and comes back at the next start.
        """
        while (waiting := await self._next()) is not None:
            try:
                await self._until_taken(waiting)
            finally:
                self._count(-1)
                if waiting.kept is None:
                    self._unkept -= 1
                    self._unkept_s -= len(waiting.transmission.audio) / RATE_HZ

    async def _next(self) -> Waiting | None:
        return self._ahead.popleft() if self._ahead else await self._queue.get()

    async def _until_taken(self, waiting: Waiting) -> None:
        """Take a transmission; while the store refuses, hold it and try again."""
        refused = False
        while True:
            try:
                self._on_events(await self._take(waiting))
            except StoreUnavailable as error:
                if self._retry_s is None:
                    raise
                refused = True
                self._on_report(Fault(self.radio_id, "store", str(error)))
                await self._foretell(waiting)
                await self._look_ahead(self._retry_s)
                continue
            self._on_foretold((), self._pipeline.unfulfilled())
            if refused:
                self._on_report(Recovered(self.radio_id, "store"))
                self._tell_losses()
            await self._settle(waiting)
            return

    async def _look_ahead(self, within_s: float) -> None:
        """Wait so long, or until something else was heard: what is in it cannot wait for the disk."""
        try:
            async with asyncio.timeout(within_s):
                following = await self._queue.get()
        except TimeoutError:
            return
        self._ahead.append(following)
        if following is None:
            await asyncio.sleep(within_s)
        else:
            await self._foretell(following)

    async def _foretell(self, waiting: Waiting) -> None:
        try:
            transmission = await self._with_audio(waiting)
            incidents = await self._pipeline.foretell(transmission, waiting.kept)
        except GatewayError as error:
            log.warning("waits for the store unheard", id=waiting.transmission.id, why=str(error))
            return
        if incidents:
            self._on_foretold(incidents, frozenset())

    async def _settle(self, waiting: Waiting) -> None:
        if self._settled is None or waiting.kept is None:
            return
        try:
            await asyncio.to_thread(self._settled, waiting.transmission.id, waiting.kept.ref)
        except GatewayError as error:
            # The store knows the transmission: the note that is left is tidied up at the next start.
            log.warning("note stays in the spool", transmission=waiting.transmission.id, why=str(error))

    def _tell_losses(self) -> None:
        if self._lost:
            lost = f"{self._lost} calls were heard and lost while neither spool nor store took anything"
            self._lost = 0
            self._on_report(Fault(self.radio_id, "store", lost))
            self._on_report(Recovered(self.radio_id, "store"))

    async def _take(self, waiting: Waiting) -> list[CloudEvent]:
        return await self._pipeline.take(await self._with_audio(waiting), waiting.kept)

    async def _with_audio(self, waiting: Waiting) -> Transmission:
        transmission = waiting.transmission
        if not transmission.audio.size and waiting.kept is not None:
            try:
                audio = await asyncio.to_thread(self._read_audio, waiting.kept.ref)
                transmission = replace(transmission, audio=audio)
            except (MissingInput, BadInput) as error:
                # The pipeline tells that it was heard and that nothing is left of it.
                log.error("audio is gone", transmission=transmission.id, why=str(error))  # noqa: TRY400
        return transmission

    def _hand_over(self, event: CaptureEvent) -> None:
        """On the capture thread: pass an event to the loop."""
        assert self._loop is not None
        if isinstance(event, Opened | Completed | Ended):
            self._is_open = isinstance(event, Opened)
        if isinstance(event, Completed):
            event = self._with_caller(event)
            self._count(1)
        self._loop.call_soon_threadsafe(self._receive, event)

    def _with_caller(self, completed: Completed) -> Completed:
        caller = self._carrier.caller_id() if self._carrier is not None else None
        if caller is None:
            return completed
        heard = completed.transmission
        return replace(completed, transmission=replace(heard, signalling=(*heard.signalling, caller)))

    def _control_changed(self, trouble: str | None) -> None:
        """On the capture thread: the control failed, or works again."""
        if trouble is None:
            self._hand_over(Recovered(self.radio_id, "control"))
        else:
            self._hand_over(Fault(self.radio_id, "control", trouble))

    def _receive(self, event: CaptureEvent) -> None:
        self._on_report(event)
        self._pipeline.notice(event)
        if isinstance(event, Completed):
            kept = event.kept if isinstance(event.kept, SpooledAudio) else None
            self._enqueue(event.transmission, kept)
        elif isinstance(event, Ended):
            self._queue.put_nowait(None)

    def _enqueue(self, transmission: Transmission, kept: SpooledAudio | None) -> None:
        if kept is None:
            if self._unkept >= MOST_UNKEPT:
                self._lost += 1
                self._count(-1)
                self._pipeline.rollcall.gave_up_on(transmission)
                log.error("a call is lost: neither spool nor store takes it", transmission=transmission.id)
                return
            if self._unkept_s + transmission.duration_s > UNKEPT_IN_MEMORY_S:
                # It is still told that something was heard, and that its sound could not be kept.
                transmission = replace(transmission, audio=np.empty(0, np.int16))
            self._unkept += 1
            self._unkept_s += len(transmission.audio) / RATE_HZ
        elif self._queue.qsize() + len(self._ahead) >= KEPT_IN_MEMORY:
            transmission = replace(transmission, audio=np.empty(0, np.int16))
        self._queue.put_nowait(Waiting(transmission, kept))

    def _count(self, change: int) -> None:
        with self._room:
            self._in_hand += change
            self._room.notify_all()

    def _wait_for_room(self, timeout_s: float) -> bool:
        """On the capture thread of a recording: wait until few transmissions have not had their turn."""
        with self._room:
            return self._room.wait_for(lambda: self._in_hand < FILE_LEAD, timeout_s)
