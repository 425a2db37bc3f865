"""The virtual radio: a channel with scripted calls, and a transmitter that notes what is said.

Source, sink and control with the same `radio` name belong to one radio, as the plugs of a real one do: the
control's carrier is open while the source plays a call, and the sink notes whether the control was keyed. It
shows the gateway to people who have no radio yet, lets an installer check a station, and gives the tests
device faults on demand. A crew answers the gateway's key-ups; see drivers/virtualradio.py.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from drivers.airscript import AirScript, read_script, script_of_folder
from drivers.airsound import RATE_HZ, AirSound, to_bytes
from drivers.base import (
    AudioFormat,
    AudioFrame,
    AudioSink,
    AudioSource,
    Carrier,
    DeviceLost,
    DeviceMissing,
    EndOfAudio,
    RadioControl,
)
from drivers.pacing import Pacer
from drivers.virtualradio import KeyUp, Reply, Spoken, VirtualRadio
from drivers.wavefile import chunk_faults

__all__ = ["KeyUp", "Reply", "Spoken", "VirtualControl", "VirtualRadio", "VirtualSink", "VirtualSource"]

_FORMAT = AudioFormat(RATE_HZ)


@dataclass(frozen=True, slots=True)
class VirtualSourceOptions:
    """`script` is a TOML file (see drivers/airscript.py), `path` a folder of recordings to play instead.

    `gap_s` and `noise_dbfs` belong to `path`. With neither the channel stays silent for ever. The gateway's
    own transmissions are heard `sidetone_db` louder than it speaks; left out, they are not heard at all.
    """

    radio: str = "virtual"
    script: Path | None = None
    path: Path | None = None
    gap_s: float = 2.0
    noise_dbfs: float | None = None
    pace: Literal["realtime", "fast"] = "realtime"
    chunk_s: float = 0.1
    sidetone_db: float | None = None

    def faults(self) -> list[tuple[str, str]]:
        """Return what a type cannot say."""
        found = chunk_faults(self.chunk_s)
        if self.script is not None and self.path is not None:
            found.append(("path", "makes no sense together with script"))
        if self.gap_s < 0.0:
            found.append(("gap_s", f"is {self.gap_s}, must not be negative"))
        return found


@dataclass(frozen=True, slots=True)
class VirtualSinkOptions:
    """`pace` is "realtime" for a sink that takes as long as the audio lasts."""

    radio: str = "virtual"
    pace: Literal["realtime", "fast"] = "realtime"


@dataclass(frozen=True, slots=True)
class VirtualControlOptions:
    """Which virtual radio is controlled."""

    radio: str = "virtual"


class VirtualSource(AudioSource):
    """Plays the script. Opened again after an unplug it goes on where the radio's time is by then."""

    Options = VirtualSourceOptions
    format = _FORMAT

    def __init__(self, options: VirtualSourceOptions) -> None:
        self._options = options
        self.radio = VirtualRadio.named(options.radio)
        self._air: AirSound | None = None
        self._pacer: Pacer | None = None
        self._chunk = max(1, round(options.chunk_s * RATE_HZ))
        self._sequence = 0
        self._position = 0
        self._epoch_s = 0.0
        self._stalled_reads = 0
        self._refused_opens = 0

    @property
    def is_live(self) -> bool:
        """False when the pace is "fast"."""
        return self._options.pace == "realtime"

    def open(self) -> None:
        """Read the script, the first time, and go on air.

        Raises:
            DeviceMissing: a file is not there, or the radio is unplugged just now.
            DeviceMisused: the script or a recording cannot be understood.
        """
        self.close()
        if self._air is None:
            self._air = AirSound(self._read_script())
        self.radio.tune(self._air.script, is_realtime=self.is_live)
        self._come_back(self._air.script)
        self._sequence = 0
        self._pacer = Pacer(is_realtime=self.is_live)

    def close(self) -> None:
        """Leave the channel; what is played goes on without a listener."""
        if self._pacer is not None:
            self._pacer.stop()

    def _read_script(self) -> AirScript:
        options = self._options
        if options.script is not None:
            return read_script(options.script)
        if options.path is not None:
            return script_of_folder(options.path, options.gap_s, options.noise_dbfs)
        return AirScript(noise_dbfs=options.noise_dbfs, length_s=float("inf"))

    def _come_back(self, script: AirScript) -> None:
        """Find where in its time the radio is. A radio in a hurry refuses once, then is plugged in again."""
        now_s = self.radio.now_s()
        unplug = next((one for one in script.unplugs if one.covers(now_s)), None)
        if unplug is not None:
            self._refused_opens += 1
            if self.is_live or self._refused_opens == 1:
                raise DeviceMissing(f"the virtual radio {self._options.radio} is unplugged")
            now_s = unplug.end_s
        self._refused_opens = 0
        if self.is_live or unplug is not None:
            self._position = max(self._position, int(now_s * RATE_HZ) // self._chunk * self._chunk)
        self._epoch_s = now_s

    def _read(self, timeout_s: float) -> AudioFrame | None:
        air, pacer = self._air, self._pacer
        if air is None or pacer is None or pacer.is_stopped:
            raise DeviceLost(f"the virtual radio {self._options.radio} is not open")
        begin_s = self._position / RATE_HZ
        end_s = (self._position + self._chunk) / RATE_HZ
        if any(unplug.covers(begin_s) for unplug in air.script.unplugs):
            self.radio.heard(begin_s)
            raise DeviceLost(f"the virtual radio {self._options.radio} was unplugged")
        if begin_s >= air.script.length_s and not self.radio.is_engaged:
            raise EndOfAudio(f"the script of virtual radio {self._options.radio} has ended")
        if not self._arrives(air.script, pacer, end_s, timeout_s):
            return None
        sound = air.play(self._position, self._chunk, self.radio.replies)
        self.radio.hear_own(sound, self._position, self._options.sidetone_db)
        self._position += self._chunk
        self.radio.heard(end_s)
        sequence = self._sequence
        self._sequence += 1
        if any(drop.covers(begin_s) for drop in air.script.drops):
            return None
        return AudioFrame(to_bytes(sound), _FORMAT, sequence, pacer.captured_ns(end_s - self._epoch_s))

    def _arrives(self, script: AirScript, pacer: Pacer, end_s: float, timeout_s: float) -> bool:
        """Wait for the chunk that is complete at `end_s`, longer when the device stalls."""
        stall = next((one for one in script.stalls if one.covers(end_s)), None)
        if stall is None:
            self._stalled_reads = 0
            return pacer.wait_until(end_s - self._epoch_s, timeout_s)
        if self.is_live:
            return pacer.wait_until(stall.end_s - self._epoch_s, timeout_s)
        # In a hurry a stall is as many empty reads as there would have been chunks.
        if self._stalled_reads * self._options.chunk_s < stall.for_s:
            self._stalled_reads += 1
            return False
        return pacer.wait_until(0.0, timeout_s)


class VirtualSink(AudioSink):
    """Notes what the gateway says."""

    Options = VirtualSinkOptions

    def __init__(self, options: VirtualSinkOptions) -> None:
        self._options = options
        self.radio = VirtualRadio.named(options.radio)
        self._pacer: Pacer | None = None

    def open(self) -> None:
        """Be ready to speak."""
        self._pacer = Pacer(is_realtime=self._options.pace == "realtime")

    def close(self) -> None:
        """Stop speaking; a write in another thread returns."""
        if self._pacer is not None:
            self._pacer.stop()

    def write(self, pcm: bytes, fmt: AudioFormat) -> None:
        """Say it, taking as long as it lasts unless in a hurry. Raises DeviceLost when not open."""
        pacer = self._pacer
        if pacer is None or pacer.is_stopped:
            raise DeviceLost(f"the sink of virtual radio {self._options.radio} is not open")
        self.radio.say(pcm, fmt)
        duration_s = len(pcm) / fmt.frame_bytes / fmt.rate_hz
        pacer.wait_until(pacer.elapsed_s() + duration_s, duration_s + 1.0)


class VirtualControl(RadioControl):
    """Keys the virtual radio and sees its carrier."""

    Options = VirtualControlOptions

    def __init__(self, options: VirtualControlOptions) -> None:
        self._options = options
        self.radio = VirtualRadio.named(options.radio)
        self._is_open = False

    def open(self) -> None:
        """Take hold of the control lines, asserting none."""
        self._is_open = True

    def close(self) -> None:
        """Let go of the control lines, which releases the key."""
        if self._is_open:
            self.radio.unkey()
        self._is_open = False

    def key(self) -> None:
        """Start transmitting. Raises DeviceLost when not open."""
        self._check()
        self.radio.key()

    def unkey(self) -> None:
        """Stop transmitting. Raises DeviceLost when not open."""
        self._check()
        self.radio.unkey()

    def carrier(self) -> Carrier | None:
        """Return whether a scripted call is on the air. Raises DeviceLost when not open."""
        self._check()
        return self.radio.carrier()

    def _check(self) -> None:
        if not self._is_open:
            raise DeviceLost(f"the control of virtual radio {self._options.radio} is not open")
