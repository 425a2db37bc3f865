"""Who answers for another unit: 棠东小学代金穗花园应答. Pure.

The name behind 代 or 替 is whom the answer is for and never who speaks, though it stands where a caller's
name does. A recogniser writes 带 or 提 for them as often; the verb behind the name tells them apart.
"""

import re
from dataclasses import replace
from typing import Final

from gateway.model import UNKNOWN, Resolution, Understanding
from gateway.understand.resolve import Parties, Prior, Resolver

STANDS_IN: Final = "stands_in"
"""The act of a transmission that answers for somebody else."""
_HEARD_NATS: Final = 0.5
"""The audio must speak for the other name by itself, not only its turn."""
_AS_LIKELY: Final = 0.25
"""A name with this share of the best one's score was heard as well as that."""
_MORE_LIKELY_THAN_NOT: Final = 0.5
_TELLING: Final = frozenset({"present", "all_normal", "ack_received"})
_NOT_ANSWERING: Final = frozenset({"hail", "ask_headcount", "instruct"})
_FOR: Final = r"(?:代替|代(?!表)|带|待|替|提|帮)"
"""代表 is what the head of a unit says of his own."""
_ANSWERS: Final = r"(?:应答|应到|回答|答复|答到|作答|回复|回应|报到|报告|汇报|报一下)"
_STANDS_IN: Final = re.compile(rf"{_FOR}(?P<name>[^,.!?。,]{{2,24}}?),?(?:{_ANSWERS})")
_PRONOUN: Final = re.compile(rf"{_FOR}(?:他们|他|她|她们|它|为)?(?:{_ANSWERS})")
_THEM: Final = frozenset({"他们", "她们", "他", "她", "它", "我们", "你们"})


def stand_in(text: str, parties: Parties, resolver: Resolver, prior: Prior | None = None) -> Parties | None:
    """Return who speaks and for whom, None when `text` answers for nobody else.

    `parties` is what call order alone made of it. The one answered for is unknown where only a pronoun
    stands, and so is a speaker who cannot be told from the one answered for.
    """
    found = _STANDS_IN.search(text)
    name = found["name"] if found is not None else None
    if found is None or name in _THEM:
        if _PRONOUN.search(text) is None and found is None:
            return None
        speaks = parties.caller
        known = parties.callee.kind == "unit" and parties.callee.unit_id not in {None, speaks.unit_id}
        return replace(parties, callee=parties.callee if known else UNKNOWN) if speaks.unit_id else None
    meant = _waited_for(resolver.resolve(f"{name},听到请回答", None, prior).callee, prior)
    if meant.unit_id is None or text[found.start()] in (meant.name or ""):
        # 时代花园报告 answers for nobody; 带两个人汇报 names nobody.
        return None
    readings = (f"{text[: found.start()]},收到", text[: found.start()] + text[found.end() :])
    callers = (*(resolver.resolve(reading).caller for reading in readings), parties.caller)
    others = (one for one in callers if one.status == "matched" and one.unit_id not in {None, meant.unit_id})
    return Parties(next(others, UNKNOWN), meant)


def _waited_for(meant: Resolution, prior: Prior | None) -> Resolution:
    """Of units whose names sound alike, 溪都 and 曦都, the one that is waited for now."""
    if meant.status != "ambiguous" or prior is None:
        return meant
    best = meant.candidates[0].score
    waited_for = [
        one for one in meant.candidates if one.unit_id in prior.expected and one.score >= _AS_LIKELY * best
    ]
    if len(waited_for) != 1:
        return meant
    return replace(meant, status="matched", unit_id=waited_for[0].unit_id, name=waited_for[0].name)


def told_beside(meaning: Understanding, in_turn: str | None) -> bool:
    """Whether another unit answers and names the one in turn elsewhere in what it says.

    A recogniser loses 代 and 应答 more often than not; both names are heard in the audio. Who names another
    unit in that one's own turn, reports nothing and calls nobody, answers for it.
    """
    caller = meaning.caller
    if in_turn is None or caller.kind != "unit" or _likely(caller) in {None, in_turn}:
        return False
    acts = set(meaning.acts)
    tells = bool(acts & _TELLING) or meaning.headcount.present is not None
    if not tells or acts & _NOT_ANSWERING or meaning.incident.polarity != "none":
        return False
    return _heard_apart(caller, in_turn)


def _likely(caller: Resolution) -> str | None:
    """Who speaks, though perhaps not certain enough to be named."""
    if caller.status == "matched":
        return caller.unit_id
    best = caller.candidates[0] if caller.status == "ambiguous" and caller.candidates else None
    return best.unit_id if best is not None and best.score >= _MORE_LIKELY_THAN_NOT else None


def _heard_apart(caller: Resolution, unit_id: str) -> bool:
    """Whether the audio has this unit's name before or behind the caller's."""
    own = caller.span_s
    if own is None:
        return False
    spans = [
        ground.span_s
        for candidate in caller.candidates
        if candidate.unit_id == unit_id
        for ground in candidate.grounds
        if ground.by == "phones" and ground.span_s is not None and (ground.nats or 0.0) >= _HEARD_NATS
    ]
    return any(start >= own[1] or end <= own[0] for start, end in spans)
