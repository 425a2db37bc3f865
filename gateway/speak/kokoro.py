"""A natural voice: Kokoro v1.0 (a network of 92 MB in int8 ONNX), about real time on one small core.

Input is phonemes, the style of a voice (a row of 256 numbers for each length of text) and a speed; output is
24 kHz. The phonemes of Mandarin come from misaki, which the extra `voice` installs; the model is one of
`radio-gateway models`. Where either is not there the next voice speaks.
"""

import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gateway.model import Pcm
from gateway.speak.sound import joined, to_pcm, trimmed
from gateway.speak.utterance import NoVoice
from gateway.speak.wording import clauses, spoken_form
from gateway.understand.hanzi import phrases

KOKORO_RATE_HZ = 24_000
MODEL_FILE = "kokoro-v1.0-int8.onnx"
VOICES = ("zf_xiaobei", "zf_xiaoxiao", "zm_yunjian", "zm_yunxi")
MOST_TOKENS = 400
"""The model takes 510; its voices grow hasty long before."""
PAUSE_S = 0.25
_STYLE_SHAPE = (510, 256)
_PEAK = 0.5


class Kokoro:
    """One voice of the model. Any thread may call; calls wait for one another. Loaded at the first text."""

    def __init__(
        self,
        find_model: Callable[[], Path | None],
        *,
        voice: str = "zf_xiaobei",
        speed: float = 1.0,
        radio_digits: bool = True,
        threads: int = 1,
    ) -> None:
        """Wire the voice up; nothing is loaded.

        Args:
            find_model: returns the checked model's folder, None while it is not installed.
            voice: one of VOICES.
            speed: 1 is the voice's own.
            radio_digits: whether 7 is said 拐.
            threads: how many cores one call may use.
        """
        self.faults: tuple[str, ...] = ()
        self.name = f"kokoro {voice}"
        self.cache_key: str | None = f"{self.name} {speed:g} {radio_digits}"
        self._find_model = find_model
        self._voice = voice
        self._speed = speed
        self._radio_digits = radio_digits
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None
        self._missing = ""

    def look(self) -> None:
        """It is looked for when it speaks."""

    def speak(self, text: str) -> Pcm:
        """Return `text` spoken.

        Raises:
            NoVoice: the model or misaki is not installed, or the text holds what it cannot say.
        """
        said = spoken_form(text, radio_digits=self._radio_digits)
        with self._lock:
            loaded = self._ready()
            try:
                tokens = loaded.tokens(said)
                if len(tokens) <= MOST_TOKENS:
                    return self._sound(loaded, tokens)
                pieces = [self._sound(loaded, loaded.tokens(clause)) for clause in clauses(said)]
            except NoVoice:
                raise
            except Exception as error:  # onnxruntime's errors share no base
                raise NoVoice(f"{type(error).__name__}: {error}") from error
        return joined(pieces, PAUSE_S)

    def _ready(self) -> "_Loaded":
        if self._loaded is None:
            folder = self._find_model()
            if folder is None:
                raise NoVoice(
                    "the natural voice is not installed (radio-gateway models fetch kokoro-v1.0-int8-zh)"
                )
            if self._missing:
                raise NoVoice(self._missing)
            try:
                self._loaded = _Loaded(folder, self._voice, self._threads)
            except ImportError as error:
                # Not tried again: what is installed while the gateway runs counts from its next start.
                self._missing = f"the natural voice needs {error.name} (pip install 'radio-gateway[voice]')"
                raise NoVoice(self._missing) from error
            except Exception as error:
                raise NoVoice(f"the natural voice cannot be loaded from {folder}: {error}") from error
        return self._loaded

    def _sound(self, loaded: "_Loaded", tokens: list[int]) -> Pcm:
        pcm = trimmed(loaded.run(tokens, self._speed))
        if not pcm.size:
            raise NoVoice("the natural voice finds nothing to say in it")
        return pcm


class _Loaded:
    """The network, its table of tokens, and one voice's styles."""

    def __init__(self, folder: Path, voice: str, threads: int) -> None:
        import onnxruntime  # noqa: PLC0415 - loaded only where a natural voice is wanted

        self._phonemes = _mandarin()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self._session: Any = onnxruntime.InferenceSession(
            str(folder / MODEL_FILE), options, providers=["CPUExecutionProvider"]
        )
        table = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        self._table: dict[str, int] = table["vocab"]
        self._styles = np.fromfile(folder / f"{voice}.bin", np.float32).reshape(_STYLE_SHAPE)

    def tokens(self, text: str) -> list[int]:
        """Return what the network is given for a text. Raises ValueError for a sound it has no token for."""
        phonemes, _ = self._phonemes(text)
        missing = {one for one in phonemes if one not in self._table and not one.isspace()}
        if missing:
            raise ValueError(f"the natural voice has no sound for {sorted(missing)} in {text!r}")
        tokens = [self._table[one] for one in phonemes if one in self._table]
        if not tokens:
            raise ValueError("the natural voice finds nothing to say in it")
        return tokens

    def run(self, tokens: list[int], speed: float) -> Pcm:
        """Return the sound, its peak at half of full scale."""
        feed = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": self._styles[len(tokens)][None],
            "speed": np.array([speed], np.float32),
        }
        audio = np.asarray(self._session.run(None, feed)[0], np.float32).reshape(-1)
        return to_pcm(audio * (_PEAK / (float(np.abs(audio).max()) + 1e-9)), KOKORO_RATE_HZ)


def _mandarin() -> Callable[[str], tuple[str, object]]:
    """What turns Mandarin into phonemes, without the 58 MB of phrases that say what the characters say."""
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    import jieba  # noqa: PLC0415 - with misaki, loaded only where a natural voice is wanted
    from misaki.zh import ZHG2P  # noqa: PLC0415
    from pypinyin import load_phrases_dict  # noqa: PLC0415

    jieba.setLogLevel(logging.ERROR)  # it tells on stderr how its dictionary loads
    load_phrases_dict({said: [[one] for one in toned.split()] for said, toned in phrases().items()})
    return ZHG2P()  # type: ignore[no-any-return]
