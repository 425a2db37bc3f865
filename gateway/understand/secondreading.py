"""One call read a second time, from the phone head's text (phonewords.py), for what the first text lacks.

Every hit here was found by sound, so the rules for such hits hold: an incident needs more evidence than one
that was read. Two syllables are heard by chance anywhere; they name an incident only where the words before
announce one (有人触电, 发生火灾).
"""

import math
import re
from dataclasses import replace
from typing import Final

from gateway.understand.agencies import Called
from gateway.understand.evidence import Evidence
from gateway.understand.lexicon import Lexicon
from gateway.understand.lexicon_rules import NUMBER
from gateway.understand.match import SHORTEST_BY_SOUND, Hit, Kind
from gateway.understand.phonewords import MOST_PER_SHORT_PHONE, Heard
from gateway.understand.reading import Reading, read

_ANNOUNCES: Final = re.compile(
    r"(?:有[人个名位一][^,.!?]{0,3}|有[^,.!?]{0,4}人|个|发生了?|突然|突发|正在|[人生]在)$"
)
_COUNT_BEFORE: Final = re.compile(rf"{NUMBER}(?:人|名队员)$")
_COUNT_AFTER: Final = re.compile(rf"{NUMBER}人")


def read_heard(heard: Heard, lexicon: Lexicon, names: list[tuple[int, int]]) -> Reading:
    """Read `heard` as the transcript is read; what it denies, asks or fears is told as there."""
    reading = read(heard.text, lexicon, names)
    hits = tuple(
        (replace(hit, by_sound=True), standing)
        for hit, standing in reading.hits
        if not hit.by_sound and _bears(hit, heard)
    )
    return replace(reading, hits=hits, doubts=heard.doubts)


def _bears(hit: Hit, heard: Heard) -> bool:
    """Whether a hit may mean something; an incident, its end or a duty never by two syllables alone."""
    short = hit.end - hit.start < SHORTEST_BY_SOUND
    if "present" in hit.codes(Kind.ACT) and short:
        counted = _COUNT_BEFORE.search(heard.text, 0, hit.start) or _COUNT_AFTER.match(heard.text, hit.end)
        return counted is not None
    if not any(hit.codes(kind) for kind in (Kind.INCIDENT, Kind.GENERIC, Kind.CANCEL, Kind.RESOLVE)):
        return True
    if not short:
        # an emergency without a kind is the least one can hear: what is heard must be beyond doubt
        most = MOST_PER_SHORT_PHONE if hit.codes(Kind.GENERIC) else math.inf
        return hit.phrase in heard.clear and heard.clear[hit.phrase] <= most
    return bool(hit.codes(Kind.INCIDENT)) and _ANNOUNCES.search(heard.text, 0, hit.start) is not None


def both(first: Evidence, second: Evidence) -> Evidence:
    """The points of two readings of one call; where both have one, the first reading's.

    How little else was said (`terse`) is told by the first alone: the second leaves out what it cannot spell.
    """
    points = {name: value for name, value in second.points if name != "terse"} | dict(first.points)
    return Evidence(tuple(points.items()), first.attributed or second.attributed)


def called_by_both(first: Called, second: Called) -> Called:
    """Everybody asked for in either reading; who was promised or came is left to the first."""
    settled = {*first.promised, *first.arrived}
    added = [code for code in second.requested if code not in first.requested and code not in settled]
    return replace(first, requested=(*first.requested, *added))
