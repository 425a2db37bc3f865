"""One transmission understood: words and names in, an `Understanding` out. Pure."""

import re
from dataclasses import dataclass, replace
from typing import Final, Literal

from gateway.model import Headcount, IncidentHint, Resolution, Transcript, Understanding
from gateway.understand.agencies import Called, read_agencies
from gateway.understand.evidence import Evidence, Situation, weigh
from gateway.understand.headcount import read_headcount
from gateway.understand.heardwords import report_grounds
from gateway.understand.lexicon import Lexicon
from gateway.understand.lexicon_rules import UNKNOWN_CODE
from gateway.understand.location import Place, read_place
from gateway.understand.match import Hit, Kind
from gateway.understand.phonewords import Heard
from gateway.understand.reading import Reading, read
from gateway.understand.resolve import Parties
from gateway.understand.secondreading import both, called_by_both, read_heard
from gateway.understand.slots import (
    Chosen,
    choose_incident,
    mentioned_incident,
    read_casualties,
    read_certainty,
    read_persons,
    read_severity,
    read_urgency,
)

Asked = Literal["headcount", "situation"]
Polarity = Literal["report", "cancel", "resolve", "none"]
Mark = Literal["open", "close", "marker", "live"]
RollcallMark = Literal["open", "close"]


@dataclass(frozen=True, slots=True)
class Context:
    """What the radio's conversation knows before this transmission; `Conversation.context` makes it.

    `open_incident` is true while an incident on this radio is open and warm, `open_code` its type. `asked` is
    what the command post asked for last, None when nothing or long ago.
    """

    command_post: str = "指挥中心"
    exercise_open: bool = False
    open_incident: bool = False
    open_code: str | None = None
    asked: Asked | None = None


_SELF_NAME: Final = re.compile(
    r"(?:我是|这里是)(?P<name>[^,.!?;]{1,22}?)"
    r"(?=[,.!?;]|报告|汇报|有|发生|发现|呼叫|收到|请求|请|需要|现在|目前|正在|突发|在岗|[0-9]{1,2}人|$)"
)
_UNIT_NAME: Final = re.compile(r"[^,.!?;]{0,16}?(?:最小应急单元|最小应急处置单元|最小作战单元)")
_OF_THE_ALARM: Final = re.compile(r"警报|报警|警情|支援|增援|刚才")
_LEADS_TO_PLACE: Final = re.compile(r"(?:^|[,.!?]|人|我们?|就)在|位于|位置|地点|地址")
_EARLIER: Final = re.compile("刚才|前面说|之前说")
"""What is spoken of again is seldom reported for the first time."""
_RESOLVE_CHARS: Final = 22
_LOW_CONFIDENCE: Final = 0.45
_STILL: Final = re.compile(r"但|不过|还有|仍|另外|又")
_WORTH_A_LOOK: Final = 2
_SELF_MOVES: Final = frozenset({"arrived", "ack_wilco"})
"""Where helpers are or go is not where it happens."""
_COMMAND_ACTS: Final = frozenset({"go_ahead", "instruct", "ask_situation", "ask_headcount"})


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one transmission was read as, before it is decided what it does."""

    reading: Reading
    context: Context
    parties: Parties
    lexicon: Lexicon
    chosen: Chosen | None
    called: Called
    place: Place | None
    casualties: int | None
    evidence: Evidence
    by_command: bool

    @property
    def points(self) -> dict[str, int]:
        return dict(self.evidence.points)


@dataclass(frozen=True, slots=True)
class _Again:
    """The second reading of a call; `drill` when only the phone head heard that it is an exercise."""

    words: Heard
    heard: _Heard
    drill: bool


def understand(transcript: Transcript, parties: Parties, context: Context, lexicon: Lexicon) -> Understanding:
    """Say what one transmission means.

    An incident is reported (`incident.polarity` "report") only when the transmission is built like a report
    (see `evidence`); then `incident.code` may be None when it adds to an open incident without naming a kind.
    With polarity "cancel" or "resolve" `code` is the type that was mentioned, which tells incidents apart.
    """
    text = lexicon.fold(transcript.text)
    reading = read(text, lexicon, _names(text, parties, lexicon))
    mark = _exercise_mark(reading)
    heard = _listen(reading, transcript, parties, context, lexicon, in_drill=mark in {"open", "marker"})
    polarity, doubts = _polarity(heard)
    again = _listen_again(heard, transcript, parties, mark)
    if again is not None:
        heard, polarity, doubts = _fill_in(heard, again, polarity, doubts)
    headcount, odd = _headcount(heard, again, reading, reports=polarity == "report")
    if context.open_incident or heard.evidence.total >= _WORTH_A_LOOK:
        doubts = [*reading.doubts, *heard.called.doubts, *doubts]
    unclear = any(reason.startswith("headcount_unclear:") for reason in odd)
    if headcount != Headcount() or context.asked == "headcount" or unclear:
        doubts = [*doubts, *odd]
    hint = _hint(heard, polarity)
    if polarity != "none" and transcript.confidence is not None and transcript.confidence < _LOW_CONFIDENCE:
        doubts = [*doubts, "low_confidence"]
    return Understanding(
        caller=parties.caller,
        callee=parties.callee,
        acts=_acts(reading, hint, headcount),
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
            (again.words, again.heard.reading) if again is not None else None,
            lexicon,
        ),
    )


def _listen(
    reading: Reading,
    transcript: Transcript,
    parties: Parties,
    context: Context,
    lexicon: Lexicon,
    *,
    in_drill: bool,
) -> _Heard:
    acts = reading.acts()
    called = read_agencies(reading, lexicon, asked=context.asked == "situation")
    chosen = choose_incident(reading, lexicon)
    moves = chosen is None and acts & _SELF_MOVES
    place = None if moves else _place(reading, transcript.text, lexicon, chosen)
    by_command = parties.caller.kind == "command" or _speaks_as_command(parties, acts)
    talking = _in_conversation(context, chosen, lexicon)
    situation = Situation(parties.caller, parties.callee, context.command_post, talking, in_drill)
    evidence = weigh(reading, situation, lexicon, chosen, called, place)
    if chosen is None and not by_command:
        chosen = _unheard_kind(reading, called, evidence)
    return _Heard(
        reading,
        context,
        parties,
        lexicon,
        chosen,
        called,
        place,
        read_casualties(reading, lexicon),
        evidence,
        by_command,
    )


def _listen_again(
    first: _Heard, transcript: Transcript, parties: Parties, mark: Mark | None
) -> _Again | None:
    """The same call as the phone head heard it; None without a phone head."""
    if transcript.phones is None or not len(transcript.phones.log_probs):
        return None
    lexicon = first.lexicon
    words = lexicon.spoken.hear(transcript.phones)
    reading = read_heard(words, lexicon, _names(words.text, parties, lexicon))
    drill = mark in {"open", "marker"}
    spoken = replace(transcript, text=words.text)
    # a word that somebody asked for is no request yet: any two syllables are heard by chance somewhere
    context = replace(first.context, asked=None)
    heard = _listen(reading, spoken, parties, context, lexicon, in_drill=drill)
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
        drill=not drill and _exercise_mark(reading) in {"open", "marker"},
    )


def _fill_in(
    first: _Heard, again: _Again, polarity: Polarity, doubts: list[str]
) -> tuple[_Heard, Polarity, list[str]]:
    """What the audio adds to what the text says: a report, its kind, whom to send. It takes nothing away."""
    second = again.heard
    if polarity in {"cancel", "resolve"} or first.by_command or second.by_command:
        return first, polarity, doubts
    known = polarity == "report" and first.chosen is not None and not _tells_more(second, first.chosen)
    heard_polarity, why = _polarity(second)
    ended = again.words.ends or _may_end(first) or _EARLIER.search(first.reading.text + again.words.text)
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


def _may_end(heard: _Heard) -> bool:
    """Whether words that end an incident stand anywhere in the text, even where a name was taken for them."""
    hits = heard.lexicon.book.exact(heard.reading.text)
    return any(hit.codes(Kind.CANCEL) or hit.codes(Kind.RESOLVE) for hit in hits)


def _tells_more(second: _Heard, chosen: Chosen) -> bool:
    """Whether the audio names a kind where the text has none or a vaguer one: 电梯困人 for 被困."""
    if second.chosen is None or chosen.code == UNKNOWN_CODE:
        return True
    return chosen.code in second.lexicon.refines.get(second.chosen.code, ())


def _headcount(
    heard: _Heard, again: _Again | None, reading: Reading, *, reports: bool
) -> tuple[Headcount, tuple[str, ...]]:
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


def _in_conversation(context: Context, chosen: Chosen | None, lexicon: Lexicon) -> bool:
    """Whether the talk so far speaks for a report: an open incident does not for one of an unrelated kind."""
    if context.asked == "situation":
        return True
    return context.open_incident and (
        chosen is None or lexicon.related(context.open_code or UNKNOWN_CODE, chosen.code)
    )


def _place(reading: Reading, spoken: str, lexicon: Lexicon, chosen: Chosen | None) -> Place | None:
    """The place, in the transcript's own letters (B2层) wherever nothing was repaired."""
    letters = "".join(
        s if s.lower() == f else f for s, f in zip(spoken, reading.masked, strict=True)
    )  # fmt: skip
    taken = [(h.start, h.end) for h in reading.stated(Kind.INCIDENT, Kind.AGENCY)]
    return read_place(letters, lexicon.places, chosen.hit.start if chosen else None, taken)


def _names(text: str, parties: Parties, lexicon: Lexicon) -> list[tuple[int, int]]:
    """Stretches of `text` that name somebody: what stands there is neither place nor need."""
    spans = [m.span("name") for m in _SELF_NAME.finditer(text)]
    spans += [m.span() for m in _UNIT_NAME.finditer(text)]
    for party in (parties.caller, parties.callee):
        if party.kind == "unit" and party.status != "unknown" and party.heard:
            heard = lexicon.fold(party.heard)
            spans += [m.span() for m in re.finditer(re.escape(heard), text)]
    return [span for span in spans if span[0] < span[1] and not _names_too_much(text[slice(*span)], lexicon)]


def _names_too_much(name: str, lexicon: Lexicon) -> bool:
    """A stretch taken for a name that itself tells of an incident is not masked: better a place too many."""
    hits = lexicon.book.exact(name)
    return any(len(h.phrase) > 2 and h.codes(Kind.INCIDENT) for h in hits)  # noqa: PLR2004 - short ones stand in names


def _speaks_as_command(parties: Parties, acts: set[str]) -> bool:
    """Nobody named gives orders the way only a command post does."""
    if parties.caller.kind == "unit" and parties.caller.status != "unknown":
        return False
    return bool(acts & _COMMAND_ACTS) and parties.callee.kind != "command"


def _unheard_kind(reading: Reading, called: Called, evidence: Evidence) -> Chosen | None:
    """Somebody calls by name for agencies, but what happened was not understood: still an emergency."""
    agencies = reading.stated(Kind.AGENCY)
    settled = reading.acts() & {"all_normal", "ack_wilco"} or called.promised or called.arrived
    if not called.requested or not agencies or settled or not evidence.attributed:
        return None
    return Chosen(UNKNOWN_CODE, agencies[0])


def _exercise_mark(reading: Reading) -> Mark | None:
    marks = {code for h in reading.stated(Kind.DRILL) for code in h.codes(Kind.DRILL)}
    order: tuple[Mark, ...] = ("live", "close", "open", "marker")
    return next((mark for mark in order if mark in marks), None)


def _rollcall_mark(reading: Reading) -> RollcallMark | None:
    marks = {code for h in reading.stated(Kind.DRILL) for code in h.codes(Kind.DRILL)}
    if "rollcall_close" in marks:
        return "close"
    return "open" if "rollcall_open" in marks else None


def _polarity(heard: _Heard) -> tuple[Polarity, list[str]]:
    """What the transmission does to an incident, and why a person should look at that."""
    ending = _ends(heard)
    if ending is None:
        return _reports(heard)
    polarity, hit = ending
    return polarity, [f"{polarity}_by_sound:{hit.phrase}"] if hit.by_sound else []


def _ends(heard: _Heard) -> tuple[Polarity, Hit] | None:
    """Whether a report is taken back or said to be over; everyday words need a short or named call."""
    reading, lexicon = heard.reading, heard.lexicon
    if heard.points.keys() & {"small_talk", "past_or_news", "advice"}:
        return None
    said = len(re.sub(r"[,.!? ]", "", reading.text))
    named = heard.evidence.attributed or heard.parties.caller.kind == "command"
    cancels = reading.stated(Kind.CANCEL)
    for hit in cancels:
        strong = hit.phrase in lexicon.strong_cancels
        little_else = 2 * sum(h.end - h.start for h in cancels) >= said
        if strong or named or little_else or _OF_THE_ALARM.search(reading.text):
            return "cancel", hit
    later = reading.stated(Kind.INCIDENT)
    for hit in reading.stated(Kind.RESOLVE):
        if hit.phrase in lexicon.found_words and heard.context.open_code not in lexicon.found_types:
            continue
        goes_on = any(h.start > hit.end and _STILL.search(reading.text, hit.end, h.start) for h in later)
        if not goes_on and not heard.called.requested and (named or said <= _RESOLVE_CHARS):
            return "resolve", hit
    return None


def _reports(heard: _Heard) -> tuple[Polarity, list[str]]:
    """Whether this is a report, and why a person should look when it nearly was one."""
    chosen, evidence = heard.chosen, heard.evidence
    if heard.by_command:
        return "none", []
    needed = evidence.needed(chosen, heard.lexicon)
    if chosen is None:
        adds = heard.context.open_incident and evidence.total >= needed and _adds(heard)
        return ("report", []) if adds else ("none", [])
    if chosen.hit.by_sound and heard.reading.acts() & {"all_normal", "present"}:
        return "none", [f"sounds_like:{chosen.hit.phrase}"]
    if evidence.total < needed:
        near = evidence.total == needed - 1 and evidence.attributed
        return "none", ["incident_words_without_report"] if near else []
    doubts = [f"by_sound:{chosen.hit.phrase}"] if chosen.hit.by_sound else []
    if chosen.hit.codes(Kind.AGENCY) and not heard.context.open_incident:
        doubts.append("kind_not_understood")
    return "report", doubts


def _adds(heard: _Heard) -> bool:
    """Whether something is told of the open incident without its kind: whom to send, where, who is hurt."""
    told_where = heard.place is not None and (
        heard.context.asked == "situation"
        or heard.evidence.attributed
        or _LEADS_TO_PLACE.search(heard.reading.text) is not None
    )
    return bool(heard.called.requested) or told_where or heard.casualties is not None


def _hint(heard: _Heard, polarity: Polarity) -> IncidentHint:
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


def _acts(reading: Reading, hint: IncidentHint, headcount: Headcount) -> tuple[str, ...]:
    """The acts in the order of the text, with what the whole call does in front."""
    first = [hint.polarity] if hint.polarity != "none" else []
    ordered = [c for h in reading.stated(Kind.ACT) for c in h.codes(Kind.ACT)]
    if headcount != Headcount():
        ordered.append("present")
    return tuple(dict.fromkeys([*first, *ordered]))


def is_command(understanding: Understanding) -> bool:
    """Whether the command post speaks: by name, or unnamed with words that only it uses."""
    caller: Resolution = understanding.caller
    if caller.kind == "command":
        return True
    if caller.status != "unknown" or understanding.callee.kind == "command":
        return False
    return bool(set(understanding.acts) & (_COMMAND_ACTS | {"promise"}))
