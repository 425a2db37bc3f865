"""Choosing the speech engine: the one the configuration names, or the best that is installed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from gateway.errors import ModelUnavailable
from gateway.recognise import models
from gateway.recognise.base import Recogniser
from gateway.recognise.catalogue import CATALOGUE, Model
from gateway.recognise.encoder import Encoder, PhoneHead
from gateway.recognise.vad import Vad
from gateway.recognise.vosk import VoskRecogniser
from gateway.recognise.whisper import WhisperRecogniser

EngineChoice = Literal["auto", "whisper", "vosk"]
WHISPER = "whisper-base"


def choose(
    engine: EngineChoice = "auto",
    language: str = "zh",
    models_dir: Path | None = None,
    threads: int = 0,
    phone_head: PhoneHead | None = None,
    *,
    fitted: bool = False,
) -> Recogniser:
    """Load a recogniser. `auto` is Vosk when a Vosk model for the language is installed, else Whisper.

    `models_dir` is searched before the usual places; `threads` 0 lets the engine choose. With Vosk the phone
    head listens only when the Whisper model is installed too. `fitted` spares Whisper most of the silence it
    fills short calls up with. Blocks for the seconds that loading takes.

    Raises:
        ModelUnavailable: no model for that engine is installed, or its files are damaged; the message names
            the command that installs it.
    """
    where = models.places(first=models_dir)
    vosk = _vosk_model(language, where)
    if engine == "vosk" and vosk is None:
        raise ModelUnavailable(_no_vosk(language))
    if vosk is not None and engine != "whisper":
        encoder_folder = models.find(WHISPER, where) if phone_head is not None else None
        phones = None
        if phone_head is not None and encoder_folder is not None:
            phones = (Encoder(encoder_folder, threads, fitted=fitted), phone_head)
        return VoskRecogniser(models.path_of(vosk.name, where), vosk, Vad(), phones=phones)
    folder = models.path_of(WHISPER, where)
    return WhisperRecogniser(
        folder, Vad(), language=language, threads=threads, phone_head=phone_head, fitted=fitted
    )


def _vosk_model(language: str, where: Sequence[Path]) -> Model | None:
    """Return the installed Vosk model for the language, the largest when there are several."""
    there = models.installed(where)
    fit = [
        model
        for model in CATALOGUE
        if model.engine == "vosk" and model.language == language and model.name in there
    ]
    return max(fit, key=lambda model: model.unpacked_bytes, default=None)


def _no_vosk(language: str) -> str:
    for model in CATALOGUE:
        if model.engine == "vosk" and model.language == language:
            return (
                f"no Vosk model for {language} is installed; install it: {models.install_command(model.name)}"
            )
    return f"there is no Vosk model for the language {language!r}"
