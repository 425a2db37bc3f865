"""One call read once: what stands in it, and how much like a report it is built."""

from dataclasses import dataclass
from typing import Final, Literal

from gateway.model import Transcript
from gateway.understand.agencies import Called, read_agencies
from gateway.understand.evidence import Evidence, Situation, weigh
from gateway.understand.lexicon import Lexicon
from gateway.understand.lexicon_rules import UNKNOWN_CODE
from gateway.understand.location import Place, read_place
from gateway.understand.match import Hit, Kind
from gateway.understand.orders import orders_by_name
from gateway.understand.reading import Reading
from gateway.understand.resolve import Parties
from gateway.understand.slots import Chosen, choose_incident, read_casualties

Asked = Literal["headcount", "situation"]
Mark = Literal["open", "close", "marker", "live"]

COMMAND_ACTS: Final = frozenset({"go_ahead", "instruct", "ask_situation", "ask_headcount"})
"""What only a command post says."""
SELF_MOVES: Final = frozenset({"arrived", "ack_wilco"})
"""Where helpers are or go is not where it happens."""
_HAIL: Final = "呼叫"


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


@dataclass(frozen=True, slots=True)
class CallReading:
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
        """What speaks for a report and against it, by name."""
        return dict(self.evidence.points)


def read_call(
    reading: Reading,
    transcript: Transcript,
    parties: Parties,
    context: Context,
    lexicon: Lexicon,
    *,
    in_drill: bool,
) -> CallReading:
    """Put together what `reading` tells; `transcript` gives the place its own letters."""
    acts = reading.acts()
    called = read_agencies(reading, lexicon, asked=context.asked == "situation")
    chosen = choose_incident(reading, lexicon)
    moves = chosen is None and acts & SELF_MOVES
    place = None if moves else _place(reading, transcript.text, lexicon, chosen)
    by_command = parties.caller.kind == "command" or _speaks_as_command(parties, reading.text, acts)
    talking = _in_conversation(context, chosen, lexicon)
    situation = Situation(parties.caller, parties.callee, context.command_post, talking, in_drill)
    evidence = weigh(reading, situation, lexicon, chosen, called, place)
    if chosen is None and not by_command:
        chosen = _unheard_kind(reading, called, evidence, lexicon)
    return CallReading(
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


def _speaks_as_command(parties: Parties, text: str, acts: set[str]) -> bool:
    """Nobody named gives orders the way only a command post does."""
    if parties.caller.kind == "unit" and parties.caller.status != "unknown":
        return False
    if orders_by_name(text, parties.callee):
        return True
    return bool(acts & COMMAND_ACTS) and parties.callee.kind != "command"


def _unheard_kind(reading: Reading, called: Called, evidence: Evidence, lexicon: Lexicon) -> Chosen | None:
    """Somebody calls by name for agencies, but what happened was not understood: still an emergency."""
    agencies = [
        hit
        for hit in reading.stated(Kind.AGENCY)
        if set(hit.codes(Kind.AGENCY)) & set(called.requested) and not _only_hailed(hit, reading, lexicon)
    ]
    settled = reading.acts() & {"all_normal", "ack_wilco"} or called.promised or called.arrived
    if not called.requested or not agencies or settled or not evidence.attributed:
        return None
    return Chosen(UNKNOWN_CODE, agencies[0])


def _only_hailed(agency: Hit, reading: Reading, lexicon: Lexicon) -> bool:
    """Whether nothing but the 呼叫 of a call asks for an agency: 收到警察 behind it is 收到请讲."""
    text = reading.masked
    verbs = list(lexicon.request_verbs.finditer(text, 0, agency.start))
    hails = [m for m in verbs if m[0] == _HAIL and m.end() < agency.start]
    return bool(hails) and len(hails) == len(verbs) and not lexicon.request_nouns.search(text, agency.end)


def exercise_mark(reading: Reading) -> Mark | None:
    """The mark that counts of all that are stated; 不是演练 before any other."""
    marks = {code for h in reading.stated(Kind.DRILL) for code in h.codes(Kind.DRILL)}
    order: tuple[Mark, ...] = ("live", "close", "open", "marker")
    return next((mark for mark in order if mark in marks), None)
