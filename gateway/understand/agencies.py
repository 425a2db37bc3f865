"""Who is asked to come, who has been promised and who has arrived."""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from gateway.understand.lexicon import Lexicon
from gateway.understand.match import Hit, Kind
from gateway.understand.reading import Reading, clause_of

_LIST_GAP: Final = re.compile(r"(?:[,和与及跟还有以、或 ]|的|车辆|车|队|人员|部门|电话){0,4}")
_ARRIVES: Final = re.compile(
    r"(?:的)?(?:人员|车辆|车|队员|同志|救援|力量)*(?:都|也|均|全部)?(?:已经|已|刚)?"
    r"(?:到达|到场|到位|赶到|到了|抵达|来了|进场|到现场)"
)
_DONE: Final = re.compile(r"已|了")
_COMES: Final = re.compile(
    r"(?:的)?(?:人员|车辆|车)*(?:正在|已经|已|马上|立即|立刻|很快)+"
    r"(?:出发|前往|赶来|赶往|过来|派出|出动|安排|在路上|通知|到)"
)
_NO_NEED: Final = re.compile(
    r"(?:(?:不需要|不用|无需|不要|取消)[^,.!?]{0,4}|(?:没有|未|不是)[^,.!?请派叫要]{0,4})$"
)
_AT_WORK: Final = re.compile(
    r"(?:正在|人员正在|在)(?:处置|劝|抢救|灭火|扑救|调解|巡逻|执勤|维持|疏散|救)|受伤|被打|岗|门口|附近|旁边"
)
_TOKEN: Final = re.compile(r"[^,.!?和与及、]{2,5}")
_NEVER_NEEDS: Final = frozenset({"COMMAND"})
_BY_SOUND_ONLY_IN_REQUEST: Final = 2


@dataclass(frozen=True, slots=True)
class Called:
    """Agencies by what is said of them, in the order of the text; `doubts` are reasons for a review."""

    requested: tuple[str, ...] = ()
    promised: tuple[str, ...] = ()
    arrived: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def read_agencies(reading: Reading, lexicon: Lexicon, *, asked: bool) -> Called:
    """Read what is said of agencies. `asked` when the command post has just asked whom to send.

    A mention is no request: it needs a request verb before the list it stands in, a noun such as 支援 after
    it, or company (two agencies named together with nothing else said of them). Words that are places too
    (医院, 派出所) need the verb. The command post itself is never a need.
    """
    requested: dict[str, None] = {}
    promised: dict[str, None] = {}
    arrived: dict[str, None] = {}
    for chain in _chains(reading):
        codes = [c for h in chain for c in h.codes(Kind.AGENCY) if c not in _NEVER_NEEDS]
        said = _said_of(chain, codes, reading, lexicon, asked=asked)
        if said == "arrived":
            arrived.update(dict.fromkeys(codes))
        elif said == "promised":
            promised.update(dict.fromkeys(codes))
        elif said == "requested":
            called_for = [
                h for h in chain if h.phrase not in lexicon.place_like or _verb_before(h, reading, lexicon)
            ]
            needs = [c for h in called_for for c in h.codes(Kind.AGENCY) if c not in _NEVER_NEEDS]
            requested.update(dict.fromkeys(needs))
    misspelt = _by_sound(reading, lexicon)
    extra = [code for code, _ in misspelt if code not in requested and code not in promised]
    doubts = tuple(f"by_sound:{heard}" for code, heard in misspelt if code in extra)
    return Called((*requested, *dict.fromkeys(extra)), tuple(promised), tuple(arrived), doubts)


def _chains(reading: Reading) -> list[list[Hit]]:
    """Agencies said one after another, with nothing between but commas and 和."""
    hits = [h for h, _ in reading.hits if h.codes(Kind.AGENCY)]
    chains: list[list[Hit]] = [hits[:1]] if hits else []
    for left, right in pairwise(hits):
        if _LIST_GAP.fullmatch(reading.masked, left.end, right.start):
            chains[-1].append(right)
        else:
            chains.append([right])
    return chains


def _said_of(
    chain: list[Hit], codes: list[str], reading: Reading, lexicon: Lexicon, *, asked: bool
) -> str | None:
    if not codes:
        return None
    text, start, end = reading.masked, chain[0].start, chain[-1].end
    clause_start = clause_of(text, start)[0]
    clause_end = clause_of(text, end)[1] if end < len(text) else end
    before, after = text[clause_start:start], text[end:clause_end]
    struck = any(h.start == end for h in reading.stated(Kind.INCIDENT))
    if struck or _NO_NEED.search(before) or _asks(reading, chain):
        return None
    asked_for = lexicon.request_verbs.search(before)
    there = _ARRIVES.match(after)
    if there and (not asked_for or _DONE.search(there[0])):
        return "arrived"
    if lexicon.done_verbs.search(before) or (_COMES.match(after) and not asked_for):
        return "promised"
    if asked_for or lexicon.request_nouns.search(after[:12]):
        return None if _AT_WORK.match(after) and not asked_for else "requested"
    alone = len(set(codes)) < 2 and not asked  # noqa: PLR2004 - company is two
    return None if alone or _AT_WORK.match(after) else "requested"


def _asks(reading: Reading, chain: list[Hit]) -> bool:
    return any(standing == "asked" for h, standing in reading.hits if h in chain)


def _verb_before(hit: Hit, reading: Reading, lexicon: Lexicon) -> bool:
    start = max((m.end() for m in re.finditer(r"[.!?]", reading.masked[: hit.start])), default=0)
    return lexicon.request_verbs.search(reading.masked, start, hit.start) is not None


def _by_sound(reading: Reading, lexicon: Lexicon) -> list[tuple[str, str]]:
    """Two-syllable agencies misspelt by the recogniser (公鞍), only between a request verb and its noun."""
    text = reading.masked
    found: list[tuple[str, str]] = []
    for verb in lexicon.request_verbs.finditer(text):
        if verb.end() - verb.start() < _BY_SOUND_ONLY_IN_REQUEST:
            continue
        stop = clause_of(text, verb.end() - 1)[1]
        noun = lexicon.request_nouns.search(text, verb.end(), min(stop + 12, len(text)))
        if noun is None:
            continue
        for token in _TOKEN.finditer(text, verb.end(), noun.start()):
            taken = any(h.start < token.end() and token.start() < h.end for h, _ in reading.hits)
            heard = None if taken else lexicon.book.homophone(token[0], Kind.AGENCY)
            if heard is not None and len(token[0]) == len(heard.phrase):
                found += [(c, token[0]) for c in heard.codes(Kind.AGENCY) if c not in _NEVER_NEEDS]
    return found
