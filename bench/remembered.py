"""What Whisper made of a recording, kept: decoding is slow, and what is made of it changes every hour.

The encoder's frames and the decoder's words are kept under `.cache/bench/heard` by the SHA-256 of the audio
as the encoder is given it and the model's name, so that a better phone head, guard or resolver is measured in
seconds. Everything else on the path runs as it does in the daemon; only `decode_s` tells nothing.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from bench.figure import WORK
from gateway.model import Pcm
from gateway.recognise.denoise import denoised
from gateway.recognise.encoder import Encoded, Encoder, Window
from gateway.recognise.whisper import BEAM, WhisperRecogniser, _Reading

KEPT = WORK / "heard"


@dataclass(frozen=True, slots=True)
class _Kept:
    """Stands for the encoder's storage: where its words are kept, and the storage itself when needed."""

    stem: Path
    storage: Callable[[], Any]


@contextmanager
def remembered(folder: Path = KEPT) -> Iterator[None]:
    """Meanwhile nothing is encoded or decoded twice."""
    folder.mkdir(parents=True, exist_ok=True)
    run_encoder, run_decoder = Encoder.encode, WhisperRecogniser._decode  # noqa: SLF001 - what costs time

    def encode(encoder: Encoder, audio: Pcm, window: Window) -> Encoded:
        part = denoised(audio[window.start : window.stop].astype(np.float32)).astype(np.int16).tobytes()
        fitted = encoder._fitted  # noqa: SLF001 - frames differ by it
        stem = folder / hashlib.sha256(part + f"whisper-base {fitted}".encode()).hexdigest()[:32]
        if stem.with_suffix(".npy").exists():
            frames = np.load(stem.with_suffix(".npy")).astype(np.float32)
            return Encoded(window, _Kept(stem, lambda: run_encoder(encoder, audio, window).storage), frames)
        done = run_encoder(encoder, audio, window)
        np.save(stem.with_suffix(".npy"), done.frames.astype(np.float16))
        return replace(done, storage=_Kept(stem, lambda: done.storage))

    def decode(
        recogniser: WhisperRecogniser,
        whisper: Any,
        encoded: Encoded,
        most_tokens: int,
        *,
        forbid_repeats: bool = False,
    ) -> _Reading:
        kept: _Kept = encoded.storage
        path = kept.stem.with_name(f"{kept.stem.name}-{most_tokens}-{BEAM}-{forbid_repeats}.json")
        if not path.exists():
            real = replace(encoded, storage=kept.storage())
            reading = run_decoder(recogniser, whisper, real, most_tokens, forbid_repeats=forbid_repeats)
            path.write_text(json.dumps(asdict(reading), ensure_ascii=False), encoding="utf-8")
        told = json.loads(path.read_text(encoding="utf-8"))
        return _Reading(**{**told, "others": tuple(told["others"])})

    with patch.object(Encoder, "encode", encode), patch.object(WhisperRecogniser, "_decode", decode):
        yield
