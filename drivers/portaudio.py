"""PortAudio for all radios of this process.

PortAudio lists devices once, when it is initialised, and can be initialised anew only while no stream is
open. So all streams are opened here. A radio that looks for a device makes PortAudio look again: at once when
no other radio is heard, else only when the kernel's list of cards has changed, or has had the card all along
and PortAudio has not. Then the streams of the other radios are closed and opened again, which costs them a
moment of audio that their frames own up to.

Radios on the two sides of one card share its stream; see drivers/cardstream.py.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from drivers.base import DeviceMissing, DeviceMisused, Found
from drivers.cardstream import CardStream, Client
from drivers.quiet import quiet, silence_alsa
from drivers.soundnames import Direction, SoundDevice, choose, describe, read_card_ids, sound_device

_CARDS = Path("/proc/asound/cards")
BLOCK_S = 0.05
"""How much captured sound PortAudio hands over at a time; less costs more of the processor."""
PLAYED_BLOCK_S = 0.06
"""How much it asks for at a time: more, because a gap in speech is heard and a little delay is not."""
LOOK_AGAIN_S = 60.0
"""How often other radios may be disturbed for a card that the kernel has and PortAudio has not listed."""


def read_cards() -> str:
    """Return the kernel's list of sound cards, empty on a machine without any."""
    with contextlib.suppress(OSError):
        return _CARDS.read_text(encoding="utf-8", errors="replace")
    return ""


class PortAudio:
    """Opens and closes every stream. Any thread may call; one call runs at a time."""

    _shared: ClassVar["PortAudio | None"] = None
    _sharing: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self, library: Callable[[], Any] | None = None, cards: Callable[[], str] = read_cards
    ) -> None:
        self._import = library or _import_pyaudio
        self._read_cards = cards
        self._lock = threading.RLock()
        self._library: Any = None
        self._engine: Any = None
        self._cards = ""
        self._looked_at_s = 0.0
        self._devices: list[SoundDevice] = []
        self._streams: dict[tuple[Direction, str, str], CardStream] = {}

    @classmethod
    def shared(cls) -> "PortAudio":
        """Return the one of this process."""
        with cls._sharing:
            if cls._shared is None:
                cls._shared = cls()
            return cls._shared

    def attach(self, direction: Direction, wanted: str, rate_hz: int | None, client: Client) -> CardStream:
        """Give `client` a part in the stream of the device that `wanted` means, opening it if need be.

        `rate_hz` None is the device's own rate.

        Raises:
            DeviceMissing: no such device now, or it is taken.
            DeviceMisused: PyAudio is not installed, or the stream is open already in a way that cannot be
                shared.
        """
        with self._lock:
            device = self._find(direction, wanted)
            key = (direction, device.card_id, device.name)
            stream = self._streams.get(key)
            if stream is None:
                channels = 1 if not client.wants_side or device.channels(direction) == 1 else 2
                stream = CardStream(direction, device, rate_hz or device.rate_hz, channels)
                self._open(stream, device)
                self._streams[key] = stream
            try:
                stream.join(client, rate_hz)
            finally:
                self._drop_unused()
            return stream

    def detach(self, stream: CardStream, client: Client) -> None:
        """End a client's part; the last one closes the stream."""
        with self._lock:
            stream.leave(client)
            self._drop_unused()

    def available(self) -> list[Found]:
        """Return the sound devices there are. Raises DeviceMisused without PyAudio."""
        with self._lock:
            self._look_again()
            self._drop_unused()
            return describe(self._devices)

    def _drop_unused(self) -> None:
        for key, stream in list(self._streams.items()):
            if not stream.clients:
                stream.kill()
                del self._streams[key]
        if not self._streams and self._engine is not None:
            self._engine.terminate()
            self._engine = None

    def _find(self, direction: Direction, wanted: str) -> SoundDevice:
        self._look_again()
        try:
            return choose(wanted, self._devices, direction)
        except DeviceMissing:
            # A card that another program held while PortAudio looked is known to the kernel alone.
            card = wanted.partition(":")[0].casefold()
            waited_s = time.monotonic() - self._looked_at_s
            if not self._streams or card not in self._cards.casefold() or waited_s < LOOK_AGAIN_S:
                raise
        self._look()
        return choose(wanted, self._devices, direction)

    def _look_again(self) -> None:
        """Let go of what is dead, then look for devices if that disturbs nobody or there is news."""
        for key, stream in list(self._streams.items()):
            if not stream.is_active:
                stream.kill()
                del self._streams[key]
        if self._engine is None or not self._streams or self._read_cards() != self._cards:
            self._look()

    def _look(self) -> None:
        for stream in self._streams.values():
            stream.pause()
        if self._engine is not None:
            self._engine.terminate()
            self._engine = None
        self._library = self._library or self._import()
        # Without this JACK's library tries to start a sound server of its own.
        os.environ.setdefault("JACK_NO_START_SERVER", "1")
        self._looked_at_s = time.monotonic()
        self._cards = self._read_cards()
        with quiet():
            self._engine = self._library.PyAudio()
            self._devices = self._list(read_card_ids(self._cards))
        for stream in self._streams.values():
            self._resume(stream)

    def _list(self, card_ids: dict[int, str]) -> list[SoundDevice]:
        found = []
        for index in range(self._engine.get_device_count()):
            info = self._engine.get_device_info_by_index(index)
            channels = (int(info["maxInputChannels"]), int(info["maxOutputChannels"]))
            if any(channels):
                rate_hz = int(info["defaultSampleRate"])
                found.append(sound_device(index, str(info["name"]), channels, rate_hz, card_ids))
        return found

    def _resume(self, stream: CardStream) -> None:
        """Open a stream again after PortAudio has looked for devices; one that is not back is dead."""
        same = (stream.device.name, stream.device.card_id)
        device = next((one for one in self._devices if (one.name, one.card_id) == same), None)
        try:
            if device is not None:
                return self._open(stream, device)
        except DeviceMissing:
            pass
        return stream.kill()

    def _open(self, stream: CardStream, device: SoundDevice) -> None:
        """Open the stream, in stereo where the device has no mono."""
        errors: list[str] = []
        for channels in (stream.channels, 2) if stream.channels == 1 else (2,):
            if channels > device.channels(stream.direction):
                continue
            stream.channels = channels
            with quiet() as noise:
                try:
                    stream.resume(self._open_stream(stream, device))
                except (OSError, ValueError) as error:
                    errors.append(str(error.args[-1] if error.args else error))
                else:
                    return
            errors += noise[-1:]
        raise DeviceMissing(
            f"the sound {stream.direction} {device.name!r} cannot be opened at {stream.rate_hz} Hz: "
            f"{'; '.join(dict.fromkeys(errors))}"
        )

    def _open_stream(self, stream: CardStream, device: SoundDevice) -> Any:
        is_input = stream.direction == "input"
        block_s = BLOCK_S if is_input else PLAYED_BLOCK_S
        return self._engine.open(
            rate=stream.rate_hz,
            channels=stream.channels,
            format=self._library.paInt16,
            frames_per_buffer=round(stream.rate_hz * block_s),
            stream_callback=stream.capture if is_input else stream.play,
            **({"input": True, "input_device_index": device.index} if is_input
               else {"output": True, "output_device_index": device.index}),
        )  # fmt: skip


def _import_pyaudio() -> Any:
    try:
        import pyaudio  # noqa: PLC0415 - only a station with sound cards needs it
    except ImportError as error:
        raise DeviceMisused(
            "sound cards need PyAudio, which is not installed: install Debian's portaudio19-dev, then "
            "pip install 'radio-gateway[soundcard]'"
        ) from error
    silence_alsa()
    return pyaudio
