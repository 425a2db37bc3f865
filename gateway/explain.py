"""Why a recording, or a sentence, is understood as it is: the daemon's own path with its evidence kept."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gateway.clock import IdSource, SystemClock
from gateway.drafts import transmission_event
from gateway.errors import BadInput
from gateway.events import CloudEvent, seal
from gateway.knowledge import build_knowledge
from gateway.listener import Heard
from gateway.model import End, PhoneEvidence, SoundClass, Transcript, Transmission
from gateway.replay import ReplaySettings, replay
from gateway.timekeeping import ClockReader
from gateway.understand.normalise import normalise
from gateway.understand.understand import Context, understand

RECORDINGS = frozenset({".wav", ".flac", ".ogg", ".aiff", ".mp3"})


@dataclass(frozen=True, slots=True)
class Explained:
    """One transmission: its `transmission.received` as published, what it caused, what the phone head heard.

    `phones` is None for a sentence, for what holds no speech, and where no phone head listened.
    """

    event: dict[str, Any]
    caused: tuple[dict[str, Any], ...] = ()
    phones: PhoneEvidence | None = None


def names_a_recording(given: str) -> bool:
    """Whether an argument means a file rather than a sentence: it is there, or it is written like one."""
    path = Path(given)
    try:
        return bool(given) and (path.suffix.lower() in RECORDINGS or path.exists())
    except OSError:  # a sentence longer than any file name
        return False


def explain_recording(recording: Path, settings: ReplaySettings, tell: Callable[[Explained], None]) -> None:
    """Hear a recording as one radio's audio and `tell` each transmission in order.

    Raises:
        MissingInput, BadInput: it is not there or not audio.
        ModelUnavailable: the speech model is not installed.
    """
    heard: list[Heard] = []
    events: list[CloudEvent] = []

    def flush() -> None:
        if not events:
            return
        document, *caused = (event.model_dump(mode="json") for event in events)
        phones = heard[-1].transcript.phones if heard else None
        events.clear()
        heard.clear()
        tell(Explained(document, tuple(caused), phones))

    def write(event: CloudEvent) -> None:
        if event.kind == "transmission.received":
            flush()
        events.append(event)

    def note(one: Heard) -> None:
        flush()
        heard.append(one)

    replay([recording], settings, write, on_heard=note)
    flush()


def explain_text(text: str, settings: ReplaySettings) -> Explained:
    """Understand a sentence as if a recogniser had written it, without any conversation before.

    Raises:
        BadInput: there are no words in it.
    """
    words = normalise(text)
    if not words:
        raise BadInput(f"{text!r}: nothing to understand; give a sentence, or the name of a recording")
    clock = SystemClock()
    ids = IdSource(clock)
    knowledge = build_knowledge(
        settings.units, settings.command_post, settings.lexicon, ids.new, settings.wrong_unit_cost
    )
    transcript = Transcript(words, text, "none", "text as given", 0.0)
    parties = knowledge.resolver.resolve(words)
    context = Context(command_post=settings.command_post)
    meaning = understand(transcript, parties, context, settings.lexicon)
    transmission = Transmission(
        ids.new(), "text", clock.now(), 0.0, np.zeros(0, np.int16), End.STOPPED
    )  # fmt: skip
    draft = transmission_event(
        ids.new(), transmission, SoundClass.SPEECH, transcript, meaning, ClockReader(clock)(),
        audio=None, incident_id=None, failure=None,
    )  # fmt: skip
    return Explained(seal(draft, settings.source, 1).model_dump(mode="json"))
