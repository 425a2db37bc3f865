"""Listening to one transmission: is there a voice, what does it say, which caller ids came with it."""

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from gateway.errors import GatewayError
from gateway.hear import signalling
from gateway.hear.classify import Classification, classify
from gateway.model import Pcm, Signalling, SoundClass, Transcript
from gateway.recognise.base import Recogniser
from gateway.recognise.engines import EngineChoice, choose
from gateway.recognise.phonehead import PhoneHead
from gateway.recognise.vad import Vad

CALLER_IDS = signalling.SignallingSettings(systems=frozenset({"dtmf", "mdc1200", "fivetone"}))
"""CTCSS is left out: it names a group of radios, not one."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What listening to one transmission gave. `failure` says which fault left it without words."""

    sound: Classification
    transcript: Transcript
    signalling: tuple[Signalling, ...] = ()
    failure: str | None = None


class Listen(Protocol):
    """Turns a transmission's audio into its class and words."""

    async def __call__(self, audio: Pcm) -> Heard:
        """Listen. Never raises for what the audio holds."""


class Listener:
    """Listens on the decode pool: a voice detector first, a recogniser only where there is a voice."""

    def __init__(self, vad: Vad, recogniser: Recogniser, pool: Executor) -> None:
        self._vad = vad
        self.recogniser = recogniser
        self._pool = pool

    @classmethod
    def load(
        cls, pool: Executor, engine: EngineChoice, models_dir: Path | None = None, threads: int = 0
    ) -> Self:
        """Load detector and recogniser. Blocks for the seconds that takes.

        Raises:
            ModelUnavailable: the model is not installed, or damaged; the message says what to do.
        """
        recogniser = choose(engine, models_dir=models_dir, threads=threads, phone_head=PhoneHead())
        return cls(Vad(), recogniser, pool)

    def close(self) -> None:
        """Let go of the model. May be called twice."""
        self.recogniser.close()

    async def __call__(self, audio: Pcm) -> Heard:
        """Classify and transcribe `audio`."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._listen, audio)

    def _listen(self, audio: Pcm) -> Heard:
        speech = self._vad.speech_probabilities(audio)
        sound = classify(audio, speech)
        silent = Transcript("", "", self.recogniser.engine, self.recogniser.model, 0.0)
        ids = signalling.decode(audio, CALLER_IDS)
        if sound.sound_class is not SoundClass.SPEECH:
            return Heard(sound, silent, ids)
        try:
            return Heard(sound, self.recogniser.transcribe(audio, speech), ids)
        except GatewayError as error:
            return Heard(sound, silent, ids, failure=str(error))
