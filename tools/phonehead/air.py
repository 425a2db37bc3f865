"""Rougher air for training speech than `tools/channel.py` has: other noises, rooms, fading, codecs. Seeded.

Test corpora never go through this: their audio is `tools.channel.transmit` alone. Levels are relative to full
scale, SNR as in `tools.channel`.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tools.channel import RATE_HZ, Channel, Samples, active_power, band, transmit

Floats = npt.NDArray[np.float64]


def shaped(samples: npt.NDArray[np.floating], points_hz: list[float], gains_db: list[float]) -> Floats:
    """`samples` through a zero-phase filter, its gain in dB drawn straight between points on a log axis."""
    padded = len(samples) + RATE_HZ // 10
    octaves = np.log2(np.maximum(np.fft.rfftfreq(padded, 1 / RATE_HZ), 20.0))
    gain = 10 ** (np.interp(octaves, np.log2(points_hz), gains_db) / 20)
    return np.fft.irfft(np.fft.rfft(samples, padded) * gain, padded)[: len(samples)]


def slow(rng: np.random.Generator, samples: int, hz: float) -> Floats:
    """A Gaussian curve of deviation 1 that wanders about `hz` times a second."""
    knots = max(4, int(samples / RATE_HZ * hz * 2) + 4)
    return np.interp(np.linspace(0, knots - 1, samples), np.arange(knots), rng.standard_normal(knots))


def coloured(rng: np.random.Generator, samples: int) -> Floats:
    """Noise of a colour of its own: brown to violet, bumpy, at times crackling."""
    tilt_db = float(rng.uniform(-9, 6))
    points = [60.0 * 2**k for k in range(8)]
    gains = [tilt_db * k + float(rng.normal(0, 3)) for k in range(8)]
    noise = shaped(rng.standard_normal(samples), points, gains)
    if rng.random() < 0.3:
        # a few samples far above the others, as ignition and bad contacts make
        loud = rng.random(samples) < 10 ** rng.uniform(-3.5, -2)
        noise = noise + noise.std() * loud * rng.standard_normal(samples) * rng.uniform(5, 20)
    return noise


def siren(rng: np.random.Generator, samples: int) -> Floats:
    """A tone that wails or yelps between two pitches, with harmonics."""
    low, high = rng.uniform(400, 800), rng.uniform(1_000, 1_700)
    t = np.arange(samples) / RATE_HZ
    sweep = low + (high - low) * (0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(0.2, 4) * t + rng.uniform(0, 6)))
    phase = 2 * np.pi * np.cumsum(sweep) / RATE_HZ
    return np.sin(phase) + 0.4 * np.sin(2 * phase) + 0.2 * np.sin(3 * phase)


def engine(rng: np.random.Generator, samples: int) -> Floats:
    """A motor: many harmonics of an unsteady low pitch, and its hiss."""
    pitch = rng.uniform(22, 110) * (1 + 0.05 * slow(rng, samples, 0.7))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    tones = rng.uniform(0.3, 2) * coloured(rng, samples) / 50
    for k in range(1, 24):
        tones = tones + np.sin(k * phase + rng.uniform(0, 6)) / k ** rng.uniform(0.3, 1)
    return tones


def crowd(rng: np.random.Generator, samples: int, voices: list[Samples]) -> Floats:
    """Several people at once, each at a level of their own."""
    total = np.zeros(samples)
    for voice in voices:
        turned = np.roll(np.resize(voice, samples), int(rng.integers(samples)))
        total += float(rng.uniform(0.3, 1)) * turned[:: int(rng.choice([1, -1]))]
    return total


def behind(rng: np.random.Generator, samples: int, voices: list[Samples]) -> Floats:
    """Something else to hear where the speaker stands."""
    kind = int(rng.integers(6))
    if kind == 0:
        return crowd(rng, samples, voices[:1])
    if kind == 1:
        return crowd(rng, samples, voices)
    if kind == 2:
        return siren(rng, samples) * (0.6 + 0.4 * np.tanh(slow(rng, samples, 0.5)))
    if kind == 3:
        return engine(rng, samples)
    noise = coloured(rng, samples)
    return noise if kind == 4 else noise * np.exp(0.8 * slow(rng, samples, 1.5))


def room(rng: np.random.Generator, speech: npt.NDArray[np.floating]) -> Floats:
    """The speaker's distance from the microphone and its tone: echoes of a room, bass, treble, bumps."""
    heard = np.asarray(speech, np.float64)
    if rng.random() < 0.5:
        length = int(rng.uniform(0.08, 0.35) * RATE_HZ)
        echo = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
        echo *= 10 ** (rng.uniform(-18, -3) / 20) / np.sqrt((echo**2).sum())
        echo[0] += 1
        size = len(heard) + length
        heard = np.fft.irfft(np.fft.rfft(heard, size) * np.fft.rfft(echo, size), size)[: len(heard)]
    tilt = float(rng.uniform(-3, 3))
    gains = [tilt * k + float(rng.normal(0, 2)) for k in range(8)]
    return shaped(heard, [60.0 * 2**k for k in range(8)], gains)


def pumped(rng: np.random.Generator, speech: Floats) -> Floats:
    """An automatic gain that evens the level out, late."""
    power = np.convolve(speech**2, np.ones(RATE_HZ // 20) / (RATE_HZ // 20), "same")
    level = np.sqrt(np.maximum(power, power.max() * 10 ** (-rng.uniform(20, 40) / 10)))
    late = int(rng.uniform(0.005, 0.06) * RATE_HZ)
    gain = np.concatenate([np.full(late, level[0]), level])[: len(level)] ** -rng.uniform(0.3, 0.9)
    return speech * gain


def coded(rng: np.random.Generator, samples: Floats) -> Floats:
    """What a cheap codec or an IP link leaves: steps of loudness, or of each sound's spectrum."""
    peak = np.abs(samples).max() + 1e-9
    if rng.random() < 0.5:
        law: Floats = np.sign(samples) * np.log1p(255 * np.abs(samples) / peak) / np.log(256)
        steps = 2.0 ** rng.uniform(3, 6)
        law = np.round(law * steps) / steps
        loud: Floats = np.sign(law) * peak * np.expm1(np.abs(law) * np.log(256)) / 255
        return loud
    frame = 512
    padded = np.concatenate([np.zeros(frame), samples, np.zeros(2 * frame)])
    window = np.sqrt(np.hanning(frame + 1)[:-1])
    starts = range(0, len(padded) - frame, frame // 2)
    spectra = np.fft.rfft(np.stack([padded[s : s + frame] * window for s in starts]))
    step_db, floor = float(rng.uniform(2, 8)), peak * 1e-3
    level_db = 20 * np.log10(np.abs(spectra) + floor)
    spectra = 10 ** (np.round(level_db / step_db) * step_db / 20) * np.exp(
        1j * (np.angle(spectra) + rng.uniform(0, 1.2) * rng.standard_normal(spectra.shape))
    )
    spectra[10 ** (level_db / 20) < floor * 10 ** rng.uniform(0, 1)] = 0
    result = np.zeros(len(padded))
    for start, piece in zip(starts, np.fft.irfft(spectra, frame), strict=True):
        result[start : start + frame] += piece * window
    return result[frame : frame + len(samples)]


def received(rng: np.random.Generator, speech: Floats, snr_db: float, channel: Channel) -> Floats:
    """Noise of the air: of any colour, steady or fading fast or slowly, with clicks, a pilot tone or hum."""
    noise = coloured(rng, len(speech)) if rng.random() < 0.6 else rng.standard_normal(len(speech))
    noise = band(noise, channel.low_hz, channel.high_hz).astype(np.float64)
    kind = rng.random()
    if kind < 0.35:
        # flutter of somebody who moves: the carrier fades and the noise rises as the speech sinks
        depth = np.exp(rng.uniform(0.3, 1.1) * slow(rng, len(speech), float(rng.choice([0.5, 2, 6, 15]))))
        speech, noise = speech / np.maximum(depth, 0.6) ** 0.5, noise * depth
    wanted = (active_power(speech) or 0.01) / 10 ** (snr_db / 10)
    heard: Floats = speech + noise * np.sqrt(wanted / ((noise**2).mean() + 1e-12))
    loud = np.sqrt(active_power(speech) or 0.01)
    if rng.random() < 0.25:
        t = np.arange(len(speech)) / RATE_HZ
        tone = rng.choice([50.0, 100.0, 67.0, 88.5, 110.9, 146.2, 203.5, 250.3])
        heard = heard + loud * rng.uniform(0.05, 0.5) * np.sin(2 * np.pi * tone * t)
    if kind > 0.85:
        for _ in range(int(rng.integers(1, 5))):
            at, gap = int(rng.integers(len(speech))), int(rng.uniform(0.01, 0.08) * RATE_HZ)
            heard[at : at + gap] *= 0 if rng.random() < 0.5 else 1
            heard[at : at + 60] += loud * rng.uniform(0.5, 3) * rng.standard_normal(len(heard[at : at + 60]))
    return heard


def rough_air(clean: Samples, channel: Channel, seed: int, voices: list[Samples]) -> Samples:
    """`clean` as one radio among many kinds hands it over; `voices` are others near the speaker."""
    rng = np.random.default_rng([seed, 7])
    speech = room(rng, clean) if rng.random() < 0.5 else np.asarray(clean, np.float64)
    if rng.random() < 0.4:
        other = behind(rng, len(speech), voices)
        wanted = active_power(speech) / 10 ** (rng.uniform(5, 22) / 10)
        speech = speech + other * np.sqrt(wanted / (active_power(other) + 1e-12))
    if rng.random() < 0.25:
        speech = pumped(rng, speech)
    if channel.snr_db is None or rng.random() < 0.35:
        heard = transmit(speech, channel, seed).astype(np.float64)
    else:
        quiet = replace(channel, snr_db=None, squelch_tail_s=0.0)
        heard = received(rng, transmit(speech, quiet, seed).astype(np.float64), channel.snr_db, channel)
        if channel.squelch_tail_s:
            burst = coloured(rng, int(channel.squelch_tail_s * RATE_HZ))
            heard = np.concatenate([heard, rng.uniform(0.05, 1) * heard.std() * burst / (burst.std() + 1e-9)])
    if rng.random() < 0.2:
        heard = coded(rng, heard)
    peak = float(np.abs(heard).max())
    return (channel.level * heard / peak if peak else heard).astype(np.float32)
