"""How many people are on duty by what was read and what was heard, and why to doubt it."""

from dataclasses import replace
from typing import Final

from gateway.model import Headcount, Transcript
from gateway.understand.callreading import CallReading, exercise_mark
from gateway.understand.countsaid import LEAST_THERE, CountSaid, candidates, weigh_count
from gateway.understand.headcount import read_as, read_headcount
from gateway.understand.phonereading import read_phones
from gateway.understand.polarity import Polarity
from gateway.understand.reading import Reading
from gateway.understand.secondreading import SecondReading

BUSY: Final = frozenset({"hail", "say_again", "test_only", "ask_headcount", "cancel", "resolve"})
"""Acts that go with no head count of one's own."""
_UNSAID: Final = 0.15
"""A number read that has less than this share of what was heard was not said."""
_NEAR: Final = 0.1
_IN_DOUBT: Final = 3

Found = tuple[Headcount, tuple[str, ...]]


def headcount_of_both(
    call: CallReading,
    again: SecondReading | None,
    reading: Reading,
    transcript: Transcript,
    polarity: Polarity,
) -> Found:
    """People on duty and why to doubt it: read in the text, heard in the audio, or both.

    Where the call does nothing to an incident, all numbers are weighed by ear (countsaid.py).
    """
    asked = call.context.asked == "headcount"
    reports_incident = call.chosen is not None and polarity == "report"
    read = read_headcount(reading, call.lexicon, asked=asked, reports_incident=reports_incident)
    if again is None:
        return read
    if polarity != "none" or call.by_command:
        return _beside_incident(again, reading, read)
    said = _said(call, reading, transcript, read[0].present)
    return _settled(read, said) if said else read


def _said(call: CallReading, reading: Reading, transcript: Transcript, read: int | None) -> CountSaid | None:
    """The likeliest number by ear; nobody's name is searched for one."""
    times = read_phones(transcript.phones).times if transcript.phones is not None else ()
    if transcript.phones is None or not times:
        return None
    names = [one.span_s for one in (call.parties.caller, call.parties.callee) if one.span_s]
    found = call.lexicon.counts.search(transcript.phones, names)
    spoken_s = (times[0][0], times[-1][1])
    options = candidates(found, reading.text, spoken_s, asked=call.context.asked == "headcount")
    busy = exercise_mark(reading) in {"open", "marker"} or bool(reading.acts() & BUSY)
    return weigh_count(found, options, read, busy=busy)


def _settled(read: Found, said: CountSaid) -> Found:
    """What both come to: what was read stands unless the audio has another number, or none like it."""
    told, doubts = read
    if said.sure:
        count = Headcount(said.number, told.expected if told.expected is not None else said.expected)
        if told.present == said.number:
            return count, doubts
        heard = (f"heard:{said.number}人",) if told.present is not None else ("headcount_heard",)
        return count, (*doubts, *heard)
    near = sorted(number for number, share in said.shares[:_IN_DOUBT] if share >= _NEAR)
    unclear = (f"headcount_unclear:{'|'.join(f'{number}人' for number in near)}",) if len(near) > 1 else ()
    if told.present is not None and said.share(told.present) < _UNSAID:
        # 同一人 for 11人: what the text has was not said, and what was said nobody knows
        return Headcount(), (*doubts, f"headcount_unclear:{told.present}人|{said.number}人")
    if told.present is not None or said.there < LEAST_THERE:
        return told, doubts
    return told, (*doubts, *unclear)


def _beside_incident(again: SecondReading, reading: Reading, found: Found) -> Found:
    """People on duty by the text alone: by ear 水淹到大厅 is ten who arrived."""
    read, counts = found[0].present, again.words.counts
    if read is not None and counts - {read}:
        both = [n for n in counts if read_as(n, reading.masked)]
        if len(counts) == 1 and both:
            # 3人一打卡: the text has the number that was heard, beside another
            return replace(found[0], present=both[0]), (*found[1], f"heard:{both[0]}人")
        return found[0], (*found[1], *(f"heard:{n}人" for n in sorted(counts)))
    return found
