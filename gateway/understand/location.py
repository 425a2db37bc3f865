"""Where it is, by the lexicon's place grammar: components from general to specific, put together as said."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from gateway.understand.lexicon_rules import PlaceGrammar

MASK: Final = "\x00"
"""Stands for text that is somebody's name: no place is read across it."""

_GAP: Final = re.compile(r"[的在靠,处 ]{0,2}")
_GAP_TO_RELATION: Final = re.compile(r"[的在靠 ]?")
"""里面有5个人 after a pause tells nothing of the place before it."""
_LEADS_TO_PLACE: Final = re.compile(r"(?:在|位于|地点是|地点|位置是|位置)$")
_LEADS_ELSEWHERE: Final = re.compile(r"(?:前往|赶往|送到|送往|去|来自|往|向|朝)$")
_WEIGHTS: Final = {"junction": 3.0, "building": 3.0, "relation": 0.5, "distance": 0.5, "place": 0.5}
_ROAD_END: Final = re.compile(r"路|街|大道|巷|胡同|高速|桥|隧道")
_NAMED: Final = frozenset({"road", "junction"})
_MERGE_WITHIN_CHARS: Final = 20


@dataclass(frozen=True, slots=True)
class Place:
    """A place as said: `text` from the first to the last component, `parts` by the components' names."""

    text: str
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Component:
    name: str
    start: int
    end: int
    text: str


def read_place(
    text: str, grammar: PlaceGrammar, near: int | None = None, taken: Sequence[tuple[int, int]] = ()
) -> Place | None:
    """The place `text` names, or None. `near` is where the incident's word stands: places close to it win.

    Names must have been replaced by `MASK`. A lift or road within one of the spans `taken` by other
    phrases (电梯困人) is no place.
    """
    collected = [c for c in _collect(text, grammar) if not (_may_be_told(c) and _within(c, taken))]
    found = _settle(collected, text, grammar)
    groups = _groups(found, text)
    if not groups:
        return None
    best = max(groups, key=lambda g: _score(g, text, near))
    if _score(best, text, None) < 1 and not any(_alone(c, grammar) for c in best):
        return None
    order = {name: rank for rank, (name, _) in enumerate(grammar.components)}
    merged = [best]
    named = {c.name for c in best}
    for group in groups:
        apart = max(group[0].start - best[-1].end, best[0].start - group[-1].end)
        if group is best or {c.name for c in group} & named or apart > _MERGE_WITHIN_CHARS:
            continue
        if any(c.name not in {"relation", "distance", "place"} for c in group) and not _elsewhere(
            group, text
        ):
            merged.append(group)
            named |= {c.name for c in group}
    merged.sort(key=lambda g: (min(order[c.name] for c in g), g[0].start))
    words = "".join(text[g[0].start : g[-1].end] for g in merged)
    parts = {c.name: c.text for g in reversed(merged) for c in reversed(g)}
    ordered = dict.fromkeys(c.name for g in merged for c in g)
    return Place(words.replace(",", ""), tuple((name, parts[name]) for name in ordered))


def _collect(text: str, grammar: PlaceGrammar) -> list[_Component]:
    every: list[_Component] = []
    for name, pattern in grammar.components:
        for match in pattern.finditer(text):
            start, end = match.span(name)
            if name in _NAMED:
                start += _name_begins(_ROAD_END.split(text[start:end])[0], grammar.name_stops)
                if _ROAD_END.match(text, start) or text[start:end] in grammar.not_roads:
                    continue
            if start > 0 and text[start - 1].isdigit() and text[start].isdigit():
                continue
            every.append(_Component(name, start, end, text[start:end]))
    every.sort(key=lambda c: (c.start - c.end, c.start))
    taken: list[_Component] = []
    for one in every:
        if all(one.end <= other.start or other.end <= one.start for other in taken):
            taken.append(one)
    return sorted(taken, key=lambda c: c.start)


def _may_be_told(component: _Component) -> bool:
    """Whether an incident's words could be taken for this: 电梯 in 电梯困人, a road in misheard ones."""
    return component.name in _NAMED or component.text.startswith("电梯")


def _within(component: _Component, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start < component.end and component.start < end for start, end in spans)


def _name_begins(name: str, stops: re.Pattern[str]) -> int:
    ends = [match.end() for match in stops.finditer(name)]
    return ends[-1] if ends else 0


def _settle(found: list[_Component], text: str, grammar: PlaceGrammar) -> list[_Component]:
    """Drop, until nothing changes, what is too weak to stand without a neighbour it has not got."""
    while True:
        kept = [c for i, c in enumerate(found) if _stands(c, _neighbours(found, i, text), grammar)]
        if len(kept) == len(found):
            return kept
        found = kept


def _neighbours(found: Sequence[_Component], at: int, text: str) -> set[str]:
    names = set()
    if at > 0 and _adjacent(found[at - 1], found[at], text):
        names.add(found[at - 1].name)
    if at + 1 < len(found) and _adjacent(found[at], found[at + 1], text):
        names.add(found[at + 1].name)
    return names


def _adjacent(left: _Component, right: _Component, text: str) -> bool:
    gap = _GAP_TO_RELATION if right.name == "relation" else _GAP
    return gap.fullmatch(text, left.end, right.start) is not None


def _stands(component: _Component, neighbours: set[str], grammar: PlaceGrammar) -> bool:
    needed = grammar.needs_neighbour.get(component.name)
    if needed is None or neighbours & needed:
        return True
    return _alone(component, grammar)


def _alone(component: _Component, grammar: PlaceGrammar) -> bool:
    pattern = grammar.stands_alone.get(component.name)
    return pattern is not None and pattern.fullmatch(component.text) is not None


def _groups(found: list[_Component], text: str) -> list[list[_Component]]:
    groups: list[list[_Component]] = [found[:1]] if found else []
    for left, right in pairwise(found):
        # 东侧围墙边上 has two sides: the text tells both, the part the first
        repeated = right.name in {c.name for c in groups[-1]} and (
            right.name != "relation" or left.name == "relation"
        )
        if _adjacent(left, right, text) and not repeated:
            groups[-1].append(right)
        else:
            groups.append([right])
    return groups


def _elsewhere(group: list[_Component], text: str) -> bool:
    return _LEADS_ELSEWHERE.search(text, 0, group[0].start) is not None


def _score(group: list[_Component], text: str, near: int | None) -> float:
    score = sum(_WEIGHTS.get(c.name, 2.0) for c in group)
    if _LEADS_TO_PLACE.search(text, 0, group[0].start):
        score += 1.5
    if _elsewhere(group, text):
        score -= 2.5
    if near is not None:
        away = min(abs(near - group[0].start), abs(near - group[-1].end))
        score -= min(away, 40) * 0.05
    return score
