"""One transmission understood: words and names in, an `Understanding` out. Pure.

A call is read once as text (callreading.py) and, with a phone head, once more as it was heard
(secondreading.py); what it does to an incident is told by polarity.py, and of which kind by all its words
together (kindweighed.py).
"""

from dataclasses import replace
from typing import Final, Literal

from gateway.model import Headcount, IncidentHint, Resolution, Transcript, Understanding
from gateway.understand.callreading import (
    COMMAND_ACTS,
    Asked,
    CallReading,
    Context,
    exercise_mark,
    read_call,
)
from gateway.understand.headcounts import headcount_of_both
from gateway.understand.heardwords import report_grounds
from gateway.understand.kindtold import likeliest_kind, sounds_like
from gateway.understand.kindweighed import kind_by_gist
from gateway.understand.lexicon import Lexicon
from gateway.understand.match import Kind
from gateway.understand.naming import names_in
from gateway.understand.orders import orders_by_name
from gateway.understand.phonewords import Heard
from gateway.understand.placetold import place_told
from gateway.understand.polarity import Polarity, polarity_of
from gateway.understand.reading import Reading, read
from gateway.understand.resolve import Parties
from gateway.understand.secondreading import (
    SecondReading,
    acts_heard,
    hear,
    hear_told,
    listen_again,
    mark_heard,
    settle,
)
from gateway.understand.slots import (
    mentioned_incident,
    read_certainty,
    read_persons,
    read_severity,
    read_urgency,
)

__all__ = ["Asked", "Context", "is_command", "understand"]

RollcallMark = Literal["open", "close"]

_LOW_CONFIDENCE: Final = 0.45
_WORTH_A_LOOK: Final = 2
_ORDERED_NOT_DONE: Final = frozenset({"arrived", "ack_wilco", "handling", "promise"})


def understand(transcript: Transcript, parties: Parties, context: Context, lexicon: Lexicon) -> Understanding:
    """Say what one transmission means.

    An incident is reported (`incident.polarity` "report") only when the transmission is built like a report
    (see `evidence`); then `incident.code` may be None when it adds to an open incident without naming a kind.
    With polarity "cancel" or "resolve" `code` is the type that was mentioned, which tells incidents apart.
    """
    text = lexicon.fold(transcript.text)
    reading = read(text, lexicon, names_in(text, parties, lexicon))
    listened = hear(transcript, reading, parties, lexicon)
    mark = exercise_mark(reading) or (mark_heard(listened) if listened else None)
    heard = read_call(reading, transcript, parties, context, lexicon, in_drill=mark in {"open", "marker"})
    first = heard
    if listened is None:
        again = None
        polarity, doubts = polarity_of(heard)
    else:
        heard, polarity, doubts, again = _settled(heard, transcript, parties, listened)
    heard, polarity, doubts = kind_by_gist(lexicon.gist, first, (heard, polarity, doubts), again)
    if again is not None and polarity == "report":
        place, unsure = place_told(first.place, heard, transcript, again.words)
        heard, doubts = replace(heard, place=place), [*doubts, *unsure]
    if mark is not None and exercise_mark(reading) is None:
        doubts = [*doubts, "exercise_heard"]
    headcount, odd = headcount_of_both(heard, again, reading, transcript, polarity)
    if context.open_incident or heard.evidence.total >= _WORTH_A_LOOK:
        doubts = [*reading.doubts, *heard.called.doubts, *doubts]
    unclear = any(reason.startswith("headcount_unclear:") for reason in odd)
    if headcount != Headcount() or context.asked == "headcount" or unclear:
        doubts = [*doubts, *odd]
    hint = _hint(heard, polarity)
    if polarity != "none" and transcript.confidence is not None and transcript.confidence < _LOW_CONFIDENCE:
        doubts = [*doubts, "low_confidence"]
    orders = orders_by_name(text, parties.callee)
    acts = _acts(reading, hint, headcount, orders=orders)
    if again is not None and polarity == "none" and not (heard.by_command or orders):
        acts = tuple(dict.fromkeys([*acts, *acts_heard(again)]))
    return Understanding(
        caller=parties.caller,
        callee=parties.callee,
        acts=acts,
        headcount=headcount,
        exercise=mark != "live" and (context.exercise_open or mark is not None),
        exercise_mark=mark,
        rollcall_mark=_rollcall_mark(reading),
        incident=hint,
        review_reasons=tuple(dict.fromkeys(doubts)),
        grounds=report_grounds(
            heard.evidence,
            heard.evidence.needed(heard.chosen, lexicon),
            reading,
            (again.words, again.call.reading) if again is not None else None,
            lexicon,
        ),
    )


def _settled(
    first: CallReading, transcript: Transcript, parties: Parties, listened: tuple[Heard, Reading]
) -> tuple[CallReading, Polarity, list[str], SecondReading]:
    """What both readings come to, read once more with the likeliest kind where they have none."""
    again = listen_again(first, transcript, parties, listened)
    heard, polarity, doubts = settle(first, again)
    told = likeliest_kind(first, heard, polarity, again.words, again.call)
    if told is None:
        alike = sounds_like(heard, again.words) if polarity == "report" else []
        return heard, polarity, [*doubts, *alike], again
    retold = listen_again(first, transcript, parties, hear_told(told, again.words, parties, first.lexicon))
    kind, polarity_told, why = settle(replace(first, chosen=None), retold)
    if polarity_told != "report" or kind.chosen is None:
        return heard, polarity, doubts, again
    return kind, polarity_told, [*why, f"heard:{told.phrase}", *sounds_like(kind, again.words)], retold


def _hint(heard: CallReading, polarity: Polarity) -> IncidentHint:
    called, lexicon, reading = heard.called, heard.lexicon, heard.reading
    code = heard.chosen.code if heard.chosen else None
    if polarity != "report":
        mentioned = None if polarity == "none" else code or mentioned_incident(reading)
        return IncidentHint(
            code=mentioned, polarity=polarity, promised=called.promised, arrived=called.arrived
        )
    severity = read_severity(reading, code, lexicon)
    return IncidentHint(
        code=code,
        agencies=called.requested,
        location_text=heard.place.text if heard.place else None,
        location_parts=heard.place.parts if heard.place else (),
        polarity="report",
        severity=severity,
        urgency=read_urgency(reading, severity, lexicon),
        certainty=read_certainty(reading, heard.chosen, lexicon),
        persons=read_persons(reading, lexicon),
        casualties=heard.casualties,
        promised=called.promised,
        arrived=called.arrived,
    )


def _acts(reading: Reading, hint: IncidentHint, headcount: Headcount, *, orders: bool) -> tuple[str, ...]:
    """The acts in the order of the text, with what the whole call does in front.

    An order instructs; that somebody is to come is not that he came.
    """
    first = [hint.polarity] if hint.polarity != "none" else []
    ordered = [c for h in reading.stated(Kind.ACT) for c in h.codes(Kind.ACT)]
    if headcount != Headcount():
        ordered.append("present")
    if orders:
        ordered = ["instruct", *(act for act in ordered if act not in _ORDERED_NOT_DONE)]
    return tuple(dict.fromkeys([*first, *ordered]))


def is_command(understanding: Understanding) -> bool:
    """Whether the command post speaks: by name, or unnamed with words that only it uses."""
    caller: Resolution = understanding.caller
    if caller.kind == "command":
        return True
    if caller.status != "unknown" or understanding.callee.kind == "command":
        return False
    return bool(set(understanding.acts) & (COMMAND_ACTS | {"promise"}))


def _rollcall_mark(reading: Reading) -> RollcallMark | None:
    marks = {code for h in reading.stated(Kind.DRILL) for code in h.codes(Kind.DRILL)}
    if "rollcall_close" in marks:
        return "close"
    return "open" if "rollcall_open" in marks else None
