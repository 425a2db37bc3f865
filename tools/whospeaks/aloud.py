"""The bank's sentences as if heard well: with units of the city registry, a text and evidence of phones.

There are more ways to speak to a unit and of it than any corpus of recordings has. What evidence is worth is
fitted on these beside the recordings (`tools.phonehead.decision`), which alone have noise.
"""

import random
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gateway.model import PhoneEvidence, Unit
from gateway.understand.names import bare_name
from gateway.understand.normalise import normalise
from gateway.understand.phones import PHONES, phones_of
from tools.citysentences import PLACES
from tools.corpus import COMMAND_POST
from tools.whospeaks.taught import Sentence

FRAMES_EACH = 4
PAUSE_FRAMES = 8
FOLDS = 5
SUFFIXED, SHORT, UNPUNCTUATED, DOUBTED = 0.25, 0.6, 0.6, 0.12
"""How often a name has 最小应急单元 behind it or is an alias, no pauses are written, a phone has a rival."""
_PAUSES = re.compile("[,.?!]")


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence with names in it; `caller_id` is empty where nobody registered speaks."""

    stem: str
    fold: int
    text: str
    phones: PhoneEvidence
    caller_id: str


def fold_of(sentence: Sentence) -> int:
    """Which part of the bank a sentence belongs to: it is judged by what was learnt from the others."""
    return zlib.crc32(sentence.text.encode()) % FOLDS


def said_aloud(bank: Sequence[Sentence], units: Sequence[Unit]) -> Iterator[Said]:
    """Each sentence once; the same every time."""
    active = [unit for unit in units if unit.state == "active"]
    places = [place for listed in PLACES.values() for place in listed]
    for sentence in bank:
        seed = zlib.crc32(sentence.text.encode())
        rng, noise = random.Random(seed), np.random.default_rng(seed)
        unit, other = rng.sample(active, 2)
        slots = {
            "u": _name(unit, rng), "v": bare_name(other.name), "c": COMMAND_POST, "l": rng.choice(places),
            "n": str(rng.randint(2, 12)), "e": str(rng.randint(2, 12)),
        }  # fmt: skip
        text = normalise(sentence.text.format(**slots))
        phones = _evidence(text, noise)
        if rng.random() < UNPUNCTUATED:
            text = _PAUSES.sub("", text)
        speaks = (one.unit_id for one, slot in ((unit, "u"), (other, "v")) if sentence.speaks.get(slot))
        yield Said(f"bank-{seed}", fold_of(sentence), text, phones, next(speaks, ""))


def _name(unit: Unit, rng: random.Random) -> str:
    short = unit.aliases and rng.random() < SHORT
    return (unit.aliases[0] if short else bare_name(unit.name)) + (
        "最小应急单元" if rng.random() < SUFFIXED else ""
    )


def _evidence(text: str, noise: np.random.Generator) -> PhoneEvidence:
    """Phones four frames apart, some with a rival as likely, pauses where punctuation stands."""
    at, frames = PAUSE_FRAMES, list[tuple[int, str]]()
    for piece in _PAUSES.split(text):
        for phone in phones_of(piece):
            frames.append((at, phone))
            at += FRAMES_EACH
        at += PAUSE_FRAMES
    nats = noise.normal(-4.0, 1.0, (at, len(PHONES) + 1))
    nats[:, 0] = 5.0
    for place, phone in frames:
        nats[place, 1 + PHONES.index(phone)] = noise.normal(6.0, 1.5)
        if noise.random() < DOUBTED:
            nats[place, 1 + noise.integers(len(PHONES))] = noise.normal(6.0, 1.5)
    log_probs = nats - np.log(np.exp(nats).sum(axis=1, keepdims=True))
    return PhoneEvidence(log_probs.astype(np.float32), PHONES)
