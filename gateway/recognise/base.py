"""The seam between a transmission and a speech engine."""

from typing import Protocol

from gateway.model import Pcm, Transcript
from gateway.recognise.vad import SpeechProbabilities


class Recogniser(Protocol):
    """A speech engine with its model loaded."""

    engine: str
    """Short name: whisper or vosk."""
    model: str
    """Which model, for the record in every transcript."""

    def transcribe(self, audio: Pcm, speech: SpeechProbabilities | None = None) -> Transcript:
        """Turn mono 16 kHz samples into a transcript.

        `speech` is what the voice detector said of the same samples; None has them looked at here.

        Blocks for as long as decoding takes and releases the GIL meanwhile. Several threads may call at
        once. Silence, noise or tones give a transcript with empty `text`.

        Raises:
            ModelUnavailable: the model failed while decoding.
        """

    def close(self) -> None:
        """Free the model. May be called twice."""
