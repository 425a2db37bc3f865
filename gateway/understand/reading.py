"""What stands in one text: hits, and whether each is stated, negated, feared or asked.

没有人员受伤 reports no injury, 防止爆炸 no explosion and 是不是误报 takes nothing back.
Only stated hits count.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from gateway.understand.lexicon import Lexicon
from gateway.understand.location import MASK
from gateway.understand.match import Hit, Kind, Label

Standing = Literal["stated", "negated", "hypothetical", "asked"]

_STOPS: Final = re.compile(r"[,.!?;]")
_SCOPE_ENDS: Final = re.compile(r"[,.!?;]|但|有")
# What happened once or to somebody did happen: recognisers write 无 for 我 in 我小区发生一起….
_HAPPENED: Final = re.compile(r"[1一]起|(?<=.)发生")
_ORDERED: Final = re.compile(r"请|需要|要求|派|让|通知|速")
_HYPOTHETICAL_CHARS: Final = 8
_EDGE_WORDS: Final = frozenset({"了解", "清楚", "明白", "正确", "错误", "出动"})
"""Acts only where a clause begins or ends: 为了解决 acknowledges nothing."""
_SLOTS: Final = re.compile(r"(?:发生(?:了|过)?(?:1起|一起|起)?|有人(?:正在|在|要|想|欲)?|1起|一起)")


@dataclass(frozen=True, slots=True)
class Reading:
    """One text, folded, with names masked, and the hits in it with their standing."""

    text: str
    masked: str
    hits: tuple[tuple[Hit, Standing], ...]
    doubts: tuple[str, ...]

    def stated(self, *kinds: Kind) -> list[Hit]:
        """The stated hits that have a meaning of one of `kinds`."""
        return [h for h, standing in self.hits if standing == "stated" and any(h.codes(k) for k in kinds)]

    def acts(self) -> set[str]:
        """The stated acts and drill marks by their codes."""
        return {code for h in self.stated(Kind.ACT) for code in h.codes(Kind.ACT)}

    def clause(self, at: int) -> tuple[int, int]:
        """The clause that holds position `at`: [start, end) between stops."""
        return clause_of(self.text, at)


def clause_of(text: str, at: int) -> tuple[int, int]:
    """The stretch between the stops around position `at`."""
    start = max((m.end() for m in _STOPS.finditer(text, 0, at)), default=0)
    stop = _STOPS.search(text, at)
    return start, stop.start() if stop else len(text)


def mask(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """`text` with each span blotted out, of the same length."""
    for start, end in spans:
        text = text[:start] + MASK * (end - start) + text[end:]
    return text


def read(text: str, lexicon: Lexicon, names: Iterable[tuple[int, int]] = ()) -> Reading:
    """Find everything in `text`, which must be folded; `names` are stretches that name somebody."""
    masked = mask(text, names)
    found = lexicon.book.find(masked)
    hits = [h for h in found.hits if not _bare(h, masked)]
    told = _patterned(masked, hits, lexicon)
    hits = [h for h in hits if not any(t.holds(h) for t in told)] + told
    hits += _in_slots(masked, hits, lexicon)
    hits.sort(key=lambda h: h.start)
    return Reading(
        text, masked, tuple((h, standing(h, hits, masked, lexicon)) for h in hits), found.doubts
    )  # fmt: skip


def kinds_denied(reading: Reading) -> frozenset[str]:
    """The incident words that a text has and only denies (没人打架): the audio, too, has them denied."""
    stated = {h.phrase for h in reading.stated(Kind.INCIDENT)}
    words = {h.phrase for h, how in reading.hits if how == "negated" and h.codes(Kind.INCIDENT)}
    return frozenset(words - stated)


def standing(hit: Hit, hits: list[Hit], text: str, lexicon: Lexicon) -> Standing:
    """Whether the words around `hit` state it, deny it, fear it or ask for it."""
    start, end = clause_of(text, hit.start)
    rules = lexicon.negation
    if _asked(hit, text, (start, end), lexicon):
        return "asked"
    if (
        "arrived" in hit.codes(Kind.ACT)
        and _ORDERED.search(text, start, hit.start)
        and "已" not in hit.phrase
    ):
        return "asked"
    if any(
        hit.start - m.end() <= _HYPOTHETICAL_CHARS and not _inside(m.span(), hits)
        for m in rules.hypothetical.finditer(text, start, hit.start)
    ):
        return "hypothetical"
    if hit.phrase not in rules.exceptions and _denied(hit, hits, text, start, lexicon):
        return "negated"
    return "stated"


def _denied(hit: Hit, hits: list[Hit], text: str, clause_start: int, lexicon: Lexicon) -> bool:
    rules = lexicon.negation
    innocent = [m.span() for m in rules.not_prefixes.finditer(text)]
    for match in rules.prefixes.finditer(text, clause_start, hit.start):
        if _inside(match.span(), hits) or any(s <= match.start() < e for s, e in innocent):
            continue
        between = text[match.end() : hit.start]
        reach = between.removeprefix("有")
        told = reach + text[hit.start : hit.end]
        if len(reach) <= rules.scope_chars and not (_SCOPE_ENDS.search(reach) or _HAPPENED.search(told)):
            return True
    return False


def _asked(hit: Hit, text: str, clause: tuple[int, int], lexicon: Lexicon) -> bool:
    start, end = clause
    for match in lexicon.negation.questions.finditer(text, start, end):
        if not (hit.start <= match.start() and match.end() <= hit.end):
            return True
    return hit.end < end and text[hit.end : end] in lexicon.negation.question_ends


def _inside(span: tuple[int, int], hits: list[Hit]) -> bool:
    return any(h.start <= span[0] and span[1] <= h.end for h in hits)


def _bare(hit: Hit, text: str) -> bool:
    """One character is an act only as a whole clause (讲), and a bare telephone number not inside another."""
    start, end = clause_of(text, hit.start)
    if hit.end - hit.start == 1 and hit.codes(Kind.ACT):
        return (start, end) != (hit.start, hit.end)
    if hit.phrase in _EDGE_WORDS:
        return hit.start != start and hit.end != end and text[hit.start - 1] != MASK
    if hit.phrase.isdigit():
        return text[hit.start - 1 : hit.start].isdigit() or text[hit.end : hit.end + 1].isdigit()
    return False


def _patterned(text: str, hits: list[Hit], lexicon: Lexicon) -> list[Hit]:
    """What the patterns of kinds find; each takes the whole of the incident's word that it ends within."""
    found = []
    for code, pattern in lexicon.type_patterns:
        for m in pattern.finditer(text):
            end = max([m.end(), *(h.end for h in hits if h.start < m.end() < h.end and _tells(h))])
            hit = Hit(m.start(), end, text[m.start() : end], (Label(Kind.INCIDENT, code),))
            known = any(h.start == m.start() and h.end == end for h in hits)
            if m[0] and not known and not any(hit.overlaps(h) and not _longer(hit, h) for h in hits):
                found.append(hit)
    return _apart(found)


def _tells(hit: Hit) -> bool:
    return bool(hit.codes(Kind.INCIDENT))


def _longer(told: Hit, hit: Hit) -> bool:
    """Whether a pattern holds an incident's own word and says more: 电动车…烧起来 for 烧起来."""
    return told.holds(hit) and _tells(hit)


def _apart(found: list[Hit]) -> list[Hit]:
    """The longest of those that overlap; of equals all, for the kind is weighed later."""
    kept: list[Hit] = []
    for hit in sorted(found, key=lambda h: h.start - h.end):
        size = hit.end - hit.start
        if not any(hit.overlaps(k) and k.end - k.start > size for k in kept):
            kept.append(hit)
    return kept


def _in_slots(text: str, hits: list[Hit], lexicon: Lexicon) -> list[Hit]:
    """Two-syllable incident words misspelt by the recogniser, only where the words before announce one."""
    found: list[Hit] = []
    for slot in _SLOTS.finditer(text):
        heard = lexicon.book.homophone(text[slot.end() :], Kind.INCIDENT)
        if heard is None:
            continue
        start = slot.end()
        hit = Hit(start, start + 2, heard.phrase, heard.labels, heard.cost, by_sound=True)
        if not any(hit.overlaps(h) for h in (*hits, *found)):
            found.append(hit)
    return found
