"""What a transmission means to a drill that the gateway holds: overheard words in, happenings out. Pure.

An officer who orders units about, 请棠东小学立即赶到东门, names a unit and an arrival and is neither: taken
for the unit's report it would grade what nobody did.
"""

import re
from dataclasses import replace
from typing import Final

from gateway.rollcall.happenings import Deaf, Event, Understood
from gateway.rollcall.hearing import nobody, understood_of
from gateway.rollcall.overheard import Overheard
from gateway.understand.orders import is_order as orders

_NAMES: Final = re.compile(r"请([^.!?请]{2,60}?)(?:立即|马上|迅速|尽快|速速|赶快|火速|立刻)")
_LIST: Final = re.compile(r"[、,]")
_AND: Final = re.compile(r"(?<=..)(?:以及|及|和|与)(?=..)")
NAMED_LATE: Final = "named_late"
"""So much was said before the name that somebody else may have said it."""
_NAMES_ITSELF_S: Final = 3.3
"""Whoever reports has said 指挥中心,报告,我是 and his name by then."""
_OTHERS: Final = re.compile(r"周边|附近|邻近|各单元|各位|所有|全体|其他|其它")
"""Units that an order means without naming them."""


def is_order(heard: Overheard) -> bool:
    """Whether somebody sends units somewhere, and does not say that he goes or is there."""
    return orders(heard.utterance.text, heard.utterance.understanding.callee)


def names_in_order(text: str) -> tuple[str, ...]:
    """The stretches of an order that name units: 请金穗花园及周边单元立即到场 has one, 金穗花园."""
    stretches = [part for found in _NAMES.finditer(text) for part in _LIST.split(found.group(1))]
    named = [name.strip() for part in stretches for name in _AND.split(part)]
    return tuple(name for name in named if len(name) > 1 and not _OTHERS.search(name))


def means_others(text: str) -> bool:
    """Whether an order is also for units that it does not name."""
    return _OTHERS.search(text) is not None


def drill_happenings(heard: Overheard, *, paused: bool) -> tuple[Event, ...]:
    """Return what the drill is to be told about one transmission, in order; one Understood is among it."""
    understood = understood_of(heard, paused=paused)
    if heard.parts and not heard.emergency:
        first, *others = (_part(part, paused=paused) for part in heard.parts)
        understood = replace(first, others=tuple(others))
    elif _named_late(heard):
        reply = understood.reply
        reasons = (*reply.review_reasons, NAMED_LATE)
        understood = replace(understood, reply=reply.model_copy(update={"review_reasons": reasons}), acts=())
    elif is_order(heard) and not heard.emergency:
        understood = replace(nobody(heard), hides=understood.hides)
    return (Deaf(heard.ended_at, "audio_lost"), understood) if heard.lost_audio else (understood,)


def _part(heard: Overheard, *, paused: bool) -> Understood:
    """One of several that ran together: whoever was cut out of it is for a person to check."""
    understood = understood_of(heard, paused=paused)
    reasons = (*understood.reply.review_reasons, "spoke_together")
    return replace(understood, reply=understood.reply.model_copy(update={"review_reasons": reasons}))


def _named_late(heard: Overheard) -> bool:
    """Whether somebody else may have been speaking before the one who is named, and been covered by him."""
    span_s = heard.utterance.understanding.caller.span_s
    return span_s is not None and span_s[0] > _NAMES_ITSELF_S
