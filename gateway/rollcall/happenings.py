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
    says to answer for; `stands_in` when it answers for one, known or not. `answers` when the words are those
    of an answer. `hides` names what drowned the channel when it was no speech. `emergency` when it reports an
    incident that is no exercise. `acts` are the dialogue acts and `position` the place it names, which a
    drill grades. `others` are who spoke after it in the same transmission, where several ran together.
    """

    reply: Reply
    unit_id: str | None = None
    candidates: tuple[str, ...] = ()
    for_unit: str | None = None
    stands_in: bool = False
    answers: bool = True
    hides: str | None = None
    emergency: bool = False
    acts: tuple[str, ...] = ()
    position: str | None = None
    others: tuple["Understood", ...] = ()

    def stood_in_for(self, waited_for: str | None) -> tuple[str | None, Reply]:
        """The unit that another one answered for, None when none, and that answer.

        Who answers for somebody and is not understood to name him answers for the one `waited_for`: for a
        person to look at, as is an answer whose giver is not known.
        """
        for_unit = self.for_unit if self.for_unit != self.unit_id else None
        doubts = []
        if for_unit is None and self.stands_in and waited_for not in {None, self.unit_id}:
            for_unit = waited_for
            doubts.append("stood_in_for_whom")
        if self.stands_in and self.unit_id is None:
            doubts.append("caller_not_named")
        reasons = (*self.reply.review_reasons, *doubts)
        reply = self.reply.model_copy(update={"review_reasons": reasons}) if doubts else self.reply
        return for_unit, reply


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
