"""What a complete transmission is, before anyone tries to read words in it.

Words are never looked for in anything but speech, because a recogniser given noise invents sentences. So the
voice-activity detector has to hear a voice, and the level has to move as no buzzing supply's does, which
detectors take for a voice. The rest is sorted by shape: energy that stays in one or two lines is a tone, a
short key-up without anything on it a kerchunk, what is left noise.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gateway.hear.audio import FULL_SCALE, QUIETEST_DBFS, dbfs
from gateway.hear.floor import BLOCK, measure
from gateway.model import RATE_HZ, Pcm, SoundClass

VAD_HOP = 512
"""Samples per speech probability."""

_SPEECH_PROBABILITY = 0.5
_SPEECH_LEAST_S = 0.2
"""A "收到" cut out of a sentence gives 0.22 s or more, narrow noise and chords 0.13 s at most."""
_KERCHUNK_LONGEST_S = 1.0
_TONE_FRAME = 1024
_TONE_LINES = 2
_TONE_LINE_SHARE = 0.8
_TONE_FRAMES_SHARE = 0.8
"""Tones measure over 0.9, the most even of 125 calls 0.75."""
_LOUD_WITHIN_DB = 15.0
_CLIPPED_AT = 32_600
_FLAT_TOP_SHARE = 0.97
_STEADY_DB = 0.6
"""Spread of 0.1 s levels under which a machine hums; a second of speech measures at least 1.5 dB."""
_STEADY_LEAST = 5
_MODULATION_DB = 2.5
"""Without a detector: the spread of 0.1 s levels from which a sound may be speech.

Noise measures under 1 dB, the most even of 125 calls 3.
"""


@dataclass(frozen=True, slots=True)
class Classification:
    """What a transmission is and how well it was received.

    `speech_s` is how long a voice was heard. `level_dbfs` is the RMS level of its loud parts, `snr_db` how
    far the loud parts stand over the quiet ones in the speech band, `clipped_share` the share of samples cut
    off.
    """

    sound_class: SoundClass
    speech_s: float
    level_dbfs: float
    snr_db: float
    clipped_share: float


def classify(audio: Pcm, speech_probabilities: npt.NDArray[np.float32] | None) -> Classification:
    """Judge one transmission. `speech_probabilities` has one value per 512 samples, None without a detector.

    Without a detector, a sound that is no tone, lasts longer than a kerchunk and swells and fades as speech
    does is taken for speech: losing a report would be worse than trying to read noise.
    """
    loud = _loud_blocks(audio)
    loud_s = float(np.count_nonzero(loud)) * BLOCK / RATE_HZ
    is_tone = tone_share(audio) >= _TONE_FRAMES_SHARE
    if speech_probabilities is None:
        speech_s = 0.0 if is_tone or not _swells(audio) else loud_s
    else:
        speech_s = float(np.count_nonzero(speech_probabilities >= _SPEECH_PROBABILITY)) * VAD_HOP / RATE_HZ
    if speech_s >= _SPEECH_LEAST_S and not is_steady(audio):
        sound_class = SoundClass.SPEECH
    elif is_tone:
        sound_class = SoundClass.TONE
    elif loud_s < _KERCHUNK_LONGEST_S:
        sound_class = SoundClass.KERCHUNK
    else:
        sound_class = SoundClass.NOISE
    return Classification(
        sound_class=sound_class,
        speech_s=round(speech_s, 3),
        level_dbfs=round(_loud_level(audio, loud), 1),
        snr_db=round(_snr(audio), 1),
        clipped_share=round(clipped_share(audio), 5),
    )


def tone_share(audio: Pcm) -> float:
    """Return the share of the sound's loud 64 ms frames that are a steady tone.

    Such a frame has its energy in at most two narrow lines, and the stronger one stays where it was in the
    frame before or after; the harmonics of a voice move.
    """
    frames = _frames(audio, _TONE_FRAME)
    if not len(frames):
        return 0.0
    window = np.hanning(_TONE_FRAME + 1)[:-1]
    spectrum = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    # Hum and rumble under the speech band are no tones that anybody sent.
    spectrum = spectrum[:, 200 * _TONE_FRAME // RATE_HZ :]
    total = spectrum.sum(axis=1)
    is_loud = total > total.max() * 10.0 ** (-_LOUD_WITHIN_DB / 10.0)
    spectrum, total = spectrum[is_loud], total[is_loud]
    if not total.any():
        return 0.0
    lines = np.zeros((len(total), _TONE_LINES), dtype=np.int64)
    in_lines = np.zeros(len(total))
    rows = np.arange(len(total))[:, np.newaxis]
    for strength in range(_TONE_LINES):
        lines[:, strength] = spectrum.argmax(axis=1)
        around = np.clip(lines[:, [strength]] + np.arange(-3, 4), 0, spectrum.shape[1] - 1)
        in_lines += spectrum[rows, around].sum(axis=1)
        spectrum[rows, around] = 0.0
    # Of two equal lines now one, now the other is the stronger.
    stays = (np.abs(lines[1:, [0]] - lines[:-1]) <= 1).any(axis=1)
    is_steady = np.zeros(len(total), dtype=bool)
    is_steady[1:] |= stays
    is_steady[:-1] |= stays
    return float(np.mean(is_steady & (in_lines >= _TONE_LINE_SHARE * total)))


def clipped_share(audio: Pcm) -> float:
    """Return the share of samples at full scale or on the flat tops of a signal clipped lower down."""
    if not audio.size:
        return 0.0
    size = np.abs(audio.astype(np.int32))
    peak = int(size.max())
    at_top = size >= max(1000, int(peak * _FLAT_TOP_SHARE))
    flat = np.zeros(len(size), dtype=bool)
    same = (audio[1:] == audio[:-1]) & at_top[1:]
    flat[1:] |= same
    flat[:-1] |= same
    return float(np.mean(flat | (size >= _CLIPPED_AT)))


def _frames(audio: Pcm, length: int) -> npt.NDArray[np.float64]:
    """Cut into whole frames; a sound shorter than one is filled up with silence."""
    if 0 < len(audio) < length:
        audio = np.pad(audio, (0, length - len(audio)))
    return audio[: len(audio) - len(audio) % length].reshape(-1, length) / FULL_SCALE


def _block_powers(audio: Pcm) -> npt.NDArray[np.float64]:
    return np.asarray(np.mean(_frames(audio, BLOCK) ** 2, axis=1))


def _loud_blocks(audio: Pcm) -> npt.NDArray[np.bool_]:
    powers = _block_powers(audio)
    if not powers.any():
        return np.zeros(len(powers), dtype=bool)
    loud: npt.NDArray[np.bool_] = powers > np.percentile(powers, 95) * 10.0 ** (-_LOUD_WITHIN_DB / 10.0)
    return loud


def _loud_level(audio: Pcm, loud: npt.NDArray[np.bool_]) -> float:
    return dbfs(float(np.mean(_block_powers(audio)[loud]))) if loud.any() else QUIETEST_DBFS


def _snr(audio: Pcm) -> float:
    frames = _frames(audio, BLOCK)
    if not len(frames):
        return 0.0
    powers, _ = measure(np.rint(frames * FULL_SCALE).astype(np.int16))
    # A 16-bit recording cannot be cleaner than its rounding, which is near -98 dBFS.
    quiet = max(float(np.percentile(powers, 10)), 1e-9)
    return max(0.0, dbfs(float(np.percentile(powers, 95))) - dbfs(quiet))


def is_steady(audio: Pcm) -> bool:
    """Whether the sound keeps one level throughout, as machines do and nobody who speaks does."""
    levels = np.sort(_tenths_db(audio, _LOUD_WITHIN_DB))[1:]
    return len(levels) >= _STEADY_LEAST and float(np.std(levels)) < _STEADY_DB


def _swells(audio: Pcm) -> bool:
    levels = _tenths_db(audio, 2 * _LOUD_WITHIN_DB)
    return len(levels) > 1 and float(np.std(levels)) > _MODULATION_DB


def _tenths_db(audio: Pcm, within_db: float) -> npt.NDArray[np.float64]:
    """Return the levels of the 0.1 s stretches that are at most `within_db` under the loudest."""
    powers = np.mean(_frames(audio, 5 * BLOCK) ** 2, axis=1)
    powers = powers[powers > max(1e-12, float(powers.max(initial=0.0)) * 10.0 ** (-within_db / 10.0))]
    return np.asarray(10.0 * np.log10(powers))
