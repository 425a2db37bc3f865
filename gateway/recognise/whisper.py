"""Whisper through CTranslate2: one encoder pass for each 30 s, read by the text decoder and the phone head.

No prompt is ever given: a prompt with the domain's words comes back as the text of a noisy call. Audio in
which the voice detector hears nobody is never decoded, because Whisper writes sentences into noise. A
decode that runs in circles is tried once more with repeats forbidden; nothing is sampled, so the same audio
gives the same words.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.errors import ModelUnavailable
from gateway.model import RATE_HZ, Pcm, Transcript
from gateway.recognise import guard
from gateway.recognise.cross import cross_doubts
from gateway.recognise.encoder import Encoded, Encoder, PhoneHead, read_phones, windows
from gateway.recognise.vad import FRAME_SAMPLES, SpeechProbabilities, Vad, voiced_s
from gateway.understand.normalise import normalise

BEAM = 5
ALTERNATIVES = 3
TOKENS_PER_S = 16
LEAST_TOKENS = 24
MOST_TOKENS = 220
RETRY_NGRAM = 4


@dataclass(frozen=True, slots=True)
class _Reading:
    text: str
    others: tuple[str, ...]
    log_prob: float
    no_speech: float
    tokens: int
    cut_short: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """One window's reading, and whether its words may be passed on."""

    reading: _Reading
    doubts: tuple[str, ...]
    believed: bool


class WhisperRecogniser:
    """Reads Mandarin with Whisper. Any number of threads may call `transcribe`."""

    engine = "whisper"

    def __init__(
        self,
        folder: Path,
        vad: Vad,
        *,
        model: str = "whisper-base",
        language: str = "zh",
        threads: int = 0,
        phone_head: PhoneHead | None = None,
        fitted: bool = False,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check and load the model in `folder`; `threads` 0 lets CTranslate2 choose, `fitted` as in Encoder.

        Raises:
            ModelUnavailable: a file is missing or damaged, or the engine is not installed.
        """
        self.model = model
        self._language = language
        self._vad = vad
        self._phone_head = phone_head
        self._timer = timer
        self._encoder: Encoder | None = Encoder(folder, threads, model, fitted=fitted)
        self._prompt, self._suppressed, self._tokenizer = _vocabulary(self._encoder.whisper, language)

    def transcribe(self, audio: Pcm, speech: SpeechProbabilities | None = None) -> Transcript:
        """Turn mono 16 kHz samples into a transcript; `words` stays empty, Whisper gives no times here.

        Raises:
            ModelUnavailable: the model was closed or failed while decoding.
        """
        encoder = self._encoder
        if encoder is None:
            raise ModelUnavailable("the Whisper recogniser was closed")
        started = self._timer()
        if speech is None:
            speech = self._vad.speech_probabilities(audio)
        if voiced_s(speech) < guard.LEAST_SPEECH_S:
            return Transcript("", "", self.engine, self.model, self._timer() - started)
        encoded = tuple(encoder.encode(audio, window) for window in windows(len(audio), speech))
        phones = read_phones(self._phone_head, encoded) if self._phone_head is not None else None
        parts: list[_Part] = []
        for one in encoded:
            first, last = one.window.start // FRAME_SAMPLES, -(-one.window.stop // FRAME_SAMPLES)
            heard_s = voiced_s(speech[first:last])
            if heard_s >= guard.LEAST_SPEECH_S:
                parts.append(self._part(encoder.whisper, one, heard_s))
        if parts and all(guard.ONLY_A_NOISE in part.doubts for part in parts):
            phones = None  # names would be found in a barking dog
        spoken = [part for part in parts if part.believed]
        raw = " ".join(part.reading.text for part in parts)
        text = normalise(" ".join(guard.clean(part.reading.text) for part in spoken))
        doubts = [reason for part in parts for reason in part.doubts]
        return Transcript(
            text=text,
            raw=raw,
            engine=self.engine,
            model=self.model,
            decode_s=self._timer() - started,
            confidence=_confidence(spoken),
            alternatives=_alternatives(spoken),
            doubts=tuple(dict.fromkeys([*doubts, *cross_doubts(text, phones)])),
            phones=phones,
        )

    def close(self) -> None:
        """Let go of the model; its memory is freed when the last running decode ends."""
        self._encoder = None

    def _part(self, whisper: Any, encoded: Encoded, heard_s: float) -> _Part:
        audio_s = (encoded.window.stop - encoded.window.start) / RATE_HZ
        most_tokens = min(MOST_TOKENS, LEAST_TOKENS + round(TOKENS_PER_S * audio_s))
        reading = self._decode(whisper, encoded, most_tokens)
        if _in_circles(reading):
            again = self._decode(whisper, encoded, most_tokens, forbid_repeats=True)
            reading = again if not _in_circles(again) else reading
        evidence = guard.Evidence(
            audio_s, heard_s, reading.no_speech, reading.log_prob, languages=(self._language,)
        )
        return _Part(
            reading, guard.doubts(reading.text, evidence), not guard.nothing_said(reading.text, evidence)
        )

    def _decode(
        self, whisper: Any, encoded: Encoded, most_tokens: int, *, forbid_repeats: bool = False
    ) -> _Reading:
        try:
            result = whisper.model.generate(
                encoded.storage,
                [self._prompt],
                beam_size=BEAM,
                num_hypotheses=ALTERNATIVES,
                no_repeat_ngram_size=RETRY_NGRAM if forbid_repeats else 0,
                max_length=len(self._prompt) + most_tokens,
                return_scores=True,
                return_no_speech_prob=True,
                suppress_blank=True,
                suppress_tokens=self._suppressed,
            )[0]
        except (RuntimeError, ValueError) as fault:
            raise ModelUnavailable(f"Whisper failed while decoding: {fault}") from fault
        texts = [self._tokenizer.decode(ids).strip() for ids in result.sequences_ids]
        tokens = len(result.sequences_ids[0])
        # CTranslate2's score is the mean over the tokens without the end mark; Whisper's counts it too.
        log_prob = result.scores[0] * tokens / (tokens + 1)
        return _Reading(
            texts[0], tuple(texts[1:]), log_prob, result.no_speech_prob, tokens, tokens >= most_tokens
        )


def _vocabulary(whisper: Any, language: str) -> tuple[list[int], list[int], Any]:
    from faster_whisper.tokenizer import Tokenizer  # noqa: PLC0415 - after the model, so it is there

    tokenizer = Tokenizer(whisper.hf_tokenizer, multilingual=True, task="transcribe", language=language)
    marks = (
        tokenizer.transcribe,
        tokenizer.translate,
        tokenizer.sot,
        tokenizer.sot_prev,
        tokenizer.sot_lm,
        tokenizer.no_speech,
    )
    suppressed = sorted({*tokenizer.non_speech_tokens, *marks})
    return [*tokenizer.sot_sequence, tokenizer.no_timestamps], suppressed, tokenizer


def _in_circles(reading: _Reading) -> bool:
    return (
        reading.cut_short
        or guard.repeats(reading.text) > guard.REPEATS
        or guard.compression_ratio(reading.text) > guard.COMPRESSION_HIGH
    )


def _confidence(spoken: list[_Part]) -> float | None:
    tokens = sum(part.reading.tokens for part in spoken)
    if tokens == 0:
        return None
    return math.exp(min(0.0, sum(part.reading.log_prob * part.reading.tokens for part in spoken) / tokens))


def _alternatives(spoken: list[_Part]) -> tuple[str, ...]:
    if len(spoken) != 1:
        return ()
    reading = spoken[0].reading
    best = normalise(guard.clean(reading.text))
    others = dict.fromkeys(normalise(guard.clean(text)) for text in reading.others)
    return tuple(text for text in others if text and text != best)
