"""A radio channel for clean speech: what an intercom does to a voice, seeded so that every run is the same.

Order, as in a real set: the microphone amplifier and its limiter, the 300 to 3,000 Hz audio band, the air
(noise), the squelch at both ends. **SNR** here is the mean power of the band-limited speech *while it is
active* (20 ms frames within 30 dB of the loudest one) over the mean power of the noise in the same band, in
dB; None is no noise.
NumPy only: tests use this at run time on the clean recordings under `tests/data/calls`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

RATE_HZ = 16_000
FRAME = 320

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Channel:
    """How one radio sounds. All levels are relative to full scale (1.0)."""

    snr_db: float | None = 20.0
    low_hz: float = 300.0
    high_hz: float = 3_000.0
    drive: float = 2.2
    """How hard the limiter is driven: tanh(drive × speech / its peak); 0 is no limiter."""
    key_up: Literal["clean", "cut", "click"] = "clean"
    """cut: the first 60 to 160 ms of speech are lost; click: a relay click before the speech."""
    squelch_tail_s: float = 0.12
    """Length of the noise burst after the carrier drops; 0 is none."""
    lead_s: float = 0.1
    """Open carrier (noise only) before the speech."""
    tail_s: float = 0.15
    """Open carrier after the speech."""
    level: float = 0.5
    """Peak of the result."""


CLEAN = Channel(snr_db=None, drive=0.0, squelch_tail_s=0.0)


def band(samples: npt.NDArray[np.floating], low_hz: float, high_hz: float) -> Samples:
    """Keep low_hz to high_hz with 100 Hz wide raised-cosine edges. Zero phase, whole clip at once."""
    if not len(samples):
        return np.zeros(0, np.float32)
    padded = len(samples) + RATE_HZ // 10
    spectrum = np.fft.rfft(samples, padded)
    frequency = np.fft.rfftfreq(padded, 1 / RATE_HZ)
    rise = np.clip((frequency - low_hz) / 100 + 0.5, 0, 1)
    fall = np.clip((high_hz - frequency) / 100 + 0.5, 0, 1)
    gain = np.sin(np.pi / 2 * rise) ** 2 * np.sin(np.pi / 2 * fall) ** 2
    return np.fft.irfft(spectrum * gain, padded)[: len(samples)].astype(np.float32)


def active_power(samples: npt.NDArray[np.floating]) -> float:
    """Mean power of the 20 ms frames within 30 dB of the loudest frame; 0.0 for silence or no samples."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    power = (frames.astype(np.float64) ** 2).mean(1)
    if not len(power) or power.max() <= 0:
        return 0.0
    return float(power[power >= power.max() / 1_000].mean())


def transmit(speech: npt.NDArray[np.floating], channel: Channel, seed: int) -> Samples:
    """One key-up: `speech` (mono, 16 kHz, −1 to 1) as the receiver hands it over. Same seed, same samples."""
    rng = np.random.default_rng(seed)
    clean = np.asarray(speech, np.float64)
    if channel.key_up == "cut":
        clean = clean[_first_sound(clean) + int(rng.uniform(0.06, 0.16) * RATE_HZ) :]
    peak = float(np.abs(clean).max()) if len(clean) else 0.0
    if channel.drive and peak:
        clean = np.tanh(channel.drive * clean / peak)
    lead, tail = int(channel.lead_s * RATE_HZ), int(channel.tail_s * RATE_HZ)
    clean = np.concatenate([np.zeros(lead), clean, np.zeros(tail)])
    if channel.key_up == "click":
        at = lead // 2
        clean[at : at + 24] += rng.uniform(-1, 1, 24) * np.linspace(1, 0, 24) * (np.abs(clean).max() or 0.5)
    heard = band(clean, channel.low_hz, channel.high_hz).astype(np.float64)
    if channel.snr_db is not None:
        heard = heard + _noise(len(heard), channel, active_power(heard), rng)
    if channel.squelch_tail_s:
        burst = band(rng.standard_normal(int(channel.squelch_tail_s * RATE_HZ)), 300, 3_400)
        loud = np.sqrt(active_power(heard)) or 0.1
        heard = np.concatenate([heard, 0.6 * loud * burst / (burst.std() + 1e-9)])
    peak = float(np.abs(heard).max()) if len(heard) else 0.0
    return (channel.level * heard / peak if peak else heard).astype(np.float32)


def _first_sound(clean: npt.NDArray[np.float64]) -> int:
    loud = np.flatnonzero(np.abs(clean) > 0.02 * (np.abs(clean).max() if len(clean) else 1.0))
    return int(loud[0]) if len(loud) else 0


def _noise(
    samples: int, channel: Channel, speech_power: float, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Band-limited noise at the channel's SNR below `speech_power` (below −20 dB full scale if no speech)."""
    noise = band(rng.standard_normal(samples), channel.low_hz, channel.high_hz).astype(np.float64)
    own = float((noise**2).mean()) if samples else 0.0
    wanted = (speech_power or 0.01) / 10 ** (float(channel.snr_db or 0.0) / 10)
    return noise * np.sqrt(wanted / own) if own else noise


@dataclass(frozen=True, slots=True)
class Placed:
    """Where one transmission lies in a conversation, in seconds from its start."""

    start_s: float
    end_s: float


def conversation(
    transmissions: list[Samples], seed: int, gap_s: tuple[float, float] = (1.5, 4.0), floor: float = 1e-4
) -> tuple[Samples, list[Placed]]:
    """Join transmissions into one recording of the radio's audio, with gaps of squelched near-silence.

    `gap_s` is the range the gaps are drawn from, `floor` the RMS of the sound card's own hiss.
    """
    rng = np.random.default_rng(seed)
    pieces: list[npt.NDArray[np.float32]] = []
    placed: list[Placed] = []
    at = 0
    for transmission in transmissions:
        gap = int(rng.uniform(*gap_s) * RATE_HZ)
        pieces += [np.zeros(gap, np.float32), transmission]
        placed.append(Placed((at + gap) / RATE_HZ, (at + gap + len(transmission)) / RATE_HZ))
        at += gap + len(transmission)
    pieces.append(np.zeros(int(gap_s[1] * RATE_HZ), np.float32))
    joined = np.concatenate(pieces)
    joined += (floor * rng.standard_normal(len(joined))).astype(np.float32)
    return joined, placed
