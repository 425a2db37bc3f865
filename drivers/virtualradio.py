"""The virtual radio itself: its time, who transmits on its channel, and the crew that answers the gateway.

A crew is a function that is given each finished key-up of the gateway and says who answers it:

    radio = VirtualRadio.named("ch1")    # keep the reference: a radio lives as long as somebody holds it
    radio.crew = lambda key_up: [Reply(delay_s=1.5, samples=answers[key_up.number])]

What the gateway says cannot be recognised here. Who needs that goes by the number of the key-up, listens to
its `pcm`, or calls `answer` when it learns otherwise that a unit was called (from an event of the gateway).
"""

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import soxr

from drivers.airscript import AirScript, CrewEntry
from drivers.airsound import RATE_HZ, OnAir, Samples, load_recording, put
from drivers.base import AudioFormat, Carrier, DeviceMisused

_KEPT = 100
_DTYPES = {1: "i1", 2: "<i2", 4: "<i4"}


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something the gateway said. `at_s` is the radio's time, `was_keyed` whether anybody could hear it."""

    at_s: float
    pcm: bytes
    format: AudioFormat
    was_keyed: bool

    @property
    def duration_s(self) -> float:
        """How long it lasts."""
        return len(self.pcm) / self.format.frame_bytes / self.format.rate_hz


@dataclass(frozen=True, slots=True, eq=False)
class KeyUp:
    """One key-up of the gateway that is over. `number` counts from 1; times are the radio's.

    `pcm` is what was said during it, without the gaps, mono at RATE_HZ on a scale of -1..1.
    """

    number: int
    started_s: float
    ended_s: float
    pcm: Samples = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """Somebody keys up `delay_s` after the gateway's release; `samples` are mono at RATE_HZ.

    Samples are 16-bit integers or floats in -1..1. They begin `lead_s` after the carrier, which drops
    `tail_s` after them; `noise_dbfs` lies under them while keyed.
    """

    delay_s: float
    samples: npt.NDArray[np.int16] | npt.NDArray[np.floating]
    noise_dbfs: float | None = None
    lead_s: float = 0.0
    tail_s: float = 0.0


Crew = Callable[[KeyUp], Iterable[Reply]]
"""Says who answers a key-up. Called on the thread that released the key; must be quick."""


class ScriptedCrew:
    """Answers by the number of the key-up, as a script's `[[crew]]` entries say.

    Raises DeviceMissing or DeviceLost when a recording cannot be read.
    """

    def __init__(self, entries: Iterable[CrewEntry]) -> None:
        self._answers = [
            (
                entry,
                Reply(
                    entry.delay_s,
                    load_recording(entry.file, entry.gain_db),
                    entry.noise_dbfs,
                    entry.lead_s,
                    entry.tail_s,
                ),
            )
            for entry in entries
            if entry.file is not None
        ]

    def __call__(self, key_up: KeyUp) -> list[Reply]:
        """Return the answers to this key-up."""
        return [reply for entry, reply in self._answers if entry.answers(key_up.number)]


class VirtualRadio:
    """What the three plugs share. Any thread may call.

    The radio is half duplex: while the gateway has it keyed it hears nobody, and its carrier is closed.
    """

    _named: ClassVar[weakref.WeakValueDictionary[str, "VirtualRadio"]] = weakref.WeakValueDictionary()
    _naming: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._script = AirScript()
        self._started_ns: int | None = None
        self._position_s = 0.0
        self._is_realtime = True
        self._keyed_since_s: float | None = None
        self._key_ups = 0
        self._said_in_key_up: list[Samples] = []
        self._replies: list[OnAir] = []
        self.crew: Crew | None = None
        """Who answers the gateway; a script with `[[crew]]` entries sets it where nobody else has."""
        self.spoken: deque[Spoken] = deque(maxlen=_KEPT)
        """The last things the gateway said, oldest first."""
        self.keyed: deque[tuple[float, float]] = deque(maxlen=_KEPT)
        """When the gateway keyed up and released, in the radio's time, oldest first."""

    @classmethod
    def named(cls, name: str) -> "VirtualRadio":
        """Return the radio of this name; it exists as long as anybody holds it."""
        with cls._naming:
            radio = cls._named.get(name)
            if radio is None:
                radio = cls._named[name] = cls()
            return radio

    def tune(self, script: AirScript, *, is_realtime: bool) -> None:
        """Give the channel its story; its time starts with the first call of this.

        Raises DeviceMissing or DeviceLost when a recording of the script's crew cannot be read.
        """
        crew = ScriptedCrew(script.crew) if script.crew and self.crew is None else self.crew
        with self._lock:
            self._script = script
            self._is_realtime = is_realtime
            self.crew = crew
            if self._started_ns is None:
                self._started_ns = time.monotonic_ns()

    def now_s(self) -> float:
        """Return the radio's time: the clock's, or in a hurry how far it has been heard."""
        with self._lock:
            return self._now_s()

    def heard(self, position_s: float) -> None:
        """Note how far the source has been read; what was answered before is forgotten."""
        with self._lock:
            self._position_s = max(self._position_s, position_s)
            self._replies = [one for one in self._replies if one.end_s > self._position_s]

    def carrier(self) -> Carrier:
        """Return whether somebody else transmits now."""
        with self._lock:
            now_s = self._now_s()
            is_up = self._script.is_keyed(now_s) or any(one.covers(now_s) for one in self._replies)
            return Carrier(is_up and self._keyed_since_s is None)

    def key(self) -> None:
        """Key up; keying up twice is one key-up."""
        with self._lock:
            if self._keyed_since_s is None:
                self._keyed_since_s = self._now_s()
                self._key_ups += 1
                self._said_in_key_up = []

    def unkey(self) -> None:
        """Release, and let the crew answer."""
        with self._lock:
            if self._keyed_since_s is None:
                return
            span = self._keyed_since_s, self._now_s()
            self._keyed_since_s = None
            self.keyed.append(span)
            said = np.concatenate([np.empty(0, np.float32), *self._said_in_key_up])
            key_up = KeyUp(self._key_ups, *span, said)
            crew = self.crew
        if crew is not None:
            for reply in crew(key_up):
                self.answer(reply, after_s=key_up.ended_s)

    def answer(self, reply: Reply, *, after_s: float | None = None) -> None:
        """Put somebody on the air `reply.delay_s` after the radio's time `after_s`, None being now."""
        samples = reply.samples
        scale = np.float32(1.0 / 32768.0 if np.issubdtype(samples.dtype, np.integer) else 1.0)
        sound = samples.astype(np.float32) * scale
        with self._lock:
            at_s = (self._now_s() if after_s is None else after_s) + reply.delay_s
            self._replies.append(OnAir(at_s, sound, reply.noise_dbfs, reply.lead_s, reply.tail_s))

    @property
    def is_keyed(self) -> bool:
        """Whether the gateway transmits now."""
        with self._lock:
            return self._keyed_since_s is not None

    @property
    def is_engaged(self) -> bool:
        """Whether the gateway transmits or an answer is still to come or to end."""
        with self._lock:
            return self._keyed_since_s is not None or bool(self._replies)

    @property
    def replies(self) -> tuple[OnAir, ...]:
        """The crew's answers that are on the air or will be."""
        with self._lock:
            return tuple(self._replies)

    def say(self, pcm: bytes, fmt: AudioFormat) -> None:
        """Note what the gateway says. Raises DeviceMisused for samples of a width that nothing plays."""
        samples = _as_samples(pcm, fmt)
        with self._lock:
            self.spoken.append(Spoken(self._now_s(), pcm, fmt, self._keyed_since_s is not None))
            if self._keyed_since_s is not None:
                self._said_in_key_up.append(samples)

    def hear_own(self, sound: Samples, position: int, sidetone_db: float | None) -> None:
        """Replace what the gateway's own key-ups cover in `sound`, which begins at sample `position`.

        By silence, or with `sidetone_db` by what the gateway says, at that gain.
        """
        with self._lock:
            spans = list(self.keyed)
            if self._keyed_since_s is not None:
                spans.append((self._keyed_since_s, float("inf")))
            spoken = list(self.spoken) if sidetone_db is not None else []
        end = position + len(sound)
        is_own = np.zeros(len(sound), dtype=bool)
        for since_s, until_s in spans:
            first, last = round(since_s * RATE_HZ), round(min(until_s, end / RATE_HZ) * RATE_HZ)
            is_own[max(0, first - position) : max(0, last - position)] = True
        if not is_own.any():
            return
        own = np.zeros_like(sound)
        for one in spoken:
            start = round(one.at_s * RATE_HZ)
            if start < end and start + one.duration_s * RATE_HZ > position - 1:
                said = _as_samples(one.pcm, one.format)
                put(own, said * np.float32(10.0 ** ((sidetone_db or 0.0) / 20.0)), start - position)
        sound[is_own] = own[is_own]

    def _now_s(self) -> float:
        if self._is_realtime and self._started_ns is not None:
            return (time.monotonic_ns() - self._started_ns) / 1e9
        return self._position_s


def _as_samples(pcm: bytes, fmt: AudioFormat) -> Samples:
    dtype = _DTYPES.get(fmt.sample_width_bytes)
    if dtype is None:
        raise DeviceMisused(f"samples of {fmt.sample_width_bytes} bytes cannot be played, only of 1, 2 or 4")
    mono = np.frombuffer(pcm, dtype).reshape(-1, fmt.channels).mean(axis=1, dtype=np.float64)
    mono /= 2.0 ** (8 * fmt.sample_width_bytes - 1)
    if mono.size and fmt.rate_hz != RATE_HZ:
        mono = soxr.resample(mono, fmt.rate_hz, RATE_HZ)
    samples: Samples = mono.astype(np.float32)
    return samples
