"""The sentences that teach who speaks: what stands around the name of one who does, or does not.

Lines of `bank/*.tsv` are `role, kind, text`, with tabs between. The role is what {u} is in the call:
`caller`, `called`, `about` (somebody speaks of it) or `v_calls_u` ({v} speaks and calls {u}); {v} is another
unit, {c} the command post, {l} a place, {n} and {e} numbers of people.
"""

import random
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.understand.normalise import normalise
from gateway.understand.pinyin import folded, syllables
from gateway.understand.whospeaks import OTHER, POST, SAME
from tools.citysentences import PLACES, city_templates
from tools.gist.taught import BANK as REPORTS
from tools.gist.taught import USED_UP

BANK = Path(__file__).with_name("bank")
ROLES: Mapping[str, Mapping[str, bool]] = {
    "caller": {"u": True},
    "called": {"u": False},
    "about": {"u": False},
    "v_calls_u": {"u": False, "v": True},
}
SPLITS: Mapping[str, bool] = {"u": True, "k": True, "v": False, "m": False}
"""Who speaks in the corpus' sentences: the caller by name or callsign, not the one called or spoken of."""
_SLOT = re.compile(r"\{(\w)\}")
_UNITS = "ukvm"
_THIN = 0.3
"""Which share of the reports: too many of one build would drown what the bank teaches."""
_NOT_ITS_OWN = frozenset({"chatter", "rollcall_call", "instruct"})
_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Sentence:
    """One text with slots, and for each slot that names a unit whether that speaks."""

    source: str
    text: str
    speaks: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Stand:
    """What is said before and after one name, as `whospeaks.pieces_around` takes it."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    speaks: bool


def sentences(without: Sequence[str]) -> list[Sentence]:
    """All of them, but for the splits `without`."""
    everything = (*_of_reports(), *_of_bank(), *_of_splits())
    return [sentence for sentence in everything if sentence.source not in without and sentence.speaks]


def _of_reports() -> Iterator[Sentence]:
    """The gist's bank: its {u} is the caller, but where somebody talks or the post does."""
    for file in sorted(REPORTS.glob("*.tsv")):
        for line in file.read_text(encoding="utf-8").splitlines():
            kind, *_, text = line.split("\t")
            if kind not in _NOT_ITS_OWN and _kept(text):
                yield Sentence("reports", text, _asked(text, ROLES["caller"]))


def _kept(text: str) -> bool:
    return zlib.crc32(text.encode()) < _THIN * 2**32


def _of_bank() -> Iterator[Sentence]:
    for file in sorted(BANK.glob("*.tsv")):
        for line in file.read_text(encoding="utf-8").splitlines():
            columns = line.split("\t")
            if len(columns) != _COLUMNS or columns[0] not in ROLES:
                raise ValueError(f"{file}: {line!r} is not role, kind and text")
            yield Sentence("bank", columns[2], _asked(columns[2], ROLES[columns[0]]))


def _of_splits() -> Iterator[Sentence]:
    judged = [template for split in USED_UP for template in split.templates()]
    for template in (*city_templates(), *judged):
        yield Sentence(template.split, template.text, _asked(template.text, SPLITS))


def _asked(text: str, speaks: Mapping[str, bool]) -> dict[str, bool]:
    return {slot: told for slot, told in speaks.items() if "{" + slot + "}" in text}


def stands(sentence: Sentence, rng: random.Random) -> Iterator[Stand]:
    """How each of its names stands."""
    for slot, speaks in sentence.speaks.items():
        sounds = _sounds(sentence.text, rng, slot)
        for at in (i for i, sound in enumerate(sounds) if sound == SAME):
            yield Stand(tuple(sounds[:at]), tuple(sounds[at + 1 :]), speaks)


def chance(sentence: Sentence, rng: random.Random) -> Stand | None:
    """A stretch of it that names nobody, as if a name had been heard there."""
    sounds = _sounds(sentence.text, rng, "")
    length = rng.randint(2, 5)
    starts = [i for i in range(len(sounds) - length + 1) if {OTHER, POST}.isdisjoint(sounds[i : i + length])]
    if not starts:
        return None
    start = rng.choice(starts)
    return Stand(tuple(sounds[:start]), tuple(sounds[start + length :]), speaks=False)


def _sounds(text: str, rng: random.Random, asked: str) -> list[str]:
    """Folded syllables and names; the unit asked about is SAME."""
    places = [place for listed in PLACES.values() for place in listed]

    def fill(slot: re.Match[str]) -> str:
        if slot[1] in {"l", "h"}:
            return rng.choice(places)
        return str(rng.randint(2, 12)) if slot[1] in {"n", "e"} else slot[0]

    sounds: list[str] = []
    for part in re.split(r"(\{\w\})", _SLOT.sub(fill, text)):
        slot = _SLOT.fullmatch(part)
        if slot is not None:
            sounds.append(SAME if slot[1] == asked else POST if slot[1] == "c" else OTHER)
        elif any(letter.isalnum() for letter in part):
            sounds += folded(syllables(normalise(part)))
    return sounds
