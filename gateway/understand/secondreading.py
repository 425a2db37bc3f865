"""One call read a second time, from the phone head's text (phonewords.py), for what the first text lacks.

Every hit here was found by sound, so the rules for such hits hold: an incident needs more evidence than one
that was read. Two syllables are heard by chance anywhere; they name an incident only where the words before
announce one (有人触电, 发生火灾).
"""

import math
import re
from dataclasses import dataclass, replace
from typing import Final

from gateway.model import Headcount, Transcript
from gateway.understand.agencies import Called
from gateway.understand.callreading import CallReading, Mark, exercise_mark, names_in, read_call
from gateway.understand.evidence import Evidence
from gateway.understand.headcount import read_headcount
from gateway.understand.lexicon import Lexicon
from gateway.understand.lexicon_rules import NUMBER, UNKNOWN_CODE
from gateway.understand.match import SHORTEST_BY_SOUND, Hit, Kind
from gateway.understand.phonewords import MOST_PER_SHORT_PHONE, Heard
from gateway.understand.polarity import EARLIER, Polarity, may_end, polarity_of
from gateway.understand.reading import Reading, read
from gateway.understand.resolve import Parties
from gateway.understand.slots import Chosen

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


@dataclass(frozen=True, slots=True)
class _Again:
    """The second reading of a call; `drill` when only the phone head heard that it is an exercise."""

    words: Heard
    heard: CallReading
    drill: bool


def listen_again(
    first: CallReading, transcript: Transcript, parties: Parties, mark: Mark | None
) -> _Again | None:
    """The same call as the phone head heard it; None without a phone head."""
    if transcript.phones is None or not len(transcript.phones.log_probs):
        return None
    lexicon = first.lexicon
    words = lexicon.spoken.hear(transcript.phones)
    reading = read_heard(words, lexicon, names_in(words.text, parties, lexicon))
    drill = mark in {"open", "marker"}
    spoken = replace(transcript, text=words.text)
    # a word that somebody asked for is no request yet: any two syllables are heard by chance somewhere
    context = replace(first.context, asked=None)
    heard = read_call(reading, spoken, parties, context, lexicon, in_drill=drill)
    return _Again(
        words,
        replace(
            heard,
            called=called_by_both(first.called, heard.called),
            place=first.place or heard.place,
            casualties=first.casualties,
            evidence=both(first.evidence, heard.evidence),
            by_command=first.by_command or heard.by_command,
        ),
        drill=not drill and exercise_mark(reading) in {"open", "marker"},
    )


def fill_in(
    first: CallReading, again: _Again, polarity: Polarity, doubts: list[str]
) -> tuple[CallReading, Polarity, list[str]]:
    """What the audio adds to what the text says: a report, its kind, whom to send. It takes nothing away."""
    second = again.heard
    if polarity in {"cancel", "resolve"} or first.by_command or second.by_command:
        return first, polarity, doubts
    known = polarity == "report" and first.chosen is not None and not _tells_more(second, first.chosen)
    heard_polarity, why = polarity_of(second)
    ended = again.words.ends or may_end(first) or EARLIER.search(first.reading.text + again.words.text)
    opens = polarity == "report" or not (again.drill or ended)
    if not known and heard_polarity == "report" and second.chosen is not None and opens:
        phrase = second.chosen.hit.phrase
        kept = [d for d in (*doubts, *why) if not d.startswith("by_sound:") and d != "kind_not_understood"]
        sure = [] if again.words.certain(phrase) else [f"heard:{phrase}"]
        return replace(second, place=first.place), "report", [*kept, *sure]
    if polarity == "none" and heard_polarity == "report" and second.chosen is not None and not opens:
        return first, polarity, [*doubts, f"heard:{second.chosen.hit.phrase}"]
    concerns = polarity == "report" or first.context.open_incident
    if heard_polarity in {"cancel", "resolve"} and concerns:
        doubts = [*doubts, *(f"heard:{h.phrase}" for h in second.reading.stated(Kind.CANCEL, Kind.RESOLVE))]
    if polarity != "report":
        return first, polarity, doubts
    added = [code for code in second.called.requested if code not in first.called.requested]
    return replace(first, called=second.called), polarity, [*doubts, *(f"heard:{code}" for code in added)]


def _tells_more(second: CallReading, chosen: Chosen) -> bool:
    """Whether the audio names a kind where the text has none or a vaguer one: 电梯困人 for 被困."""
    if second.chosen is None or chosen.code == UNKNOWN_CODE:
        return True
    return chosen.code in second.lexicon.refines.get(second.chosen.code, ())


def headcount_of_both(
    heard: CallReading, again: _Again | None, reading: Reading, *, reports: bool
) -> tuple[Headcount, tuple[str, ...]]:
    """People on duty by the text, and by the audio where the text has none, and why to doubt it."""
    asked = heard.context.asked == "headcount"
    reports_incident = heard.chosen is not None and reports
    found = read_headcount(reading, heard.lexicon, asked=asked, reports_incident=reports_incident)
    if again is None:
        return found
    if found[0].present is not None and again.words.counts - {found[0].present}:
        return found[0], (*found[1], *(f"heard:{n}人" for n in sorted(again.words.counts)))
    if found != (Headcount(), ()):
        return found
    second = again.heard.reading
    present, odd = read_headcount(second, heard.lexicon, asked=False, reports_incident=True)
    if present.present not in again.words.counts:
        return found[0], tuple(d for d in again.words.doubts if d.startswith("headcount"))
    return present, (*odd, "headcount_heard")
