"""The place that a report tells, by what was heard (placechain.py) and by what was read."""

from collections.abc import Sequence
from typing import Final

from gateway.model import Transcript
from gateway.understand.callreading import SELF_MOVES, CallReading
from gateway.understand.location import Place
from gateway.understand.phones import phones_of
from gateway.understand.phonesearch import CREDIT_NATS
from gateway.understand.phonewords import Heard
from gateway.understand.placechain import CHANCE, LEAST_WORTH, Part, Taken

_SHORTEST_TAKEN_CHARS: Final = 3


def place_told(
    read: Place | None, told: CallReading, transcript: Transcript, words: Heard
) -> tuple[Place | None, list[str]]:
    """The place of a report and why to doubt it.

    `read` is the place in the recogniser's text, `told` the report, `words` what else was heard. A part that
    only the text has is left out, and told as a doubt, and so are two parts that may both have been said.
    """
    if transcript.phones is None or (told.chosen is None and told.reading.acts() & SELF_MOVES):
        return told.place, []
    ear = told.lexicon.place_ear
    parts = ear.parts(transcript.phones, told.reading.masked, read, _taken(told, words))
    chain = ear.best(parts)
    kept = [*chain, *_beside(parts, chain, read)]
    rivals = {part: rival for part in kept if (rival := ear.rival(part, parts)) is not None}
    sure = [part for part in kept if part not in rivals]
    doubts = [f"place_unclear:{'|'.join(sorted((one.text, two.text)))}" for one, two in rivals.items()]
    heard = {(part.name, part.text) for part in kept}
    named = {part.name for part in sure}
    missed = [text for name, text in (read.parts if read else ()) if name not in named]
    doubts += [f"place_not_heard:{text}" for text in missed if not any(text == said for _, said in heard)]
    if not sure:
        return None, doubts
    if read is not None and {(part.name, part.text) for part in sure} == set(read.parts):
        return read, doubts
    sure.sort(key=lambda part: part.hit.start_s)
    return Place("".join(part.text for part in sure), tuple((p.name, p.text) for p in sure)), doubts


def _beside(parts: Sequence[Part], chain: Sequence[Part], read: Place | None) -> list[Part]:
    """Parts that the text has elsewhere in the call, heard well enough by themselves."""
    beside: list[Part] = []
    for part in parts:
        others = (*chain, *beside)
        if read is None or (part.name, part.text) not in read.parts or part.worth < CHANCE + LEAST_WORTH:
            continue
        if not any(part.name == one.name or part.overlaps(one) for one in others):
            beside.append(part)
    return beside


def _taken(told: CallReading, words: Heard) -> list[Taken]:
    """Where somebody was named, and where what happened was heard."""
    spans = [p.span_s for p in (told.parties.caller, told.parties.callee) if p.span_s is not None]
    taken = [Taken(*span) for span in spans]
    for one in words.placed:
        if len(one.phrase) >= _SHORTEST_TAKEN_CHARS and told.lexicon.book.exact(one.phrase):
            gain = len(phones_of(one.phrase)) * (CREDIT_NATS - one.per_phone)
            taken.append(Taken(one.start_s, one.end_s, gain))
    return taken
