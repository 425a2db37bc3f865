"""Vosk (Kaldi): small, quick, with times and a confidence for each word.

The C++ library ends the whole process when a model file is damaged, so every file is checked before it is
given one. Times count from the birth of a KaldiRecognizer, so each transmission gets a fresh one; it is only
ever fed and asked once at the end, which loses nothing and gives one transcript for one transmission.
"""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.errors import ModelUnavailable
from gateway.model import RATE_HZ, Pcm, PhoneEvidence, Transcript, Word
from gateway.recognise import guard, models
from gateway.recognise.catalogue import Model
from gateway.recognise.cross import cross_doubts
from gateway.recognise.encoder import Encoder, PhoneHead, read_phones, windows
from gateway.recognise.vad import SpeechProbabilities, Vad, voiced_s
from gateway.understand.normalise import normalise

CHUNK_SAMPLES = RATE_HZ // 4
QUIET = -1

_BETWEEN_HAN = re.compile(r"(?<=[\u3400-\u9fff]) +(?=[\u3400-\u9fff])")


class VoskRecogniser:
    """Reads one language with a Vosk model. Any number of threads may call `transcribe` at once."""

    engine = "vosk"

    def __init__(
        self,
        folder: Path,
        model: Model,
        vad: Vad,
        *,
        debug: bool = False,
        phones: tuple[Encoder, PhoneHead] | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check and load the model in `folder`. `debug` lets Kaldi talk on standard error.

        `phones` runs Whisper's encoder and the phone head beside Vosk, to hear who is calling.

        Raises:
            ModelUnavailable: a file is missing or damaged, or vosk is not installed.
        """
        self.model = model.name
        self._language = model.language
        self._vad = vad
        self._phones = phones
        self._timer = timer
        models.check_before_load(model, folder)
        self._vosk, self._loaded = _load(folder, debug=debug)

    def transcribe(self, audio: Pcm, speech: SpeechProbabilities | None = None) -> Transcript:
        """Turn mono 16 kHz samples into a transcript with words, their times and confidences.

        Raises:
            ModelUnavailable: the model was closed or failed while decoding.
        """
        loaded = self._loaded
        if loaded is None:
            raise ModelUnavailable("the Vosk recogniser was closed")
        started = self._timer()
        if speech is None:
            speech = self._vad.speech_probabilities(audio)
        heard_s = voiced_s(speech)
        if heard_s < guard.LEAST_SPEECH_S:
            return Transcript("", "", self.engine, self.model, self._timer() - started)
        told = self._decode(loaded, audio)
        raw = str(told.get("text", ""))
        words = tuple(
            Word(word["word"], float(word["start"]), float(word["end"]), float(word["conf"]))
            for word in told.get("result", ())
        )
        confidence = _confidence(words)
        evidence = guard.Evidence(
            len(audio) / RATE_HZ, heard_s, confidence=confidence, languages=(self._language,)
        )
        text = "" if guard.nothing_said(raw, evidence) else normalise(guard.clean(join_words(raw)))
        phones = self._hear_phones(audio, speech)
        return Transcript(
            text=text,
            raw=raw,
            engine=self.engine,
            model=self.model,
            decode_s=self._timer() - started,
            confidence=confidence,
            words=words,
            doubts=(*guard.doubts(raw, evidence), *cross_doubts(text, phones)),
            phones=phones,
        )

    def close(self) -> None:
        """Let go of the model; its memory is freed when the last running decode ends."""
        self._loaded = None

    def _decode(self, loaded: Any, audio: Pcm) -> dict[str, Any]:
        pcm = audio.astype("<i2").tobytes()
        step = CHUNK_SAMPLES * 2
        try:
            recognizer = self._vosk.KaldiRecognizer(loaded, RATE_HZ)
            recognizer.SetWords(True)
            for start in range(0, len(pcm), step):
                recognizer.AcceptWaveform(pcm[start : start + step])
            told: dict[str, Any] = json.loads(recognizer.FinalResult())
        except Exception as fault:
            # vosk raises bare Exception for everything.
            raise ModelUnavailable(f"Vosk failed while decoding: {fault}") from fault
        return told

    def _hear_phones(self, audio: Pcm, speech: Any) -> PhoneEvidence | None:
        if self._phones is None:
            return None
        encoder, head = self._phones
        return read_phones(
            head, tuple(encoder.encode(audio, window) for window in windows(len(audio), speech))
        )


def join_words(text: str) -> str:
    """Return `text` without the spaces Vosk puts between Chinese words."""
    return _BETWEEN_HAN.sub("", text)


def _confidence(words: tuple[Word, ...]) -> float | None:
    weights = [max(0.01, word.end_s - word.start_s) for word in words]
    if not weights:
        return None
    told = sum((word.confidence or 0.0) * weight for word, weight in zip(words, weights, strict=True))
    return min(1.0, told / sum(weights))


def _load(folder: Path, *, debug: bool) -> tuple[Any, Any]:
    try:
        import vosk  # noqa: PLC0415 - pulls in requests and a 26 MB library
    except (ImportError, OSError) as fault:
        raise ModelUnavailable(f"vosk cannot be imported ({fault}); run make setup") from fault
    if not debug:
        vosk.SetLogLevel(QUIET)
    try:
        return vosk, vosk.Model(str(folder))
    except Exception as fault:
        raise ModelUnavailable(f"{folder}: Vosk cannot load this model ({fault})") from fault
