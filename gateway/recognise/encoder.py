"""Whisper's encoder: audio in, 512 numbers for each 20 ms out, for whoever wants to read them.

The encoder costs most of a decode, so it runs once for each stretch of at most 30 s and both readers, the
text decoder and the phone head, are given the same result. It is given the stretch without the channel's
steady noise, which neither reader likes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.errors import ModelUnavailable
from gateway.model import RATE_HZ, Pcm, PhoneEvidence
from gateway.recognise import models
from gateway.recognise.denoise import denoised
from gateway.recognise.vad import FRAME_SAMPLES

Frames = npt.NDArray[np.float32]
"""One row of the encoder's numbers for each FRAME_STEP_SAMPLES of audio."""
PhoneHead = Callable[[Frames], PhoneEvidence]

FRAME_STEP_SAMPLES = 320
WINDOW_S = 30
FITTED_LEAST_S = 15
FITTED_SILENCE_S = 5
FITTED_STEP_S = 5
MEL_STEP_SAMPLES = 160
CUT_SEARCH_S = 6
_FULL_SCALE = 32768.0
_CUT_SAMPLES = 2560
"""Both the encoder's step and the voice detector's divide it, so joined windows keep one 20 ms grid."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a transmission, at most 30 s, in samples from the transmission's start."""

    start: int
    stop: int


def windows(samples: int, speech: npt.NDArray[np.float32]) -> tuple[Window, ...]:
    """Cut a transmission into stretches of at most 30 s, where the voice is least likely.

    `speech` are the voice detector's probabilities for the same samples.
    """
    most = WINDOW_S * RATE_HZ
    cuts = [0]
    while samples - cuts[-1] > most:
        latest = (cuts[-1] + most) // _CUT_SAMPLES * _CUT_SAMPLES
        places = range(latest, latest - CUT_SEARCH_S * RATE_HZ, -_CUT_SAMPLES)
        cuts.append(min(places, key=lambda place: _voice_around(speech, place)))
    edges = [*cuts, samples]
    return tuple(Window(start, stop) for start, stop in pairwise(edges))


def _voice_around(speech: npt.NDArray[np.float32], place: int) -> float:
    at = place // FRAME_SAMPLES
    return float(speech[max(0, at - 2) : at + 2].max(initial=0.0))


@dataclass(frozen=True, slots=True)
class Encoded:
    """One window after the encoder: `storage` is CTranslate2's own array, `frames` the real audio's rows."""

    window: Window
    storage: Any
    frames: Frames


class Encoder:
    """Whisper's model files, loaded once. Several threads may call; they take turns inside CTranslate2."""

    def __init__(
        self, folder: Path, threads: int = 0, name: str = "whisper-base", *, fitted: bool = False
    ) -> None:
        """Check the model's files and load them. `threads` 0 lets CTranslate2 choose.

        Whisper was trained on stretches filled up with silence to 30 s. `fitted` fills a short call up to
        5 s more than it lasts only, at least 15 s: less than half the work, and frames that differ a little.

        Raises:
            ModelUnavailable: faster-whisper is missing, or a file is missing or damaged.
        """
        models.check_before_load(models.known(name), folder)
        self.whisper = _load(folder, threads)
        self._fitted = fitted

    def encode(self, audio: Pcm, window: Window) -> Encoded:
        """Run the encoder over one window of mono 16 kHz audio. Blocks; releases the GIL.

        Raises:
            ModelUnavailable: the engine failed.
        """
        real = window.stop - window.start
        samples = denoised(audio[window.start : window.stop].astype(np.float32) / _FULL_SCALE)
        mel = self.whisper.feature_extractor(samples)[:, : -(-real // MEL_STEP_SAMPLES)]
        width = (fitted_s(real / RATE_HZ) if self._fitted else WINDOW_S) * RATE_HZ // MEL_STEP_SAMPLES
        padded = np.pad(mel, ((0, 0), (0, max(0, width - mel.shape[1]))))[:, :width]
        try:
            storage = self.whisper.encode(padded)
            rows = np.array(storage, dtype=np.float32)[0][: -(-real // FRAME_STEP_SAMPLES)]
        except (RuntimeError, ValueError) as fault:
            raise ModelUnavailable(f"Whisper's encoder failed: {fault}") from fault
        return Encoded(window, storage, rows)


def fitted_s(audio_s: float) -> int:
    """Return how many seconds a call of `audio_s` is filled up to where the context is fitted."""
    steps = math.ceil((audio_s + FITTED_SILENCE_S) / FITTED_STEP_S)
    return min(WINDOW_S, max(FITTED_LEAST_S, steps * FITTED_STEP_S))


def read_phones(head: PhoneHead, encoded: tuple[Encoded, ...]) -> PhoneEvidence:
    """Give the phone head every window of one transmission as one stretch of 20 ms rows."""
    return head(np.concatenate([part.frames for part in encoded], axis=0))


def _load(folder: Path, threads: int) -> Any:
    try:
        from faster_whisper import WhisperModel  # noqa: PLC0415 - takes a second; a Vosk station never needs it
    except ImportError as fault:
        raise ModelUnavailable(f"faster-whisper cannot be imported ({fault}); run make setup") from fault
    try:
        return WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
        )
    except Exception as fault:
        # CTranslate2 and the tokenizer raise bare exceptions of their own kinds.
        raise ModelUnavailable(f"{folder}: Whisper cannot be loaded ({fault})") from fault
