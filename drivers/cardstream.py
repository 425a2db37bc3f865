"""One PortAudio stream of a card and the radios that take part in it.

PortAudio calls `capture` and `play` on a thread of its own. An exception there would be thrown into whatever
thread opened the stream, so nothing leaves them: what goes wrong is noted, and ends the stream's life.
"""

import threading
import time
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from drivers.base import DeviceMisused
from drivers.soundnames import Direction, SoundDevice

_CONTINUE = 0
"""PortAudio's paContinue."""
_INPUT_OVERFLOW = 2
"""PortAudio's paInputOverflow."""

Samples = npt.NDArray[np.int16]


class Client(Protocol):
    """A radio's part in a stream. `take` and `give` are called by PortAudio's thread."""

    wants_side: bool
    """Whether it needs one side of a stereo stream."""

    def take(self, block: bytes, captured_ns: int, *, is_overflow: bool) -> None:
        """Keep a captured block, all channels interleaved. Must not block."""

    def give(self, count: int, mixed: Samples) -> None:
        """Add up to `count` samples to `mixed`, of shape (count, channels). Must not block."""


class CardStream:
    """What is shared. PortAudio (the class) calls everything but the two callbacks and `is_active`."""

    def __init__(self, direction: Direction, device: SoundDevice, rate_hz: int, channels: int) -> None:
        self.direction = direction
        self.device = device
        self.rate_hz = rate_hz
        self.channels = channels
        self.clients: tuple[Client, ...] = ()
        self._lock = threading.Lock()
        self._stream: Any = None
        self._is_dead = False
        self._is_broken = False
        self._lost_audio = False

    @property
    def is_active(self) -> bool:
        """Whether the device works, as far as PortAudio knows; true while it is being opened again."""
        if self._is_dead or self._is_broken:
            return False
        with self._lock:
            if self._stream is None:
                return not self._is_dead
            try:
                return bool(self._stream.is_active())
            except OSError:
                return False

    @property
    def latency_s(self) -> float:
        """How long a sample takes from the last block to the jack."""
        with self._lock:
            return 0.0 if self._stream is None else float(self._stream.get_output_latency())

    def join(self, client: Client, rate_hz: int | None) -> None:
        """Let a client take part. Raises DeviceMisused when the stream is not what it needs."""
        if client.wants_side and self.channels == 1:
            raise DeviceMisused(f"{self.device.name!r} is open with one channel, so it has no left or right")
        if rate_hz not in {None, self.rate_hz}:
            raise DeviceMisused(
                f"{self.device.name!r} is already open at {self.rate_hz} Hz, not {rate_hz} Hz"
            )
        self.clients = (*self.clients, client)

    def leave(self, client: Client) -> None:
        """End a client's part."""
        self.clients = tuple(other for other in self.clients if other is not client)

    def pause(self) -> None:
        """Close the device for a moment."""
        with self._lock:
            stream, self._stream = self._stream, None
            self._lost_audio = True
            if stream is not None:
                _close(stream)

    def resume(self, stream: Any) -> None:
        """Go on with an open stream."""
        with self._lock:
            self._stream = stream

    def kill(self) -> None:
        """Close the device for good; clients notice by `is_active`."""
        self._is_dead = True
        self.pause()

    def capture(self, block: bytes, _count: int, _times: object, status: int) -> tuple[None, int]:
        """Hand a captured block to every client."""
        try:
            is_overflow = bool(status & _INPUT_OVERFLOW) or self._lost_audio
            self._lost_audio = False
            now_ns = time.monotonic_ns()
            for client in self.clients:
                client.take(block, now_ns, is_overflow=is_overflow)
        except Exception:  # noqa: BLE001 - see the module's docstring
            self._is_broken = True
        return None, _CONTINUE

    def play(self, _block: None, count: int, _times: object, _status: int) -> tuple[bytes, int]:
        """Collect the next block from every client."""
        try:
            mixed = np.zeros((count, self.channels), np.int16)
            for client in self.clients:
                client.give(count, mixed)
            return mixed.tobytes(), _CONTINUE
        except Exception:  # noqa: BLE001 - see the module's docstring
            self._is_broken = True
            return bytes(2 * count * self.channels), _CONTINUE


def _close(stream: Any) -> None:
    try:
        stream.close()
    except OSError:
        # A card that is gone cannot be closed properly; PortAudio has let go of it all the same.
        return
