"""Recordings as a radio: a file that is heard, and a file that is spoken into.

Reads everything libsndfile reads (WAV of any width, FLAC, Ogg, …), a chunk at a time, and keeps all channels;
files are told apart by content, not by name.
"""

import threading
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import soundfile

from drivers.base import (
    AudioDamaged,
    AudioFormat,
    AudioFrame,
    AudioSink,
    AudioSource,
    DeviceLost,
    DeviceMissing,
    DeviceMisused,
    EndOfAudio,
)
from drivers.pacing import Pacer

LEAST_RATE_HZ = 4_000
MOST_RATE_HZ = 768_000
_WIDE = {"PCM_24", "PCM_32"}
_FLOATING = {"FLOAT", "DOUBLE"}
_INT32_SCALE = 2147483520.0
"""The largest float32 that still is an int32."""
_CHUNK_HEADER_BYTES = 8


@dataclass(frozen=True, slots=True)
class WavefileOptions:
    """`pace` is "realtime" for a recording that plays like a radio, "fast" for as fast as it is read."""

    path: Path
    pace: Literal["realtime", "fast"] = "realtime"
    chunk_s: float = 0.1
    loop: bool = False

    def faults(self) -> list[tuple[str, str]]:
        """Return what a type cannot say."""
        return chunk_faults(self.chunk_s)


@dataclass(frozen=True, slots=True)
class WavefileSinkOptions:
    """`path` is overwritten."""

    path: Path


def chunk_faults(chunk_s: float) -> list[tuple[str, str]]:
    """Return what is wrong with a chunk length."""
    if 0.005 <= chunk_s <= 2.0:  # noqa: PLR2004 - under 5 ms reading costs more than hearing
        return []
    return [("chunk_s", f"is {chunk_s}, must be from 0.005 to 2 seconds")]


class WavefileSource(AudioSource):
    """Reads a recording from its start each time it is opened."""

    Options = WavefileOptions

    def __init__(self, options: WavefileOptions) -> None:
        self._options = options
        self._pacer: Pacer | None = None
        self._file: Any = None
        # libsndfile must not be closed by one thread while another reads.
        self._lock = threading.Lock()
        self._sequence = 0
        self._position = 0
        self._is_cut_short = False

    @property
    def is_live(self) -> bool:
        """False when the pace is "fast"."""
        return self._options.pace == "realtime"

    def open(self) -> None:
        """Open the file and check that it holds sound.

        Raises:
            DeviceMissing: the file is not there or may not be read.
            DeviceMisused: it holds no sound that can be read.
        """
        self.close()
        file = open_recording(self._options.path)
        width = 4 if file.subtype in _WIDE | _FLOATING else 2
        self.format = AudioFormat(file.samplerate, file.channels, width)
        self._sequence = self._position = 0
        self._pacer = Pacer(is_realtime=self.is_live)
        self._is_cut_short = is_cut_short(self._options.path)
        self._file = file

    def close(self) -> None:
        """Close the file."""
        if self._pacer is not None:
            self._pacer.stop()
        with self._lock:
            if self._file is not None:
                self._file.close()
            self._file = None

    def _read(self, timeout_s: float) -> AudioFrame | None:
        pacer = self._pacer
        if pacer is None or self._file is None:
            raise DeviceLost(f"{self._options.path} is not open")
        chunk = max(1, round(self._options.chunk_s * self.format.rate_hz))
        if not pacer.wait_until((self._position + chunk) / self.format.rate_hz, timeout_s):
            return None
        with self._lock:
            if self._file is None:
                return None
            pcm = self._next(chunk)
        self._position += len(pcm) // self.format.frame_bytes
        due_s = self._position / self.format.rate_hz
        frame = AudioFrame(pcm, self.format, self._sequence, pacer.captured_ns(due_s))
        self._sequence += 1
        return frame

    def _next(self, chunk: int) -> bytes:
        pcm = self._decode(chunk)
        if not pcm and self._options.loop:
            self._file.seek(0)
            pcm = self._decode(chunk)
        if not pcm:
            if self._is_cut_short:
                at_s = self._position / self.format.rate_hz
                raise AudioDamaged(f"{self._options.path} is cut short: only {at_s:.1f} s are there")
            raise EndOfAudio(f"{self._options.path} has ended")
        return pcm

    def _decode(self, chunk: int) -> bytes:
        try:
            if self._file.subtype in _FLOATING:
                floats = np.nan_to_num(self._file.read(chunk, dtype="float32", always_2d=True))
                integers = np.clip(floats, -1.0, 1.0) * np.float32(_INT32_SCALE)
                return bytes(integers.astype("<i4").tobytes())
            kind = "int32" if self.format.sample_width_bytes == 4 else "int16"  # noqa: PLR2004
            integers = self._file.read(chunk, dtype=kind, always_2d=True)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            at_s = self._position / self.format.rate_hz
            raise AudioDamaged(f"{self._options.path} is damaged after {at_s:.1f} s ({error})") from error
        return bytes(integers.astype(f"<i{self.format.sample_width_bytes}").tobytes())


def is_cut_short(path: Path) -> bool:
    """Say whether a WAV file promises more samples than it holds; libsndfile reads over that in silence.

    Sizes of 0 and of all ones are what programs write that did not know the length, and promise nothing.
    """
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return False
        file.seek(12)
        while len(header := file.read(8)) == _CHUNK_HEADER_BYTES:
            size = int.from_bytes(header[4:], "little")
            if header[:4] == b"data":
                return size not in {0, 0xFFFF_FFFF} and file.tell() + size > path.stat().st_size + 1
            file.seek(size + size % 2, 1)
    return False


def open_recording(path: Path) -> Any:
    """Open a recording for reading; the result is a soundfile.SoundFile.

    Raises:
        DeviceMissing: the file is not there or may not be read.
        DeviceMisused: it holds no sound that can be read.
    """
    try:
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except IsADirectoryError as error:
        raise DeviceMisused(f"{path} is a folder, not a recording") from error
    except OSError as error:
        raise DeviceMissing(f"{path} cannot be read: {error.strerror}") from error
    if is_empty:
        raise DeviceMisused(f"{path} is empty")
    try:
        opened = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, RuntimeError, ValueError) as error:
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise DeviceMisused(f"{path} is not a recording that can be read ({reason})") from error
    fault = ""
    if not LEAST_RATE_HZ <= opened.samplerate <= MOST_RATE_HZ:
        fault = f"says it has {opened.samplerate} samples a second, which cannot be speech"
    elif opened.frames == 0:
        fault = "holds no sound: its header counts 0 samples"
    if fault:
        opened.close()
        raise DeviceMisused(f"{path} {fault}")
    return opened


class WavefileSink(AudioSink):
    """Writes what the gateway says into one WAV file, made anew each time the sink is opened."""

    Options = WavefileSinkOptions

    def __init__(self, options: WavefileSinkOptions) -> None:
        self._path = options.path
        self._lock = threading.Lock()
        self._is_open = False
        self._file: wave.Wave_write | None = None
        self._raw: BinaryIO | None = None
        self._format: AudioFormat | None = None

    def open(self) -> None:
        """Check that the file can be made. Raises DeviceMissing when its folder is not there."""
        self.close()
        if not self._path.parent.is_dir():
            raise DeviceMissing(f"{self._path} cannot be written: there is no folder {self._path.parent}")
        with self._lock:
            self._is_open = True

    def close(self) -> None:
        """Close the file; its header is complete after every write anyway."""
        with self._lock:
            if self._file is not None:
                self._file.close()
            if self._raw is not None:
                self._raw.close()
            self._file = self._format = self._raw = None
            self._is_open = False

    def write(self, pcm: bytes, fmt: AudioFormat) -> None:
        """Append audio.

        Raises:
            DeviceLost: the sink is not open, or the disk refused.
            DeviceMisused: the format differs from that of the audio before.
        """
        with self._lock:
            if not self._is_open:
                raise DeviceLost(f"{self._path} is not open")
            if self._format not in {None, fmt}:
                raise DeviceMisused(f"{self._path} already holds {self._format}, cannot take {fmt}")
            try:
                if self._file is None:
                    self._file = self._begin(fmt)
                # WAV keeps 8-bit samples unsigned, alone among the widths.
                eight_bit = fmt.sample_width_bytes == 1
                self._file.writeframes(bytes(byte ^ 0x80 for byte in pcm) if eight_bit else pcm)
            except OSError as error:
                raise DeviceLost(f"{self._path} cannot be written: {error.strerror}") from error

    def _begin(self, fmt: AudioFormat) -> wave.Wave_write:
        # Unbuffered, so that what was said is on disk, header and all, if the process dies.
        self._raw = self._path.open("wb", buffering=0)
        file = wave.open(self._raw, "wb")  # noqa: SIM115 - lives until close
        file.setnchannels(fmt.channels)
        file.setsampwidth(fmt.sample_width_bytes)
        file.setframerate(fmt.rate_hz)
        self._format = fmt
        return file
