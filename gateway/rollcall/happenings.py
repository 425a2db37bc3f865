"""What happens during a roll-call that the gateway holds, and what the engine wants done about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gateway.rollcall.muster import Member, Muster
from gateway.rollcall.sheet import Item, Reply, Sheet

Purpose = Literal[
    "open", "call", "ask_headcount", "acknowledge", "last_call", "close", "order", "ask_report", "resume"
]
Verb = Literal["started", "called", "answered", "missed", "finished"]
DrillVerb = Literal["started", "arrived", "finished"]
DrillMoved = Literal["ordered", "acknowledged", "departed", "arrived", "reported", "settled"]


@dataclass(frozen=True, slots=True)
class CarrierOpened:
    """Somebody keys up."""

    at: datetime


@dataclass(frozen=True, slots=True)
class CarrierClosed:
    """That transmission is over; it is not understood yet."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Understood:
    """What was heard last has been understood. None of it may be known, but that somebody spoke.

    `unit_id` is who spoke, when that is certain; `candidates` who it may have been. `for_unit` is the unit it
    says to answer for. `answers` when the words are those of an answer. `hides` names what drowned the
    channel when it was no speech. `emergency` when it reports an incident that is no exercise. `acts` are
    the dialogue acts and `position` the place it names, which a drill grades.
    """

    reply: Reply
    unit_id: str | None = None
    candidates: tuple[str, ...] = ()
    for_unit: str | None = None
    answers: bool = True
    hides: str | None = None
    emergency: bool = False
    acts: tuple[str, ...] = ()
    position: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What the last Say asked for was on the air: PTT pressed and released."""

    began_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class NotSaid:
    """The radio could not key up: the channel stayed busy, or a device failed."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Deaf:
    """The radio was not heard at `at`."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Tick:
    """It is `at` now."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop calling until Resume."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on where it was paused."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Cancel:
    """Give up; what is undecided stays undecided."""

    at: datetime


Event = CarrierOpened | CarrierClosed | Understood | Said | NotSaid | Deaf | Tick | Pause | Resume | Cancel


@dataclass(frozen=True, slots=True)
class Say:
    """Key up and say this, then answer with Said or NotSaid."""

    purpose: Purpose
    text: str
    unit_id: str | None


@dataclass(frozen=True, slots=True)
class Wake:
    """Send a Tick at this time. A later Wake replaces it."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Tell:
    """Publish what moved; `item` is the line of called, answered and missed."""

    verb: Verb
    sheet: Sheet
    item: Item | None = None


@dataclass(frozen=True, slots=True)
class TellDrill:
    """Publish what moved in a drill; `member` is the line, and `moved` the step, of an arrived event."""

    verb: DrillVerb
    muster: Muster
    member: Member | None = None
    moved: DrillMoved | None = None


Action = Say | Wake | Tell
DrillAction = Say | Wake | TellDrill
