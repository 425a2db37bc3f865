"""Radios on sound cards, through PortAudio.

    source = { kind = "soundcard", device = "USB PnP Sound Device", side = "left" }
    sink = { kind = "soundcard", device = "radio1" }

`device` is a stable name, see drivers/soundnames.py. Two radios on one stereo card take its two sides.
"""

import math
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np
import soxr

from drivers.base import AudioFormat, AudioFrame, AudioSink, AudioSource, DeviceLost, DeviceMisused, Found
from drivers.cardstream import CardStream, Samples
from drivers.portaudio import BLOCK_S, PortAudio
from drivers.wavefile import LEAST_RATE_HZ, MOST_RATE_HZ, chunk_faults

Side = Literal["mono", "left", "right"]

KEPT_S = 10.0
"""How much captured sound waits for its reader before the oldest is dropped."""
SILENT_S = 3.0
"""A device that hands nothing over, or takes nothing, for this long is lost."""
STARTING_S = 3.0
"""How much longer the first sound may take."""
_SIDES = {"left": 0, "right": 1}
_DTYPES = {1: "i1", 2: "<i2", 4: "<i4"}


@dataclass(frozen=True, slots=True)
class SoundcardSourceOptions:
    """`rate_hz` is the card's own when left out. `side` "mono" means both sides where a card has two."""

    device: str = "default"
    side: Side = "mono"
    rate_hz: int | None = None
    chunk_s: float = 0.1

    def faults(self) -> list[tuple[str, str]]:
        """Return what a type cannot say."""
        return _device_faults(self.device, self.rate_hz) + chunk_faults(self.chunk_s)


@dataclass(frozen=True, slots=True)
class SoundcardSinkOptions:
    """`side` says which side of a stereo card the radio is on; "mono" plays on both."""

    device: str = "default"
    side: Side = "mono"
    rate_hz: int | None = None

    def faults(self) -> list[tuple[str, str]]:
        """Return what a type cannot say."""
        return _device_faults(self.device, self.rate_hz)


def _device_faults(device: str, rate_hz: int | None) -> list[tuple[str, str]]:
    found = [] if device.strip() else [("device", "is empty, must be a name that `devices` shows")]
    if rate_hz is not None and not LEAST_RATE_HZ <= rate_hz <= MOST_RATE_HZ:
        found.append(("rate_hz", f"is {rate_hz}, must be from {LEAST_RATE_HZ} to {MOST_RATE_HZ}"))
    return found


def available() -> list[Found]:
    """Return the sound devices there are. Raises DeviceMisused when PyAudio is not installed."""
    return PortAudio.shared().available()


class _Ear:
    """Keeps what PortAudio's thread captured until the radio's thread reads it."""

    def __init__(self, *, wants_side: bool) -> None:
        self.wants_side = wants_side
        self.blocks: deque[tuple[bytes, int, bool]] = deque(maxlen=round(KEPT_S / BLOCK_S))
        self.dropped_blocks = 0

    def take(self, block: bytes, captured_ns: int, *, is_overflow: bool) -> None:
        if len(self.blocks) == self.blocks.maxlen:
            self.dropped_blocks += 1
        self.blocks.append((block, captured_ns, is_overflow))

    def give(self, count: int, mixed: Samples) -> None:
        """Never called: an ear is part of captured streams only."""


class SoundcardSource(AudioSource):
    """Hears one radio. Opened again after an unplug it looks for the device by its name."""

    Options = SoundcardSourceOptions

    def __init__(self, options: SoundcardSourceOptions, *, portaudio: PortAudio | None = None) -> None:
        self._options = options
        self._portaudio = portaudio or PortAudio.shared()
        self._stream: CardStream | None = None
        self._ear = _Ear(wants_side=False)
        self._closed = threading.Event()
        self._pending: list[tuple[bytes, int, bool]] = []
        self._dropped_seen = 0
        self._sequence = 0
        self._heard_at_s = 0.0
        self.overflows = 0
        """How often samples were lost since the source was made, by the device or for want of a reader."""

    def open(self) -> None:
        """Find the device and begin to hear it.

        Raises:
            DeviceMissing: there is no such device now, or another program has it.
            DeviceMisused: PyAudio is not installed, or the card is in use in a way that does not fit.
        """
        self.close()
        options = self._options
        self._ear = _Ear(wants_side=options.side != "mono")
        self._pending = []
        self._dropped_seen = self._sequence = 0
        stream = self._portaudio.attach("input", options.device, options.rate_hz, self._ear)
        self.format = AudioFormat(stream.rate_hz)
        self._heard_at_s = time.monotonic() + STARTING_S
        self._closed.clear()
        self._stream = stream

    def close(self) -> None:
        """Let go of the device."""
        self._closed.set()
        stream, self._stream = self._stream, None
        if stream is not None:
            self._portaudio.detach(stream, self._ear)

    def _read(self, timeout_s: float) -> AudioFrame | None:
        stream = self._stream
        if stream is None:
            raise DeviceLost(f"the sound card {self._options.device!r} is not open")
        deadline_s = time.monotonic() + timeout_s
        while True:
            missing_s = self._gather(stream)
            if missing_s <= 0.0:
                return self._frame(stream)
            if self._closed.is_set():
                return None
            now_s = time.monotonic()
            self._watch(stream, now_s)
            left_s = deadline_s - now_s
            if left_s <= 0.0 or self._closed.wait(min(missing_s, left_s)):
                return None

    def _gather(self, stream: CardStream) -> float:
        """Take over what was captured; return how many seconds a whole chunk still needs, 0 for none."""
        blocks = self._ear.blocks
        while blocks:
            self._pending.append(blocks.popleft())
        if self._pending:
            self._heard_at_s = max(self._heard_at_s, self._pending[-1][1] / 1e9)
        samples = sum(len(block) for block, _, _ in self._pending) // (2 * stream.channels)
        missing_s = self._options.chunk_s - samples / stream.rate_hz
        return max(missing_s, BLOCK_S / 4) if missing_s > 0.0 else 0.0

    def _watch(self, stream: CardStream, now_s: float) -> None:
        if not stream.is_active and not self._closed.is_set():
            raise DeviceLost(f"the sound card {stream.device.name!r} is gone")
        if now_s - self._heard_at_s > SILENT_S:
            raise DeviceLost(
                f"the sound card {stream.device.name!r} has delivered nothing for {SILENT_S:.0f} s"
            )

    def _frame(self, stream: CardStream) -> AudioFrame:
        blocks, self._pending = self._pending, []
        dropped = self._ear.dropped_blocks
        lost = dropped - self._dropped_seen
        # Numbers are left out for what was lost, so that it shows in the transmission.
        self._sequence += math.ceil(lost * BLOCK_S / self._options.chunk_s)
        is_overflow = lost > 0 or any(lost for _, _, lost in blocks)
        self.overflows += is_overflow
        self._dropped_seen = dropped
        pcm = one_side(b"".join(block for block, _, _ in blocks), stream.channels, self._options.side)
        frame = AudioFrame(pcm, self.format, self._sequence, blocks[-1][1], is_overflow)
        self._sequence += 1
        return frame


def one_side(pcm: bytes, channels: int, side: Side) -> bytes:
    """Return one side of interleaved 16-bit samples, or both averaged."""
    if channels == 1:
        return pcm
    samples = np.frombuffer(pcm, "<i2").reshape(-1, channels)
    if side == "mono":
        return bytes(np.rint(samples.mean(axis=1)).astype("<i2").tobytes())
    return bytes(samples[:, _SIDES[side]].tobytes())


class _Utterance:
    """Samples on their way out, and how many of them PortAudio has taken."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        self.position = 0


class _Mouth:
    """Hands PortAudio's thread what the radio says."""

    def __init__(self, side: Side) -> None:
        self.wants_side = side != "mono"
        self._columns = slice(None) if side == "mono" else slice(_SIDES[side], _SIDES[side] + 1)
        # Replaced whole, so that PortAudio's thread never sees one utterance with the position of another.
        self.utterance = _Utterance(np.empty(0, np.int16))

    def take(self, block: bytes, captured_ns: int, *, is_overflow: bool) -> None:
        """Never called: a mouth is part of played streams only."""

    def give(self, count: int, mixed: Samples) -> None:
        utterance = self.utterance
        piece = utterance.samples[utterance.position : utterance.position + count]
        mixed[: len(piece), self._columns] += piece[:, np.newaxis]
        utterance.position += len(piece)


class SoundcardSink(AudioSink):
    """Speaks to one radio. The stream plays silence between utterances, so that speech starts at once."""

    Options = SoundcardSinkOptions

    def __init__(self, options: SoundcardSinkOptions, *, portaudio: PortAudio | None = None) -> None:
        self._options = options
        self._portaudio = portaudio or PortAudio.shared()
        self._stream: CardStream | None = None
        self._mouth = _Mouth(options.side)
        self._closed = threading.Event()

    def open(self) -> None:
        """Find the device and be ready to speak. Raises as SoundcardSource.open does."""
        self.close()
        options = self._options
        self._mouth = _Mouth(options.side)
        stream = self._portaudio.attach("output", options.device, options.rate_hz, self._mouth)
        self._closed.clear()
        self._stream = stream

    def close(self) -> None:
        """Stop speaking and let go of the device; a write in another thread returns."""
        self._closed.set()
        stream, self._stream = self._stream, None
        if stream is not None:
            self._portaudio.detach(stream, self._mouth)

    def write(self, pcm: bytes, fmt: AudioFormat) -> None:
        """Play `pcm` and return when its last sample has left the card, or the sink was closed.

        Raises:
            DeviceLost: the sink is not open, or the card is gone or takes no sound.
            DeviceMisused: samples of a width no card takes.
        """
        stream, mouth = self._stream, self._mouth
        if stream is None:
            raise DeviceLost(f"the sound card {self._options.device!r} is not open")
        mouth.utterance = said = _Utterance(as_mono(pcm, fmt, stream.rate_hz))
        moved_at_s, seen = time.monotonic() + STARTING_S, 0
        while said.position < len(said.samples):
            left_s = (len(said.samples) - said.position) / stream.rate_hz
            if self._closed.wait(min(max(left_s, BLOCK_S / 4), 0.1)):
                return
            if not stream.is_active and not self._closed.is_set():
                raise DeviceLost(f"the sound card {stream.device.name!r} is gone")
            now_s = time.monotonic()
            if said.position > seen:
                moved_at_s, seen = now_s, said.position
            elif now_s - moved_at_s > SILENT_S:
                raise DeviceLost(
                    f"the sound card {stream.device.name!r} has taken nothing for {SILENT_S:.0f} s"
                )
        self._closed.wait(stream.latency_s)


def as_mono(pcm: bytes, fmt: AudioFormat, rate_hz: int) -> Samples:
    """Return the samples as a card plays them: one channel, 16 bits, at `rate_hz`."""
    dtype = _DTYPES.get(fmt.sample_width_bytes)
    if dtype is None:
        raise DeviceMisused(f"samples of {fmt.sample_width_bytes} bytes cannot be played, only of 1, 2 or 4")
    samples = np.frombuffer(pcm, dtype).reshape(-1, fmt.channels).mean(axis=1, dtype=np.float64)
    samples *= 2.0 ** (16 - 8 * fmt.sample_width_bytes)
    resampled = soxr.resample(samples, fmt.rate_hz, rate_hz) if samples.size else samples
    played: Samples = np.clip(np.rint(resampled), -32768, 32767).astype(np.int16)
    return played
