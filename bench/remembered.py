"""What the recogniser made of a recording, kept: decoding is slow, and what is made of it changes every hour.

The recogniser's text and the encoder's frames are kept under `.cache/bench/heard` by the SHA-256 of the
audio, the recogniser's code and the model's name, so that a better phone head or resolver is measured in
seconds; the phone head itself is run every time. Everything else on the path runs as it does in the daemon.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from bench.figure import ROOT, WORK
from gateway.model import Pcm, PhoneEvidence, Transcript
from gateway.recognise import whisper
from gateway.recognise.whisper import WhisperRecogniser

KEPT = WORK / "heard"
_CODE = ("recognise/whisper.py", "recognise/encoder.py", "recognise/vad.py", "recognise/guard.py")


@contextmanager
def remembered(folder: Path = KEPT) -> Iterator[dict[float, Path]]:
    """Meanwhile the recogniser decodes nothing twice; what is given fills with `decode_s` to kept file."""
    folder.mkdir(parents=True, exist_ok=True)
    code = hashlib.sha256(b"".join((ROOT / "gateway" / name).read_bytes() for name in _CODE)).hexdigest()
    heard: dict[float, Path] = {}
    local = threading.local()
    decode, read_phones = WhisperRecogniser.transcribe, whisper.read_phones

    def read(head: Any, encoded: Any) -> PhoneEvidence:
        local.frames = np.concatenate([part.frames for part in encoded], axis=0)
        return read_phones(head, encoded)

    def transcribe(recogniser: WhisperRecogniser, audio: Pcm) -> Transcript:
        key = hashlib.sha256(audio.tobytes() + recogniser.model.encode() + code.encode()).hexdigest()[:32]
        kept = folder / f"{key}.json"
        if not kept.exists():
            local.frames = np.zeros((0, 512), np.float32)
            found = asdict(decode(recogniser, audio))
            del found["phones"]
            np.save(kept.with_suffix(".npy"), local.frames.astype(np.float16))
            kept.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
        told = json.loads(kept.read_text(encoding="utf-8"))
        heard[told["decode_s"]] = kept
        frames = np.load(kept.with_suffix(".npy")).astype(np.float32)
        head = recogniser._phone_head  # noqa: SLF001 - the recogniser's own, run on frames that were kept
        phones = head(frames) if head is not None and len(frames) else None
        return Transcript(
            **{k: tuple(v) if isinstance(v, list) else v for k, v in told.items()}, phones=phones
        )

    with (
        patch.object(WhisperRecogniser, "transcribe", transcribe),
        patch.object(whisper, "read_phones", read),
    ):
        yield heard
