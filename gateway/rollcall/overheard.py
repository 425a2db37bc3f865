"""What a followed roll-call hears, by which rules, and what it says moved."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from gateway.model import SoundClass
from gateway.rollcall.sheet import Item, Sheet
from gateway.understand.turns import Utterance

Verb = Literal["started", "called", "answered", "missed", "finished"]


@dataclass(frozen=True, slots=True)
class ListeningRules:
    """How a followed roll-call is read. `new_id` makes roll-call ids; times are seconds.

    `forget_s` is how long nobody may go on with a roll-call before it is over. An opening phrase within
    `repeat_s` of the last, or before the first call, is the same roll-call announced again.
    """

    new_id: Callable[[], str]
    unnamed_within_s: float = 60.0
    forget_s: float = 1800.0
    repeat_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Overheard:
    """One transmission as a roll-call hears it, after the conversation has.

    The times are of its carrier. `lost_audio` when part of it did not reach the gateway, `failed` when there
    was speech and no words could be had. `emergency` when it opened an incident that is no exercise,
    `told_incident` when it told of one.
    """

    utterance: Utterance
    began_at: datetime
    ended_at: datetime
    sound: SoundClass = SoundClass.SPEECH
    lost_audio: bool = False
    failed: bool = False
    emergency: bool = False
    told_incident: bool = False
    ordered: tuple[tuple[str, str], ...] = ()
    """(unit id, name) of the units that an order names, where it is one."""
    parts: tuple["Overheard", ...] = ()
    """What each one said, where several that a drill waits for ran together in one transmission."""


@dataclass(frozen=True, slots=True)
class RollcallChange:
    """What a transmission moved: `item` is the line of called, answered and missed, None otherwise."""

    verb: Verb
    sheet: Sheet
    item: Item | None = None
