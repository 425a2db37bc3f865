"""The seams between the gateway and its hardware.

Shape of every driver: the public method of the base class owns the deadline and the checks; a driver
implements one underscore method. `None` means "nothing within the time-out", an exception means failure.
`close` may be called twice and from another thread, and makes a blocked `read` return. Opening a device
never asserts a control line, so a radio is never keyed by starting the program.

    DeviceError
    ├── DeviceLost        it was there and went away (unplugged): close it, wait, open it again
    ├── DeviceMissing     it is not there at all: say which names exist, wait, try again
    └── DeviceMisused     options that can never work (no such side, not audio): do not try again
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Self


class DeviceError(Exception):
    """A device failed. The subclass says what to do about it."""


class DeviceLost(DeviceError):
    """The device was there and went away: close it, wait, open it again."""


class DeviceMissing(DeviceError):
    """The device is not there: name the ones that are, wait, try again."""


class DeviceMisused(DeviceError):
    """The options or the file can never work; trying again will not help."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How PCM bytes are to be read. Samples are signed little-endian integers."""

    rate_hz: int
    channels: int = 1
    sample_width_bytes: int = 2

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * self.sample_width_bytes


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A piece of captured audio.

    `sequence` counts frames from 0 since the device was opened; a gap is lost audio. `captured_ns` is the
    monotonic clock when the last sample arrived. `overflow` is true when the device said it lost samples
    before this frame.
    """

    pcm: bytes
    format: AudioFormat
    sequence: int
    captured_ns: int
    overflow: bool = False

    @property
    def duration_s(self) -> float:
        """Length of the frame in seconds."""
        return len(self.pcm) / self.format.frame_bytes / self.format.rate_hz


@dataclass(frozen=True, slots=True)
class Carrier:
    """What a receiver says about its channel. `rssi_dbm` is None where the radio cannot tell."""

    is_open: bool
    rssi_dbm: float | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """How another process makes a radio stop transmitting when this one cannot any more.

    Each (request, argument) of `ioctls` is done on `fd`, then `data` is written to it. Handing `fd` over
    duplicates it, so it must be handed back (closed) once the key is released. With `address` instead of
    `fd`, a TCP connection is made there first. All of it must do no harm when nothing is keyed.
    """

    fd: int | None = None
    ioctls: tuple[tuple[int, bytes], ...] = ()
    data: bytes = b""
    address: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A device that is plugged in: the name the configuration wants, and what a person knows it by."""

    name: str
    description: str


class Device(ABC):
    """What all drivers share: opening, idempotent closing, use as a context manager."""

    @abstractmethod
    def open(self) -> None:
        """Make the device ready, asserting no control line.

        Raises DeviceMissing, DeviceLost or DeviceMisused.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of the device and unblock a waiting read. May be called twice, from any thread."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AudioSource(Device):
    """Audio from one radio. One capture thread opens, reads and closes it."""

    format: AudioFormat
    """Valid after open()."""

    @property
    def is_live(self) -> bool:
        """True when time passes whether or not anyone reads; false for a file read as fast as possible."""
        return True

    def read(self, timeout_s: float) -> AudioFrame | None:
        """Return the next frame, or None when none came within `timeout_s` seconds.

        Raises:
            EndOfAudio: the source has ended for good (a file, a script), not by a fault.
            DeviceLost: the device went away.
        """
        if timeout_s < 0:
            raise ValueError(f"timeout_s is {timeout_s}, must not be negative")
        return self._read(timeout_s)

    @abstractmethod
    def _read(self, timeout_s: float) -> AudioFrame | None: ...


class EndOfAudio(Exception):
    """The source has ended for good and was not lost."""


class AudioDamaged(EndOfAudio):
    """The source has ended before it should: what was read so far is good, the rest is not there."""


class AudioSink(Device):
    """Audio to one radio."""

    @abstractmethod
    def write(self, pcm: bytes, fmt: AudioFormat) -> None:
        """Play `pcm` and return when the device has taken all of it. Raises DeviceLost."""


class RadioControl(Device):
    """Push-to-talk, carrier detect and settings of one radio."""

    @abstractmethod
    def key(self) -> None:
        """Start transmitting. Raises DeviceLost."""

    @abstractmethod
    def unkey(self) -> None:
        """Stop transmitting. May be called when not transmitting. Raises DeviceLost."""

    @abstractmethod
    def carrier(self) -> Carrier | None:
        """Return what the receiver hears now, or None when this control cannot tell."""

    def identify(self) -> str | None:
        """Return what the device says it is, None when it cannot say. Raises DeviceLost."""
        return None

    def release(self) -> Release | None:
        """Return how another process unkeys this radio, None when none can.

        Asked while open, before each key-up. Raises DeviceLost.
        """
        return None

    def let_go(self) -> None:
        """Release a key that an earlier process may have left pressed. Not open before, nor after.

        Raises DeviceMissing, DeviceLost or DeviceMisused.
        """
        with self:
            self.unkey()

    def caller_id(self) -> str | None:
        """Return who transmits now, or did last while the carrier was open, as `dmr:1234567`.

        None when the radio cannot tell, or nobody has. Any thread may call. Raises DeviceLost.
        """
        return None
