"""A level meter for setting up a radio: what is on its line, and what to turn. Pure but for `hear`."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from drivers.base import AudioSource, DeviceError, EndOfAudio, RadioControl
from gateway.hear.audio import FULL_SCALE, Converter, dbfs, level_dbfs, middle
from gateway.hear.classify import clipped_share
from gateway.hear.floor import BLOCK, measure
from gateway.hear.linewatch import LineLimits, hum_of
from gateway.hear.segmenter import Opened, Segmenter, Squelch
from gateway.model import RATE_HZ, Pcm

METER_S = 0.1
_OPEN_MARGIN_DB = 1.5
_OPEN_LEAST_DB = 5.0
_QUIET_LEVEL_BLOCKS = 3
_VOICE_BEST_DBFS = (-26.0, -10.0)
_CLEAR_DB = 18.0
"""The loud parts of a voice stand so far over the noise when its words can be recognised."""
_AROUND = 5
"""Tenths of a second around a transmission that may hold its faint ends."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One tenth of a second: its level and peak in dBFS, the noise floor, and what the receiver says."""

    level_dbfs: float
    peak_dbfs: float
    floor_dbfs: float
    is_open: bool
    carrier: bool | None
    rssi_dbm: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """What a stretch of listening came to; None where there was nothing to measure it on.

    Levels are in dBFS. `open_db` is the squelch setting that the noise heard does not open.
    """

    heard_s: float
    floor_dbfs: float
    voice_dbfs: float | None
    clipped_share: float
    hum_dbfs: float | None
    open_db: float
    transmissions: int
    is_digital_silence: bool
    rssi_dbm: float | None


def hear(source: AudioSource, control: RadioControl | None, seconds: float, squelch: Squelch) -> "Meter":
    """Make a meter of an open source; iterate over it for readings, then ask what was measured."""
    return Meter(source, control, seconds, squelch)


class Meter:
    """Reads a source for a while. One thread only."""

    def __init__(
        self, source: AudioSource, control: RadioControl | None, seconds: float, squelch: Squelch
    ) -> None:
        self._source = source
        self._control = control
        self._seconds = seconds
        self._converter = Converter(source.format)
        self._segmenter = Segmenter(squelch)
        self._heard: list[Pcm] = []
        self._is_open: list[bool] = []
        self._readings: list[Reading] = []
        self._transmissions = 0

    def __iter__(self) -> Iterator[Reading]:
        """Yield readings until the time is over or the source ends. Raises DeviceLost."""
        deadline_s = time.monotonic() + self._seconds
        with contextlib.suppress(EndOfAudio):
            while time.monotonic() < deadline_s:
                frame = self._source.read(0.5)
                if frame is not None:
                    yield self._take(self._converter.feed(frame.pcm))

    def _take(self, pcm: Pcm) -> Reading:
        told = None
        if self._control is not None:
            with contextlib.suppress(DeviceError):
                told = self._control.carrier()
        carrier, rssi_dbm = (None, None) if told is None else (told.is_open, told.rssi_dbm)
        events = self._segmenter.feed(pcm, carrier, rssi_dbm)
        self._transmissions += sum(isinstance(event, Opened) for event in events)
        self._heard.append(pcm)
        self._is_open.append(self._segmenter.is_open)
        peak = float(np.max(np.abs(pcm.astype(np.int32)), initial=0)) / FULL_SCALE
        reading = Reading(
            level_dbfs(pcm), dbfs(peak**2), self._segmenter.floor_dbfs, self._segmenter.is_open,
            carrier, rssi_dbm,
        )  # fmt: skip
        self._readings.append(reading)
        return reading

    def measured(self) -> Measured:
        """Return what the stretch came to."""
        quiet = [
            pcm
            for at, pcm in enumerate(self._heard)
            if not any(self._is_open[max(0, at - _AROUND) : at + _AROUND + 1])
        ]
        voiced = [pcm for pcm, is_open in zip(self._heard, self._is_open, strict=True) if is_open]
        everything = _joined(self._heard)
        strengths = [one.rssi_dbm for one in self._readings if one.rssi_dbm is not None]
        return Measured(
            heard_s=len(everything) / RATE_HZ,
            floor_dbfs=self._segmenter.floor_dbfs,
            voice_dbfs=_loud(_joined(voiced)),
            clipped_share=clipped_share(_joined(voiced)),
            hum_dbfs=_hum(_joined(quiet)),
            open_db=_threshold(_joined(quiet)),
            transmissions=self._transmissions,
            is_digital_silence=bool(everything.size) and not everything.any(),
            rssi_dbm=max(strengths, default=None),
        )


def advise(measured: Measured, limits: LineLimits | None = None) -> list[str]:
    """Say what to turn, most pressing first; empty when all is well."""
    limits = limits or LineLimits()
    advice: list[str] = []
    if measured.heard_s == 0.0:
        return ["Nothing was delivered: check the device with radio-gateway doctor."]
    if measured.is_digital_silence:
        advice.append(
            "Only digital silence came: the input is muted, another profile of the card is active, or "
            "nothing is plugged in. Open the capture switch in alsamixer (F4)."
        )
        return advice
    if limits.clipped_share and measured.clipped_share >= limits.clipped_share:
        advice.append(
            f"{measured.clipped_share:.1%} of the samples are cut off: turn the radio's volume or the card's "
            "capture level down by 6 dB and measure again."
        )
    if limits.hum_dbfs and measured.hum_dbfs is not None and measured.hum_dbfs >= limits.hum_dbfs:
        advice.append(
            f"The mains hums at {measured.hum_dbfs:.0f} dBFS: put an isolating transformer into the audio "
            "line, and keep it away from power supplies."
        )
    low, high = _VOICE_BEST_DBFS
    voice = measured.voice_dbfs
    if voice is None:
        advice.append("Nobody was heard; have somebody speak on the channel to judge the level of voices.")
    elif voice < low:
        advice.append(
            f"Voices are at {voice:.0f} dBFS: turn the volume or the capture level up by "
            f"{low - voice:.0f} dB."
        )
    elif voice > high:
        advice.append(
            f"Voices are at {voice:.0f} dBFS: turn the volume or the capture level down by "
            f"{voice - high:.0f} dB."
        )
    if voice is not None and voice - measured.floor_dbfs < _CLEAR_DB:
        advice.append(
            f"Voices stand only {voice - measured.floor_dbfs:.0f} dB over the noise: use the radio's own "
            'squelch (kind = "carrier"), or a better aerial.'
        )
    return advice


def _joined(pieces: Sequence[Pcm]) -> Pcm:
    return np.concatenate([np.empty(0, np.int16), *pieces])


def _powers(audio: Pcm) -> np.ndarray:
    whole = audio[: len(audio) - len(audio) % BLOCK].reshape(-1, BLOCK)
    return np.asarray(measure(whole)[0] if len(whole) else np.empty(0))


def _loud(audio: Pcm) -> float | None:
    powers = _powers(audio)
    return dbfs(float(np.percentile(powers, 90))) if powers.size else None


def _hum(audio: Pcm) -> float | None:
    levels = [hum_of(audio[at : at + RATE_HZ]) for at in range(0, len(audio) - RATE_HZ + 1, RATE_HZ)]
    humming = [level for level, share in levels if share > 0.5]  # noqa: PLR2004 - most of the sound
    return middle(humming) if len(humming) * 2 > len(levels) else None


def _threshold(quiet: Pcm) -> float:
    """Return the setting of `open_db` that the quiet stretches stay under."""
    powers = _powers(quiet)
    if len(powers) < 10 * _QUIET_LEVEL_BLOCKS:
        return _OPEN_LEAST_DB
    levels = np.convolve(powers, np.ones(_QUIET_LEVEL_BLOCKS) / _QUIET_LEVEL_BLOCKS, "valid")
    floor = np.convolve(powers, np.ones(10) / 10, "valid").min()
    if floor <= 0.0:
        return _OPEN_LEAST_DB
    highest = 10.0 * float(np.log10(max(np.percentile(levels, 99.5), 1e-12) / floor))
    return max(_OPEN_LEAST_DB, float(np.ceil(2.0 * (highest + _OPEN_MARGIN_DB)) / 2.0))
