"""One key-up: press, play, release, and release again whatever goes wrong.

    watchdog armed ─► timer started ─► PTT pressed ─► lead-in, speech, tail ─► PTT released ─► disarmed

Three hold the release, each alone enough: the `finally` of the thread that plays; a timer thread, when that
one hangs in a sound card that never returns; the watchdog process, when this process is killed, stopped or
cannot release the key itself. Nothing is keyed that the watchdog does not know.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import structlog

from drivers.base import AudioFormat, AudioSink, DeviceError, RadioControl
from gateway.clock import Clock
from gateway.model import RATE_HZ, Pcm
from gateway.speak.sound import silence
from gateway.speak.transmitter import Ended, KeyUp, KeyUpFailed
from gateway.speak.watchdog import Watchdog, WatchdogAway

log = structlog.get_logger()
T = TypeVar("T")

FORMAT = AudioFormat(RATE_HZ)
SLACK_S = 3.0
"""How much longer than its sound a key-up may take: a sound card starts, and says itself when it is lost."""
OPENING_S = 15.0
"""How long sink and control may take to open, nothing being keyed."""
LATER_S = 1.0
"""The watchdog waits this much longer than the timer, and the loop once more than that."""


@dataclass(frozen=True, slots=True)
class Timing:
    """`lead_s` of silence after PTT is pressed, `tail_s` before it is released, `max_s` between at most."""

    lead_s: float = 0.35
    tail_s: float = 0.15
    max_s: float = 60.0


@dataclass(slots=True)
class _Device:
    """What one radio is keyed and spoken through. Its methods block as the drivers do."""

    radio_id: str
    sink: AudioSink
    control: RadioControl | None
    watchdog: Watchdog
    on_deaf: Callable[[bool], None]
    is_sink_open: bool = False

    def open(self, limit_s: float) -> None:
        """Open what is not open and arm the watchdog. Raises DeviceError, WatchdogAway."""
        if not self.is_sink_open:
            self.sink.open()
            self.is_sink_open = True
        if self.control is not None:
            self.control.open()
            release = self.control.release()
            if release is not None:
                self.watchdog.arm(self.radio_id, release, limit_s)

    def key(self) -> None:
        self.on_deaf(True)
        if self.control is not None:
            self.control.key()

    def release(self, clock: Clock) -> float:
        """Release the key, by another way where the first fails. Harmless when it is not pressed.

        Returns when it was, by the monotonic clock: the middle of the driver's call, as answer times run from
        there and a slow line would take all of its time from them.
        """
        begun_s = clock.monotonic_s()
        try:
            if self.control is not None:
                self.control.unkey()
        except DeviceError as error:
            log.error("the key could not be released", radio=self.radio_id, why=str(error))  # noqa: TRY400
            # What has lost its device is closed anyway, and closing tries once more.
            self.control.close()  # type: ignore[union-attr]
            self.watchdog.cut(self.radio_id)
        released_s = (begun_s + clock.monotonic_s()) / 2.0
        self.on_deaf(False)
        return released_s

    def close_sink(self) -> None:
        self.is_sink_open = False
        with contextlib.suppress(DeviceError):
            self.sink.close()


class KeyedSink:
    """Keys one radio up and plays. `transmit` from one asyncio loop, one at a time; `cut` from any thread."""

    def __init__(
        self,
        radio_id: str,
        sink: AudioSink,
        control: RadioControl | None,
        watchdog: Watchdog,
        *,
        timing: Timing,
        clock: Clock,
        on_deaf: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """Wire it up; nothing is opened before the first key-up.

        `control` None is a radio that keys itself by the sound it is given. `on_deaf` is told, on the thread
        that keys, just before PTT is pressed and just after it was released.
        """
        self._device = _Device(radio_id, sink, control, watchdog, on_deaf)
        self._timing = timing
        self._clock = clock
        self._attempt: _Attempt | None = None

    def longest_s(self) -> float:
        """How long the sound of one key-up may be."""
        return self._timing.max_s - self._timing.lead_s - self._timing.tail_s

    async def transmit(self, pcm: Pcm) -> KeyUp:
        """Key up, play, release; return when the key is released.

        Raises:
            KeyUpFailed: nothing was keyed; the message says why.
        """
        await self._returned()
        sound = np.concatenate([silence(self._timing.lead_s), pcm, silence(self._timing.tail_s)])
        limit_s = min(self._timing.max_s, len(sound) / RATE_HZ + SLACK_S)
        attempt = self._begin(sound.astype("<i2").tobytes(), limit_s)
        outcome = attempt.outcome
        first: set[asyncio.Future[Any]] = {attempt.pressed, outcome}
        await asyncio.wait(first, timeout=OPENING_S, return_when=asyncio.FIRST_COMPLETED)
        if not outcome.done() and attempt.pressed.done():
            await asyncio.wait({outcome}, timeout=limit_s + 2 * LATER_S)
        if outcome.done():
            return outcome.result()
        return self._given_up(attempt)

    async def ready(self) -> None:
        """Open sink and control and have the watchdog answer, keying nothing. Raises KeyUpFailed."""
        await self._returned()
        attempt = self._begin(None, SLACK_S)
        either: set[asyncio.Future[Any]] = {attempt.pressed, attempt.outcome}
        await asyncio.wait(either, timeout=OPENING_S, return_when=asyncio.FIRST_COMPLETED)
        if attempt.outcome.done():
            attempt.outcome.result()
        elif not attempt.pressed.done():
            self._given_up(attempt)

    async def _returned(self) -> None:
        """Wait a moment for the last thread. Raises KeyUpFailed when it hangs."""
        if self._attempt is None:
            return
        last = self._attempt.thread
        await asyncio.to_thread(last.join, LATER_S)
        if last.is_alive():
            raise KeyUpFailed("the device has not returned from the last transmission; unplug it, or restart")

    def _begin(self, data: bytes | None, limit_s: float) -> "_Attempt":
        self._attempt = _Attempt(self._device, data, limit_s, self._clock)
        self._attempt.thread.start()
        return self._attempt

    def cut(self) -> None:
        """Release the key now, whatever is on the air; returns at once."""
        attempt = self._attempt
        if attempt is not None and attempt.thread.is_alive():
            told = ("stopped", "the gateway is going down")
            threading.Thread(target=attempt.end, args=told, name="speak-cut", daemon=True).start()

    def close(self) -> None:
        """Let go of the sink. May be called twice; blocks as the driver does."""
        self._device.close_sink()

    def _given_up(self, attempt: "_Attempt") -> KeyUp:
        """Neither the device nor the release came back; the watchdog process has released the key."""
        self._device.watchdog.cut(self._device.radio_id)
        attempt.outcome.cancel()
        pressed_s = attempt.give_up()
        if pressed_s is None:
            raise KeyUpFailed(f"sink and control could not be opened in {OPENING_S:.0f} s")
        return KeyUp(
            pressed_s,
            self._clock.monotonic_s(),
            "timed_out",
            "the device does not return; the key was left to the watchdog process",
        )


class _Attempt:
    """One key-up on its way, on a thread of its own that nobody has to wait for.

    Without `data` the devices are opened and nothing is keyed; `pressed` then says that they could be.
    """

    def __init__(self, device: _Device, data: bytes | None, limit_s: float, clock: Clock) -> None:
        self._device = device
        self._data = data
        self._limit_s = limit_s
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.pressed: asyncio.Future[None] = self._loop.create_future()
        self.outcome: asyncio.Future[KeyUp] = self._loop.create_future()
        self._lock = threading.Lock()
        self._ended: Ended | None = None
        self._message = ""
        self._pressed_s: float | None = None
        self._released_s: float | None = None
        # A daemon thread: a sound card that never returns must not keep the process from ending.
        self.thread = threading.Thread(target=self._run, name=f"speak-{device.radio_id}", daemon=True)

    def end(self, ended: Ended, message: str) -> None:
        """Release the key from another thread and unblock the one that plays."""
        if not self._end_with(ended, message):
            return
        self._release()
        # Last, because a card that hangs may hang here too.
        self._device.close_sink()

    def give_up(self) -> float | None:
        """Wait no more: what is not keyed yet never will be. Return when PTT was pressed, None if never."""
        self._end_with("timed_out", "nobody waits any more")
        return self._pressed_s

    def _end_with(self, ended: Ended, message: str) -> bool:
        """Note why it ends, the first reason counts; return whether the key has been pressed."""
        with self._lock:
            if self._ended is None:
                self._ended, self._message = ended, message
            return self._pressed_s is not None

    def _run(self) -> None:
        device = self._device
        try:
            device.open(self._limit_s + LATER_S)
        except Exception as error:  # noqa: BLE001 - carried to who waits, whatever a driver raises
            device.close_sink()
            self._fail(error)
            return
        if self._data is None:
            device.watchdog.disarm(device.radio_id)
            self._tell(_settle, self.pressed, None)
            return
        late = f"the time-out timer released the key after {self._limit_s:.1f} s"
        timer = threading.Timer(self._limit_s, self.end, ("timed_out", late))
        timer.daemon = True
        try:
            with self._lock:
                if self._ended is None:
                    self._pressed_s = self._clock.monotonic_s()
            if self._pressed_s is None:
                self._fail(KeyUpFailed("the gateway is going down"))
                return
            timer.start()
            self._play(self._data)
        except Exception as error:  # noqa: BLE001 - the key was pressed, so it is told how it ended
            self._end_with("device", f"{error}")
            device.close_sink()
        finally:
            if self._pressed_s is not None:
                self._release()
            timer.cancel()
            if device.watchdog.disarm(device.radio_id):
                log.error("the watchdog had to release the key", radio=device.radio_id)

    def _play(self, data: bytes) -> None:
        self._device.key()
        self._pressed_s = self._clock.monotonic_s()
        self._tell(_settle, self.pressed, None)
        self._device.sink.write(data, FORMAT)

    def _release(self) -> None:
        released_s = self._device.release(self._clock)
        with self._lock:
            if self._released_s is not None or self._pressed_s is None:
                return
            self._released_s = released_s
            key_up = KeyUp(self._pressed_s, self._released_s, self._ended or "complete", self._message)
        self._tell(_settle, self.outcome, key_up)

    def _fail(self, error: Exception) -> None:
        expected = isinstance(error, DeviceError | WatchdogAway | KeyUpFailed)
        message = str(error) if expected else f"{type(error).__name__}: {error}"
        self._tell(_refuse, self.outcome, KeyUpFailed(message))

    def _tell(self, say: Callable[..., None], *what: object) -> None:
        # A loop that has been closed has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(say, *what)


def _settle(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _refuse(future: asyncio.Future[KeyUp], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
