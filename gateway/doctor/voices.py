"""Tries the voices that a station speaks with, without a radio."""

import time
from collections.abc import Iterator, Sequence

from gateway.config import Config
from gateway.doctor.finding import Finding
from gateway.model import RATE_HZ
from gateway.speak.prompts import Prompts
from gateway.speak.utterance import NoVoice
from gateway.speak.voices import Engine
from gateway.speaking import engines_of

SENTENCE = "金穗花园，收到请回答"
_INSTALL = "radio-gateway models fetch kokoro-v1.0-int8-zh, or apt install espeak-ng"


def examine_voices(config: Config) -> Iterator[Finding]:
    """Have each voice say a sentence; nothing where no radio can speak."""
    if any(radio.sink.kind != "none" for radio in config.radio):
        yield from _examined(engines_of(config))


def _examined(engines: Sequence[Engine]) -> Iterator[Finding]:
    refused: list[tuple[str, str]] = []
    speaking: list[str] = []
    for engine in engines:
        if isinstance(engine, Prompts):
            yield from _recordings(engine)
            continue
        begun_s = time.monotonic()
        try:
            pcm = engine.speak(SENTENCE)
        except NoVoice as error:
            refused.append((engine.name, str(error)))
            continue
        sound_s, took_s = len(pcm) / RATE_HZ, time.monotonic() - begun_s
        speaking.append(engine.name)
        message = f"says {sound_s:.1f} s in {took_s:.1f} s, the time to load included"
        yield Finding(f"voice {engine.name}", "good", message)
    for name, why in refused:
        if speaking:
            yield Finding(f"voice {name}", "doubtful", f"{why}; {speaking[0]} speaks instead", None)
        else:
            yield Finding(f"voice {name}", "bad", why, _INSTALL)


def _recordings(prompts: Prompts) -> Iterator[Finding]:
    prompts.look()
    for fault in prompts.faults:
        yield Finding("recordings", "bad", fault, "mend, rename or remove it")
    if prompts.count:
        yield Finding("recordings", "good", f"{prompts.count} that can be said")
